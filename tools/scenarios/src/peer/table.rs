//! What was tried, and what moto does otherwise, for a screen.

use sandbox::command::aligned;
use sandbox::gateway::{DIFFERENCES, Instead};

use crate::row::Row;

/// Whatever was tried.
pub fn table(rows: &[Row]) -> String {
    let mut cells = vec![["function", "case", "expected", "seen", "ok"].map(str::to_owned).to_vec()];
    cells.extend(rows.iter().map(|row| {
        let ok = if row.is_ok() { "yes" } else { "NO" };
        [row.function, row.case, &row.expected, &row.seen, ok].map(str::to_owned).to_vec()
    }));
    aligned(&cells).join("\n")
}

/// What moto lacks or gets wrong, and who answers instead.
pub fn differences() -> String {
    let mut cells = vec![["operation", "what moto does", "instead"].map(str::to_owned).to_vec()];
    cells.extend(DIFFERENCES.iter().map(|difference| {
        let instead = match difference.instead {
            Instead::Gateway => "the gateway answers",
            Instead::Mended => "mended on the way",
        };
        let operation = format!("{} {}", difference.service, difference.operation);
        vec![operation, difference.moto.to_owned(), instead.to_owned()]
    }));
    aligned(&cells).join("\n")
}

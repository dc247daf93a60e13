//! The notice about an item of the ledger that cannot be read.

use super::{Facts, Kind, Step};
use crate::text::line;

/// The most characters of a key.
const MAX_KEY: usize = 200;
/// The most characters of why it cannot be read.
const MAX_WHY: usize = 600;

/// That this function has left out an item, with its partition and sort key, of the ledger's `table`.
pub fn unreadable(environment: &str, function: &str, [pk, sk]: [&str; 2], why: &str, table: &str) -> Facts {
    let item = format!("{} / {}", line(pk, MAX_KEY), line(sk, MAX_KEY));
    let why = line(why, MAX_WHY);
    let step = "You: look at the item, and mend or delete it. This is the only notice about it.";
    Facts {
        lines: vec![
            format!("The item {item} of the table {table} cannot be read: {}.", why.trim_end_matches('.')),
            "It is left out; everything else goes on.".to_owned(),
        ],
        steps: vec![Step::new(step)],
        ..Facts::new(environment, function, Kind::Other, format!("LEDGER: {item} cannot be read"))
    }
}

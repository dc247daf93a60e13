//! The notice about an item of the ledger that cannot be read.

use shared::{
    notice::{Facts, Kind, Step},
    text::line,
};

use crate::{FUNCTION, store::Unreadable};

/// `table` is the ledger's.
pub fn unreadable(item: &Unreadable, table: &str, environment: &str) -> Facts {
    let Unreadable { pk, sk, why, .. } = item;
    let what = format!(
        "The item {} / {} of the table {table} cannot be read: {}.",
        line(pk, 200),
        line(sk, 200),
        line(why, 600),
    );
    let step = "You: look at the item, and mend or delete it. This is the only notice about it.";
    Facts {
        lines: vec![what, "It is left out; everything else goes on.".to_owned()],
        steps: vec![Step::new(step)],
        ..Facts::new(environment, FUNCTION, Kind::Other, format!("LEDGER: {pk} / {sk} cannot be read"))
    }
}

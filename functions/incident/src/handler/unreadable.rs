//! What cannot be read in the ledger is left out, and named to people once.

use jiff::Timestamp;
use shared::{error::chain, text::line};

use super::Desk;
use crate::{request::digest, store::Unreadable};

/// The rest is the next run's.
const AT_ONCE: usize = 10;

impl Desk {
    /// Tells people of each item that was met and could not be read, once. What fails here is met again.
    pub(super) async fn name_unreadable(&self, now: Timestamp) {
        let mut told = 0;
        for item in &self.store().take_unreadable() {
            if told >= AT_ONCE {
                break;
            }
            let Unreadable { pk, sk, why, .. } = item;
            let subject = format!("[{}] LEDGER: {pk} / {sk} cannot be read", self.settings.environment);
            let message = format!(
                "The item {} / {} of the table {} cannot be read: {}.\nIt is left out; all else goes on.\nYou: look at the item, and mend or delete it. You are told of it once.",
                line(pk, 200),
                line(sk, 200),
                self.settings.ledger_table,
                line(why, 600),
            );
            let id = format!("unreadable-{}", digest(&format!("{pk}/{sk}/{}", item.digest)));
            let owed = self.owe(&subject, &message, &id, now);
            match self.store().remember_unreadable(item, owed.item(), now).await {
                Ok(true) => {
                    told += 1;
                    self.outbox().send(&owed).await;
                }
                // People know.
                Ok(false) => {}
                Err(error) => tracing::error!(pk, sk, error = chain(&error), "people were not told of it"),
            }
        }
    }
}

//! Items of the ledger that cannot be read are left out, and people are told of each once.

use jiff::Timestamp;
use shared::{error::chain, text::line};

use super::context::Handler;
use crate::{slug::digest, store::Unreadable};

/// How many are reported in one run; the next run goes on.
const AT_ONCE: usize = 10;

impl Handler {
    /// Tells people of each unreadable item that this run has met, once. The next run meets again what fails here.
    pub(super) async fn report_unreadable(&self, now: Timestamp) {
        let mut told = 0;
        for item in &self.store().take_unreadable() {
            if told >= AT_ONCE {
                break;
            }
            let Unreadable { pk, sk, why, .. } = item;
            let subject = format!("[{}] LEDGER: {pk} / {sk} cannot be read", self.settings.environment);
            let message = format!(
                "The item {} / {} of the table {} cannot be read: {}.\nIt is left out; everything else goes on.\nYou: look at the item, and mend or delete it. This is the only notice about it.",
                line(pk, 200),
                line(sk, 200),
                self.settings.ledger_table,
                line(why, 600),
            );
            let id = format!("unreadable-{}", digest(&format!("{pk}/{sk}/{}", item.digest)));
            let pending = self.notice_to_level_1(&subject, &message, &id, now);
            match self.store().remember_unreadable(item, pending.item(), now).await {
                Ok(true) => {
                    told += 1;
                    self.outbox().send(&pending).await;
                }
                // People know it already.
                Ok(false) => {}
                Err(error) => tracing::error!(pk, sk, error = chain(&error), "people were not told of it"),
            }
        }
    }
}

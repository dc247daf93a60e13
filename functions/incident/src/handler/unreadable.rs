//! Items of the ledger that cannot be read are left out, and people are told of each once.

use jiff::Timestamp;
use shared::{error::chain, notice::unreadable};

use super::context::Handler;
use crate::{FUNCTION, settings::Settings, slug::digest, store::Unreadable};

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
            let Settings { environment, ledger_table, .. } = &self.settings;
            let facts = unreadable(environment, FUNCTION, [pk, sk], why, ledger_table);
            let id = format!("unreadable-{}", digest(&format!("{pk}/{sk}/{}", item.digest)));
            let pending = self.notice_to_level_1(facts, &id, now);
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

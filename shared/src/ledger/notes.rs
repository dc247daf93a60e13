//! What the ledger remembers of a change, for later decisions. A note that others have to know of before the change
//! is *pending* from the claim on; it becomes true in the transaction that ends the run, or is taken back there.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;

use super::Ledger;
use crate::{error::Error, plan::Note};

impl Ledger {
    /// What others are to see while the run `run` is at it.
    pub(super) fn pending(
        &self,
        target: &str,
        note: &Note,
        run: &str,
    ) -> Result<Option<TransactWriteItem>, Error> {
        match note {
            Note::Frozen { freeze, .. } | Note::Thawed { before: freeze } => {
                self.put_freeze(target, freeze, Some(run)).map(Some)
            }
            Note::RolledBack { .. } => Ok(None),
        }
    }

    /// The change has taken effect.
    pub(super) fn confirmed(
        &self,
        target: &str,
        note: &Note,
        now: Timestamp,
    ) -> Result<TransactWriteItem, Error> {
        match note {
            Note::Frozen { freeze, .. } => self.put_freeze(target, freeze, None),
            Note::Thawed { .. } => self.no_freeze(target),
            Note::RolledBack { release } => self.rolled_back(target, release, now),
        }
    }

    /// Nothing came of the change.
    pub(super) fn taken_back(&self, target: &str, note: &Note) -> Result<Option<TransactWriteItem>, Error> {
        match note {
            Note::Frozen { before: None, .. } => self.no_freeze(target).map(Some),
            Note::Frozen { before: Some(before), .. } | Note::Thawed { before } => {
                self.put_freeze(target, before, None).map(Some)
            }
            Note::RolledBack { .. } => Ok(None),
        }
    }
}

//! What the ledger remembers of a change, for later decisions. A note that others have to know of before the change
//! is *pending* from the claim on; it becomes true in the transaction that ends the run, or is taken back there.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    FREEZE, Ledger,
    items::{built, item_key, kept, put, string, target_key},
};
use crate::{error::Error, freeze::Freeze, releases};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// Writes are frozen.
    Frozen {
        freeze: Freeze,
        /// The freeze that was there before: it holds on when nothing comes of this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Freeze>,
    },
    /// They are not any more.
    Thawed { before: Freeze },
    /// The release was rolled back from: nothing goes back to it by itself.
    RolledBack { release: String },
}

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
            Note::RolledBack { release } => {
                let update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(item_key(&releases::key(target), release)))
                    .update_expression("SET rolled_back_at = :now, expires_at = :expires")
                    .expression_attribute_values(":now", string(now.to_string()))
                    .expression_attribute_values(":expires", kept(now, releases::KEPT));
                Ok(TransactWriteItem::builder().update(built(update.build())?).build())
            }
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

    fn put_freeze(
        &self,
        target: &str,
        freeze: &Freeze,
        pending: Option<&str>,
    ) -> Result<TransactWriteItem, Error> {
        let mut item = item_key(&target_key(target), FREEZE);
        let since = freeze.since.to_string();
        let attributes = [
            ("since", since.as_str()),
            ("container", &freeze.variable.container),
            ("variable", &freeze.variable.name),
            ("value", &freeze.variable.value),
            ("release", &freeze.release),
            ("reason", &freeze.reason),
        ];
        for (name, value) in attributes.into_iter().chain(pending.map(|run| ("pending", run))) {
            item.insert(name.to_owned(), string(value));
        }
        put(self.put(item))
    }

    fn no_freeze(&self, target: &str) -> Result<TransactWriteItem, Error> {
        let key = item_key(&target_key(target), FREEZE);
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }
}

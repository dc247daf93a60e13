//! Which days' reports people were told.

use std::time::Duration;

use aws_sdk_dynamodb::types::Put;
use jiff::Timestamp;
use shared::{
    clock,
    error::Error,
    ledger::items::{Item, item_key, kept, put, string},
};

use super::table::Store;
use crate::FUNCTION;

/// Longer than a schedule repeats its event.
const KEPT: Duration = Duration::from_hours(48);

impl Store {
    /// Writes the notice of a day's report, together with the note that it was told. `false` if it was told before.
    pub async fn remember_digest(&self, day: &str, notice: Item, now: Timestamp) -> Result<bool, Error> {
        let mut note = item_key(&format!("event#{FUNCTION}"), &format!("digest#{day}"));
        note.insert("at".to_owned(), string(clock::sortable(now)));
        note.insert("expires_at".to_owned(), kept(now, KEPT));
        let note = Put::builder().table_name(&self.table).set_item(Some(note));
        let writes = vec![put(note.condition_expression("attribute_not_exists(pk)"))?, self.put(notice)?];
        self.transact(writes, day).await
    }
}

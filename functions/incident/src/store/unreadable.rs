//! A marker for each item that cannot be read, so that people are told of it once.

use aws_sdk_dynamodb::types::Put;
use jiff::Timestamp;
use shared::{
    clock,
    error::Error,
    ledger::{
        AUDIT_KEPT,
        items::{Item, item_key, kept, put, string},
    },
};

use super::table::{OPEN, Store, Unreadable};
use crate::slug::digest;

/// Prefix of the markers, which are in the partition of the open incidents.
pub(super) const UNREADABLE: &str = "unreadable#";

impl Store {
    /// Writes the marker of an unreadable item together with the notice about it. `false` if people were told before.
    pub async fn remember_unreadable(
        &self,
        item: &Unreadable,
        notice: Item,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let which = digest(&format!("{}/{}/{}", item.pk, item.sk, item.digest));
        let mut marker = item_key(OPEN, &format!("{UNREADABLE}{which}"));
        marker.insert("of".to_owned(), string(format!("{} / {}", item.pk, item.sk)));
        marker.insert("why".to_owned(), string(&item.why));
        marker.insert("at".to_owned(), string(clock::sortable(now)));
        marker.insert("expires_at".to_owned(), kept(now, AUDIT_KEPT));
        let marker = Put::builder().table_name(&self.table).set_item(Some(marker));
        self.transact(
            vec![
                put(marker.condition_expression("attribute_not_exists(pk)"))?,
                put(Put::builder().table_name(&self.table).set_item(Some(notice)))?,
            ],
            &item.sk,
        )
        .await
    }
}

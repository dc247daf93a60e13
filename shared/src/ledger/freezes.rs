//! The item that says that a target's writes are frozen.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use jiff::Timestamp;

use super::{
    FREEZE, Ledger, Odd,
    items::{Item, built, item_key, put, string, target_key, text},
};
use crate::{
    error::Error,
    freeze::{Freeze, Variable},
};

/// An item that cannot be read still counts as a freeze, so that no writes get through by mistake.
pub(super) fn freeze(item: &Item, odd: &mut Vec<Odd>) -> Freeze {
    let text = |name| text(item, name).to_owned();
    let since = text("since").parse().unwrap_or_else(|error: jiff::Error| {
        odd.push(Odd::new(item, format!("its `since` is no time: {error}")));
        Timestamp::UNIX_EPOCH
    });
    let mut variable =
        Variable { container: text("container"), name: text("variable"), value: text("value") };
    if [&variable.container, &variable.name, &variable.value].iter().any(|part| part.is_empty()) {
        odd.push(Odd::new(item, "it does not say by which variable".to_owned()));
        variable = Variable::default();
    }
    Freeze {
        since,
        variable,
        release: text("release"),
        reason: text("reason"),
        pending: item.contains_key("pending"),
    }
}

impl Ledger {
    pub(super) fn put_freeze(
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

    pub(super) fn no_freeze(&self, target: &str) -> Result<TransactWriteItem, Error> {
        let key = item_key(&target_key(target), FREEZE);
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }
}

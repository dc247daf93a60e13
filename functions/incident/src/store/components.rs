//! The state of each component, as people reported it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    aws,
    error::Error,
    ledger::items::{data, item_key, json, string},
};

use super::{table::Store, timeline::MAX_ENTRIES};
use crate::request::Component;

const COMPONENT: &str = "component";

/// A component's state, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentState {
    #[serde(flatten)]
    pub component: Component,
    pub at: Timestamp,
}

impl Store {
    pub async fn set_component(&self, state: &ComponentState) -> Result<(), Error> {
        let mut item = item_key(COMPONENT, &state.component.component);
        item.insert("data".to_owned(), string(json(state)?));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(|error| {
            aws::failed("write the status to the ledger", &state.component.component, &error)
        })
    }

    pub async fn components(&self) -> Result<Vec<ComponentState>, Error> {
        let items = self.query(COMPONENT, None, true, MAX_ENTRIES).await?;
        Ok(items.iter().filter_map(|item| self.read(item, data)).collect())
    }
}

//! The state of each component, as people reported it.

use shared::{
    aws,
    error::Error,
    ledger::items::{data, item_key, json, string},
};

use super::{table::Store, timeline::MAX_ENTRIES};
use crate::status::said::ComponentState;

const COMPONENT: &str = "component";

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

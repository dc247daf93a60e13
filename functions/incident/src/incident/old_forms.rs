//! Fields that earlier versions wrote in another form.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::parts::OpsItem;

/// The alarms that are in ALARM were once a list of names, without times.
pub(super) fn firing<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Timestamp>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Firing {
        Since(BTreeMap<String, Timestamp>),
        Names(BTreeSet<String>),
    }
    Ok(match Option::deserialize(deserializer)? {
        Some(Firing::Since(since)) => since,
        Some(Firing::Names(names)) => names.into_iter().map(|name| (name, Timestamp::UNIX_EPOCH)).collect(),
        None => BTreeMap::new(),
    })
}

/// An OpsItem was once its id alone.
pub(super) fn ops_item<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OpsItem>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Item {
        Item(OpsItem),
        Id(String),
    }
    Ok(Option::deserialize(deserializer)?.map(|item| match item {
        Item::Item(item) => item,
        Item::Id(id) => OpsItem { id, open: true },
    }))
}

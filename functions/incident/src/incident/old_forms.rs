//! How earlier versions wrote an incident.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::{Handling, Incident, OpsItem};

/// Once, the ringing alarms were a list without times.
pub(super) fn ringing<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Timestamp>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ringing {
        Since(BTreeMap<String, Timestamp>),
        Names(BTreeSet<String>),
    }
    Ok(match Option::deserialize(deserializer)? {
        Some(Ringing::Since(since)) => since,
        Some(Ringing::Names(names)) => names.into_iter().map(|name| (name, Timestamp::UNIX_EPOCH)).collect(),
        None => BTreeMap::new(),
    })
}

/// Once, an OpsItem was its id.
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

impl Incident {
    /// As read from the ledger, with what follows from other fields where it was not written yet.
    #[must_use]
    pub fn completed(mut self) -> Self {
        if self.round_since == Timestamp::UNIX_EPOCH {
            self.round_since = self.opened_at;
        }
        if let Handling::HandedOver { reason, .. } = &self.handling {
            // Written so before there was a field for it.
            self.taken_over |= reason.ends_with(" took it over");
        }
        self
    }
}

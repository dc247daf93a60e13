//! Who got a notice, and who did not.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use shared::error::Error;

use crate::notice::{levels, were_told};

#[derive(Debug, Default, Serialize)]
pub(super) struct Delivery {
    /// The levels that got it.
    pub(super) told: BTreeSet<u8>,
    /// The levels to whose topic nobody has confirmed a subscription.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) nobody_subscribed: BTreeSet<u8>,
    /// The levels whose topic SNS refused, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) failed: BTreeMap<u8, String>,
    /// What else went wrong, as in a state machine that did not start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) also: Vec<String>,
    #[serde(skip)]
    pub(super) error: Option<Error>,
}

impl Delivery {
    /// Whether there is nothing to say about it.
    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty() && self.unreached().is_empty() && self.also.is_empty()
    }

    /// As in `nobody is subscribed to level 1`.
    pub(super) fn unreached(&self) -> Vec<String> {
        let mut words = Vec::new();
        if !self.nobody_subscribed.is_empty() {
            words.push(format!("nobody is subscribed to {}", levels(&self.nobody_subscribed)));
        }
        words.extend(
            self.failed.iter().map(|(level, why)| format!("level {level} could not be told ({why})")),
        );
        words
    }

    /// As in `level 2 was told`, `nobody is subscribed to level 1`.
    pub(super) fn in_words(&self) -> Vec<String> {
        let told = (!self.told.is_empty()).then(|| were_told(&self.told));
        told.into_iter().chain(self.unreached()).chain(self.also.iter().cloned()).collect()
    }

    /// An error if SNS failed and no level got it: then a retry of the whole run helps.
    pub(super) fn or_error(self) -> Result<Self, Error> {
        match (self.told.is_empty(), self.error) {
            (true, Some(error)) => Err(error),
            (_, error) => Ok(Self { error, ..self }),
        }
    }

    /// An error if SNS failed for any level.
    pub(super) fn all_or_error(self) -> Result<(), Error> {
        self.error.map_or(Ok(()), Err)
    }

    /// The levels that need no further try.
    pub(super) fn tried(&self) -> BTreeSet<u8> {
        self.told.iter().chain(&self.nobody_subscribed).chain(self.failed.keys()).copied().collect()
    }
}

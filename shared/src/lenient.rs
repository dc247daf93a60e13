//! Reading what another version wrote: a word that is not known here takes nothing else with it.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `None` in place of a value that cannot be read.
pub(crate) fn if_known<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(T::deserialize(Value::deserialize(deserializer)?).ok())
}

/// The default in place of a value that cannot be read.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    if_known(deserializer).map(Option::unwrap_or_default)
}

//! Events of every kind, and what is none.

use jiff::Timestamp;
use shared::{
    lambda::Invocation,
    trigger::{self, Trigger},
};

use crate::{
    claims,
    functions::{FUNCTIONS, Function},
    seeds,
    tape::Tape,
};

pub fn trigger(data: &[u8]) {
    // One function's events or another's: by the byte after the first, which says that this is no JSON.
    let place = Tape::new(data.get(1..).unwrap_or_default()).below(FUNCTIONS.len());
    let function = FUNCTIONS.get(place).map_or("scale-up", Function::name);
    read(seeds::body(function, data));
}

/// Reads a body as a function does.
pub fn read(body: String) {
    let invocation = Invocation {
        body,
        request_id: "fuzz-request".to_owned(),
        deadline: Timestamp::UNIX_EPOCH,
        function_arn: String::new(),
    };
    match trigger::parse(&invocation) {
        Ok(triggers) => triggers.iter().for_each(is_stored_as_it_is),
        Err(error) => claims::error_is_bounded(&error),
    }
}

/// A claim keeps its trigger in the ledger: what is read back has to be the same.
fn is_stored_as_it_is(trigger: &Trigger) {
    let text = serde_json::to_string(trigger).unwrap_or_default();
    assert!(!text.is_empty(), "it cannot be stored: {trigger:?}");
    let read: Result<Trigger, _> = serde_json::from_str(&text);
    assert!(read.is_ok(), "it cannot be read back: {text}");
    // A number with a fraction may end in another last digit.
    let again = read.ok().and_then(|read| serde_json::to_value(read).ok());
    let same =
        again.zip(serde_json::to_value(trigger).ok()).is_some_and(|(again, first)| same(&again, &first));
    assert!(same, "it is not read back as it was: {text}");
}

fn same(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (a, b) = (one.as_f64().unwrap_or_default(), other.as_f64().unwrap_or_default());
            one == other || (a - b).abs() <= a.abs() * 1e-12
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        (one, other) => one == other,
    }
}

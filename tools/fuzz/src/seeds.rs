//! What is changed: the sample events.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use jiff::Timestamp;
use sandbox::events::filled;
use serde_json::Value;

use crate::{json, tape::Tape};

/// Of one function, by their files' names.
pub type Events = Vec<(String, Value)>;

static EVENTS: LazyLock<BTreeMap<String, Events>> = LazyLock::new(|| {
    let folders = names(&sandbox::workspace().join("events"));
    folders.into_iter().map(|function| (function.clone(), read(&function))).collect()
});

static NONE: Events = Vec::new();

pub fn events(function: &str) -> &'static Events {
    EVENTS.get(function).unwrap_or(&NONE)
}

/// Those of all functions.
pub fn all_events() -> Vec<&'static Value> {
    EVENTS.values().flatten().map(|(_, event)| event).collect()
}

fn read(function: &str) -> Events {
    /// Long ago, and always the same.
    const THEN: &str = "2026-01-20T10:29:12Z";
    let folder = sandbox::workspace().join("events").join(function);
    let read = |name: String| {
        let sample = fs::read_to_string(folder.join(&name)).ok()?;
        let event = serde_json::from_str(&filled(&sample, THEN.parse().ok()?)).ok()?;
        Some((name, event))
    };
    names(&folder).into_iter().filter_map(read).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The body of an invocation. What begins as JSON does is taken as it is; else the bytes choose an event and what
/// is changed in it.
pub fn body(function: &str, data: &[u8]) -> String {
    if data.first().is_none_or(|first| b"{[\" \t\n".contains(first)) {
        // The samples themselves are among what it begins with.
        return filled(&String::from_utf8_lossy(data), Timestamp::now());
    }
    let mut tape = Tape::new(data);
    // The first byte is the one that says that this is no JSON.
    tape.byte();
    let mut event = event(function, &mut tape);
    json::twist(&mut event, &mut tape);
    json::written(&event)
}

/// One of the function's events, as if it had just happened.
pub fn event(function: &str, tape: &mut Tape<'_>) -> Value {
    let mut event = tape.one_of(events(function)).map(|(_, event)| event.clone()).unwrap_or_default();
    refresh(&mut event, &Timestamp::now().to_string());
    event
}

/// Puts the time in place of every time, in what is written as JSON inside of text too.
pub fn refresh(value: &mut Value, now: &str) {
    match value {
        Value::String(text) if json::is_time(text) => now.clone_into(text),
        Value::String(text) if text.starts_with('{') => {
            if let Ok(mut inner) = serde_json::from_str(text) {
                refresh(&mut inner, now);
                *text = inner.to_string();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| refresh(value, now)),
        Value::Object(fields) => fields.values_mut().for_each(|value| refresh(value, now)),
        _ => {}
    }
}

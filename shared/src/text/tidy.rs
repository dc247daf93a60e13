//! JSON that an answer, a record or a log line can hold, whatever the history of the service is.

use std::io;

use serde_json::{Map, Value};

use super::{
    MAX_ANSWER, PERSON, line,
    mask::{self, HIDDEN},
};

/// Entries of a list that are kept, with the one that says how many were left out.
const MOST_ENTRIES: usize = 100;
/// More fields than this are a table.
const MOST_FIELDS: usize = 1_000;
/// Characters of a field's name.
const LONGEST_NAME: usize = 200;
/// Levels. The ledger's items can be read to 128, and this stands some levels deep in one.
const DEEPEST: usize = 64;

/// Masks every string, and leaves out the ends of long lists until the whole has less than [`MAX_ANSWER`] bytes as
/// JSON. The fields of the outermost object stay, unless their names alone are too long.
pub fn tidy(value: &mut Value) {
    /// After this many lists, no single list is too long.
    const MOST_ROUNDS: usize = 32;
    strings(value, PERSON, MOST_ENTRIES, 0);
    for _ in 0..MOST_ROUNDS {
        if size(value) < MAX_ANSWER || !shorten_largest_list(value) {
            break;
        }
    }
    for (longest, entries) in [(1_000, 50), (500, 20), (200, 10), (100, 5), (50, 2), (20, 1)] {
        if size(value) < MAX_ANSWER {
            return;
        }
        strings(value, longest, entries, 0);
    }
    for _ in 0..MOST_ROUNDS {
        if size(value) < MAX_ANSWER {
            return;
        }
        shorten_largest_object(value);
    }
    if size(value) >= MAX_ANSWER {
        *value = Value::String(left_out("bytes", size(value)));
    }
}

/// Every string and every name on one line, masked and cut to this many characters; lists cut to this many entries.
fn strings(value: &mut Value, longest: usize, entries: usize, depth: usize) {
    match value {
        Value::String(text) => *text = line(text, longest),
        Value::Array(_) | Value::Object(_) if depth >= DEEPEST => {
            *value = Value::String(left_out("levels", 1));
        }
        Value::Array(values) => {
            keep(values, entries);
            for value in values {
                strings(value, longest, entries, depth + 1);
            }
        }
        Value::Object(fields) => {
            if fields.keys().any(|name| line(name, LONGEST_NAME) != *name) {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(name, value)| (line(&name, LONGEST_NAME), value))
                    .collect();
            }
            if depth > 0 {
                keep_fields(fields, MOST_FIELDS);
            }
            for (name, value) in fields.iter_mut() {
                secret(name, value);
                strings(value, longest, entries, depth + 1);
            }
            named(fields);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value of a field named like a secret. Names and ARNs of secrets may be shown.
fn secret(name: &str, value: &mut Value) {
    if let Value::String(text) = value
        && mask::is_secret_name(name)
        && !mask::may_be_shown(text)
    {
        HIDDEN.clone_into(text);
    }
}

/// `{"name": "DB_PASSWORD", "value": "…"}`, as ECS writes an environment.
fn named(fields: &mut Map<String, Value>) {
    let named = ["name", "Name", "key", "Key"].iter().find_map(|field| fields.get(*field)?.as_str());
    if named.is_some_and(mask::is_secret_name) {
        for field in ["value", "Value"] {
            if let Some(Value::String(text)) = fields.get_mut(field)
                && !mask::may_be_shown(text)
            {
                HIDDEN.clone_into(text);
            }
        }
    }
}

fn left_out(what: &str, number: usize) -> String {
    format!("… {number} more {what} left out")
}

/// How many entries this one says were left out.
fn said(value: &Value, what: &str) -> Option<usize> {
    let text = value.as_str()?.strip_prefix("… ")?;
    text.strip_suffix(" left out")?.strip_suffix(what)?.strip_suffix(" more ")?.parse().ok()
}

/// Keeps this many entries; the last one says how many are missing.
fn keep(values: &mut Vec<Value>, most: usize) {
    const WHAT: &str = "entries";
    if values.len() <= most {
        return;
    }
    let before = values.last().and_then(|last| said(last, WHAT));
    let there = values.len() - usize::from(before.is_some());
    let kept = most.saturating_sub(1);
    values.truncate(kept);
    values
        .push(Value::String(left_out(WHAT, there.saturating_sub(kept).saturating_add(before.unwrap_or(0)))));
}

fn keep_fields(fields: &mut Map<String, Value>, most: usize) {
    const MARK: &str = "…";
    const WHAT: &str = "fields";
    if fields.len() <= most {
        return;
    }
    let before = fields.shift_remove(MARK).and_then(|mark| said(&mark, WHAT));
    let kept = most.saturating_sub(1);
    let missing = fields.len().saturating_sub(kept).saturating_add(before.unwrap_or(0));
    *fields = std::mem::take(fields).into_iter().take(kept).collect();
    fields.insert(MARK.to_owned(), Value::String(left_out(WHAT, missing)));
}

/// Halves the list with most bytes. Whether there was one to halve.
fn shorten_largest_list(value: &mut Value) -> bool {
    let Some(Value::Array(values)) = largest(value, &|value| match value {
        Value::Array(values) if values.len() > 1 => size(value),
        _ => 0,
    }) else {
        return false;
    };
    let half = values.len() / 2;
    keep(values, half.max(1));
    true
}

/// Halves the object with most bytes: of those inside first, whose fields are not the answer's own.
fn shorten_largest_object(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    let weight = |value: &Value| match value {
        Value::Object(fields) if fields.len() > 1 => size(value),
        _ => 0,
    };
    let inner =
        fields.values_mut().filter_map(|value| largest(value, &weight)).max_by_key(|value| size(value));
    let fields = match inner {
        Some(Value::Object(inner)) => inner,
        _ => fields,
    };
    keep_fields(fields, (fields.len() / 2).max(1));
}

/// The part that weighs most, the outermost of equals; none where nothing weighs anything.
fn largest<'a>(value: &'a mut Value, weight: &impl Fn(&Value) -> usize) -> Option<&'a mut Value> {
    let own = weight(value);
    let inside = parts(value).map(|part| heaviest(part, weight)).max().unwrap_or(0);
    if own >= inside {
        return (own > 0).then_some(value);
    }
    match value {
        Value::Array(values) => values.iter_mut().find(|part| heaviest(part, weight) == inside),
        Value::Object(fields) => fields.values_mut().find(|part| heaviest(part, weight) == inside),
        _ => None,
    }
    .and_then(|part| largest(part, weight))
}

fn heaviest(value: &Value, weight: &impl Fn(&Value) -> usize) -> usize {
    // What holds a part weighs no less than the part, where it has a weight.
    match weight(value) {
        0 => parts(value).map(|part| heaviest(part, weight)).max().unwrap_or(0),
        own => own,
    }
}

fn parts(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(values) => Box::new(values.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// Bytes as JSON, without writing it.
fn size(value: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // What cannot be written has no size: our values all can.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

//! JSON, changed in odd ways: fields that are missing, of another type, too many, too deep, too long.

use serde_json::{Map, Number, Value, json};

use crate::choices::Choices;

/// Stands where secrets stand: the values of variables, what is in a secret. It must come out nowhere.
pub const CANARY: &str = "canary-Tr0ub4dor-and-3";

/// Stands before text that is written without quotation marks: what no [`Value`] can hold.
const BARE: char = '\u{e000}';
/// No JSON, or JSON at its edges.
const TOKENS: [&str; 15] = [
    "NaN",
    "-Infinity",
    "1e999",
    "-1e-999",
    "00",
    "0x10",
    "-",
    "1.",
    "tru",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "{\"a\":1,\"a\":2}",
    "123456789012345678901234567890.5",
    "[[[[[[[[",
    "/**/1",
];
/// A few changes leave most of an event as it was: so that what comes later is reached too.
const MOST_CHANGES: usize = 6;
/// Repeated, a part of a value takes no more bytes.
const LARGEST: usize = 100_000;

/// Changes some places of a value, as the choices say.
pub fn mutate(value: &mut Value, choices: &mut Choices<'_>) {
    for _ in 0..=choices.below(MOST_CHANGES) {
        if choices.is_over() {
            return;
        }
        change_somewhere(value, choices, 0);
    }
}

/// As text, with what is no JSON in it.
pub fn written(value: &Value) -> String {
    let mut text = value.to_string();
    if text.contains(BARE) {
        for token in TOKENS {
            text = text.replace(&Value::from(bare(token)).to_string(), token);
        }
        // Deeper than a `Value` can be printed.
        text = text.replace(&Value::from(bare("deep")).to_string(), &"[".repeat(3_000));
    }
    text
}

fn bare(token: &str) -> String {
    format!("{BARE}{token}")
}

fn change_somewhere(value: &mut Value, choices: &mut Choices<'_>, depth: u8) {
    const DEEPEST: u8 = 14;
    let children = count(value);
    if depth < DEEPEST && children > 0 && !choices.byte().is_multiple_of(5) {
        let place = choices.below(children);
        if let Some(child) = child(value, place) {
            return change_somewhere(child, choices, depth + 1);
        }
    }
    change(value, choices);
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    }
}

fn child(value: &mut Value, place: usize) -> Option<&mut Value> {
    match value {
        Value::Array(values) => values.get_mut(place),
        Value::Object(fields) => fields.values_mut().nth(place),
        _ => None,
    }
}

fn change(value: &mut Value, choices: &mut Choices<'_>) {
    match choices.byte() % 20 {
        0 => *value = Value::Null,
        1 => *value = scalar(choices),
        2 => *value = choices.text().into(),
        3 => *value = number(choices),
        4 | 5 => remove(value, choices),
        6 => repeat(value, choices),
        7 => rename(value, choices),
        8 => add(value, choices),
        9 => deepen(value, choices),
        10 => *value = bare(choices.one_of(&TOKENS).copied().unwrap_or_default()).into(),
        11 => *value = bare("deep").into(),
        12 => within(value, choices),
        13 => *value = json!([value.clone()]),
        14 => *value = json!({ "value": value.clone() }),
        15 => as_text(value),
        _ => extreme(value, choices),
    }
}

fn scalar(choices: &mut Choices<'_>) -> Value {
    match choices.byte() % 6 {
        0 => true.into(),
        1 => false.into(),
        2 => json!([]),
        3 => json!({}),
        4 => json!([null]),
        _ => 0.into(),
    }
}

const PARTS: [f64; 7] = [0.5, -0.0, 1e308, -1e308, 5e-324, 1e19, 1.797e12];

fn number(choices: &mut Choices<'_>) -> Value {
    const WHOLE: [i64; 12] = [
        -1,
        1,
        i64::MIN,
        i64::MAX,
        2_147_483_647,
        -2_147_483_648,
        4_294_967_296,
        253_402_300_800,
        -62_135_596_801,
        9_007_199_254_740_993,
        1_000_000,
        65_536,
    ];
    match choices.byte() % 4 {
        0 | 1 => choices.one_of(&WHOLE).copied().unwrap_or_default().into(),
        2 => number_of(&PARTS, choices),
        _ => choices.number().into(),
    }
}

fn remove(value: &mut Value, choices: &mut Choices<'_>) {
    let place = choices.below(count(value));
    match value {
        Value::Array(values) if !values.is_empty() => _ = values.remove(place),
        Value::Object(fields) => {
            if let Some(name) = fields.keys().nth(place).cloned() {
                fields.shift_remove(&name);
            }
        }
        _ => *value = Value::Null,
    }
}

/// The same once more, or many times.
fn repeat(value: &mut Value, choices: &mut Choices<'_>) {
    const MANY: usize = 300;
    let times = if choices.byte() % 8 == 7 { choices.below(MANY) } else { 1 };
    // What is repeated again and again would be the memory's end, and no reader's fault.
    let times = times.min(LARGEST / value.to_string().len().max(1));
    match value {
        Value::Array(values) => {
            let place = choices.below(values.len());
            if let Some(one) = values.get(place).cloned() {
                values.extend(std::iter::repeat_n(one, times));
            }
        }
        Value::Object(fields) => {
            let place = choices.below(fields.len());
            let some = fields.iter().nth(place).map(|(name, value)| (format!("{name}{name}"), value.clone()));
            fields.extend(some);
        }
        Value::String(text) => *text = text.repeat(times + 1),
        _ => {}
    }
}

fn rename(value: &mut Value, choices: &mut Choices<'_>) {
    let Value::Object(fields) = value else {
        return;
    };
    let place = choices.below(fields.len());
    let new = match choices.byte() % 3 {
        0 => None,
        1 => Some(choices.text()),
        _ => fields.keys().nth(choices.below(fields.len())).cloned(),
    };
    let renamed = |(number, (name, value)): (usize, (String, Value))| {
        let other = new.clone().unwrap_or_else(|| name.to_ascii_uppercase());
        // What is secret stays where it is known to be.
        if number == place && !value.to_string().contains(CANARY) { (other, value) } else { (name, value) }
    };
    *fields = std::mem::take(fields).into_iter().enumerate().map(renamed).collect();
}

fn add(value: &mut Value, choices: &mut Choices<'_>) {
    let more = scalar(choices);
    match value {
        Value::Array(values) => values.push(more),
        Value::Object(fields) => _ = fields.insert(choices.text(), more),
        _ => {}
    }
}

/// Deep, but not deeper than serde takes: what is deeper is a token.
fn deepen(value: &mut Value, choices: &mut Choices<'_>) {
    for _ in 0..choices.below(110) {
        *value = json!([value.take()]);
    }
}

/// Something odd in the midst of a text.
fn within(value: &mut Value, choices: &mut Choices<'_>) {
    let Value::String(text) = value else {
        return;
    };
    let odd = choices.text();
    let place = text.floor_char_boundary(choices.below(text.len() + 1));
    text.insert_str(place, &odd);
}

/// At the edge of what it is: the first and the last times, the largest numbers.
fn extreme(value: &mut Value, choices: &mut Choices<'_>) {
    const TIMES: [&str; 6] = [
        "-009999-01-02T01:59:59Z",
        "-009999-01-02T02:00:00Z",
        "9999-12-30T22:00:00.999999999Z",
        "9999-12-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
    ];
    const NUMBERS: [&str; 5] = ["18446744073709551615", "9223372036854775807", "4294967295", "0", "-1"];
    let one_of =
        |all: &[&str], choices: &mut Choices<'_>| choices.one_of(all).copied().unwrap_or_default().to_owned();
    match value {
        Value::String(text) if is_time(text) => *text = one_of(&TIMES, choices),
        Value::String(text) if text.parse::<f64>().is_ok() => *text = one_of(&NUMBERS, choices),
        Value::String(text) => {
            *text = text.repeat((1 + choices.below(40)).min(1 + LARGEST / text.len().max(1)));
        }
        Value::Number(number) if number.is_f64() => *value = number_of(&PARTS, choices),
        Value::Number(_) => {
            const LARGE: [u64; 9] =
                [0, 1, 255, 65_535, 4_294_967_295, 2_147_483_647, 1 << 53, 1 << 63, u64::MAX];
            *value = choices.one_of(&LARGE).copied().unwrap_or_default().into();
        }
        Value::Bool(truth) => *truth = !*truth,
        Value::Null => *value = scalar(choices),
        // One of its parts, then.
        Value::Array(_) | Value::Object(_) => {
            let place = choices.below(count(value));
            match child(value, place) {
                Some(child) => extreme(child, choices),
                None => *value = Value::Null,
            }
        }
    }
}

/// Whether it is written as a time.
pub fn is_time(text: &str) -> bool {
    matches!(
        text.as_bytes(),
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', _, _, b'-', _, _, b'T', ..]
    )
}

fn number_of(parts: &[f64], choices: &mut Choices<'_>) -> Value {
    choices.one_of(parts).and_then(|part| Number::from_f64(*part)).map_or(Value::Null, Value::Number)
}

fn as_text(value: &mut Value) {
    *value = match &*value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::Object(Map::new())),
        other => other.to_string().into(),
    };
}

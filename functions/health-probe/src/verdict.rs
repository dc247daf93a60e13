//! What a health check's body reports: many answer 200 and write into the body that something is down.
//!
//! `status`, `healthy` and `ok` of a JSON object are read, in any case of letters; of the words that they hold, those
//! that health checks use. Whatever else a body has means nothing.

use serde_json::{Map, Number, Value};

/// The worst comes last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Well,
    /// It works in part, as in "`status` is `degraded`".
    Degraded(String),
    /// It does not work; as in "`status` is `down`".
    Unwell(String),
}

/// Written without what separates words, as in `outofservice`.
const WELL: [&str; 26] = [
    "ok",
    "okay",
    "healthy",
    "up",
    "pass",
    "passed",
    "passing",
    "good",
    "green",
    "alive",
    "live",
    "running",
    "ready",
    "serving",
    "connected",
    "available",
    "reachable",
    "online",
    "operational",
    "success",
    "successful",
    "normal",
    "fine",
    "well",
    "true",
    "yes",
];
/// The service can be used all the same, so this is not a failure.
const DEGRADED: [&str; 11] = [
    "degraded",
    "degradedperformance",
    "warn",
    "warning",
    "partial",
    "partialoutage",
    "impaired",
    "unstable",
    "yellow",
    "maintenance",
    "undermaintenance",
];
const UNWELL: [&str; 42] = [
    "unhealthy",
    "nothealthy",
    "down",
    "error",
    "errors",
    "fail",
    "failed",
    "failing",
    "failure",
    "fatal",
    "critical",
    "dead",
    "broken",
    "bad",
    "red",
    "outage",
    "majoroutage",
    "outofservice",
    "offline",
    "unavailable",
    "notavailable",
    "serviceunavailable",
    "disconnected",
    "notconnected",
    "unreachable",
    "notreachable",
    "timeout",
    "timedout",
    "stopped",
    "stopping",
    "notrunning",
    "shuttingdown",
    "notready",
    "unready",
    "notserving",
    "inoperative",
    "ko",
    "nok",
    "notok",
    "unsuccessful",
    "false",
    "no",
];

/// What a JSON body says, if it has a known word.
pub fn read(body: &[u8]) -> Option<Verdict> {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    match serde_json::from_slice(body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)).ok()? {
        Value::Object(fields) => of_object(&fields),
        _ => None,
    }
}

/// An object's own word counts more than its parts': it knows which of them it can do without.
fn of_object(fields: &Map<String, Value>) -> Option<Verdict> {
    let own = fields.iter().filter_map(|(name, value)| of_field(field(name)?, value)).max();
    let parts =
        fields.iter().filter(|(name, _)| field(name).is_none()).filter_map(|(_, value)| of_part(value));
    match (own, parts.max()) {
        (Some(Verdict::Well), Some(Verdict::Degraded(said) | Verdict::Unwell(said))) => {
            Some(Verdict::Degraded(format!("of one of its parts {said}")))
        }
        (None, part) => part,
        (own, _) => own,
    }
}

fn of_part(value: &Value) -> Option<Verdict> {
    match value {
        Value::Object(fields) => of_object(fields),
        Value::Array(values) => values.iter().filter_map(of_part).max(),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy)]
enum Field {
    Status,
    Healthy,
    Ok,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Healthy => "healthy",
            Self::Ok => "ok",
        }
    }

    fn says(self, word: &str) -> String {
        format!("`{}` is `{word}`", self.name())
    }
}

fn field(name: &str) -> Option<Field> {
    [Field::Status, Field::Healthy, Field::Ok]
        .into_iter()
        .find(|field| field.name().eq_ignore_ascii_case(name))
}

fn of_field(field: Field, value: &Value) -> Option<Verdict> {
    match (field, value) {
        (_, Value::Bool(false)) => Some(Verdict::Unwell(field.says("false"))),
        (_, Value::String(text)) => of_word(field, text),
        (Field::Status, Value::Number(code)) => of_code(code),
        (Field::Healthy | Field::Ok, Value::Number(number)) if number.as_f64() == Some(0.0) => {
            Some(Verdict::Unwell(field.says("0")))
        }
        (_, Value::Bool(true)) | (Field::Healthy | Field::Ok, Value::Number(_)) => Some(Verdict::Well),
        // As in `{"status": {"database": "down"}}`. Only words are understood there.
        (Field::Status, Value::Object(parts)) => {
            let words = parts.values().filter_map(|part| of_word(field, part.as_str()?));
            words.chain(of_object(parts)).max()
        }
        (_, Value::Object(_) | Value::Array(_)) => of_part(value),
        (_, Value::Null) => None,
    }
}

/// Some bodies repeat the HTTP status. The meaning of 0 and 1 is not known.
fn of_code(code: &Number) -> Option<Verdict> {
    match code.as_u64()? {
        200..=399 => Some(Verdict::Well),
        code @ 400..=599 => Some(Verdict::Unwell(Field::Status.says(&code.to_string()))),
        _ => None,
    }
}

fn of_word(field: Field, text: &str) -> Option<Verdict> {
    /// No known word is longer, and longer words are not reported.
    const LONGEST: usize = 30;
    if text.len() > LONGEST {
        return None;
    }
    if let Ok(code) = text.parse::<u16>() {
        return of_code(&code.into());
    }
    let word: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-' | '.' | '!'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let is_of = |words: &[&str]| words.contains(&word.as_str());
    if is_of(&UNWELL) {
        Some(Verdict::Unwell(field.says(text)))
    } else if is_of(&DEGRADED) {
        Some(Verdict::Degraded(field.says(text)))
    } else {
        is_of(&WELL).then_some(Verdict::Well)
    }
}

#[cfg(test)]
mod tests;

//! What the readers of `diagnose` saw, as plain data: whatever it says, it is judged, and told on a screen.

use std::{fs, sync::LazyLock};

use diagnose::{
    chapter::Chapter,
    evidence::Evidence,
    judge,
    report::{Format, Report, VERSION},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{json, tape::Tape};

/// A terminal's height, and what stands in it.
const LINES: usize = 24;
const WIDTH: usize = 112;

/// The recorded stack that is well, and what differs from it in each recorded case.
static RECORDED: LazyLock<(Value, Vec<Value>)> = LazyLock::new(|| {
    let folder = tests::workspace().join("tests/scenarios");
    let read = |path: &std::path::Path| serde_json::from_str::<Value>(&fs::read_to_string(path).ok()?).ok();
    let mut cases = Vec::new();
    let chapters = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = chapters
        .filter_map(|chapter| fs::read_dir(chapter.path()).ok())
        .flat_map(|files| files.flatten().map(|file| file.path()))
        .collect();
    files.sort();
    for file in files.iter().filter_map(|file| read(file)) {
        let all = file.get("cases").and_then(Value::as_array).into_iter().flatten();
        cases.extend(all.filter_map(|case| case.get("evidence")).cloned());
    }
    (read(&folder.join("base.json")).unwrap_or_default(), cases)
});

pub fn evidence(data: &[u8]) {
    let mut tape = Tape::new(data);
    let mut value = recorded(&mut tape);
    json::twist(&mut value, &mut tape);
    let Ok(evidence) = serde_json::from_str::<Evidence>(&json::written(&value)) else { return };
    judged(&evidence, if tape.byte().is_multiple_of(2) { Format::Text } else { Format::Markdown });
}

/// One of the recorded cases.
pub fn recorded(tape: &mut Tape<'_>) -> Value {
    let (base, cases) = &*RECORDED;
    let mut value = base.clone();
    if let Some(case) = tape.one_of(cases) {
        merge(&mut value, case);
    }
    let at = value.get("at").and_then(Value::as_str).and_then(|at| at.parse().ok()).unwrap_or_default();
    write_out(&mut value, at, 300);
    value
}

/// Judges it and tells it.
pub fn judged(evidence: &Evidence, format: Format) {
    let report = Report {
        version: VERSION,
        nothing_found: false,
        summary: String::new(),
        text: String::new(),
        findings: judge(evidence, &Chapter::ALL),
        changes: Vec::new(),
        chapters: Chapter::ALL.to_vec(),
        looked_at: vec!["the service"],
        status: None,
        not_seen: evidence.not_seen.clone(),
        function: "diagnose",
        environment: "production".to_owned(),
        execution_id: "fuzz-request".to_owned(),
        at: evidence.at,
        duration_ms: 1,
    }
    .told(format);
    let again = judge(evidence, &Chapter::ALL);
    assert_eq!(report.findings, again, "the same evidence is judged in two ways");
    assert!(serde_json::to_string(&report).is_ok());
    if format == Format::Text {
        let lines: Vec<&str> = report.text.lines().collect();
        assert!(lines.len() <= LINES, "{} lines: {}", lines.len(), report.text);
        let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
        assert!(widest <= WIDTH, "{widest} characters in a line: {}", report.text);
    }
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.shift_remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The scenarios' short forms: `-5m` for a time, segments for a series.
fn write_out(value: &mut Value, at: Timestamp, period_seconds: u32) {
    match value {
        Value::String(text) => {
            if let Some(time) = ago(text, at) {
                *text = time.to_string();
            }
        }
        Value::Array(values) => {
            for value in values {
                write_out(value, at, period_seconds);
            }
        }
        Value::Object(fields) => {
            if let Some(segments) = fields.get("series") {
                *value = json!({ "until": at, "period_seconds": period_seconds, "values": series(segments) });
                return;
            }
            for (name, value) in fields {
                write_out(value, at, if name == "fortnight" { 21_600 } else { period_seconds });
            }
        }
        _ => {}
    }
}

fn ago(text: &str, at: Timestamp) -> Option<Timestamp> {
    let (number, unit) = text.strip_prefix('-')?.split_at_checked(text.len().checked_sub(2)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    at.checked_sub(SignedDuration::from_secs(number.parse::<i64>().ok()? * seconds)).ok()
}

/// `[value, count]`, or a slope, of which the ends will do here.
fn series(segments: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    for segment in segments.as_array().into_iter().flatten() {
        let field = |name: &str| segment.get(name).cloned().unwrap_or_default();
        if let Some([value, count]) = segment.as_array().map(Vec::as_slice) {
            let count = count.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
            values.extend(std::iter::repeat_n(value.clone(), count));
        } else {
            values.extend([field("from"), field("to")]);
        }
    }
    values
}

//! What `diagnose` has to make of a stack, as recorded cases: `functions/diagnose/tests/cases/<chapter>/<cause>.json`.
//!
//! A file has cases; each changes the healthy stack of `base.json` by a JSON merge patch (RFC 7396). To be short,
//! `"-10m"` stands for a time so long before `at` (s, m, h, d), and a series is written as
//! `{"series": [[40, 132], [95, 12]]}`: value and how often, the oldest first, `null` for no data; or as
//! `{"series": [{"from": 40, "to": 95, "count": 144}]}`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::workspace;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What the cases are about; in the folder `healthy`, in words.
    pub about: String,
    pub cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub evidence: Value,
    /// The code of the first cause, or `nothing found`.
    pub first: String,
    /// Causes that must be among its consequences.
    #[serde(default)]
    pub explains: Vec<String>,
    /// The function that does what comes next, or `none`; anything where it is not given.
    pub remedy: Option<String>,
}

pub fn folder() -> PathBuf {
    workspace().join("functions/diagnose/tests/cases")
}

pub fn base() -> Result<Value> {
    static BASE: OnceLock<Value> = OnceLock::new();
    if let Some(base) = BASE.get() {
        return Ok(base.clone());
    }
    let read = serde_json::from_str(&fs::read_to_string(folder().join("base.json"))?)?;
    Ok(BASE.get_or_init(|| read).clone())
}

/// RFC 7396.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        if value.is_null() {
            target.as_object_mut().map(|target| target.remove(name));
        } else if let Some(target) = target.as_object_mut() {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Writes out times and series.
pub fn write_out(value: &mut Value, at: Timestamp, period_seconds: u32) -> Result<()> {
    match value {
        Value::String(text) => {
            if let Some(time) = ago(text, at) {
                *text = time.to_string();
            }
        }
        Value::Array(values) => {
            values.iter_mut().try_for_each(|value| write_out(value, at, period_seconds))?;
        }
        Value::Object(object) => match object.get("series") {
            Some(segments) => {
                let values = values(segments)?;
                *value = json!({ "until": at, "period_seconds": period_seconds, "values": values });
            }
            None => {
                for (name, value) in object.iter_mut() {
                    let period = if name == "fortnight" { 21_600 } else { period_seconds };
                    write_out(value, at, period)?;
                }
            }
        },
        _ => {}
    }
    Ok(())
}

pub fn ago(text: &str, at: Timestamp) -> Option<Timestamp> {
    let (number, unit) = text.strip_prefix('-')?.split_at_checked(text.len().checked_sub(2)?)?;
    let number: i64 = number.parse().ok()?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    at.checked_sub(SignedDuration::from_secs(number * seconds)).ok()
}

pub fn values(segments: &Value) -> Result<Vec<Option<f64>>> {
    let mut values = Vec::new();
    for segment in segments.as_array().context("a series without segments")? {
        if let Some([value, count]) = segment.as_array().map(Vec::as_slice) {
            let count = usize::try_from(count.as_u64().context("no count")?)?;
            values.extend(std::iter::repeat_n(value.as_f64(), count));
            continue;
        }
        let field =
            |name: &str| segment.get(name).and_then(Value::as_f64).context("a segment that cannot be read");
        let (from, to, count) = (field("from")?, field("to")?, field("count")?);
        let mut done = 0.0;
        while done < count {
            values.push(Some(from + (to - from) * done / (count - 1.0).max(1.0)));
            done += 1.0;
        }
    }
    Ok(values)
}

/// The evidence of a case: the healthy stack, changed by it.
pub fn evidence<Evidence: DeserializeOwned>(patch: &Value) -> Result<Evidence> {
    Ok(serde_json::from_value(written_out(patch)?)?)
}

/// The same, as JSON.
pub fn written_out(patch: &Value) -> Result<Value> {
    let mut value = base()?;
    merge(&mut value, patch);
    let at: Timestamp = value.get("at").and_then(Value::as_str).context("no `at`")?.parse()?;
    write_out(&mut value, at, 300)?;
    Ok(value)
}

pub fn files() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for chapter in fs::read_dir(folder())? {
        let chapter = chapter?.path();
        if chapter.is_dir() {
            found.extend(cases(&chapter)?);
        }
    }
    found.sort();
    Ok(found)
}

/// Also those of a folder of one's own, as in `LENDPEAK2_CASES=<folder>`: cases that nobody here has seen.
pub fn files_and_others() -> Result<Vec<PathBuf>> {
    let others = std::env::var_os("LENDPEAK2_CASES").map(|folder| cases(Path::new(&folder))).transpose()?;
    Ok([files()?, others.unwrap_or_default()].concat())
}

fn cases(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect())
}

pub fn read(path: &PathBuf) -> Result<File> {
    serde_json::from_str(&fs::read_to_string(path)?).with_context(|| path.display().to_string())
}

//! Every call of a function, as the gateway wrote it down while tests and drills ran, and read again by those who judge
//! it.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names::LEDGER;

/// One call of a function, as the gateway wrote it down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The test or the program in which it was made.
    pub by: String,
    /// The function.
    pub caller: String,
    pub service: String,
    pub operation: String,
    pub path: String,
    /// The request, of which only what names something is left.
    pub names: Value,
    /// The tags of the database that the request names.
    pub resource_tags: Map<String, Value>,
    /// The answer's HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// What AWS's model has against the request; none where it does not have the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Vec<String>>,
    /// The same of the answer, where it is a good one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Vec<String>>,
}

/// A call with the stack's ledger in place of one of a test that has many of them: `ledger-7`.
fn with_the_ledger(line: &str) -> String {
    const MANY: &str = "\"ledger-";
    let mut parts = line.split(MANY);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() < part.len() && rest.starts_with('"') {
            format!("{text}\"{LEDGER}{rest}")
        } else {
            format!("{text}{MANY}{part}")
        }
    })
}

/// Every call in the folder's files.
pub fn read_calls(folder: &Path) -> anyhow::Result<Vec<Recorded>> {
    let mut calls = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("no calls in {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for (line, number) in text.lines().zip(1..) {
            let call = serde_json::from_str(&with_the_ledger(line))
                .with_context(|| format!("{}:{number} is no call", path.display()))?;
            calls.push(call);
        }
    }
    Ok(calls)
}

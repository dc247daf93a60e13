//! What an agent is told: a summary in the first line, then the words that a person would read, and the same as values.

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Value, json};

use super::bound;
use crate::{
    answer::{Answer, text},
    exit::Exit,
    failure::Failure,
    screen::Kept,
};

/// What was called, as far as its answer depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// An answer of a function.
    Function,
    History,
    Plans,
    /// A request that is to wait for a person.
    Request,
}

/// Of a record, what says what came of it. The rest is in the ledger.
const OF_A_RECORD: [&str; 9] =
    ["at", "function", "decision", "code", "summary", "reason", "target", "next", "execution_id"];

pub(super) fn told(kept: Kept, exit: Exit, of: Of) -> CallToolResult {
    let value = if of == Of::History { records(kept.value) } else { kept.value };
    let summary = summary(&value, of);
    let words = if summary.is_empty() || kept.words.starts_with(&summary) {
        kept.words
    } else {
        format!("{summary}\n\n{}", kept.words)
    };
    result(&words, &summary, value, is_error(exit))
}

pub(super) fn failed(failure: &Failure, of: Of) -> CallToolResult {
    let mut value = failure.json();
    let mut words = failure.chain();
    let mut helps = vec![failure.help()];
    // Its functions refuse a field that they do not know.
    if of == Of::Request && failure.code() == "InvalidRequest" {
        helps.push(
            "nothing was done. If it is `ask` that the function does not know, it is of an earlier version than this \
             program, and an agent can ask nothing of it: deploy this version"
                .to_owned(),
        );
    }
    let help: Vec<String> = helps.into_iter().filter(|help| !help.is_empty()).collect();
    if let Some(value) = value.as_object_mut().filter(|_| !help.is_empty()) {
        value.insert("help".to_owned(), json!(help.join("; ")));
    }
    for help in help {
        words = format!("{words}\n{help}");
    }
    let summary = failure.chain();
    result(&words, &summary, value, true)
}

fn result(words: &str, summary: &str, value: Value, is_error: bool) -> CallToolResult {
    let (value, left_out) = bound::value(value);
    let mut structured = json!({ "summary": bound::words(summary), "answer": value });
    if let Some(structured) = structured.as_object_mut().filter(|_| left_out > 0) {
        structured.insert("left_out".to_owned(), json!(left_out));
    }
    let content = vec![ContentBlock::text(bound::words(words))];
    let mut result = if is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = Some(structured);
    result
}

/// Unhealthy is an answer, and so is a plan that waits.
fn is_error(exit: Exit) -> bool {
    match exit {
        Exit::Done | Exit::Unwell | Exit::Observed | Exit::Pending => false,
        Exit::Failed | Exit::Usage | Exit::Refused | Exit::NoAccess | Exit::TimedOut | Exit::Interrupted => {
            true
        }
    }
}

fn summary(value: &Value, of: Of) -> String {
    let count = value.as_array().map_or(0, Vec::len);
    match (of, count) {
        (Of::Function | Of::Request, _) => Answer::of(value).in_a_line().to_owned(),
        (Of::History, 1) => "1 decision, and here it is".to_owned(),
        (Of::History, _) => format!("{count} decisions, the newest first"),
        (Of::Plans, 1) => "1 plan waits for approval".to_owned(),
        (Of::Plans, _) => format!("{count} plans wait for approval"),
    }
}

fn records(value: Value) -> Value {
    let Value::Array(records) = value else { return value };
    let narrowed = |record: Value| match record {
        Value::Object(fields) => {
            fields.into_iter().filter(|(name, _)| OF_A_RECORD.contains(&name.as_str())).collect()
        }
        other => other,
    };
    records.into_iter().map(narrowed).collect()
}

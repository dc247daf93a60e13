//! What an agent is told: a summary in the first line, then the words that a person would read, and the same as values.

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Value, json};

use super::bound;
use crate::{
    answer::Answer,
    commands::{history, plans},
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
        (Of::History, 0) => history::NOTHING.to_owned(),
        (Of::History, 1) => "One decision.".to_owned(),
        (Of::History, _) => format!("{count} decisions, the newest first."),
        (Of::Plans, 0) => plans::NONE.to_owned(),
        (Of::Plans, 1) => "One plan waits for approval.".to_owned(),
        (Of::Plans, _) => format!("{count} plans wait for approval."),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(words: &str, value: Value) -> Kept {
        Kept { words: words.to_owned(), value }
    }

    #[track_caller]
    fn check(result: &CallToolResult, words: &str, structured: &Value, is_error: bool) {
        let said = result.content.first().and_then(ContentBlock::as_text).map(|text| text.text.as_str());
        assert_eq!(
            (said, result.structured_content.as_ref(), result.is_error),
            (Some(words), Some(structured), Some(is_error))
        );
    }

    #[test]
    fn the_first_line_is_the_summary() {
        let waits =
            json!({ "summary": "waits for approval: b: 2 → 3 tasks", "decision": "awaiting_approval" });
        check(
            &told(kept("waits    b: 2 → 3 tasks\n", waits.clone()), Exit::Pending, Of::Request),
            "waits for approval: b: 2 → 3 tasks\n\nwaits    b: 2 → 3 tasks",
            &json!({ "summary": "waits for approval: b: 2 → 3 tasks", "answer": waits }),
            false,
        );
        let healthy = json!({ "summary": "Healthy.", "healthy": true });
        check(
            &told(kept("Healthy.\n\nCHECK\n", healthy.clone()), Exit::Done, Of::Function),
            "Healthy.\n\nCHECK",
            &json!({ "summary": "Healthy.", "answer": healthy }),
            false,
        );
        check(
            &told(kept("No plan waits for approval.\n", json!([])), Exit::Done, Of::Plans),
            "No plan waits for approval.",
            &json!({ "summary": "No plan waits for approval.", "answer": [] }),
            false,
        );
    }

    #[test]
    fn a_record_is_what_came_of_it() {
        let record = json!({ "at": "t", "decision": "applied", "observed": { "much": 1 }, "trigger": {}, "summary": "s" });
        check(
            &told(kept("AT\nt\n", json!([record])), Exit::Done, Of::History),
            "One decision.\n\nAT\nt",
            &json!({ "summary": "One decision.", "answer": [{ "at": "t", "decision": "applied", "summary": "s" }] }),
            false,
        );
    }

    #[test]
    fn what_failed_or_was_refused_is_an_error_and_what_is_unwell_is_an_answer() {
        let is_error = |exit| told(kept("", json!({})), exit, Of::Function).is_error;
        assert_eq!([Exit::Failed, Exit::Refused, Exit::NoAccess].map(is_error), [Some(true); 3]);
        assert_eq!([Exit::Done, Exit::Unwell, Exit::Observed, Exit::Pending].map(is_error), [Some(false); 4]);
    }

    #[test]
    fn a_failure_has_the_commands_words() {
        let failure = Failure::usage("no region is named", "give --region");
        check(
            &failed(&failure, Of::Function),
            "no region is named\ngive --region",
            &json!({ "summary": "no region is named", "answer": failure.json() }),
            true,
        );
    }

    #[test]
    fn a_function_that_does_not_know_ask_is_said_to_be_older() {
        let failure = Failure::Function {
            function: "lendpeak2-production-rollback".to_owned(),
            kind: "InvalidRequest".to_owned(),
            message: "unknown field `ask`".to_owned(),
        };
        let says_so = |of| {
            let result = failed(&failure, of);
            result.structured_content.is_some_and(|value| value.to_string().contains("earlier version"))
        };
        assert!(says_so(Of::Request) && !says_so(Of::Function));
    }
}

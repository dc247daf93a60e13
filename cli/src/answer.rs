//! What a function answers, as far as people read it. It is read leniently: an answer of an earlier or later version
//! lacks some of the fields, and has others.

use serde_json::Value;

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    Applied,
    Observed,
    AwaitingApproval,
    Refused,
    NothingToDo,
    Replayed,
    Failed,
    Listed,
    /// A word that this version does not know, or none at all.
    Unknown(String),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) decision: Decision,
    pub(crate) code: String,
    /// One line: what came of it.
    pub(crate) summary: String,
    /// Why.
    pub(crate) reason: String,
    pub(crate) target: String,
    pub(crate) at: String,
    pub(crate) next: Option<Next>,
    pub(crate) steps: Vec<Step>,
    pub(crate) verification: Option<Verification>,
    /// What a list, a diagnosis or an incident has to say.
    pub(crate) lines: Vec<String>,
    /// What would be done, where nothing was.
    pub(crate) plan: Vec<String>,
    /// What a person should know of it before a yes; of a list, what there is.
    pub(crate) details: Vec<String>,
    /// Of the probe alone.
    pub(crate) healthy: Option<bool>,
    /// Where a run had several targets: an answer for each.
    pub(crate) outcomes: Vec<Answer>,
}

/// The next step for a person.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Next {
    pub(crate) what: String,
    /// The function that `send` is for; empty where it is the one that answers.
    pub(crate) function: String,
    pub(crate) send: Option<Value>,
    /// 1 development, 2 DevOps, 3 AWS support; 0 where it does not say.
    pub(crate) level: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) action: String,
    pub(crate) result: String,
    pub(crate) error: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verification {
    pub(crate) verified: bool,
    pub(crate) what: String,
}

impl Default for Decision {
    fn default() -> Self {
        Self::Unknown(String::new())
    }
}

impl Decision {
    fn of(word: &str) -> Self {
        match word {
            "applied" => Self::Applied,
            "observed" => Self::Observed,
            "awaiting_approval" => Self::AwaitingApproval,
            "refused" => Self::Refused,
            "nothing_to_do" => Self::NothingToDo,
            "replayed" => Self::Replayed,
            "failed" => Self::Failed,
            "listed" => Self::Listed,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// For a person.
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Applied => "done",
            Self::Observed => "would do",
            Self::AwaitingApproval => "waits",
            Self::Refused => "refused",
            Self::NothingToDo => "now",
            Self::Replayed => "before",
            Self::Failed => "failed",
            Self::Listed => "",
            Self::Unknown(word) => word,
        }
    }
}

impl Answer {
    pub(crate) fn of(value: &Value) -> Self {
        let outcomes = array(value, "outcomes").iter().map(Self::of).collect();
        Self {
            decision: decision(value),
            code: text(value, "code"),
            summary: text(value, "summary"),
            reason: text(value, "reason"),
            target: text(value, "target"),
            at: text(value, "at"),
            next: value.get("next").filter(|next| next.is_object()).map(Next::of),
            steps: array(value, "steps").iter().map(Step::of).collect(),
            verification: value.get("verification").filter(|seen| seen.is_object()).map(|seen| {
                Verification {
                    verified: seen.get("verified").and_then(Value::as_bool).unwrap_or_default(),
                    what: text(seen, "what"),
                }
            }),
            lines: lines(value),
            plan: value.get("plan").map(|plan| listed(plan, "lines")).unwrap_or_default(),
            details: value.get("plan").map(|plan| listed(plan, "details")).unwrap_or_default(),
            healthy: value.get("healthy").and_then(Value::as_bool),
            outcomes,
        }
    }

    /// Whether a second look showed the change; nothing where there was none.
    pub(crate) fn verified(&self) -> Option<bool> {
        self.verification.as_ref().map(|seen| seen.verified)
    }

    /// The most that one line says of it.
    pub(crate) fn in_a_line(&self) -> &str {
        if self.summary.is_empty() { &self.reason } else { &self.summary }
    }
}

impl Next {
    fn of(value: &Value) -> Self {
        let level = ["level", "support_level"].into_iter().find_map(|name| value.get(name)?.as_u64());
        Self {
            what: text(value, "what"),
            function: text(value, "function"),
            send: value.get("send").filter(|send| !send.is_null()).cloned(),
            level: level.unwrap_or_default(),
        }
    }
}

impl Step {
    fn of(value: &Value) -> Self {
        Self { action: text(value, "action"), result: text(value, "result"), error: text(value, "error") }
    }
}

/// `incident` once said what it did in words of its own.
fn decision(value: &Value) -> Decision {
    // Lists were once answered as `nothing_to_do`.
    if text(value, "code") == "list" {
        return Decision::Listed;
    }
    // Whoever asks for what waits already joins it, and waits too.
    if text(value, "code") == "approval_pending" {
        return Decision::AwaitingApproval;
    }
    let word = text(value, "decision");
    if !word.is_empty() {
        return Decision::of(&word);
    }
    let dry_run = value.get("dry_run").and_then(Value::as_bool).unwrap_or_default();
    match text(value, "did").as_str() {
        "" if value.get("open").is_some_and(Value::is_array) || value.get("timeline").is_some() => {
            Decision::Listed
        }
        "" => Decision::Unknown(String::new()),
        "listed" | "shown" | "checked" | "reported" => Decision::Listed,
        "nothing" => Decision::NothingToDo,
        _ if dry_run => Decision::Observed,
        _ => Decision::Applied,
    }
}

/// `lines`, or what earlier versions called `text`: a list, or one text.
fn lines(value: &Value) -> Vec<String> {
    let first = listed(value, "lines");
    if !first.is_empty() {
        return first;
    }
    let second = listed(value, "text");
    if !second.is_empty() {
        return second;
    }
    text(value, "text").lines().map(str::to_owned).collect()
}

/// The texts of a list.
fn listed(value: &Value, name: &str) -> Vec<String> {
    array(value, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn array<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A field's text; empty where there is none.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_of_today_and_one_of_the_next_version_are_read() {
        let today = json!({
            "decision": "awaiting_approval", "code": "approval_needed", "reason": "because",
            "next": { "what": "approve", "support_level": 1, "send": { "approve": "0a1b" } },
            "target": "service/c/s", "steps": [], "verification": null, "function": "rollback",
        });
        let next = json!({
            "summary": "backend: :3 → :2", "decision": "awaiting_approval", "code": "approval_needed",
            "next": { "what": "approve", "function": "lendpeak2-production-rollback", "send": { "approve": "0a1b" }, "level": 1 },
            "reason": "because", "target": "service/c/s",
        });
        for (value, summary, function) in
            [(today, "because", ""), (next, "backend: :3 → :2", "lendpeak2-production-rollback")]
        {
            let answer = Answer::of(&value);
            assert_eq!(answer.decision, Decision::AwaitingApproval);
            assert_eq!(answer.in_a_line(), summary);
            let asked = answer.next.unwrap();
            assert_eq!(asked.send, Some(json!({ "approve": "0a1b" })));
            assert_eq!((asked.level, asked.function.as_str()), (1, function));
        }
    }

    #[test]
    fn lines_are_read_in_each_form() {
        let expected = vec!["a".to_owned(), "b".to_owned()];
        for value in
            [json!({ "lines": ["a", "b"] }), json!({ "text": ["a", "b"] }), json!({ "text": "a\nb" })]
        {
            assert_eq!(Answer::of(&value).lines, expected, "{value}");
        }
        assert_eq!(Answer::of(&json!({ "text": 7 })).lines, Vec::<String>::new());
    }

    #[test]
    fn what_incident_did_is_a_decision() {
        for (value, expected) in [
            (json!({ "did": "opened", "dry_run": false }), Decision::Applied),
            (json!({ "did": "opened", "dry_run": true }), Decision::Observed),
            (json!({ "did": "nothing", "dry_run": false }), Decision::NothingToDo),
            (json!({ "did": "shown", "incident": "i" }), Decision::Listed),
            (json!({ "did": "reported", "report": {} }), Decision::Listed),
            (json!({ "did": "opened", "decision": "applied" }), Decision::Applied),
            (json!({ "open": [], "text": "No incident is open." }), Decision::Listed),
            (json!({ "incident": {}, "timeline": [] }), Decision::Listed),
            (json!({ "open": true }), Decision::Unknown(String::new())),
        ] {
            assert_eq!(Answer::of(&value).decision, expected, "{value}");
        }
    }

    #[test]
    fn fields_of_other_types_are_left_out() {
        let odd = json!({ "decision": 1, "next": "x", "steps": "y", "verification": [], "outcomes": 3, "healthy": "no" });
        assert_eq!(
            Answer::of(&odd),
            Answer { decision: Decision::Unknown(String::new()), ..Answer::default() }
        );
    }
}

//! An answer in words: what came of it, then what was done, what was seen, and what to do next.

use anstyle::Style;
use serde_json::Value;

use crate::{
    answer::{Answer, Decision, Next},
    function::Function,
    screen::{BAD, BOLD, DIM, GOOD, WARN, paint},
    suggest,
};

/// Columns of the word before a line.
const LABEL: usize = 9;
/// A reason that is longer is cut into its parts.
const PARTS_FROM: usize = 160;

/// `of` is the function that was asked.
pub(crate) fn answer(answer: &Answer, of: Function, width: Option<usize>) -> String {
    if !answer.outcomes.is_empty() {
        let all: Vec<String> = answer.outcomes.iter().map(|one| self::answer(one, of, width)).collect();
        return all.join("\n\n");
    }
    let mut said = if answer.lines.is_empty() { outcome(answer, width) } else { told(answer, of, width) };
    for step in &answer.steps {
        let (label, style) = match step.result.as_str() {
            "failed" => ("failed", BAD),
            "left_alone" => ("left", WARN),
            _ => ("step", GOOD),
        };
        let error = if step.error.is_empty() { String::new() } else { format!(": {}", step.error) };
        said.push(field(label, style, &format!("{}{error}", step.action), width));
    }
    if let Some(seen) = answer.verification.as_ref().filter(|seen| !seen.what.is_empty()) {
        let (label, style) = if seen.verified { ("checked", GOOD) } else { ("not seen", WARN) };
        said.push(field(label, style, &seen.what, width));
    }
    if let Some(next) = &answer.next {
        said.extend(self::next(next, of, width));
    }
    said.join("\n")
}

/// What came of it, and why.
fn outcome(answer: &Answer, width: Option<usize>) -> Vec<String> {
    let style = match answer.decision {
        Decision::Applied if answer.verified() == Some(false) => WARN,
        Decision::Applied | Decision::NothingToDo | Decision::Replayed | Decision::Listed => GOOD,
        Decision::Observed | Decision::AwaitingApproval => WARN,
        Decision::Refused | Decision::Failed | Decision::Unknown(_) => BAD,
    };
    let first = if answer.in_a_line().is_empty() { &answer.code } else { answer.in_a_line() };
    if answer.decision == Decision::Listed {
        let parts = if answer.details.is_empty() { parts(first) } else { answer.details.clone() };
        return parts.iter().map(|part| wrapped(part, width, 2)).collect();
    }
    let mut said = vec![field(answer.decision.words(), style, without_label(first), width)];
    // What was done is told by its summary and its steps.
    if answer.decision != Decision::Applied {
        said.extend(why(answer, width));
    }
    if matches!(answer.decision, Decision::Observed | Decision::AwaitingApproval) {
        said.extend(actions(answer, width));
    }
    if answer.decision != Decision::Applied {
        said.extend(details(answer, width));
    }
    said
}

/// A summary without the words that its label says already.
fn without_label(summary: &str) -> &str {
    const LABELS: [&str; 6] = [
        "nothing was done: ",
        "waits for approval: ",
        "waits for approval already: ",
        "would do: ",
        "dry run, nothing was changed: ",
        "would ",
    ];
    if summary.starts_with("would be refused") {
        return summary;
    }
    LABELS.iter().find_map(|label| summary.strip_prefix(label)).unwrap_or(summary)
}

/// The reason, as far as the summary and the plan do not say it: of a restore, what would be lost.
fn why(answer: &Answer, width: Option<usize>) -> Option<String> {
    let actions = format!("{}: ", answer.plan.join(", "));
    let reason = answer.reason.strip_prefix("would ").unwrap_or(&answer.reason);
    let reason = reason.strip_prefix(&actions).unwrap_or(reason);
    let is_said = words(answer.in_a_line()).contains(&words(reason));
    (!is_said).then(|| field("why", DIM, reason, width))
}

/// A text without what a summary may have otherwise: its punctuation and capitals.
fn words(text: &str) -> String {
    let parts = text.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// What would be done, action by action.
fn actions(answer: &Answer, width: Option<usize>) -> Vec<String> {
    answer.plan.iter().map(|line| field("would", BOLD, line, width)).collect()
}

/// What a person should know before a yes.
fn details(answer: &Answer, width: Option<usize>) -> Vec<String> {
    answer.details.iter().map(|detail| field("know", DIM, detail, width)).collect()
}

/// What a function has put into words itself.
fn told(answer: &Answer, of: Function, width: Option<usize>) -> Vec<String> {
    let mut said = Vec::new();
    if !answer.summary.is_empty() && answer.lines.first() != Some(&answer.summary) {
        said.push(paint(BOLD, &wrapped(&answer.summary, width, 0)));
    }
    said.push(lines(&answer.lines, of, width));
    said
}

/// Lines as a function has written them, each on its own.
pub(crate) fn lines(lines: &[String], of: Function, width: Option<usize>) -> String {
    let typed = suggest::in_place(lines, of);
    let wrapped = |(line, is_command): &(String, bool)| {
        // A command is copied: it is never wrapped.
        if *is_command { paint(BOLD, line) } else { wrapped(line, width, indent(line)) }
    };
    typed.iter().map(wrapped).collect::<Vec<_>>().join("\n")
}

/// What would be done, before a person is asked.
pub(crate) fn plan(plan: &Answer, of: Function, environment: &str, width: Option<usize>) -> String {
    let mut said = Vec::new();
    if !plan.in_a_line().is_empty() {
        said.push(field("plan", BOLD, without_label(plan.in_a_line()), width));
    }
    said.extend(why(plan, width));
    said.extend(actions(plan, width));
    said.extend(details(plan, width));
    if !plan.lines.is_empty() {
        said.push(lines(&plan.lines, of, width));
    }
    let target = match plan.target.as_str() {
        "" => environment.to_owned(),
        target => format!("{target}, {environment}"),
    };
    said.push(field("of", DIM, &target, width));
    said.join("\n")
}

fn next(next: &Next, of: Function, width: Option<usize>) -> Vec<String> {
    let mut lines = Vec::new();
    let level = if next.level > 1 { format!("(level {}) ", next.level) } else { String::new() };
    if !next.what.is_empty() {
        let what = suggest::inline(&next.what, Function::named(&next.function).unwrap_or(of));
        lines.push(field("next", BOLD, &format!("{level}{what}"), width));
    }
    if let Some(send) = &next.send {
        let function = Function::named(&next.function).unwrap_or(of);
        // A command is copied: it is never wrapped.
        lines.push(format!("{:LABEL$}{}", "", paint(BOLD, &command_or_json(function, send))));
    }
    lines
}

fn command_or_json(function: Function, send: &Value) -> String {
    suggest::command(function, send).unwrap_or_else(|| format!("send {}: {send}", function.name()))
}

/// A word, then a text that is wrapped beside it.
pub(crate) fn field(label: &str, style: Style, text: &str, width: Option<usize>) -> String {
    let gap = " ".repeat(LABEL.saturating_sub(label.len()).max(1));
    let label_width = label.len() + gap.len();
    let body =
        parts(text).iter().map(|part| wrapped(part, width.map(|width| width - LABEL), 0)).collect::<Vec<_>>();
    let body = body.join("\n").replace('\n', &format!("\n{}", " ".repeat(label_width)));
    format!("{}{gap}{body}", paint(style, label))
}

/// A list in one sentence, such as the snapshots that there are: each part by itself.
fn parts(text: &str) -> Vec<String> {
    if text.len() < PARTS_FROM || !text.contains("; ") {
        return vec![text.to_owned()];
    }
    text.split("; ").map(str::to_owned).collect()
}

/// `hanging` is how far the lines after the first are moved to the right.
pub(crate) fn wrapped(text: &str, width: Option<usize>, hanging: usize) -> String {
    let Some(width) = width else { return text.to_owned() };
    let hanging = " ".repeat(hanging);
    let options = textwrap::Options::new(width)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .subsequent_indent(&hanging);
    textwrap::wrap(text, options).join("\n")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len() + if line.trim_start().starts_with("- ") { 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(value: &serde_json::Value, width: Option<usize>) -> String {
        let painted = answer(&Answer::of(value), Function::ScaleUp, width);
        anstream::adapter::strip_str(&painted).to_string()
    }

    fn refused() -> serde_json::Value {
        json!({
            "decision": "refused", "code": "cooldown", "reason": "acted on at 10:00, and its effect is awaited",
            "next": { "what": "look whether that helped", "support_level": 1, "send": { "desired_count": 5 } },
            "steps": [],
        })
    }

    #[test]
    fn a_refusal_ends_with_the_command_that_works() {
        assert_eq!(
            plain(&refused(), None),
            "refused  acted on at 10:00, and its effect is awaited\nnext     look whether that helped\n         lendpeak2 scale 5"
        );
    }

    #[test]
    fn lines_hang_beside_their_word_on_a_narrow_screen() {
        assert_eq!(
            plain(&refused(), Some(40)),
            "refused  acted on at 10:00, and its\n         effect is awaited\nnext     look whether that helped\n         lendpeak2 scale 5"
        );
    }

    #[test]
    fn what_was_done_and_seen_is_told_step_by_step() {
        let applied = json!({
            "summary": "backend: 2 → 3 tasks; by hand: queues grow", "decision": "applied", "reason": "by hand: queues grow",
            "steps": [{ "action": "set the desired count to 3", "result": "done" },
                { "action": "raise the minimum", "result": "failed", "error": "throttled" }],
            "verification": { "verified": false, "what": "2 of 3 tasks run" },
            "next": { "what": "look again", "level": 2 },
        });
        assert_eq!(
            plain(&applied, None),
            "done     backend: 2 → 3 tasks; by hand: queues grow\nstep     set the desired count to 3\n\
             failed   raise the minimum: throttled\nnot seen 2 of 3 tasks run\nnext     (level 2) look again"
        );
    }

    #[test]
    fn a_plan_says_what_a_person_should_know_before_a_yes() {
        let asked = json!({
            "summary": "waits for approval: restore of a as b", "decision": "awaiting_approval",
            "reason": "create cluster b: LOST would be 3 h of writes",
            "plan": { "lines": ["create cluster b"], "details": ["it costs $1 an hour"] },
            "next": { "what": "approve by 10:00 UTC, or send {\"reject\":\"0a1b\"} to reject it",
                "function": "lendpeak2-production-snapshot-restore", "send": { "approve": "0a1b" }, "level": 1 },
        });
        assert_eq!(
            plain(&asked, None),
            "waits    restore of a as b\nwhy      LOST would be 3 h of writes\nwould    create cluster b\nknow     it costs $1 an hour\n\
             next     approve by 10:00 UTC, or type `lendpeak2 reject 0a1b` to reject it\n         lendpeak2 approve 0a1b"
        );
        let before = super::plan(&Answer::of(&asked), Function::SnapshotRestore, "production", None);
        assert_eq!(
            anstream::adapter::strip_str(&before).to_string(),
            "plan     restore of a as b\nwhy      LOST would be 3 h of writes\nwould    create cluster b\nknow     it costs $1 an hour\nof       production"
        );
    }

    #[test]
    fn a_list_is_a_line_for_each() {
        let listed =
            json!({ "decision": "listed", "summary": "2 snapshots", "plan": { "details": ["one", "two"] } });
        assert_eq!(plain(&listed, None), "one\ntwo");
    }

    #[test]
    fn lines_are_shown_as_they_come_with_commands_in_place_of_json() {
        let found =
            json!({ "text": ["Likely: the release broke it", "  send rollback: {\"to\":\"previous\"}"] });
        assert_eq!(plain(&found, None), "Likely: the release broke it\n  type `lendpeak2 rollback previous`");
    }

    #[test]
    fn an_answer_without_a_word_shows_its_code() {
        assert_eq!(plain(&json!({ "decision": "refused", "code": "mode_off" }), None), "refused  mode_off");
    }
}

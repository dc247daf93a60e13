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
    let mut lines = Vec::new();
    if answer.lines.is_empty() && answer.decision == Decision::Listed {
        lines.push(self::lines(&parts(answer.in_a_line()), width));
    } else if answer.lines.is_empty() {
        let style = match answer.decision {
            Decision::Applied if answer.verified() == Some(false) => WARN,
            Decision::Applied | Decision::NothingToDo | Decision::Replayed | Decision::Listed => GOOD,
            Decision::Observed | Decision::AwaitingApproval => WARN,
            Decision::Refused | Decision::Failed | Decision::Unknown(_) => BAD,
        };
        let first = if answer.in_a_line().is_empty() { &answer.code } else { answer.in_a_line() };
        lines.push(field(answer.decision.words(), style, first, width));
        if !answer.summary.is_empty() && !answer.reason.is_empty() && answer.reason != answer.summary {
            lines.push(field("why", DIM, &answer.reason, width));
        }
    } else {
        if !answer.summary.is_empty() && answer.lines.first() != Some(&answer.summary) {
            lines.push(wrapped(&paint_first(&answer.summary), width, 0));
        }
        lines.push(self::lines(&answer.lines, width));
    }
    for step in &answer.steps {
        let (label, style) = match step.result.as_str() {
            "failed" => ("failed", BAD),
            "left_alone" => ("left", WARN),
            _ => ("step", GOOD),
        };
        let error = if step.error.is_empty() { String::new() } else { format!(": {}", step.error) };
        lines.push(field(label, style, &format!("{}{error}", step.action), width));
    }
    if let Some(seen) = answer.verification.as_ref().filter(|seen| !seen.what.is_empty()) {
        let (label, style) = if seen.verified { ("checked", GOOD) } else { ("not seen", WARN) };
        lines.push(field(label, style, &seen.what, width));
    }
    if let Some(next) = &answer.next {
        lines.extend(self::next(next, of, width));
    }
    lines.join("\n")
}

/// Lines as a function has written them, each on its own.
pub(crate) fn lines(lines: &[String], width: Option<usize>) -> String {
    let lines: Vec<String> = lines.iter().map(|line| wrapped(&with_commands(line), width, indent(line))).collect();
    lines.join("\n")
}

/// What would be done, before a person is asked.
pub(crate) fn plan(plan: &Answer, environment: &str, width: Option<usize>) -> String {
    let mut lines = Vec::new();
    if !plan.in_a_line().is_empty() {
        lines.push(field("plan", BOLD, plan.in_a_line(), width));
    }
    if !plan.summary.is_empty() && !plan.reason.is_empty() && plan.reason != plan.summary {
        lines.push(field("why", DIM, &plan.reason, width));
    }
    lines.extend(plan.lines.iter().map(|line| field("plan", BOLD, line, width)));
    let target = if plan.target.is_empty() { environment.to_owned() } else { format!("{}, {environment}", plan.target) };
    lines.push(field("of", DIM, &target, width));
    lines.join("\n")
}

fn next(next: &Next, of: Function, width: Option<usize>) -> Vec<String> {
    let mut lines = Vec::new();
    let level = if next.level > 1 { format!("(level {}) ", next.level) } else { String::new() };
    if !next.what.is_empty() {
        lines.push(field("next", BOLD, &format!("{level}{}", next.what), width));
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
    let body = parts(text).iter().map(|part| wrapped(part, width.map(|width| width - LABEL), 0)).collect::<Vec<_>>();
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

fn paint_first(text: &str) -> String {
    paint(BOLD, text)
}

/// A line that says what to send, as in `send rollback: {"to":"previous"}`: with the command in the JSON's place.
fn with_commands(line: &str) -> String {
    let command = || {
        let (before, rest) = line.split_once("send ")?;
        let (name, json) = rest.split_once(": ")?;
        let send = serde_json::from_str(json).ok()?;
        Some(format!("{before}{}", suggest::command(Function::named(name)?, &send)?))
    };
    command().unwrap_or_else(|| line.to_owned())
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
            "summary": "backend: 2 → 3 tasks", "decision": "applied", "reason": "by hand: queues grow",
            "steps": [{ "action": "set the desired count to 3", "result": "done" },
                { "action": "raise the minimum", "result": "failed", "error": "throttled" }],
            "verification": { "verified": false, "what": "2 of 3 tasks run" },
            "next": { "what": "look again", "level": 2 },
        });
        assert_eq!(
            plain(&applied, None),
            "done     backend: 2 → 3 tasks\nwhy      by hand: queues grow\nstep     set the desired count to 3\n\
             failed   raise the minimum: throttled\nnot seen 2 of 3 tasks run\nnext     (level 2) look again"
        );
    }

    #[test]
    fn lines_are_shown_as_they_come_with_commands_in_place_of_json() {
        let found = json!({ "text": ["Likely: the release broke it", "  send rollback: {\"to\":\"previous\"}"] });
        assert_eq!(plain(&found, None), "Likely: the release broke it\n  lendpeak2 rollback previous");
    }

    #[test]
    fn an_answer_without_a_word_shows_its_code() {
        assert_eq!(plain(&json!({ "decision": "refused", "code": "mode_off" }), None), "refused  mode_off");
    }
}

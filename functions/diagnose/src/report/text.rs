//! At most a screen: the cause first, then what shows it, then the one next step.

use std::fmt::Write;

use shared::{
    diagnosis::{Chapter, Confidence, Diagnosis, Fact, Finding, Remedy, Sent, Status},
    settings::function_name,
};

use super::{capital, when};

/// A terminal's height, and what fits on a phone after two turns.
const LINES: usize = 24;
const WIDTH: usize = 110;
/// What shows the cause leaves room for the steps.
const SHOWN: usize = 13;
/// So many lines are kept for the steps, which are never cut.
const STEPS: usize = 11;
const FACTS: usize = 6;
/// More would leave no room for words.
const MOST_INDENT: usize = 8;
/// An ARN in a command is longer than a line, and is of no use in two parts.
const LONGEST_WORD: usize = 250;
/// The newest on the line of time.
const CHANGES: usize = 4;

pub(super) fn text(report: &Diagnosis) -> Vec<String> {
    let mut begin: Vec<String> = report.status.iter().map(status).collect();
    let (mut steps, mut others) = (Vec::new(), Vec::new());
    match report.findings.split_first() {
        None => begin.push(
            if report.looked_at.is_empty() { "Nothing could be looked at." } else { "Nothing found." }
                .to_owned(),
        ),
        Some((first, rest)) => {
            begin.extend(cause(report, first));
            steps.push(String::new());
            steps.extend(next(first, &report.environment));
            if !rest.is_empty() {
                others.push(String::new());
                others.push("Also:".to_owned());
                others.extend(
                    rest.iter().map(|other| format!("  {}{}", certainty(other.confidence), other.what)),
                );
            }
        }
    }
    let mut end = Vec::new();
    if report.findings.is_empty() && !report.looked_at.is_empty() {
        end.push(format!("Looked at {}.", report.looked_at.join(", ")));
    }
    for unseen in &report.not_seen {
        end.push(format!("Not seen: {} ({}).", unseen.source, unseen.why));
    }
    fit([begin, steps, others, end])
}

pub(super) fn status(Status { code, meaning, action }: &Status) -> String {
    format!("{code} {meaning}: {action}.")
}

fn cause(report: &Diagnosis, finding: &Finding) -> Vec<String> {
    let since = finding.since.map_or_else(String::new, |at| format!(", since {}", when(at, report.at)));
    let mut lines =
        vec![format!("{}{since}.", capital(&format!("{}{}", certainty(finding.confidence), finding.what)))];
    lines.extend(finding.evidence.iter().take(FACTS).map(|fact| format!("  {}", line(fact, report))));
    if !finding.explains.is_empty() {
        let consequences: Vec<&str> =
            finding.explains.iter().map(|one| without_known(&one.what, finding)).collect();
        lines.push(format!("This explains: {}.", consequences.join("; ")));
        lines.extend(told_why(finding).map(|fact| format!("  {}", line(fact, report))));
    }
    if finding.chapter == Chapter::ServiceDown && !report.changes.is_empty() {
        let newest = report.changes.len().saturating_sub(CHANGES);
        let changes = report.changes.iter().skip(newest);
        let changes: Vec<String> =
            changes.map(|change| format!("{} {}", when(change.at, report.at), change.what)).collect();
        lines.push(format!("Lately: {}.", changes.join("; ")));
    }
    lines
}

/// The next step, how one sees that it helped, and what else there is to do.
fn next(finding: &Finding, environment: &str) -> Vec<String> {
    let Remedy { what, sent, otherwise, helped } = &finding.remedy;
    // Without full stops: they would be the end of a command that is pasted.
    let mut lines = vec![format!("Next (level {}): {}", finding.support_level, what.trim_end_matches('.'))];
    if let Some(Sent { function, request }) = sent {
        lines.push(format!("  send {}: {request}", function_name(environment, function)));
    }
    lines.extend((!helped.is_empty()).then(|| format!("It worked if: {helped}")));
    lines
        .extend(otherwise.iter().filter(|it| !it.is_empty()).map(|otherwise| format!("If not: {otherwise}")));
    lines
}

/// A sentence without the reason at its end, where the cause's own facts have it already.
fn without_known<'a>(what: &'a str, finding: &Finding) -> &'a str {
    const LONG: usize = 40;
    let shown = || std::iter::once(&finding.what).chain(finding.evidence.iter().map(|fact| &fact.value));
    match what.split_once(": ") {
        Some((before, reason)) if reason.len() >= LONG && shown().any(|shown| shown.contains(reason)) => {
            before
        }
        _ => what,
    }
}

/// What ECS and the application themselves say about the consequences, where the cause does not show it.
fn told_why(finding: &Finding) -> impl Iterator<Item = &Fact> {
    const SOURCES: &[&str] = &["CloudWatch Logs", "ECS, stopped tasks", "ECS, service events"];
    const MOST: usize = 2;
    let known = |fact: &Fact| {
        let shown = std::iter::once(finding.what.as_str())
            .chain(finding.explains.iter().map(|one| one.what.as_str()))
            .chain(finding.evidence.iter().flat_map(|own| [own.what.as_str(), own.value.as_str()]));
        let words =
            if SOURCES.first().is_some_and(|logs| *logs == fact.source) { &fact.what } else { &fact.value };
        fact.what == "exit code" || shown.into_iter().any(|shown| shown.contains(words.as_str()))
    };
    // What the log has most of need not have to do with it.
    let known_causes = finding.explains.iter().filter(|one| one.cause != "unknown_cause");
    let facts = known_causes.flat_map(|one| &one.evidence);
    facts.filter(move |fact| SOURCES.contains(&&*fact.source) && !known(fact)).take(MOST)
}

pub(super) fn line(fact: &Fact, report: &Diagnosis) -> String {
    let mut text = format!("{}: {}", fact.what, fact.value.trim_end_matches('.'));
    // Writing to a String cannot fail.
    if let Some(threshold) = &fact.threshold {
        let _ = write!(text, " (threshold {threshold})");
    }
    if let Some(at) = fact.at {
        let _ = write!(text, ", {}", when(at, report.at));
    }
    let _ = write!(text, " [{}]", fact.source);
    text
}

pub(super) fn certainty(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "",
        Confidence::Likely => "likely: ",
        Confidence::Possible => "possibly: ",
    }
}

/// Wraps lines that are too long, and cuts what is too much: of what was not seen a fifth of the screen is left, then
/// the other findings give way, then what shows the cause.
fn fit(parts: [Vec<String>; 4]) -> Vec<String> {
    /// That there are others is told.
    const FEWEST_OTHERS: usize = 3;
    let [begin, steps, others, end] = parts;
    let [begin, others, end] = [begin, others, end].map(|lines| wrapped(&lines));
    let has_steps = !steps.is_empty();
    let end = at_most(if has_steps { LINES / 5 } else { LINES / 3 }, end);
    // A command that is cut into lines runs in part when it is pasted: the terminal wraps the steps.
    let rows: usize = steps.iter().map(|line| line.chars().count() / WIDTH + 1).sum();
    let left = LINES - end.len() - rows.min(STEPS);
    let shown = if has_steps { SHOWN.min(left - FEWEST_OTHERS.min(others.len())) } else { left };
    let begin = at_most(shown, begin);
    let others = at_most(left - begin.len(), others);
    [begin, steps, others, end].concat()
}

fn at_most(count: usize, mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > count {
        let dropped = lines.len() + 1 - count;
        lines.truncate(count.saturating_sub(1));
        lines.push(format!("  … and {dropped} more lines in the JSON"));
    }
    lines
}

fn wrapped(lines: &[String]) -> Vec<String> {
    lines.iter().flat_map(|line| wrap(line)).collect()
}

/// A line in as many as it needs, the others indented below the first.
fn wrap(line: &str) -> Vec<String> {
    let spaces = line.chars().take_while(|letter| letter.is_whitespace()).count();
    // What AWS says may begin with any number of them.
    let indent = spaces.min(MOST_INDENT);
    let below = " ".repeat(indent + 2);
    let mut lines = vec![" ".repeat(indent)];
    for word in line.split_whitespace() {
        let word: String = word.chars().take(LONGEST_WORD).collect();
        let last = lines.last().map(|last| last.chars().count()).unwrap_or_default();
        let is_first = lines.last().is_some_and(|last| last.trim().is_empty());
        if !is_first && last + 1 + word.chars().count() > WIDTH {
            lines.push(format!("{below}{word}"));
        } else if let Some(last) = lines.last_mut() {
            last.push_str(if is_first { "" } else { " " });
            last.push_str(&word);
        }
    }
    lines
}

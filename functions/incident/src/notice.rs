//! What people get, on a phone's screen: what is broken and since when, what was done, what they should do, and the
//! JSON to send.

mod advice;
mod deployment;
mod wording;

use jiff::Timestamp;
use shared::{
    clock,
    diagnosis::Confidence,
    text::{self, MAX_NOTICE},
};

pub use deployment::{Deployment, WaitingPlan};
pub use wording::{capital, levels, team, timeline_line, were_told};

use crate::incident::{Attempt, Incident, NoticeKind, Owner};
use wording::{minute, nth};

/// The longest line: a screen has about twenty lines of forty letters.
const MAX_LINE: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub subject: String,
    pub text: String,
    /// The highest level that gets it: so many topics, from the first on.
    pub levels: u8,
}

pub fn notice(incident: &Incident, kind: &NoticeKind, deployment: &Deployment, now: Timestamp) -> Notice {
    let severity = incident.severity.as_str();
    let subject =
        format!("[{}] {} {severity}: {}", deployment.environment, kind.headline(), title_in_ascii(incident));
    // SNS counts bytes, and some letters take several: then less of each line is shown.
    let mut most = MAX_LINE;
    let text = loop {
        let text = lines(incident, kind, deployment, now, most).join("\n");
        if text.len() <= MAX_NOTICE || most <= 40 {
            break text;
        }
        most -= 40;
    };
    Notice { subject, text, levels: incident.level }
}

fn lines(
    incident: &Incident,
    kind: &NoticeKind,
    deployment: &Deployment,
    now: Timestamp,
    most: usize,
) -> Vec<String> {
    let line = |text: &str| text::line(text, most);
    let severity = incident.severity.as_str();
    let mut lines = vec![
        line(&format!("{}: {} ({severity})", kind.headline(), incident.title)),
        line(&when(incident, now)),
    ];
    if let Some(first) = incident.first_began_at {
        let times = incident.reopened.saturating_add(1);
        lines.push(line(&format!(
            "This is the {} time; it first broke at {}.",
            nth(times),
            clock::readable(first)
        )));
    }
    match kind {
        NoticeKind::Escalated { reason } => {
            let reason = reason.trim_end_matches('.');
            lines.push(line(&format!("{} has it: {reason}.", team(incident.level))));
        }
        NoticeKind::Worse { from } => {
            lines.push(format!("Its severity rose from {} to {severity}.", from.as_str()));
        }
        NoticeKind::ProbePasses | NoticeKind::Opened | NoticeKind::Reopened | NoticeKind::Resolved => {}
    }
    lines.extend(deployment.unreached.iter().map(|why| line(&format!("{}.", capital(why)))));
    if let Some(assignee) = incident.assignee.as_ref().filter(|_| *kind != NoticeKind::Resolved) {
        lines.push(line(&format!("Assigned to {assignee}.")));
    }
    if let Some(found) = &incident.found {
        let sure = match found.confidence {
            Confidence::Certain => "certain",
            Confidence::Likely => "likely",
            Confidence::Possible => "possible",
        };
        lines.push(line(&format!("Cause ({sure}): {}.", found.what.trim_end_matches('.'))));
    }
    lines.push(line(&format!("Done: {}.", done(incident, kind))));
    lines.extend(advice::lines(incident, kind, deployment, now, most));
    lines.push(format!("Incident {}", incident.id));
    lines
}

/// When it broke, and for how long.
fn when(incident: &Incident, now: Timestamp) -> String {
    let began = clock::readable(incident.began_at);
    let until = incident.resolved_at.unwrap_or(now);
    let lasted = clock::spoken(until.duration_since(incident.began_at));
    if incident.is_open() {
        format!("Since {began} ({lasted}).")
    } else {
        format!("Began {began}, lasted {lasted}.")
    }
}

/// SNS takes a subject of ASCII alone. Where the title has other letters, the subject has the incident's id too.
fn title_in_ascii(incident: &Incident) -> String {
    let title = text::line(&incident.title, MAX_LINE);
    if title.is_ascii() {
        return title;
    }
    let words: Vec<&str> =
        title.split(|c: char| !c.is_ascii() || c == ' ').filter(|w| !w.is_empty()).collect();
    if words.is_empty() { incident.id.clone() } else { format!("{} ({})", words.join(" "), incident.id) }
}

/// What was tried since it broke, and how that went.
fn done(incident: &Incident, kind: &NoticeKind) -> String {
    let end = match (&incident.resolution, kind, &incident.owner) {
        (Some(how), ..) => Some(how.as_str()),
        (None, NoticeKind::ProbePasses, Owner::HandedOver { reason, .. }) => Some(reason.as_str()),
        _ => None,
    };
    let end = end.map(|how| how.trim_end_matches('.'));
    // A remedy that did nothing did not end it.
    let attempts = incident.current_attempts().iter().filter(|attempt| end.is_none() || attempt.acted());
    let attempts: Vec<String> = attempts.map(attempt_in_words).collect();
    match (attempts.as_slice(), end) {
        ([], None) => "nothing has been changed yet".to_owned(),
        ([], Some(how)) => how.to_owned(),
        (attempts, None) => attempts.join(", "),
        (attempts, Some(how)) => format!("{}; {how}", attempts.join(", ")),
    }
}

/// As in `rollback refused at 14:05 UTC (no known good release)`.
fn attempt_in_words(attempt: &Attempt) -> String {
    let function = &attempt.remedy.function;
    let at = minute(attempt.at);
    let code = attempt.code.as_deref().unwrap_or_default();
    let decision = attempt.decision.as_deref();
    let why = if code.is_empty() || Some(code) == decision {
        String::new()
    } else {
        format!(" ({})", code.replace('_', " "))
    };
    if attempt.is_waiting() {
        return format!("{function} has been waiting since {at}{why}");
    }
    let what = match decision {
        None => "was called",
        Some("applied") => "acted",
        Some("refused") => "refused",
        Some("nothing_to_do") => "found nothing to do",
        Some("observed") => "only observed",
        Some("awaiting_approval") => "asked for approval",
        Some("not_approved") => return format!("{function} was not approved (asked at {at})"),
        Some("failed") => "failed",
        Some(other) => return format!("{function} {} at {at}{why}", other.replace('_', " ")),
    };
    format!("{function} {what} at {at}{why}")
}

#[cfg(test)]
mod tests;

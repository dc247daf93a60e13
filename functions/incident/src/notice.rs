//! What people get, on a phone's screen: what is broken and since when, what was done, what they should do, and the
//! JSON to send.

mod advice;
mod customers;
mod deployment;
mod kill_switch;
mod wording;

use jiff::Timestamp;
use shared::{
    clock,
    diagnosis::Confidence,
    notice::{Facts, Kind, Page, State},
    outcome::Decision,
    text,
};

pub use customers::{maintenance, promised};
pub use deployment::{Deployment, WaitingPlan};
pub use kill_switch::{kill_switch, set_in_words};
pub use wording::{capital, levels, team, timeline_line, were_told};

use crate::{
    FUNCTION,
    incident::{Attempt, Decided, Incident, NoticeKind, Owner},
};
use wording::{minute, nth, took};

/// The longest line: a screen has about twenty lines of forty letters.
const MAX_LINE: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub facts: Facts,
    /// What a pager gets beside it: none where it calls nobody.
    pub page: Option<PageOf>,
    /// The highest level that gets it: so many topics, from the first on.
    pub levels: u8,
}

/// A page but for where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOf {
    state: State,
    title: String,
    reason: String,
    at: Timestamp,
}

impl Notice {
    pub fn page(&self, topic_arn: &str) -> Option<Page> {
        let PageOf { state, title, reason, at } = self.page.as_ref()?;
        Some(Page::new(&self.facts, *state, title, reason, *at, topic_arn))
    }
}

pub fn notice(incident: &Incident, kind: &NoticeKind, deployment: &Deployment, now: Timestamp) -> Notice {
    // SNS counts bytes, and some letters take several: then less of each line is shown.
    let mut most = MAX_LINE;
    let facts = loop {
        let facts = facts(incident, kind, deployment, now, most);
        if facts.fit() || most <= 40 {
            break facts;
        }
        most -= 40;
    };
    Notice { facts, page: page(incident, kind, now), levels: incident.level }
}

/// Called when it begins, comes back or goes up a level, and sent home when it is over.
fn page(incident: &Incident, kind: &NoticeKind, now: Timestamp) -> Option<PageOf> {
    let (state, reason) = match kind {
        NoticeKind::Opened | NoticeKind::Reopened => (State::Alarm, cause(incident)),
        NoticeKind::Escalated { reason } => {
            (State::Alarm, Some(cause(incident).unwrap_or_else(|| reason.clone())))
        }
        NoticeKind::Resolved => (State::Ok, incident.resolution.clone()),
        NoticeKind::Worse { .. } | NoticeKind::ProbePasses => return None,
    };
    let title = incident.title.clone();
    let reason = reason.unwrap_or_else(|| when(incident, now));
    Some(PageOf { state, title, reason, at: now })
}

/// As in `Cause (certain): release backend:12 answers 500`.
fn cause(incident: &Incident) -> Option<String> {
    let found = incident.found.as_ref()?;
    let sure = match found.confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    };
    Some(format!("Cause ({sure}): {}.", found.what.trim_end_matches('.')))
}

fn facts(
    incident: &Incident,
    kind: &NoticeKind,
    deployment: &Deployment,
    now: Timestamp,
    most: usize,
) -> Facts {
    let severity = incident.severity.as_str();
    let opening = format!("{}: {} ({severity})", kind.headline(), incident.title);
    let headline = format!("{} {severity}: {}", kind.headline(), title_in_ascii(incident));
    let plan = match kind {
        NoticeKind::Resolved | NoticeKind::ProbePasses => None,
        _ => advice::plan(incident, deployment).map(|plan| plan.id.clone()),
    };
    Facts {
        opening: text::line(&opening, most),
        lines: lines(incident, kind, deployment, now, most),
        steps: advice::steps(incident, kind, deployment, now, most),
        closing: format!("Incident {}", incident.id),
        incident: Some(incident.id.clone()),
        plan,
        ..Facts::new(&deployment.environment, FUNCTION, kind_of(kind), headline)
    }
}

fn kind_of(kind: &NoticeKind) -> Kind {
    match kind {
        NoticeKind::Opened => Kind::Opened,
        NoticeKind::Reopened => Kind::BackAgain,
        NoticeKind::Worse { .. } => Kind::Worse,
        NoticeKind::Escalated { .. } => Kind::Escalated,
        NoticeKind::ProbePasses => Kind::ProbePasses,
        NoticeKind::Resolved => Kind::Resolved,
    }
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
    let mut lines = vec![line(&when(incident, now))];
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
    lines.extend(cause(incident).map(|cause| line(&cause)));
    lines.push(line(&format!("Done: {}.", done(incident, kind))));
    if *kind == NoticeKind::Resolved {
        let stages = incident.stages();
        let acted = stages.acted_seconds.map_or(String::new(), |at| format!(", acted after {}", took(at)));
        let recovered = took(stages.recovered_seconds.unwrap_or_default());
        let detected = took(stages.detected_seconds);
        lines.push(format!("Noticed after {detected}{acted}, over after {recovered}."));
    }
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
    let decision = attempt.decision.as_ref();
    let why = if code.is_empty() || Some(code) == decision.map(Decided::as_str) {
        String::new()
    } else {
        format!(" ({})", code.replace('_', " "))
    };
    if attempt.is_waiting() {
        return format!("{function} has been waiting since {at}{why}");
    }
    let what = match decision {
        None => "was called",
        Some(Decided::Remedy(Decision::Applied)) => "acted",
        Some(Decided::Remedy(Decision::Refused)) => "refused",
        Some(Decided::Remedy(Decision::NothingToDo)) => "found nothing to do",
        Some(Decided::Remedy(Decision::Observed)) => "only observed",
        Some(Decided::Remedy(Decision::AwaitingApproval)) => "asked for approval",
        Some(Decided::Remedy(Decision::Failed)) => "failed",
        Some(Decided::NotApproved) => return format!("{function} was not approved (asked at {at})"),
        Some(other @ (Decided::Remedy(Decision::Listed | Decision::Replayed) | Decided::Unknown(_))) => {
            return format!("{function} {} at {at}{why}", other.as_str().replace('_', " "));
        }
    };
    format!("{function} {what} at {at}{why}")
}

#[cfg(test)]
mod tests;

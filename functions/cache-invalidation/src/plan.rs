//! Decides what is sent to CloudFront, from what was read and nothing else.

use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use shared::{
    alarms,
    clock::readable,
    outcome::Stop,
    plan::{FollowUpChange, InShort, Limits},
};

use crate::{
    FUNCTION,
    action::{Action, reasons, told, units},
    codes,
    follow_up::{Awaited, Past, Plan, add, awaited, look_after},
    observe::Observed,
    paths::Paths,
    request::{Goal, Request, Source},
    settings::{PATIENCE, Settings},
    skipped::{self, billed, cost},
};

/// As in `CloudFront: /index.html cleared`. The distribution's id is in the step: there is one.
pub(crate) fn in_short(actions: &[Action]) -> InShort {
    let Some(Action::CreateInvalidation { paths, widened, .. }) = actions.first() else {
        return InShort::default();
    };
    let mut paths = told(paths);
    if !widened.is_empty() {
        paths.push_str(" (wider than was asked)");
    }
    InShort { planned: format!("clear {paths} in CloudFront"), done: format!("CloudFront: {paths} cleared") }
}

/// The plan for one request.
pub(crate) fn plan(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    past: &Past,
) -> Plan {
    if let Some(why) = &observed.refused {
        return Plan::skip(why.stop(crate::FUNCTION));
    }
    if let (Source::Alarm(alarm), true) = (&request.source, observed.is_calm) {
        return Plan::skip(alarms::ended(alarm));
    }
    match &request.goal {
        Goal::Status(id) => Plan::skip(status(id, observed)),
        Goal::LookAfter => look_after(now, observed, settings, past.follow_up.as_ref()),
        Goal::Invalidate(asked) => invalidate(now, observed, request, asked, settings, past),
    }
}

/// Whether an action that was begun earlier is still to be done.
pub(crate) fn is_outstanding(action: &Action, observed: &Observed) -> bool {
    let Action::CreateInvalidation { caller_reference, .. } = action;
    observed.sent_as(caller_reference).is_none()
}

fn status(id: &str, observed: &Observed) -> Stop {
    let Some(one) = &observed.asked else {
        return skipped::invalidation_unknown(id);
    };
    let status = if one.is_completed() { "completed" } else { "in progress" };
    let reason = format!(
        "invalidation {} of {} is {status}; it was created at {}",
        one.id,
        told(&one.paths),
        readable(one.created_at)
    );
    Stop::listed(&codes::STATUS, reason)
}

fn invalidate(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    asked: &Paths,
    settings: &Settings,
    past: &Past,
) -> Plan {
    let paths = &asked.paths;
    let skip = |stop| Plan::skip(with_widened(stop, asked));
    if let Some(joined) = joins(observed, request, paths) {
        return skip(joined);
    }
    let earlier = awaited(past.follow_up.as_ref()).to_vec();
    if let Some(waiting) = earlier.iter().find(|one| !one.sent && one.paths == *paths) {
        return skip(skipped::already_waiting(waiting.due));
    }
    let billed = billed(past.month_units, paths.len(), settings.free_paths);
    if billed > 0 && matches!(request.source, Source::Alarm(_)) {
        return skip(skipped::free_paths_spent(past.month_units, settings.free_paths, paths));
    }

    let reason = reason(request, asked, billed, past, settings);
    let new = Awaited {
        paths: paths.clone(),
        widened: asked.widened.clone(),
        caller_reference: caller_reference(&request.event),
        reason: reason.clone(),
        sent: true,
        due: now + PATIENCE,
        before: observed.assets.clone(),
    };
    let (files, wildcards) = observed.in_progress();
    if !observed.has_room(paths) {
        return match add(earlier, Awaited { sent: false, ..new }) {
            Some(follow_up) => {
                Plan::postpone(follow_up, with_widened(skipped::no_room(files, wildcards), asked))
            }
            None => skip(skipped::too_many_waiting()),
        };
    }
    let limits = match request.source {
        Source::Alarm(_) => Limits::Apply,
        Source::Deployment(_) | Source::Person | Source::Schedule => Limits::SkipCooldown,
    };
    let action = new.action(settings);
    let follow_up = add(earlier, new).map_or(FollowUpChange::Keep, FollowUpChange::Set);
    let by_hand = Some(json!({ "paths": paths }));
    Plan { follow_up, limits, by_hand, units: units(paths), ..Plan::act(vec![action], reason) }
}

/// Why nothing is sent, with what was widened of the paths that it is about.
fn with_widened(stop: Stop, asked: &Paths) -> Stop {
    if asked.widened.is_empty() {
        return stop;
    }
    Stop { reason: format!("{}; {}", stop.reason, reasons(&asked.widened)), ..stop }
}

/// An invalidation of the same paths that is in progress. What was deployed after it began may have been cached
/// again in between: that is sent.
fn joins(observed: &Observed, request: &Request, paths: &[String]) -> Option<Stop> {
    let is_deployment = matches!(request.source, Source::Deployment(_));
    let same = observed.invalidations.iter().find(|one| {
        !one.is_completed() && one.paths == paths && (!is_deployment || one.created_at >= request.at)
    })?;
    Some(skipped::already_in_progress(&same.id, same.created_at))
}

/// The same for the same event, readable where it fits.
fn caller_reference(event: &str) -> String {
    const MAX_LENGTH: usize = 128;
    let readable = format!("{FUNCTION} {event}");
    if readable.len() <= MAX_LENGTH && readable.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return readable;
    }
    let hash = Sha256::digest(event);
    hash.iter().fold(format!("{FUNCTION} "), |text, byte| format!("{text}{byte:02x}"))
}

fn reason(request: &Request, asked: &Paths, billed: u32, past: &Past, settings: &Settings) -> String {
    let spent = past.month_units;
    let mut reason = match &request.source {
        Source::Alarm(alarm) => format!("alarm {} rang", alarm.name),
        Source::Deployment(event) => format!("{} has deployed the front end", event.name),
        Source::Person | Source::Schedule => past.asked.clone(),
    };
    if !asked.widened.is_empty() {
        reason = format!("{reason}; {}", reasons(&asked.widened));
    }
    if billed > 0 {
        let free = settings.free_paths;
        reason = format!(
            "{reason}; {spent} of the month's {free} free paths were sent before, so this costs {}",
            cost(billed)
        );
    }
    reason
}

#[cfg(test)]
mod tests;

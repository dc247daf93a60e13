//! Decides what is sent to CloudFront, from what was read and nothing else.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use shared::{
    alarms,
    clock::readable,
    code,
    outcome::Stop,
    plan::{FollowUp, FollowUpChange, Past, Plan, Weight},
};

use crate::{
    FUNCTION,
    awaited::{self, Awaited, PATIENCE},
    codes,
    observe::{self, Asset, Invalidation, Observed, Sight},
    paths::{Paths, is_wildcard},
    request::{Goal, Request, Source},
    settings::{FILES_IN_PROGRESS, Settings, WILDCARDS_IN_PROGRESS},
    skipped::{self, billed, cost},
};

/// More paths than this are not written out for a person.
const MAX_TOLD: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    CreateInvalidation {
        distribution: String,
        paths: Vec<String>,
        /// CloudFront takes the same one once.
        caller_reference: String,
        /// The assets as they were, to compare; no part of what is to be done.
        #[serde(skip)]
        before: Vec<Asset>,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::CreateInvalidation { distribution, paths, .. } = self;
        write!(f, "invalidate {} of distribution {distribution}", told(paths))
    }
}

/// The plan for one request.
pub(crate) fn plan(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    past: &Past,
) -> Plan<Action> {
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
    sent_as(caller_reference, observed).is_none()
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
    Stop::nothing_to_do(&codes::STATUS, reason)
}

fn invalidate(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    asked: &Paths,
    settings: &Settings,
    past: &Past,
) -> Plan<Action> {
    let paths = &asked.paths;
    if let Some(joined) = joins(observed, request, paths) {
        return Plan::skip(joined);
    }
    // What cannot be read is settled by the scheduled run; a new claim may take its place.
    let earlier = awaited::read(past.follow_up.as_ref()).unwrap_or_default();
    if let Some(waiting) = earlier.iter().find(|one| !one.sent && one.paths == *paths) {
        return Plan::skip(skipped::already_waiting(waiting.due));
    }
    let billed = billed(past.month_units, paths.len(), settings.free_paths);
    if billed > 0 && matches!(request.source, Source::Alarm(_)) {
        return Plan::skip(skipped::free_paths_spent(past.month_units, settings.free_paths, paths));
    }

    let reason = reason(request, asked, billed, past, settings);
    let new = Awaited {
        paths: paths.clone(),
        caller_reference: caller_reference(&request.event),
        reason: reason.clone(),
        sent: true,
        due: now + PATIENCE,
        before: observed.assets.clone(),
    };
    let (files, wildcards) = in_progress(observed);
    if !has_room(observed, paths) {
        return match awaited::add(earlier, Awaited { sent: false, ..new }) {
            Some(follow_up) => Plan::postpone(follow_up, skipped::no_room(files, wildcards)),
            None => Plan::skip(skipped::too_many_waiting()),
        };
    }
    let weight = match request.source {
        Source::Alarm(_) => Weight::Full,
        Source::Deployment(_) | Source::Person | Source::Schedule => Weight::Wished,
    };
    let action = create(&new, settings);
    let follow_up = awaited::add(earlier, new).map_or(FollowUpChange::Keep, FollowUpChange::Set);
    let by_hand = Some(json!({ "paths": paths }));
    Plan { follow_up, weight, by_hand, units: units(paths), ..Plan::act(vec![action], reason) }
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

fn look_after(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    follow_up: Option<&FollowUp>,
) -> Plan<Action> {
    let Some(awaited) = awaited::read(follow_up) else {
        return Plan::settle(skipped::follow_up_unreadable());
    };
    let looks: Vec<Look> = awaited.iter().map(|one| look(now, observed, settings, one)).collect();
    let send = looks.iter().position(|look| matches!(look, Look::Send));
    if let Some(one) = send.and_then(|place| awaited.get(place)) {
        return send_now(now, observed, settings, one, &awaited);
    }
    let ended = looks.iter().position(|look| matches!(look, Look::Ended(_)));
    let said = looks.into_iter().nth(ended.unwrap_or(0)).and_then(Look::said);
    let stop = said.unwrap_or_else(skipped::nothing_awaited);
    match ended {
        None => Plan::skip(stop),
        Some(_) if awaited.len() == 1 => Plan::settle(stop),
        Some(place) => {
            let mut rest = awaited;
            rest.remove(place);
            Plan::postpone(awaited::follow_up(&rest), stop)
        }
    }
}

/// What a look at one awaited invalidation shows.
enum Look {
    /// It has not reached CloudFront, and there is room.
    Send,
    Waits(Stop),
    /// It is over, well or not.
    Ended(Stop),
}

impl Look {
    fn said(self) -> Option<Stop> {
        match self {
            Self::Send => None,
            Self::Waits(said) | Self::Ended(said) => Some(said),
        }
    }
}

fn look(now: Timestamp, observed: &Observed, settings: &Settings, one: &Awaited) -> Look {
    let due = one.due;
    let late = now >= due;
    let what = format!("the invalidation of {} ({})", told(&one.paths), one.reason);
    let Some(seen) = sent_as(&one.caller_reference, observed) else {
        return match has_room(observed, &one.paths) {
            _ if late => Look::Ended(skipped::not_sent(&what, &one.paths)),
            true => Look::Send,
            false => Look::Waits(skipped::still_no_room(&what, due)),
        };
    };
    let what = format!("invalidation {} of {} ({})", seen.id, told(&one.paths), one.reason);
    if !seen.is_completed() {
        return if late {
            let what = format!("{what} has not come to its end in {} minutes", PATIENCE.as_secs() / 60);
            Look::Ended(skipped::not_verified(what))
        } else {
            Look::Waits(skipped::still_in_progress(&what, due))
        };
    }
    let looked_at = observe::assets_among(&one.paths, &settings.asset_path);
    let assets: Vec<Asset> =
        observed.assets.iter().filter(|asset| looked_at.contains(&asset.path)).cloned().collect();
    let mut said = vec![format!("{what} is completed")];
    if !assets.is_empty() {
        said.push(compared(&one.before, &assets));
    }
    let (sight, unseen) = Sight::of_all(&assets, seen.created_at, now);
    said.extend(unseen);
    let what = said.join(": ");
    match (sight, late) {
        (Sight::Fresh, _) => Look::Ended(Stop::nothing_to_do(&code::VERIFIED, what)),
        // The cache has done its part, and waiting brings no file.
        (Sight::NotThere, _) => Look::Ended(skipped::not_there(what)),
        (Sight::NotSeen, true) => Look::Ended(skipped::not_seen(what)),
        (Sight::Old, true) => Look::Ended(skipped::not_verified(what)),
        (Sight::NotSeen, false) => Look::Waits(skipped::not_seen_yet(&what, due)),
        (Sight::Old, false) => Look::Waits(skipped::still_served(&what, due)),
    }
}

/// Sends what waited, or what a run that died did not send.
fn send_now(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    one: &Awaited,
    awaited: &[Awaited],
) -> Plan<Action> {
    let before = if one.before.is_empty() { observed.assets.clone() } else { one.before.clone() };
    let sent = Awaited { sent: true, due: now + PATIENCE, before, ..one.clone() };
    let action = create(&sent, settings);
    let all: Vec<Awaited> = awaited
        .iter()
        .map(
            |other| if other.caller_reference == one.caller_reference { sent.clone() } else { other.clone() },
        )
        .collect();
    let reason = format!("{}; it had to wait", one.reason);
    Plan {
        follow_up: FollowUpChange::Set(awaited::follow_up(&all)),
        weight: Weight::Wished,
        // What was refused counts nothing. What a run that died had claimed may count twice: the free paths are never
        // believed to be more than they are.
        units: units(&one.paths),
        ..Plan::act(vec![action], reason)
    }
}

fn create(one: &Awaited, settings: &Settings) -> Action {
    Action::CreateInvalidation {
        distribution: settings.distribution.clone(),
        paths: one.paths.clone(),
        caller_reference: one.caller_reference.clone(),
        before: one.before.clone(),
    }
}

fn sent_as<'a>(caller_reference: &str, observed: &'a Observed) -> Option<&'a Invalidation> {
    observed.invalidations.iter().find(|one| one.caller_reference == caller_reference)
}

/// Files and wildcards that CloudFront is at work on.
fn in_progress(observed: &Observed) -> (usize, usize) {
    observed.invalidations.iter().filter(|one| !one.is_completed()).fold((0, 0), |(files, wildcards), one| {
        (files + one.paths.len() - one.wildcards(), wildcards + one.wildcards())
    })
}

fn has_room(observed: &Observed, paths: &[String]) -> bool {
    let (files, wildcards) = in_progress(observed);
    let more = paths.iter().filter(|path| is_wildcard(path)).count();
    // A limit that is not touched does not matter: another's may be exceeded already.
    (more == 0 || wildcards + more <= WILDCARDS_IN_PROGRESS)
        && (paths.len() == more || files + paths.len() - more <= FILES_IN_PROGRESS)
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

fn units(paths: &[String]) -> u32 {
    u32::try_from(paths.len()).unwrap_or(u32::MAX)
}

fn reason(request: &Request, asked: &Paths, billed: u32, past: &Past, settings: &Settings) -> String {
    let spent = past.month_units;
    let mut reason = match &request.source {
        Source::Alarm(alarm) => format!("alarm {} is in ALARM", alarm.name),
        Source::Deployment(event) => format!("{} has deployed the front end", event.name),
        Source::Person | Source::Schedule => past.asked.clone(),
    };
    for widened in &asked.widened {
        reason = format!("{reason}; {widened}");
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

/// Paths as a person wants to read them.
pub(crate) fn told(paths: &[String]) -> String {
    let some: Vec<&str> = paths.iter().take(MAX_TOLD).map(String::as_str).collect();
    match paths.len().saturating_sub(MAX_TOLD) {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

/// Assets before and after, as `/main.js: etag "1" → "2", x-cache Hit from cloudfront → Miss from cloudfront`.
pub(crate) fn compared(before: &[Asset], after: &[Asset]) -> String {
    let lines: Vec<String> = after
        .iter()
        .map(|now| {
            let was = before.iter().find(|was| was.path == now.path);
            let mut said = Vec::new();
            let mut say = |name: &str, of: &dyn Fn(&Asset) -> Option<String>| {
                let (then, now) = (was.and_then(of), of(now));
                match (then, now) {
                    (Some(then), Some(now)) if then != now => said.push(format!("{name} {then} → {now}")),
                    (_, Some(now)) => said.push(format!("{name} {now}")),
                    (Some(then), None) => said.push(format!("{name} {then} → none")),
                    (None, None) => {}
                }
            };
            say("no answer:", &|asset| asset.error.clone());
            say("status", &|asset| asset.status.map(|status| status.to_string()));
            say("etag", &|asset| asset.etag.clone());
            say("x-cache", &|asset| asset.x_cache.clone());
            say("age", &|asset| asset.age_seconds.map(|age| format!("{age} s")));
            format!("{}: {}", now.path, said.join(", "))
        })
        .collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests;

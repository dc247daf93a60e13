//! Decides whether to roll back and to which release, from what was read and nothing else.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use shared::{
    alarms,
    ecs::{self, Service, TaskDefinition, ready, revision},
    freeze::Freeze,
    ledger::Intent,
    outcome::Stop,
    plan::{FollowUpChange, Limits, Note, nothing_to_look_after},
};

use crate::{
    action::Action,
    choice::{Candidate, PastDeployment, Runs, Why},
    codes,
    follow_up::{Awaited, Past, Plan, look_after},
    observe::Observed,
    request::{Because, Request, To},
    settings::Settings,
    skipped,
};

/// As in `backend: lendpeak2-backend-production:3 → :1`.
pub(crate) fn in_short(actions: &[Action], settings: &Settings) -> String {
    let (from, to, how) = match actions.first() {
        Some(Action::StopDeployment { from, to, .. }) => (from, to, " by ECS itself"),
        Some(Action::Deploy { from, to, copy: false, freeze: None, .. }) => (from, to, ""),
        Some(Action::Deploy { from, to, freeze: None, .. }) => (from, to, ", as a copy"),
        Some(Action::Deploy { from, to, .. }) => (from, to, ", as a copy with writes frozen"),
        None => return String::new(),
    };
    // The family is the same, unless a person named another.
    let family = from.rsplit_once(':').map_or("", |(family, _)| family);
    let to = to.strip_prefix(family).filter(|number| number.starts_with(':')).unwrap_or(to);
    format!("{}: {from} → {to}{how}", settings.service)
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
    let decided = match request.to {
        To::LookAfter => look_after(now, observed, settings, past.follow_up.as_ref()),
        _ => roll_back(now, observed, request, settings, past),
    };
    decided.unwrap_or_else(Plan::skip)
}

/// Once, that a release was rolled back from was noted by an action of its own, before anything was done.
pub(crate) fn of_today(mut intent: Intent) -> Intent {
    let Some(actions) = intent.actions.as_array_mut() else {
        return intent;
    };
    let once = actions.iter().filter_map(|action| action.pointer("/note_rolled_back/release")?.as_str());
    intent.notes.extend(once.map(|release| Note::RolledBack { release: release.to_owned() }));
    actions.retain(|action| action.get("note_rolled_back").is_none());
    intent
}

/// Whether an action that was begun earlier still has to be done. If somebody has deployed something else
/// since, it is not.
pub(crate) fn is_outstanding(action: &Action, observed: &Observed) -> bool {
    match action {
        Action::StopDeployment { service_deployment, .. } => observed
            .history
            .iter()
            .any(|deployment| deployment.arn == *service_deployment && deployment.is_under_way()),
        Action::Deploy { from, .. } => {
            observed.service.as_ref().is_some_and(|service| revision(&service.task_definition) == from)
        }
    }
}

/// Whether the service runs what the action deploys; a stopped deployment is ECS's to undo.
pub(crate) fn has_taken_effect(action: &Action, observed: &Observed) -> bool {
    if !matches!(action, Action::Deploy { .. }) {
        return true;
    }
    let runs = observed.service.as_ref().map(|service| revision(&service.task_definition));
    action.targets().iter().any(|target| {
        target.images.is_empty() && runs == Some(&target.to)
            || observed.current.as_ref().is_some_and(|current| target.is(current))
    })
}

fn roll_back(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    past: &Past,
) -> Result<Plan, Stop> {
    let freeze = in_force(observed, past.freeze.as_ref());
    let name = &settings.service;
    let service = ready::usable(observed.service.as_ref(), name)?;
    ready::deployed_by_ecs(service, name, "roll back there")?;
    let current = revision(&service.task_definition);
    let known = observed.known();
    let runs = known.now(&service.task_definition);
    let is_named = matches!(request.to, To::Revision(_) | To::Release(_));
    if !is_named {
        is_called_for(now, observed, request, settings, service)?;
    }
    if let Some(deployment) = observed.history.iter().find(|deployment| deployment.is_rolling_back()) {
        return Err(skipped::already_rolling_back(name, &deployment.arn));
    }

    let stoppable = under_way(observed, &runs, freeze.is_some()).filter(|_| !is_named);
    let (action, choice, why) = if let Some((deployment, back)) = stoppable {
        let to = revision(back.task_definition.as_deref().unwrap_or_default()).to_owned();
        let digests = known.deployed(back).map(|back| back.digests()).unwrap_or_default();
        let choice = known.told(&to, &digests);
        let action = Action::StopDeployment {
            service_deployment: deployment.arn.clone(),
            from: current.to_owned(),
            to,
        };
        let stage = service.stage.as_ref().map(|stage| format!("; {}", stage.said())).unwrap_or_default();
        (action, choice, format!("the last release that was deployed successfully{stage}"))
    } else {
        let (action, candidate) = choose(observed, service, name, &runs, freeze)?;
        let to = action.targets().first().map(|target| target.to.clone()).unwrap_or_default();
        (action, known.told(&to, &candidate.digests), candidate.why.said().to_owned())
    };
    let targets = action.targets();
    let (first, or) = targets.split_first().ok_or_else(nothing_to_look_after)?;
    let to = first.to.clone();
    let frozen = freeze.map(|freeze| format!("; {}, and stay so", freeze.said())).unwrap_or_default();
    let reason = format!(
        "{}; to {choice}, {why}{frozen}{}",
        because(request, service, &past.asked),
        failures(observed)
    );
    let awaited = Awaited::new(current, first, or);
    // For a copy, note only the copy: its original may have had other images.
    let release = known.frozen_from(current).unwrap_or(current).to_owned();
    Ok(Plan {
        follow_up: FollowUpChange::Set(awaited.until(now + settings.settle)),
        limits: if is_named { Limits::SkipCooldown } else { Limits::Apply },
        // Another release that breaks has its own cooldown and budget; the one that this goes back to has not.
        about: vec![known.told(runs.release, &runs.digests()), choice],
        notes: vec![Note::RolledBack { release }],
        by_hand: Some(json!({ "to": to })),
        ..Plan::act(vec![action], reason)
    })
}

/// The best release that can be gone back to, with the next ones for the case that ECS does not take it.
fn choose<'a>(
    observed: &'a Observed,
    service: &Service,
    name: &str,
    runs: &Runs<'_>,
    freeze: Option<&Freeze>,
) -> Result<(Action, &'a Candidate), Stop> {
    /// Each is another call of a run that is in a hurry.
    const AT_MOST: usize = 3;
    let mut usable = Vec::new();
    let mut unusable = Vec::new();
    for (candidate, found) in &observed.candidates {
        match deploy(observed, service, name, runs, candidate, found.as_ref(), freeze) {
            Ok(action) => usable.push((action, candidate)),
            Err(why) => unusable.push(why),
        }
    }
    usable.truncate(AT_MOST);
    let mut usable = usable.into_iter();
    let Some((mut action, candidate)) = usable.next() else {
        let is_named = observed.candidates.iter().any(|(candidate, _)| candidate.why == Why::Named);
        let existing = &observed.existing;
        let runs = revision(&service.task_definition);
        let is_gone = |why: &Stop| *why.code == codes::RELEASE_UNKNOWN;
        let left = observed.releases.iter().filter(|release| release.rolled_back_at.is_some());
        let rolled_back: Vec<&str> = left.map(|release| release.revision.as_str()).collect();
        return Err(match <[Stop; 1]>::try_from(unusable) {
            Ok([why]) if is_named || !is_gone(&why) => why,
            Ok(_) => skipped::no_known_good(name, runs, existing, &rolled_back),
            Err(unusable) if unusable.iter().all(is_gone) => {
                skipped::no_known_good(name, runs, existing, &rolled_back)
            }
            Err(unusable) => skipped::none_usable(name, runs, &unusable, existing),
        });
    };
    if let Action::Deploy { or, .. } = &mut action {
        or.extend(usable.map(|(action, _)| action));
    }
    Ok((action, candidate))
}

/// The freeze of writes that is to be kept. One that a run is still at, or died over, is in force if the service runs
/// its copy.
fn in_force<'a>(observed: &Observed, freeze: Option<&'a Freeze>) -> Option<&'a Freeze> {
    freeze.filter(|freeze| {
        !freeze.pending || observed.current.as_ref().is_some_and(|current| current.frozen_from.is_some())
    })
}

/// Whether an older release would help.
fn is_called_for(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    service: &Service,
) -> Result<(), Stop> {
    match &request.because {
        Because::Alarm(alarm) => {
            alarms::lasts(alarm, &observed.alarms)?;
            let young = SignedDuration::try_from(settings.young_release).unwrap_or(SignedDuration::MAX);
            let since = observed
                .known()
                .released_at(&service.task_definition)
                .or_else(|| service.primary()?.created_at);
            if let Some(since) = since.filter(|since| now.duration_since(*since) > young) {
                return Err(skipped::release_too_old(revision(&service.task_definition), since));
            }
        }
        Because::Deployment(event) => {
            let failed = service.primary().filter(|primary| {
                event.deployment.as_ref().is_none_or(|id| *id == primary.id) && !primary.is_completed()
            });
            if failed.is_none() {
                return Err(skipped::superseded(&settings.service));
            }
        }
        Because::Person | Because::Schedule => {}
    }
    match &observed.health {
        Some(health) if health.is_the_database() => Err(skipped::database_down(&health.summary)),
        _ => Ok(()),
    }
}

/// The deployment under way that ECS can undo, and what it would go back to.
fn under_way<'a>(
    observed: &'a Observed,
    runs: &Runs<'_>,
    frozen: bool,
) -> Option<(&'a PastDeployment, &'a PastDeployment)> {
    let known = observed.known();
    let deployment = observed.history.iter().find(|deployment| deployment.is_under_way())?;
    let last_success = observed
        .history
        .iter()
        .filter(|past| past.has_succeeded() && past.created_at <= deployment.created_at)
        .max_by_key(|past| past.created_at)?;
    let back = known.deployed(last_success)?;
    let stays_as_it_is = known.frozen_from(last_success.task_definition.as_deref()?).is_some() == frozen;
    // To undo a restart brings nothing else; and ECS would mind neither a release that we rolled back from nor one
    // that ends a freeze, or begins one.
    (!back.is(runs) && !known.is_bad(&back) && stays_as_it_is).then_some((deployment, last_success))
}

fn deploy(
    observed: &Observed,
    service: &Service,
    name: &str,
    runs: &Runs<'_>,
    candidate: &Candidate,
    target: Option<&TaskDefinition>,
    freeze: Option<&Freeze>,
) -> Result<Action, Stop> {
    let target = target.ok_or_else(|| skipped::release_unknown(candidate.name(), &observed.existing))?;
    let (current, to) = (revision(&service.task_definition), target.revision());
    let is_named = to == current || observed.current.as_ref().is_some_and(|current| current.is(to));
    if is_named && runs.has(&candidate.digests) {
        let others = observed.known().with_other_images(runs);
        return Err(skipped::already_runs(name, to, &others));
    }
    let family = ecs::family(current);
    if ecs::family(to) != family {
        return Err(skipped::other_family(name, to, family));
    }
    if let Some(what) = service.needs.missing_in(&target.offers) {
        return Err(skipped::does_not_fit(name, to, &what));
    }
    let mut images = candidate.images.clone();
    images.retain(|container, image| target.images.get(container).is_some_and(|named| named != image));
    let copy = !target.is_active || !images.is_empty();
    let freeze = match (&target.frozen_from, freeze) {
        (Some(release), None) => return Err(skipped::frozen_copy(to, release)),
        (None, Some(freeze)) if !target.images.contains_key(&freeze.variable.container) => {
            return Err(skipped::cannot_stay_frozen(to, &freeze.variable.container));
        }
        // A copy with which they were frozen needs nothing more.
        (Some(_), Some(freeze)) => copy.then(|| freeze.variable.clone()),
        (None, freeze) => freeze.map(|freeze| freeze.variable.clone()),
    };
    if let Some(why) = target.cannot_be_copied.as_ref().filter(|_| copy || freeze.is_some()) {
        return Err(skipped::cannot_be_copied(to, why));
    }
    Ok(Action::Deploy { from: current.to_owned(), to: to.to_owned(), copy, images, freeze, or: Vec::new() })
}

fn because(request: &Request, service: &Service, asked: &str) -> String {
    let release = revision(&service.task_definition);
    match &request.because {
        Because::Alarm(alarm) => format!("alarm {} rang, and {release} is new", alarm.name),
        Because::Deployment(event) => {
            let reason = event.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("the deployment of {release} has failed{reason}")
        }
        Because::Person | Because::Schedule => asked.to_owned(),
    }
}

/// Why the release's tasks died, for the person who mends it.
fn failures(observed: &Observed) -> String {
    let current = observed.service.as_ref().map(|service| service.task_definition.as_str());
    let mut reasons: Vec<&str> = observed
        .stopped_tasks
        .iter()
        .filter(|task| task.failed && Some(task.task_definition.as_str()) == current)
        .map(|task| task.reason.as_str())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    if reasons.is_empty() {
        String::new()
    } else {
        format!("; its tasks stopped with: {}", ecs::some_of(&reasons))
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! Decides whether to roll back and to which release, from what was read and nothing else.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    alarms,
    clock::readable,
    code,
    ecs::{self, Service, TaskDefinition, ready, revision},
    freeze::{Freeze, Variable},
    ledger::Intent,
    outcome::{Decision, Next, Stop, Verification},
    plan::{FollowUp, FollowUpChange, Note, Past, Plan, Weight, nothing_to_look_after, still_settling},
};

use crate::{
    choice::{Candidate, PastDeployment, Runs, Why},
    codes,
    observe::Observed,
    request::{Because, Request, To},
    settings::Settings,
    skipped,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Has ECS undo a deployment that is under way.
    StopDeployment { service_deployment: String, from: String, to: String },
    /// Points the service at an older task definition.
    Deploy {
        from: String,
        to: String,
        /// Whether a copy of it must be registered first.
        copy: bool,
        /// Images to be named by digest in the copy, since their tag has moved on.
        images: BTreeMap<String, String>,
        /// What the copy must have, since writes are frozen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freeze: Option<Variable>,
        /// What is done instead where ECS does not take it: the same to the next ones.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        or: Vec<Self>,
    },
}

/// What a roll-back that is under way comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) to: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    images: BTreeMap<String, String>,
}

impl Target {
    fn is(&self, definition: &TaskDefinition) -> bool {
        let has = |(container, image): (&String, &String)| definition.images.get(container) == Some(image);
        definition.is(&self.to) && self.images.iter().all(has)
    }
}

/// The roll-back that the scheduled run looks after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Awaited {
    from: String,
    #[serde(flatten)]
    target: Target,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    or: Vec<Target>,
}

impl Action {
    /// What it may come to, the first choice first.
    pub(crate) fn targets(&self) -> Vec<Target> {
        match self {
            Self::StopDeployment { to, .. } => vec![Target { to: to.clone(), images: BTreeMap::new() }],
            Self::Deploy { to, images, or, .. } => {
                let first = Target { to: to.clone(), images: images.clone() };
                std::iter::once(first).chain(or.iter().flat_map(Self::targets)).collect()
            }
        }
    }

    /// The next choice.
    pub(crate) fn instead(&self) -> Option<Self> {
        let Self::Deploy { or, .. } = self else {
            return None;
        };
        let (next, rest) = or.split_first()?;
        let mut next = next.clone();
        if let Self::Deploy { or, .. } = &mut next {
            *or = rest.to_vec();
        }
        Some(next)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StopDeployment { from, to, .. } => {
                write!(f, "stop the deployment of {from} and have ECS roll back to {to}")
            }
            Self::Deploy { from, to, copy: false, freeze: None, .. } => {
                write!(f, "roll back from {from} to {to}")
            }
            Self::Deploy { from, to, images, freeze, .. } => {
                write!(f, "roll back from {from} to a copy of {to}")?;
                let variable = freeze.iter().map(ToString::to_string);
                let with: Vec<String> = variable.chain(images.values().cloned()).collect();
                if with.is_empty() {
                    write!(f, ", which is INACTIVE")
                } else {
                    write!(f, " with {}", with.join(" and "))
                }
            }
        }
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

/// Whether an action that was begun earlier is still to be done. If somebody has deployed something else
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
) -> Result<Plan<Action>, Stop> {
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
        (action, choice, format!("it is the last release that was deployed successfully{stage}"))
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
        "{}; {choice} is the choice, since {why}{frozen}{}",
        because(request, service, &past.asked),
        failures(observed)
    );
    let awaited = Awaited { from: current.to_owned(), target: first.clone(), or: or.to_vec() };
    // Of a copy, just that is noted: what it is a copy of may have run with other images.
    let release = known.frozen_from(current).unwrap_or(current).to_owned();
    Ok(Plan {
        follow_up: FollowUpChange::Set(FollowUp {
            due: now + settings.settle,
            what: json!(awaited),
            until_verified: true,
        }),
        weight: if is_named { Weight::Wished } else { Weight::Full },
        // Another release that breaks has a cooldown and a budget of its own; the one that was gone back to has not.
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
        let is_gone = |why: &Stop| *why.code == codes::RELEASE_UNKNOWN;
        return Err(match <[Stop; 1]>::try_from(unusable) {
            Ok([why]) if is_named || !is_gone(&why) => why,
            Ok(_) => skipped::no_known_good(name, existing),
            Err(unusable) if unusable.iter().all(is_gone) => skipped::no_known_good(name, existing),
            Err(unusable) => skipped::none_usable(name, &unusable, existing),
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
        Because::Alarm(alarm) => format!("alarm {} is in ALARM, and {release} is new", alarm.name),
        Because::Deployment(event) => {
            let reason = event.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("the deployment of {release} has failed{reason}")
        }
        Because::Person | Because::Schedule => asked.to_owned(),
    }
}

/// What the release's tasks died of, for whoever has to mend it.
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

fn look_after(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    follow_up: Option<&FollowUp>,
) -> Result<Plan<Action>, Stop> {
    let follow_up = follow_up.ok_or_else(nothing_to_look_after)?;
    let Awaited { from, target, or } =
        serde_json::from_value(follow_up.what.clone()).map_err(|_| nothing_to_look_after())?;
    let targets = [vec![target], or].concat();
    let is_at = |current: &TaskDefinition| targets.iter().find(|target| target.is(current));
    let to = observed.current.as_ref().and_then(is_at).or(targets.first()).map_or("", |target| &target.to);
    let seen = settled(observed, &targets);
    if seen.verified {
        let reason = format!("the roll-back to {to} has settled: {}", seen.what);
        return Ok(Plan::settle(Stop::nothing_to_do(&code::VERIFIED, reason)));
    }
    let runs =
        observed.service.as_ref().map(|service| revision(&service.task_definition)).unwrap_or_default();
    let is_one = targets.iter().any(|target| target.to == runs);
    let is_copy = observed.current.as_ref().and_then(is_at).is_some();
    if !runs.is_empty() && runs != from && !is_one && observed.current.is_some() && !is_copy {
        let reason = format!("{runs} was deployed since: the roll-back to {to} is not looked after any more");
        return Ok(Plan::settle(Stop::nothing_to_do(&code::SUPERSEDED, reason)));
    }
    if now < follow_up.due {
        return Err(still_settling(&format!("the roll-back to {to}"), follow_up.due, &seen.what));
    }
    Ok(Plan::settle(Stop {
        decision: Decision::Failed,
        code: &code::NOT_VERIFIED,
        reason: format!(
            "the roll-back of {} to {to} has not settled by {}: {}",
            settings.service,
            readable(follow_up.due),
            seen.what
        ),
        next: Some(Next::devops(
            "look at the service's events and stopped tasks; if the older release fails too, the cause lies elsewhere",
        )),
    }))
}

/// Whether the service runs one of these, all of it, and the probe agrees.
pub(crate) fn settled(observed: &Observed, targets: &[Target]) -> Verification {
    let (runs, what) = deployed(observed, targets);
    match &observed.health {
        _ if !runs => Verification { verified: false, what },
        Some(health) if health.api => {
            Verification { verified: true, what: format!("{what}, and /health passes") }
        }
        Some(health) => {
            Verification { verified: false, what: format!("{what}, but /health fails: {}", health.summary) }
        }
        None => Verification { verified: false, what: format!("{what}, but the probe did not answer") },
    }
}

/// Whether the service runs one of these as far as ECS can tell, and what it runs.
pub(crate) fn deployed(observed: &Observed, targets: &[Target]) -> (bool, String) {
    let Some(service) = &observed.service else {
        return (false, "the service is gone".to_owned());
    };
    let is_it = |current: &TaskDefinition| targets.iter().any(|target| target.is(current));
    (observed.current.as_ref().is_some_and(is_it) && service.is_steady(), service.progress())
}

#[cfg(test)]
pub(crate) mod tests;

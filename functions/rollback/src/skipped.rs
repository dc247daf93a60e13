//! Why a service is left as it is.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    clock::readable,
    code,
    ecs::revision,
    outcome::{Next, Stop},
};

use crate::codes;

pub(crate) fn superseded(service: &str) -> Stop {
    let reason = format!("the deployment that failed is not the last one of {service} any more");
    Stop::nothing_to_do(&code::SUPERSEDED, reason)
}

pub(crate) fn database_down(probe: &str) -> Stop {
    let reason = format!("it is the database that fails, and no older release would help: {probe}");
    Stop::refused(&codes::DATABASE_DOWN, reason).next(Next::devops(
        "look at the DocumentDB cluster: status, connections, CPU, and its security group",
    ))
}

pub(crate) fn release_too_old(release: &str, since: Timestamp) -> Stop {
    let reason = format!("{release} runs since {}: it is not what broke now", readable(since));
    let next = Next::development(
        "look at what else has changed: traffic, data, configuration, AWS; to roll back nevertheless, send the request \
         below",
    );
    Stop::refused(&codes::RELEASE_TOO_OLD, reason).next(next.send(json!({ "to": "previous" })))
}

pub(crate) fn already_rolling_back(service: &str, deployment: &str) -> Stop {
    let reason = format!("ECS is rolling {service} back already ({deployment})");
    Stop::nothing_to_do(&codes::ALREADY_ROLLING_BACK, reason)
        .next(Next::development("wait for it to end, then look at the service"))
}

/// `others` are the service revisions that brought the release with other images.
pub(crate) fn already_runs(service: &str, release: &str, others: &[String]) -> Stop {
    let stop = Stop::nothing_to_do(&codes::ALREADY_RUNS, format!("{service} runs {release} already"));
    match others.first() {
        Some(newest) => {
            let what = format!(
                "{release} ran with other images before; to go back to those, name the service revision: {}",
                others.join(", ")
            );
            stop.next(Next::development(what).send(json!({ "to": newest })))
        }
        None => stop,
    }
}

pub(crate) fn release_unknown(named: &str, existing: &[String]) -> Stop {
    let reason = format!("there is no release {named}; there are {}", list(existing));
    Stop::refused(&codes::RELEASE_UNKNOWN, reason).next(previous("name one that exists"))
}

pub(crate) fn other_family(service: &str, named: &str, family: &str) -> Stop {
    let reason = format!("{named} is not a release of {service}, which runs {family}");
    Stop::refused(&codes::OTHER_FAMILY, reason).next(previous(&format!("name a revision of {family}")))
}

fn previous(or: &str) -> Next {
    Next::development(format!("go back to the last good release by the request below, or {or}"))
        .send(json!({ "to": "previous" }))
}

pub(crate) fn no_known_good(service: &str, runs: &str, existing: &[String], rolled_back: &[&str]) -> Stop {
    let left = if rolled_back.is_empty() {
        String::new()
    } else {
        format!(" ({} was rolled back from)", rolled_back.join(", "))
    };
    let reason = format!(
        "no release of {service} beside {runs} is known to be good: neither AWS's history nor the ledger has one that was \
         not rolled back from{left}; there are {}",
        list(existing)
    );
    Stop::refused(&codes::NO_KNOWN_GOOD_RELEASE, reason).next(name_one(runs, existing, rolled_back))
}

pub(crate) fn none_usable(service: &str, runs: &str, unusable: &[Stop], existing: &[String]) -> Stop {
    let why: Vec<&str> = unusable.iter().map(|why| why.reason.as_str()).collect();
    let reason = format!(
        "of the releases of {service} that were good, none can be deployed: {}; there are {}",
        why.join("; "),
        list(existing)
    );
    Stop::refused(&codes::NO_USABLE_RELEASE, reason).next(name_one(runs, existing, &why))
}

/// Offers the newest release that does not run and of which nothing is said in `unusable`.
fn name_one(runs: &str, existing: &[String], unusable: &[&str]) -> Next {
    // As a word of its own: `:1` is no part of `:12`.
    let names = |why: &str, release: &str| {
        why.split_whitespace().any(|word| word.trim_matches([',', ';', ':', '.', '(', ')']) == release)
    };
    let is_left = |release: &&str| *release != runs && !unusable.iter().any(|why| names(why, release));
    match existing.iter().map(|arn| revision(arn)).find(is_left) {
        Some(newest) => Next::development(format!(
            "name the release to go back to; the newest that does not run is {newest}, and nothing says that it is good"
        ))
        .send(json!({ "to": newest })),
        None => Next::development("deploy a release that works: there is none to go back to"),
    }
}

pub(crate) fn does_not_fit(service: &str, named: &str, what: &str) -> Stop {
    let reason = format!("{named} has not got what {service} names of its task definition: {what}");
    Stop::refused(&codes::RELEASE_DOES_NOT_FIT, reason)
        .next(Next::development("name a release that has it, or change the service first"))
}

pub(crate) fn cannot_be_copied(named: &str, why: &str) -> Stop {
    let reason = format!("{named} can be deployed only as a copy, and that would not be the same: {why}");
    Stop::refused(&code::CANNOT_BE_COPIED, reason)
        .next(Next::devops("register a copy by hand and deploy that, or name another release"))
}

pub(crate) fn release_refused(service: &str, named: &str, why: &str) -> Stop {
    let reason = format!("ECS does not take {named} for {service}: {why}");
    let next = format!(
        "correct what ECS refuses, then send {named} again by the request below; or name another release"
    );
    Stop::refused(&codes::RELEASE_REFUSED, reason).next(Next::development(next).send(json!({ "to": named })))
}

pub(crate) fn frozen_copy(named: &str, release: &str) -> Stop {
    let reason =
        format!("{named} is the copy of {release} with which writes were frozen, and they are not any more");
    Stop::refused(&codes::FROZEN_COPY, reason)
        .next(Next::development(format!("name {release}")).send(json!({ "to": release })))
}

pub(crate) fn cannot_stay_frozen(release: &str, container: &str) -> Stop {
    let reason =
        format!("writes are frozen, and {release} has no container {container}, in which they could stay so");
    let next = Next::development("name another release, or end the freeze first by the request below");
    Stop::refused(&codes::CANNOT_STAY_FROZEN, reason)
        .next(next.send_to("write-freeze", json!({ "state": "off" })))
}

fn list(revisions: &[String]) -> String {
    if revisions.is_empty() {
        return "none".to_owned();
    }
    revisions.iter().map(|arn| revision(arn)).collect::<Vec<_>>().join(", ")
}

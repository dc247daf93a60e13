//! Why a service is left as it is.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    clock::readable,
    ecs::revision,
    outcome::{Next, Stop},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Skipped {
    ServiceMissing,
    ServiceInactive { status: String },
    NotRolling { controller: String },
    AlarmNotInAlarm { alarm: String },
    Superseded,
    DatabaseDown { probe: String },
    OldRelease { release: String, since: Timestamp },
    AlreadyRollingBack { deployment: String },
    AlreadyRuns { release: String, others: Vec<String> },
    RevisionMissing { named: String, existing: Vec<String> },
    OtherFamily { named: String, family: String },
    NoKnownGood { existing: Vec<String> },
    NoneUsable { unusable: Vec<Self>, existing: Vec<String> },
    DoesNotFit { named: String, what: String },
    CannotBeCopied { named: String, why: String },
    ReleaseRefused { named: String, why: String },
    FrozenCopy { named: String, release: String },
    CannotFreeze { release: String, container: String },
    NothingToLookAfter,
    StillSettling { to: String, due: Timestamp, now: String },
}

impl Skipped {
    #[expect(clippy::too_many_lines, reason = "one sentence for each reason")]
    pub(crate) fn stop(&self, service: &str) -> Stop {
        match self {
            Self::ServiceMissing => {
                Stop::refused("service_missing", format!("there is no service {service}"))
                    .next(Next::devops("correct ClusterName and ServiceName of the stack"))
            }
            Self::ServiceInactive { status } => {
                Stop::refused("service_inactive", format!("service {service} is {status}, not ACTIVE")).next(
                    Next::devops("see who deleted the service, and create it again if that was a mistake"),
                )
            }
            Self::NotRolling { controller } => Stop::refused(
                "not_deployed_by_ecs",
                format!("deployments of {service} are carried out by {controller}, not by ECS"),
            )
            .next(Next::devops("roll back there")),
            Self::AlarmNotInAlarm { alarm } => {
                Stop::nothing_to_do("alarm_not_in_alarm", format!("alarm {alarm} is not in ALARM any more"))
            }
            Self::Superseded => Stop::nothing_to_do(
                "superseded",
                format!("the deployment that failed is not the last one of {service} any more"),
            ),
            Self::DatabaseDown { probe } => Stop::refused(
                "database_down",
                format!("it is the database that fails, and no older release would help: {probe}"),
            )
            .next(Next::devops("look at the DocumentDB cluster: status, connections, CPU, and its security group")),
            Self::OldRelease { release, since } => Stop::refused(
                "release_too_old",
                format!("{release} runs since {}: it is not what broke now", readable(*since)),
            )
            .next(Next::development(
                "look at what else has changed: traffic, data, configuration, AWS; to roll back nevertheless, \
                 send {\"to\": \"previous\"} by hand",
            )),
            Self::AlreadyRollingBack { deployment } => Stop::nothing_to_do(
                "already_rolling_back",
                format!("ECS is rolling {service} back already ({deployment})"),
            )
            .next(Next::development("wait for it to end, then look at the service")),
            Self::AlreadyRuns { release, others } => {
                let stop = Stop::nothing_to_do("already_runs", format!("{service} runs {release} already"));
                match others.first() {
                    Some(newest) => stop.next(Next {
                        send: Some(json!({ "to": newest })),
                        ..Next::development(format!(
                            "{release} ran with other images before; to go back to those, name the service revision: {}",
                            others.join(", ")
                        ))
                    }),
                    None => stop,
                }
            }
            Self::RevisionMissing { named, existing } => Stop::refused(
                "release_unknown",
                format!("there is no release {named}; there are {}", list(existing)),
            )
            .next(Next::development("name one that exists")),
            Self::OtherFamily { named, family } => Stop::refused(
                "other_family",
                format!("{named} is not a release of {service}, which runs {family}"),
            )
            .next(Next::development("name a revision of that family")),
            Self::NoKnownGood { existing } => Stop::refused(
                "no_known_good_release",
                format!(
                    "no release of {service} is known to be good: neither AWS's history nor the ledger has one that \
                     was not rolled back from; there are {}",
                    list(existing)
                ),
            )
            .next(Next::development("name the release to go back to, as in {\"to\": \"family:revision\"}")),
            Self::NoneUsable { unusable, existing } => {
                let why: Vec<String> = unusable.iter().map(|why| why.stop(service).reason).collect();
                Stop::refused(
                    "no_usable_release",
                    format!(
                        "of the releases of {service} that were good, none can be deployed: {}; there are {}",
                        why.join("; "),
                        list(existing)
                    ),
                )
                .next(Next::development("name the release to go back to, as in {\"to\": \"family:revision\"}"))
            }
            Self::DoesNotFit { named, what } => Stop::refused(
                "release_does_not_fit",
                format!("{named} has not got what {service} names of its task definition: {what}"),
            )
            .next(Next::development("name a release that has it, or change the service first")),
            Self::CannotBeCopied { named, why } => Stop::refused(
                "cannot_be_copied",
                format!("{named} can be deployed only as a copy, and that would not be the same: {why}"),
            )
            .next(Next::devops("register a copy by hand and deploy that, or name another release")),
            Self::ReleaseRefused { named, why } => Stop::refused(
                "release_refused",
                format!("ECS does not take {named} for {service}: {why}"),
            )
            .next(Next::development(
                "name another release, as in {\"to\": \"family:revision\"}, or correct what ECS minds",
            )),
            Self::FrozenCopy { named, release } => Stop::refused(
                "frozen_copy",
                format!("{named} is the copy of {release} with which writes were frozen, and they are not any more"),
            )
            .next(Next {
                send: Some(json!({ "to": release })),
                ..Next::development(format!("name {release}"))
            }),
            Self::CannotFreeze { release, container } => Stop::refused(
                "cannot_stay_frozen",
                format!(
                    "writes are frozen, and {release} has no container {container}, in which they could stay so"
                ),
            )
            .next(Next::development("name another release, or end the freeze first: send write-freeze {\"state\": \"off\"}")),
            Self::NothingToLookAfter => {
                Stop::nothing_to_do("nothing_to_look_after", "no roll-back is waiting to settle")
            }
            Self::StillSettling { to, due, now } => Stop::nothing_to_do(
                "still_settling",
                format!("the roll-back to {to} has until {}: {now}", readable(*due)),
            ),
        }
    }
}

fn list(revisions: &[String]) -> String {
    if revisions.is_empty() {
        return "none".to_owned();
    }
    revisions.iter().map(|arn| revision(arn)).collect::<Vec<_>>().join(", ")
}

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use shared::{
    alarms::AlarmNow,
    ecs::{Deployment, StoppedTask},
    freeze::Variable,
    ledger::Release,
    outcome::Decision,
    trigger::{Alarm, AlarmState, EcsEvent},
};

use super::*;
use crate::{
    choice::{Candidate, Image, Known, Why},
    follow_up::FollowUp,
    probe::Health,
};

mod follow_up;
mod freeze;

const FAMILY: &str = "lendpeak2-backend-production";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

pub(crate) fn settings() -> Settings {
    Settings {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        ledger_table: "ledger".to_owned(),
        probe_function: "health-probe".to_owned(),
        young_release: Duration::from_hours(1),
        settle: Duration::from_mins(15),
        stack: shared::alarms::Stack {
            topic: Some("arn:aws:sns:us-east-1:123456789012:alarms".to_owned()),
            ..shared::alarms::Stack::default()
        },
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_000_000).unwrap()
}

fn name(revision: u32) -> String {
    format!("{FAMILY}:{revision}")
}

fn definition(revision: u32) -> TaskDefinition {
    let arn = format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{}", name(revision));
    TaskDefinition {
        arn,
        is_active: true,
        copy_of: None,
        frozen_from: None,
        images: BTreeMap::from([("backend".to_owned(), "lendpeak2/backend:1".to_owned())]),
        ..TaskDefinition::default()
    }
}

fn past(revision: u32, status: &str, ago: SignedDuration) -> PastDeployment {
    PastDeployment {
        arn: format!(
            "arn:aws:ecs:us-east-1:123456789012:service-deployment/lendpeak2-production/backend/{revision}"
        ),
        service_revision: String::new(),
        status: status.to_owned(),
        created_at: Some(now() - ago),
        task_definition: Some(definition(revision).arn),
        images: Vec::new(),
    }
}

/// Release 3 runs since ten minutes; 2 ran for a day before it.
fn observed() -> Observed {
    let current = definition(3);
    let primary = Deployment {
        id: "ecs-svc/3".to_owned(),
        status: "PRIMARY".to_owned(),
        task_definition: current.arn.clone(),
        rollout: "COMPLETED".to_owned(),
        created_at: Some(now() - MINUTE * 10),
        failed_tasks: 0,
        ..Deployment::default()
    };
    let service = Service {
        status: "ACTIVE".to_owned(),
        desired_count: 2,
        running_count: 2,
        pending_count: 0,
        task_definition: current.arn.clone(),
        deployment_controller: "ECS".to_owned(),
        deployments: vec![primary],
        events: Vec::new(),
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        ..Service::default()
    };
    Observed {
        service: Some(service),
        current: Some(current),
        history: vec![past(3, "SUCCESSFUL", MINUTE * 10), past(2, "SUCCESSFUL", MINUTE * 60 * 24)],
        health: Some(health(false, false, false)),
        ..Observed::default()
    }
    .choosing()
}

fn health(api: bool, database: bool, redis: bool) -> Health {
    Health { api, database, redis, summary: "Unhealthy".to_owned() }
}

impl Observed {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn with_service(mut self, change: impl FnOnce(&mut Service)) -> Self {
        self.service.as_mut().map(change);
        self
    }

    fn with_primary(self, change: impl FnOnce(&mut Deployment)) -> Self {
        self.with_service(|service| change(&mut service.deployments[0]))
    }

    /// As reading would find the candidates.
    fn choosing(mut self) -> Self {
        let current = self.service.as_ref().unwrap().task_definition.clone();
        self.candidates = Known { history: &self.history, releases: &self.releases }
            .candidates(&current)
            .into_iter()
            .map(|candidate| {
                let number = candidate.task_definition.rsplit(':').next().unwrap().parse().unwrap();
                (candidate, Some(definition(number)))
            })
            .collect();
        self
    }
}

fn rolled_back(revision: u32) -> Release {
    Release { revision: name(revision), rolled_back_at: Some(now()), ..Release::default() }
}

fn read_only() -> Variable {
    Variable { container: "backend".to_owned(), name: "READONLY_MODE".to_owned(), value: "true".to_owned() }
}

/// Writes are frozen, since release 2 ran.
fn frozen() -> Past {
    let freeze = Freeze {
        since: now(),
        variable: read_only(),
        release: name(2),
        reason: "loans are negative".to_owned(),
        pending: false,
    };
    Past { freeze: Some(freeze), ..Past::default() }
}

/// What a person named, if it exists.
fn naming(found: Option<TaskDefinition>) -> impl FnOnce(&mut Observed) {
    let named = found.as_ref().map_or("x:9", |found| found.arn.as_str());
    let candidate = Candidate::named(named, Why::Named);
    move |observed| observed.candidates = vec![(candidate, found)]
}

fn by_hand(to: To) -> Request {
    Request { to, because: Because::Person }
}

fn previous() -> Request {
    by_hand(To::LastGood)
}

fn by_alarm() -> Request {
    let alarm = Alarm {
        name: "alb-5xx-rate".to_owned(),
        arn: String::new(),
        state: AlarmState::Alarm,
        reason: String::new(),
        from_no_data: false,
        metrics: Vec::new(),
    };
    Request { to: To::LastGood, because: Because::Alarm(alarm) }
}

fn by_failed_deployment() -> Request {
    let event = EcsEvent {
        detail_type: "ECS Deployment State Change".to_owned(),
        event_name: Some("SERVICE_DEPLOYMENT_FAILED".to_owned()),
        deployment: Some("ecs-svc/3".to_owned()),
        resource: String::new(),
        reason: Some("tasks failed to start".to_owned()),
    };
    Request { to: To::LastGood, because: Because::Deployment(event) }
}

fn deploy_to(revision: u32) -> Action {
    Action::Deploy {
        from: name(3),
        to: name(revision),
        copy: false,
        images: BTreeMap::new(),
        freeze: None,
        or: Vec::new(),
    }
}

/// Without what would be done if ECS did not take them.
fn first_choices(plan: &Plan) -> Vec<Action> {
    let mut actions = plan.actions.clone();
    for action in &mut actions {
        if let Action::Deploy { or, .. } = action {
            or.clear();
        }
    }
    actions
}

#[track_caller]
fn acts(observed: &Observed, request: &Request, action: Action) -> Plan {
    let plan = plan(now(), observed, request, &settings(), &Past::default());
    assert_eq!((&first_choices(&plan)[..], &plan.skipped), (&[action][..], &None));
    assert_eq!(plan.notes, [Note::RolledBack { release: name(3) }]);
    plan
}

#[track_caller]
fn skips(observed: &Observed, request: &Request, code: &str) -> String {
    let plan = plan(now(), observed, request, &settings(), &Past::default());
    let stop = plan.skipped.unwrap_or_else(|| panic!("it acts: {:?}", plan.actions));
    assert_eq!((plan.actions, stop.code.name()), (vec![], code));
    stop.reason
}

/// The request that a refusal offers.
fn sends(observed: &Observed, request: &Request) -> Option<serde_json::Value> {
    plan(now(), observed, request, &settings(), &Past::default()).skipped?.next?.send
}

#[test]
fn goes_back_to_the_last_good_release_and_looks_after_it() {
    let plan = acts(&observed(), &by_alarm(), deploy_to(2));
    assert_eq!(plan.limits, Limits::Apply);
    let due = now() + MINUTE * 15;
    let what = json!({ "from": name(3), "to": name(2) });
    let FollowUpChange::Set(follow_up) = plan.follow_up else { panic!("nothing is looked after") };
    assert_eq!(json!(follow_up), json!({ "due": due, "what": what, "until_verified": true }));
    acts(&observed(), &previous(), deploy_to(2));
}

#[test]
fn the_release_before_a_failed_one_is_found_past_it() {
    let failing = observed()
        .with_primary(|primary| primary.rollout = "FAILED".to_owned())
        .with(|observed| {
            observed.history[0].status = "STOPPED".to_owned();
            observed.history.insert(1, past(7, "STOPPED", MINUTE * 20));
        })
        .choosing();
    let plan = acts(&failing, &by_failed_deployment(), deploy_to(2));
    assert!(
        plan.reason.starts_with(
            "the deployment of lendpeak2-backend-production:3 has failed (tasks failed to start)"
        )
    );
}

#[test]
fn a_deployment_under_way_is_stopped() {
    let rolling = observed()
        .with_primary(|primary| primary.rollout = "IN_PROGRESS".to_owned())
        .with(|observed| observed.history[0].status = "IN_PROGRESS".to_owned());
    let service_deployment = rolling.history[0].arn.clone();
    let stop = Action::StopDeployment { service_deployment, from: name(3), to: name(2) };
    acts(&rolling, &by_failed_deployment(), stop.clone());
    acts(&rolling, &by_alarm(), stop);
}

#[test]
fn a_deployment_under_way_is_not_left_to_ecs_where_that_would_go_somewhere_bad() {
    let rolling = observed()
        .with(|observed| {
            observed.history[0].status = "IN_PROGRESS".to_owned();
            observed.history.push(past(1, "SUCCESSFUL", MINUTE * 60 * 48));
            observed.releases = vec![rolled_back(2)];
        })
        .choosing();
    acts(&rolling, &by_alarm(), deploy_to(1));
}

#[test]
fn a_roll_back_under_way_is_left_alone() {
    let rolling_back =
        observed().with(|observed| observed.history[0].status = "ROLLBACK_IN_PROGRESS".to_owned());
    skips(&rolling_back, &by_alarm(), "already_rolling_back");
}

#[test]
fn an_old_release_is_not_the_cause() {
    let old = observed().with(|observed| observed.history[0].created_at = Some(now() - MINUTE * 61));
    let reason = skips(&old, &by_alarm(), "release_too_old");
    assert!(reason.contains("lendpeak2-backend-production:3 runs since 1970-01-12"), "{reason}");
    acts(&old, &previous(), deploy_to(2));
    let restarted = observed()
        .with(|observed| observed.history.insert(0, past(3, "SUCCESSFUL", MINUTE)))
        .with(|observed| {
            observed.history[1].created_at = Some(now() - MINUTE * 61);
        });
    skips(&restarted, &by_alarm(), "release_too_old");
}

#[test]
fn a_database_that_fails_is_not_helped_by_an_older_release() {
    let down = |api, database, redis| {
        observed().with(|observed| observed.health = Some(health(api, database, redis)))
    };
    for request in [by_alarm(), previous()] {
        skips(&down(false, false, true), &request, "database_down");
        acts(&down(false, false, false), &request, deploy_to(2));
        acts(&down(false, true, true), &request, deploy_to(2));
    }
    let named = down(false, false, true).with(naming(Some(definition(2))));
    acts(&named, &by_hand(To::Revision(name(2))), deploy_to(2));
    acts(&observed().with(|observed| observed.health = None), &by_alarm(), deploy_to(2));
}

#[test]
fn an_alarm_or_a_failure_that_is_over_needs_nothing() {
    let calm = observed().with(|observed| {
        observed.alarms = vec![AlarmNow { name: "alb-5xx-rate".to_owned(), is_in_alarm: false }];
    });
    skips(&calm, &by_alarm(), "alarm_not_in_alarm");
    skips(&observed(), &by_failed_deployment(), "superseded");
    let later = observed().with_primary(|primary| {
        primary.id = "ecs-svc/4".to_owned();
        primary.rollout = "IN_PROGRESS".to_owned();
    });
    skips(&later, &by_failed_deployment(), "superseded");
}

#[test]
fn a_named_release_is_taken_even_if_it_was_rolled_back_from() {
    let named = observed().with(naming(Some(definition(2)))).with(|observed| {
        observed.releases = vec![rolled_back(2)];
    });
    let plan = acts(&named, &by_hand(To::Revision(name(2))), deploy_to(2));
    assert_eq!(plan.limits, Limits::SkipCooldown);
}

#[test]
fn a_name_that_cannot_be_taken_says_why() {
    let ask = |named: Option<TaskDefinition>, code| {
        let observed = observed().with(naming(named)).with(|observed| {
            observed.existing = vec![definition(3).arn, definition(2).arn];
        });
        let by_hand = by_hand(To::Revision("x:9".to_owned()));
        let reason = skips(&observed, &by_hand, code);
        (reason, sends(&observed, &by_hand))
    };
    let last_good = Some(json!({ "to": "previous" }));
    let (reason, send) = ask(None, "release_unknown");
    assert_eq!(send, last_good);
    assert!(
        reason.ends_with("there are lendpeak2-backend-production:3, lendpeak2-backend-production:2"),
        "{reason}"
    );
    ask(Some(definition(3)), "already_runs");
    let other = "arn:aws:ecs:us-east-1:123456789012:task-definition/other:1".to_owned();
    let (_, send) = ask(Some(TaskDefinition { arn: other, ..definition(1) }), "other_family");
    assert_eq!(send, last_good);
}

#[test]
fn what_runs_as_a_copy_already_is_not_deployed_again() {
    let copied = observed().with(|observed| {
        observed.current.as_mut().unwrap().copy_of = Some(name(2));
    });
    let copied = copied.with(naming(Some(definition(2))));
    skips(&copied, &by_hand(To::Revision(name(2))), "already_runs");
}

#[test]
fn an_inactive_release_is_copied() {
    let inactive = observed().with(|observed| observed.candidates[0].1.as_mut().unwrap().is_active = false);
    let copy = Action::Deploy {
        from: name(3),
        to: name(2),
        copy: true,
        images: BTreeMap::new(),
        freeze: None,
        or: Vec::new(),
    };
    let plan = acts(&inactive, &by_alarm(), copy);
    assert!(
        plan.actions[0]
            .to_string()
            .ends_with("to a copy of lendpeak2-backend-production:2, which is INACTIVE")
    );
}

#[test]
fn a_release_whose_image_has_moved_on_is_copied_with_its_digest() {
    let image = |digest: &str| {
        vec![Image {
            container: "backend".to_owned(),
            name: "backend:latest".to_owned(),
            digest: digest.to_owned(),
        }]
    };
    let moved = observed().with(|observed| {
        observed.history[0].images = image("sha256:b");
        observed.history[1].images = image("sha256:a");
    });
    let moved = moved.choosing();
    let images = BTreeMap::from([("backend".to_owned(), "backend@sha256:a".to_owned())]);
    acts(
        &moved,
        &by_alarm(),
        Action::Deploy { from: name(3), to: name(2), copy: true, images, freeze: None, or: Vec::new() },
    );
}

#[test]
fn a_release_that_is_gone_is_passed_over() {
    let gone = observed()
        .with(|observed| observed.history.push(past(1, "SUCCESSFUL", MINUTE * 60 * 48)))
        .choosing()
        .with(|observed| observed.candidates[0].1 = None);
    acts(&gone, &by_alarm(), deploy_to(1));
}

#[test]
fn nothing_known_to_be_good_is_refused_with_what_there_is() {
    let nothing = observed().with(|observed| {
        observed.candidates.clear();
        observed.existing = vec![definition(3).arn, definition(1).arn];
    });
    let reason = skips(&nothing, &by_alarm(), "no_known_good_release");
    assert_eq!(sends(&nothing, &by_alarm()), Some(json!({ "to": name(1) })), "the newest that does not run");
    // What was rolled back from is offered to nobody.
    let left = nothing.clone().with(|observed| observed.releases = vec![rolled_back(1)]);
    let why = skips(&left, &by_alarm(), "no_known_good_release");
    assert!(why.contains(&format!("({} was rolled back from)", name(1))), "{why}");
    assert_eq!(sends(&left, &by_alarm()), None);
    let other = left.with(|observed| observed.existing.push(definition(12).arn));
    assert_eq!(sends(&other, &by_alarm()), Some(json!({ "to": name(12) })), "another name begins alike");
    let alone = nothing.clone().with(|observed| observed.existing.truncate(1));
    skips(&alone, &by_alarm(), "no_known_good_release");
    assert_eq!(sends(&alone, &by_alarm()), None);
    assert!(
        reason.ends_with("there are lendpeak2-backend-production:3, lendpeak2-backend-production:1"),
        "{reason}"
    );
}

#[test]
fn a_service_that_cannot_be_rolled_back_is_left_alone() {
    skips(&observed().with(|observed| observed.service = None), &previous(), "service_missing");
    let status = observed().with_service(|service| service.status = "DRAINING".to_owned());
    skips(&status, &previous(), "service_inactive");
    let elsewhere =
        observed().with_service(|service| service.deployment_controller = "CODE_DEPLOY".to_owned());
    skips(&elsewhere, &previous(), "not_deployed_by_ecs");
}

#[test]
fn what_the_tasks_died_of_is_said() {
    let task = |reason: &str| StoppedTask {
        task: "task".to_owned(),
        task_definition: definition(3).arn,
        stopped_at: Some(now()),
        started_at: None,
        failed: true,
        reason: reason.to_owned(),
    };
    let dying = observed().with(|observed| {
        observed.stopped_tasks = vec![task("CannotPullContainerError"), task("CannotPullContainerError")];
    });
    let plan = acts(&dying, &by_alarm(), deploy_to(2));
    assert!(plan.reason.ends_with("; its tasks stopped with: CannotPullContainerError"), "{}", plan.reason);
}

#[test]
fn what_was_done_before_a_crash_is_not_done_again_and_what_came_after_is_not_undone() {
    assert!(is_outstanding(&deploy_to(2), &observed()));
    let done = observed().with_service(|service| service.task_definition = definition(2).arn);
    assert!(!is_outstanding(&deploy_to(2), &done));
    let mended = observed().with_service(|service| service.task_definition = definition(4).arn);
    assert!(!is_outstanding(&deploy_to(2), &mended));
    let stop = |observed: &Observed| Action::StopDeployment {
        service_deployment: observed.history[0].arn.clone(),
        from: name(3),
        to: name(2),
    };
    let rolling = observed().with(|observed| observed.history[0].status = "IN_PROGRESS".to_owned());
    assert!(is_outstanding(&stop(&rolling), &rolling));
    assert!(!is_outstanding(&stop(&observed()), &observed()));
}

proptest! {
    #[test]
    fn a_plan_goes_to_an_existing_release_of_the_family_that_was_not_rolled_back_from(
        deployments in prop::collection::vec((1..7_u32, any::<bool>(), any::<bool>(), any::<bool>()), 0..8),
        given_up in prop::collection::btree_set(1..7_u32, 0..4),
        is_frozen in any::<bool>(),
    ) {
        let mut observed = observed();
        observed.history = deployments
            .iter()
            .zip(1..)
            .map(|((revision, succeeded, ..), minutes)| {
                past(*revision, if *succeeded { "SUCCESSFUL" } else { "STOPPED" }, MINUTE * minutes)
            })
            .collect();
        observed.releases = given_up
            .iter()
            .map(|revision| rolled_back(*revision))
            .collect();
        let mut observed = observed.choosing();
        for ((_, found), (_, _, exists, is_active)) in observed.candidates.iter_mut().zip(&deployments) {
            if let Some(definition) = found {
                definition.is_active = *is_active;
            }
            *found = found.take().filter(|_| *exists);
        }
        let past = if is_frozen { frozen() } else { Past::default() };
        let plan = plan(now(), &observed, &previous(), &settings(), &past);
        prop_assert_eq!(plan.actions.is_empty(), plan.skipped.is_some());
        if let Some(Action::Deploy { to, copy, freeze, .. }) = plan.actions.last() {
            prop_assert_eq!(freeze.is_some(), is_frozen);
            let found = observed.candidates.iter().find(|(candidate, _): &&(Candidate, _)| {
                revision(&candidate.task_definition) == to
            });
            let definition = found.and_then(|(_, definition)| definition.as_ref()).unwrap();
            prop_assert!(*copy || definition.is_active);
            prop_assert_ne!(to, &name(3));
            prop_assert!(!given_up.iter().any(|revision| name(*revision) == *to));
        }
    }
}

#[test]
fn what_it_comes_to_is_said_in_short() {
    let deploy = |to: &str, copy| Action::Deploy {
        from: name(3),
        to: to.to_owned(),
        copy,
        images: BTreeMap::new(),
        freeze: None,
        or: Vec::new(),
    };
    let short = |action| in_short(&[action], &settings());
    assert_eq!(short(deploy(&name(1), false)), format!("backend: {} → :1", name(3)));
    assert_eq!(short(deploy(&name(1), true)), format!("backend: {} → :1, as a copy", name(3)));
    assert_eq!(short(deploy("other:1", false)), format!("backend: {} → other:1", name(3)));
    let stop = Action::StopDeployment { service_deployment: "arn".to_owned(), from: name(3), to: name(2) };
    assert_eq!(short(stop), format!("backend: {} → :2 by ECS itself", name(3)));
    assert_eq!(in_short(&[], &settings()), "");
}

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;
use shared::{
    alarms::AlarmNow,
    ecs::{Deployment, StoppedTask, TaskDefinition},
    freeze::{Freeze, Variable},
    outcome::Decision,
    plan::Limits,
    trigger::{Alarm, AlarmState},
};

use super::*;
use crate::{
    follow_up::FollowUp,
    needs::{Kind, Missing},
    observe::ServiceDeployment,
};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const ARN: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/lendpeak2-backend-production:7";
const OTHER: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/lendpeak2-backend-production:6";

pub(crate) fn settings() -> Settings {
    Settings {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
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

fn by_hand() -> Request {
    Request { goal: Goal::FreshTasks, alarm: None, topic: None }
}

fn by_alarm() -> Request {
    let alarm = Alarm {
        name: "memory".to_owned(),
        arn: String::new(),
        state: AlarmState::Alarm,
        reason: String::new(),
        from_no_data: false,
        metrics: Vec::new(),
    };
    Request { alarm: Some(alarm), ..by_hand() }
}

fn deployment(id: &str, rollout: &str) -> Deployment {
    Deployment {
        id: id.to_owned(),
        status: "PRIMARY".to_owned(),
        task_definition: ARN.to_owned(),
        rollout: rollout.to_owned(),
        created_at: None,
        failed_tasks: 0,
        ..Deployment::default()
    }
}

/// A service that does well, with so many tasks.
pub(crate) fn running(tasks: u32) -> Observed {
    let service = Service {
        status: "ACTIVE".to_owned(),
        desired_count: tasks,
        running_count: tasks,
        pending_count: 0,
        task_definition: ARN.to_owned(),
        deployment_controller: "ECS".to_owned(),
        deployments: vec![deployment("ecs-svc/1", "COMPLETED")],
        events: Vec::new(),
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        ..Service::default()
    };
    let definition = TaskDefinition {
        arn: ARN.to_owned(),
        is_active: true,
        copy_of: None,
        frozen_from: None,
        images: BTreeMap::new(),
        ..TaskDefinition::default()
    };
    Observed { service: Some(service), task_definition: Some(definition), ..Observed::default() }
}

impl Observed {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn with_service(self, change: impl FnOnce(&mut Service)) -> Self {
        self.with(|observed| change(observed.service.as_mut().unwrap()))
    }
}

fn died(task_definition: &str, reason: &str) -> StoppedTask {
    StoppedTask {
        task: "task".to_owned(),
        task_definition: task_definition.to_owned(),
        stopped_at: Some(now() - MINUTE),
        started_at: None,
        failed: true,
        reason: reason.to_owned(),
    }
}

fn listed(status: &str, created_at: Timestamp) -> ServiceDeployment {
    ServiceDeployment { arn: "arn".to_owned(), status: status.to_owned(), created_at: Some(created_at) }
}

fn restart_of(replaces: &str) -> Action {
    Action::Deploy {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        task_definition: ARN.to_owned(),
        replaces: replaces.to_owned(),
    }
}

#[track_caller]
fn acts(observed: &Observed, request: &Request) -> Plan {
    let plan = plan(now(), observed, request, &settings(), &Past::default());
    assert_eq!((&plan.actions[..], &plan.skipped), (&[restart_of("ecs-svc/1")][..], &None));
    plan
}

/// Answers the reason.
#[track_caller]
fn refuses(observed: &Observed, code: &str) -> Stop {
    let plan = plan(now(), observed, &by_hand(), &settings(), &Past::default());
    let stop = plan.skipped.unwrap();
    assert_eq!((plan.actions, stop.decision, stop.code.name()), (vec![], Decision::Refused, code));
    assert!(stop.next.is_some(), "{code} does not say what to do");
    stop
}

#[test]
fn a_service_that_does_well_is_restarted_as_it_is() {
    let plan = acts(&running(2), &by_hand());
    assert_eq!(
        plan.reason,
        "asked by hand; 2 tasks of lendpeak2-backend-production:7 run, and at least 2 stay \
         while fresh ones start"
    );
    assert_eq!(
        plan.actions[0].to_string(),
        "restart backend: a new deployment of lendpeak2-backend-production:7"
    );
    // A person too waits for the cooldown: it is once per window.
    assert_eq!(plan.limits, Limits::Apply);
    let what = json!({ "task_definition": ARN, "replaces": "ecs-svc/1", "since": now() });
    let due = now() + Duration::from_mins(15);
    let FollowUpChange::Set(follow_up) = plan.follow_up else { panic!("nothing is looked after") };
    assert_eq!(json!(follow_up), json!({ "due": due, "what": what, "until_verified": false }));
}

#[test]
fn an_alarm_restarts_while_it_is_in_alarm() {
    let seen = |is_in_alarm| {
        running(2).with(|observed| {
            observed.alarms = vec![AlarmNow { name: "memory".to_owned(), is_in_alarm }];
        })
    };
    assert!(acts(&seen(true), &by_alarm()).reason.starts_with("alarm memory rang; "));
    acts(&running(2), &by_alarm());
    let calm = plan(now(), &seen(false), &by_alarm(), &settings(), &Past::default());
    assert_eq!(calm.skipped.unwrap().code.name(), "alarm_not_in_alarm");
}

#[test]
fn a_service_that_is_not_there_or_not_ecs_own_is_left_alone() {
    refuses(&Observed::default(), "service_missing");
    refuses(&running(2).with_service(|service| service.status = "DRAINING".to_owned()), "service_inactive");
    let elsewhere =
        running(2).with_service(|service| service.deployment_controller = "CODE_DEPLOY".to_owned());
    refuses(&elsewhere, "not_deployed_by_ecs");
    refuses(&running(0), "scaled_to_zero");
}

#[test]
fn while_a_roll_out_is_under_way_nothing_is_restarted() {
    let rolling =
        running(2).with_service(|service| service.deployments[0].rollout = "IN_PROGRESS".to_owned());
    refuses(&rolling, "deployment_in_progress");
    let two = running(2).with_service(|service| {
        service.deployments.push(Deployment { status: "ACTIVE".to_owned(), ..deployment("ecs-svc/0", "") });
    });
    refuses(&two, "deployment_in_progress");
    for status in ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"] {
        let listed = running(2).with(|observed| observed.deployments = vec![listed(status, now())]);
        refuses(&listed, "deployment_in_progress");
    }
    acts(&running(2).with(|observed| observed.deployments = vec![listed("SUCCESSFUL", now())]), &by_hand());
    refuses(&running(2).with_service(|service| service.deployments.clear()), "deployment_in_progress");
}

#[test]
fn a_release_that_failed_is_not_deployed_again() {
    let failed = running(2).with_service(|service| service.deployments[0].rollout = "FAILED".to_owned());
    let next = refuses(&failed, "deployment_failed").next.unwrap();
    assert_eq!(next.function.as_deref(), Some("rollback"));
    assert_eq!(next.send, Some(json!({ "to": "previous" })));
}

#[test]
fn living_tasks_are_not_taken_away_where_fresh_ones_would_not_start() {
    let dying = |task_definition: &str, tasks: usize| {
        running(2).with(|observed| observed.stopped_tasks = vec![died(task_definition, "exit 1"); tasks])
    };
    let stop = refuses(&dying(ARN, 2), "tasks_fail_to_start");
    assert!(stop.reason.contains("(exit 1)"), "{}", stop.reason);
    let next = stop.next.unwrap();
    assert_eq!((next.function.as_deref(), next.send), (Some("rollback"), Some(json!({ "to": "previous" }))));
    acts(&dying(ARN, 1), &by_hand());
    // Those of the release before say nothing about this one.
    acts(&dying(OTHER, 5), &by_hand());

    let gone = running(2).with(|observed| observed.task_definition = None);
    refuses(&gone, "task_definition_missing");
    let inactive = running(2).with(|observed| observed.task_definition.as_mut().unwrap().is_active = false);
    refuses(&inactive, "task_definition_inactive");
    let missing = |kind, name: &str| Missing { kind, name: name.to_owned(), why: "there is none".to_owned() };
    let without = |what: Vec<Missing>| running(2).with(|observed| observed.missing = what);
    let image = refuses(&without(vec![missing(Kind::Image, "backend:1")]), "image_missing");
    assert!(image.reason.contains("(the image backend:1: there is none)"), "{}", image.reason);
    let secret = refuses(&without(vec![missing(Kind::Secret, "db")]), "secret_missing");
    assert_eq!(secret.next.unwrap().level, 2);
    refuses(&without(vec![missing(Kind::Image, "backend:1"), missing(Kind::Secret, "db")]), "image_missing");
}

#[test]
fn tasks_that_are_being_started_are_fresh_already() {
    let pending = running(3).with_service(|service| (service.running_count, service.pending_count) = (2, 1));
    refuses(&pending, "tasks_pending");
    refuses(&running(3).with_service(|service| service.running_count = 2), "tasks_pending");
    refuses(&running(2).with_service(|service| service.pending_count = 1), "tasks_pending");
}

#[test]
fn a_deployment_that_would_leave_no_task_or_never_end_is_not_begun() {
    #[track_caller]
    fn check(tasks: u32, minimum: u32, maximum: u32, expected: Result<u32, &str>) {
        let observed = running(tasks).with_service(|service| {
            service.minimum_healthy_percent = minimum;
            service.maximum_percent = maximum;
        });
        match expected {
            Ok(stay) => {
                let reason = acts(&observed, &by_hand()).reason;
                assert!(reason.contains(&format!("at least {stay} stay")), "{reason}");
            }
            Err(code) => {
                refuses(&observed, code);
            }
        }
    }
    check(1, 100, 200, Ok(1));
    // Rounded up: the one task stays.
    check(1, 50, 200, Ok(1));
    check(4, 50, 100, Ok(2));
    check(3, 50, 100, Ok(2));
    check(1, 0, 100, Err("no_task_would_stay"));
    check(1, 0, 200, Err("no_task_would_stay"));
    check(4, 0, 200, Err("no_task_would_stay"));
    check(1, 50, 100, Err("no_room_for_a_deployment"));
    check(1, 100, 150, Err("no_room_for_a_deployment"));
    check(2, 100, 150, Ok(2));
}

#[test]
fn while_writes_are_frozen_they_stay_so() {
    let variable = Variable {
        container: "backend".to_owned(),
        name: "READONLY_MODE".to_owned(),
        value: "true".to_owned(),
    };
    let freeze = Freeze {
        since: now(),
        variable,
        release: "backend:6".to_owned(),
        reason: "negative".to_owned(),
        pending: false,
    };
    let past = Past { freeze: Some(freeze), ..Past::default() };
    let plan = plan(now(), &running(2), &by_hand(), &settings(), &past);
    assert_eq!(plan.actions, [restart_of("ecs-svc/1")]);
    assert!(plan.reason.ends_with("; writes are frozen since 1970-01-12 13:46:40 UTC, and stay so"));
}

#[test]
fn what_was_done_before_a_crash_or_by_somebody_else_is_not_done_again() {
    let action = restart_of("ecs-svc/1");
    assert!(is_outstanding(&action, &running(2)));
    let begun = running(2).with_service(|service| service.deployments[0].id = "ecs-svc/2".to_owned());
    assert!(!is_outstanding(&action, &begun));
    // The history may know of it before the service does.
    let begins = running(2).with(|observed| observed.deployments = vec![listed("PENDING", now())]);
    assert!(!is_outstanding(&action, &begins));
    assert!(!is_outstanding(&action, &Observed::default()));
}

fn looked_after(observed: &Observed, due_in: SignedDuration) -> Plan {
    let what = json!({ "task_definition": ARN, "replaces": "ecs-svc/1", "since": now() - MINUTE * 5 });
    let what = serde_json::from_value(what).unwrap();
    let follow_up = FollowUp { due: now() + due_in, what, until_verified: false };
    let past = Past { follow_up: Some(follow_up), ..Past::default() };
    let request = Request { goal: Goal::LookAfter, alarm: None, topic: None };
    plan(now(), observed, &request, &settings(), &past)
}

/// Answers the reason.
#[track_caller]
fn ends(plan: Plan, decision: Decision, code: &str) -> String {
    let stop = plan.skipped.unwrap();
    assert_eq!((stop.decision, stop.code.name(), plan.follow_up), (decision, code, FollowUpChange::Clear));
    assert_eq!(stop.next.is_some(), decision == Decision::Failed, "{code}");
    stop.reason
}

#[track_caller]
fn waits(plan: Plan) {
    assert_eq!((plan.skipped.unwrap().code.name(), plan.follow_up), ("still_settling", FollowUpChange::Keep));
}

/// The restart has begun, and its roll-out is so far.
fn begun(rollout: &str) -> Observed {
    running(2).with_service(|service| service.deployments = vec![deployment("ecs-svc/2", rollout)])
}

#[test]
fn a_restart_is_looked_after_until_it_ends_well_or_its_time_is_over() {
    let done = ends(looked_after(&begun("COMPLETED"), MINUTE), Decision::NothingToDo, "verified");
    assert!(done.starts_with("the restart of backend has ended well: 2 of 2 tasks run"), "{done}");
    // Also where it was looked at late.
    ends(looked_after(&begun("COMPLETED"), -MINUTE), Decision::NothingToDo, "verified");

    waits(looked_after(&begun("IN_PROGRESS"), MINUTE));
    ends(looked_after(&begun("IN_PROGRESS"), -MINUTE), Decision::Failed, "not_verified");
    waits(looked_after(&running(2), MINUTE));
    ends(looked_after(&running(2), -MINUTE), Decision::Failed, "not_verified");
    waits(looked_after(&Observed::default(), MINUTE));
    ends(looked_after(&Observed::default(), -MINUTE), Decision::Failed, "not_verified");
}

#[test]
fn a_restart_that_ecs_gives_up_is_passed_up_with_what_its_tasks_died_of() {
    let dying = begun("FAILED").with(|observed| {
        observed.stopped_tasks = vec![died(ARN, "exit 1"), died(ARN, "exit 1"), died(OTHER, "exit 2")];
        observed.stopped_tasks.push(StoppedTask { stopped_at: Some(now() - MINUTE * 9), ..died(ARN, "old") });
    });
    let next = looked_after(&dying, MINUTE).skipped.unwrap().next.unwrap();
    let symptom = json!({ "symptom": "application-wont-start" });
    assert_eq!((next.function.as_deref(), next.send), (Some("diagnose"), Some(symptom)));
    let reason = ends(looked_after(&dying, MINUTE), Decision::Failed, "restart_failed");
    assert!(reason.ends_with("; tasks stopped with: exit 1"), "{reason}");
    // ECS may have rolled back by then: another deployment of the same task definition is the primary one.
    for status in
        ["STOPPED", "STOP_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"]
    {
        let rolled_back = begun("COMPLETED")
            .with(|observed| observed.deployments = vec![listed(status, now() - MINUTE * 4)]);
        ends(looked_after(&rolled_back, MINUTE), Decision::Failed, "restart_failed");
        let before = begun("COMPLETED")
            .with(|observed| observed.deployments = vec![listed(status, now() - MINUTE * 6)]);
        ends(looked_after(&before, MINUTE), Decision::NothingToDo, "verified");
    }
}

#[test]
fn a_release_deployed_since_ends_the_looking_after() {
    let newer = begun("IN_PROGRESS").with_service(|service| service.task_definition = OTHER.to_owned());
    let reason = ends(looked_after(&newer, MINUTE), Decision::NothingToDo, "superseded");
    assert!(reason.starts_with("lendpeak2-backend-production:6 was deployed since"), "{reason}");
}

#[test]
fn without_a_restart_there_is_nothing_to_look_after() {
    let request = Request { goal: Goal::LookAfter, alarm: None, topic: None };
    let plan = plan(now(), &running(2), &request, &settings(), &Past::default());
    assert_eq!((plan.actions, plan.skipped.unwrap().code.name()), (vec![], "nothing_to_look_after"));
}

fn statuses() -> impl Strategy<Value = Vec<String>> {
    let status = prop::sample::select(vec![
        "PENDING",
        "IN_PROGRESS",
        "SUCCESSFUL",
        "STOPPED",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_SUCCESSFUL",
    ]);
    prop::collection::vec(status.prop_map(str::to_owned), 0..3)
}

proptest! {
    #[test]
    fn it_restarts_only_what_runs_in_full_is_at_rest_and_stays_and_never_twice(
        desired in 0..6_u32,
        running_count in 0..6_u32,
        pending in 0..2_u32,
        minimum in prop::sample::select(vec![0_u32, 1, 50, 100]),
        maximum in prop::sample::select(vec![100_u32, 150, 200]),
        rollout in prop::sample::select(vec!["COMPLETED", "IN_PROGRESS", "FAILED", ""]),
        statuses in statuses(),
        failed in 0..4_usize,
        is_missing in any::<bool>(),
        is_active in any::<bool>(),
    ) {
        let observed = running(desired).with(|observed| {
            observed.deployments = statuses.iter().map(|status| listed(status, now())).collect();
            observed.stopped_tasks = vec![died(ARN, "exit 1"); failed];
            observed.task_definition.as_mut().unwrap().is_active = is_active;
            if is_missing {
                let why = "there is none".to_owned();
                observed.missing = vec![Missing { kind: Kind::Secret, name: "db".to_owned(), why }];
            }
        }).with_service(|service| {
            service.running_count = running_count;
            service.pending_count = pending;
            service.minimum_healthy_percent = minimum;
            service.maximum_percent = maximum;
            service.deployments[0].rollout = rollout.to_owned();
        });
        let first = plan(now(), &observed, &by_hand(), &settings(), &Past::default());
        prop_assert_eq!(first.actions.is_empty(), first.skipped.is_some());
        let Some(action) = first.actions.first() else { return Ok(()) };

        prop_assert_eq!(action, &restart_of("ecs-svc/1"));
        prop_assert!(desired > 0 && running_count >= desired && pending == 0);
        prop_assert!(rollout != "IN_PROGRESS" && rollout != "FAILED");
        prop_assert!(!statuses.iter().any(|status| status == "PENDING" || status.ends_with("IN_PROGRESS")));
        prop_assert!(failed < 2 && !is_missing && is_active);
        prop_assert!((desired * minimum).div_ceil(100) > 0, "no task would stay");
        prop_assert!(is_outstanding(action, &observed));

        let after = observed.with_service(|service| {
            service.deployments = vec![deployment("ecs-svc/2", "IN_PROGRESS")];
        });
        prop_assert!(!is_outstanding(action, &after));
        prop_assert_eq!(plan(now(), &after, &by_hand(), &settings(), &Past::default()).actions, vec![]);
    }
}

#[test]
fn what_it_comes_to_is_said_in_short() {
    let short = in_short(&[restart_of("ecs-svc/1")], &running(2), &settings());
    assert_eq!(short, "backend: fresh tasks in place of 2 (lendpeak2-backend-production:7)");
    assert_eq!(in_short(&[], &running(2), &settings()), "");
}

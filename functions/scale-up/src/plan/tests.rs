use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;
use shared::{
    alarms::AlarmNow,
    ecs::{Deployment, StoppedTask},
    trigger::{Alarm, AlarmState},
};

use super::*;
use crate::{follow_up::FollowUp, observe::ScalableTarget};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn settings() -> Settings {
    Settings {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        max_tasks: 10,
        raised_minimum: Duration::from_hours(1),
        load_alarms: vec!["ecs-cpu".to_owned()],
        stack: shared::alarms::Stack::default(),
    }
}

fn asked(goal: Goal) -> Request {
    Request { service: "backend".to_owned(), goal, alarm: None }
}

fn running(tasks: u32) -> Observed {
    let service = Service {
        status: "ACTIVE".to_owned(),
        desired_count: tasks,
        running_count: tasks,
        pending_count: 0,
        task_definition: "lendpeak2-backend-production:7".to_owned(),
        deployment_controller: "ECS".to_owned(),
        deployments: vec![Deployment {
            id: "ecs-svc/1".to_owned(),
            status: "PRIMARY".to_owned(),
            task_definition: "lendpeak2-backend-production:7".to_owned(),
            rollout: "COMPLETED".to_owned(),
            created_at: None,
            failed_tasks: 0,
            ..Deployment::default()
        }],
        events: Vec::new(),
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        ..Service::default()
    };
    Observed {
        service: Some(service),
        scalable_target: None,
        stopped_tasks: Vec::new(),
        alarms: Vec::new(),
        refused: None,
    }
}

impl Observed {
    fn with(mut self, change: impl FnOnce(&mut Service)) -> Self {
        self.service.as_mut().map(change);
        self
    }

    fn with_capacity(mut self, min_capacity: u32, max_capacity: u32) -> Self {
        self.scalable_target = Some(ScalableTarget { min_capacity, max_capacity });
        self
    }

    /// So many tasks that died at once, this long ago.
    fn with_failed(mut self, tasks: usize, ago: SignedDuration, ran: SignedDuration) -> Self {
        let task = StoppedTask {
            task: "task".to_owned(),
            task_definition: "lendpeak2-backend-production:7".to_owned(),
            stopped_at: Some(NOW - ago),
            started_at: Some(NOW - ago - ran),
            failed: true,
            reason: "Essential container in task exited".to_owned(),
        };
        self.stopped_tasks = vec![task; tasks];
        self
    }

    fn with_alarm(mut self, name: &str, is_in_alarm: bool) -> Self {
        self.alarms.push(AlarmNow { name: name.to_owned(), is_in_alarm });
        self
    }
}

/// A raised minimum to bring back.
fn raised(due: Timestamp, min_capacity: u32) -> FollowUp {
    raised_to(3, due, min_capacity)
}

fn raised_to(raised_to: u32, due: Timestamp, min_capacity: u32) -> FollowUp {
    let what = json!({ "min_capacity": min_capacity, "raised_to": raised_to });
    FollowUp { due, what: serde_json::from_value(what).unwrap(), until_verified: false }
}

fn past(follow_up: Option<FollowUp>) -> Past {
    Past { follow_up, ..Past::default() }
}

fn set_to(desired_count: u32) -> Action {
    Action::SetDesiredCount {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        desired_count,
    }
}

#[track_caller]
fn acts(observed: &Observed, goal: Goal, actions: &[Action]) {
    assert_eq!(plan(NOW, observed, &asked(goal), &settings(), &Past::default()).actions, actions);
}

#[track_caller]
fn skips(observed: &Observed, request: &Request, code: &str) {
    let plan = plan(NOW, observed, request, &settings(), &Past::default());
    assert_eq!((plan.actions, plan.skipped.map(|stop| stop.code.name())), (vec![], Some(code)));
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);

#[test]
fn a_step_adds_half_and_at_least_one() {
    for (from, to) in [(1, 2), (2, 3), (3, 5), (4, 6), (8, 10), (9, 10)] {
        acts(&running(from), Goal::Step, &[set_to(to)]);
    }
}

#[test]
fn a_named_count_is_met_within_one_doubling() {
    acts(&running(4), Goal::DesiredCount(6), &[set_to(6)]);
    acts(&running(2), Goal::DesiredCount(6), &[set_to(4)]);
    acts(&running(2), Goal::By(1), &[set_to(3)]);
    acts(&running(6), Goal::By(9), &[set_to(10)]);
    let plan = plan(NOW, &running(2), &asked(Goal::DesiredCount(6)), &settings(), &Past::default());
    assert!(plan.reason.contains("6 would be too many at once"), "{}", plan.reason);
}

#[test]
fn a_scalable_target_has_its_minimum_raised_first_and_remembered() {
    let observed = running(2).with_capacity(2, 10);
    let plan = plan(NOW, &observed, &asked(Goal::Step), &settings(), &Past::default());
    let resource_id = "service/lendpeak2-production/backend".to_owned();
    assert_eq!(plan.actions, [Action::SetMinCapacity { resource_id, min_capacity: 3 }, set_to(3)]);
    let due = NOW + Duration::from_hours(1);
    assert_eq!(plan.follow_up, FollowUpChange::Set(raised(due, 2)));
}

#[test]
fn the_second_raise_remembers_the_first_minimum() {
    let before = past(Some(raised(NOW, 2)));
    let plan = plan(NOW, &running(3).with_capacity(3, 10), &asked(Goal::Step), &settings(), &before);
    let due = NOW + Duration::from_hours(1);
    let of = |original| FollowUpChange::Set(raised_to(5, due, original));
    assert_eq!(plan.follow_up, of(2));
    // A minimum that somebody has set since is the one to go back to.
    let theirs = super::plan(NOW, &running(3).with_capacity(4, 10), &asked(Goal::Step), &settings(), &before);
    assert_eq!(theirs.follow_up, of(4));
}

#[test]
fn the_scalable_targets_maximum_counts_if_it_is_lower() {
    skips(&running(4).with_capacity(2, 4), &asked(Goal::Step), "at_maximum");
    acts(
        &running(3).with_capacity(3, 4),
        Goal::By(3),
        &[
            Action::SetMinCapacity {
                resource_id: "service/lendpeak2-production/backend".to_owned(),
                min_capacity: 4,
            },
            set_to(4),
        ],
    );
}

#[test]
fn refuses_past_the_maximum() {
    skips(&running(10), &asked(Goal::Step), "at_maximum");
    skips(&running(10), &asked(Goal::By(1)), "at_maximum");
    skips(&running(2), &asked(Goal::DesiredCount(11)), "count_out_of_range");
}

#[test]
fn never_scales_down() {
    skips(&running(4), &asked(Goal::DesiredCount(3)), "enough_tasks");
    skips(&running(12), &asked(Goal::Step), "at_maximum");
}

#[test]
fn refuses_a_service_that_is_not_there() {
    let missing = Observed { service: None, ..running(1) };
    skips(&missing, &asked(Goal::Step), "service_missing");
    let inactive = running(2).with(|service| service.status = "INACTIVE".to_owned());
    skips(&inactive, &asked(Goal::Step), "service_inactive");
}

#[test]
fn refuses_to_scale_a_crash_loop() {
    let crash_loop = running(2).with_failed(2, SignedDuration::from_mins(1), SECOND);
    skips(&crash_loop, &asked(Goal::Step), "tasks_fail_to_start");
    let stop = plan(NOW, &crash_loop, &asked(Goal::Step), &settings(), &Past::default()).skipped.unwrap();
    assert!(stop.reason.contains("(Essential container in task exited)"), "{}", stop.reason);
}

#[test]
fn a_single_or_old_or_late_failure_is_no_crash_loop() {
    let minute = SignedDuration::from_mins(1);
    acts(&running(2).with_failed(1, minute, SECOND), Goal::Step, &[set_to(3)]);
    acts(&running(2).with_failed(5, minute * 11, SECOND), Goal::Step, &[set_to(3)]);
    acts(&running(2).with_failed(5, minute, minute * 30), Goal::Step, &[set_to(3)]);
}

#[test]
fn refuses_while_a_deployment_is_under_way() {
    let rolling = running(2).with(|service| service.deployments[0].rollout = "IN_PROGRESS".to_owned());
    skips(&rolling, &asked(Goal::Step), "deployment_in_progress");
    let two = running(2).with(|service| service.deployments.push(service.deployments[0].clone()));
    skips(&two, &asked(Goal::Step), "deployment_in_progress");
    let daemon = running(2).with(|service| service.is_daemon = true);
    skips(&daemon, &asked(Goal::DesiredCount(4)), "daemon_service");
}

#[test]
fn refuses_while_earlier_tasks_are_pending() {
    let pending = running(3).with(|service| (service.running_count, service.pending_count) = (2, 1));
    skips(&pending, &asked(Goal::Step), "tasks_pending");
}

#[test]
fn leaves_a_stopped_service_stopped() {
    skips(&running(0), &asked(Goal::Step), "scaled_to_zero");
}

#[test]
fn an_alarm_that_has_calmed_down_needs_nothing() {
    let alarm = Alarm {
        name: "ecs-cpu".to_owned(),
        arn: String::new(),
        state: AlarmState::Alarm,
        reason: String::new(),
        from_no_data: false,
        metrics: Vec::new(),
    };
    let request = Request { alarm: Some(alarm), ..asked(Goal::Step) };
    skips(&running(2).with_alarm("ecs-cpu", false), &request, "alarm_not_in_alarm");
    let loud = plan(NOW, &running(2).with_alarm("ecs-cpu", true), &request, &settings(), &Past::default());
    assert_eq!(loud.actions, [set_to(3)]);
}

fn restores(observed: &Observed, due: Timestamp) -> Result<Vec<Action>, &'static str> {
    let past = past(Some(raised(due, 2)));
    let plan = plan(NOW, observed, &asked(Goal::LookAfter), &settings(), &past);
    plan.skipped.map_or(Ok(plan.actions), |stop| Err(stop.code.name()))
}

#[test]
fn a_raised_minimum_is_brought_back_once_it_expired_and_the_alarm_is_ok() {
    let back = Action::RestoreMinCapacity {
        resource_id: "service/lendpeak2-production/backend".to_owned(),
        min_capacity: 2,
        raised_to: Some(3),
    };
    let raised = running(3).with_capacity(3, 10);
    assert_eq!(restores(&raised, NOW), Ok(vec![back]));
    assert_eq!(restores(&running(3).with_capacity(4, 10), NOW), Err("minimum_changed"));
    assert_eq!(restores(&raised, NOW + SECOND), Err("minimum_not_expired"));
}

#[test]
fn the_schedule_takes_the_next_step_while_a_load_alarm_lasts() {
    acts(&running(3).with_alarm("ecs-cpu", true), Goal::LookAfter, &[set_to(5)]);
    skips(&running(10).with_alarm("ecs-cpu", true), &asked(Goal::LookAfter), "at_maximum");
    skips(&running(3).with_alarm("ecs-cpu", false), &asked(Goal::LookAfter), "no_minimum_raised");
}

#[test]
fn without_a_raised_minimum_the_schedule_does_nothing() {
    skips(&running(3).with_capacity(3, 10), &asked(Goal::LookAfter), "no_minimum_raised");
}

#[test]
fn what_was_done_before_a_crash_is_not_done_again() {
    assert!(is_outstanding(&set_to(3), &running(2)));
    assert!(!is_outstanding(&set_to(3), &running(3)));
    assert!(!is_outstanding(&set_to(3), &running(6)), "somebody has set it higher since");
}

fn goals() -> impl Strategy<Value = Goal> {
    prop_oneof![
        Just(Goal::Step),
        (1..=6_000_u32).prop_map(Goal::DesiredCount),
        (1..=u32::MAX).prop_map(Goal::By),
        Just(Goal::LookAfter),
    ]
}

proptest! {
    #[test]
    fn no_plan_leaves_the_limits_and_a_second_plan_does_nothing(
        desired in 0..20_u32,
        capacity in proptest::option::of((0..12_u32, 1..20_u32)),
        max_tasks in 1..=20_u32,
        goal in goals(),
        follow_up in proptest::option::of(0..12_u32),
    ) {
        let mut observed = running(desired);
        observed.scalable_target =
            capacity.map(|(min_capacity, max_capacity)| ScalableTarget { min_capacity, max_capacity });
        let settings = Settings { max_tasks, ..settings() };
        let past = past(follow_up.map(|min| raised(NOW, min)));
        let first = plan(NOW, &observed, &asked(goal), &settings, &past);
        prop_assert_eq!(first.actions.is_empty(), first.skipped.is_some());

        let mut after = observed.clone();
        for action in &first.actions {
            match action {
                Action::SetDesiredCount { desired_count, .. } => {
                    prop_assert!(*desired_count <= max_tasks, "above the maximum");
                    prop_assert!(capacity.is_none_or(|(_, max)| *desired_count <= max), "above the target's maximum");
                    prop_assert!(*desired_count <= desired * 2, "more than double");
                    prop_assert!(*desired_count > desired, "not more than runs");
                    after = after.with(|service| {
                        service.desired_count = *desired_count;
                        service.pending_count = desired_count - desired;
                    });
                }
                Action::SetMinCapacity { min_capacity, .. } | Action::RestoreMinCapacity { min_capacity, .. } => {
                    if let Some(target) = &mut after.scalable_target {
                        target.min_capacity = *min_capacity;
                    }
                }
            }
        }
        prop_assert!(first.actions.iter().all(|action| !is_outstanding(action, &after)), "done actions stay done");
        if goal != Goal::LookAfter {
            prop_assert_eq!(plan(NOW, &after, &asked(goal), &settings, &Past::default()).actions, vec![]);
        }
    }
}

#[test]
fn what_it_comes_to_is_said_in_short() {
    let raise = Action::SetMinCapacity { resource_id: settings().target(), min_capacity: 4 };
    let restore =
        Action::RestoreMinCapacity { resource_id: settings().target(), min_capacity: 2, raised_to: Some(4) };
    assert_eq!(in_short(&[raise, set_to(4)], &running(2)), "backend: 2 → 4 tasks");
    // A run that died had done it.
    assert_eq!(in_short(&[set_to(4)], &running(4)), "backend: 4 tasks");
    let raised = running(4).with_capacity(4, 10);
    assert_eq!(in_short(&[restore], &raised), "backend: a minimum of 4 → 2 tasks");
    assert_eq!(in_short(&[], &running(2)), "");
}

use subject::{rollback, scale_up};

use super::*;
use crate::stack::Stack;

fn world(services: u32) -> World {
    World { stack: Stack::read(), services, down: false, alarm_changes: 0 }
}

fn looks(services: u32) -> Seen {
    let mut simulation = Simulation::new(world(services), Vec::new(), 1);
    for service in 0..services {
        simulation.at(0, service, Kind::LookAfter(&scale_up::SUBJECT));
    }
    simulation.play()
}

#[test]
fn a_run_alone_makes_its_calls_and_is_over() {
    let seen = looks(1);
    assert_eq!((seen.runs, seen.errors, seen.throttled()), (1, 0, 0));
    assert_eq!(seen.of(Api::DescribeAlarms).calls, 1);
    assert_eq!(seen.most_of.get(&&scale_up::SUBJECT), Some(&1));
}

#[test]
fn as_many_pass_at_once_as_the_bucket_holds_and_the_others_come_back() {
    let seen = looks(10);
    let count = seen.of(Api::DescribeAlarms);
    assert_eq!((count.calls, count.top_second), (10, 10));
    assert!(count.throttled >= 1 && count.failed == 0, "{count:?}");
}

#[test]
fn a_run_whose_call_fails_is_repeated_by_lambda() {
    let seen = looks(200);
    assert!(seen.of(Api::DescribeAlarms).failed > 0);
    assert!(seen.errors > 0);
    // Each error but those that were lost led to one more run.
    assert_eq!(seen.runs, 200 + seen.errors - seen.lost);
}

#[test]
fn no_more_runs_of_a_function_go_on_than_are_reserved() {
    let reserving = World { stack: Stack::read().reserving(4), ..world(1) };
    let mut simulation = Simulation::new(reserving, Vec::new(), 1);
    for _ in 0..20 {
        simulation.at(0, 0, Kind::LookAfter(&rollback::SUBJECT));
    }
    let seen = simulation.play();
    assert_eq!(seen.most_of.get(&&rollback::SUBJECT), Some(&4));
    assert!(seen.refused >= 16);
    assert_eq!((seen.runs, seen.lost), (20, 0));
}

#[test]
fn no_more_runs_go_on_than_an_account_may_have() {
    let mut simulation = Simulation::new(world(1_100), Vec::new(), 1);
    for service in 0..1_100 {
        simulation.at(0, service, Kind::Sweep);
    }
    let seen = simulation.play();
    assert_eq!(seen.most_at_once, 1_000);
    // Some of those that had to wait were refused once more.
    assert!(seen.refused >= 100);
    assert_eq!((seen.runs, seen.lost), (1_100, 0));
}

#[test]
fn the_same_seed_is_the_same_outcome() {
    assert_eq!(looks(60), looks(60));
}

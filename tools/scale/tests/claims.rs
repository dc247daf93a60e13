//! What `docs/scale.md` says of the simulation, each as a test.

use scale::{
    api::Api,
    plan::{Kind, World, calls},
    quota::{CONCURRENCY, Stops, first_of_deployments, standing},
    scene::{Timing, first_throttled, rest, runs_at_once, storm},
    simulate::Seen,
    stack::Stack,
    time::SECOND,
};

#[track_caller]
fn is_never_throttled(seen: &Seen) {
    assert_eq!((seen.throttled(), seen.errors, seen.refused, seen.lost), (0, 0, 0, 0), "{:?}", seen.apis);
}

#[test]
fn fifty_services_at_rest_are_never_throttled_when_they_are_spread_over_the_minute() {
    is_never_throttled(&rest(50, Timing::Minute));
}

#[test]
fn fifty_services_at_rest_are_never_throttled_when_the_remedies_have_a_window() {
    is_never_throttled(&rest(50, Timing::Window));
}

#[test]
fn fifty_services_at_rest_are_throttled_when_all_schedules_fire_in_one_second() {
    let seen = rest(50, Timing::OneSecond);
    assert!(
        seen.of(Api::EcsServices).failed > 0 && seen.of(Api::DescribeAlarms).failed > 0,
        "{:?}",
        seen.apis
    );
    assert!(seen.errors > 0);
}

#[test]
fn what_fifty_services_leave_undone_in_one_second_is_made_good_by_lambdas_repeats() {
    let seen = rest(50, Timing::OneSecond);
    assert!(seen.errors > 0);
    assert_eq!(seen.lost, 0);
}

#[test]
fn a_window_lets_an_account_at_rest_have_more_services() {
    let services = |timing| first_throttled(timing, 200).map_or(200, |(services, _)| services);
    assert!(services(Timing::OneSecond) < 20);
    assert!(services(Timing::Window) > 50);
    assert!(services(Timing::Minute) > 50);
}

#[test]
fn no_run_of_up_to_fifty_services_waits_for_concurrency_though_nothing_is_reserved() {
    assert_eq!(Stack::read().reserved(), 0);
    for services in [1, 50] {
        for timing in [Timing::OneSecond, Timing::Minute] {
            let (rest, storm) = (rest(services, timing), storm(services, timing));
            assert_eq!((rest.refused, storm.refused), (0, 0), "{services} {timing:?}");
        }
    }
}

#[test]
fn fifty_services_down_in_one_second_take_less_than_a_quarter_of_an_accounts_concurrency() {
    assert!(storm(50, Timing::OneSecond).most_at_once * 4 < CONCURRENCY);
}

#[test]
fn two_hundred_services_down_in_one_second_use_up_an_accounts_concurrency() {
    let seen = storm(200, Timing::OneSecond);
    assert_eq!(seen.most_at_once, CONCURRENCY);
    assert!(seen.refused > 0);
}

#[test]
fn fifty_deployments_fit_into_an_account_with_its_default_quotas() {
    let limits = standing(&Stack::read(), runs_at_once(50));
    let first = first_of_deployments(&limits).unwrap();
    assert!(first.services() >= 50, "{first:?}");
    // What is met before is none of the runbook's, or makes `diagnose` see less.
    for limit in limits.iter().filter(|limit| limit.services() < 50) {
        assert_ne!(limit.stops, Stops::Deployment, "{limit:?}");
    }
}

/// Three runs of one function go on at once, at most: four for each of nine is one to spare.
#[test]
fn fewer_deployments_fit_where_every_function_reserves_concurrency() {
    let limits = standing(&Stack::read().reserving(4), runs_at_once(1));
    let first = first_of_deployments(&limits).unwrap();
    assert!(first.what.starts_with("Lambda: reserved"));
    assert_eq!((first.services(), first.needed(50)), (25, 1_900));
}

#[test]
fn every_incident_is_opened_at_once_and_diagnosed_at_every_size() {
    for services in [1, 10, 50, 200] {
        let seen = storm(services, Timing::OneSecond);
        assert_eq!(seen.opened.len(), usize::try_from(services).unwrap());
        assert_eq!(seen.diagnosed.len(), seen.opened.len());
        let spread = storm(services, Timing::Minute);
        for seen in [seen, spread] {
            assert!(seen.opened.values().all(|after| *after < 2 * SECOND), "{services}");
            assert!(seen.diagnosed.values().all(|after| *after < 40 * SECOND), "{services}");
        }
    }
}

#[test]
fn a_diagnosis_never_takes_longer_than_its_time_to_read() {
    for timing in [Timing::OneSecond, Timing::Minute] {
        let longest = storm(200, timing).longest_diagnosis;
        // And what it computes.
        assert!(longest < 20 * SECOND + 2 * SECOND, "{longest}");
    }
}

#[test]
fn fifty_diagnoses_spread_over_a_minute_see_every_source() {
    let seen = storm(50, Timing::Minute);
    assert_eq!((seen.diagnoses, seen.blind), (100, 0));
    assert_eq!(seen.remedies_failed, 0);
}

#[test]
fn fifty_diagnoses_in_one_second_miss_logs_alarm_history_and_the_list_of_metrics() {
    let seen = storm(50, Timing::OneSecond);
    assert!(seen.blind > 0);
    for api in [Api::FilterLogEvents, Api::AlarmHistory, Api::ListMetrics] {
        assert!(seen.of(api).failed > 0, "{api:?}");
    }
}

#[test]
fn nine_of_ten_remedies_can_read_what_they_need_where_fifty_alarms_ring_in_one_second() {
    let seen = storm(50, Timing::OneSecond);
    assert!(seen.remedies_failed * 10 <= 50, "{}", seen.remedies_failed);
}

#[test]
fn two_hundred_services_are_too_many_for_one_account() {
    assert!(storm(200, Timing::Minute).remedies_failed > 0);
}

#[test]
fn the_probes_metrics_are_never_throttled() {
    for timing in [Timing::OneSecond, Timing::Minute] {
        assert_eq!(storm(200, timing).of(Api::PutMetricData).throttled, 0, "{timing:?}");
        assert_eq!(rest(200, timing).of(Api::PutMetricData).throttled, 0, "{timing:?}");
    }
}

/// By the gateway's record of a sandbox: one service, nothing to do.
#[test]
fn runs_make_as_many_calls_as_in_the_sandbox() {
    let world = World { stack: Stack::read(), services: 1, down: false, alarm_changes: 0 };
    for (kind, made) in [
        (Kind::Probe { notes: false }, 1),
        // Where the release is noted: the metric, the service, the ledger.
        (Kind::Probe { notes: true }, 4),
        (Kind::Sweep, 3),
        // 41, and a second page of logs.
        (Kind::Diagnose, 42),
        (Kind::Roll, 23),
    ] {
        assert_eq!(calls(kind, &world), made, "{kind:?}");
    }
    for remedy in subject::remedies() {
        assert_eq!(calls(Kind::LookAfter(remedy), &world), remedy.run.calls, "{}", remedy.name);
    }
}

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use shared::{
    outcome::Decision,
    trigger::{Alarm, AlarmState, PipelineEvent, PipelineService},
};

use super::*;
use crate::{
    follow_up::follow_up,
    observe::{Asset, Invalidation},
    paths::{PathLimits, is_wildcard},
};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const MINUTE: Duration = Duration::from_mins(1);

fn settings() -> Settings {
    Settings {
        distribution: "E1234567890ABC".to_owned(),
        app_url: "https://app.lendpeak.com".to_owned(),
        build_project: Some("lendpeak2-frontend".to_owned()),
        pipeline: None,
        asset_path: "/assets/main.js".to_owned(),
        limits: PathLimits { paths: 15, wildcards: 5 },
        free_paths: 1_000,
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn from(source: Source, paths: &[&str]) -> Request {
    let goal = Goal::Invalidate(Paths { paths: strings(paths), widened: vec![] });
    Request { goal, source, event: "event-1".to_owned(), at: NOW }
}

fn by_hand(paths: &[&str]) -> Request {
    from(Source::Person, paths)
}

fn by_alarm() -> Request {
    let alarm = Alarm {
        name: "many-4xx".to_owned(),
        arn: String::new(),
        state: AlarmState::Alarm,
        reason: String::new(),
        from_no_data: false,
        metrics: vec![],
    };
    from(Source::Alarm(alarm), &["/*"])
}

fn by_deployment() -> Request {
    let event = PipelineEvent {
        service: PipelineService::CodeBuild,
        name: "lendpeak2-frontend".to_owned(),
        state: "SUCCEEDED".to_owned(),
        execution: "build".to_owned(),
    };
    from(Source::Deployment(event), &["/*"])
}

fn tick() -> Request {
    Request { goal: Goal::LookAfter, source: Source::Schedule, event: "tick".to_owned(), at: NOW }
}

fn invalidation(status: &str, paths: &[&str]) -> Invalidation {
    Invalidation {
        id: "I1".to_owned(),
        status: status.to_owned(),
        created_at: NOW - MINUTE,
        caller_reference: "cache-invalidation event-1".to_owned(),
        paths: strings(paths),
    }
}

fn sees(invalidations: Vec<Invalidation>) -> Observed {
    Observed { invalidations, ..Observed::default() }
}

/// Somebody else's, in progress, of so many files and wildcards.
fn busy(files: usize, wildcards: usize) -> Observed {
    let files = (0..files).map(|n| format!("/f{n}"));
    let paths = files.chain((0..wildcards).map(|n| format!("/w{n}/*"))).collect();
    let other = "other".to_owned();
    sees(vec![Invalidation { paths, caller_reference: other, ..invalidation("InProgress", &[]) }])
}

fn awaited(sent: bool, paths: &[&str]) -> Awaited {
    Awaited {
        paths: strings(paths),
        widened: vec![],
        caller_reference: "cache-invalidation event-1".to_owned(),
        reason: "asked by hand".to_owned(),
        sent,
        due: NOW + PATIENCE,
        before: vec![],
    }
}

fn looking_after(awaited: &[Awaited]) -> Past {
    Past { follow_up: Some(follow_up(awaited.to_vec())), ..Past::default() }
}

fn planned(observed: &Observed, request: &Request, past: &Past) -> Plan {
    plan(NOW, observed, request, &settings(), past)
}

fn sending(paths: &[&str]) -> Action {
    Action::CreateInvalidation {
        distribution: "E1234567890ABC".to_owned(),
        paths: strings(paths),
        widened: vec![],
        caller_reference: "cache-invalidation event-1".to_owned(),
        before: vec![],
    }
}

#[track_caller]
fn stops(plan: &Plan, decision: Decision, code: &str) {
    let stop = plan.skipped.as_ref().unwrap();
    assert_eq!(
        (plan.actions.as_slice(), stop.decision, stop.code.name()),
        ([].as_slice(), decision, code),
        "{stop:?}"
    );
}

#[test]
fn a_person_s_paths_are_sent_and_looked_after() {
    let plan = planned(&sees(vec![]), &by_hand(&["/assets/*"]), &Past::default());
    let expected = Plan {
        limits: Limits::SkipCooldown,
        units: 1,
        by_hand: Some(json!({ "paths": ["/assets/*"] })),
        follow_up: FollowUpChange::Set(follow_up(vec![awaited(true, &["/assets/*"])])),
        ..Plan::act(vec![sending(&["/assets/*"])], "asked by hand")
    };
    assert_eq!(plan, expected);
}

#[test]
fn only_an_alarm_waits_out_a_cooldown() {
    let limits = |request: &Request| planned(&sees(vec![]), request, &Past::default()).limits;
    assert_eq!(limits(&by_alarm()), Limits::Apply);
    assert_eq!(limits(&by_deployment()), Limits::SkipCooldown);
    assert_eq!(limits(&by_hand(&["/a"])), Limits::SkipCooldown);
}

#[test]
fn every_path_counts_and_a_wildcard_is_one() {
    let units = |paths: &[&str]| planned(&sees(vec![]), &by_hand(paths), &Past::default()).units;
    assert_eq!((units(&["/*"]), units(&["/a", "/b", "/c/*"])), (1, 3));
}

#[test]
fn what_was_widened_is_said() {
    let widened = vec!["16 paths became their common wildcard, `/assets/*`".to_owned()];
    let goal = Goal::Invalidate(Paths { paths: strings(&["/assets/*"]), widened });
    let request = Request { goal, ..by_hand(&[]) };
    let plan = planned(&sees(vec![]), &request, &Past::default());
    assert_eq!(plan.reason, "asked by hand; 16 paths became their common wildcard, `/assets/*`");
    let [action] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert_eq!(
        action.to_string(),
        "invalidate /assets/* of distribution E1234567890ABC, wider than was asked: 16 paths became their common \
         wildcard, `/assets/*`"
    );
    let InShort { planned: would, done } = in_short(&plan.actions);
    assert_eq!(would, "clear /assets/* (wider than was asked) in CloudFront");
    assert_eq!(done, "CloudFront: /assets/* (wider than was asked) cleared");
    // Also where it was sent before, or has to wait.
    let running = sees(vec![invalidation("InProgress", &["/assets/*"])]);
    for observed in [running, busy(0, 15)] {
        let stop = planned(&observed, &request, &Past::default()).skipped.unwrap();
        assert!(stop.reason.ends_with("; 16 paths became their common wildcard, `/assets/*`"), "{stop:?}");
    }
}

#[test]
fn of_many_that_were_widened_some_are_said() {
    let all: Vec<String> = (1..=5).map(|n| format!("w{n}")).collect();
    assert_eq!(reasons(&all), "w1; w2; w3; and 2 more");
    assert_eq!(reasons(&all[..2]), "w1; w2");
}

#[test]
fn the_same_event_has_the_same_reference_and_it_always_fits() {
    assert_eq!(caller_reference("event-1"), "cache-invalidation event-1");
    let arn = format!("arn:aws:cloudwatch:us-east-1:123456789012:alarm:{}@1", "x".repeat(100));
    for event in [arn.as_str(), "größe", "a\nb"] {
        let reference = caller_reference(event);
        assert_eq!(reference, caller_reference(event));
        assert_eq!(reference.len(), "cache-invalidation ".len() + 64);
    }
    assert_ne!(caller_reference(&arn), caller_reference("größe"));
}

#[test]
fn identical_paths_in_progress_are_joined() {
    let running = sees(vec![invalidation("InProgress", &["/*"])]);
    for request in [by_hand(&["/*"]), by_alarm()] {
        let plan = planned(&running, &request, &Past::default());
        stops(&plan, Decision::NothingToDo, "already_in_progress");
        let stop = plan.skipped.unwrap();
        assert_eq!(
            stop.reason,
            "invalidation I1 of the same paths is in progress since 1969-12-31 23:59:00 UTC: this joins it"
        );
        assert_eq!(stop.next.unwrap().send, Some(json!({ "status": "I1" })));
    }
    let other = planned(&running, &by_hand(&["/a"]), &Past::default());
    assert_eq!(other.actions, [sending(&["/a"])]);
    let ended = sees(vec![invalidation("Completed", &["/*"])]);
    assert_eq!(planned(&ended, &by_hand(&["/*"]), &Past::default()).actions, [sending(&["/*"])]);
}

#[test]
fn a_deployment_joins_only_what_began_after_it() {
    let running = sees(vec![invalidation("InProgress", &["/*"])]);
    assert_eq!(planned(&running, &by_deployment(), &Past::default()).actions, [sending(&["/*"])]);
    let earlier = Request { at: NOW - MINUTE, ..by_deployment() };
    stops(&planned(&running, &earlier, &Past::default()), Decision::NothingToDo, "already_in_progress");
}

#[test]
fn past_the_free_paths_a_person_is_told_the_cost_and_an_alarm_is_refused() {
    let spent = |month_units| Past { month_units, ..Past::default() };
    let reason = |units, paths: &[&str]| planned(&sees(vec![]), &by_hand(paths), &spent(units)).reason;
    assert_eq!(reason(999, &["/a"]), "asked by hand");
    assert_eq!(
        reason(999, &["/a", "/b", "/c"]),
        "asked by hand; 999 of the month's 1000 free paths were sent before, so this costs $0.010"
    );
    assert_eq!(
        reason(4_000, &["/a"]),
        "asked by hand; 4000 of the month's 1000 free paths were sent before, so this costs $0.005"
    );
    let deployment = planned(&sees(vec![]), &by_deployment(), &spent(1_000));
    assert_eq!(deployment.actions.len(), 1);
    assert!(deployment.reason.ends_with("so this costs $0.005"), "{}", deployment.reason);

    assert_eq!(planned(&sees(vec![]), &by_alarm(), &spent(999)).actions.len(), 1);
    let refused = planned(&sees(vec![]), &by_alarm(), &spent(1_000));
    stops(&refused, Decision::Refused, "free_paths_spent");
    assert_eq!(refused.skipped.unwrap().next.unwrap().send, Some(json!({ "paths": ["/*"] })));
}

#[test]
fn what_cloudfront_has_no_room_for_waits() {
    let fits = |observed: &Observed, paths: &[&str]| {
        !planned(observed, &by_hand(paths), &Past::default()).actions.is_empty()
    };
    assert!(fits(&busy(2_999, 15), &["/a"]));
    assert!(!fits(&busy(2_999, 0), &["/a", "/b"]));
    assert!(fits(&busy(3_000, 14), &["/a/*"]));
    assert!(!fits(&busy(0, 14), &["/a/*", "/b/*"]));

    let plan = planned(&busy(0, 15), &by_hand(&["/*"]), &Past::default());
    stops(&plan, Decision::NothingToDo, "waiting_for_room");
    let waits = follow_up(vec![awaited(false, &["/*"])]);
    assert_eq!(plan.follow_up, FollowUpChange::Set(waits));
    let again = planned(&busy(0, 15), &by_hand(&["/*"]), &looking_after(&[awaited(false, &["/*"])]));
    stops(&again, Decision::NothingToDo, "already_waiting");
}

#[test]
fn what_waits_is_not_pushed_out_by_what_comes_later() {
    let of = |sent, n: usize| Awaited { caller_reference: format!("r{n}"), ..awaited(sent, &["/w"]) };
    let waiting: Vec<Awaited> = (0..5).map(|n| of(false, n)).collect();
    let full = planned(&busy(0, 15), &by_hand(&["/*"]), &looking_after(&waiting));
    stops(&full, Decision::Refused, "too_many_waiting");
    let sent = planned(&sees(vec![]), &by_hand(&["/*"]), &looking_after(&waiting));
    assert_eq!((sent.actions.len(), sent.follow_up), (1, FollowUpChange::Keep));

    let mut mixed = waiting.clone();
    mixed[1].sent = true;
    let FollowUpChange::Set(kept) =
        planned(&busy(0, 15), &by_hand(&["/*"]), &looking_after(&mixed)).follow_up
    else {
        panic!("nothing is kept")
    };
    let kept = crate::follow_up::awaited(Some(&kept));
    let references: Vec<&str> = kept.iter().map(|one| one.caller_reference.as_str()).collect();
    assert_eq!(references, ["r0", "r2", "r3", "r4", "cache-invalidation event-1"]);
}

#[test]
fn several_that_are_looked_after_do_not_end_with_the_first() {
    let other = Awaited { caller_reference: "other".to_owned(), ..awaited(true, &["/b"]) };
    let plan = planned(&sees(vec![]), &by_hand(&["/a"]), &looking_after(std::slice::from_ref(&other)));
    let FollowUpChange::Set(kept) = plan.follow_up else { panic!("nothing is kept") };
    assert!(!kept.until_verified);
    assert_eq!(crate::follow_up::awaited(Some(&kept)), [other, awaited(true, &["/a"])]);
}

#[test]
fn the_schedule_sends_what_waited_once_there_is_room() {
    let past = looking_after(&[awaited(false, &["/*"])]);
    stops(&planned(&busy(0, 15), &tick(), &past), Decision::NothingToDo, "waiting_for_room");
    let sent = planned(&busy(0, 14), &tick(), &past);
    assert_eq!((sent.actions, sent.units, sent.limits), (vec![sending(&["/*"])], 1, Limits::SkipCooldown));
    assert_eq!(sent.reason, "asked by hand; it had to wait");
    let kept = follow_up(vec![awaited(true, &["/*"])]);
    assert_eq!(sent.follow_up, FollowUpChange::Set(kept));
}

#[test]
fn the_schedule_sends_again_what_never_arrived_and_counts_it() {
    let sent = planned(&sees(vec![]), &tick(), &looking_after(&[awaited(true, &["/*"])]));
    assert_eq!((sent.actions, sent.units), (vec![sending(&["/*"])], 1));
}

#[test]
fn the_schedule_gives_up_when_it_is_late_and_tells_people() {
    let late = |sent| looking_after(&[Awaited { due: NOW, ..awaited(sent, &["/*"]) }]);
    for past in [late(false), late(true)] {
        let plan = planned(&sees(vec![]), &tick(), &past);
        stops(&plan, Decision::Failed, "not_sent");
        assert_eq!(plan.follow_up, FollowUpChange::Clear);
        assert_eq!(plan.skipped.unwrap().next.unwrap().send, Some(json!({ "paths": ["/*"] })));
    }
    let plan = planned(&sees(vec![invalidation("InProgress", &["/*"])]), &tick(), &late(true));
    stops(&plan, Decision::Failed, "not_verified");
    assert_eq!(plan.follow_up, FollowUpChange::Clear);
}

#[test]
fn the_schedule_closes_what_is_completed() {
    let past = looking_after(&[awaited(true, &["/*"])]);
    let running = planned(&sees(vec![invalidation("InProgress", &["/*"])]), &tick(), &past);
    stops(&running, Decision::NothingToDo, "still_in_progress");
    assert_eq!(running.follow_up, FollowUpChange::Keep);

    let ended = planned(&sees(vec![invalidation("Completed", &["/*"])]), &tick(), &past);
    stops(&ended, Decision::NothingToDo, "verified");
    assert_eq!(ended.follow_up, FollowUpChange::Clear);
    stops(&planned(&sees(vec![]), &tick(), &Past::default()), Decision::NothingToDo, "nothing_awaited");
}

#[test]
fn of_several_the_one_that_ended_is_told_and_the_others_stay() {
    let other = Awaited { caller_reference: "other".to_owned(), ..awaited(true, &["/b"]) };
    let running = Invalidation {
        id: "I2".to_owned(),
        caller_reference: "other".to_owned(),
        ..invalidation("InProgress", &["/b"])
    };
    let seen = sees(vec![running, invalidation("Completed", &["/a"])]);
    let plan = planned(&seen, &tick(), &looking_after(&[other.clone(), awaited(true, &["/a"])]));
    stops(&plan, Decision::NothingToDo, "verified");
    assert!(plan.skipped.unwrap().reason.starts_with("invalidation I1 of /a"));
    assert_eq!(plan.follow_up, FollowUpChange::Set(follow_up(vec![other])));
}

fn asset(x_cache: &str, age_seconds: u64, etag: &str) -> Asset {
    Asset {
        path: "/assets/main.js".to_owned(),
        status: Some(200),
        x_cache: Some(x_cache.to_owned()),
        age_seconds: Some(age_seconds),
        etag: Some(etag.to_owned()),
        error: None,
    }
}

#[test]
fn an_old_copy_that_is_still_served_is_seen() {
    let kept =
        Awaited { before: vec![asset("Hit from cloudfront", 4_000, "\"1\"")], ..awaited(true, &["/*"]) };
    let look = |asset: Asset, past: &Past| {
        let invalidations = vec![invalidation("Completed", &["/*"])];
        planned(&Observed { invalidations, assets: vec![asset], ..Observed::default() }, &tick(), past)
    };
    let past = looking_after(std::slice::from_ref(&kept));
    let fresh = look(asset("Miss from cloudfront", 0, "\"2\""), &past);
    stops(&fresh, Decision::NothingToDo, "verified");
    assert_eq!(
        fresh.skipped.unwrap().reason,
        "invalidation I1 of /* (asked by hand) is completed: /assets/main.js: status 200, \
         etag \"1\" → \"2\", x-cache Hit from cloudfront → Miss from cloudfront, age 4000 s → 0 s"
    );
    let young = look(asset("Hit from cloudfront", 50, "\"2\""), &past);
    stops(&young, Decision::NothingToDo, "verified");
    let checked = look(asset("RefreshHit from cloudfront", 4_060, "\"1\""), &past);
    stops(&checked, Decision::NothingToDo, "verified");

    let old = asset("Hit from cloudfront", 4_060, "\"1\"");
    stops(&look(old.clone(), &past), Decision::NothingToDo, "still_served");
    let late = looking_after(&[Awaited { due: NOW, ..kept }]);
    stops(&look(old, &late), Decision::Failed, "not_verified");
}

/// What is told of one asset of `/assets/main.js`, in time and when it is late.
fn looked_at(asset: &Asset) -> [Stop; 2] {
    [PATIENCE, Duration::ZERO].map(|left| {
        let kept = Awaited { due: NOW + left, ..awaited(true, &["/assets/main.js"]) };
        let seen = Observed {
            invalidations: vec![invalidation("Completed", &["/assets/main.js"])],
            assets: vec![asset.clone()],
            ..Observed::default()
        };
        planned(&seen, &tick(), &looking_after(&[kept])).skipped.unwrap()
    })
}

fn answering(status: u16) -> Asset {
    Asset { path: "/assets/main.js".to_owned(), status: Some(status), ..Asset::default() }
}

#[test]
fn verified_means_that_a_fresh_copy_was_seen() {
    let codes = |asset: &Asset| looked_at(asset).map(|stop| (stop.decision, stop.code.name()));
    let nothing = Decision::NothingToDo;
    for status in [200, 204, 301] {
        assert_eq!(codes(&answering(status)), [(nothing, "verified"); 2], "{status}");
    }
    for status in [404, 410] {
        assert_eq!(codes(&answering(status)), [(nothing, "not_there"); 2], "{status}");
    }
    for status in [100, 400, 401, 403, 405, 429, 500, 503] {
        assert_eq!(codes(&answering(status)), [(nothing, "not_seen_yet"), (nothing, "not_seen")], "{status}");
    }
    let silent = Asset { status: None, error: Some("the connection failed".to_owned()), ..answering(200) };
    assert_eq!(codes(&silent), [(nothing, "not_seen_yet"), (nothing, "not_seen")]);
    // A copy of the 404 that the cache had before.
    let old = Asset { status: Some(404), ..asset("Error from cloudfront", 4_060, "\"1\"") };
    assert_eq!(codes(&old), [(nothing, "not_there"); 2]);
    let old = Asset { status: Some(404), ..asset("Hit from cloudfront", 4_060, "\"1\"") };
    assert_eq!(codes(&old), [(nothing, "still_served"), (Decision::Failed, "not_verified")]);
}

#[test]
fn what_was_not_seen_is_said() {
    let told = |asset: &Asset| looked_at(asset)[1].reason.clone();
    let of = "invalidation I1 of /assets/main.js (asked by hand) is completed: /assets/main.js: ";
    assert_eq!(told(&answering(404)), format!("{of}status 404: not there: /assets/main.js"));
    assert_eq!(told(&answering(403)), format!("{of}status 403: no fresh copy was seen of /assets/main.js"));
    let silent = Asset { status: None, error: Some("the connection failed".to_owned()), ..answering(200) };
    assert_eq!(
        told(&silent),
        format!("{of}no answer: the connection failed: no fresh copy was seen of /assets/main.js")
    );
}

#[test]
fn a_file_of_another_invalidation_is_no_sign_of_this_one() {
    let page = Asset { path: "/".to_owned(), status: Some(200), ..Asset::default() };
    let other = Asset { path: "/old.pdf".to_owned(), ..answering(404) };
    let seen = Observed {
        invalidations: vec![invalidation("Completed", &["/*"])],
        assets: vec![other, answering(200), page],
        ..Observed::default()
    };
    let plan = planned(&seen, &tick(), &looking_after(&[awaited(true, &["/*"])]));
    stops(&plan, Decision::NothingToDo, "verified");
}

#[test]
fn a_status_is_told_and_an_unknown_one_refused() {
    let asked = Request { goal: Goal::Status("I1".to_owned()), ..by_hand(&[]) };
    let paths = ["/a", "/b", "/c", "/d", "/e"];
    let seen = Observed { asked: Some(invalidation("InProgress", &paths)), ..Observed::default() };
    let told = planned(&seen, &asked, &Past::default());
    stops(&told, Decision::Listed, "status");
    assert_eq!(
        told.skipped.unwrap().reason,
        "invalidation I1 of /a, /b, /c and 2 more is in progress; it was created at 1969-12-31 23:59:00 UTC"
    );
    let unknown = planned(&Observed::default(), &asked, &Past::default());
    stops(&unknown, Decision::Refused, "invalidation_unknown");
}

#[test]
fn what_arrived_before_a_crash_is_not_sent_again() {
    assert!(is_outstanding(&sending(&["/*"]), &sees(vec![])));
    assert!(!is_outstanding(&sending(&["/*"]), &sees(vec![invalidation("InProgress", &["/*"])])));
    assert!(!is_outstanding(&sending(&["/*"]), &sees(vec![invalidation("Completed", &["/*"])])));
}

#[test]
fn how_assets_look_is_no_part_of_what_is_approved() {
    let with = Observed { assets: vec![asset("Hit from cloudfront", 7, "\"1\"")], ..Observed::default() };
    let plan = planned(&with, &by_hand(&["/*"]), &Past::default());
    assert_ne!(plan.actions, [sending(&["/*"])]);
    assert_eq!(json!(plan.actions), json!([sending(&["/*"])]));
}

proptest! {
    #[test]
    fn no_plan_goes_past_cloudfronts_limits_or_spends_on_an_alarm(
        files in 0..3_100_usize,
        wildcards in 0..20_usize,
        month_units in 0..1_100_u32,
        asked in 0..3_usize,
        waiting in 0..6_usize,
        ended in any::<bool>(),
    ) {
        let request = match asked { 0 => by_alarm(), 1 => by_deployment(), _ => by_hand(&["/a", "/b", "/c/*"]) };
        let mut observed = busy(files, wildcards);
        if ended {
            observed.invalidations[0].status = "Completed".to_owned();
        }
        let waits: Vec<Awaited> = (0..waiting)
            .map(|n| Awaited { caller_reference: format!("r{n}"), ..awaited(n % 2 == 0, &["/w"]) })
            .collect();
        for request in [&request, &tick()] {
            let past = Past { month_units, ..looking_after(&waits) };
            let plan = planned(&observed, request, &past);
            prop_assert_eq!(plan.actions.is_empty(), plan.skipped.is_some());
            for action in &plan.actions {
                let Action::CreateInvalidation { paths, .. } = action;
                let more = paths.iter().filter(|path| is_wildcard(path)).count();
                prop_assert!(ended || more == 0 || wildcards + more <= 15);
                prop_assert!(ended || more == paths.len() || files + paths.len() - more <= 3_000);
                let by_alarm = matches!(request.source, Source::Alarm(_));
                prop_assert!(!by_alarm || month_units + units(paths) <= 1_000);
            }
        }
    }
}

#[test]
fn what_it_comes_to_is_said_in_short() {
    let short = |paths: &[&str]| {
        let InShort { planned, done } = in_short(&[sending(paths)]);
        [planned, done]
    };
    assert_eq!(short(&["/a", "/b/*"]), ["clear /a, /b/* in CloudFront", "CloudFront: /a, /b/* cleared"]);
    let four = ["clear /a, /b, /c and 1 more in CloudFront", "CloudFront: /a, /b, /c and 1 more cleared"];
    assert_eq!(short(&["/a", "/b", "/c", "/d"]), four);
    assert_eq!(in_short(&[]), InShort::default());
}

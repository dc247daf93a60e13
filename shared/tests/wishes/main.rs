//! What an event asks for and cannot have now, through the runner: it is written down or the event comes again, and it
//! ends with an answer that people get.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at what is missing or was not expected"
)]

mod lamp;
mod wire;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{
    lambda::{Invocation, Task},
    runner::Runner,
};

use lamp::{Lamp, Moves};
use wire::Wire;

const TARGET: &str = "lamp/one";

/// A deployment that failed, as ECS says it: the runner looks no alarm up for it.
fn event(id: &str) -> Value {
    json!({ "version": "0", "id": id, "detail-type": "ECS Deployment State Change", "source": "aws.ecs",
        "account": "000000000000", "region": "us-east-1", "time": Timestamp::now().to_string(),
        "resources": ["arn:aws:ecs:us-east-1:000000000000:service/lamp/one"],
        "detail": { "eventName": "SERVICE_DEPLOYMENT_FAILED", "reason": "it is dark" } })
}

fn tick() -> Value {
    json!({ "version": "0", "id": "tick", "detail-type": "Scheduled Event", "source": "aws.scheduler",
        "time": Timestamp::now().to_string(), "detail": "{}",
        "resources": ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/lamp"] })
}

async fn handle(runner: &Runner<Lamp>, event: &Value) -> Result<Value, shared::error::Error> {
    let invocation = Invocation {
        body: event.to_string(),
        request_id: format!("run-{}", Timestamp::now().as_nanosecond()),
        deadline: Timestamp::now() + SignedDuration::from_secs(60),
        function_arn: "arn:aws:lambda:us-east-1:000000000000:function:lamp".to_owned(),
    };
    runner.handle(&invocation).await
}

/// Decisions and codes, of which a scheduled run may have several.
fn read(answer: &Value) -> Vec<String> {
    let one = |outcome: &Value| {
        let text = |name: &str| outcome[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("decision"), text("code"))
    };
    answer["outcomes"].as_array().map_or_else(|| vec![one(answer)], |all| all.iter().map(one).collect())
}

/// Somebody else holds the lamp.
fn hold(wire: &Wire) {
    let until =
        (Timestamp::now() + SignedDuration::from_secs(30)).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    wire.put(&format!("target#{TARGET}"), "holder", &[("held_by", "another"), ("lease_until", &until)]);
}

/// Nothing is wanted any more, and what was is recorded and told once.
fn is_over(wire: &Wire, code: &str) {
    assert_eq!(wire.wanted(TARGET), Vec::<String>::new());
    let recorded = wire.recorded();
    assert_eq!(recorded.iter().filter(|recorded| recorded.contains(code)).count(), 1, "{recorded:?}");
    let told = wire.told();
    assert_eq!(told.iter().filter(|told| told.contains("the lamp is not ours")).count(), 1, "{told:?}");
}

#[tokio::test]
async fn what_is_wanted_is_done_once_the_target_is_free() {
    let wire = Wire::default();
    let runner = lamp::with_wire(&wire, Moves::Freely);
    hold(&wire);
    let refused = handle(&runner, &event("1")).await.unwrap();
    assert_eq!(read(&refused), ["refused held_by_another_remedy"]);
    assert_eq!(wire.wanted(TARGET), ["ecs"]);
    let still = handle(&runner, &tick()).await.unwrap();
    assert_eq!(read(&still), ["nothing_to_do nothing_to_look_after", "refused held_by_another_remedy"]);
    wire.delete(&format!("target#{TARGET}"), "holder");
    let done = handle(&runner, &tick()).await.unwrap();
    assert_eq!(read(&done), ["nothing_to_do nothing_to_look_after", "applied applied"]);
    assert_eq!(wire.wanted(TARGET), Vec::<String>::new());
    assert_eq!(read(&handle(&runner, &tick()).await.unwrap()), ["nothing_to_do nothing_to_look_after"]);
}

#[tokio::test]
async fn a_wish_that_cannot_be_written_is_an_error_so_that_lambda_repeats_the_event() {
    let wire = Wire::default();
    let runner = lamp::with_wire(&wire, Moves::Freely);
    hold(&wire);
    wire.fail("TransactWriteItems", true);
    let error = handle(&runner, &event("1")).await.unwrap_err();
    assert_eq!(error.kind(), "Aws");
    assert_eq!(
        (wire.wanted(TARGET), wire.told()),
        (Vec::new(), Vec::new()),
        "it is not called wanted where it is not"
    );
    // The same event comes again.
    wire.fail("TransactWriteItems", false);
    assert_eq!(read(&handle(&runner, &event("1")).await.unwrap()), ["refused held_by_another_remedy"]);
    assert_eq!(wire.wanted(TARGET), ["ecs"]);
    assert_eq!(wire.told().len(), 1);
}

/// What could not even be looked at is wanted, and the event comes again as well.
#[tokio::test]
async fn a_wish_of_an_event_that_failed_is_an_error_whether_or_not_it_can_be_written() {
    for fails in [false, true] {
        let wire = Wire::default();
        let runner = lamp::with_wire(&wire, Moves::Unseen);
        wire.fail("TransactWriteItems", fails);
        wire.fail("PutItem", fails);
        let error = handle(&runner, &event("1")).await.unwrap_err();
        assert_eq!(error.kind(), "Aws");
        assert_eq!(wire.wanted(TARGET).len(), usize::from(!fails));
    }
}

#[tokio::test]
async fn a_wish_that_is_refused_for_good_is_recorded_and_told_and_wanted_no_more() {
    let wire = Wire::default();
    hold(&wire);
    handle(&lamp::with_wire(&wire, Moves::Freely), &event("1")).await.unwrap();
    wire.delete(&format!("target#{TARGET}"), "holder");
    let refusing = lamp::with_wire(&wire, Moves::NotAllowed);
    let answer = handle(&refusing, &tick()).await.unwrap();
    assert_eq!(read(&answer), ["nothing_to_do nothing_to_look_after", "refused not_allowed"]);
    is_over(&wire, "not_allowed");
    assert_eq!(read(&handle(&refusing, &tick()).await.unwrap()), ["nothing_to_do nothing_to_look_after"]);
    is_over(&wire, "not_allowed");
}
/// Today's settings do not let such an event in any more.
#[tokio::test]
async fn a_wish_that_todays_settings_let_in_no_more_is_recorded_and_told_and_wanted_no_more() {
    let wire = Wire::default();
    hold(&wire);
    handle(&lamp::with_wire(&wire, Moves::Freely), &event("1")).await.unwrap();
    wire.delete(&format!("target#{TARGET}"), "holder");
    let refusing = lamp::with_wire(&wire, Moves::NotOurs);
    handle(&refusing, &tick()).await.unwrap();
    is_over(&wire, "not_allowed");
}

/// Where the next step is to send something, it is there to be sent.
#[tokio::test]
async fn a_next_step_that_sends_the_request_again_has_it() {
    let wire = Wire::default();
    let runner = lamp::with_wire(&wire, Moves::Freely);
    let mut old = event("1");
    old["time"] = json!((Timestamp::now() - SignedDuration::from_hours(2)).to_string());
    let refused = handle(&runner, &old).await.unwrap();
    assert_eq!(read(&refused), ["refused event_too_old"]);
    // The event itself cannot be sent again: the lamp shows what it would do.
    assert_eq!(refused["next"]["function"], "lendpeak2-production-lamp");
    assert_eq!(refused["next"]["send"], json!({ "dry_run": true }));

    hold(&wire);
    let request = json!({ "reason": "it is night", "override": true });
    let refused = handle(&runner, &request).await.unwrap();
    assert_eq!(read(&refused), ["refused held_by_another_remedy"]);
    assert_eq!(refused["next"]["send"], request);
    // What may not be shown is not shown there either.
    let secret = json!({ "reason": "password=Zy7-orchid-lantern-42" });
    let refused = handle(&runner, &secret).await.unwrap();
    assert_eq!(read(&refused), ["refused held_by_another_remedy"]);
    assert!(!refused.to_string().contains("orchid"), "{refused:#}");
}

/// What a person reads in the console, and what is on record.
#[tokio::test]
async fn an_answer_begins_with_a_summary_and_has_the_rest_for_whoever_asks_for_it() {
    let wire = Wire::default();
    let runner = lamp::cooling_for(&wire, Moves::Freely, "1800");
    let done = handle(&runner, &json!({ "reason": "it is night" })).await.unwrap();
    assert_eq!(done["summary"], "lamp: switched on, the lamp is on; asked by hand: it is night");
    assert!(["plan", "trigger", "observed"].iter().all(|name| done.get(name).is_none()), "{done:#}");
    let recorded = wire.recorded();
    assert!(recorded.iter().all(|record| record.contains(r#""trigger":{"id""#)), "{recorded:?}");

    let refused = handle(&runner, &json!({})).await.unwrap();
    assert_eq!(read(&refused), ["refused cooldown"]);
    let summary = refused["summary"].as_str().unwrap_or_default();
    assert!(summary.starts_with("nothing was done: cooling down until "), "{summary}");
    assert!(summary.contains(" did this: switch the lamp on"), "{summary}");
    // The plan that was not carried out, and the request by which it is.
    assert_eq!(refused["plan"], json!({ "lines": ["switch the lamp on"] }));
    let next = &refused["next"];
    assert_eq!((&next["function"], &next["level"]), (&json!("lendpeak2-production-lamp"), &json!(1)));
    assert_eq!(next["send"]["override"], true);

    let dry = handle(&runner, &json!({ "dry_run": true, "verbose": true })).await.unwrap();
    assert_eq!(read(&dry), ["observed would_act"]);
    let reason = dry["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("it would be refused now: cooling down until "), "{reason}");
    let summary = dry["summary"].as_str().unwrap_or_default();
    assert!(summary.starts_with("would be refused now (cooling down until "), "{summary}");
    assert!(summary.ends_with("): switch the lamp on; asked by hand"), "{summary}");
    assert!(
        dry["plan"]["actions"].is_array() && dry["trigger"]["kind"]["person"]["verbose"] == true,
        "{dry:#}"
    );

    // A state machine takes what it needs.
    let step = json!({ "step_functions": { "execution": "arn:aws:states:x", "state": "Remedy@1" } });
    let asked = handle(&runner, &step).await.unwrap();
    assert_eq!(read(&asked), ["refused cooldown"]);
    assert!(asked["plan"]["actions"].is_array(), "{asked:#}");
}

//! A roll-back is looked after until it is verified, or its time is over.

use super::*;

fn looked_after(observed: &Observed, due_in: SignedDuration) -> Plan {
    let what = json!({ "from": name(4), "to": name(3) });
    let what = serde_json::from_value(what).unwrap();
    let follow_up = FollowUp { due: now() + due_in, what, until_verified: true };
    let past = Past { follow_up: Some(follow_up), ..Past::default() };
    plan(now(), observed, &by_hand(To::LookAfter), &settings(), &past)
}

#[track_caller]
fn ends(plan: Plan, decision: Decision, code: &str) {
    let stop = plan.skipped.unwrap();
    assert_eq!((stop.decision, stop.code.name(), plan.follow_up), (decision, code, FollowUpChange::Clear));
}

#[test]
fn a_roll_back_is_looked_after_until_it_settles_or_its_time_is_over() {
    let healthy = observed().with(|observed| observed.health = Some(health(true, true, true)));
    ends(looked_after(&healthy, MINUTE), Decision::NothingToDo, "verified");
    let copy = healthy.clone().with(|observed| {
        observed.current = Some(TaskDefinition { copy_of: Some(name(3)), ..definition(5) });
        observed.service.as_mut().unwrap().task_definition = definition(5).arn;
    });
    ends(looked_after(&copy, MINUTE), Decision::NothingToDo, "verified");

    let rolling = healthy.with_primary(|primary| primary.rollout = "IN_PROGRESS".to_owned());
    let waiting = looked_after(&rolling, MINUTE);
    assert_eq!(
        (waiting.skipped.unwrap().code.name(), waiting.follow_up),
        ("still_settling", FollowUpChange::Keep)
    );
    ends(looked_after(&rolling, -MINUTE), Decision::Failed, "not_verified");
    ends(looked_after(&observed(), -MINUTE), Decision::Failed, "not_verified");

    let newer = observed().with_service(|service| service.task_definition = definition(6).arn);
    let newer = newer.with(|observed| observed.current = Some(definition(6)));
    ends(looked_after(&newer, MINUTE), Decision::NothingToDo, "superseded");
}

#[test]
fn without_a_roll_back_there_is_nothing_to_look_after() {
    skips(&observed(), &by_hand(To::LookAfter), "nothing_to_look_after");
}

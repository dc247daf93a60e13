use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::{
    code::Name,
    outcome::{Step, VERSION, Verification},
};

fn outcome(decision: Decision, code: &'static Code, reason: &str) -> Outcome {
    Outcome {
        summary: String::new(),
        decision,
        code: Name::from(code),
        next: None,
        reason: reason.to_owned(),
        target: "service/lendpeak2-production/backend".to_owned(),
        steps: Vec::new(),
        verification: None,
        under_way: false,
        function: "scale-up".to_owned(),
        environment: "production".to_owned(),
        execution_id: "run-2".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        duration_ms: 1,
        version: VERSION,
        plan: Value::Null,
        trigger: Value::Null,
        observed: Value::Null,
    }
}

fn step(action: &str, result: StepResult) -> Step {
    let error = (result == StepResult::Failed).then(|| "AccessDenied: no".to_owned());
    Step { action: action.to_owned(), result, error }
}

fn applied(steps: &[&str], verified: bool, seen: &str) -> Outcome {
    let verification = Some(Verification { verified, what: seen.to_owned() });
    let steps = steps.iter().map(|action| step(action, StepResult::Done)).collect();
    Outcome { steps, verification, ..outcome(Decision::Applied, &code::APPLIED, "by hand, and all runs") }
}

const PLAN: &str = "alarm cpu rang, and all 2 tasks run. More";

#[track_caller]
fn says(outcome: &Outcome, what: &str, asked: &str, expected: &str) {
    let about = About { what, asked, plan: PLAN, refused: "" };
    assert_eq!(of(outcome, about), expected);
}

#[test]
fn what_was_done_is_said_with_what_was_seen_of_it_and_who_asked() {
    says(
        &applied(&["set the desired count of backend to 4"], true, "all run"),
        "backend: 2 → 4 tasks",
        "asked by hand: queue grows",
        "backend: 2 → 4 tasks, all run; asked by hand: queue grows",
    );
    says(
        &applied(&["roll back from backend:3 to backend:1"], false, "0 of 2 tasks run"),
        "backend: backend:3 → :1",
        "alarm 5xx rang",
        "backend: backend:3 → :1, not seen yet: 0 of 2 tasks run; alarm 5xx rang",
    );
    says(
        &applied(&["roll back from backend:3 to backend:1"], true, "2 of 2 tasks run, and /health passes"),
        "backend: backend:3 → :1",
        "asked by hand",
        "backend: backend:3 → :1, 2 of 2 tasks run; asked by hand",
    );
    // The ids come last, and stay in the second look.
    says(
        &applied(
            &["restart backend"],
            true,
            "1 of 2 fresh tasks run; 3 of 2 tasks run; deployment a has begun",
        ),
        "backend: fresh tasks in place of 2 (backend:7)",
        "asked by hand",
        "backend: fresh tasks in place of 2 (backend:7), 1 of 2 fresh tasks run; asked by hand",
    );
    // Nobody says what the actions come to.
    says(
        &applied(&["delete instance a-1", "delete cluster a"], true, "both are being deleted"),
        "",
        "asked by hand; approved by Ana",
        "delete instance a-1, delete cluster a, both are being deleted; asked by hand; approved by Ana",
    );
}

#[test]
fn what_would_be_done_is_said_so() {
    let observed = outcome(Decision::Observed, &code::WOULD_ACT, "would set the desired count");
    says(
        &observed,
        "clear /index.html in CloudFront",
        "asked by hand",
        "would do: clear /index.html in CloudFront; asked by hand",
    );
    let reject = outcome(Decision::Observed, &code::WOULD_REJECT, "would reject: delete cluster a");
    says(&reject, "", "asked by hand", "would reject: delete cluster a");
}

#[test]
fn a_dry_run_says_first_that_it_would_be_refused_now_and_why() {
    let observed = outcome(Decision::Observed, &code::WOULD_ACT, "would set the desired count");
    for refused in ["cooling down until 20:26:45 UTC", "the kill switch `all` is on for 3 min (by Ana)"] {
        let about =
            About {
                what: "backend: 2 → 4 tasks", asked: "asked by hand: queue grows", plan: PLAN, refused
            };
        assert_eq!(
            of(&observed, about),
            format!("would be refused now ({refused}): backend: 2 → 4 tasks; asked by hand: queue grows")
        );
    }
}

#[test]
fn an_approval_is_asked_for_with_what_the_plan_says() {
    let expected = "waits for approval: backend: 2 → 4 tasks; alarm cpu rang, and all 2 tasks run";
    let asks = outcome(Decision::AwaitingApproval, &code::APPROVAL_NEEDED, "…");
    says(&asks, "backend: 2 → 4 tasks", "alarm cpu rang", expected);
    let joins = outcome(Decision::NothingToDo, &code::APPROVAL_PENDING, "plan a waits already");
    let expected = expected.replace("approval:", "approval already:");
    says(&joins, "backend: 2 → 4 tasks", "alarm cpu rang", &expected);
}

#[test]
fn why_nothing_was_done_is_the_first_sentence_of_the_reason() {
    let refused = |code, reason| outcome(Decision::Refused, code, reason);
    says(
        &refused(
            &code::COOLDOWN,
            "Cooling down until 20:26:45 UTC. At 19:56:45 UTC (6 min ago) run a did this: restart backend",
        ),
        "backend: fresh tasks in place of 2",
        "asked by hand",
        "nothing was done: cooling down until 20:26:45 UTC: at 19:56:45 UTC (6 min ago) run a did this: restart backend",
    );
    says(
        &refused(&code::KILL_SWITCH, "the kill switch `all` is on (by Ana: release freeze)"),
        "",
        "asked by hand",
        "nothing was done: the kill switch `all` is on (by Ana: release freeze)",
    );
    says(
        &refused(&code::LEDGER_UNAVAILABLE, "Cannot read the ledger a-b: AccessDenied. Nothing is changed"),
        "",
        "",
        "nothing was done: cannot read the ledger a-b: AccessDenied",
    );
    let room = outcome(Decision::NothingToDo, &code::STILL_SETTLING, "CloudFront is at work on 15 wildcards");
    says(&room, "", "", "nothing was done: CloudFront is at work on 15 wildcards");
    let half = Outcome {
        steps: vec![step("raise the minimum", StepResult::Done), step("set the count", StepResult::Failed)],
        ..refused(&code::KILL_SWITCH, "The kill switch `all` is on")
    };
    says(&half, "backend: 2 → 4 tasks", "", "stopped half-way: the kill switch `all` is on");
}

#[test]
fn an_end_that_was_awaited_and_a_list_say_what_was_seen() {
    let verified = outcome(Decision::NothingToDo, &code::VERIFIED, "it has settled: 2 tasks run. Good");
    says(&verified, "", "the schedule asks", "it has settled: 2 tasks run");
    let list = outcome(Decision::Listed, &code::VERIFIED, "cluster a can be restored from 2 snapshots");
    says(&list, "", "asked by hand", "cluster a can be restored from 2 snapshots");
}

#[test]
fn a_failure_names_the_step_and_how_far_it_came() {
    let failed = |steps| Outcome { steps, ..outcome(Decision::Failed, &code::ACTION_FAILED, "Alarm") };
    let raised = || step("raise the minimum", StepResult::Done);
    let refused = || step("set the count", StepResult::Failed);
    says(&failed(vec![refused()]), "backend: 2 → 4 tasks", "", "failed: set the count: AccessDenied: no");
    says(
        &failed(vec![raised(), refused()]),
        "backend: 2 → 4 tasks",
        "",
        "failed: set the count, after 1 action was done: AccessDenied: no",
    );
    let settled = outcome(Decision::Failed, &code::NOT_VERIFIED, "Writes should be frozen but are not: a. B");
    says(&settled, "", "the schedule asks", "failed: writes should be frozen but are not: a");
}

#[test]
fn a_second_answer_repeats_the_first() {
    let replayed = outcome(Decision::Replayed, &code::APPLIED, "run a answered this event: b");
    says(&replayed, "", "", "nothing was done: run a answered this event: b");
    let replayed = Outcome { summary: "backend: 2 → 4 tasks".to_owned(), ..replayed };
    let expected = "nothing was done now; this event was answered before: backend: 2 → 4 tasks";
    says(&replayed, "", "", expected);
}

#[test]
fn a_summary_fits_a_line_of_the_console() {
    let long = outcome(Decision::Refused, &code::NOT_ALLOWED, &"ä\n".repeat(1_000));
    let summary = of(&long, About::default());
    assert!(summary.chars().count() <= LONGEST && !summary.contains('\n'), "{summary}");
}

#[test]
fn a_name_keeps_its_capital_in_the_middle_of_a_sentence() {
    let cases = [
        ("Another run is at it", "another run is at it"),
        ("ECS is at it", "ECS is at it"),
        ("CloudFront is at it", "CloudFront is at it"),
        ("AWS has no capacity", "AWS has no capacity"),
        ("A-1 is at it", "A-1 is at it"),
        ("", ""),
    ];
    for (text, expected) in cases {
        assert_eq!(lower(text), expected);
    }
    assert_eq!(first("at 10.5 % of a. B"), "at 10.5 % of a");
    assert_eq!(first("e.g. this one."), "e.g. this one");
    assert_eq!(capital("cannot read"), "Cannot read");
}

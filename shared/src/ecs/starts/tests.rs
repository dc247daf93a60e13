use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A task that died a minute ago, a second after its start.
fn died(reason: &str) -> StoppedTask {
    StoppedTask {
        task: "task".to_owned(),
        task_definition: "backend:7".to_owned(),
        stopped_at: Some(NOW - MINUTE),
        started_at: Some(NOW - MINUTE - SignedDuration::from_secs(1)),
        failed: true,
        reason: reason.to_owned(),
    }
}

#[track_caller]
fn says(tasks: &[StoppedTask], reasons: &[&str]) {
    assert_eq!(why_tasks_fail_to_start(tasks, NOW), reasons);
}

#[test]
fn two_failed_starts_are_a_pattern_and_one_is_none() {
    says(&[], &[]);
    says(&[died("exit 1")], &[]);
    says(&[died("exit 1"), died("exit 1")], &["exit 1"]);
    says(&[died("no image"), died("exit 1"), died("exit 1")], &["exit 1", "no image"]);
    let never_ran = StoppedTask { started_at: None, ..died("no image") };
    says(&[never_ran.clone(), never_ran], &["no image"]);
}

#[test]
fn what_is_old_ran_for_long_or_was_stopped_on_purpose_did_not_fail_to_start() {
    let old = StoppedTask { stopped_at: Some(NOW - MINUTE * 11), ..died("exit 1") };
    let long = StoppedTask { started_at: Some(NOW - MINUTE * 30), ..died("exit 1") };
    let scaled_down = StoppedTask { failed: false, ..died("Scaling activity initiated") };
    for task in [old, long, scaled_down] {
        says(&[task.clone(), task.clone(), died("exit 1")], &[]);
    }
}

#[test]
fn of_many_reasons_the_first_are_told() {
    assert_eq!(some_of(&["a", "b"]), "a; b");
    assert_eq!(some_of(&["a", "b", "c", "d", "e", "f"]), "a; b; c; d; and 2 more");
    assert_eq!(some_of(&[] as &[&str]), "");
}

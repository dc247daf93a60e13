//! What is larger than anything that was seen: it takes a bounded part of the memory and ends in time.

use std::time::Instant;

use canned::Size;
use diagnose::{
    chapter::Chapter,
    evidence::{ContainerEnd, Evidence, StoppedTask, Tasks},
    judge,
    report::Format,
};
use functions::FUNCTIONS;
use fuzz::{
    choices::Choices,
    claims,
    harness::with_harness,
    targets::{evidence, trigger},
    world::Mutated,
};
use jiff::SignedDuration;
use sandbox::stack;
use serde_json::{Value, json};
use shared::text;

use crate::{MEMORY, alone};

/// Lambda's limit for an event that somebody sends and waits for.
const EVENT: usize = 6 << 20;
/// CloudWatch Logs' limit for a line.
const LINE: usize = 256 << 10;

/// What was taken at most while it was at work.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let done = work();
    (done, MEMORY.peak_usage().saturating_sub(before))
}

fn events() -> Vec<(&'static str, String)> {
    let long = |letter: &str| letter.repeat(EVENT);
    let alarm = |name: &str| json!({ "AlarmName": name, "NewStateValue": "ALARM", "StateChangeTime": "2026-11-24T03:00:00.000+0000" });
    let many: Vec<Value> = (0..EVENT / 10).map(|number| json!(number)).collect();
    let deep = |open: &str| open.repeat(EVENT / open.len());
    let sns = |message: &str| stack::sns("arn:aws:sns:us-east-1:123456789012:alarms", message).to_string();
    vec![
        ("a request padded with spaces", format!("{{{}\"dry_run\": true}}", long(" "))),
        ("a request with a long reason", json!({ "dry_run": true, "reason": long("ä") }).to_string()),
        ("a request with a long unknown field", json!({ long("x"): 1 }).to_string()),
        ("a request with a long value of the wrong type", json!({ "dry_run": long("y") }).to_string()),
        ("a request with many paths", json!({ "paths": many }).to_string()),
        ("an alarm with a long name", alarm(&long("a")).to_string()),
        ("an alarm in a message", sns(&alarm(&long("a")).to_string())),
        ("an event with many keys", json!({ "source": "aws.ec2", long("k"): 1 }).to_string()),
        ("brackets", deep("[")),
        ("braces", deep("{\"a\":")),
        ("a hundred thousand brackets", "[".repeat(100_000)),
        ("brackets in a field", format!("{{\"request\": {}", "[".repeat(100_000))),
        ("brackets in a message", sns(&format!("{{\"alarmData\": {}", "[".repeat(100_000)))),
        ("no JSON", long("\u{0}\u{7f}{")),
        ("a million records", json!({ "Records": vec![json!({}); 1_000_000] }).to_string()),
    ]
}

#[test]
fn an_event_of_6_mb_is_refused_without_a_copy_of_it() {
    /// Nobody needs to read it to see that it is too long.
    const MOST: usize = EVENT / 4;
    let _alone = alone();
    let mut most = 0;
    for (what, event) in events() {
        let is_long = event.len() >= EVENT;
        for function in &FUNCTIONS {
            let body = event.clone();
            with_harness(|harness| {
                harness.wire.begin(Mutated::None, &[]);
                let (answer, used) = peak(|| harness.handle(function.name(), body));
                let error = answer.expect_err(what);
                claims::error_is_bounded(&error);
                most = most.max(if is_long { used } else { 0 });
                assert!(
                    !is_long || used <= MOST,
                    "{what} takes {used} bytes in {}: {error}",
                    function.name()
                );
            });
        }
        trigger::read(event);
    }
    eprintln!("events of 6 MB: {most} bytes used at most");
}

#[test]
fn a_log_line_of_256_kb_takes_no_more_than_itself() {
    let _alone = alone();
    let word = "password=hunter2 ".repeat(LINE / 17);
    let lines = [
        "x".repeat(LINE),
        "9".repeat(LINE),
        "ä".repeat(LINE / 2),
        " ".repeat(LINE),
        "<…> ".repeat(LINE / 6),
        "\"".repeat(LINE),
        "{".repeat(LINE),
        format!("{{\"message\": \"{}\"}}", "y ".repeat(LINE / 2)),
        format!("{{\"message\": {}", "[".repeat(LINE)),
        "a@".repeat(LINE / 2),
        "https://".repeat(LINE / 8),
        word,
    ];
    let mut most = 0;
    for line in lines {
        let (shown, used) = peak(|| text::log_line(&line));
        most = most.max(used);
        assert!(used <= LINE, "{used} bytes for {}", claims::beginning(&line));
        fuzz::targets::log_line::check(&line);
        assert!(!shown.contains("hunter2"));
    }
    eprintln!("log lines of 256 KB: {most} bytes used at most");
}

#[test]
fn ten_thousand_stopped_tasks_are_read_and_told() {
    /// An answer is there as text and as the SDK has it; of most tasks nothing is kept.
    const TIMES: usize = 4;
    let _alone = alone();
    with_harness(|harness| {
        let size = Size { log_events: 10_000, stopped_tasks: 10_000, alarms: 1_000 };
        harness.wire.begin_with(size, Mutated::None, &[]);
        let begun = Instant::now();
        let (answer, used) =
            peak(|| harness.handle("diagnose", json!({ "symptom": "service-down" }).to_string()));
        let answered = harness.wire.world().answered;
        claims::answer_can_be_sent(&answer, &harness.wire.world());
        let answer = answer.unwrap();
        let seen = answer["looked_at"].as_array().unwrap();
        assert!(seen.contains(&json!("its tasks")), "the tasks were not read: {answer}");
        eprintln!("10,000 stopped tasks: {answered} bytes answered, {used} used, {:?}", begun.elapsed());
        assert!(used <= answered * TIMES, "{used} bytes for {answered} of answers");
    });
}

#[test]
fn evidence_of_ten_thousand_stopped_tasks_is_judged_in_its_own_size() {
    let _alone = alone();
    let mut well: Evidence = serde_json::from_value(evidence::recorded(&mut Choices::new(&[]))).unwrap();
    let running = well.tasks.as_ref().unwrap().running.clone();
    let revision = running[0].task_definition.clone();
    let task = |number: usize| StoppedTask {
        id: format!("{number:032x}"),
        task_definition: revision.clone(),
        stop_code: "EssentialContainerExited".to_owned(),
        reason: "Essential container in task exited ".repeat(8),
        stopped_at: Some(well.at - SignedDuration::from_secs(i64::try_from(number / 10).unwrap())),
        containers: vec![ContainerEnd { name: "backend".to_owned(), exit_code: Some(137), reason: None }],
        ..StoppedTask::default()
    };
    let stopped: Vec<StoppedTask> = (0..10_000).map(task).collect();
    well.tasks = Some(Tasks { running, stopped_in_all: 10_000, stopped });
    let (evidence, size) = peak(|| well.clone());
    let found = judge(&evidence, &Chapter::ALL);
    assert!(!found.is_empty(), "ten thousand stopped tasks are nothing");
    let ((), used) = peak(|| evidence::judged(&evidence, Format::Text));
    eprintln!("evidence of 10,000 stopped tasks: {size} bytes, {used} used");
    assert!(used <= size, "{used} bytes for evidence of {size}");
}

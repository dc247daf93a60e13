//! Recorded faults amid what real stacks always have, and two faults at once: some thousand cases, the same ones at each
//! run.

use std::sync::LazyLock;

use anyhow::{Context, Result, anyhow, ensure};
use diagnose::{chapter::Chapter, evidence::Evidence, finding::Finding, judge};
use jiff::Timestamp;
use proptest::{
    collection::vec,
    sample::select,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use sandbox::cases::{base, files, merge, read, write_out};
use serde_json::{Value, json};

use super::{NOTHING, name};

/// What goes on beside a fault and has nothing to do with it.
static NOISE: LazyLock<Vec<(&str, Value)>> = LazyLock::new(|| {
    let stopped = |id: &str, at: &str, code: &str, reason: &str| {
        json!({ "tasks": { "stopped": [{
            "id": id, "task_definition": "lendpeak2-backend-production:41", "started_at": "-2d", "stopped_at": at,
            "stop_code": code, "reason": reason, "containers": [{ "name": "backend", "exit_code": 143 }],
        }]}})
    };
    let event =
        |at: &str, message: &str| json!({ "service": { "events": [{ "at": at, "message": message }] } });
    let database_event = |at: &str, source: &str, message: &str, category: &str| json!({ "database_events": [{ "at": at, "source": source, "message": message, "categories": [category] }] });
    let alarm = |name: &str, rang: &[&str]| {
        json!({ "alarms": [{
            "name": name, "state": "OK", "since": "-6h", "reason": "Threshold Crossed", "comparison": "GreaterThanThreshold",
            "metric": { "namespace": "AWS/ApplicationELB", "name": "TargetResponseTime",
                        "dimensions": { "LoadBalancer": "app/lendpeak2-production/1" } },
            "threshold": 2, "missing_data": "notBreaching", "actions_enabled": true, "actions": 1, "rang": rang,
            "fortnight": { "series": [[0.5, 55], [2.4, 1]] },
        }]})
    };
    let logged = |shape: &str, count: u64| json!({ "logs": { "groups": [{ "shape": shape, "count": count, "first": "-55m", "last": "-4m" }] } });
    vec![
        (
            "a task that scaling ended",
            stopped(
                "n1",
                "-38m",
                "ServiceSchedulerInitiated",
                "Scaling activity initiated by (deployment ecs-svc/1)",
            ),
        ),
        (
            "a task that Spot took back",
            stopped("n2", "-33m", "SpotInterruption", "Your Spot Task was interrupted."),
        ),
        (
            "a task that AWS moved",
            stopped(
                "n3",
                "-47m",
                "ServiceSchedulerInitiated",
                "ECS is performing maintenance on the underlying infrastructure hosting the task",
            ),
        ),
        // Not that a task came: then what kept tasks from coming is over.
        ("zones balanced", event("-44m", "(service backend) has begun draining connections on 1 tasks.")),
        (
            "a capacity refusal of hours ago",
            event(
                "-3h",
                "(service backend) was unable to place a task. Reason: Capacity is unavailable at this time.",
            ),
        ),
        ("steady hours ago", event("-9h", "(service backend) has reached a steady state.")),
        (
            "a backup",
            database_event("-5h", "lendpeak2-production", "Manual cluster snapshot created", "backup"),
        ),
        (
            "a patched reader of yesterday",
            database_event("-20h", "db-2", "DB instance restarted", "availability"),
        ),
        ("another alarm that rang", alarm("lendpeak2-production-latency", &["-6h"])),
        ("errors of the mailer", logged("ERROR could not send e-mail", 31)),
        ("errors of another service", logged("ERROR credit bureau answered 503", 17)),
        (
            "a step of scaling in the morning",
            json!({ "scaling": { "activities": [{
            "at": "-5h", "status": "Successful", "description": "Setting desired count to 3.", "message": "Successfully set desired count to 3." }] } }),
        ),
        (
            "an older build",
            json!({ "builds": [{
            "id": "front-end:0", "status": "SUCCEEDED", "phase": "", "reason": "", "started_at": "-50h", "ended_at": "-49h", "errors": [] }] }),
        ),
        (
            "a metric of another stack",
            json!({ "listed_metrics": [{
            "namespace": "AWS/ECS", "name": "CPUUtilization", "dimensions": { "ClusterName": "other", "ServiceName": "other" } }] }),
        ),
        (
            "an old secret",
            json!({ "secrets": [{ "name": "other-api-key", "exists": true, "changed_at": "-90d", "rotated_at": "-90d" }] }),
        ),
    ]
});

/// Adds, and changes nothing that is there. A source that was not seen stays unseen.
fn add(to: &mut Value, more: &Value) {
    match (to, more) {
        (Value::Object(to), Value::Object(more)) => {
            for (name, value) in more {
                if let Some(there) = to.get_mut(name) {
                    add(there, value);
                }
            }
        }
        (Value::Array(to), Value::Array(more)) => to.extend(more.iter().cloned()),
        _ => {}
    }
}

/// As the readers have it: the newest first.
fn seen(mut value: Value) -> Result<Evidence> {
    let at: Timestamp = value.get("at").and_then(Value::as_str).context("no `at`")?.parse()?;
    write_out(&mut value, at, 300)?;
    let mut seen: Evidence = serde_json::from_value(value)?;
    if let Some(tasks) = &mut seen.tasks {
        tasks.stopped.sort_by_key(|task| std::cmp::Reverse(task.stopped_at));
    }
    if let Some(service) = &mut seen.service {
        service.events.sort_by_key(|event| std::cmp::Reverse(event.at));
    }
    if let Some(events) = &mut seen.database_events {
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
    }
    if let Some(logs) = &mut seen.logs {
        logs.groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    }
    Ok(seen)
}

/// A recorded case: its place, what it changes, and its first cause.
struct Recorded {
    place: String,
    patch: Value,
    first: String,
}

fn recorded() -> Result<Vec<Recorded>> {
    let mut all = Vec::new();
    for path in files()? {
        for case in read(&path)?.cases {
            let stem = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            all.push(Recorded {
                place: format!("{stem}: {}", case.name),
                patch: case.evidence,
                first: case.first,
            });
        }
    }
    Ok(all)
}

fn explains(finding: Option<&Finding>, cause: &str) -> bool {
    finding.is_some_and(|first| first.explains.iter().any(|one| one.cause == cause))
}

#[test]
fn noise_hides_no_fault_and_is_none() -> Result<()> {
    const CASES: usize = 1_500;
    const MOST: usize = 5;
    let cases = recorded()?;
    let mut runner = TestRunner::deterministic();
    let sampled = (0..cases.len(), vec(select(NOISE.as_slice()), 1..=MOST));
    let mut wrong = Vec::new();
    for _ in 0..CASES {
        let sample = sampled.new_tree(&mut runner).map_err(|reason| anyhow!("{reason}"))?;
        let (case, noise) = sample.current();
        let case = cases.get(case).context("no cases")?;
        let mut value = base()?;
        merge(&mut value, &case.patch);
        for (_, noise) in &noise {
            add(&mut value, noise);
        }
        let findings = judge(&seen(value)?, &Chapter::ALL);
        let first = findings.first();
        if name(first) != case.first && !explains(first, &case.first) {
            let names: Vec<&str> = noise.iter().map(|(name, _)| *name).collect();
            wrong.push(format!("{} with {names:?}: {} instead of {}", case.place, name(first), case.first));
        }
    }
    ensure!(wrong.is_empty(), "{} of {CASES}:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// Causes that cannot be told beside each other, and why.
const APART: &[(&str, &[&str])] = &[
    // A target that is ill, or a task that ends, may be where the 502 come from.
    (
        "keep_alive_too_short",
        &[
            "database_refused",
            "elb_internal",
            "health_check_port_wrong",
            "security_group_closed",
            "target_timeout",
            "health_check_in_grace",
            "out_of_memory_at_start",
        ],
    ),
    // These explain the one reason, and the targets of that case have others as well.
    (
        "target_timeout",
        &[
            "missing_index",
            "collection_scan",
            "cold_cache",
            "slow_database",
            "memory_leak",
            "memory_follows_load",
            "out_of_memory_kills",
            "no_scaling_policy",
            "scaling_suspended",
            "scaling_activity_failed",
            "scaling_alarm_without_data",
            "target_value_not_reachable",
            "at_maximum",
            "no_spare_tasks",
        ],
    ),
    // Without tasks, or without policies, there is nothing to measure.
    ("metric_stopped", &["database_refused", "targets_draining", "container_exits"]),
    (
        "scaling_alarm_without_data",
        &["no_scaling_policy", "scaled_to_zero", "container_exits", "targets_draining"],
    ),
    // What grows with the requests of that case may be due to them.
    ("connection_leak", &["memory_follows_load"]),
    // Where those that have run for long fail as well, it is not the start.
    (
        "health_check_in_grace",
        &[
            "health_check_timing_wrong",
            "health_check_matcher_wrong",
            "health_check_path_wrong",
            "target_failed_health_checks",
            "target_response_mismatch",
        ],
    ),
    // Without a healthy target it is not known that the way to them is cut.
    (
        "api_unreachable",
        &["health_check_matcher_wrong", "health_check_path_wrong", "health_check_timing_wrong"],
    ),
    // What comes after a deployment is put down to it.
    ("deployment_stuck", &["change_broke_it"]),
    // The check of the database fails with these, too.
    ("database_down", &["connection_pool_waits", "writer_failed_over"]),
    // The errors of that case began before the change.
    ("aws_issue", &["change_broke_it", "release_broke_it"]),
];

fn are_apart(one: &str, other: &str) -> bool {
    let lists =
        |one: &str, other: &str| APART.iter().any(|(cause, others)| *cause == one && others.contains(&other));
    lists(one, other) || lists(other, one)
}

/// Of two faults that have nothing in common, both are told, and one of them, or what explains it, comes first.
#[test]
fn of_two_faults_neither_hides_the_other() -> Result<()> {
    /// All pairs are ten thousand.
    const EACH: usize = 7;
    let plain: Vec<Recorded> = recorded()?
        .into_iter()
        .filter(|case| case.first != NOTHING && case.place.contains("plain"))
        .collect();
    let mut tried = 0_usize;
    let mut wrong = Vec::new();
    for (number, one) in plain.iter().enumerate() {
        for other in plain.iter().skip(number + 1 + number % EACH).step_by(EACH) {
            if one.first == other.first
                || are_apart(&one.first, &other.first)
                || shares_a_source(&one.patch, &other.patch)
            {
                continue;
            }
            tried += 1;
            let mut value = base()?;
            merge(&mut value, &one.patch);
            merge(&mut value, &other.patch);
            let findings = judge(&seen(value)?, &Chapter::ALL);
            let told = |cause: &str| {
                findings.iter().any(|found| found.cause == cause || explains(Some(found), cause))
            };
            let first = findings.first();
            let is_first = |cause: &str| name(first) == cause || explains(first, cause);
            let both = told(&one.first) && told(&other.first);
            if !both || !is_first(&one.first) && !is_first(&other.first) {
                let all: Vec<&str> = findings.iter().map(|found| &*found.cause).collect();
                wrong.push(format!("{} and {}: {all:?}", one.place, other.place));
            }
        }
    }
    ensure!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    ensure!(tried > 500, "only {tried} pairs");
    Ok(())
}

/// Whether both change the same source, or the same series of a metric: then one fault would take the other's place.
fn shares_a_source(one: &Value, other: &Value) -> bool {
    let names = |patch: &Value| -> Vec<String> {
        let mut names: Vec<String> =
            patch.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        names.retain(|name| name != "metrics");
        for span in ["recent", "fortnight"] {
            let series = patch.pointer(&format!("/metrics/{span}")).and_then(Value::as_object);
            names.extend(series.into_iter().flatten().map(|(name, _)| name.clone()));
        }
        names
    };
    let others = names(other);
    names(one).iter().any(|name| others.contains(name))
}

//! Every command against a sandbox: what it writes, and how it ends.
//!
//! The files of `tests/cmd/` have the functions' own sentences in them. Where those change, `TRYCMD=overwrite` writes the
//! files anew: put `[..]` back where times, ids and counts stand.

use std::process::{Command, Stdio};

use crate::{
    drill::no_drill_is_held_where_none_are_allowed,
    support::{Said, Sandbox, on_a_terminal, runtime, said, surrounded},
};
use serde_json::Value;

#[test]
fn with_functions_that_act() {
    let sandbox = Sandbox::start("auto");
    sandbox.typed("auto");
    a_release_is_rolled_back(&sandbox);
    json_is_the_answer_and_nothing_else(&sandbox);
    lines_fit_on_a_screen(&sandbox);
    a_reader_that_goes_ends_it(&sandbox);
    a_person_is_asked_on_a_terminal(&sandbox);
    the_guides_scripts_work(&sandbox);
    a_restore_is_followed_through_its_stages(&sandbox);
}

#[test]
fn with_functions_that_ask_first() {
    let sandbox = Sandbox::start("approve");
    sandbox.typed("approve");
    a_plan_is_approved_once(&sandbox);
}

#[test]
fn with_approvers_that_have_names() {
    let sandbox = Sandbox::start_with(
        "approve",
        &["--parameter", "NamedApprovers=true", "--parameter", "MinimumApprovals=restart=2"],
    );
    decisions_end_with_their_codes(&sandbox);
    whoever_may_only_send_to_the_queue_stops_all_by_it(&sandbox);
}

#[test]
fn with_functions_that_only_look() {
    let sandbox = Sandbox::start("observe");
    sandbox.typed("observe");
    no_drill_is_held_where_none_are_allowed(&sandbox);
    an_outage_is_never_a_success(&sandbox);
}

/// As a deployment tool does it: a copy of what runs, with another variable.
pub(crate) fn deploy(sandbox: &Sandbox, name: &str, value: &str) -> String {
    use aws_sdk_ecs::{Client, types::KeyValuePair};
    let ecs = Client::new(&sandbox.aws());
    let (cluster, service) = ("lendpeak2-production", "backend");
    let deploy = async {
        let runs = ecs.describe_services().cluster(cluster).services(service).send().await.unwrap();
        let runs = runs.services()[0].task_definition().unwrap().to_owned();
        let definition = ecs.describe_task_definition().task_definition(runs).send().await.unwrap();
        let definition = definition.task_definition.unwrap();
        let mut containers = definition.container_definitions.unwrap();
        let release = KeyValuePair::builder().name(name).value(value).build();
        containers[0].environment.get_or_insert_default().push(release);
        let registered = ecs
            .register_task_definition()
            .family(definition.family.unwrap())
            .set_cpu(definition.cpu)
            .set_memory(definition.memory)
            .set_network_mode(definition.network_mode)
            .set_requires_compatibilities(definition.requires_compatibilities)
            .set_task_role_arn(definition.task_role_arn)
            .set_execution_role_arn(definition.execution_role_arn)
            .set_container_definitions(Some(containers))
            .send()
            .await
            .unwrap();
        let arn = registered.task_definition.unwrap().task_definition_arn.unwrap();
        let release = arn.rsplit('/').next().unwrap().to_owned();
        let update = ecs.update_service().cluster(cluster).service(service).task_definition(&release);
        update.send().await.unwrap();
        release
    };
    runtime().block_on(deploy)
}

fn a_release_is_rolled_back(sandbox: &Sandbox) {
    let release = deploy(sandbox, "RELEASE", "next");
    let told = sandbox.run(&["rollback", "--dry-run"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains(&release), "{told:?}");
    let told = sandbox.run(&["rollback", "--yes", "--reason", "it was the wrong one"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.err.starts_with("plan ") && told.err.contains(&release), "{told:?}");
    assert!(told.out.starts_with("done"), "{told:?}");
    // It runs already.
    let told = sandbox.run(&["--json", "rollback", "--yes", "--reason", "once more"]);
    assert_ne!(told.json()["decision"], "applied", "{told:?}");
}

/// A release answers 500, and nothing mends it.
fn an_outage_is_never_a_success(sandbox: &Sandbox) {
    let release = deploy(sandbox, "BROKEN", "true");
    let told = (0..60)
        .map(|_| sandbox.run(&["health", "--quick"]))
        .find(|told| told.code != 0)
        .expect("the release shows in the probe");
    assert_eq!(told.code, 5, "{told:?}");
    assert!(told.out.contains("FAILS") && told.out.contains("next "), "{told:?}");
    let told = sandbox.run(&["--json", "health", "--quick"]);
    assert_eq!((told.code, &told.json()["healthy"]), (5, &Value::Bool(false)));
    let told = sandbox.run(&["diagnose"]);
    assert_eq!(told.code, 5, "{told:?}");
    assert!(told.out.contains(&release) && told.out.contains("`lendpeak2 rollback previous`"), "{told:?}");
    let told = sandbox.run(&["rollback", "--yes"]);
    assert_eq!(told.code, 6, "{told:?}");
    let told = script(sandbox, &["emergency-check.sh", "production"]);
    assert_eq!(told.code, 5, "{told:?}");
}

fn json_is_the_answer_and_nothing_else(sandbox: &Sandbox) {
    for (arguments, field) in [
        (&["health"][..], "checks"),
        (&["diagnose"], "findings"),
        (&["scale", "+1", "--dry-run"], "decision"),
        (&["restart", "--dry-run"], "decision"),
        (&["restore", "list"], "decision"),
        (&["incident", "list"], "open"),
        (&["status", "show"], "open"),
    ] {
        let told = sandbox.run(&[&["--json"], arguments].concat());
        assert!(told.json().get(field).is_some(), "{arguments:?}: {told:?}");
        assert_eq!(told.err, "", "{arguments:?}");
    }
    for arguments in [&["plans"][..], &["history"], &["events"]] {
        let told = sandbox.run(&[&["--json"], arguments].concat());
        assert!(told.json().is_array(), "{arguments:?}: {told:?}");
        assert_eq!(told.err, "", "{arguments:?}");
    }
    // Nobody is asked, and so nothing is done.
    let told = sandbox.run(&["--json", "restart"]);
    let error: Value = serde_json::from_str(&told.err).unwrap();
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(error["help"].as_str().unwrap().contains("--yes"), "{error}");
}

fn lines_fit_on_a_screen(sandbox: &Sandbox) {
    for (arguments, columns) in [
        (&["health"][..], 80),
        (&["health"], 200),
        (&["history"], 80),
        (&["history"], 200),
        (&["restart", "--dry-run"], 80),
        (&["restore", "list"], 80),
        (&["incident", "list"], 80),
    ] {
        let told = said(sandbox.lendpeak2(arguments).env("COLUMNS", columns.to_string()));
        for line in told.out.lines().filter(|line| line.contains(' ')) {
            // An id that is longer than the screen is left whole.
            let longest = line.split(' ').map(|word| word.chars().count()).max().unwrap_or_default();
            assert!(line.chars().count() <= columns.max(longest + 20), "{arguments:?} at {columns}: {line}");
        }
        assert!(!told.out.contains('\x1b'), "{arguments:?} has colours in a pipe");
    }
    let coloured = said(sandbox.lendpeak2(&["health"]).env("CLICOLOR_FORCE", "1"));
    assert!(coloured.out.contains('\x1b'), "{coloured:?}");
    let plain = said(sandbox.lendpeak2(&["health", "--no-color"]).env("CLICOLOR_FORCE", "1"));
    assert!(!plain.out.contains('\x1b'), "{plain:?}");
}

/// As in `lendpeak2 history --follow | head -1`.
fn a_reader_that_goes_ends_it(sandbox: &Sandbox) {
    let mut command = sandbox.lendpeak2(&["history", "--follow"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

fn a_person_is_asked_on_a_terminal(sandbox: &Sandbox) {
    let tasks =
        || sandbox.run(&["--json", "history", "--function", "write-freeze"]).json().as_array().unwrap().len();
    let before = tasks();
    for (answer, says) in [("n", "nothing was done"), ("", "nothing was done"), ("ctrl-c", "interrupted")] {
        let told = on_a_terminal(&sandbox.lendpeak2(&["freeze", "on"]), answer);
        assert_eq!(told.code, 130, "{told:?}");
        assert!(told.out.contains("Stop writes?") && told.out.contains(says), "{told:?}");
    }
    assert_eq!(tasks(), before);
    // There is no yes to what was not seen.
    let told = on_a_terminal(&sandbox.lendpeak2(&["freeze", "on", "--quiet"]), "n");
    assert!(told.out.contains("plan") && told.out.contains("Stop writes?"), "{told:?}");
    let told = on_a_terminal(&sandbox.lendpeak2(&["freeze", "on", "--reason", "negative amounts"]), "y");
    assert_eq!(told.code, 0, "{told:?}");
    let told = on_a_terminal(&sandbox.lendpeak2(&["freeze", "off"]), "yes");
    assert_eq!(told.code, 0, "{told:?}");
}

/// A script of the guide, with the program in the path.
fn script(sandbox: &Sandbox, line: &[&str]) -> Said {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_lendpeak2")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let (script, arguments) = line.split_first().unwrap();
    let mut command = Command::new(format!("../scripts/{script}"));
    command.args(arguments).env("PATH", &path).stdin(Stdio::null());
    surrounded(&mut command, &sandbox.lendpeak2(&[]));
    said(&mut command)
}

fn the_guides_scripts_work(sandbox: &Sandbox) {
    let script = |line: &[&str]| script(sandbox, line);
    let told = script(&["health-check.sh", "production"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("all 6 checks passed"), "{told:?}");
    let told = script(&["emergency-check.sh", "production"]);
    assert!(told.out.contains("all 6 checks passed"), "{told:?}");
    let told = script(&[
        "create-incident.sh",
        "--severity",
        "high",
        "--title",
        "API Response Time Degraded",
        "--assignee",
        "oncall@lendpeak.com",
    ]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("api-response-time-degraded"), "{told:?}");
    let told = script(&[
        "update-status.sh",
        "--component",
        "api",
        "--status",
        "degraded",
        "--message",
        "Investigating high response times",
    ]);
    assert_eq!(told.code, 0, "{told:?}");
    let told = sandbox.run(&["status", "show"]);
    assert!(told.out.contains("Investigating high response times"), "{told:?}");
    // Nobody can be asked here.
    let told = script(&["rollback.sh", "production", "previous"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("--yes"), "{told:?}");
    let told = script(&["rollback.sh", "production", "previous", "--dry-run"]);
    assert_ne!(told.code, 2, "{told:?}");
    let told = script(&["health-check.sh", "staging"]);
    assert_eq!(told.code, 2, "{told:?}");
}

fn a_restore_is_followed_through_its_stages(sandbox: &Sandbox) {
    let told =
        sandbox.run(&["--json", "--yes", "restore", "snapshot", "latest", "--reason", "negative amounts"]);
    assert_eq!(told.code, 8, "{told:?}");
    let plan = told.json()["next"]["send"]["approve"].as_str().unwrap().to_owned();
    let told = sandbox.run(&["restore", "status"]);
    assert_eq!(told.code, 8, "{told:?}");
    assert!(told.out.contains("reached  asked for\nto come  approved"), "{told:?}");
    let told = sandbox.run(&["restore", "status", "--follow", "--timeout", "1s"]);
    assert_eq!(told.code, 124, "{told:?}");
    let told = sandbox.run(&["--yes", "approve", &plan]);
    assert!([0, 5].contains(&told.code), "{told:?}");
    let told = sandbox.run(&["restore", "status", "--follow", "--timeout", "2m"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("reached  checked and handed over"), "{told:?}");
    assert!(told.err.contains("next: instances made"), "{told:?}");
}

/// As typed by somebody who has signed in under a name.
fn ana(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    let mut typed = sandbox.lendpeak2(arguments);
    said(typed.env("AWS_ACCESS_KEY_ID", "Ops.ana@example.com").env("AWS_SECRET_ACCESS_KEY", "test"))
}

/// A decision needs the approvals of more people, or is refused: each has its exit code.
fn decisions_end_with_their_codes(sandbox: &Sandbox) {
    let asked = sandbox.run(&["--json", "--yes", "restart", "--reason", "memory grows"]);
    assert_eq!(asked.code, 8, "{asked:?}");
    let plan = asked.json()["next"]["plan"].as_str().unwrap().to_owned();
    let unnamed = {
        let mut typed = sandbox.lendpeak2(&["--yes", "approve", &plan]);
        said(typed.env("AWS_ACCESS_KEY_ID", "Ops.botocore-session-1").env("AWS_SECRET_ACCESS_KEY", "test"))
    };
    assert_eq!(unnamed.code, 3, "{unnamed:?}");
    assert!(unnamed.err.contains("approver_unnamed"), "{unnamed:?}");
    let first = ana(sandbox, &["--yes", "approve", &plan]);
    assert_eq!(first.code, 8, "{first:?}");
    assert!(first.out.contains("1 of 2 approvals"), "{first:?}");
    let plans = sandbox.run(&["plans"]);
    assert!(plans.out.contains("approved by ana@example.com, and needs more"), "{plans:?}");
    let none_yet = sandbox.run(&["--json", "history", "--function", "restart"]).json();
    assert!(!none_yet.to_string().contains("\"applied\""), "{none_yet}");
    let second = {
        let mut typed = sandbox.lendpeak2(&["--json", "--yes", "approve", &plan]);
        said(typed.env("AWS_ACCESS_KEY_ID", "Ops.bo@example.com").env("AWS_SECRET_ACCESS_KEY", "test"))
    };
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(second.json()["trigger"]["by"], "ana@example.com and bo@example.com");
}

fn whoever_may_only_send_to_the_queue_stops_all_by_it(sandbox: &Sandbox) {
    let opened = sandbox.run(&["--json", "incident", "open", "--title", "It is slow"]).json();
    let incident = opened["incident"].as_str().unwrap().to_owned();
    sandbox.deny("lambda", "Invoke");
    let stopped = ana(sandbox, &["stop", "a migration is under way"]);
    assert_eq!(stopped.code, 0, "{stopped:?}");
    assert!(stopped.out.contains("ana@example.com"), "{stopped:?}");
    for command in [&["incident", "ack", &incident][..], &["incident", "note", &incident, "it is the cache"]]
    {
        let told = ana(sandbox, command);
        assert_eq!((told.code, told.err.as_str()), (0, ""), "{command:?}: {told:?}");
    }
    // What the queue does not take is denied as before.
    let until = ana(sandbox, &["stop", "a migration is under way", "--until", "2h"]);
    assert_eq!(until.code, 4, "{until:?}");
    let unread = ana(sandbox, &["incident", "note", &incident, &"x".repeat(1_000)]);
    assert_eq!(unread.code, 2, "{unread:?}");
    sandbox.deny("sqs", "SendMessage");
    let neither = ana(sandbox, &["stop", "a migration is under way"]);
    assert_eq!(neither.code, 4, "{neither:?}");
    assert!(neither.err.contains("lambda:InvokeFunction"), "{neither:?}");
}

fn a_plan_is_approved_once(sandbox: &Sandbox) {
    let asked = sandbox.run(&["--json", "--yes", "restart", "--reason", "memory grows"]);
    assert_eq!(asked.code, 8, "{asked:?}");
    let plan = asked.json()["next"]["send"]["approve"].as_str().unwrap().to_owned();
    let plans = sandbox.run(&["--json", "plans"]).json();
    assert!(plans.as_array().unwrap().iter().any(|waiting| waiting["id"] == plan.as_str()), "{plans}");
    let looked = sandbox.run(&["approve", &plan, "--dry-run"]);
    assert_eq!(looked.code, 0, "{looked:?}");
    let unasked = sandbox.run(&["approve", &plan]);
    assert_eq!(unasked.code, 2, "{unasked:?}");
    let approved = ana(sandbox, &["--yes", "approve", &plan]);
    assert_eq!(approved.code, 0, "{approved:?}");
    // AWS itself says who it was; what else may be named is no name.
    let by = "asked by root: memory grows; approved by ana@example.com";
    assert!(approved.out.contains(by) && !approved.out.contains("Ana"), "{approved:?}");
    let again = sandbox.run(&["--yes", "approve", &plan]);
    assert_eq!(again.code, 3, "{again:?}");
    assert!(again.err.contains("approval_used") && again.err.contains("was approved at"), "{again:?}");
    let asked = sandbox.run(&["--json", "--yes", "scale", "+1"]);
    let plan = asked.json()["next"]["send"]["approve"].as_str().unwrap().to_owned();
    let rejected = ana(sandbox, &["reject", &plan, "--reason", "the campaign was called off"]);
    assert_eq!(rejected.code, 0, "{rejected:?}");
    assert!(rejected.out.contains("rejected by ana@example.com"), "{rejected:?}");
    let late = sandbox.run(&["--yes", "approve", &plan]);
    assert_eq!(late.code, 3, "{late:?}");
    assert!(late.err.contains("approval_rejected") && late.err.contains("by ana@example.com"), "{late:?}");
    let unknown = sandbox.run(&["--yes", "approve", "0123456789abcd"]);
    assert_eq!(unknown.code, 3, "{unknown:?}");
    assert!(unknown.err.contains("approval_unknown"), "{unknown:?}");
}

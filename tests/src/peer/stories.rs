//! What each function is asked, and how it is to answer: as it does in the sandbox.

use std::collections::BTreeSet;
use std::fmt::Display;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Row, start};
use crate::clients::ACCOUNT;
use crate::deploy::{self, CLUSTER, FAMILY, LOG_GROUP, SERVICE};
use crate::events;
use crate::gateway::{DISTRIBUTION, FRONT_END_BUILD, REDIS_GROUP, REDIS_PORT, SECRET, SOURCE, endpoint};
use crate::runtime_api::Bootstrap;
use crate::sandbox::Sandbox;
use crate::stack::{self, Stack, TARGET, outcome};

const PROBE: &str = "lendpeak2-production-health-probe";
const NOTICES: &str = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
const MACHINE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:lendpeak2-production-service-down";
const LEVEL_2: &str = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-level-2";
/// What all functions have, those too that do not need it.
const SETTINGS: [(&str, &str); 10] = [
    ("NOTICE_TOPIC_ARN", NOTICES),
    ("LEVEL_2_TOPIC_ARN", LEVEL_2),
    ("PROBE_FUNCTION", PROBE),
    ("DISTRIBUTION_ID", DISTRIBUTION),
    ("BUILD_PROJECT", FRONT_END_BUILD),
    ("DATABASE_CLUSTER", SOURCE),
    ("DATABASE_SECRET", SECRET),
    ("LOG_GROUP", LOG_GROUP),
    ("REDIS_SECURITY_GROUPS", REDIS_GROUP),
    ("REDIS_PORT", REDIS_PORT),
];

/// One function in a moto of its own.
struct Play<'a> {
    stack: Stack,
    process: Bootstrap,
    rows: &'a mut Vec<Row>,
}

impl<'a> Play<'a> {
    async fn start(
        function: &'static str,
        own: &[(&str, &str)],
        rows: &'a mut Vec<Row>,
    ) -> anyhow::Result<Self> {
        let stack = Stack::in_sandbox(start().await?, function, &[&SETTINGS[..], own].concat());
        stack.sandbox.gateway.lambda().serve(PROBE, stack.other("health-probe").await?);
        let process = stack.function(&[]).await?;
        Ok(Self { stack, process, rows })
    }

    fn sandbox(&self) -> &Sandbox {
        &self.stack.sandbox
    }

    fn row(&mut self, case: &'static str, expected: impl Display, seen: impl Display) {
        let (expected, seen) = (expected.to_string(), seen.to_string());
        self.rows.push(Row { function: self.stack.task(), case, expected, seen });
    }

    /// Sends an event; the row is about what the answer says was done.
    async fn ask(
        &mut self,
        case: &'static str,
        event: &Value,
        expected: &'static str,
    ) -> anyhow::Result<Value> {
        let answer = outcome(&self.process, event).await?;
        let did = text(&answer, "/did");
        self.row(case, expected, if did.is_empty() { stack::read(&answer) } else { did.to_owned() });
        Ok(answer)
    }

    /// Asks for what needs an approval, and gives it; answers the plan.
    async fn ask_and_approve(&mut self, case: &'static str, request: &Value) -> anyhow::Result<Value> {
        let asked = outcome(&self.process, request).await?;
        let approve = asked.pointer("/next/send").with_context(|| format!("no approval: {asked:#}"))?;
        self.ask(case, approve, "applied applied").await?;
        Ok(asked.pointer("/plan/actions").cloned().unwrap_or_default())
    }

    async fn row_of_what_runs(&mut self, case: &'static str, expected: &str) -> anyhow::Result<()> {
        self.row(case, expected, self.sandbox().runs().await?);
        Ok(())
    }

    /// What the notices' subjects begin with that came to the people of level 1, by SNS and SQS, in the order of the
    /// alphabet.
    async fn heard(&self) -> anyhow::Result<String> {
        let sqs = &self.sandbox().clients.sqs;
        let queue = sqs.get_queue_url().queue_name("people-notices").send().await?;
        let received = sqs.receive_message().set_queue_url(queue.queue_url).max_number_of_messages(10);
        let received = received.send().await?;
        let notices = received.messages().iter().filter_map(|message| message.body());
        let subjects = notices.filter_map(|notice| {
            let notice: Value = serde_json::from_str(notice).ok()?;
            let subject = text(&notice, "/Subject").strip_prefix("[production] ")?;
            Some(subject.split_once(':')?.0.to_owned())
        });
        let subjects: BTreeSet<String> = subjects.collect();
        Ok(subjects.into_iter().collect::<Vec<_>>().join(", "))
    }
}

pub(super) async fn scale_up(rows: &mut Vec<Row>) -> anyhow::Result<()> {
    const ALARM: &str = "lendpeak2-production-ecs-cpu";
    let own = [("LOAD_ALARMS", ALARM)];
    let mut play = Play::start("scale-up", &own, rows).await?;
    let of_service = [("ClusterName", CLUSTER), ("ServiceName", SERVICE)];
    stack::put_alarm(play.sandbox(), ALARM, ["AWS/ECS", "CPUUtilization"], &of_service).await?;
    let at = a_moment_ago();
    for (case, event, expected) in [
        ("an alarm, directly", "alarm-direct", "applied applied"),
        ("the same, by EventBridge", "alarm-eventbridge", "replayed applied"),
        ("the same, by SNS", "alarm-sns", "replayed applied"),
    ] {
        play.ask(case, &sample(&format!("scale-up/{event}"), at)?, expected).await?;
    }
    play.row("tasks", 3, play.sandbox().desired_count().await?);
    let target = play.sandbox().clients.autoscaling.describe_scalable_targets();
    let targets = target.service_namespace("ecs".into()).send().await?;
    let target = targets.scalable_targets().first().context("no scalable target")?;
    play.row(
        "the scalable target",
        "3 to 10",
        format!("{} to {}", target.min_capacity(), target.max_capacity()),
    );
    play.row("calls of UpdateService", 1, play.stack.count("ecs UpdateService"));
    play.row(
        "audit records",
        "applied applied, replayed applied, replayed applied",
        play.stack.audit().await?.join(", "),
    );
    play.row("people are told", "scale-up applied", play.heard().await?);
    Ok(())
}

pub(super) async fn rollback(rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let mut play = Play::start("rollback", &[], rows).await?;
    play.sandbox().release(&[]).await?;
    play.ask("to the previous release", &json!({ "to": "previous" }), "applied applied").await?;
    play.row_of_what_runs("what runs then", &release(1)).await?;
    let named = json!({ "to": release(2), "reason": "it was the database after all" });
    play.ask("to a named release", &named, "applied applied").await?;
    play.row_of_what_runs("what runs then", &release(2)).await?;
    play.ask("to one that is not there", &json!({ "to": release(9) }), "refused release_unknown").await?;
    play.row("calls of UpdateService", 2, play.stack.count("ecs UpdateService"));
    Ok(())
}

pub(super) async fn restart(rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let mut play = Play::start("restart", &[], rows).await?;
    let before = primary(play.sandbox()).await?;
    let request = json!({ "reason": "memory grows", "dry_run": true });
    play.ask("a dry run", &request, "observed would_act").await?;
    play.ask("by hand", &json!({ "reason": "memory grows" }), "applied applied").await?;
    play.row("a new deployment", true, primary(play.sandbox()).await? != before);
    play.row_of_what_runs("what runs then", &release(1)).await?;
    play.row("calls of UpdateService", 1, play.stack.count("ecs UpdateService"));
    Ok(())
}

pub(super) async fn write_freeze(rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let mut play = Play::start("write-freeze", &[], rows).await?;
    let release = register_full_release(play.sandbox()).await?;
    let before = definition(play.sandbox(), &release).await;
    play.ask("on", &json!({ "state": "on", "reason": "loans are negative" }), "applied applied").await?;
    let copy = definition(play.sandbox(), &play.sandbox().runs().await?).await;
    let mut changed = Vec::new();
    differing(&before, &copy, "", &mut changed);
    let expected = "tags/1, taskDefinition/containerDefinitions/0/environment/1, taskDefinition/revision, \
                    taskDefinition/taskDefinitionArn";
    play.row("fields that its copy changes", expected, changed.join(", "));
    let variable = copy.pointer("/taskDefinition/containerDefinitions/0/environment/1").cloned();
    let expected = json!({ "name": "READONLY_MODE", "value": "true" });
    play.row("the variable", expected, variable.unwrap_or_default());
    play.ask("on again", &json!({ "state": "on" }), "nothing_to_do already_frozen").await?;
    play.ask("off", &json!({ "state": "off", "reason": "mended" }), "applied applied").await?;
    play.row_of_what_runs("what runs then", &release).await?;
    let frozen = play.stack.item(&format!("target#{TARGET}"), "freeze").await?;
    play.row("the freeze on record", "null", json!(frozen));
    play.ask("off again", &json!({ "state": "off" }), "nothing_to_do not_frozen").await?;
    Ok(())
}

pub(super) async fn cache_invalidation(rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let mut play = Play::start("cache-invalidation", &[("ATTEMPTS_PER_DAY", "50")], rows).await?;
    let built = sample("cache-invalidation/codebuild-succeeded", a_moment_ago())?;
    let cleared = play.ask("a build has succeeded", &built, "applied applied").await?;
    play.row("seen to have ended", true, cleared.pointer("/verification/verified").unwrap_or(&Value::Null));
    play.ask("the same once more", &built, "replayed applied").await?;
    let paths = json!({ "paths": ["/assets/*", "/index.html"], "reason": "old logo" });
    play.ask("paths by hand", &paths, "applied applied").await?;
    let unknown = json!({ "status": "I0000000000000" });
    play.ask("the status of one that is not there", &unknown, "refused invalidation_unknown").await?;
    play.row("calls of CreateInvalidation", 2, play.stack.count("cloudfront CreateInvalidation"));
    Ok(())
}

pub(super) async fn snapshot_restore(rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let own = [("SOURCE_CLUSTER", SOURCE), ("COOLDOWN_SECONDS", "0"), ("ATTEMPTS_PER_DAY", "100")];
    let mut play = Play::start("snapshot-restore", &own, rows).await?;
    let latest = json!({ "snapshot": "latest", "reason": "negative amounts" });
    let actions = play.ask_and_approve("the latest snapshot", &latest).await?;
    let id = text(&actions, "/0/create_cluster/id").to_owned();
    while stack::read(&outcome(&play.process, &json!({ "continue": id })).await?) == "applied applied" {}
    play.ask("step by step to the end", &json!({ "continue": id }), "nothing_to_do handed_over").await?;
    for (case, request, host) in [
        ("a cut-over", "cut_over", endpoint(&id)),
        ("an undo", "undo", endpoint(SOURCE)),
        ("a cut-over once more", "cut_over", endpoint(&id)),
        ("an undo once more", "undo", endpoint(SOURCE)),
    ] {
        play.ask_and_approve(case, &json!({ request: id })).await?;
        play.row("the secret's host then", host, host_in_secret(play.sandbox()).await?);
    }
    let versions = play.sandbox().clients.secrets.list_secret_version_ids().secret_id(SECRET).send().await?;
    play.row("versions of the secret", 2, versions.versions().len());
    Ok(())
}

pub(super) async fn incident(rows: &mut Vec<Row>) -> anyhow::Result<()> {
    const ALARM: &str = "lendpeak2-production-service-down";
    let own = [
        ("SERVICE_DOWN_ALARMS", ALARM),
        ("CRITICAL_ALARM", ALARM),
        ("REMEDIES", "rollback=auto,scale-up=approve,restart=observe"),
        ("FUNCTIONS", "scale-up,rollback"),
        ("RUNBOOK_FUNCTIONS", "scale-up,rollback,restart,incident"),
        ("LEVEL_3_TOPIC_ARN", "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-level-3"),
        ("STATE_MACHINE_ARN", MACHINE),
        ("OPS_ITEMS", "true"),
    ];
    let mut play = Play::start("incident", &own, rows).await?;
    create_state_machine(play.sandbox()).await?;
    stack::put_alarm(play.sandbox(), ALARM, ["LendPeak2", "Healthy"], &[]).await?;
    let event = sample("incident/alarm-composite-sns", a_moment_ago())?;
    let opened = play.ask("an alarm, by SNS", &event, "opened").await?;
    let id = text(&opened, "/incident").to_owned();
    play.ask("the same once more", &event, "joined").await?;
    let open = count(&outcome(&play.process, &json!({ "list": true })).await?, "/open");
    play.row("listed as open", 1, open);
    play.ask("acknowledged", &json!({ "acknowledge": id, "by": "on call" }), "acknowledged").await?;
    play.ask("noted", &json!({ "note": id, "text": "the pool is full" }), "noted").await?;
    play.ask("resolved", &json!({ "resolve": id, "reason": "the pool was enlarged" }), "resolved").await?;
    let shown = outcome(&play.process, &json!({ "show": id })).await?;
    let timeline = shown.pointer("/timeline").and_then(Value::as_array).into_iter().flatten();
    let by: Vec<&str> = timeline.map(|line| text(line, "/by")).collect();
    play.row("its timeline is by", "alarm, incident, on call, person, person, incident", by.join(", "));
    let open = count(&outcome(&play.process, &json!({ "list": true })).await?, "/open");
    play.row("listed as open then", 0, open);
    let executions = play.sandbox().clients.sfn.list_executions().state_machine_arn(MACHINE).send().await?;
    play.row("executions of the state machine", 1, executions.executions().len());
    let items = play.sandbox().gateway.ops_center().items();
    play.row(
        "its OpsItems",
        "Resolved",
        items.into_iter().map(|item| item.status).collect::<Vec<_>>().join(", "),
    );
    play.row("people are told", "OPEN critical, RESOLVED critical", play.heard().await?);
    Ok(())
}

pub(super) async fn diagnose(rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let mut play = Play::start("diagnose", &[("ALARM_PREFIX", "lendpeak2-production-")], rows).await?;
    deploy::calm_alarms(&play.sandbox().clients).await?;
    let report = outcome(&play.process, &json!({})).await?;
    play.row("everything", "Nothing found.", text(&report, "/summary"));
    play.row("not seen", "[]", report.pointer("/not_seen").unwrap_or(&Value::Null));
    play.row("sources that it looked at", 20, count(&report, "/looked_at"));
    play.row("calls that write", 0, play.stack.writes().len());
    Ok(())
}

/// A sample event of `events/`, as if it happened at `at`. Those of scale-up are all about one alarm.
fn sample(path: &str, at: Timestamp) -> anyhow::Result<Value> {
    let path = crate::workspace().join("events").join(format!("{path}.json"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = events::filled(&text, at)
        .replace("123456789012", ACCOUNT)
        .replace("ecs-memory", "ecs-cpu")
        .replace("MemoryUtilization", "CPUUtilization");
    Ok(serde_json::from_str(&text)?)
}

/// The samples have fractions of the second, which must not be in the future.
fn a_moment_ago() -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(1)
}

fn release(revision: u32) -> String {
    format!("{FAMILY}:{revision}")
}

/// One that waits: how the real one goes on is for other tests.
async fn create_state_machine(sandbox: &Sandbox) -> anyhow::Result<()> {
    const DEFINITION: &str =
        r#"{"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": true}}}"#;
    let create = sandbox.clients.sfn.create_state_machine().name("lendpeak2-production-service-down");
    let role = format!("arn:aws:iam::{ACCOUNT}:role/service-down");
    create.definition(DEFINITION).role_arn(role).send().await?;
    Ok(())
}

/// The service's primary deployment.
async fn primary(sandbox: &Sandbox) -> anyhow::Result<String> {
    let described = sandbox.clients.ecs.describe_services().cluster(CLUSTER).services(SERVICE).send().await?;
    let deployments = described.services().first().context("the service is gone")?.deployments();
    Ok(deployments.first().and_then(|primary| primary.id()).context("no deployment")?.to_owned())
}

/// A release whose task definition has more in it than the first one, deployed.
async fn register_full_release(sandbox: &Sandbox) -> anyhow::Result<String> {
    let mut described = definition(sandbox, FAMILY).await;
    let more = json!({
        "cpu": "512", "memory": "1024", "volumes": [{ "name": "scratch" }],
        "taskRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/lendpeak2-production-task"),
        "executionRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/lendpeak2-production-task-execution"),
        "ephemeralStorage": { "sizeInGiB": 30 }, "pidMode": "task",
        "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" },
    });
    let more_of_container = json!({
        "cpu": 256, "memory": 512, "memoryReservation": 256, "command": ["serve"], "entryPoint": ["/bin/sh"],
        "dependsOn": [], "dockerLabels": { "team": "loans" }, "stopTimeout": 30, "startTimeout": 60,
        "healthCheck": { "command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3 },
        "linuxParameters": { "initProcessEnabled": true }, "readonlyRootFilesystem": true, "user": "1000",
        "mountPoints": [{ "sourceVolume": "scratch", "containerPath": "/tmp", "readOnly": false }],
        "ulimits": [{ "name": "nofile", "softLimit": 4096, "hardLimit": 8192 }], "workingDirectory": "/srv",
        "systemControls": [{ "namespace": "net.core.somaxconn", "value": "1024" }],
    });
    let tags = described.get("tags").cloned().unwrap_or_default();
    let task =
        described.pointer_mut("/taskDefinition").and_then(Value::as_object_mut).context("no release")?;
    let container = task.get_mut("containerDefinitions").and_then(|containers| containers.get_mut(0));
    let container = container.and_then(Value::as_object_mut).context("no container")?;
    container.extend(more_of_container.as_object().cloned().unwrap_or_default());
    let request: Value = ["family", "networkMode", "requiresCompatibilities", "containerDefinitions"]
        .into_iter()
        .filter_map(|field| Some((field.to_owned(), task.get(field)?.clone())))
        .chain(more.as_object().cloned().unwrap_or_default())
        .chain([("tags".to_owned(), tags)])
        .collect();
    let registered = sandbox.gateway.ask_ecs("RegisterTaskDefinition", &request).await;
    let revision = registered.pointer("/taskDefinition/revision").and_then(Value::as_u64);
    let release = format!("{FAMILY}:{}", revision.with_context(|| format!("refused: {registered}"))?);
    let update = sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
    update.task_definition(&release).send().await?;
    Ok(release)
}

/// All that moto says of a task definition, with its tags.
async fn definition(sandbox: &Sandbox, name: &str) -> Value {
    let request = json!({ "taskDefinition": name, "include": ["TAGS"] });
    sandbox.gateway.ask_ecs("DescribeTaskDefinition", &request).await
}

/// The places in which two values differ, such as `containerDefinitions/0/environment/1`.
fn differing(one: &Value, other: &Value, place: &str, found: &mut Vec<String>) {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            let field = |fields: &serde_json::Map<String, Value>, name| fields.get(name).cloned();
            for name in names {
                let values = [field(one, name), field(other, name)].map(Option::unwrap_or_default);
                differing(&values[0], &values[1], &below(name), found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for number in 0..one.len().max(other.len()) {
                let item = |items: &[Value]| items.get(number).cloned().unwrap_or_default();
                differing(&item(one), &item(other), &below(&number.to_string()), found);
            }
        }
        _ if one == other => {}
        _ => found.push(place.to_owned()),
    }
}

/// Where the tasks look for the database.
async fn host_in_secret(sandbox: &Sandbox) -> anyhow::Result<String> {
    let secret = sandbox.clients.secrets.get_secret_value().secret_id(SECRET).send().await?;
    let fields: Value = serde_json::from_str(secret.secret_string().unwrap_or_default())?;
    Ok(text(&fields, "/host").to_owned())
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn count(object: &Value, pointer: &str) -> usize {
    object.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len)
}

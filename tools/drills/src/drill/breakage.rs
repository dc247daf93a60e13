//! What goes wrong, one function a drill. All of it began twenty-two minutes ago: CloudWatch's periods of five minutes
//! have to be over before they show.

use std::time::Duration;

use anyhow::Context;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use jiff::{SignedDuration, Timestamp};
use sandbox::Sandbox;
use sandbox::clients::{ACCOUNT, REGION};
use sandbox::deploy::{CLUSTER, FAMILY, SERVICE};
use sandbox::gateway::{Build, SECRET, SOURCE, ServiceState, StoppedTask};

use super::history::age;
use super::until;

const MINUTES_AGO: f64 = 22.0;
/// A release comes before what it breaks.
const RELEASED: Duration = Duration::from_mins(24);
const ALB: &str = "AWS/ApplicationELB";
/// Two tasks turn requests away at this, and three do not.
const HIGH_LOAD: f64 = 270.0;
/// So many tasks were killed, one every few minutes.
const KILLED: i64 = 4;
const ALARM_PREFIX: &str = "lendpeak2-production-";

/// A metric went from one value to another, and stayed there.
fn step(sandbox: &Sandbox, [namespace, metric]: [&str; 2], from: f64, to: f64) {
    let points = [(MINUTES_AGO + 0.01, from), (MINUTES_AGO, to)];
    sandbox.gateway.cloudwatch().set(namespace, metric, &points);
}

/// The same for one statistic.
fn step_of(sandbox: &Sandbox, [namespace, metric, statistic]: [&str; 3], from: f64, to: f64) {
    let points = [(MINUTES_AGO + 0.01, from), (MINUTES_AGO, to)];
    sandbox.gateway.cloudwatch().set_statistic(namespace, metric, statistic, &points);
}

pub(super) async fn bad_release(sandbox: &Sandbox) -> anyhow::Result<()> {
    sandbox.release(&[("BROKEN", "true")]).await?;
    age(sandbox, RELEASED);
    step(sandbox, [ALB, "HTTPCode_Target_5XX_Count"], 1.0, 25_000.0);
    until(sandbox, |now| now.broken).await
}

pub(super) async fn load_spike(sandbox: &Sandbox) -> anyhow::Result<()> {
    sandbox.standin.set_load(HIGH_LOAD, Duration::ZERO);
    step(sandbox, ["AWS/ECS", "CPUUtilization"], 45.0, 98.0);
    step(sandbox, [ALB, "RequestCount"], 30_000.0, 90_000.0);
    step(sandbox, [ALB, "HTTPCode_Target_5XX_Count"], 1.0, 22_000.0);
    for (statistic, from, to) in [("p50", 0.04, 3.1), ("p99", 0.35, 8.2), ("Maximum", 1.2, 14.0)] {
        step_of(sandbox, [ALB, "TargetResponseTime", statistic], from, to);
    }
    until(sandbox, |now| now.load >= HIGH_LOAD).await
}

pub(super) async fn out_of_memory(sandbox: &Sandbox) -> anyhow::Result<()> {
    for number in 1..=KILLED {
        let killed = StoppedTask {
            reason: "OutOfMemoryError: Container killed due to memory usage".to_owned(),
            stop_code: "EssentialContainerExited".to_owned(),
            exit_code: Some(137),
            ran: Some(Duration::from_mins(4)),
            ..stopped_task(sandbox, number).await?
        };
        sandbox.gateway.ecs().add_stopped_task(killed);
    }
    step_of(sandbox, ["AWS/ECS", "MemoryUtilization", "Maximum"], 47.0, 100.0);
    no_task_runs(sandbox).await
}

pub(super) async fn secret_deleted(sandbox: &Sandbox) -> anyhow::Result<()> {
    let delete = sandbox.clients.secrets.delete_secret().secret_id(SECRET).recovery_window_in_days(7);
    delete.send().await.context("cannot delete the database's secret")?;
    for number in 1..=KILLED {
        let failed = StoppedTask {
            reason: "ResourceInitializationError: unable to pull secrets or registry auth: execution resource \
                     retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): \
                     failed to fetch secret: InvalidRequestException: You can't perform this operation on the secret \
                     because it was marked for deletion."
                .to_owned(),
            stop_code: "TaskFailedToStart".to_owned(),
            ..stopped_task(sandbox, number).await?
        };
        sandbox.gateway.ecs().add_stopped_task(failed);
    }
    no_task_runs(sandbox).await
}

/// A task of the present release that stopped, the first one a moment ago and each other one some minutes earlier.
async fn stopped_task(sandbox: &Sandbox, number: i64) -> anyhow::Result<StoppedTask> {
    const APART: SignedDuration = SignedDuration::from_mins(5);
    let runs = sandbox.runs().await?;
    let revision = runs.strip_prefix(FAMILY).unwrap_or(&runs);
    let earlier = (1..number).map(|_| APART).sum::<SignedDuration>();
    Ok(StoppedTask {
        cluster: CLUSTER.to_owned(),
        service: SERVICE.to_owned(),
        id: format!("{number:032}"),
        task_definition: format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{FAMILY}{revision}"),
        reason: String::new(),
        stop_code: String::new(),
        exit_code: None,
        ran: None,
        stopped_at: Timestamp::now() - SignedDuration::from_mins(1) - earlier,
    })
}

/// The service's tasks are always about to start.
async fn no_task_runs(sandbox: &Sandbox) -> anyhow::Result<()> {
    let desired = u32::try_from(sandbox.desired_count().await?)?;
    let starting = ServiceState { running: Some(0), pending: Some(desired), ..ServiceState::default() };
    sandbox.gateway.ecs().set_state(SERVICE, starting);
    step(sandbox, [ALB, "HTTPCode_ELB_5XX_Count"], 0.0, 29_000.0);
    until(sandbox, |now| now.running_tasks == 0).await
}

pub(super) async fn database_down(sandbox: &Sandbox) -> anyhow::Result<()> {
    let docdb = sandbox.gateway.docdb();
    for number in [1, 2] {
        let instance = format!("{SOURCE}-{number}");
        docdb.set_status(&instance, "failed");
        docdb.add_event(&instance, SignedDuration::from_mins(22), "DB instance failed.", "failure");
    }
    step(sandbox, [ALB, "HTTPCode_Target_5XX_Count"], 1.0, 25_000.0);
    until(sandbox, |now| now.cut_off).await
}

/// The probe asks the site where its certificate is seen.
pub(super) async fn certificate_expired(sandbox: &Sandbox) -> anyhow::Result<()> {
    let url = sandbox.standin.serve_expired().await?;
    let (lambda, name) = (&sandbox.clients.lambda, sandbox::names::function_name("health-probe"));
    let known = lambda.get_function_configuration().function_name(&name).send().await?;
    let mut variables =
        known.environment.and_then(|environment| environment.variables).context("no settings")?;
    for address in ["API_URL", "APP_URL"] {
        variables.insert(address.to_owned(), url.clone());
    }
    let environment = aws_sdk_lambda::types::Environment::builder().set_variables(Some(variables)).build();
    let update = lambda.update_function_configuration().function_name(name).environment(environment);
    update.send().await.context("cannot give the probe another address")?;
    Ok(())
}

/// Half of the answers are as fast as ever.
pub(super) async fn one_bad_target(sandbox: &Sandbox) -> anyhow::Result<()> {
    sandbox.standin.spoil_a_task();
    step_of(sandbox, [ALB, "TargetResponseTime", "p99"], 0.35, 9.5);
    step_of(sandbox, [ALB, "TargetResponseTime", "Maximum"], 1.2, 14.0);
    step(sandbox, [ALB, "HTTPCode_ELB_5XX_Count"], 0.0, 9_000.0);
    until(sandbox, |_| sandbox.gateway.elb().unhealthy() == 1).await
}

pub(super) fn cdn_stale(sandbox: &Sandbox) {
    sandbox.standin.release_page_first();
    let ended_at = Timestamp::now() - SignedDuration::from_mins(25);
    sandbox.gateway.codebuild().add(Build { status: "SUCCEEDED".to_owned(), failed: None, ended_at });
    step(sandbox, ["AWS/CloudFront", "4xxErrorRate"], 0.4, 31.0);
}

pub(super) async fn flapping_alarm(sandbox: &Sandbox) -> anyhow::Result<()> {
    const TIMES: i64 = 7;
    let alarm = composite_alarm(sandbox).await?;
    for hours in 1..=TIMES {
        sandbox.gateway.cloudwatch().add_ring(&alarm, SignedDuration::from_hours(hours));
    }
    set_alarm(sandbox, &alarm, StateValue::Alarm).await?;
    set_alarm(sandbox, &alarm, StateValue::Ok).await
}

pub(super) async fn healthy_service(sandbox: &Sandbox) -> anyhow::Result<()> {
    let alarm = composite_alarm(sandbox).await?;
    set_alarm(sandbox, &alarm, StateValue::Alarm).await
}

/// The composite alarm of the stack, or one that does nothing where it has none.
async fn composite_alarm(sandbox: &Sandbox) -> anyhow::Result<String> {
    let cloudwatch = &sandbox.clients.cloudwatch;
    let known = cloudwatch.describe_alarms().alarm_types(AlarmType::CompositeAlarm);
    let known = known.alarm_name_prefix(ALARM_PREFIX).send().await?;
    if let Some(name) = known.composite_alarms().iter().find_map(|alarm| alarm.alarm_name()) {
        return Ok(name.to_owned());
    }
    let name = format!("{ALARM_PREFIX}service-down");
    let rule = format!("ALARM(\"{ALARM_PREFIX}probe-failing\") AND ALARM(\"{ALARM_PREFIX}alb-5xx-rate\")");
    let put = cloudwatch.put_composite_alarm().alarm_name(&name).alarm_rule(rule);
    put.send().await.context("cannot put the composite alarm")?;
    Ok(name)
}

async fn set_alarm(sandbox: &Sandbox, alarm: &str, state: StateValue) -> anyhow::Result<()> {
    let set = sandbox.clients.cloudwatch.set_alarm_state().alarm_name(alarm).state_value(state);
    set.state_reason("the drill wants it so").send().await.with_context(|| format!("cannot set {alarm}"))?;
    Ok(())
}

//! The demo: load rises, and the deployed functions deal with it while you watch.

mod report;
mod screen;
mod watch;

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use aws_sdk_applicationautoscaling::types::ServiceNamespace;
use aws_sdk_cloudwatch::types::StateValue;

use crate::clients::Clients;
use crate::deploy::{CLUSTER, SERVICE};
use crate::sandbox::{NORMAL_LOAD, Options, Sandbox};
use report::Snapshot;
use screen::{Mark, Screen};
use watch::Watch;

/// More than two tasks can do, and less than 80 % of what three can.
const HIGH_LOAD: f64 = 210.0;
const RAMP: Duration = Duration::from_secs(6);
const TASK_START_TIME: Duration = Duration::from_secs(4);
const POLL: Duration = Duration::from_millis(250);
/// Alarm, remedy and alarm again take a minute; the probe's schedule may take a minute and a half.
const LIMIT: Duration = Duration::from_mins(4);

/// Runs the demo in `auto` or `observe` mode. An error means that the end state was not reached.
pub async fn run(mode: &str) -> anyhow::Result<()> {
    let acts = match mode {
        "auto" => true,
        "observe" => false,
        other => bail!("the demo's mode is auto or observe, not {other}"),
    };
    let screen = Screen::new();
    screen.title(&format!("LendPeak2 in a local AWS, the functions in mode {mode}"));
    let options = Options { mode: mode.to_owned(), task_start_time: TASK_START_TIME, ..Options::default() };
    screen.line(Mark::Info, "sandbox", "starting a local AWS, LendPeak2 and template.yaml in it");
    let sandbox = Sandbox::start(options).await?;
    screen.line(Mark::Good, "sandbox", &format!("ready at {}", sandbox.gateway.url()));
    let clients = Clients::new(&sandbox.gateway.url(), "demo")?;
    let mut watch = Watch::new(&sandbox, &clients, &screen);
    quiet(&mut watch).await?;
    let before = snapshot(&sandbox, &clients).await?;

    screen.restart();
    sandbox.standin.set_load(HIGH_LOAD, RAMP);
    let rise = format!("rises from {NORMAL_LOAD:.0} % to {HIGH_LOAD:.0} % of one task's work");
    screen.line(Mark::Bad, "load", &rise);
    let reached = if acts { solved(&mut watch).await } else { observed(&mut watch).await };
    let after = snapshot(&sandbox, &clients).await?;

    report::table(&screen, &before, &watch.worst, &after);
    if let Some(outcome) = watch.outcome() {
        screen.title("The audit record in the ledger");
        println!("{}", serde_json::to_string_pretty(outcome)?);
    }
    reached?;
    if acts {
        if after.tasks <= before.tasks {
            bail!("the service has no more tasks than before");
        }
        let scaled = format!("{} → {} tasks, and the CPU alarm is OK again.", before.tasks, after.tasks);
        screen.title(&scaled);
    } else {
        let writes = report::writes_outside_the_ledger(&sandbox.gateway.record().by("scale-up"));
        if !writes.is_empty() || after.tasks != before.tasks || after.minimum != before.minimum {
            bail!("observe mode changed something: {}", writes.join(", "));
        }
        screen.title("Nothing was changed: scale-up wrote its audit record and nothing else.");
    }
    Ok(())
}

/// Waits until the CPU alarm has seen the normal load.
async fn quiet(watch: &mut Watch<'_>) -> anyhow::Result<()> {
    until(watch, |watch| watch.cpu_alarm() == Some(&StateValue::Ok)).await.context("no quiet start")
}

/// The whole way in auto mode: alarm, more tasks, alarm over, and a run of the probe.
async fn solved(watch: &mut Watch<'_>) -> anyhow::Result<()> {
    until(watch, |watch| watch.decided("applied")).await.context("scale-up did not act")?;
    until(watch, |watch| watch.cpu_alarm() == Some(&StateValue::Ok))
        .await
        .context("the CPU alarm is not OK again")?;
    if watch.probes == 0 {
        watch.screen.line(
            Mark::Info,
            "health-probe",
            "waiting for its next run (its schedule: every minute)",
        );
    }
    let all_is_well = |watch: &Watch<'_>| watch.probes > 0 && watch.cpu_alarm() == Some(&StateValue::Ok);
    until(watch, all_is_well).await.context("the probe did not run by its schedule")
}

async fn observed(watch: &mut Watch<'_>) -> anyhow::Result<()> {
    until(watch, |watch| watch.decided("observed")).await.context("scale-up recorded no observation")
}

async fn until(watch: &mut Watch<'_>, reached: impl Fn(&Watch<'_>) -> bool) -> anyhow::Result<()> {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        watch.look().await?;
        if reached(watch) {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("not within {LIMIT:?}")
}

async fn snapshot(sandbox: &Sandbox, clients: &Clients) -> anyhow::Result<Snapshot> {
    let targets = clients
        .autoscaling
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_ids(format!("service/{CLUSTER}/{SERVICE}"))
        .send()
        .await?;
    let target = targets.scalable_targets().first().context("the service has no scalable target")?;
    let now = sandbox.standin.now();
    Ok(Snapshot {
        tasks: now.running_tasks,
        minimum: target.min_capacity(),
        cpu: now.cpu,
        alarm: watch::cpu_alarm_state(clients).await?,
    })
}

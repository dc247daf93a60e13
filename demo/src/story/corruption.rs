//! Data that was corrupted: writes are frozen, the database is restored beside itself, and the service moves over.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use sandbox::Sandbox;
use sandbox::clients::{ACCOUNT, REGION};
use sandbox::gateway::{ClusterNow, SECRET, SOURCE};
use serde_json::{Value, json};
use subject::Subject;

use super::{Facts, Story, fact};
use crate::Mode;
use crate::screen::Mark;
use crate::watch::Watch;

const CLUSTER_TIME: Duration = Duration::from_secs(5);
const INSTANCE_TIME: Duration = Duration::from_secs(3);
const ROLLOUT_TIME: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(250);
/// The snapshot is three hours old, and still has the one before.
const ROTATED: &str = "Xw3-heather-beacon-17";
/// Cluster asked for, cluster there, then the same of each instance.
const STAGES: usize = 6;

#[derive(Default)]
pub(crate) struct Corruption {
    host: RefCell<String>,
    is_over: Cell<bool>,
}

impl Story for Corruption {
    const NAME: &'static str = "corruption";
    const FUNCTION: &'static Subject = &subject::snapshot_restore::SUBJECT;

    async fn prepare(&self, sandbox: &Sandbox) -> anyhow::Result<()> {
        sandbox.gateway.docdb().set_times(CLUSTER_TIME, INSTANCE_TIME);
        sandbox.rotate_password(ROTATED).await?;
        sandbox.gateway.ecs().set_rollout_time(ROLLOUT_TIME);
        self.look_at_secret(sandbox).await
    }

    fn is_quiet(&self, watch: &Watch<'_>) -> bool {
        let now = watch.sandbox.standin.now();
        now.running_tasks > 0 && !now.locked_out
    }

    async fn go_wrong(&self, watch: &Watch<'_>) -> anyhow::Result<()> {
        watch.sandbox.standin.corrupt_data();
        watch.screen.line(Mark::Bad, "data", "a migration has written negative amounts into the loans");
        Ok(())
    }

    fn is_wrong(&self, watch: &Watch<'_>) -> bool {
        watch.sandbox.standin.now().corrupt
    }

    /// What a person does at three in the morning: some short requests, and a yes to each that changes something.
    async fn respond(&self, watch: &mut Watch<'_>, mode: Mode) -> anyhow::Result<()> {
        let latest = json!({ "snapshot": "latest", "reason": "negative amounts since the migration" });
        if mode == Mode::Observe {
            say(watch, "sends snapshot-restore {\"snapshot\": \"latest\"}");
            watch.clients.ask("snapshot-restore", &latest).await?;
            return Ok(());
        }
        freeze(watch, "on").await?;

        say(watch, "sends snapshot-restore {\"list\": true}");
        let list = watch.clients.ask("snapshot-restore", &json!({ "list": true })).await?;
        for line in text(&list, "/reason").split("; ").take(4) {
            watch.screen.line(Mark::Info, "snapshot-restore", line);
        }
        say(watch, "starts the state machine with {\"snapshot\": \"latest\", \"reason\": …}");
        let execution = execute(watch, &latest).await?;
        let asked = asked(watch).await?;
        for line in text(&asked, "/reason").split(". ") {
            watch.screen.line(Mark::Info, "the plan", line);
        }
        approve(watch, &asked).await?;
        progress(watch, &execution).await?;
        watch.look().await?;

        let id = restored(watch).context("nothing was restored")?.name;
        say(watch, &format!("looks at the data in {id}"));
        watch.screen.line(
            Mark::Info,
            "password",
            "it was rotated since: the restored cluster has the older one",
        );
        for field in ["set_password_of", "cut_over"] {
            say(watch, &format!("sends {{\"{field}\": \"{id}\"}}"));
            let asked = watch.clients.ask("snapshot-restore", &json!({ field: id })).await?;
            for line in text(&asked, "/reason").split(", ") {
                watch.screen.line(Mark::Info, "the plan", line);
            }
            approve(watch, &asked).await?;
        }
        until(watch, "the data is still corrupt", |watch| !watch.sandbox.standin.now().corrupt).await?;
        self.look_at_secret(watch.sandbox).await?;
        watch.screen.line(Mark::Good, "data", "the loans are as they were before the migration");
        freeze(watch, "off").await?;
        self.is_over.set(true);
        Ok(())
    }

    fn is_well(&self, watch: &Watch<'_>) -> bool {
        let now = watch.sandbox.standin.now();
        self.is_over.get() && !now.corrupt && !now.cut_off && !now.locked_out && !now.read_only
    }

    fn facts(&self, watch: &Watch<'_>) -> Facts {
        let now = watch.sandbox.standin.now();
        let one_of = |is: bool, yes: &str, no: &str| if is { yes.to_owned() } else { no.to_owned() };
        let database = one_of(*self.host.borrow() == SOURCE, "the source", "a restored one");
        vec![
            ("loans", one_of(now.corrupt, "corrupt", "right")),
            ("writes", one_of(now.read_only, "frozen", "let through")),
            ("/health/db answers", one_of(now.cut_off || now.locked_out, "503", "200")),
            ("database", database),
        ]
    }

    fn lesson(&self, before: &Facts, after: &Facts) -> String {
        format!(
            "The loans are {} again, on another cluster than {}. {SOURCE} was not touched: it can be looked into.",
            fact(after, "loans"),
            fact(before, "database"),
        )
    }
}

impl Corruption {
    async fn look_at_secret(&self, sandbox: &Sandbox) -> anyhow::Result<()> {
        let secret = sandbox.clients.secrets.get_secret_value().secret_id(SECRET).send().await?;
        let fields: Value = serde_json::from_str(secret.secret_string().unwrap_or_default())?;
        let cluster = text(&fields, "/host").split('.').next().unwrap_or_default();
        cluster.clone_into(&mut self.host.borrow_mut());
        Ok(())
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn say(watch: &Watch<'_>, what: &str) {
    watch.screen.line(Mark::Reads, "a person", what);
}

/// Stops writes, or lets them through; a roll-out that is under way comes first.
async fn freeze(watch: &mut Watch<'_>, state: &str) -> anyhow::Result<()> {
    say(watch, &format!("sends write-freeze {{\"state\": \"{state}\"}}"));
    let request = json!({ "state": state, "reason": "corrupt data" });
    let since = Instant::now();
    loop {
        let answer = watch.clients.ask("write-freeze", &request).await?;
        match text(&answer, "/decision") {
            "applied" => break,
            "refused" | "nothing_to_do" if since.elapsed() < PATIENCE => tokio::time::sleep(POLL).await,
            _ => bail!("write-freeze answered {answer:#}"),
        }
    }
    let frozen = state == "on";
    until(watch, "the freeze does not show", |watch| watch.sandbox.standin.now().read_only == frozen).await?;
    let what = if frozen { "refuses writes, and goes on reading" } else { "takes writes again" };
    watch.screen.line(Mark::Good, "backend", what);
    Ok(())
}

async fn execute(watch: &Watch<'_>, input: &Value) -> anyhow::Result<String> {
    let name = sandbox::names::function_name("snapshot-restore");
    let machine = format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}");
    let start = watch.clients.sfn.start_execution().state_machine_arn(machine).input(input.to_string());
    Ok(start.send().await?.execution_arn)
}

/// What the state machine's first run asks.
async fn asked(watch: &mut Watch<'_>) -> anyhow::Result<Value> {
    until(watch, "nobody was asked", |watch| watch.decided("awaiting_approval")).await?;
    watch.last("awaiting_approval").cloned().context("nobody was asked")
}

async fn approve(watch: &mut Watch<'_>, asked: &Value) -> anyhow::Result<()> {
    let send = asked.pointer("/next/send").context("there is nothing to approve")?;
    say(watch, &format!("says yes: sends snapshot-restore {send}"));
    let done = watch.clients.ask("snapshot-restore", send).await?;
    ensure!(text(&done, "/decision") == "applied", "{done:#}");
    watch.look().await
}

fn restored(watch: &Watch<'_>) -> Option<ClusterNow> {
    watch.sandbox.gateway.docdb().restored().pop()
}

/// Shows each stage until the state machine has come to its end.
async fn progress(watch: &mut Watch<'_>, execution: &str) -> anyhow::Result<()> {
    let since = Instant::now();
    let mut shown = 0;
    while since.elapsed() < PATIENCE {
        watch.look().await?;
        let (stage, what) = stage(restored(watch).as_ref());
        if stage > shown {
            let (done, left) = ("█".repeat(stage * 4), "░".repeat((STAGES - stage) * 4));
            watch.screen.line(Mark::Good, "restore", &format!("{done}{left} {what}"));
            shown = stage;
        }
        let described = watch.clients.sfn.describe_execution().execution_arn(execution).send().await?;
        match described.status.as_str() {
            "RUNNING" => tokio::time::sleep(POLL).await,
            "SUCCEEDED" => return Ok(()),
            other => bail!("the state machine {other}: {:?} {:?}", described.error, described.cause),
        }
    }
    bail!("the restore goes on and on")
}

fn stage(cluster: Option<&ClusterNow>) -> (usize, String) {
    let Some(cluster) = cluster else {
        return (0, String::new());
    };
    let mut reached =
        (1 + usize::from(cluster.status == "available"), format!("the cluster is {}", cluster.status));
    for ([name, .., status], place) in cluster.instances.iter().zip(1..) {
        let number = name.rsplit('-').next().unwrap_or_default();
        let stage = 2 * place + 1 + usize::from(status == "available");
        reached = (stage.min(STAGES), format!("instance {number} is {status}"));
    }
    reached
}

async fn until(watch: &mut Watch<'_>, or: &str, reached: impl Fn(&Watch<'_>) -> bool) -> anyhow::Result<()> {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        watch.look().await?;
        if reached(watch) {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    watch.screen.say("");
    bail!("{}", or.to_owned())
}

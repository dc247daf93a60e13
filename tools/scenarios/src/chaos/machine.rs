//! The state machines, with the functions deployed: the local AWS runs them, and ends a function that hangs as Lambda
//! does, at its time-out.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sfn::types::ExecutionStatus;
use sandbox::clients::{ACCOUNT, REGION};
use sandbox::notices::Notice;
use sandbox::stack::{Stack, tick};
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use super::check::Ended;
use super::ledger;
use super::player::Player;
use super::point::Point;

/// Two remedies, each looked at for as long as the sandbox does, retries, and a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(200);
/// When the local AWS ends a function that is to be killed: more than any of them takes.
const KILLED_AFTER_SECONDS: i32 = 8;
const LAST_WORDS: Duration = Duration::from_secs(90);
/// What goes wrong may go wrong with the first run that sends what is owed.
const OWED_TRIES: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    ServiceDown,
    SnapshotRestore,
}

impl Machine {
    pub const ALL: [Self; 2] = [Self::ServiceDown, Self::SnapshotRestore];

    pub fn name(self) -> &'static str {
        match self {
            Self::ServiceDown => "state-machine-service-down",
            Self::SnapshotRestore => "state-machine-snapshot-restore",
        }
    }

    fn arn(self) -> String {
        let name = self.name().trim_start_matches("state-machine-");
        format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:lendpeak2-production-{name}")
    }

    /// Plays it to its end, and lets the schedule and a person come after.
    pub(super) async fn played(self, point: Option<&Point>) -> anyhow::Result<Ended> {
        let parameters = vec![("RecoverySeconds".to_owned(), "10".to_owned())];
        let options = Options { metrics: false, parameters, ..Options::default() };
        let stack = Stack::in_sandbox(Sandbox::start(options).await?, "incident", &[]);
        let sandbox = &stack.sandbox;
        if self == Self::ServiceDown {
            sandbox.release(&[("FEATURE", "new")]).await?;
            sandbox.release(&[("BROKEN", "true")]).await?;
        }
        if let Some(point) = point {
            hurry(sandbox, point).await?;
        }
        let mut player = Player::begin(&stack, point.map(|point| (&point.place, point.failure))).await?;
        match self {
            Self::ServiceDown => service_down(&mut player).await?,
            Self::SnapshotRestore => snapshot_restore(&stack).await?,
        }
        // Whoever runs next sends what is owed.
        for _ in 0..OWED_TRIES {
            if ledger::is_anything_owed(&stack).await? {
                invoke(sandbox, "incident", &tick()).await?;
            }
        }
        Ended::look(player).await
    }
}

/// Has the local AWS end the deployed function that is to be killed.
pub(super) async fn hurry(sandbox: &Sandbox, point: &Point) -> anyhow::Result<()> {
    if point.failure.kills() {
        let hurry = sandbox.clients.lambda.update_function_configuration();
        let hurry = hurry.function_name(sandbox::names::function_name(&point.place.caller));
        hurry.timeout(KILLED_AFTER_SECONDS).send().await?;
    }
    Ok(())
}

/// From the start to an incident that is resolved or with people.
async fn service_down(player: &mut Player<'_>) -> anyhow::Result<()> {
    let stack = player.stack;
    let sandbox = &stack.sandbox;
    let execution = start(sandbox, Machine::ServiceDown, &json!({})).await?;
    end(sandbox, &execution).await?;
    ledger::let_time_pass(stack).await?;
    for function in ["incident", "rollback"] {
        invoke(sandbox, function, &tick()).await?;
    }
    let since = Instant::now();
    while !player.listen().await?.iter().any(is_the_end) {
        ensure!(since.elapsed() < LAST_WORDS, "nobody is told how it ended: {:#?}", player.heard);
        tokio::time::sleep(POLL).await;
    }
    let ask = async || invoke(sandbox, "incident", &json!({ "list": true })).await;
    let mut incidents = ask().await?;
    // What goes wrong may go wrong now.
    if incidents.get("errorType").is_some() {
        incidents = ask().await?;
    }
    let count = |name: &str| incidents.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    ensure!(count("open") + count("over") == 1, "there is to be one incident: {incidents:#}");
    Ok(())
}

fn is_the_end(notice: &Notice) -> bool {
    ["RESOLVED", "ESCALATED", "does not answer"].iter().any(|words| notice.text.contains(words))
}

/// From the question to the hand-over; where it ended before that, a person goes on with it.
async fn snapshot_restore(stack: &Stack) -> anyhow::Result<()> {
    /// The first run, and what a person does about it.
    const TRIES: usize = 4;
    let sandbox = &stack.sandbox;
    let mut input = json!({ "snapshot": "latest", "reason": "negative amounts" });
    for _ in 0..TRIES {
        let execution = start(sandbox, Machine::SnapshotRestore, &input).await?;
        if input.get("snapshot").is_some() {
            approve(stack, &execution).await?;
        }
        let status = end(sandbox, &execution).await?;
        ledger::let_time_pass(stack).await?;
        invoke(sandbox, "snapshot-restore", &tick()).await?;
        if status == ExecutionStatus::Succeeded {
            return Ok(());
        }
        if let Some(restore) = sandbox.gateway.docdb().restored().first() {
            input = json!({ "continue": restore.name });
        }
    }
    bail!("it is never handed over")
}

/// As a person does who was asked, until it has been carried out or the execution is over.
async fn approve(stack: &Stack, execution: &str) -> anyhow::Result<()> {
    let sandbox = &stack.sandbox;
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if status(sandbox, execution).await? != ExecutionStatus::Running
            || !sandbox.gateway.docdb().restored().is_empty()
        {
            return Ok(());
        }
        for item in ledger::items(&sandbox.clients).await? {
            if item.pk == "approval#snapshot-restore" {
                // One that died has used the approval: the schedule finishes it.
                let _ = invoke(sandbox, "snapshot-restore", &json!({ "approve": item.data.get("id") })).await;
                ledger::let_time_pass(stack).await?;
                let _ = invoke(sandbox, "snapshot-restore", &tick()).await;
            }
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("nobody was asked, or it is never carried out")
}

async fn start(sandbox: &Sandbox, machine: Machine, input: &Value) -> anyhow::Result<String> {
    let start = sandbox.clients.sfn.start_execution().state_machine_arn(machine.arn());
    Ok(start.input(input.to_string()).send().await?.execution_arn)
}

async fn status(sandbox: &Sandbox, execution: &str) -> anyhow::Result<ExecutionStatus> {
    Ok(sandbox.clients.sfn.describe_execution().execution_arn(execution).send().await?.status)
}

/// How it ends.
async fn end(sandbox: &Sandbox, execution: &str) -> anyhow::Result<ExecutionStatus> {
    let since = Instant::now();
    loop {
        let now = status(sandbox, execution).await?;
        if now != ExecutionStatus::Running {
            return Ok(now);
        }
        ensure!(since.elapsed() < PATIENCE, "{execution} goes on and on");
        tokio::time::sleep(POLL).await;
    }
}

/// Asks a deployed function as the schedule or a person does.
pub(super) async fn invoke(sandbox: &Sandbox, task: &str, event: &Value) -> anyhow::Result<Value> {
    let invoke = sandbox.clients.lambda.invoke().function_name(sandbox::names::function_name(task));
    let answer = invoke.payload(Blob::new(event.to_string())).send().await?;
    let payload = answer.payload.unwrap_or_else(|| Blob::new([]));
    let payload: Value =
        serde_json::from_slice(payload.as_ref()).with_context(|| format!("{task} answered no JSON"))?;
    Ok(payload)
}

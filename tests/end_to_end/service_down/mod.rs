//! The state machine `service-down` with the deployed functions: from an execution's start to an incident that is
//! resolved or with people.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod failures;
mod handling;
mod in_turn;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

const MACHINE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:lendpeak2-production-service-down";
/// Two remedies that do not help, each looked at for as long as the sandbox does, and whatever retries take.
const PATIENCE: Duration = Duration::from_mins(3);

/// A sandbox in which no alarm acts by itself, and in which what does not help is soon given up.
async fn start() -> anyhow::Result<Sandbox> {
    let parameters = vec![("RecoverySeconds".to_owned(), "10".to_owned())];
    Sandbox::start(Options { metrics: false, parameters, ..Options::default() }).await
}

/// How an execution went.
#[derive(Debug)]
struct Run {
    status: ExecutionStatus,
    /// The states that it went through.
    states: Vec<String>,
}

impl Run {
    fn last(&self) -> &str {
        self.states.last().map(String::as_str).unwrap_or_default()
    }

    fn has(&self, state: &str) -> bool {
        self.states.iter().any(|one| one == state)
    }
}

async fn execute(sandbox: &Sandbox, input: &Value) -> anyhow::Result<String> {
    let start = sandbox.clients.sfn.start_execution().state_machine_arn(MACHINE).input(input.to_string());
    Ok(start.send().await?.execution_arn)
}

/// Waits for the end of an execution.
async fn end(sandbox: &Sandbox, execution: &str) -> anyhow::Result<Run> {
    let since = Instant::now();
    loop {
        let described = sandbox.clients.sfn.describe_execution().execution_arn(execution).send().await?;
        if described.status != ExecutionStatus::Running {
            return Ok(Run { status: described.status, states: states(sandbox, execution).await? });
        }
        let states = states(sandbox, execution).await?;
        ensure!(since.elapsed() < PATIENCE, "{execution} goes on and on: {states:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn states(sandbox: &Sandbox, execution: &str) -> anyhow::Result<Vec<String>> {
    let (mut states, mut token) = (Vec::new(), None);
    loop {
        let history = sandbox.clients.sfn.get_execution_history().execution_arn(execution);
        let page = history.set_next_token(token).send().await?;
        let entered = |event: &HistoryEvent| Some(event.state_entered_event_details()?.name().to_owned());
        states.extend(page.events().iter().filter_map(entered));
        token = page.next_token;
        if token.is_none() {
            return Ok(states);
        }
    }
}

async fn run(sandbox: &Sandbox, input: &Value) -> anyhow::Result<Run> {
    let execution = execute(sandbox, input).await?;
    end(sandbox, &execution).await
}

/// All incidents that there were, open ones first.
async fn incidents(sandbox: &Sandbox) -> anyhow::Result<Vec<Value>> {
    let list = sandbox.clients.ask("incident", &json!({ "list": true })).await?;
    let mut all = Vec::new();
    for brief in ["open", "over"].iter().filter_map(|part| list[part].as_array()).flatten() {
        let show = json!({ "show": brief["incident"], "verbose": true });
        let shown = sandbox.clients.ask("incident", &show).await?;
        all.push(shown["record"].clone());
    }
    Ok(all)
}

/// The only incident that there was.
async fn only_incident(sandbox: &Sandbox) -> anyhow::Result<Value> {
    let mut all = incidents(sandbox).await?;
    ensure!(all.len() == 1, "{all:#?}");
    all.pop().context("no incident")
}

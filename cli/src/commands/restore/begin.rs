//! Begins a restore: the state machine asks, and takes every step once a person has approved.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::stages;
use crate::{
    answer::Answer,
    exit::Exit,
    failure::Failure,
    function::Function,
    progress::Progress,
    remedy::{Agreed, Ask, Common, agree, show},
    runbook::Runbook,
};

/// The function answers within a minute.
const FIRST_ANSWER: Duration = Duration::from_secs(90);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// `own` says what is restored.
pub(crate) fn ask(own: &Value, common: &Common) -> Ask {
    let question = "Ask for it? Nothing is made before the plan is approved";
    Ask::new(Function::SnapshotRestore, own, common, question)
}

pub(crate) async fn run(runbook: &Runbook<'_>, ask: Ask) -> Result<Exit, Failure> {
    let function = ask.function;
    let (ask, agreed) = agree(runbook, ask).await?;
    if let Agreed::Over(exit) = agreed {
        return Ok(exit);
    }
    let machine = runbook.stack.output("SnapshotRestoreStateMachine")?;
    let client = aws_sdk_sfn::Client::new(&runbook.config);
    let input = Value::Object(ask.request).to_string();
    let begun =
        client.start_execution().state_machine_arn(machine).input(input).send().await.map_err(|error| {
            Failure::aws("start the state machine of snapshot-restore", "states:StartExecution", &error)
                .of_a_change()
        })?;
    runbook.screen.will_go_on("the restore was asked for: `lendpeak2 restore status` says how it stands");
    let mut progress = Progress::spinner(runbook.screen, "snapshot-restore is asked");
    let since = Instant::now();
    loop {
        let execution = stages::read(&client, begun.execution_arn()).await?;
        if let Some(answer) = execution.last_answer() {
            drop(progress);
            show(runbook, function, answer);
            return Ok(Exit::of(&Answer::of(answer)));
        }
        if let Some(failed) = execution.failure() {
            return Err(Failure::Failed { what: format!("the restore did not begin: {failed}") });
        }
        if since.elapsed() >= FIRST_ANSWER {
            return Err(Failure::TimedOut {
                what: "the state machine has not asked yet: `lendpeak2 restore status` says how it stands"
                    .to_owned(),
            });
        }
        progress.say("snapshot-restore looks what it would restore");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

//! How a restore stands: its stages, and what was answered last.

use std::time::{Duration, Instant};

use aws_sdk_sfn::Client;
use clap::Args;
use serde_json::json;

use super::stages::{self, Execution, STAGES};
use crate::{
    exit::Exit,
    failure::Failure,
    function::Function,
    progress::Progress,
    remedy::show,
    render,
    runbook::Runbook,
    screen::{BOLD, GOOD},
};

/// Restores that are looked at, the newest first: there is one at a time.
const LOOKED_AT: i32 = 20;
/// A restore is given up after four hours.
const PATIENCE: Duration = Duration::from_hours(4);
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Say how a restore stands; ends with 8 while it is under way
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The restore's id, which is its cluster's name; the last one if left out
    id: Option<String>,
    /// Follow it through its stages until it is over, or for --timeout
    #[arg(long)]
    follow: bool,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let client = Client::new(&runbook.config);
    let (arn, mut execution) = find(runbook, &client, options.id.as_deref()).await?;
    if options.follow {
        execution = follow(runbook, &client, &arn, execution).await?;
    }
    if runbook.screen.is_json() {
        runbook.screen.json(&as_json(&execution));
    } else {
        runbook.screen.answer(&words(&execution, runbook.screen.width()));
        if let Some(answer) = execution.last_answer() {
            show(runbook, Function::SnapshotRestore, answer);
        }
    }
    Ok(execution.exit())
}

async fn find(
    runbook: &Runbook<'_>,
    client: &Client,
    restore: Option<&str>,
) -> Result<(String, Execution), Failure> {
    let machine = runbook.stack.output("SnapshotRestoreStateMachine")?;
    let listed = client.list_executions().state_machine_arn(machine).max_results(LOOKED_AT).send().await;
    let listed =
        listed.map_err(|error| Failure::aws("list the restores", "states:ListExecutions", &error))?;
    let mut listed = listed.executions;
    listed.sort_by_key(|execution| std::cmp::Reverse(*execution.start_date()));
    for item in &listed {
        let execution = stages::read(client, item.execution_arn()).await?;
        if restore.is_none_or(|restore| execution.is_of(restore)) {
            return Ok((item.execution_arn().to_owned(), execution));
        }
    }
    let what = restore
        .map_or_else(|| "there was no restore yet".to_owned(), |id| format!("there is no restore {id}"));
    Err(Failure::refused("restore_unknown", what, "`lendpeak2 restore list` has what can be restored"))
}

async fn follow(
    runbook: &Runbook<'_>,
    client: &Client,
    arn: &str,
    mut execution: Execution,
) -> Result<Execution, Failure> {
    let patience = runbook.global.timeout.unwrap_or(PATIENCE);
    let since = Instant::now();
    let mut progress = Progress::stages(runbook.screen, u64::try_from(STAGES.len()).unwrap_or_default());
    runbook
        .screen
        .will_go_on("the restore goes on without you: `lendpeak2 restore status` says how it stands");
    loop {
        let reached = execution.reached();
        progress.reach(u64::try_from(reached).unwrap_or_default(), &stage(reached));
        if execution.is_over() {
            return Ok(execution);
        }
        if since.elapsed() >= patience {
            return Err(Failure::TimedOut {
                what: format!("not over after {} s: {}", patience.as_secs(), execution.words()),
            });
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        execution = stages::read(client, arn).await?;
    }
}

/// As in `2 of 5: approved`.
fn stage(reached: usize) -> String {
    let name = reached.checked_sub(1).and_then(|index| STAGES.get(index)).unwrap_or(&"begins");
    match STAGES.get(reached) {
        Some(next) if reached > 0 => format!("{name}; next: {next}"),
        _ => (*name).to_owned(),
    }
}

fn words(execution: &Execution, width: Option<usize>) -> String {
    let reached = execution.reached();
    let lines: Vec<String> = STAGES
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let is_reached = index < reached;
            let (label, style) = if is_reached { ("reached", GOOD) } else { ("to come", BOLD) };
            render::field(label, style, name, width)
        })
        .collect();
    let ended = execution.failure().map(|why| format!("\nstopped  {why}")).unwrap_or_default();
    format!("{}{ended}", lines.join("\n"))
}

fn as_json(execution: &Execution) -> serde_json::Value {
    json!({
        "reached": execution.reached(),
        "stages": STAGES,
        "over": execution.is_over(),
        "failure": execution.failure(),
        "answer": execution.last_answer(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_says_what_is_reached_and_what_is_next() {
        assert_eq!(stage(0), "begins");
        assert_eq!(stage(1), "asked for; next: approved");
        assert_eq!(stage(STAGES.len()), "checked and handed over");
    }
}

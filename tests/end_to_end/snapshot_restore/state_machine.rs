//! The state machine asks, waits for the approval, and takes every step.

use aws_sdk_sfn::types::ExecutionStatus;

use super::*;

const MACHINE: &str =
    "arn:aws:states:us-east-1:000000000000:stateMachine:lendpeak2-production-snapshot-restore";
const PATIENCE: Duration = Duration::from_mins(1);

/// Starts the state machine with a person's request; its execution's ARN.
pub(super) async fn execute(stack: &Stack, input: &Value) -> anyhow::Result<String> {
    let start = stack.sandbox.clients.sfn.start_execution().state_machine_arn(MACHINE);
    Ok(start.input(input.to_string()).send().await?.execution_arn)
}

/// The JSON that approves the last plan that was asked about.
pub(super) async fn approval(stack: &Stack) -> anyhow::Result<Value> {
    let since = std::time::Instant::now();
    while since.elapsed() < PATIENCE {
        let asked =
            stack.outcomes().await?.into_iter().rev().find(|one| one["decision"] == "awaiting_approval");
        if let Some(asked) = asked {
            return Ok(asked["next"]["send"].clone());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("nobody was asked")
}

/// How an execution ends, and its error's code.
pub(super) async fn end(stack: &Stack, execution: &str) -> anyhow::Result<(ExecutionStatus, String)> {
    let since = std::time::Instant::now();
    while since.elapsed() < PATIENCE {
        let describe = stack.sandbox.clients.sfn.describe_execution().execution_arn(execution).send().await?;
        if describe.status != ExecutionStatus::Running {
            return Ok((describe.status, describe.error.unwrap_or_default()));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("{execution} goes on and on")
}

#[tokio::test]
async fn it_asks_waits_for_the_approval_and_takes_every_step() -> Test {
    let stack = start().await?;
    docdb(&stack).set_times(Duration::from_secs(1), Duration::from_secs(1));
    let execution = execute(&stack, &latest()).await?;
    let approve = approval(&stack).await?;
    // It waits, and does nothing.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(docdb(&stack).restored().is_empty());
    let begun = stack.sandbox.clients.ask("snapshot-restore", &approve).await?;
    assert_eq!(read(&begun), "applied applied", "{begun:#}");
    assert_eq!(end(&stack, &execution).await?, (ExecutionStatus::Succeeded, String::new()));
    let clusters = docdb(&stack).restored();
    assert_eq!(clusters.iter().map(|cluster| instances(cluster).len()).collect::<Vec<_>>(), [2]);
    assert!(stack.audit().await?.contains(&"nothing_to_do handed_over".to_owned()));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_restored_ends_it_with_the_code() -> Test {
    let stack = start().await?;
    let execution = execute(&stack, &json!({ "snapshot": "no-such" })).await?;
    assert_eq!(end(&stack, &execution).await?, (ExecutionStatus::Failed, "snapshot_missing".to_owned()));
    let execution = execute(&stack, &json!({ "snapshots": "latest" })).await?;
    assert_eq!(end(&stack, &execution).await?, (ExecutionStatus::Failed, "InvalidRequest".to_owned()));
    let execution = execute(&stack, &json!({ "snapshot": "latest", "dry_run": true })).await?;
    assert_eq!(end(&stack, &execution).await?.0, ExecutionStatus::Succeeded);
    assert!(docdb(&stack).restored().is_empty());
    Ok(())
}

#[tokio::test]
async fn what_stops_it_is_told_with_what_is_left_behind_and_can_be_gone_on_with() -> Test {
    let stack = start().await?;
    docdb(&stack).refuse("CreateDBInstance", "InstanceQuotaExceeded", 1);
    let execution = execute(&stack, &latest()).await?;
    let approve = approval(&stack).await?;
    stack.sandbox.clients.ask("snapshot-restore", &approve).await?;
    assert_eq!(end(&stack, &execution).await?, (ExecutionStatus::Failed, "instance_quota".to_owned()));
    let last = stack.outcomes().await?.pop().unwrap_or_default();
    assert_eq!(read(&last), "failed left_behind");
    assert!(text(&last, "/reason").contains("(available) with no instance, which costs money"), "{last:#}");
    let id = docdb(&stack).restored()[0].name.clone();
    let calls = stack.sandbox.gateway.record().by("snapshot-restore");
    let told = calls.iter().filter(|call| call.operation == "Publish").map(|call| call.request.to_string());
    assert!(told.filter(|notice| notice.contains("Left behind is cluster")).count() == 1);

    let execution = execute(&stack, &json!({ "continue": id })).await?;
    assert_eq!(end(&stack, &execution).await?.0, ExecutionStatus::Succeeded);
    assert_eq!(instances(&docdb(&stack).restored()[0]).len(), 2);
    Ok(())
}

#[tokio::test]
async fn asking_again_after_a_lost_answer_asks_for_the_same() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let event = json!({
        "step_functions": { "execution": "e", "state": "Ask@2026-11-20T10:00:00.000Z" },
        "request": { "snapshot": "latest" },
    });
    let first = outcome(&function, &event).await?;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let again = outcome(&function, &event).await?;
    assert_eq!(read(&again), "nothing_to_do approval_pending");
    assert_eq!(again["next"]["send"], first["next"]["send"]);
    assert_eq!(id(&again["plan"]["actions"]), id(&first["plan"]["actions"]));
    Ok(())
}

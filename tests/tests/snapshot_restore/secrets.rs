//! What the secret holds is nowhere but in the secret.

use aws_sdk_sfn::types::ExecutionStatus;
use tests::deploy::PASSWORD;

use super::state_machine::{approval, end, execute};
use super::*;

#[tokio::test]
async fn the_password_is_in_no_log_record_notice_or_history() -> Test {
    let stack = start().await?;
    let mut seen = Vec::new();
    let execution = execute(&stack, &latest()).await?;
    seen.push(stack.sandbox.clients.ask("snapshot-restore", &approval(&stack).await?).await?.to_string());
    assert_eq!(end(&stack, &execution).await?.0, ExecutionStatus::Succeeded);
    let id = docdb(&stack).restored()[0].name.clone();

    // The rest with everything that the function can log.
    let function = stack.function(&[("LOG_LEVEL", "debug")]).await?;
    let (approve, plan) = ask(&function, &json!({ "cut_over": id })).await?;
    seen.push(plan.to_string());
    for request in [approve, json!({ "undo": id }), json!({ "discard": id }), json!({ "report": id }), tick()]
    {
        seen.push(outcome(&function, &request).await?.to_string());
    }
    seen.push(function.log());
    seen.push(stack.sandbox.ministack.log());
    let history = stack.sandbox.clients.sfn.get_execution_history().execution_arn(&execution);
    seen.push(format!("{:?}", history.include_execution_data(true).send().await?));
    let scan = stack.sandbox.clients.dynamodb.scan().table_name(tests::stack::LEDGER).send().await?;
    seen.push(format!("{:?}", scan.items()));
    let calls = stack.sandbox.gateway.record().by("snapshot-restore");
    let published = calls.iter().filter(|call| call.operation == "Publish").count();
    assert!(published > 5, "{published} notices");
    // Secrets Manager is where it may be: that is told apart by the service.
    let elsewhere = calls.iter().filter(|call| call.service != "secretsmanager");
    seen.extend(elsewhere.map(|call| call.request.to_string()));

    assert_eq!(secret(&stack).await?.1["password"], PASSWORD);
    let told = seen.iter().filter(|text| text.contains(&id)).count();
    assert!(told > 20, "only {told} texts are about the restore");
    for text in &seen {
        assert!(!text.contains(PASSWORD), "{text}");
    }
    Ok(())
}

//! What the secret holds is nowhere but in the secret.

use aws_sdk_sfn::types::ExecutionStatus;
use sandbox::deploy::PASSWORD;

use super::state_machine::{approval, end, execute};
use super::*;

#[tokio::test]
async fn the_password_is_in_no_log_record_notice_or_history() -> Test {
    const ROTATED: &str = "Xw3-heather-beacon-17";
    let stack = start().await?;
    stack.sandbox.rotate_password(ROTATED).await?;
    let mut seen = Vec::new();
    let execution = execute(&stack, &latest()).await?;
    seen.push(stack.sandbox.clients.ask("snapshot-restore", &approval(&stack).await?).await?.to_string());
    assert_eq!(end(&stack, &execution).await?.0, ExecutionStatus::Succeeded);
    let id = docdb(&stack).restored()[0].name.clone();

    // The rest with everything that the function can log.
    let function = stack.function(&[("LOG_LEVEL", "debug")]).await?;
    let set_password = outcome(&function, &json!({ "set_password_of": id })).await?;
    seen.push(set_password.to_string());
    seen.push(outcome(&function, &set_password["next"]["send"]).await?.to_string());
    assert_eq!(stack.count("rds ModifyDBCluster"), 2);
    let (approve, plan) = ask(&function, &json!({ "cut_over": id })).await?;
    seen.push(plan.to_string());
    for request in [approve, json!({ "undo": id }), json!({ "discard": id }), json!({ "report": id }), tick()]
    {
        seen.push(outcome(&function, &request).await?.to_string());
    }
    seen.push(function.log());
    seen.push(stack.sandbox.emulator.log());
    let history = stack.sandbox.clients.sfn.get_execution_history().execution_arn(&execution);
    seen.push(format!("{:?}", history.include_execution_data(true).send().await?));
    let scan = stack.sandbox.clients.dynamodb.scan().table_name(sandbox::stack::LEDGER).send().await?;
    seen.push(format!("{:?}", scan.items()));
    let calls = stack.sandbox.gateway.record().by("snapshot-restore");
    let published = calls.iter().filter(|call| call.operation == "Publish").count();
    assert!(published > 5, "{published} notices");
    // Secrets Manager is where it may be, and the field of DocumentDB that takes it: those are told apart.
    for mut call in calls.into_iter().filter(|call| call.service != "secretsmanager") {
        if let Some(fields) = call.request.as_object_mut() {
            let taken = fields.remove("MasterUserPassword");
            assert!(taken.is_none_or(|taken| taken == ROTATED && call.operation == "ModifyDBCluster"));
        }
        seen.push(call.request.to_string());
    }

    assert_eq!(secret(&stack).await?.1["password"], ROTATED);
    let told = seen.iter().filter(|text| text.contains(&id)).count();
    assert!(told > 20, "only {told} texts are about the restore");
    for text in &seen {
        assert!(!text.contains(PASSWORD) && !text.contains(ROTATED), "{text}");
    }
    Ok(())
}

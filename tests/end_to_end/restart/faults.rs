//! AWS at its worst: each call throttled, failing, denied, or cut off.

use sandbox::{
    gateway::{Fault, Rule},
    runtime_api::Answer,
};

use super::*;

const CALLS: [(&str, &str); 9] = [
    ("dynamodb", "BatchGetItem"),
    ("ecs", "DescribeServices"),
    ("ecs", "ListServiceDeployments"),
    ("ecs", "ListTasks"),
    ("ecs", "DescribeTaskDefinition"),
    ("ecr", "DescribeImages"),
    ("secretsmanager", "DescribeSecret"),
    ("dynamodb", "TransactWriteItems"),
    ("ecs", "UpdateService"),
];
/// So that one stack serves every call in turn.
const NO_WAITING: [(&str, &str); 2] = [("COOLDOWN_SECONDS", "0"), ("ATTEMPTS_PER_DAY", "100")];

fn add(stack: &Stack, service: &str, operation: &str, fault: Fault, times: usize) {
    stack.sandbox.gateway.faults().add(Rule::new(service, operation, fault).of("restart").times(times));
}

#[tokio::test]
async fn a_call_that_is_throttled_or_cut_for_a_while_is_repeated_until_it_succeeds() -> Test {
    let stack = start().await?;
    let function = stack.function(&NO_WAITING).await?;
    let mut expected = deployments(&stack).await?;
    for (service, operation) in CALLS {
        for fault in [Fault::Throttle, Fault::InternalError, Fault::CutBefore, Fault::CutAfter] {
            // A restart whose answer is lost has begun all the same, and is not sent again.
            let times = if operation == "UpdateService" && fault == Fault::CutAfter { 1 } else { 2 };
            add(&stack, service, operation, fault.clone(), times);
            let answer = decision(&function, &by_hand()).await?;
            assert_eq!(answer, "applied applied", "{operation} with {fault:?}");
            assert!(stack.sandbox.gateway.faults().left().is_empty(), "{operation} was not called twice");
            expected += 1;
            assert_eq!(deployments(&stack).await?, expected, "{operation} with {fault:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_call_that_stays_throttled_is_answered_and_changes_nothing_before_the_claim() -> Test {
    let stack = start().await?;
    let function = stack.function(&NO_WAITING).await?;
    for (service, operation, expected) in [
        ("dynamodb", "BatchGetItem", "refused ledger_unavailable"),
        ("dynamodb", "TransactWriteItems", "refused ledger_unavailable"),
        ("ecs", "DescribeServices", "Aws"),
        ("ecs", "ListServiceDeployments", "Aws"),
        ("ecs", "ListTasks", "Aws"),
        ("ecs", "DescribeTaskDefinition", "Aws"),
    ] {
        add(&stack, service, operation, Fault::Throttle, 100);
        let answer = match function.invoke(by_hand().to_string(), DEADLINE).await {
            Answer::Ok(outcome) => read(&outcome),
            Answer::Err { error_type, error_message } => {
                assert!(error_message.starts_with("cannot "), "{error_message}");
                error_type
            }
            other => panic!("{operation}: {other:?}"),
        };
        stack.sandbox.gateway.faults().clear();
        assert_eq!(answer, expected, "{operation}");
    }
    assert_eq!(updates(&stack), 0);
    Ok(())
}

#[tokio::test]
async fn a_restart_that_is_denied_is_said_and_tried_again_by_the_schedule() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    add(&stack, "ecs", "UpdateService", Fault::Denied, 1);
    let denied = outcome(&function, &by_hand()).await?;
    assert_eq!(read(&denied), "failed action_failed", "{denied:#}");
    let error = denied["steps"][0]["error"].as_str().unwrap_or_default();
    let expected = "cannot restart service backend in cluster lendpeak2-production: AccessDenied";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!((updates(&stack), deployments(&stack).await?), (1, 2));
    assert_eq!(decision(&function, &tick()).await?, "applied applied");
    assert_eq!(deployments(&stack).await?, 3);
    Ok(())
}

#[tokio::test]
async fn what_may_not_be_looked_at_is_no_reason_against_a_restart() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    add(&stack, "ecr", "DescribeImages", Fault::Denied, 1);
    add(&stack, "secretsmanager", "DescribeSecret", Fault::Denied, 1);
    assert_eq!(decision(&function, &by_hand()).await?, "applied applied");
    Ok(())
}

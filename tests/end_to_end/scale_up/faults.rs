//! AWS at its worst: each call throttled, failing, or cut off.

use sandbox::gateway::{Fault, Rule};

use super::*;

const CALLS: [(&str, &str); 8] = [
    ("dynamodb", "BatchGetItem"),
    ("ecs", "DescribeServices"),
    ("ecs", "ListTasks"),
    ("application-autoscaling", "DescribeScalableTargets"),
    ("dynamodb", "TransactWriteItems"),
    ("application-autoscaling", "RegisterScalableTarget"),
    ("ecs", "UpdateService"),
    ("sns", "Publish"),
];

/// No limit but the maximum, so that one stack serves every call in turn.
const NO_WAITING: [(&str, &str); 3] =
    [("COOLDOWN_SECONDS", "0"), ("ATTEMPTS_PER_DAY", "100"), ("MAX_TASKS", "100")];

async fn unlimited(stack: &Stack) -> anyhow::Result<Bootstrap> {
    let topic = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
    let settings: Vec<(&str, &str)> = NO_WAITING.into_iter().chain([("NOTICE_TOPIC_ARN", topic)]).collect();
    let target = stack.sandbox.clients.autoscaling.register_scalable_target();
    let target = target.service_namespace("ecs".into()).scalable_dimension("ecs:service:DesiredCount".into());
    target.resource_id(TARGET).max_capacity(100).send().await?;
    stack.function(&settings).await
}

#[tokio::test]
async fn a_call_that_is_throttled_or_cut_for_a_while_is_repeated_until_it_succeeds() -> Test {
    let stack = Stack::start().await?;
    let function = unlimited(&stack).await?;
    let mut tasks = 2;
    for (service, operation) in CALLS {
        for fault in [Fault::Throttle, Fault::InternalError, Fault::CutBefore, Fault::CutAfter] {
            stack
                .sandbox
                .gateway
                .faults()
                .add(Rule::new(service, operation, fault.clone()).of("scale-up").times(2));
            let answer = decision(&function, &json!({ "by": 1 })).await?;
            assert_eq!(answer, "applied applied", "{operation} with {fault:?}");
            assert!(stack.sandbox.gateway.faults().left().is_empty(), "{operation} was not called twice");
            tasks += 1;
            assert_eq!(stack.sandbox.desired_count().await?, tasks, "{operation} with {fault:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_call_that_stays_throttled_is_answered_and_changes_nothing_before_the_claim() -> Test {
    let stack = Stack::start().await?;
    let function = unlimited(&stack).await?;
    for (service, operation, expected) in [
        ("dynamodb", "BatchGetItem", "refused ledger_unavailable"),
        ("dynamodb", "TransactWriteItems", "refused ledger_unavailable"),
        ("ecs", "DescribeServices", "Aws"),
        ("application-autoscaling", "DescribeScalableTargets", "Aws"),
    ] {
        stack
            .sandbox
            .gateway
            .faults()
            .add(Rule::new(service, operation, Fault::Throttle).of("scale-up").times(100));
        let answer = match send(&function, &json!({ "by": 1 })).await {
            Answer::Ok(outcome) => read(&outcome),
            Answer::Err { error_type, error_message } => {
                assert!(error_message.contains("cannot"), "{error_message}");
                error_type
            }
            other => panic!("{operation}: {other:?}"),
        };
        stack.sandbox.gateway.faults().clear();
        assert_eq!((answer.as_str(), stack.sandbox.desired_count().await?), (expected, 2), "{operation}");
    }
    assert_eq!(stack.updates(), 0);
    Ok(())
}

#[tokio::test]
async fn a_record_that_cannot_be_written_is_said_and_nothing_is_done_twice() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("COOLDOWN_SECONDS", "0")]).await?;
    let event = alarm(Timestamp::now());
    let fault =
        Rule::new("dynamodb", "TransactWriteItems", Fault::InternalError).of("scale-up").at(2).times(10);
    stack.sandbox.gateway.faults().add(fault);
    let answer = function.invoke(event.to_string(), Duration::from_secs(8)).await;
    let Answer::Ok(first) = answer else { panic!("{answer:?}") };
    assert_eq!(read(&first), "applied applied");
    assert!(first["reason"].as_str().unwrap_or_default().contains("cannot write the record"), "{first}");
    stack.sandbox.gateway.faults().clear();
    tokio::time::sleep(Duration::from_secs(8)).await;
    let again = outcome(&function, &event).await?;
    assert_eq!(again["steps"][1]["result"], "already_done");
    assert_eq!((stack.updates(), stack.sandbox.desired_count().await?), (1, 3));
    Ok(())
}

#[tokio::test]
async fn what_was_done_is_recorded_in_time_though_no_look_at_it_is_answered() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("VERIFY_SECONDS", "20")]).await?;
    let hangs = Fault::Timeout(Duration::from_secs(6));
    let looks = Rule::new("ecs", "DescribeServices", hangs).of("scale-up").at(3).times(10);
    stack.sandbox.gateway.faults().add(looks);
    let answer = function.invoke(json!({ "by": 1 }).to_string(), Duration::from_secs(8)).await;
    let Answer::Ok(outcome) = answer else { panic!("{answer:?}") };
    assert_eq!(read(&outcome), "applied applied");
    let seen = outcome["verification"]["what"].as_str().unwrap_or_default();
    assert_eq!(seen, "could not look again: no look ended in the time of this run");
    assert_eq!(stack.audit().await?, ["applied applied"]);
    Ok(())
}

//! AWS at its worst: each call throttled, failing, or cut off.

use super::*;

const CALLS: [(&str, &str); 5] = [
    ("dynamodb", "BatchGetItem"),
    ("cloudfront", "ListInvalidations"),
    ("dynamodb", "TransactWriteItems"),
    ("cloudfront", "CreateInvalidation"),
    ("cloudfront", "GetInvalidation"),
];

#[tokio::test]
async fn a_call_that_is_throttled_or_cut_for_a_while_is_repeated_until_it_succeeds() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("ATTEMPTS_PER_DAY", "100")]).await?;
    let mut sent = 0;
    for (service, operation) in CALLS {
        for fault in [Fault::Throttle, Fault::InternalError, Fault::CutBefore, Fault::CutAfter] {
            let rule = Rule::new(service, operation, fault.clone()).of(FUNCTION).times(2);
            stack.sandbox.gateway.faults().add(rule);
            let answer = decision(&function, &json!({ "paths": [format!("/{sent}.js")] })).await?;
            assert_eq!(answer, "applied applied", "{operation} with {fault:?}");
            assert!(stack.sandbox.gateway.faults().left().is_empty(), "{operation} was not called twice");
            sent += 1;
            assert_eq!(stack.sent().len(), sent, "{operation} with {fault:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_call_that_stays_throttled_is_answered_and_changes_nothing_before_the_claim() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    for (service, operation, expected) in [
        ("dynamodb", "BatchGetItem", "refused ledger_unavailable"),
        ("dynamodb", "TransactWriteItems", "refused ledger_unavailable"),
        ("cloudfront", "ListInvalidations", "Aws"),
    ] {
        let rule = Rule::new(service, operation, Fault::Throttle).of(FUNCTION).times(100);
        stack.sandbox.gateway.faults().add(rule);
        let answer = match function.invoke("{}", DEADLINE).await {
            Answer::Ok(outcome) => read(&outcome),
            Answer::Err { error_type, error_message } => {
                assert!(error_message.contains("cannot"), "{error_message}");
                error_type
            }
            other => panic!("{operation}: {other:?}"),
        };
        stack.sandbox.gateway.faults().clear();
        assert_eq!((answer.as_str(), stack.sent().len()), (expected, 0), "{operation}");
    }
    Ok(())
}

#[tokio::test]
async fn a_front_end_that_does_not_answer_is_no_reason_to_keep_old_content() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("APP_URL", "http://127.0.0.1:9")]).await?;
    let cleared = outcome(&function, &json!({})).await?;
    assert_eq!(read(&cleared), "applied applied");
    assert_eq!(cleared["observed"]["assets"][0]["error"], "the connection failed");
    assert_eq!(cleared["verification"]["verified"], true);
    Ok(())
}

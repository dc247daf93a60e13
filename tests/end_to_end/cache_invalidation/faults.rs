//! AWS at its worst: each call throttled, failing, or cut off.

use sandbox::standin::Canned;

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
    let cleared = whole(&function, &json!({})).await?;
    assert_eq!(read(&cleared), "applied applied");
    assert_eq!(cleared["observed"]["assets"][0]["error"], "the connection failed");
    assert_eq!(cleared["verification"]["verified"], false);
    let seen = text(&cleared, "/verification/what");
    assert!(
        seen.contains("is completed") && seen.ends_with("no fresh copy was seen of /assets/main.js, /"),
        "{seen}"
    );
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do not_seen_yet");
    stack.let_it_be_late().await?;
    let given_up = outcome(&function, &tick()).await?;
    assert_eq!(read(&given_up), "nothing_to_do not_seen");
    assert!(
        text(&given_up, "/reason").ends_with("no fresh copy was seen of /assets/main.js, /"),
        "{given_up}"
    );
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_awaited");
    Ok(())
}

#[tokio::test]
async fn a_front_end_that_refuses_or_fails_or_cannot_be_believed_was_not_seen() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    for status in [401, 403, 429, 500, 503] {
        let refusal = Canned { status, headers: Vec::new(), body: "" };
        stack.sandbox.standin.answer_with("/assets/main.js", refusal);
        let cleared = outcome(&function, &json!({ "paths": ["/assets/main.js"] })).await?;
        assert_eq!(
            (read(&cleared).as_str(), &cleared["verification"]["verified"]),
            ("applied applied", &json!(false))
        );
        let seen = text(&cleared, "/verification/what");
        assert!(seen.contains(&format!("status {status}")), "{seen}");
        assert!(seen.ends_with("no fresh copy was seen of /assets/main.js"), "{seen}");
    }
    // A firewall that lets it through again.
    stack.sandbox.standin.answer_as_deployed();
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do verified");

    let expired = stack.sandbox.standin.serve_expired().await?;
    let elsewhere = stack.function(&[("APP_URL", &expired)]).await?;
    let cleared = outcome(&elsewhere, &json!({})).await?;
    assert_eq!(cleared["verification"]["verified"], false);
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_gone_is_said_not_to_be_there() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    for status in [404, 410] {
        let gone = Canned { status, headers: Vec::new(), body: "" };
        stack.sandbox.standin.answer_with("/old.pdf", gone);
        let cleared = outcome(&function, &json!({ "paths": ["/old.pdf", "/assets/main.js"] })).await?;
        assert_eq!(
            (read(&cleared).as_str(), &cleared["verification"]["verified"]),
            ("applied applied", &json!(false))
        );
        assert!(text(&cleared, "/verification/what").ends_with(": not there: /old.pdf"), "{cleared}");
        let told = outcome(&function, &tick()).await?;
        assert_eq!(read(&told), "nothing_to_do not_there");
        assert!(text(&told, "/next/what").contains("if it was deleted"), "{told}");
        assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_awaited");
    }
    Ok(())
}

//! Bad input: an error that says what to change, and nothing written.

use super::*;

#[tokio::test]
async fn bad_input_is_an_error_that_names_its_kind_and_writes_nothing() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let cases = [
        ("", "EmptyRequest", r#"as in {"to": "previous", "dry_run": true}"#),
        ("{", "InvalidJson", "EOF while parsing"),
        ("[]", "InvalidRequest", r#"as in {"to": "previous", "dry_run": true}"#),
        ("null", "InvalidRequest", r#"as in {"to": "previous", "dry_run": true}"#),
        ("{}", "InvalidRequest", "`to` is missing: send {\"to\": \"previous\"}"),
        (r#"{"to": ""}"#, "InvalidRequest", "`to` is ``"),
        (r#"{"to": 41}"#, "InvalidRequest", "`to` must be text, not the number 41"),
        (r#"{"to": "41"}"#, "InvalidRequest", "`to` is `41`"),
        (r#"{"to": "backend:-1"}"#, "InvalidRequest", "`to` is `backend:-1`"),
        (r#"{"to": "arn:aws:s3:::bucket"}"#, "InvalidRequest", "name one by its task definition"),
        (r#"{"too": "previous"}"#, "InvalidRequest", "unknown field `too`"),
        (r#"{"to": "previous", "approve": "x"}"#, "InvalidRequest", "send `approve` without to"),
        (r#"{"to": "previous", "reject": "x"}"#, "InvalidRequest", "send `reject` without to"),
        (
            r#"{"source": "aws.ec2", "detail-type": "EC2 Spot", "detail": {}}"#,
            "UnknownEvent",
            "source, detail-type",
        ),
    ];
    refuses(&function, &cases).await?;
    assert_eq!(stack.writes(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_not_for_it_is_refused() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[]).await?;
    let cpu = sandbox::stack::alarm("cpu", ["AWS/ECS", "CPUUtilization"], &[], Timestamp::now());
    assert_eq!(decision(&function, &cpu).await?, "refused not_an_error_alarm");
    let mut completed = deployment_failed(&stack).await?;
    completed["detail"]["eventName"] = json!("SERVICE_DEPLOYMENT_COMPLETED");
    assert_eq!(decision(&function, &completed).await?, "nothing_to_do deployment_not_failed");
    let mut other = deployment_failed(&stack).await?;
    other["resources"][0] = json!(SERVICE_ARN.replace("backend", "worker"));
    assert_eq!(decision(&function, &other).await?, "refused not_allowed");
    assert_eq!(stack.sandbox.runs().await?, release(3));
    Ok(())
}

#[tokio::test]
async fn a_missing_setting_is_named() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("PROBE_FUNCTION", "")]).await?;
    assert_eq!(function.ready().await, None);
    let error = format!("{:?}", function.init_error());
    assert!(error.contains("the environment variable PROBE_FUNCTION is not set"), "{error}");
    Ok(())
}

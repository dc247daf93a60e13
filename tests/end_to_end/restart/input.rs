//! Bad input: an error that says what to change, and nothing written.

use super::*;

#[tokio::test]
async fn bad_input_is_an_error_that_names_its_kind_and_writes_nothing() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let cases = [
        ("", "EmptyRequest", r#"as in {"dry_run": true}"#),
        ("{", "InvalidJson", "EOF while parsing"),
        ("[]", "InvalidRequest", r#"as in {"dry_run": true}"#),
        ("null", "InvalidRequest", r#"as in {"dry_run": true}"#),
        (r#"{"service": "backend"}"#, "InvalidRequest", "unknown field `service`"),
        (r#"{"desired_count": 2}"#, "InvalidRequest", "unknown field `desired_count`"),
        (r#"{"dry_run": "yes"}"#, "InvalidRequest", "`dry_run` must be true or false"),
        (r#"{"reason": 7}"#, "InvalidRequest", "`reason` must be text, not the number 7"),
        (r#"{"approve": ""}"#, "InvalidRequest", "`approve` is empty"),
        (r#"{"approve": "x", "to": "y"}"#, "InvalidRequest", "send `approve` without to"),
        (
            r#"{"step_functions": {"state": "Restart"}}"#,
            "InvalidRequest",
            "`step_functions.execution` is missing",
        ),
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
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    for (task, event) in [("diagnose", "ecs-task-stopped"), ("cache-invalidation", "codebuild-succeeded")] {
        let path = sandbox::workspace().join(format!("events/{task}/{event}.json"));
        let body = sandbox::events::filled(&std::fs::read_to_string(path)?, Timestamp::now());
        refuses(&function, &[(&body, "InvalidRequest", "restart is not woken by")]).await?;
    }
    assert_eq!(stack.writes(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_missing_or_mistyped_setting_is_named() -> Test {
    let stack = start().await?;
    for (name, value, message) in [
        ("SERVICE", "", "the environment variable SERVICE is not set"),
        ("SETTLE_SECONDS", "1", "SETTLE_SECONDS is `1`, but must be a whole number from 10 to 7200"),
    ] {
        let function = stack.function(&[(name, value)]).await?;
        assert_eq!(function.ready().await, None, "{name}={value} was taken");
        let error = format!("{:?}", function.init_error());
        assert!(error.contains(message), "{error}");
    }
    Ok(())
}

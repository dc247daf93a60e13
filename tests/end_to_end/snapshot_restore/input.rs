//! Bad input is an error that says what to change.

use super::*;

#[tokio::test]
async fn bad_input_is_an_error_that_names_its_kind_and_writes_nothing() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let cases = [
        ("", "EmptyRequest", r#"as in {"snapshot": "latest", "dry_run": true}"#),
        ("{", "InvalidJson", "EOF while parsing"),
        ("[]", "InvalidRequest", r#"as in {"snapshot": "latest", "dry_run": true}"#),
        ("null", "InvalidRequest", r#"as in {"snapshot": "latest", "dry_run": true}"#),
        ("{}", "InvalidRequest", "nothing is asked for: send {\"snapshot\": \"latest\"}"),
        (r#"{"snapshot": ""}"#, "InvalidRequest", "`snapshot` must be `latest` or the id of a snapshot"),
        (r#"{"snapshot": "a b"}"#, "InvalidRequest", "`snapshot` must be"),
        (r#"{"before": "yesterday"}"#, "InvalidRequest", "`before` is `yesterday`, but must be a time"),
        (r#"{"point_in_time": 5}"#, "InvalidRequest", "`point_in_time` must be text, not the number 5"),
        (r#"{"list": false}"#, "InvalidRequest", "`list` is false"),
        (r#"{"snapshot": "latest", "list": true}"#, "InvalidRequest", "more than one thing is asked for"),
        (r#"{"continue": "lendpeak2-production"}"#, "InvalidRequest", "must be the id of a restore"),
        (
            r#"{"discard": "lendpeak2-staging-restore-20261120100000"}"#,
            "InvalidRequest",
            "must be the id of a restore",
        ),
        (r#"{"snapshots": "latest"}"#, "InvalidRequest", "unknown field `snapshots`"),
        (
            r#"{"AlarmName": "a", "NewStateValue": "ALARM", "StateChangeTime": "2026-11-20T10:00:00Z"}"#,
            "InvalidRequest",
            "not woken by alarms",
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
async fn a_missing_setting_is_named() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("SOURCE_CLUSTER", "")]).await?;
    assert_eq!(function.ready().await, None);
    let error = format!("{:?}", function.init_error());
    assert!(error.contains("the environment variable SOURCE_CLUSTER is not set"), "{error}");
    Ok(())
}

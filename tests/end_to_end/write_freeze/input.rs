//! Bad input: an error that says what to change, and nothing written.

use super::*;

#[tokio::test]
async fn bad_input_is_an_error_that_names_its_kind_and_writes_nothing() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let cases = [
        ("", "EmptyRequest", r#"as in {"state": "on", "dry_run": true}"#),
        ("{", "InvalidJson", "EOF while parsing"),
        ("[]", "InvalidRequest", r#"as in {"state": "on", "dry_run": true}"#),
        ("null", "InvalidRequest", r#"as in {"state": "on", "dry_run": true}"#),
        ("{}", "InvalidRequest", "`state` is missing: send {\"state\": \"on\""),
        (r#"{"state": ""}"#, "InvalidRequest", "`state` is ``"),
        (r#"{"state": "ON"}"#, "InvalidRequest", "`state` is `ON`"),
        (r#"{"state": true}"#, "InvalidRequest", "`state` must be text, not true"),
        (r#"{"sate": "on"}"#, "InvalidRequest", "unknown field `sate`"),
        (r#"{"state": "on", "approve": "x"}"#, "InvalidRequest", "send `approve` without state"),
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
    let function = stack.function(&[("SETTLE_SECONDS", "soon")]).await?;
    assert_eq!(function.ready().await, None);
    let error = format!("{:?}", function.init_error());
    assert!(error.contains("the environment variable SETTLE_SECONDS is `soon`"), "{error}");
    Ok(())
}

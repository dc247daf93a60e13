//! Bad input: an error that says what to change, and nothing written.

use super::*;

#[tokio::test]
async fn bad_input_is_an_error_that_names_its_kind_and_writes_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let cases = [
        ("", "EmptyRequest", r#"as in {"list": true}"#),
        ("{", "InvalidJson", "EOF while parsing"),
        ("[]", "InvalidRequest", r#"as in {"list": true}"#),
        ("null", "InvalidRequest", r#"as in {"list": true}"#),
        (r#"{"shwo": "x"}"#, "InvalidRequest", "unknown field `shwo`"),
        (r#"{"show": "20200101-000000-nothing"}"#, "InvalidRequest", "there is no incident"),
        (r#"{"note": "20200101-000000-nothing", "text": "x"}"#, "InvalidRequest", "there is no incident"),
        (
            r#"{"acknowledge": "20200101-000000-nothing", "by": "x"}"#,
            "InvalidRequest",
            "there is no incident",
        ),
        (r#"{"escalate": "x", "level": 7}"#, "InvalidRequest", "`level` is 7"),
        (r#"{"open": {"title": 7}}"#, "InvalidRequest", "must be text, not the number 7"),
        (r#"{"step": {"take": {}}}"#, "InvalidRequest", "only the state machine"),
        (r#"{"approve": "x"}"#, "InvalidRequest", "nothing to approve"),
        (r#"{"reject": "x"}"#, "InvalidRequest", "nothing to approve or reject"),
        (
            r#"{"step_functions": {"execution": "e", "state": "s"}, "request": {"step": {"dance": {}}}}"#,
            "InvalidRequest",
            "dance",
        ),
        (
            r#"{"source": "aws.ecs", "detail-type": "ECS Task State Change", "id": "1", "time": "2026-11-24T14:00:00Z", "resources": ["x"], "detail": {}}"#,
            "InvalidRequest",
            "for other functions",
        ),
        (r#"{"Records": [{"eventSource": "aws:s3"}]}"#, "UnknownEvent", "Records"),
    ];
    stack::refuses(&function, &cases).await?;
    assert_eq!(stack.writes(), Vec::<String>::new());
    Ok(())
}

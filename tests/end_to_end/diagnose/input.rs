//! Bad input: an error that says what to change.

use super::*;

#[tokio::test]
async fn bad_input_is_an_error_that_names_its_kind_and_reads_nothing() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let cases = [
        ("", "EmptyRequest", r#"as in {"symptom": "Service Down"}"#),
        ("{", "InvalidJson", "EOF while parsing"),
        ("[]", "InvalidRequest", r#"as in {"symptom": "Service Down"}"#),
        ("null", "InvalidRequest", r#"as in {"symptom": "Service Down"}"#),
        (r#"{"symptom": "sluggish"}"#, "InvalidRequest", "there are service-down, data-corruption"),
        (r#"{"symptom": 1}"#, "InvalidRequest", "`symptom` must be text, not the number 1"),
        (r#"{"status": 42}"#, "InvalidRequest", "an HTTP status from 100 to 599"),
        (r#"{"status": "500"}"#, "InvalidRequest", "`status` must be a whole number"),
        (r#"{"symptom": "high-memory", "status": 500}"#, "InvalidRequest", "send one of them"),
        (r#"{"format": "html"}"#, "InvalidRequest", "must be text or markdown"),
        (r#"{"symptoms": ["high-memory"]}"#, "InvalidRequest", "unknown field `symptoms`"),
        (r#"{"approve": "x"}"#, "InvalidRequest", "nothing to approve"),
        (r#"{"reject": "x"}"#, "InvalidRequest", "nothing to approve or reject"),
        (
            r#"{"source": "aws.ec2", "detail-type": "EC2 Spot", "detail": {}}"#,
            "UnknownEvent",
            "source, detail-type",
        ),
    ];
    refuses(&function, &cases).await?;
    assert_eq!(stack.sandbox.gateway.record().names("diagnose"), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_missing_setting_is_named() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("CLUSTER", "")]).await?;
    assert_eq!(function.ready().await, None);
    let error = format!("{:?}", function.init_error());
    assert!(error.contains("the environment variable CLUSTER is not set"), "{error}");
    Ok(())
}

//! Bad input is an error that says what to change; the samples in `events/` run.

use super::*;

#[tokio::test]
async fn bad_input_is_an_error_that_names_its_kind_and_writes_nothing() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let cases = [
        ("", "EmptyRequest", "send {}"),
        ("{", "InvalidJson", "EOF while parsing"),
        ("[]", "InvalidRequest", "must be a JSON object"),
        ("{}", "InvalidRequest", "nothing is asked for: send {\"snapshot\": \"latest\"}"),
        (r#"{"snapshot": ""}"#, "InvalidRequest", "`snapshot` must be `latest` or the id of a snapshot"),
        (r#"{"snapshot": "a b"}"#, "InvalidRequest", "`snapshot` must be"),
        (r#"{"before": "yesterday"}"#, "InvalidRequest", "`before` is `yesterday`, but must be a time"),
        (r#"{"point_in_time": 5}"#, "InvalidRequest", "expected a string"),
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
async fn every_sample_event_runs() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let expected = [
        ("approve", "refused approval_unknown"),
        ("before", "refused snapshot_missing"),
        ("continue", "refused restore_unknown"),
        ("cut-over", "refused restore_unknown"),
        ("discard", "nothing_to_do already_gone"),
        ("dry-run", "observed would_act"),
        ("latest-point-in-time", "awaiting_approval approval_needed"),
        ("latest-snapshot", "awaiting_approval approval_needed"),
        ("list", "nothing_to_do list"),
        ("named-snapshot", "refused snapshot_missing"),
        ("point-in-time", "refused outside_window"),
        ("report", "failed nothing_left_behind"),
        ("schedule", " "),
        ("set-password", "refused restore_unknown"),
        ("step-functions", "refused restore_unknown"),
        ("undo", "refused restore_unknown"),
    ];
    let folder = tests::workspace().join("events/snapshot-restore");
    let mut seen = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let event: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        seen.push((name, decision(&function, &event).await?));
    }
    seen.sort();
    let expected = expected.map(|(name, decided)| (name.to_owned(), decided.to_owned()));
    assert_eq!(seen, expected);
    assert!(docdb(&stack).restored().is_empty());
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

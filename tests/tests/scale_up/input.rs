//! Bad input: an error that says what to change, and nothing written.

use super::*;

#[tokio::test]
async fn bad_input_is_an_error_that_names_its_kind_and_writes_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let cases = [
        ("", "EmptyRequest", "send {}"),
        ("{", "InvalidJson", "EOF while parsing"),
        ("[]", "InvalidRequest", "must be a JSON object"),
        ("\"scale up\"", "InvalidRequest", "must be a JSON object"),
        ("null", "InvalidRequest", "must be a JSON object"),
        (r#"{"desird_count": 4}"#, "InvalidRequest", "unknown field `desird_count`"),
        (r#"{"desired_count": "4"}"#, "InvalidRequest", "expected i64"),
        (r#"{"desired_count": 4.5}"#, "InvalidRequest", "expected i64"),
        (r#"{"desired_count": -1}"#, "InvalidRequest", "from 1 to 5000"),
        (r#"{"by": 100000000000}"#, "InvalidRequest", "from 1 to 5000"),
        (r#"{"by": 0}"#, "InvalidRequest", "from 1 to 5000"),
        (r#"{"service": 7}"#, "InvalidRequest", "expected a string"),
        (r#"{"by": 1, "desired_count": 3}"#, "InvalidRequest", "not both"),
        (r#"{"approve": 12}"#, "InvalidRequest", "expected a string"),
        (
            r#"{"source": "aws.ec2", "detail-type": "EC2 Spot", "detail": {}}"#,
            "UnknownEvent",
            "source, detail-type, detail",
        ),
        (r#"{"Records": [{"eventSource": "aws:s3"}]}"#, "UnknownEvent", "Records"),
    ];
    stack::refuses(&function, &cases).await?;
    assert_eq!(stack.writes(), Vec::<String>::new());
    Ok(())
}

/// Every sample event does what it is there to show, or says why not.
#[tokio::test]
async fn every_sample_event_runs() -> Test {
    let stack = Stack::start().await?;
    let mut ran = 0;
    for folder in std::fs::read_dir(tests::workspace().join("events"))? {
        let folder = folder?;
        let task = folder.file_name().into_string().ok().context("a folder's name is no text")?;
        for file in std::fs::read_dir(folder.path())? {
            let path = file?.path();
            let invoke = stack.sandbox.clients.lambda.invoke().function_name(Sandbox::function_name(&task));
            let answer = invoke.payload(std::fs::read(&path)?.into()).send().await?;
            let payload: Value = serde_json::from_slice(answer.payload.context("no answer")?.as_ref())?;
            // An ECS event is not for scale-up, and it says so.
            let misdirected = task == "scale-up" && path.to_string_lossy().contains("/ecs-");
            match payload["errorType"].as_str() {
                None => assert_eq!(answer.function_error, None, "{}", path.display()),
                Some("InvalidRequest") if misdirected => {}
                // Nor is there the incident that the samples name.
                Some("InvalidRequest")
                    if payload["errorMessage"].to_string().contains("no incident `2026") => {}
                Some(_) => panic!("{} was answered with {payload}", path.display()),
            }
            ran += 1;
        }
    }
    assert!(ran > 10, "only {ran} sample events were found");
    Ok(())
}

//! Bad input: an error that says what to change, and nothing written.

use super::*;

#[tokio::test]
async fn bad_input_is_an_error_that_names_its_kind_and_writes_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let cases = [
        ("", "EmptyRequest", r#"as in {"by": 1, "dry_run": true}"#),
        ("{", "InvalidJson", "EOF while parsing"),
        ("[]", "InvalidRequest", r#"as in {"by": 1, "dry_run": true}"#),
        ("\"scale up\"", "InvalidRequest", "must be a JSON object"),
        ("null", "InvalidRequest", r#"as in {"by": 1, "dry_run": true}"#),
        (r#"{"desird_count": 4}"#, "InvalidRequest", "unknown field `desird_count`"),
        (r#"{"desired_count": "4"}"#, "InvalidRequest", "`desired_count` must be a whole number"),
        (r#"{"desired_count": 4.5}"#, "InvalidRequest", "`desired_count` must be a whole number"),
        (r#"{"desired_count": -1}"#, "InvalidRequest", "from 1 to 5000"),
        (r#"{"by": 100000000000}"#, "InvalidRequest", "from 1 to 5000"),
        (r#"{"by": 0}"#, "InvalidRequest", "from 1 to 5000"),
        (r#"{"service": 7}"#, "InvalidRequest", "`service` must be text"),
        (r#"{"by": 1, "desired_count": 3}"#, "InvalidRequest", "not both"),
        (r#"{"approve": 12}"#, "InvalidRequest", "`approve` must be text"),
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

#[tokio::test]
async fn an_alarm_of_something_else_is_refused_and_changes_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let of_service = [("ClusterName", CLUSTER), ("ServiceName", SERVICE)];
    let cpu = ["AWS/ECS", "CPUUtilization"];
    let other = [("DBInstanceIdentifier", "someone")];
    sandbox::stack::put_alarm(&stack.sandbox, "rds-cpu", ["AWS/RDS", "CPUUtilization"], &other).await?;
    let now = Timestamp::now();
    let elsewhere = stack::alarm("lendpeak2-production-high-cpu", cpu, &of_service, now)
        .to_string()
        .replace("000000000000:alarm", "999999999999:alarm");
    let later = now + jiff::SignedDuration::from_hours(1);
    for (event, code) in [
        (stack::alarm("unknown", cpu, &of_service, now), "alarm_unknown"),
        // The event says one thing, and CloudWatch another.
        (stack::alarm("rds-cpu", cpu, &of_service, now), "alarm_of_something_else"),
        (elsewhere.parse()?, "not_of_this_account"),
        (stack::alarm("lendpeak2-production-high-cpu", cpu, &of_service, later), "event_from_the_future"),
    ] {
        let answer = format!("{:?}", send(&function, &event).await);
        assert!(answer.contains(code) && answer.contains("refused"), "{code}: {answer}");
    }
    assert_eq!(stack.updates(), 0);
    Ok(())
}

//! Alarms of something else: of another account, another stack, another thing, or for the other side.

use super::*;

const STAGING: [(&str, &str); 2] = [("ClusterName", "lendpeak2-staging"), ("ServiceName", SERVICE)];
const OTHERS: [(&str, &str); 1] = [("LoadBalancer", "app/someone-elses/aaaaaaaaaaaaaaaa")];

/// The function is refused with this code, and changes nothing.
async fn refused(fixture: &Fixture, function: &Bootstrap, event: &Value, code: &str) -> Test {
    let answer = outcome(function, event).await?;
    ensure!(read(&answer) == format!("refused {code}"), "{event}\nis answered with {answer:#}");
    ensure!(fixture.changes().is_empty(), "{event}\n{:?}", fixture.changes());
    Ok(())
}

/// Each alarm is there in CloudWatch, rings, and is sent as our own would be.
#[tokio::test]
async fn an_alarm_of_another_thing_is_refused_by_every_remedy() -> Test {
    let fixture = Fixture::start("rollback").await?;
    fixture.sandbox.release(&[]).await?;
    let else_ = "alarm_of_something_else";
    for (task, alarms) in [
        (
            "scale-up",
            [
                ("ec2", ["AWS/EC2", "CPUUtilization"], &[("InstanceId", "i-1")][..], else_),
                ("cluster", CPU, &OF_SERVICE[..1], else_),
                ("staging", CPU, &STAGING[..], "not_allowed"),
            ],
        ),
        (
            "rollback",
            [
                ("balancer", ERRORS, &OTHERS[..], else_),
                ("gateway", ["AWS/ApiGateway", "5XXError"], &[("ApiName", "shop")][..], else_),
                ("sum", ["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"], &[][..], else_),
            ],
        ),
        (
            "restart",
            [
                ("leak", ["AWS/ECS", "MemoryUtilization"], &STAGING[..], "not_allowed"),
                ("rds", ["AWS/RDS", "FreeableMemory"], &[("DBInstanceIdentifier", "someone")][..], else_),
                (
                    "target",
                    ["AWS/ApplicationELB", "UnHealthyHostCount"],
                    &[("TargetGroup", "targetgroup/x/1")][..],
                    else_,
                ),
            ],
        ),
        (
            "write-freeze",
            [
                ("other", CPU, &[("ClusterName", "lendpeak2-staging"), ("ServiceName", "other")][..], else_),
                ("docdb", ["AWS/DocDB", "CPUUtilization"], &[("DBClusterIdentifier", "someone")][..], else_),
                ("errors", ERRORS, &OTHERS[..], else_),
            ],
        ),
        (
            "cache-invalidation",
            [
                ("none", ["AWS/CloudFront", "4xxErrorRate"], &[][..], else_),
                (
                    "site",
                    ["AWS/CloudFront", "4xxErrorRate"],
                    &[("DistributionId", "E999"), ("Region", "Global")][..],
                    "not_allowed",
                ),
                ("api", ["AWS/ApiGateway", "4XXError"], &[("ApiName", "shop")][..], "not_a_cache_alarm"),
            ],
        ),
    ] {
        let function = fixture.a(task, &[]).await?;
        for (name, metric, dimensions, code) in alarms {
            let name = format!("{task}-{name}");
            put_alarm(&fixture.sandbox, &name, metric, dimensions).await?;
            let event = stack::alarm(&name, metric, dimensions, Timestamp::now());
            refused(&fixture, &function, &event, code).await.context(name)?;
        }
    }
    // The event says that it is ours, and CloudWatch knows better.
    let function = fixture.a("rollback", &[]).await?;
    refused(&fixture, &function, &errors("rollback-balancer"), else_).await
}

/// The alarm itself is ours and rings.
#[tokio::test]
async fn an_event_of_another_account_region_topic_or_year_is_refused() -> Test {
    let fixture = Fixture::start("rollback").await?;
    fixture.sandbox.release(&[]).await?;
    put_alarm(&fixture.sandbox, "errors", ERRORS, &[("LoadBalancer", LOAD_BALANCER)]).await?;
    put_alarm(&fixture.sandbox, "load", CPU, &OF_SERVICE).await?;
    put_alarm(&fixture.sandbox, "violations", ["LendPeak2/Data", "NegativeLoans"], &[]).await?;
    for (task, event) in [
        ("scale-up", load("load")),
        ("rollback", errors("errors")),
        ("restart", load("load")),
        ("write-freeze", violations("violations")),
    ] {
        let function = fixture.a(task, &[]).await?;
        let changed = |from: &str, to: &str| -> anyhow::Result<Value> {
            let text = event.to_string();
            ensure!(text.contains(from), "{text} has no {from}");
            Ok(text.replace(from, to).parse()?)
        };
        let year = Timestamp::now().strftime("%Y").to_string();
        let next = (year.parse::<i32>()? + 1).to_string();
        for (event, code) in [
            (
                changed("us-east-1:000000000000:alarm:", "eu-west-1:999999999999:alarm:")?,
                "not_of_this_account",
            ),
            (
                changed("us-east-1:000000000000:alarm:", "us-east-1:999999999999:alarm:")?,
                "not_of_this_account",
            ),
            (
                changed("us-east-1:000000000000:alarm:", "eu-west-1:000000000000:alarm:")?,
                "not_of_this_account",
            ),
            (changed("sns:us-east-1:000000000000:", "sns:us-east-1:999999999999:")?, "not_of_this_account"),
            (changed(&format!("{year}-"), &format!("{next}-"))?, "event_from_the_future"),
        ] {
            refused(&fixture, &function, &event, code).await.context(task)?;
        }
        if ["restart", "write-freeze"].contains(&task) {
            let event = changed("lendpeak2-production-alarms", "somebody-elses")?;
            refused(&fixture, &function, &event, "alarm_not_wired").await.context(task)?;
        }
    }
    let builds = fixture.a("cache-invalidation", &[]).await?;
    let build = |account: &str, project: &str| {
        json!({ "version": "0", "id": "1", "detail-type": "CodeBuild Build State Change", "source": "aws.codebuild",
            "account": account, "time": Timestamp::now().to_string(), "region": "us-east-1",
            "resources": [format!("arn:aws:codebuild:us-east-1:{account}:build/{project}:1")],
            "detail": { "build-status": "SUCCEEDED", "project-name": project,
                "build-id": format!("arn:aws:codebuild:us-east-1:{account}:build/{project}:1") } })
    };
    refused(&fixture, &builds, &build("999999999999", FRONT_END_BUILD), "not_of_this_account").await?;
    refused(&fixture, &builds, &build("000000000000", "shop"), "not_allowed").await
}

/// An alarm as `DescribeAlarms` tells it, in ALARM.
fn described(name: &str, more: &Value) -> Value {
    let mut alarm = json!({ "AlarmName": name, "AlarmArn": arn(name), "StateValue": "ALARM",
        "StateReason": "Threshold Crossed: 1 datapoint [93.0] was greater than the threshold.",
        "ComparisonOperator": "GreaterThanThreshold", "Threshold": 80.0, "EvaluationPeriods": 3 });
    for (field, value) in more.as_object().into_iter().flatten() {
        alarm[field] = value.clone();
    }
    alarm
}

fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}")
}

fn dimensions(service: &str) -> Value {
    json!([{ "Name": "ClusterName", "Value": CLUSTER }, { "Name": "ServiceName", "Value": service }])
}

fn math(expression: &str, services: &[&str]) -> Value {
    let of = |(number, service): (usize, &&str)| {
        json!({ "Id": format!("m{}", number + 1), "ReturnData": false, "MetricStat": { "Period": 60, "Stat": "Average",
            "Metric": { "Namespace": "AWS/ECS", "MetricName": "CPUUtilization", "Dimensions": dimensions(service) } } })
    };
    let mut queries: Vec<Value> = services.iter().enumerate().map(of).collect();
    queries.push(json!({ "Id": "e", "ReturnData": true, "Expression": expression }));
    json!({ "Metrics": queries })
}

/// How such an alarm's event reads: of an expression it has no metric, or one that looks like ours.
fn event(name: &str) -> Value {
    stack::alarm(name, CPU, &OF_SERVICE, Timestamp::now())
}

/// EventBridge tells of every change of state, whoever is to be spared the actions.
fn by_eventbridge(name: &str) -> Value {
    let now = Timestamp::now();
    let state = |value: &str| {
        json!({ "value": value, "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string(),
        "actionsSuppressedBy": "Alarm", "actionsSuppressedReason": "Actions suppressed by lendpeak2-maintenance" })
    };
    json!({ "version": "0", "id": "1", "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch", "account": "000000000000", "time": now.to_string(), "region": "us-east-1",
        "resources": [arn(name)],
        "detail": { "alarmName": name, "state": state("ALARM"), "previousState": state("OK"),
            "configuration": { "alarmRule": r#"ALARM("busy")"#, "actionsSuppressor": "lendpeak2-maintenance" } } })
}

#[tokio::test]
async fn an_alarm_for_the_other_side_or_of_two_services_or_kept_quiet_scales_nothing() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    let function = fixture.function(&[]).await?;
    let cloudwatch = fixture.sandbox.gateway.cloudwatch();
    let plain =
        json!({ "Namespace": "AWS/ECS", "MetricName": "CPUUtilization", "Dimensions": dimensions(SERVICE) });
    let with = |field: &str, value: Value| {
        let mut plain = plain.clone();
        plain[field] = value;
        plain
    };
    let sql = |condition: &str| {
        let from = r#"FROM SCHEMA("AWS/ECS", ClusterName,ServiceName)"#;
        json!({ "Metrics": [{ "Id": "q", "ReturnData": true,
            "Expression": format!("SELECT MAX(CPUUtilization) {from}{condition}") }] })
    };
    let suppressed = |by: &str| json!({ "AlarmRule": r#"ALARM("busy")"#, "ActionsSuppressedBy": by });
    cloudwatch.add_alarm(described("busy", &plain));
    let (else_, side) = ("alarm_of_something_else", "wrong_side");
    for (name, alarm, code) in [
        ("cpu-low", with("ComparisonOperator", json!("LessThanThreshold")), side),
        ("cpu-idle", with("ComparisonOperator", json!("LessThanOrEqualToThreshold")), side),
        ("cpu-below-its-band", with("ComparisonOperator", json!("LessThanLowerThreshold")), side),
        ("headroom", math("100 - m1", &[SERVICE]), side),
        ("fleet-cpu", sql(" WHERE ServiceName = 'worker'"), else_),
        ("all-cpu", sql(""), else_),
        (
            "any-cpu",
            sql(
                " WHERE ClusterName = 'lendpeak2-production' AND ServiceName = 'backend' OR ServiceName = 'worker'",
            ),
            else_,
        ),
        ("both-cpu", math("m1+m2", &[SERVICE, "worker"]), else_),
        ("worker-cpu", math("m1", &["worker"]), else_),
        ("either-cpu", math("MAX([m1,m2])", &["worker", SERVICE]), else_),
        ("lendpeak2-overloaded", suppressed("Alarm"), "actions_suppressed"),
        ("lendpeak2-overloaded-after", suppressed("ExtensionPeriod"), "actions_suppressed"),
        ("lendpeak2-overloaded-before", suppressed("WaitPeriod"), "actions_suppressed"),
        ("lendpeak2-all", json!({ "AlarmRule": r#"ALARM("busy") OR ALARM("both-cpu")"# }), else_),
        ("lendpeak2-idle", json!({ "AlarmRule": r#"ALARM("cpu-low")"# }), side),
        ("lendpeak2-gone", json!({ "AlarmRule": r#"ALARM("busy") OR ALARM("gone")"# }), "alarm_unknown"),
    ] {
        cloudwatch.add_alarm(described(name, &alarm));
        refused(&fixture, &function, &event(name), code).await.context(name)?;
    }
    refused(&fixture, &function, &by_eventbridge("lendpeak2-overloaded"), "actions_suppressed").await?;
    // It does not refuse them all: one like these is a reason.
    let rule = json!({ "AlarmRule": r#"ALARM("busy")"# });
    cloudwatch.add_alarm(described("lendpeak2-busy", &rule));
    assert_eq!(decision(&function, &event("lendpeak2-busy")).await?, "applied applied");
    Ok(())
}

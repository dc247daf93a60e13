use serde_json::json;

use super::*;
use crate::trigger::AlarmState;

fn about() -> About {
    let one = |value: &str| vec![value.to_owned()];
    About {
        ours: vec![
            ("ClusterName", one("lendpeak2-production")),
            ("ServiceName", one("backend")),
            ("LoadBalancer", one("app/lendpeak2-production/0123456789abcdef")),
            ("TargetGroup", Vec::new()),
        ],
        reasons: vec![
            Reason {
                namespace: "AWS/ECS",
                is_metric: |name| name == "CPUUtilization",
                dimensions: &["ClusterName", "ServiceName"],
            },
            Reason {
                namespace: "AWS/ApplicationELB",
                is_metric: |name| name == "TargetResponseTime",
                dimensions: &["LoadBalancer"],
            },
        ],
    }
}

/// The same where people wire the alarms.
fn wired() -> About {
    About { reasons: Vec::new(), ..about() }
}

const ARN: &str = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a";

fn metric(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Query {
    let dimensions =
        dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Query {
        id: "m1".to_owned(),
        is_compared: true,
        metric: Some(WatchedMetric { namespace: namespace.to_owned(), name: name.to_owned(), dimensions }),
        ..Query::default()
    }
}

const HERE: [(&str, &str); 2] = [("ClusterName", "lendpeak2-production"), ("ServiceName", "backend")];

fn cpu() -> Query {
    metric("AWS/ECS", "CPUUtilization", &HERE)
}

fn watched(queries: Vec<Query>) -> Watched {
    Watched {
        comparison: "GreaterThanThreshold".to_owned(),
        threshold: Some(80.0),
        queries,
        ..Watched::default()
    }
}

fn described(name: &str, watches: Watches) -> Described {
    Described {
        name: name.to_owned(),
        arn: ARN.replace(":alarm:a", &format!(":alarm:{name}")),
        is_in_alarm: true,
        suppressed_by: None,
        watches,
    }
}

fn alarm(watched: Watched) -> Described {
    described("a", Watches::Metrics(watched))
}

fn event(arn: &str) -> Alarm {
    Alarm {
        name: "a".to_owned(),
        arn: arn.to_owned(),
        state: AlarmState::Alarm,
        reason: String::new(),
        from_no_data: false,
        metrics: Vec::new(),
    }
}

#[track_caller]
fn code(alarm: &Described, about: &About) -> Result<(), &'static str> {
    is_ours(&event(ARN), Some(alarm), about).map_err(|no| no.code.name())
}

#[track_caller]
fn is_a_reason(watched: Watched) {
    assert_eq!(is_ours(&event(ARN), Some(&alarm(watched)), &about()), Ok(()));
}

#[track_caller]
fn refuses(watched: Watched, expected: &'static str) {
    assert_eq!(code(&alarm(watched), &about()), Err(expected));
}

const OTHER: &str = "alarm_of_something_else";

#[test]
fn an_alarm_on_our_own_metric_is_a_reason() {
    is_a_reason(watched(vec![cpu()]));
    let balancer =
        [("LoadBalancer", "app/lendpeak2-production/0123456789abcdef"), ("AvailabilityZone", "us-east-1a")];
    is_a_reason(watched(vec![metric("AWS/ApplicationELB", "TargetResponseTime", &balancer)]));
}

#[test]
fn an_alarm_that_cloudwatch_does_not_know_or_that_is_another_is_none() {
    let unknown = is_ours(&event(ARN), None, &about()).unwrap_err();
    assert_eq!(unknown.code.name(), "alarm_unknown");
    let other = "arn:aws:cloudwatch:eu-west-1:999999999999:alarm:a";
    let refused = is_ours(&event(other), Some(&alarm(watched(vec![cpu()]))), &about()).unwrap_err();
    assert_eq!(refused.code.name(), OTHER);
}

#[test]
fn namespace_metric_and_every_dimension_must_be_ours() {
    for query in [
        metric("AWS/RDS", "CPUUtilization", &[("DBInstanceIdentifier", "someone")]),
        metric("AWS/EC2", "CPUUtilization", &[("InstanceId", "i-1")]),
        metric("AWS/ECS", "CPUUtilization", &[("ClusterName", "lendpeak2-production")]),
        metric("AWS/ECS", "CPUUtilization", &[("ClusterName", "lendpeak2-staging"), HERE[1]]),
        metric("AWS/ECS", "CPUUtilization", &[HERE[0], HERE[1], ("TaskDefinitionFamily", "x")]),
        metric("AWS/ECS", "MemoryReservation", &HERE),
        metric(
            "AWS/ApplicationELB",
            "TargetResponseTime",
            &[("LoadBalancer", "app/someone-elses/aaaaaaaaaaaaaaaa")],
        ),
        metric("AWS/ApplicationELB", "TargetResponseTime", &[("TargetGroup", "targetgroup/x/1")]),
        metric("Custom", "CPUUtilization", &HERE),
        Query { account: Some("999999999999".to_owned()), ..cpu() },
    ] {
        refuses(watched(vec![query]), OTHER);
    }
    refuses(watched(Vec::new()), OTHER);
}

#[test]
fn a_low_value_is_no_reason_and_neither_is_the_lower_side_of_a_band() {
    for comparison in ["LessThanThreshold", "LessThanOrEqualToThreshold", "LessThanLowerThreshold", ""] {
        refuses(Watched { comparison: comparison.to_owned(), ..watched(vec![cpu()]) }, "wrong_side");
    }
    let band = |seen: f64| Watched {
        comparison: "LessThanLowerOrGreaterThanUpperThreshold".to_owned(),
        state_data: json!({ "recentDatapoints": [50.0, seen], "recentLowerThresholds": [20.0, 20.0], "recentUpperThresholds": [70.0, 70.0] }),
        ..watched(vec![cpu()])
    };
    is_a_reason(band(90.0));
    refuses(band(3.0), "wrong_side");
    refuses(band(50.0), "wrong_side");
    is_a_reason(Watched { comparison: "GreaterThanUpperThreshold".to_owned(), ..watched(vec![cpu()]) });
}

#[test]
fn missing_data_is_no_reason() {
    let missing = |data: serde_json::Value, reason: &str| Watched {
        missing_breaches: true,
        state_data: data,
        state_reason: reason.to_owned(),
        ..watched(vec![cpu()])
    };
    let none = "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as [Breaching].";
    refuses(missing(json!({ "recentDatapoints": [] }), none), "data_missing");
    refuses(missing(serde_json::Value::Null, none), "data_missing");
    refuses(missing(json!({ "recentDatapoints": [10.0] }), ""), "data_missing");
    is_a_reason(missing(json!({ "recentDatapoints": [10.0, 93.0] }), ""));
    is_a_reason(missing(
        serde_json::Value::Null,
        "Threshold Crossed: 1 datapoint [93.0 (28/11/26 19:54:00)] was greater",
    ));
}

fn expression(text: &str) -> Query {
    Query { id: "e".to_owned(), is_compared: true, expression: Some(text.to_owned()), ..Query::default() }
}

fn math(text: &str, other: Query) -> Watched {
    let hidden = |id: &str, query: Query| Query { id: id.to_owned(), is_compared: false, ..query };
    watched(vec![expression(text), hidden("m1", cpu()), hidden("m2", other)])
}

#[test]
fn an_expression_is_a_reason_if_it_grows_with_our_metric_and_has_no_other_service_in_it() {
    let requests = || {
        metric(
            "AWS/ApplicationELB",
            "RequestCount",
            &[("LoadBalancer", "app/lendpeak2-production/0123456789abcdef")],
        )
    };
    let worker = metric("AWS/ECS", "CPUUtilization", &[HERE[0], ("ServiceName", "worker")]);
    is_a_reason(math("m1 + 0 * m2", requests()));
    is_a_reason(math("IF(m2 >= 20, m1, 0)", requests()));
    refuses(math("m1+m2", worker.clone()), OTHER);
    refuses(math("m1", worker), OTHER);
    refuses(math("100 - m1", requests()), "wrong_side");
    refuses(math("m2", requests()), "wrong_side");
    refuses(math("RATE(m1)", requests()), "wrong_side");
}

#[test]
fn a_query_in_sql_must_name_our_service() {
    let asks = |condition: &str| {
        watched(vec![expression(&format!(
            "SELECT MAX(CPUUtilization) FROM SCHEMA(\"AWS/ECS\", ClusterName,ServiceName){condition}"
        ))])
    };
    is_a_reason(asks(" WHERE ClusterName = 'lendpeak2-production' AND ServiceName = 'backend'"));
    is_a_reason(asks(
        " WHERE ServiceName='backend' AND \"ClusterName\"='lendpeak2-production' ORDER BY MAX() DESC LIMIT 1",
    ));
    for condition in [
        "",
        " WHERE ServiceName = 'worker'",
        " WHERE ServiceName = 'backend'",
        " WHERE ClusterName = 'lendpeak2-production' AND ServiceName != 'backend'",
        " WHERE ClusterName = 'lendpeak2-production' AND ServiceName = 'backend' OR ServiceName = 'worker'",
        " WHERE ClusterName = 'lendpeak2-production' AND (ServiceName = 'backend')",
        " WHERE ClusterName = 'lendpeak2-production' AND ServiceName = 'backend' AND AWS.AccountId = '999999999999'",
        " GROUP BY ServiceName",
    ] {
        refuses(asks(condition), OTHER);
    }
}

fn composite(rule: &str, children: Vec<Described>) -> Described {
    described("a", Watches::Alarms { rule: rule.to_owned(), children })
}

#[test]
fn a_composite_alarm_is_a_reason_through_a_child_of_ours_that_rings() {
    let ours = || described("cpu", Watches::Metrics(watched(vec![cpu()])));
    let calm = || Described { is_in_alarm: false, ..ours() };
    let other = || {
        described(
            "other",
            Watches::Metrics(watched(vec![metric("AWS/ECS", "CPUUtilization", &[("ClusterName", "x")])])),
        )
    };
    let free = || described("free", Watches::Metrics(watched(vec![metric("Custom", "Deploying", &[])])));
    assert_eq!(code(&composite("ALARM(cpu)", vec![ours()]), &about()), Ok(()));
    assert_eq!(code(&composite("ALARM(cpu) AND NOT ALARM(free)", vec![ours(), free()]), &about()), Ok(()));
    let nested = described("n", Watches::Alarms { rule: "ALARM(cpu)".to_owned(), children: vec![ours()] });
    assert_eq!(code(&composite("ALARM(n)", vec![nested]), &about()), Ok(()));
    for (rule, children, expected) in [
        ("ALARM(cpu) OR ALARM(other)", vec![ours(), other()], OTHER),
        ("ALARM(cpu) OR ALARM(free)", vec![calm(), free()], OTHER),
        ("NOT ALARM(cpu) AND ALARM(free)", vec![ours(), free()], OTHER),
        ("OK(cpu)", vec![calm()], OTHER),
        ("ALARM(cpu) OR ALARM(gone)", vec![ours()], "alarm_unknown"),
        ("TRUE", vec![], OTHER),
    ] {
        assert_eq!(code(&composite(rule, children), &about()), Err(expected), "{rule}");
    }
    let suppressed = Described {
        suppressed_by: Some("lendpeak2-maintenance".to_owned()),
        ..composite("ALARM(cpu)", vec![ours()])
    };
    assert_eq!(code(&suppressed, &about()), Err("actions_suppressed"));
}

#[test]
fn an_alarm_that_people_wired_may_watch_anything_that_is_not_anothers() {
    let free = watched(vec![metric("LendPeak2", "IntegrityViolations", &[("Environment", "production")])]);
    assert_eq!(code(&alarm(free), &wired()), Ok(()));
    let low = Watched { comparison: "LessThanThreshold".to_owned(), ..watched(vec![cpu()]) };
    assert_eq!(code(&alarm(low), &wired()), Ok(()));
    for dimensions in [
        [("ClusterName", "lendpeak2-staging"), ("ServiceName", "other")],
        [("ClusterName", "lendpeak2-production"), ("TargetGroup", "targetgroup/x/1")],
        [("ClusterName", "lendpeak2-production"), ("DBClusterIdentifier", "someone")],
    ] {
        assert_eq!(code(&alarm(watched(vec![metric("X", "Y", &dimensions)])), &wired()), Err(OTHER));
    }
}

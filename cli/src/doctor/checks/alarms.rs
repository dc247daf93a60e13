//! The stack's alarms: whether each is there and rings, and whether what it looks at has values.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::{
    operation::describe_alarms::DescribeAlarmsOutput,
    primitives::DateTime,
    types::{AlarmType, Metric, MetricAlarm, MetricDataQuery, MetricDataResult, MetricStat},
};

use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
};

/// Those that every stack has.
const ALWAYS: [&str; 16] = [
    "ecs-cpu",
    "ecs-memory",
    "alb-response-time",
    "alb-5xx-rate",
    "service-down",
    "probe-failing",
    "dead-letters-sent",
    "dead-letters",
    "incident-errors",
    "incident-throttles",
    "service-down-failed",
    "service-down-timed-out",
    "snapshot-restore-failed",
    "snapshot-restore-timed-out",
    "notices-unheard",
    "notices-undelivered",
];
/// With a target group.
const OF_TARGETS: &str = "no-healthy-target";
/// With a status page.
const OF_THE_PAGE: &str = "status-page-stale";
/// Metrics that have a value every minute. Of the others AWS, or the runbook, puts one only when something happens.
const STEADY: [&str; 4] = ["CPUUtilization", "MemoryUtilization", "HealthyHostCount", "Healthy"];
/// How far back a value is looked for.
const LOOKED_BACK_SECONDS: i64 = 3_600;
/// Of one `GetMetricData`.
const MOST_QUERIES: usize = 500;

/// An alarm, metric or composite, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Alarm {
    name: String,
    is_enabled: bool,
    acts: bool,
}

async fn described(site: &Site) -> Result<DescribeAlarmsOutput, Unseen> {
    let client = aws_sdk_cloudwatch::Client::new(&site.config);
    let mut pages = client
        .describe_alarms()
        .alarm_name_prefix(site.named(""))
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .into_paginator()
        .send();
    let (mut metric, mut composite) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| Failure::aws("read the alarms", "cloudwatch:DescribeAlarms", &error))?;
        metric.extend(page.metric_alarms.unwrap_or_default());
        composite.extend(page.composite_alarms.unwrap_or_default());
    }
    let all = DescribeAlarmsOutput::builder();
    Ok(all.set_metric_alarms(Some(metric)).set_composite_alarms(Some(composite)).build())
}

pub(super) async fn ring(site: &Site) -> Result<Verdict, Unseen> {
    let all = described(site).await?;
    let of_targets = site.given("TargetGroupFullName").map(|_| OF_TARGETS);
    let of_the_page = site.given("StatusPage").filter(|given| *given == "true").map(|_| OF_THE_PAGE);
    let expected = ALWAYS.into_iter().chain(of_targets).chain(of_the_page);
    let expected: Vec<String> = expected.map(|name| site.named(name)).collect();
    Ok(judged(&expected, &alarms(&all), &site.stack.environment))
}

fn alarms(all: &DescribeAlarmsOutput) -> Vec<Alarm> {
    let alarm = |name: Option<&str>, enabled: Option<bool>, actions: &[String]| Alarm {
        name: name.unwrap_or_default().to_owned(),
        is_enabled: enabled.unwrap_or_default(),
        acts: !actions.is_empty(),
    };
    let metric = all.metric_alarms().iter();
    let metric = metric.map(|one| alarm(one.alarm_name(), one.actions_enabled(), one.alarm_actions()));
    let composite = all.composite_alarms().iter();
    metric
        .chain(composite.map(|one| alarm(one.alarm_name(), one.actions_enabled(), one.alarm_actions())))
        .collect()
}

fn judged(expected: &[String], all: &[Alarm], environment: &str) -> Verdict {
    let named = |is_one: &dyn Fn(&&Alarm) -> bool| {
        all.iter().filter(|alarm| is_one(alarm)).map(|alarm| alarm.name.as_str()).collect::<Vec<_>>()
    };
    let missing: Vec<&str> = expected
        .iter()
        .map(String::as_str)
        .filter(|name| !all.iter().any(|alarm| alarm.name == *name))
        .collect();
    let costs = "what it is to wake, or whom it is to tell, hears nothing";
    if !missing.is_empty() {
        return Verdict::bad(
            format!("not there: {}", missing.join(", ")),
            costs,
            format!("make deploy ENV={environment}"),
        );
    }
    let silent = named(&|alarm| !alarm.is_enabled);
    if !silent.is_empty() {
        return Verdict::bad(
            format!("their actions are switched off: {}", silent.join(", ")),
            costs,
            format!("aws cloudwatch enable-alarm-actions --alarm-names {}", silent.join(" ")),
        );
    }
    let idle = named(&|alarm| !alarm.acts);
    if !idle.is_empty() {
        return Verdict::bad(
            format!("they have no action: {}", idle.join(", ")),
            costs,
            format!("make deploy ENV={environment}"),
        );
    }
    Verdict::ok(format!("{} alarms are there, and act", all.len()))
}

pub(super) async fn have_data(site: &Site) -> Result<Verdict, Unseen> {
    let all = described(site).await?;
    let looked: Vec<(String, MetricStat)> = all.metric_alarms().iter().filter_map(steady_metric).collect();
    let queries = looked.iter().take(MOST_QUERIES).enumerate().map(|(number, (_, metric))| {
        MetricDataQuery::builder().id(format!("m{number}")).metric_stat(metric.clone()).build()
    });
    let client = aws_sdk_cloudwatch::Client::new(&site.config);
    let now = site.now.as_second();
    let mut pages = client
        .get_metric_data()
        .set_metric_data_queries(Some(queries.collect()))
        .start_time(DateTime::from_secs(now - LOOKED_BACK_SECONDS))
        .end_time(DateTime::from_secs(now))
        .into_paginator()
        .send();
    let mut results = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page
            .map_err(|error| Failure::aws("read the alarms' metrics", "cloudwatch:GetMetricData", &error))?;
        results.extend(page.metric_data_results.unwrap_or_default());
    }
    Ok(with_data(&looked, &results, &site.stack.environment))
}

/// Of an alarm whose metric has a value every minute: that metric.
fn steady_metric(alarm: &MetricAlarm) -> Option<(String, MetricStat)> {
    let name = alarm.metric_name().filter(|name| STEADY.contains(name))?;
    let metric = Metric::builder()
        .namespace(alarm.namespace()?)
        .metric_name(name)
        .set_dimensions(Some(alarm.dimensions().to_vec()))
        .build();
    let stat = MetricStat::builder().metric(metric).period(60).stat(alarm.statistic()?.as_str()).build();
    Some((alarm.alarm_name()?.to_owned(), stat))
}

fn with_data(looked: &[(String, MetricStat)], results: &[MetricDataResult], environment: &str) -> Verdict {
    let has_values = |number: usize| {
        let id = format!("m{number}");
        results.iter().any(|result| result.id() == Some(&id) && !result.values().is_empty())
    };
    let without: Vec<&(String, MetricStat)> =
        looked.iter().enumerate().filter(|(number, _)| !has_values(*number)).map(|(_, one)| one).collect();
    if without.is_empty() {
        return Verdict::ok(format!(
            "{} alarms whose metrics have a value every minute have them",
            looked.len()
        ));
    }
    let names: Vec<&str> = without.iter().map(|(name, _)| name.as_str()).collect();
    let namespaces: BTreeSet<&str> =
        without.iter().filter_map(|(_, stat)| stat.metric()?.namespace()).collect();
    let parameters: BTreeSet<&str> = namespaces.into_iter().map(named_by).collect();
    Verdict::bad(
        format!("no value within the hour: {}", names.join(", ")),
        "an alarm without values never rings: it may look at a service or a load balancer of another name",
        format!(
            "make deploy ENV={environment}   # with the right {} in samconfig.toml",
            parameters.into_iter().collect::<Vec<_>>().join(" and ")
        ),
    )
}

/// The parameters that the dimensions come from.
fn named_by(namespace: &str) -> &'static str {
    match namespace {
        "AWS/ECS" => "ClusterName and ServiceName",
        "AWS/ApplicationELB" => "LoadBalancerFullName and TargetGroupFullName",
        _ => "ProbeSchedule",
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::{Dimension, Statistic};

    use super::*;
    use crate::doctor::verdict::Word;

    #[test]
    fn the_template_has_these_alarms_and_no_others() {
        let template = include_str!("../../../../template.yaml");
        let there: BTreeSet<&str> = template
            .lines()
            .filter_map(|line| line.trim().strip_prefix("AlarmName: !Sub lendpeak2-${Environment}-"))
            .collect();
        // CloudFront's is there only in us-east-1.
        let mut expected: BTreeSet<&str> = ALWAYS.into_iter().chain([OF_TARGETS, OF_THE_PAGE]).collect();
        expected.insert("cloudfront-4xx-rate");
        assert_eq!(there, expected);
    }

    fn alarm(name: &str, is_enabled: bool, acts: bool) -> Alarm {
        Alarm { name: name.to_owned(), is_enabled, acts }
    }

    #[test]
    fn an_alarm_is_there_switched_on_and_acts() {
        let expected = ["a".to_owned(), "b".to_owned()];
        let of = |all: &[Alarm]| judged(&expected, all, "production");
        let well = of(&[alarm("a", true, true), alarm("b", true, true), alarm("c", true, true)]);
        assert_eq!(well, Verdict::ok("3 alarms are there, and act"));
        assert_eq!(of(&[alarm("a", true, true)]).says, "not there: b");
        let silent = of(&[alarm("a", false, true), alarm("b", true, true)]);
        assert_eq!(silent.mend, "aws cloudwatch enable-alarm-actions --alarm-names a");
        let idle = of(&[alarm("a", true, true), alarm("b", true, false)]);
        assert_eq!((idle.word, idle.says.as_str()), (Word::Bad, "they have no action: b"));
    }

    #[test]
    fn only_of_a_steady_metric_no_value_is_a_fault() {
        let alarm = |name: &str, metric: &str| {
            MetricAlarm::builder()
                .alarm_name(name)
                .namespace("AWS/ECS")
                .metric_name(metric)
                .statistic(Statistic::Average)
                .dimensions(Dimension::builder().name("ServiceName").value("backend").build())
                .build()
        };
        assert_eq!(steady_metric(&alarm("errors", "Errors")), None);
        let looked = [steady_metric(&alarm("cpu", "CPUUtilization")).unwrap()];
        let result = |values: Vec<f64>| MetricDataResult::builder().id("m0").set_values(Some(values)).build();
        assert_eq!(with_data(&looked, &[result(vec![45.0])], "production").word, Word::Ok);
        for results in [vec![], vec![result(Vec::new())]] {
            let verdict = with_data(&looked, &results, "production");
            assert_eq!(verdict.says, "no value within the hour: cpu");
            assert_eq!(
                verdict.mend,
                "make deploy ENV=production   # with the right ClusterName and ServiceName in samconfig.toml"
            );
        }
    }
}

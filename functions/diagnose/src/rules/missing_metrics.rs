//! Missing metrics: one stopped, one never came, or an alarm has the wrong dimensions.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Rule;
use crate::{
    evidence::{Alarm, Evidence, ListedMetric, Series, name},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::Risk,
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "metric_stopped",
        find: metric_stopped,
        looks_at: "Metrics that come as long as what they measure is there, and that have had no value for 60 minutes: CPU and memory of a service with tasks, CPU of each available database instance, the probe's own. And alarms in INSUFFICIENT_DATA for an hour, whose metric had values in 50 of the last 56 periods of six hours. What is silent when nobody asks is left out (load balancer, CloudFront, counts of errors).",
        otherwise: "look by hand every 15 minutes until it is back: send diagnose {}, which asks ECS, DocumentDB and the probe themselves",
        helped: "the metric has values again within 15 minutes, and its alarms leave INSUFFICIENT_DATA: aws cloudwatch describe-alarms --state-value INSUFFICIENT_DATA",
    },
    Rule {
        cause: "metric_never_came",
        find: metric_never_came,
        looks_at: "Alarms without data in 14 days whose metric CloudWatch does not list under any dimension, and which say for an hour that no data comes; or whose metric AWS does not have. Counts of errors are left out: they are listed only after the first error.",
        otherwise: "delete the alarm, if nobody misses what it was for: aws cloudwatch delete-alarms --alarm-names <alarm>",
        helped: "the alarm's StateReason names a datapoint 15 minutes later: aws cloudwatch describe-alarms --query 'MetricAlarms[].[AlarmName,StateValue,StateReason]' --output text",
    },
    Rule {
        cause: "metric_wrong_dimension",
        find: metric_wrong_dimension,
        looks_at: "Alarms without data in 14 days whose metric CloudWatch lists by other dimensions: with a * in a dimension, which takes none, it is certain; else likely, where the alarm has said for an hour that no data comes. Counts of errors come only with errors: there the dimensions have to name a resource of which no metric is listed.",
        otherwise: "choose among all the dimensions by which it comes: aws cloudwatch list-metrics --namespace <namespace> --metric-name <metric>",
        helped: "the alarm's StateReason names a datapoint 15 minutes later: aws cloudwatch describe-alarms --query 'MetricAlarms[].[AlarmName,StateValue,StateReason]' --output text",
    },
];

/// AWS may be minutes late, and a new metric takes up to 15 min to be listed.
const SILENT_MINUTES: i64 = 60;
const LIST: &str = "CloudWatch, list of metrics";
const ALARMS: &str = "CloudWatch, alarms";

/// Only for metrics that come as long as what they measure exists: ECS for a service with tasks, DocumentDB for an
/// instance, the probe. A load balancer, CloudFront and error counts are silent when nobody asks.
fn metric_stopped(evidence: &Evidence) -> Option<Finding> {
    let has_tasks = evidence.service.as_ref().map(|service| service.running > 0);
    let mut stopped: Vec<(String, Timestamp, String)> = Vec::new();
    let mut look = |what: String, series: &Series, list: &str| {
        let at = series.newest_at().filter(|at| evidence.ago(*at).as_mins() >= SILENT_MINUTES);
        stopped.extend(at.map(|at| (what, at, list.to_owned())));
    };
    if has_tasks != Some(false) {
        for (what, name, list) in [
            ("ECS CPUUtilization", name::ECS_CPU, "--namespace AWS/ECS --metric-name CPUUtilization"),
            (
                "ECS MemoryUtilization",
                name::ECS_MEMORY,
                "--namespace AWS/ECS --metric-name MemoryUtilization",
            ),
        ] {
            if let Some(series) = evidence.recent(name) {
                look(what.to_owned(), series, list);
            }
        }
    }
    for instance in evidence.database.iter().flat_map(|database| &database.instances) {
        // A replaced or stopped instance sends no metrics.
        let own = evidence.by_instance(name::DB_CPU).into_iter().find(|(name, _)| *name == instance.name);
        if let Some((_, series)) = own.filter(|_| instance.status == "available") {
            let list = "--namespace AWS/DocDB --metric-name CPUUtilization";
            look(format!("DocumentDB CPUUtilization of {}", instance.name), series, list);
        }
    }
    if let Some(series) = evidence.recent(name::PROBE_HEALTHY) {
        look("the probe's Healthy".to_owned(), series, "");
    }
    for alarm in evidence.alarms.iter().flatten().filter(|alarm| was_dense(evidence, alarm)) {
        if let (Some(metric), Some(since)) = (&alarm.metric, alarm.since) {
            let what = format!("{} {}", metric.namespace.trim_start_matches("AWS/"), metric.name);
            if !stopped.iter().any(|(known, ..)| known.contains(&metric.name)) {
                let list = format!("--namespace {} --metric-name {}", metric.namespace, metric.name);
                stopped.push((what, since, list));
            }
        }
    }
    stopped.sort_by(|(one, at, _), (other, then, _)| (at, one).cmp(&(then, other)));
    let (first, since, list) = stopped.first()?;
    let others = stopped.len() - 1;
    let others = if others == 0 { String::new() } else { format!(" and {others} more") };
    let minutes = evidence.ago(*since).as_mins();
    let is_probe = first.starts_with("the probe");
    let finding = Finding::new(
        if has_tasks.is_some() { Certain } else { Likely },
        Risk,
        format!("{first}{others} had data, and has had none for {minutes} min: what watches it is blind"),
    )
    .since(Some(*since));
    let finding = stopped.iter().take(5).fold(finding, |finding, (what, at, _)| {
        finding
            .fact("CloudWatch, metrics", what.clone(), "no data since")
            .against(format!("{SILENT_MINUTES} min"))
            .at(Some(*at))
    });
    Some(if is_probe {
        finding.next(
            DevOps,
            "see whether the probe still runs: aws scheduler list-schedules --name-prefix health-probe shows its schedule's State, aws logs tail /aws/lambda/<health-probe-function> --since 2h what it says",
        )
    } else {
        finding.next(
            DevOps,
            format!(
                "see whether it comes by another dimension now: aws cloudwatch list-metrics {list} --recently-active PT3H; if not, see whether what sends it still runs (for AWS's own metrics, the AWS Health Dashboard)"
            ),
        )
    })
}

fn metric_never_came(evidence: &Evidence) -> Option<Finding> {
    let listed = evidence.listed_metrics.as_ref()?;
    let never: Vec<(&Alarm, &ListedMetric)> = unlisted(evidence)
        .into_iter()
        .filter(|(alarm, metric)| {
            let is_unknown =
                !listed.iter().any(|one| one.namespace == metric.namespace && one.name == metric.name);
            is_unknown && (right_name(metric).is_some() || !is_sparse(metric) && is_silent(evidence, alarm))
        })
        .collect();
    let is_seen = |metric: &ListedMetric| listed.iter().any(|one| one.namespace == metric.namespace);
    let is_certain = |metric: &ListedMetric| right_name(metric).is_some() || is_seen(metric);
    let (alarm, metric) = never.iter().find(|(_, metric)| is_certain(metric)).or(never.first())?;
    let finding = Finding::new(
        if is_certain(metric) { Certain } else { Likely },
        // An alarm that cannot fire.
        Risk,
        format!(
            "the alarm {} waits for {} {}, which CloudWatch does not know{}",
            alarm.name,
            metric.namespace,
            metric.name,
            more(never.len())
        ),
    );
    let of_namespace: BTreeSet<&str> =
        listed.iter().filter(|one| one.namespace == metric.namespace).map(|one| one.name.as_str()).collect();
    let of_namespace: Vec<&str> = of_namespace.into_iter().take(5).collect();
    let finding = shown(finding, alarm).fact(
        LIST,
        format!("metrics listed in {}", metric.namespace),
        if of_namespace.is_empty() { "none".to_owned() } else { of_namespace.join(", ") },
    );
    let (name, namespace) = (&alarm.name, &metric.namespace);
    let finding = finding.otherwise(format!(
        "delete the alarm, if nobody misses what it was for: aws cloudwatch delete-alarms --alarm-names '{name}'"
    ));
    Some(match right_name(metric) {
        Some(right) => finding.next(
            DevOps,
            format!("AWS has no such metric: put the alarm {name} on {right} (aws cloudwatch put-metric-alarm, {})", whole(alarm)),
        ),
        None if metric.namespace.starts_with("AWS/") => finding.next(
            DevOps,
            format!("compare its name with those that come: aws cloudwatch list-metrics --namespace {namespace}; then put the alarm on the right one (aws cloudwatch put-metric-alarm, {})", whole(alarm)),
        ),
        None => finding.next(
            Development,
            format!("see that the application sends it by this namespace and name: aws cloudwatch list-metrics --namespace {namespace}; the task role needs cloudwatch:PutMetricData, and aws logs tail <log-group> --since 1h shows a refusal"),
        ),
    })
}

fn metric_wrong_dimension(evidence: &Evidence) -> Option<Finding> {
    let listed = evidence.listed_metrics.as_ref()?;
    let mut wrong: Vec<(bool, &Alarm, &ListedMetric, &ListedMetric)> = Vec::new();
    for (alarm, metric) in unlisted(evidence) {
        let same = |one: &&ListedMetric| one.namespace == metric.namespace && one.name == metric.name;
        let Some(known) = listed.iter().find(same) else { continue };
        let has_form = |one: &ListedMetric| one.dimensions.keys().eq(metric.dimensions.keys());
        let has_wildcard = metric.dimensions.values().any(|value| value.contains('*'));
        // Errors by the right dimensions may just not have happened.
        let is_other =
            !is_sparse(metric) || !listed.iter().filter(same).any(has_form) || is_of_none(listed, metric);
        if has_wildcard || is_other && is_silent(evidence, alarm) {
            wrong.push((has_wildcard, alarm, metric, known));
        }
    }
    wrong.sort_by_key(|(has_wildcard, ..)| !has_wildcard);
    let (has_wildcard, alarm, metric, known) = wrong.first()?;
    let why =
        if *has_wildcard { "dimensions take no wildcard" } else { "CloudWatch has it by other dimensions" };
    let what = format!(
        "the alarm {} asks for {} by {}: {why}{}",
        alarm.name,
        metric.name,
        dimensions(metric),
        more(wrong.len())
    );
    Some(
        shown(Finding::new(if *has_wildcard { Certain } else { Likely }, Risk, what), alarm)
            .fact(LIST, format!("{} is listed by", metric.name), dimensions(known))
            .next(
                DevOps,
                format!(
                    "put the alarm again with all dimensions, exactly as the list has them: aws cloudwatch put-metric-alarm --alarm-name '{}' --dimensions {}, {}",
                    alarm.name,
                    arguments(known),
                    whole(alarm)
                ),
            )
            .otherwise(format!(
                "choose among all the dimensions by which it comes: aws cloudwatch list-metrics --namespace {} --metric-name {}",
                metric.namespace, metric.name
            )),
    )
}

/// Whether its dimensions name a resource that has no metric at all, as by a load balancer's whole ARN.
fn is_of_none(listed: &[ListedMetric], metric: &ListedMetric) -> bool {
    /// An existing resource has these metrics, even without errors.
    const ALWAYS: &[&str] = &["AWS/ApplicationELB", "AWS/ECS", "AWS/DocDB"];
    let is_its = |one: &&ListedMetric| {
        let has = |(name, value): (&String, &String)| one.dimensions.get(name) == Some(value);
        one.namespace == metric.namespace && metric.dimensions.iter().all(has)
    };
    ALWAYS.contains(&metric.namespace.as_str()) && !listed.iter().any(|one| is_its(&one))
}

/// Putting an alarm replaces all of it.
pub(super) fn whole(alarm: &Alarm) -> String {
    format!("with all else that aws cloudwatch describe-alarms --alarm-names '{}' shows", alarm.name)
}

fn arguments(metric: &ListedMetric) -> String {
    let all: Vec<String> =
        metric.dimensions.iter().map(|(name, value)| format!("Name={name},Value={value}")).collect();
    all.join(" ")
}

fn more(count: usize) -> String {
    match count.saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {more} more like it)"),
    }
}

/// The alarms whose metric, with its dimensions, is not listed and has no data as far as is known.
fn unlisted(evidence: &Evidence) -> Vec<(&Alarm, &ListedMetric)> {
    let Some(listed) = &evidence.listed_metrics else { return Vec::new() };
    let has_data = |alarm: &Alarm| alarm.fortnight.as_ref().is_some_and(Series::has_data);
    let alarms = evidence.alarms.iter().flatten().filter(|alarm| !has_data(alarm));
    alarms
        .filter_map(|alarm| Some((alarm, alarm.metric.as_ref()?)))
        .filter(|(_, metric)| !listed.contains(metric))
        .collect()
}

/// Whether the alarm itself says that it gets no data, and not since just now.
fn is_silent(evidence: &Evidence, alarm: &Alarm) -> bool {
    /// CloudWatch's words.
    const NO_DATA: &str = "no datapoints were received";
    /// These come as long as there are tasks and instances; of others, silence that counts as good may be just that.
    const STEADY: &[&str] = &["AWS/ECS", "AWS/DocDB"];
    let is_old = alarm.since.is_some_and(|since| !evidence.within_minutes(since, SILENT_MINUTES));
    let steady = alarm.metric.as_ref().is_some_and(|metric| STEADY.contains(&metric.namespace.as_str()));
    let says_so = alarm.state == "INSUFFICIENT_DATA"
        || alarm.reason.contains(NO_DATA) && (alarm.missing_data == "breaching" || steady);
    is_old && says_so
}

/// Whether it had data in nearly all of the fortnight, and has had none for an hour.
fn was_dense(evidence: &Evidence, alarm: &Alarm) -> bool {
    /// Of 56 values of six hours, the last may be missing, and a few more.
    const FEWEST: usize = 50;
    let values = alarm.fortnight.as_ref().map(|series| series.values.iter().flatten().count());
    let is_steady = alarm.metric.as_ref().is_some_and(|metric| {
        !is_sparse(metric) && !matches!(metric.namespace.as_str(), "AWS/ApplicationELB" | "AWS/CloudFront")
    });
    let without_tasks = evidence.service.as_ref().is_some_and(|service| service.running == 0)
        && alarm.metric.as_ref().is_some_and(|metric| metric.namespace == "AWS/ECS");
    alarm.state == "INSUFFICIENT_DATA"
        && alarm.since.is_some_and(|since| !evidence.within_minutes(since, SILENT_MINUTES))
        && is_steady
        && !without_tasks
        && values.is_some_and(|values| values >= FEWEST)
}

/// Metrics that come only when something went wrong or was done: an empty list of them is good news.
pub(super) fn is_sparse(metric: &ListedMetric) -> bool {
    const WORDS: &[&str] =
        &["5xx", "4xx", "error", "fault", "reject", "fail", "throttle", "decision", "violation", "timeout"];
    const NAMESPACES: &[&str] = &["AWS/SQS", "AWS/SNS", "AWS/Lambda", "AWS/Events", "AWS/Scheduler"];
    let name = metric.name.to_ascii_lowercase();
    NAMESPACES.contains(&metric.namespace.as_str()) || WORDS.iter().any(|word| name.contains(word))
}

/// Metrics of the guide that AWS does not have, and what is meant.
pub(super) fn right_name(metric: &ListedMetric) -> Option<&'static str> {
    match (metric.namespace.as_str(), metric.name.as_str()) {
        ("AWS/ApplicationELB", "5XXError") => {
            Some("HTTPCode_Target_5XX_Count and HTTPCode_ELB_5XX_Count, as a rate of RequestCount")
        }
        ("AWS/DocDB", "FreeStorageSpace") => Some("FreeLocalStorage of each instance"),
        _ => None,
    }
}

fn dimensions(metric: &ListedMetric) -> String {
    let all: Vec<String> = metric.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if all.is_empty() { "no dimension".to_owned() } else { all.join(", ") }
}

fn shown(finding: Finding, alarm: &Alarm) -> Finding {
    let Some(metric) = &alarm.metric else { return finding };
    finding
        .since(alarm.since)
        .fact(ALARMS, format!("alarm {}", alarm.name), alarm.state.clone())
        .at(alarm.since)
        .fact(ALARMS, "its metric", format!("{} {} by {}", metric.namespace, metric.name, dimensions(metric)))
}

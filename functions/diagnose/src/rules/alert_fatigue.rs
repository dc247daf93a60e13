//! Alert fatigue: alarms that ring too often, always, never, or for nobody. The alarms of scaling policies are left out:
//! their work is to scale, and the low one is in ALARM whenever there is little load.

use super::{
    Rule,
    missing_metrics::{is_sparse, right_name, whole},
};
use crate::{
    evidence::{Alarm, Evidence, Series, largest, median, smallest},
    finding::{
        Confidence::{Certain, Likely, Possible},
        Finding,
        Impact::{Risk, Untidy},
        Level::DevOps,
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "alarm_flaps",
        find: alarm_flaps,
        looks_at: "How often each alarm went into ALARM within a day: five times or more. The alarms of scaling policies are left out here and in the rest of this chapter: to ring is their work.",
        otherwise: "tie what rings together into one alarm that people hear: aws cloudwatch put-composite-alarm --alarm-name <name> --alarm-rule 'ALARM(\"<one>\") OR ALARM(\"<other>\")' --alarm-actions <topic-arn>",
        helped: "aws cloudwatch describe-alarm-history --alarm-name <alarm> --history-item-type StateUpdate --max-items 20 shows fewer than five changes to ALARM in the next 24 hours",
    },
    Rule {
        cause: "alarm_without_action",
        find: alarm_without_action,
        looks_at: "Alarms whose actions are switched off, and alarms without an action for ALARM. Where there is a composite alarm, others may ring through it: then the latter are left out.",
        otherwise: "delete what nobody would act on: aws cloudwatch delete-alarms --alarm-names <alarm>",
        helped: "aws cloudwatch describe-alarms --query 'MetricAlarms[?!ActionsEnabled || !AlarmActions].AlarmName' no longer lists it, at once",
    },
    Rule {
        cause: "alarm_always_on",
        find: alarm_always_on,
        looks_at: "Alarms in ALARM for two days or more. What nobody cured in that time is not what somebody is to be woken for.",
        otherwise: "delete what nobody would act on: aws cloudwatch delete-alarms --alarm-names <alarm>",
        helped: "aws cloudwatch describe-alarms --state-value ALARM no longer lists it, a few periods of the alarm later",
    },
    Rule {
        cause: "alarm_insufficient_data",
        find: alarm_insufficient_data,
        looks_at: "Alarms in INSUFFICIENT_DATA for a day or more: a quiet night has no data, a day has. Counts of errors are left out: they come with the first error, and then ring.",
        otherwise: "delete what nobody would act on: aws cloudwatch delete-alarms --alarm-names <alarm>",
        helped: "aws cloudwatch describe-alarms --state-value INSUFFICIENT_DATA no longer lists it 15 minutes later",
    },
    Rule {
        cause: "alarm_threshold_wrong",
        find: alarm_threshold_wrong,
        looks_at: "The metric's values of 14 days (28 of six hours at least) beside the threshold: likely where the median lies beyond it and the alarm rings. Only possible where the largest value is below a tenth of it (for a minimum, the smallest above a thousand times) and the alarm never rings: that is another unit or another metric. Percents, counts of errors and yes-or-no metrics are left out there.",
        otherwise: "delete it, if another alarm watches the same: aws cloudwatch delete-alarms --alarm-names <alarm>",
        helped: "send diagnose {\"symptom\": \"alert-fatigue\"} no longer finds it, at once for a value that never came near, within a day for a normal level",
    },
];

const SOURCE: &str = "CloudWatch, alarms";
/// A finding names a few and counts the rest.
const SHOWN: usize = 3;
const DAY_MINUTES: i64 = 24 * 60;

fn alarm_flaps(evidence: &Evidence) -> Option<Finding> {
    /// More often than people react to.
    const TIMES: usize = 5;
    let mut found = alarms(evidence, |alarm| alarm.rang.len() >= TIMES);
    found.sort_by_key(|alarm| std::cmp::Reverse(alarm.rang.len()));
    let most = found.first()?.rang.len();
    let finding = Finding::new(
        Certain,
        Untidy,
        format!("{} rang{} {most} times within a day: people stop listening", names(&found), up_to(&found)),
    )
    .since(found.iter().filter_map(|alarm| alarm.rang.iter().min().copied()).min());
    let finding = found.iter().take(SHOWN).fold(finding, |finding, alarm| {
        finding
            .fact(
                SOURCE,
                format!("alarm {}", alarm.name),
                format!("{} times into ALARM in 24 h", alarm.rang.len()),
            )
            .against(format!("{TIMES} times"))
            .at(alarm.rang.first().copied())
    });
    let rule: Vec<String> =
        found.iter().take(SHOWN).map(|alarm| format!("ALARM(\"{}\")", alarm.name)).collect();
    let finding = if rule.len() < 2 {
        finding
    } else {
        finding.otherwise(format!(
            "tie what rings together into one alarm that people hear: aws cloudwatch put-composite-alarm --alarm-name <name> --alarm-rule '{}' --alarm-actions <topic-arn>",
            rule.join(" OR ")
        ))
    };
    let first = found.iter().find(|alarm| !is_composite(alarm)).or(found.first())?;
    let next = if is_composite(first) {
        format!(
            "see which of its alarms come and go, and have those ring only when 3 of 5 values are bad: aws cloudwatch describe-alarms --children-of-alarm-name '{}'",
            first.name
        )
    } else {
        format!(
            "have it ring only when 3 of 5 values are bad: aws cloudwatch put-metric-alarm --alarm-name '{}' --evaluation-periods 5 --datapoints-to-alarm 3, {}; or set its threshold clear of the normal level",
            first.name,
            whole(first)
        )
    };
    Some(finding.next(DevOps, next).helped(format!(
        "aws cloudwatch describe-alarm-history --alarm-name '{}' --history-item-type StateUpdate --max-items 20 shows fewer than {TIMES} changes to ALARM in the next 24 hours",
        first.name
    )))
}

fn alarm_without_action(evidence: &Evidence) -> Option<Finding> {
    // If there is a composite alarm, others may notify through it alone.
    let has_composite = !alarms(evidence, is_composite).is_empty();
    let found = alarms(evidence, |alarm| {
        let is_silenced = !alarm.actions_enabled && alarm.actions > 0;
        is_silenced || alarm.actions == 0 && !has_composite
    });
    found.first()?;
    let ringing = found.iter().find(|alarm| alarm.state == "ALARM");
    let what = match ringing {
        Some(alarm) => format!("the alarm {} is in ALARM, and nobody is told", alarm.name),
        None => format!("{} would ring, and nobody would be told", names(&found)),
    };
    let finding = Finding::new(
        if found.iter().any(|alarm| alarm.actions > 0) { Certain } else { Likely },
        if ringing.is_some() { Risk } else { Untidy },
        what,
    )
    .since(ringing.and_then(|alarm| alarm.since));
    let shown = ringing.into_iter().chain(found.iter().filter(|alarm| alarm.state != "ALARM")).take(SHOWN);
    let finding = shown.fold(finding, |finding, alarm| {
        let actions = if alarm.actions == 0 { "no action" } else { "its actions are disabled" };
        finding.fact(SOURCE, format!("alarm {} ({})", alarm.name, alarm.state), actions)
    });
    let silenced: Vec<&Alarm> = found.iter().copied().filter(|alarm| alarm.actions > 0).collect();
    let first = ringing.or(found.first())?;
    let next = if silenced.is_empty() {
        format!(
            "give it the action it is for: aws cloudwatch put-metric-alarm --alarm-name '{}' --alarm-actions <topic-arn>, {}",
            first.name,
            whole(first)
        )
    } else {
        format!(
            "ask who switched the actions off (CloudTrail, DisableAlarmActions), then switch them on: aws cloudwatch enable-alarm-actions --alarm-names {}",
            quoted(&silenced)
        )
    };
    Some(finding.next(DevOps, next).otherwise(delete(&found)))
}

fn alarm_always_on(evidence: &Evidence) -> Option<Finding> {
    /// Nobody treats a state that lasts for two days as an alarm.
    const LONG_MINUTES: i64 = 2 * DAY_MINUTES;
    let found = alarms(evidence, |alarm| alarm.state == "ALARM" && is_so_for(evidence, alarm, LONG_MINUTES));
    let oldest = found.iter().filter_map(|alarm| alarm.since).min()?;
    let days = evidence.ago(oldest).as_hours() / 24;
    Some(
        with_states(
            Finding::new(
                Certain,
                Untidy,
                format!(
                    "{} in ALARM for{} {days} days: what is always on tells nothing",
                    are(&found),
                    up_to(&found)
                ),
            ),
            evidence,
            &found,
        )
        .since(Some(oldest))
        .next(
            DevOps,
            format!(
                "see what it shows: aws cloudwatch describe-alarms --alarm-types MetricAlarm CompositeAlarm --alarm-names {} --query '[MetricAlarms, CompositeAlarms][].StateReason'; cure that, or set the threshold to where somebody would act",
                quoted(&found)
            ),
        )
        .otherwise(delete(&found)),
    )
}

fn alarm_insufficient_data(evidence: &Evidence) -> Option<Finding> {
    /// A quiet night has no requests, and so no data of the load balancer's; a day has.
    const LONG_MINUTES: i64 = DAY_MINUTES;
    let found = alarms(evidence, |alarm| {
        // A metric that exists only with errors has no data until the first one, and then the alarm fires.
        let is_sparse =
            alarm.metric.as_ref().is_some_and(|metric| is_sparse(metric) && right_name(metric).is_none());
        alarm.state == "INSUFFICIENT_DATA" && !is_sparse && is_so_for(evidence, alarm, LONG_MINUTES)
    });
    let oldest = found.iter().filter_map(|alarm| alarm.since).min()?;
    let list = found.iter().find_map(|alarm| alarm.metric.as_ref()).map_or_else(String::new, |metric| {
        format!(" --namespace {} --metric-name {}", metric.namespace, metric.name)
    });
    let days = evidence.ago(oldest).as_hours() / 24;
    Some(
        with_states(
            Finding::new(
                Certain,
                Untidy,
                format!("{} without data for{} {days} days, and cannot ring", are(&found), up_to(&found)),
            ),
            evidence,
            &found,
        )
        .since(Some(oldest))
        .next(
            DevOps,
            format!(
                "compare its dimensions with those that come: aws cloudwatch list-metrics{list}; put it again with the right ones, or with --treat-missing-data notBreaching where silence is good"
            ),
        )
        .otherwise(delete(&found)),
    )
}

fn alarm_threshold_wrong(evidence: &Evidence) -> Option<Finding> {
    let found = alarms(evidence, |_| true);
    let beyond: Vec<(&Alarm, f64)> =
        found.iter().filter_map(|alarm| Some((*alarm, normal_beyond(alarm)?))).collect();
    let (confidence, why, what, values) = if beyond.is_empty() {
        let far = found.iter().filter_map(|alarm| Some((*alarm, extreme_far_off(alarm)?))).collect();
        (Possible, "nothing in 14 days came near", "extreme of 14 days", far)
    } else {
        (Likely, "the normal level is beyond", "normal level of 14 days", beyond)
    };
    if values.is_empty() {
        return None;
    }
    let named: Vec<&Alarm> = values.iter().map(|(alarm, _)| *alarm).collect();
    let finding = Finding::new(confidence, Untidy, format!("{why} the threshold of {}", names(&named)));
    let finding = values.iter().take(SHOWN).fold(finding, |finding, (alarm, value)| {
        let metric = alarm.metric.as_ref().map_or("its metric", |metric| metric.name.as_str());
        finding
            .fact("CloudWatch, metrics", format!("{}: {metric}, {what}", alarm.name), number(*value))
            .against(format!("{} {}", alarm.comparison, number(alarm.threshold.unwrap_or_default())))
            .at(alarm.fortnight.as_ref().and_then(Series::newest_at))
    });
    let first = named.first()?;
    Some(
        finding
            .next(
                DevOps,
                format!(
                    "set the threshold between the normal level and where users notice, in the metric's own unit (bytes, seconds, percent): aws cloudwatch put-metric-alarm --alarm-name '{}' --threshold <value>, {}",
                    first.name,
                    whole(first)
                ),
            )
            .otherwise(format!(
                "delete it, if another alarm watches the same: aws cloudwatch delete-alarms --alarm-names '{}'",
                first.name
            )),
    )
}

/// The metric's normal level, if it is beyond the threshold. Single bad values do not count: only an alarm that has
/// fired can have its level beyond the threshold. A yes-or-no metric has no level.
fn normal_beyond(alarm: &Alarm) -> Option<f64> {
    let has_level = !has_word(alarm, &["healthy", "success"]);
    let normal = median(fortnight(alarm)?)?;
    (rings(alarm) && has_level && is_beyond(alarm, normal, alarm.threshold?)).then_some(normal)
}

/// The metric's extreme, where that is far from the threshold. Percents have their own scale, and errors may be few
/// for long: of these the distance says nothing.
fn extreme_far_off(alarm: &Alarm) -> Option<f64> {
    const NO_SCALE: &[&str] = &[
        "utilization",
        "rate",
        "ratio",
        "percent",
        "5xx",
        "4xx",
        "error",
        "fault",
        "reject",
        "fail",
        "throttle",
        "healthy",
        "success",
        "lag",
        "messages",
        "violation",
    ];
    let threshold = alarm.threshold?;
    let (extreme, is_far) = if alarm.comparison.starts_with("GreaterThan") {
        let extreme = largest(fortnight(alarm)?)?;
        (extreme, extreme > 0.0 && extreme * FAR < threshold)
    } else {
        let extreme = smallest(fortnight(alarm)?)?;
        (extreme, threshold > 0.0 && extreme > threshold * FAR_BELOW)
    };
    (is_far && !rings(alarm) && alarm.metric.is_some() && !has_word(alarm, NO_SCALE)).then_some(extreme)
}

/// A threshold of ten times the maximum of a fortnight is in another unit, or for another metric.
const FAR: f64 = 10.0;
/// Of what should not get low, ten times the threshold may be just enough; a thousand times is another unit.
const FAR_BELOW: f64 = 1_000.0;

fn rings(alarm: &Alarm) -> bool {
    alarm.state == "ALARM" || !alarm.rang.is_empty()
}

fn has_word(alarm: &Alarm, words: &[&str]) -> bool {
    let name = alarm.metric.as_ref().map(|metric| metric.name.to_ascii_lowercase()).unwrap_or_default();
    words.iter().any(|word| name.contains(word))
}

fn is_beyond(alarm: &Alarm, value: f64, threshold: f64) -> bool {
    match alarm.comparison.as_str() {
        "GreaterThanThreshold" => value > threshold,
        "GreaterThanOrEqualToThreshold" => value >= threshold,
        "LessThanThreshold" => value < threshold,
        "LessThanOrEqualToThreshold" => value <= threshold,
        // Anomaly detection has no threshold of its own.
        _ => false,
    }
}

/// The metric's values, where there is data of a week at least.
fn fortnight(alarm: &Alarm) -> Option<impl Iterator<Item = f64>> {
    const FEWEST: usize = 28;
    let values = || alarm.fortnight.iter().flat_map(|series| &series.values).filter_map(|value| *value);
    (values().count() >= FEWEST).then(values)
}

fn is_so_for(evidence: &Evidence, alarm: &Alarm, minutes: i64) -> bool {
    alarm.since.is_some_and(|since| evidence.ago(since).as_mins() >= minutes)
}

fn alarms(evidence: &Evidence, is_wanted: impl Fn(&Alarm) -> bool) -> Vec<&Alarm> {
    let policies = || evidence.scaling.iter().flat_map(|scaling| &scaling.policies);
    let scales = |alarm: &Alarm| {
        alarm.name.starts_with("TargetTracking-")
            || policies().any(|policy| policy.alarms.contains(&alarm.name))
    };
    evidence.alarms.iter().flatten().filter(|alarm| !scales(alarm) && is_wanted(alarm)).collect()
}

/// A composite alarm has neither metric nor threshold.
fn is_composite(alarm: &Alarm) -> bool {
    alarm.metric.is_none() && alarm.threshold.is_none()
}

fn with_states(finding: Finding, evidence: &Evidence, found: &[&Alarm]) -> Finding {
    found.iter().take(SHOWN).fold(finding, |finding, alarm| {
        let hours = alarm.since.map(|since| evidence.ago(since).as_hours()).unwrap_or_default();
        finding
            .fact(SOURCE, format!("alarm {}", alarm.name), format!("{} for {hours} h", alarm.state))
            .at(alarm.since)
    })
}

/// The names in a command; as many as the facts show.
fn quoted(found: &[&Alarm]) -> String {
    let names: Vec<String> = found.iter().take(SHOWN).map(|alarm| format!("'{}'", alarm.name)).collect();
    names.join(" ")
}

fn delete(found: &[&Alarm]) -> String {
    format!("delete what nobody would act on: aws cloudwatch delete-alarms --alarm-names {}", quoted(found))
}

fn names(found: &[&Alarm]) -> String {
    let shown: Vec<&str> = found.iter().take(SHOWN).map(|alarm| alarm.name.as_str()).collect();
    let more = found.len().saturating_sub(SHOWN);
    match (found.len(), more) {
        (1, _) => format!("the alarm {}", shown.join("")),
        (_, 0) => format!("{} alarms ({})", found.len(), shown.join(", ")),
        _ => format!("{} alarms ({} and {more} more)", found.len(), shown.join(", ")),
    }
}

fn are(found: &[&Alarm]) -> String {
    format!("{} {}", names(found), if found.len() == 1 { "is" } else { "are" })
}

fn up_to(found: &[&Alarm]) -> &'static str {
    if found.len() == 1 { "" } else { " up to" }
}

/// Two digits after the point, where there are any.
fn number(value: f64) -> String {
    format!("{}", (value * 100.0).round() / 100.0)
}

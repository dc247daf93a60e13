//! Alert fatigue: alarms that ring too often, always, never, or for nobody. The alarms of scaling policies are left out:
//! their work is to scale, and the low one is in ALARM whenever there is little load.

use super::{
    Rules,
    missing_metrics::{is_sparse, right_name},
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

pub(super) const RULES: Rules = &[
    ("alarm_flaps", alarm_flaps),
    ("alarm_without_action", alarm_without_action),
    ("alarm_always_on", alarm_always_on),
    ("alarm_insufficient_data", alarm_insufficient_data),
    ("alarm_threshold_wrong", alarm_threshold_wrong),
];

const SOURCE: &str = "CloudWatch, alarms";
/// A finding names a few and counts the rest.
const SHOWN: usize = 3;
const DAY_MINUTES: i64 = 24 * 60;

fn alarm_flaps(evidence: &Evidence) -> Option<Finding> {
    /// More than people look up for.
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
    Some(finding.next(
        DevOps,
        "let it ring only after more bad values (3 of 5), or set the threshold clear of the normal level; tie what \
         rings together into one composite alarm",
    ))
}

fn alarm_without_action(evidence: &Evidence) -> Option<Finding> {
    // A composite alarm has neither metric nor threshold. Where there is one, others may ring through it alone.
    let has_composite =
        !alarms(evidence, |alarm| alarm.metric.is_none() && alarm.threshold.is_none()).is_empty();
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
    Some(finding.next(
        DevOps,
        "give it the action it is for (`put-metric-alarm --alarm-actions`, `enable-alarm-actions`), or delete it",
    ))
}

fn alarm_always_on(evidence: &Evidence) -> Option<Finding> {
    /// What nobody cured in two days is not an alarm any more.
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
        .next(DevOps, "cure what it shows, or set its threshold to where somebody would act"),
    )
}

fn alarm_insufficient_data(evidence: &Evidence) -> Option<Finding> {
    /// A quiet night has no requests, and so no data of the load balancer's; a day has.
    const LONG_MINUTES: i64 = DAY_MINUTES;
    let found = alarms(evidence, |alarm| {
        // What exists only with errors is silent until the first one, and rings with it.
        let is_sparse =
            alarm.metric.as_ref().is_some_and(|metric| is_sparse(metric) && right_name(metric).is_none());
        alarm.state == "INSUFFICIENT_DATA" && !is_sparse && is_so_for(evidence, alarm, LONG_MINUTES)
    });
    let oldest = found.iter().filter_map(|alarm| alarm.since).min()?;
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
            "compare its metric and dimensions with `aws cloudwatch list-metrics`; where silence is good (error \
             counts), let it treat missing data as notBreaching",
        ),
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
    Some(finding.next(
        DevOps,
        "set the threshold between the normal level and where users notice; compare the units of both (bytes, seconds, \
         percent)",
    ))
}

/// The metric's normal level, where that is beyond the threshold. Single bad values do not ring: only an alarm that
/// rings as well has its level beyond. A metric of yes and no has no level.
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

/// Ten times what it ever was in a fortnight is another unit, or another metric.
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

fn with_states(finding: Finding, evidence: &Evidence, found: &[&Alarm]) -> Finding {
    found.iter().take(SHOWN).fold(finding, |finding, alarm| {
        let hours = alarm.since.map(|since| evidence.ago(since).as_hours()).unwrap_or_default();
        finding
            .fact(SOURCE, format!("alarm {}", alarm.name), format!("{} for {hours} h", alarm.state))
            .at(alarm.since)
    })
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

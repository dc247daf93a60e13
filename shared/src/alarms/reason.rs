//! Whether an alarm is a reason to touch this stack: it is known, it is in our account, all that it watches is ours,
//! and it rings for the side that the remedy helps against.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    describe::{Described, Query, Watched, WatchedMetric, Watches},
    expression::{self, Way},
    rule,
};
use crate::{
    code::{self, Code},
    outcome::{Next, Stop},
    trigger::{Alarm, Here},
};

/// What a remedy is about.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Our things, by the dimension that names them. One without a value is a setting that is not made.
    pub ours: Vec<(&'static str, Vec<String>)>,
    /// The metrics that it helps against when they are high; none where people wire the alarms themselves.
    pub reasons: Vec<Reason>,
}

/// Metrics of one kind of thing.
#[derive(Debug, Clone, Copy)]
pub struct Reason {
    pub namespace: &'static str,
    pub is_metric: fn(&str) -> bool,
    /// The dimensions that such a metric must have to be about one resource of ours.
    pub dimensions: &'static [&'static str],
}

/// Why an alarm is not a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotAReason {
    pub code: &'static Code,
    pub why: String,
}

impl NotAReason {
    pub fn stop(&self, function: &str) -> Stop {
        let next = format!(
            "correct the alarm, or which alarms call {function}; if the trouble is there, send {function} a request by hand"
        );
        Stop::refused(self.code, self.why.clone()).next(Next::devops(next).again())
    }
}

fn no(code: &'static Code, why: String) -> Result<(), NotAReason> {
    Err(NotAReason { code, why })
}

/// Dimensions that name one of a stack's own resources.
const NAMES: [&str; 7] = [
    "ClusterName",
    "ServiceName",
    "LoadBalancer",
    "TargetGroup",
    "DistributionId",
    "DBClusterIdentifier",
    "DBInstanceIdentifier",
];
/// Dimensions that name a part of the same thing.
const PARTS: [&str; 2] = ["AvailabilityZone", "Region"];

/// Whether the alarm of an event is a reason, judged by its description in CloudWatch.
pub fn is_ours(asking: &Alarm, described: Option<&Described>, about: &About) -> Result<(), NotAReason> {
    let Some(described) = described else {
        let why = format!("CloudWatch has no alarm {} that this function may read", asking.name);
        return no(&code::ALARM_UNKNOWN, why);
    };
    if asking.arn.starts_with("arn:") && !described.arn.is_empty() && asking.arn != described.arn {
        let why = format!("the event is of {}, and ours of that name is {}", asking.arn, described.arn);
        return no(&code::ALARM_OF_SOMETHING_ELSE, why);
    }
    judge(described, about)
}

fn judge(alarm: &Described, about: &About) -> Result<(), NotAReason> {
    match &alarm.watches {
        Watches::Metrics(watched) => {
            concerns(alarm, about)?;
            if about.reasons.is_empty() {
                return with_data(alarm, watched);
            }
            counts_a_reason(alarm, watched, about)?;
            is_on_the_high_side(alarm, watched)?;
            with_data(alarm, watched)
        }
        Watches::Alarms { rule, children } => composite(alarm, rule, children, about),
    }
}

/// Whether all that an alarm watches is ours, whatever it is.
fn concerns(alarm: &Described, about: &About) -> Result<(), NotAReason> {
    match &alarm.watches {
        Watches::Metrics(watched) => {
            for (query, metric) in metrics(alarm, watched)? {
                let account = Here::of_arn(&alarm.arn).map(|here| here.account);
                if let (Some(other), Some(ours)) = (&query.account, account)
                    && *other != ours
                {
                    let why = format!(
                        "alarm {} watches {} of account {other}, not {ours}",
                        alarm.name, metric.name
                    );
                    return no(&code::ALARM_OF_SOMETHING_ELSE, why);
                }
                is_of_ours(alarm, &metric, about)?;
            }
            Ok(())
        }
        Watches::Alarms { rule, children } => {
            is_known(alarm, rule, children)?;
            children.iter().try_for_each(|child| concerns(child, about))
        }
    }
}

fn is_of_ours(alarm: &Described, metric: &WatchedMetric, about: &About) -> Result<(), NotAReason> {
    for (dimension, value) in &metric.dimensions {
        let ours = about.ours.iter().find(|(name, _)| name == dimension).map(|(_, ours)| ours);
        let (name, metric) = (&alarm.name, &metric.name);
        match ours {
            Some(ours) if ours.contains(value) => {}
            Some(ours) if !ours.is_empty() => {
                let why = format!(
                    "alarm {name} watches {metric} of {dimension} {value}, not {}",
                    ours.join(" or ")
                );
                return no(&code::ALARM_OF_SOMETHING_ELSE, why);
            }
            _ if NAMES.contains(&dimension.as_str()) => {
                let why = format!(
                    "alarm {name} watches {metric} of {dimension} {value}, and this function has no setting that says \
                     whether that is ours"
                );
                return no(&code::ALARM_OF_SOMETHING_ELSE, why);
            }
            _ => {}
        }
    }
    Ok(())
}

/// All metrics of an alarm, also those that a query in SQL names.
fn metrics<'a>(
    alarm: &Described,
    watched: &'a Watched,
) -> Result<Vec<(&'a Query, WatchedMetric)>, NotAReason> {
    let mut metrics = Vec::new();
    for query in &watched.queries {
        match (&query.metric, &query.expression) {
            (Some(metric), _) => metrics.push((query, metric.clone())),
            (None, Some(expression)) if is_sql(expression) => {
                let metric = selected(expression).ok_or_else(|| NotAReason {
                    code: &code::ALARM_OF_SOMETHING_ELSE,
                    why: format!(
                        "alarm {} asks `{expression}`, which does not name one thing of ours: name each dimension with \
                         `=` and `AND`",
                        alarm.name
                    ),
                })?;
                metrics.push((query, metric));
            }
            _ => {}
        }
    }
    if metrics.is_empty() {
        let why = format!("alarm {} names no metric that can be looked at", alarm.name);
        return Err(NotAReason { code: &code::ALARM_OF_SOMETHING_ELSE, why });
    }
    Ok(metrics)
}

fn is_sql(expression: &str) -> bool {
    expression.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
}

/// `SELECT MAX(CPUUtilization) FROM SCHEMA("AWS/ECS", ClusterName, ServiceName) WHERE ClusterName = 'a' AND …`
fn selected(query: &str) -> Option<WatchedMetric> {
    let upper = query.to_ascii_uppercase();
    let at = |word: &str| upper.find(word);
    let (from, condition) = (at(" FROM ")?, at(" WHERE "));
    let function = query.get(..from)?.trim().get(6..)?.trim();
    let (function, name) = function.strip_suffix(')')?.split_once('(')?;
    if !["MAX", "AVG", "SUM"].iter().any(|known| function.trim().eq_ignore_ascii_case(known)) {
        return None;
    }
    let end = [" GROUP BY ", " ORDER BY ", " LIMIT "].iter().filter_map(|word| at(word)).min();
    let source = query.get(from + 6..condition.or(end).unwrap_or(query.len()))?.trim();
    let schema =
        source.get(..6).filter(|word| word.eq_ignore_ascii_case("schema")).and_then(|_| source.get(6..));
    let source = schema.map_or(source, |schema| schema.trim().trim_start_matches('('));
    let namespace = source.split([',', ')']).next()?.trim().trim_matches('"').to_owned();
    let mut dimensions = BTreeMap::new();
    if let Some(condition) = condition {
        let conditions = query.get(condition + 7..end.unwrap_or(query.len()))?;
        for part in split_and(conditions) {
            let (dimension, value) = part.split_once('=')?;
            let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            let dimension = dimension.trim().trim_matches('"');
            let is_name = !dimension.is_empty()
                && dimension.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
            if !is_name || value.contains('\'') {
                return None;
            }
            dimensions.insert(dimension.to_owned(), value.to_owned());
        }
    }
    Some(WatchedMetric { namespace, name: name.trim().trim_matches('"').to_owned(), dimensions })
}

fn split_and(conditions: &str) -> Vec<&str> {
    let upper = conditions.to_ascii_uppercase();
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, word) in upper.match_indices(" AND ") {
        parts.push(conditions.get(from..at).unwrap_or_default());
        from = at + word.len();
    }
    parts.push(conditions.get(from..).unwrap_or_default());
    parts
}

/// Whether what is compared grows with a metric that the remedy helps against.
fn counts_a_reason(alarm: &Described, watched: &Watched, about: &About) -> Result<(), NotAReason> {
    let all = metrics(alarm, watched)?;
    let counting: Vec<&Query> = all
        .iter()
        .filter(|(_, metric)| about.reasons.iter().any(|reason| reason.is(metric, about)))
        .map(|(query, _)| *query)
        .collect();
    if counting.is_empty() {
        let names: Vec<&str> = all.iter().map(|(_, metric)| metric.name.as_str()).collect();
        let why = format!(
            "alarm {} watches {}, which is nothing that this helps against, or does not name one thing of ours",
            alarm.name,
            names.join(" and ")
        );
        return no(&code::ALARM_OF_SOMETHING_ELSE, why);
    }
    let goes = |query: &Query| way_of(query, watched, &counting, 0);
    match watched.queries.iter().filter(|query| query.is_compared).map(goes).fold(
        None,
        |so_far: Option<Way>, way| {
            Some(so_far.map_or(way, |so_far| if so_far == way { way } else { Way::Unknown }))
        },
    ) {
        Some(Way::Up) => Ok(()),
        Some(Way::Down) => {
            no(&code::WRONG_SIDE, format!("alarm {} rings when what it watches falls", alarm.name))
        }
        _ => no(
            &code::WRONG_SIDE,
            format!("what alarm {} compares does not plainly grow with what it watches", alarm.name),
        ),
    }
}

fn way_of(query: &Query, watched: &Watched, counting: &[&Query], depth: usize) -> Way {
    const DEEPEST: usize = 10;
    if counting.contains(&query) {
        return Way::Up;
    }
    match &query.expression {
        Some(expression) if depth < DEEPEST && !is_sql(expression) => expression::way(expression, &|id| {
            let named = watched.queries.iter().find(|query| query.id == id);
            named.map_or(Way::Same, |named| way_of(named, watched, counting, depth + 1))
        }),
        Some(expression) if !is_sql(expression) => Way::Unknown,
        _ => Way::Same,
    }
}

impl Reason {
    fn is(&self, metric: &WatchedMetric, about: &About) -> bool {
        let known = |dimension: &str| {
            PARTS.contains(&dimension) || about.ours.iter().any(|(name, _)| *name == dimension)
        };
        metric.namespace == self.namespace
            && (self.is_metric)(&metric.name)
            && self.dimensions.iter().all(|dimension| metric.dimensions.contains_key(*dimension))
            && metric.dimensions.keys().all(|dimension| known(dimension))
    }
}

fn is_on_the_high_side(alarm: &Described, watched: &Watched) -> Result<(), NotAReason> {
    let low =
        || no(&code::WRONG_SIDE, format!("alarm {} rings when what it watches is low, not high", alarm.name));
    match watched.comparison.as_str() {
        "GreaterThanThreshold" | "GreaterThanOrEqualToThreshold" | "GreaterThanUpperThreshold" => Ok(()),
        "LessThanLowerOrGreaterThanUpperThreshold" => {
            let numbers = |name: &str| numbers(&watched.state_data, name);
            let (seen, lower, upper) = (
                numbers("recentDatapoints"),
                numbers("recentLowerThresholds"),
                numbers("recentUpperThresholds"),
            );
            let above = seen.iter().zip(&upper).any(|(seen, upper)| seen > upper);
            let below = seen.iter().zip(&lower).any(|(seen, lower)| seen < lower);
            if above && !below {
                Ok(())
            } else if below {
                low()
            } else {
                let why = format!("on which side of its band alarm {} rings cannot be seen", alarm.name);
                no(&code::WRONG_SIDE, why)
            }
        }
        _ => low(),
    }
}

fn numbers(data: &serde_json::Value, name: &str) -> Vec<f64> {
    let values = data.get(name).and_then(serde_json::Value::as_array).into_iter().flatten();
    values.filter_map(serde_json::Value::as_f64).collect()
}

/// Whether there is data on the wrong side of the threshold, where an alarm also rings without any.
fn with_data(alarm: &Described, watched: &Watched) -> Result<(), NotAReason> {
    if !watched.missing_breaches {
        return Ok(());
    }
    let seen = numbers(&watched.state_data, "recentDatapoints");
    let crosses = |value: &f64| {
        watched.threshold.is_none_or(|threshold| match watched.comparison.as_str() {
            "GreaterThanThreshold" => *value > threshold,
            "GreaterThanOrEqualToThreshold" => *value >= threshold,
            "LessThanThreshold" => *value < threshold,
            "LessThanOrEqualToThreshold" => *value <= threshold,
            _ => true,
        })
    };
    let is_told = watched.state_data.is_null()
        && watched.state_reason.contains('[')
        && !watched.state_reason.contains("no datapoints were received");
    if seen.iter().any(crosses) || is_told {
        return Ok(());
    }
    no(
        &code::DATA_MISSING,
        format!("alarm {} rings because data is missing: nothing was seen that is too high", alarm.name),
    )
}

fn composite(alarm: &Described, rule: &str, children: &[Described], about: &About) -> Result<(), NotAReason> {
    if let Some(by) = &alarm.suppressed_by {
        return no(
            &code::ACTIONS_SUPPRESSED,
            format!("the actions of alarm {} are suppressed: {by}", alarm.name),
        );
    }
    is_known(alarm, rule, children)?;
    for child in children {
        concerns(child, about)?;
    }
    let ringing = rule::alarms(rule).into_iter().filter(|part| part.rings);
    let mut last = None;
    for child in ringing.filter_map(|part| children.iter().find(|child| child.name == part.name)) {
        if !child.is_in_alarm {
            continue;
        }
        match judge(child, about) {
            Ok(()) => return Ok(()),
            Err(why) => last = Some(why),
        }
    }
    Err(last.unwrap_or_else(|| NotAReason {
        code: &code::ALARM_OF_SOMETHING_ELSE,
        why: format!("none of the alarms that {} is made of is in ALARM and a reason for this", alarm.name),
    }))
}

fn is_known(alarm: &Described, rule: &str, children: &[Described]) -> Result<(), NotAReason> {
    let parts = rule::alarms(rule);
    let unknown = parts.iter().find(|part| !children.iter().any(|child| child.name == part.name));
    match unknown {
        Some(part) => no(
            &code::ALARM_UNKNOWN,
            format!(
                "alarm {} is made of {}, which CloudWatch does not know or may not show",
                alarm.name, part.name
            ),
        ),
        None if parts.is_empty() => {
            no(&code::ALARM_OF_SOMETHING_ELSE, format!("alarm {} is made of no other alarm", alarm.name))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;

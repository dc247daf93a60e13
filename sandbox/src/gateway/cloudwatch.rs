//! What CloudWatch knows from before the sandbox began: metrics of an ordinary day, and alarms that rang. Data that is
//! put goes to the local AWS, and comes before what is usual.

mod usual;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::call::{Call, Protocol};
use super::forward::{Upstream, in_json};
use super::{Answer, query, wire};

/// What no composite alarm has.
const OF_METRIC_ALARMS: [&str; 3] = ["ComparisonOperator", "EvaluationPeriods", "Threshold"];

/// Every clone says the same.
#[derive(Debug, Clone, Default)]
pub struct CloudWatch {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<Line>,
    /// An alarm's name, and when it went into ALARM.
    rang: Vec<(String, Timestamp)>,
    /// Alarms as `DescribeAlarms` tells them.
    alarms: Vec<Value>,
}

/// A metric as a test wants it.
#[derive(Debug)]
struct Line {
    namespace: String,
    metric: String,
    /// All statistics where there is none.
    statistic: Option<String>,
    since: Timestamp,
    /// Minutes before then, and the value; the oldest first.
    points: Vec<(f64, f64)>,
}

impl CloudWatch {
    /// A metric went through these points, each some minutes ago, in straight lines, and was the same before the first
    /// and after the last. Without a point it has no data.
    pub fn set(&self, namespace: &str, metric: &str, points: &[(f64, f64)]) {
        self.set_line(namespace, metric, None, points);
    }

    /// The same for one statistic, as in `p99`.
    pub fn set_statistic(&self, namespace: &str, metric: &str, statistic: &str, points: &[(f64, f64)]) {
        self.set_line(namespace, metric, Some(statistic), points);
    }

    fn set_line(&self, namespace: &str, metric: &str, statistic: Option<&str>, points: &[(f64, f64)]) {
        let mut points = points.to_vec();
        points.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let (namespace, metric) = (namespace.to_owned(), metric.to_owned());
        let statistic = statistic.map(str::to_owned);
        self.lock().lines.push(Line { namespace, metric, statistic, since: Timestamp::now(), points });
    }

    /// An alarm went into ALARM that long ago.
    pub fn add_ring(&self, alarm: &str, ago: SignedDuration) {
        self.lock().rang.push((alarm.to_owned(), Timestamp::now() - ago));
    }

    /// An alarm as `DescribeAlarms` tells it. Of those that are put, the local AWS keeps neither what an expression is
    /// made of nor who suppresses a composite alarm's actions.
    pub fn add_alarm(&self, mut alarm: Value) {
        if let Some(composite) = alarm.as_object_mut().filter(|alarm| alarm.contains_key("AlarmRule")) {
            composite.retain(|name, _| !OF_METRIC_ALARMS.contains(&name.as_str()));
        }
        self.lock().alarms.push(alarm);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The local AWS's answer, with what it lacks, in the protocol that the caller speaks.
    pub(super) async fn answer(&self, call: &Call, parts: Parts, body: Bytes, upstream: &Upstream) -> Answer {
        let is_form = call.protocol == Protocol::Query;
        let request = if is_form { query::asked(&call.request) } else { call.request.clone() };
        if !self.lock().completes(&call.operation, &request) {
            return upstream.forward(parts, body).await;
        }
        let answer = if is_form {
            let parts = in_json(parts, &call.operation);
            upstream.forward(parts, request.to_string().into()).await
        } else {
            upstream.forward(parts, body).await
        };
        let mut body = match wire::body(answer).await {
            Ok(body) => body,
            Err(answer) if is_form => return wire::refused(call, answer).await,
            Err(answer) => return answer,
        };
        self.lock().complete(&call.operation, &request, &mut body);
        wire::in_protocol(call, &body)
    }
}

impl Inner {
    /// Whether the local AWS lacks something that this asks for.
    fn completes(&self, operation: &str, request: &Value) -> bool {
        match operation {
            "GetMetricData" | "ListMetrics" | "DescribeAlarmHistory" => true,
            // Of others there is what was put: the probe judges a release by it, and a restore the database's size.
            "GetMetricStatistics" => {
                ["AWS/ApplicationELB", "AWS/CloudFront", "AWS/ECS"].contains(&text(request, "Namespace"))
                    && request.get("ExtendedStatistics").is_none()
            }
            "DescribeAlarms" => self.named(request).next().is_some(),
            _ => false,
        }
    }

    fn complete(&self, operation: &str, request: &Value, body: &mut Value) {
        match operation {
            "GetMetricData" => self.add_metrics(request, body),
            "GetMetricStatistics" => self.add_statistics(request, body),
            "ListMetrics" => usual::list_metrics(request, body),
            "DescribeAlarms" => self.add_alarms(request, body),
            _ => self.add_rings(request, body),
        }
    }

    fn add_metrics(&self, request: &Value, body: &mut Value) {
        let span = span(request);
        let mut known: HashMap<String, Value> = list(body, "MetricDataResults")
            .map(|result| (text(result, "Id").to_owned(), result.clone()))
            .collect();
        let results: Vec<Value> = list(request, "MetricDataQueries")
            .filter_map(|query| {
                let id = text(query, "Id");
                let known = known.remove(id);
                let Some(asked) = Asked::of(query) else { return known };
                Some(self.result(id, &asked, span, known.as_ref()))
            })
            .collect();
        *body = json!({ "MetricDataResults": results });
    }

    fn result(&self, id: &str, asked: &Asked<'_>, span: [f64; 2], known: Option<&Value>) -> Value {
        let numbers = |name: &str| -> Vec<f64> {
            known.into_iter().flat_map(|known| list(known, name)).filter_map(Value::as_f64).collect()
        };
        let put: Vec<(f64, f64)> = numbers("Timestamps").into_iter().zip(numbers("Values")).collect();
        let mut points = self.points(asked, span, &put);
        // The newest first, as AWS answers.
        points.reverse();
        let (times, values): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
        json!({ "Id": id, "Label": asked.metric, "Timestamps": times, "Values": values, "StatusCode": "Complete" })
    }

    /// The beginning of each period, the oldest first, and the value in it: as a test wants it, as it was put, or as it
    /// is on any day.
    fn points(&self, asked: &Asked<'_>, span: [f64; 2], put: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let line = self.lines.iter().rev().find(|line| line.is(asked));
        let usual = usual::value(asked);
        let value = |begin: f64| {
            let put = || put.iter().find(|(at, _)| (begin..begin + asked.period).contains(at));
            match line {
                Some(line) => line.at(begin),
                None => put().map(|(_, value)| *value).or(usual),
            }
        };
        asked.periods(span).into_iter().filter_map(|begin| Some((begin, value(begin)?))).collect()
    }

    fn add_statistics(&self, request: &Value, body: &mut Value) {
        let span = span(request);
        let put = |statistic: &str| -> Vec<(f64, f64)> {
            let number = |point: &Value, name: &str| point.get(name).and_then(Value::as_f64);
            let point = |point: &Value| Some((number(point, "Timestamp")?, number(point, statistic)?));
            list(body, "Datapoints").filter_map(point).collect()
        };
        let mut datapoints: Vec<(f64, Map<String, Value>)> = Vec::new();
        for statistic in list(request, "Statistics").filter_map(Value::as_str) {
            let Some(asked) = Asked::of_statistic(request, statistic) else { return };
            for (begin, value) in self.points(&asked, span, &put(statistic)) {
                let known = datapoints.iter().position(|(at, _)| at.total_cmp(&begin).is_eq());
                let place = known.unwrap_or_else(|| {
                    let mut begun = Map::new();
                    begun.insert("Timestamp".to_owned(), json!(begin));
                    datapoints.push((begin, begun));
                    datapoints.len() - 1
                });
                if let Some((_, point)) = datapoints.get_mut(place) {
                    point.insert(statistic.to_owned(), json!(value));
                }
            }
        }
        let datapoints: Vec<Map<String, Value>> = datapoints.into_iter().map(|(_, point)| point).collect();
        *body = json!({ "Label": text(request, "MetricName"), "Datapoints": datapoints });
    }

    /// The alarms that are asked for by their names.
    fn named<'a>(&'a self, request: &'a Value) -> impl Iterator<Item = &'a Value> {
        let asked = move |alarm: &&Value| {
            list(request, "AlarmNames").any(|name| name.as_str() == Some(text(alarm, "AlarmName")))
        };
        self.alarms.iter().filter(asked)
    }

    fn add_alarms(&self, request: &Value, body: &mut Value) {
        for (kind, name) in [("MetricAlarm", "MetricAlarms"), ("CompositeAlarm", "CompositeAlarms")] {
            let is_composite = |alarm: &Value| alarm.get("AlarmRule").is_some();
            let asked = list(request, "AlarmTypes").any(|asked| asked == kind);
            let alarms =
                self.named(request).filter(|alarm| is_composite(alarm) == (kind == "CompositeAlarm"));
            if asked {
                append(body, name, alarms.cloned().collect());
            }
        }
    }

    fn add_rings(&self, request: &Value, body: &mut Value) {
        if !text(request, "NextToken").is_empty() {
            return;
        }
        let items = self.rang.iter().map(|(alarm, at)| {
            let data = json!({ "version": "1.0", "oldState": { "stateValue": "OK" },
                "newState": { "stateValue": "ALARM", "stateReason": "Threshold Crossed" } });
            json!({ "AlarmName": alarm, "AlarmType": "MetricAlarm", "HistoryItemType": "StateUpdate",
                "Timestamp": seconds(*at), "HistorySummary": "Alarm updated from OK to ALARM",
                "HistoryData": data.to_string() })
        });
        append(body, "AlarmHistoryItems", items.collect());
    }
}

impl Line {
    fn is(&self, asked: &Asked<'_>) -> bool {
        self.namespace == asked.namespace
            && self.metric == asked.metric
            && self.statistic.as_ref().is_none_or(|statistic| statistic == asked.statistic)
    }

    fn at(&self, time: f64) -> Option<f64> {
        let ago = (seconds(self.since) - time) / 60.0;
        let after = self.points.iter().position(|(minutes, _)| *minutes <= ago);
        let Some(after) = after else { return self.points.last().map(|(_, value)| *value) };
        let (to_ago, to) = self.points.get(after)?;
        let Some((from_ago, from)) = after.checked_sub(1).and_then(|before| self.points.get(before)) else {
            return Some(*to);
        };
        Some(from + (to - from) * (from_ago - ago) / (from_ago - to_ago))
    }
}

/// One metric's statistic: a query of `GetMetricData`, or a part of `GetMetricStatistics`.
struct Asked<'a> {
    namespace: &'a str,
    metric: &'a str,
    statistic: &'a str,
    dimensions: Vec<(&'a str, &'a str)>,
    /// Seconds.
    period: f64,
}

impl<'a> Asked<'a> {
    /// None for metric math.
    fn of(query: &'a Value) -> Option<Self> {
        let stat = query.get("MetricStat")?;
        let metric = stat.get("Metric")?;
        Some(Self {
            namespace: text(metric, "Namespace"),
            metric: text(metric, "MetricName"),
            statistic: text(stat, "Stat"),
            dimensions: dimensions(metric),
            period: stat.get("Period").and_then(Value::as_f64).filter(|period| *period >= 1.0)?,
        })
    }

    /// One statistic of `GetMetricStatistics`.
    fn of_statistic(request: &'a Value, statistic: &'a str) -> Option<Self> {
        Some(Self {
            namespace: text(request, "Namespace"),
            metric: text(request, "MetricName"),
            statistic,
            dimensions: dimensions(request),
            period: request.get("Period").and_then(Value::as_f64).filter(|period| *period >= 1.0)?,
        })
    }

    /// The beginnings of all whole periods between these times.
    fn periods(&self, [begin, end]: [f64; 2]) -> Vec<f64> {
        let first = (begin / self.period).ceil() * self.period;
        let next = |begin: &f64| Some(begin + self.period);
        std::iter::successors(Some(first), next).take_while(|begin| *begin < end).collect()
    }
}

/// From when to when values are asked for, in seconds.
fn span(request: &Value) -> [f64; 2] {
    ["StartTime", "EndTime"].map(|name| request.get(name).and_then(Value::as_f64).unwrap_or_default())
}

fn dimensions(metric: &Value) -> Vec<(&str, &str)> {
    list(metric, "Dimensions").map(|dimension| (text(dimension, "Name"), text(dimension, "Value"))).collect()
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    object.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn append(body: &mut Value, name: &str, more: Vec<Value>) {
    if let Some(list) = body.get_mut(name).and_then(Value::as_array_mut) {
        list.extend(more);
    }
}

/// CloudWatch has no finer times than milliseconds.
pub(super) fn seconds(at: Timestamp) -> f64 {
    SignedDuration::from_millis(at.as_millisecond()).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_through_its_points_and_is_even_before_and_after() {
        let cloudwatch = CloudWatch::default();
        cloudwatch.set("AWS/ECS", "MemoryUtilization", &[(0.0, 90.0), (60.0, 30.0)]);
        let inner = cloudwatch.lock();
        let line = &inner.lines[0];
        let at = |minutes: f64| line.at(seconds(line.since) - minutes * 60.0).map(f64::round);
        assert_eq!(
            [at(600.0), at(60.0), at(30.0), at(0.0), at(-5.0)],
            [30.0, 30.0, 60.0, 90.0, 90.0].map(Some)
        );
    }
}

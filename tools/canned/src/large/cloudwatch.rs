//! Alarms, their history, and metrics.

use aws_smithy_types::DateTime;
use serde_json::{Value, json};

use super::super::docdb::SOURCE;
use super::{ALARM_PREFIX, LOAD_BALANCER, Large, page, text, with_next};

/// As many as `DescribeAlarms` and `DescribeAlarmHistory` answer at once.
const A_PAGE: usize = 100;
/// Each alarm went into ALARM and out of it in the last day.
const CHANGES: usize = 2;
const DAY_SECONDS: usize = 86_400;
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices";

pub(super) fn answer(large: &Large, operation: &str, request: &Value) -> Option<Value> {
    let alarms = large.size.alarms;
    Some(match operation {
        "DescribeAlarms" if text(request, "AlarmNamePrefix") == ALARM_PREFIX => {
            let (numbers, next) = page(request, "NextToken", alarms, A_PAGE);
            let alarms: Vec<Value> = numbers.map(|number| alarm(large, number)).collect();
            with_next(json!({ "MetricAlarms": alarms, "CompositeAlarms": [] }), "NextToken", next)
        }
        "DescribeAlarms" => json!({ "MetricAlarms": [], "CompositeAlarms": [] }),
        "DescribeAlarmHistory" => {
            let (numbers, next) = page(request, "NextToken", alarms * CHANGES, A_PAGE);
            let items: Vec<Value> =
                numbers.map(|number| history_item(large, number, alarms * CHANGES)).collect();
            with_next(json!({ "AlarmHistoryItems": items }), "NextToken", next)
        }
        "GetMetricData" => metric_data(request)?,
        "ListMetrics" => json!({ "Metrics": metrics(text(request, "Namespace")) }),
        _ => return None,
    })
}

fn alarm_name(number: usize) -> String {
    format!("{ALARM_PREFIX}worker-{number:04}-cpu")
}

fn alarm(large: &Large, number: usize) -> Value {
    let since = large.seconds_ago(7_200 + number);
    json!({
        "AlarmName": alarm_name(number),
        "AlarmArn": format!("arn:aws:cloudwatch:us-east-1:123456789012:alarm:{}", alarm_name(number)),
        "AlarmDescription": "The worker's processor is busy: see the guide, auto scaling.",
        "AlarmConfigurationUpdatedTimestamp": large.seconds_ago(90 * DAY_SECONDS),
        "ActionsEnabled": true,
        "OKActions": [TOPIC],
        "AlarmActions": [TOPIC],
        "InsufficientDataActions": [],
        "StateValue": "OK",
        "StateReason": reason(41.5, "was not greater than"),
        "StateReasonData": reason_data(large, number, 41.5),
        "StateUpdatedTimestamp": since,
        "StateTransitionedTimestamp": since,
        "MetricName": "CPUUtilization",
        "Namespace": "AWS/ECS",
        "Statistic": "Average",
        "Dimensions": [
            { "Name": "ClusterName", "Value": "lendpeak2-production" },
            { "Name": "ServiceName", "Value": format!("worker-{number:04}") },
        ],
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 5,
        "Threshold": 80.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "missing",
    })
}

fn reason(value: f64, how: &str) -> String {
    format!(
        "Threshold Crossed: 5 datapoints [{value}, {value}, {value}, {value}, {value}] {how} the threshold (80.0)."
    )
}

fn reason_data(large: &Large, ago: usize, value: f64) -> String {
    let evaluated = [0, 60, 120, 180, 240].map(
        |before| json!({ "timestamp": large.text_ago(ago + before), "sampleCount": 2.0, "value": value }),
    );
    json!({
        "version": "1.0",
        "queryDate": large.text_ago(ago),
        "startDate": large.text_ago(ago + 300),
        "statistic": "Average",
        "period": 60,
        "recentDatapoints": [value, value, value, value, value],
        "threshold": 80.0,
        "evaluatedDatapoints": evaluated,
    })
    .to_string()
}

/// The newest first.
fn history_item(large: &Large, number: usize, of: usize) -> Value {
    let ago = DAY_SECONDS * number / of;
    let state = |name: &str, value: f64, how: &str| {
        let data: Value = serde_json::from_str(&reason_data(large, ago, value)).unwrap_or_default();
        json!({ "stateValue": name, "stateReason": reason(value, how), "stateReasonData": data })
    };
    let ok = state("OK", 41.5, "was not greater than");
    let alarm = state("ALARM", 84.5, "was greater than");
    let (before, after) = if number.is_multiple_of(CHANGES) { (alarm, ok) } else { (ok, alarm) };
    json!({
        "AlarmName": alarm_name(number / CHANGES),
        "AlarmType": "MetricAlarm",
        "Timestamp": large.seconds_ago(ago),
        "HistoryItemType": "StateUpdate",
        "HistorySummary": format!("Alarm updated from {} to {}", text(&before, "stateValue"), text(&after, "stateValue")),
        "HistoryData": json!({ "version": "1.0", "oldState": before, "newState": after }).to_string(),
    })
}

/// A value for every period that was asked for, the newest first.
fn metric_data(request: &Value) -> Option<Value> {
    let end = DateTime::from_secs_f64(request.get("EndTime")?.as_f64()?).secs();
    let queries = request.get("MetricDataQueries")?.as_array()?;
    let results: Vec<Value> = queries.iter().filter_map(|query| series(query, end)).collect();
    Some(json!({ "MetricDataResults": results, "Messages": [] }))
}

fn series(query: &Value, end: i64) -> Option<Value> {
    const RECENT_HOURS: i64 = 12;
    const FORTNIGHT_HOURS: i64 = 14 * 24;
    let period = query.pointer("/MetricStat/Period")?.as_i64()?;
    let name = query.pointer("/MetricStat/Metric/MetricName")?.as_str()?;
    let hours = if period > 3_600 { FORTNIGHT_HOURS } else { RECENT_HOURS };
    let count = hours * 3_600 / period;
    let level = level(name);
    // Hardly more than noise; what is 0 or 1 stays so.
    let value = |number: i64| {
        let steps = f64::from(i32::try_from(number % 7).unwrap_or_default());
        if level > 1.0 { level * (1.0 + steps / 100.0) } else { level }
    };
    Some(json!({
        "Id": text(query, "Id"),
        "Label": name,
        "Timestamps": (1..=count).map(|number| end - number * period).collect::<Vec<_>>(),
        "Values": (1..=count).map(value).collect::<Vec<_>>(),
        "StatusCode": "Complete",
    }))
}

/// What is usual for a metric.
fn level(metric: &str) -> f64 {
    match metric {
        "Healthy" => 1.0,
        "HTTPCode_ELB_5XX_Count"
        | "HTTPCode_ELB_502_Count"
        | "HTTPCode_ELB_504_Count"
        | "RejectedConnectionCount" => 0.0,
        "TargetResponseTime" => 0.2,
        "4xxErrorRate" | "5xxErrorRate" => 0.4,
        "CacheHitRate" => 92.0,
        "BufferCacheHitRatio" => 93.0,
        "RequestCount" | "VolumeWriteIOPs" | "Requests" => 9_000.0,
        "DatabaseConnectionsLimit" => 1_700.0,
        "VolumeBytesUsed" => 42e9,
        "FreeLocalStorage" => 24e9,
        "FreeableMemory" => 8e9,
        _ => 40.0,
    }
}

fn metrics(namespace: &str) -> Vec<Value> {
    let (names, dimensions): (&[&str], _) = match namespace {
        "AWS/ECS" => (
            &["CPUUtilization", "MemoryUtilization"],
            json!([
                { "Name": "ServiceName", "Value": "backend" },
                { "Name": "ClusterName", "Value": "lendpeak2-production" },
            ]),
        ),
        "AWS/ApplicationELB" => (
            &[
                "RequestCount",
                "TargetResponseTime",
                "HTTPCode_Target_2XX_Count",
                "HTTPCode_Target_4XX_Count",
                "HTTPCode_Target_5XX_Count",
                "HTTPCode_ELB_4XX_Count",
                "HTTPCode_ELB_5XX_Count",
                "HTTPCode_ELB_504_Count",
                "RejectedConnectionCount",
                "ActiveConnectionCount",
                "NewConnectionCount",
                "ProcessedBytes",
                "ConsumedLCUs",
                "HealthyHostCount",
                "UnHealthyHostCount",
            ],
            json!([{ "Name": "LoadBalancer", "Value": LOAD_BALANCER }]),
        ),
        "AWS/DocDB" => (
            &[
                "VolumeBytesUsed",
                "VolumeReadIOPs",
                "VolumeWriteIOPs",
                "DBClusterReplicaLagMaximum",
                "DatabaseConnections",
                "DatabaseConnectionsLimit",
                "FreeLocalStorage",
                "FreeableMemory",
                "CPUUtilization",
                "BufferCacheHitRatio",
                "OpcountersQuery",
                "OpcountersInsert",
                "OpcountersUpdate",
                "OpcountersDelete",
            ],
            json!([{ "Name": "DBClusterIdentifier", "Value": SOURCE }]),
        ),
        "AWS/CloudFront" => (
            &["Requests", "BytesDownloaded", "BytesUploaded", "CacheHitRate", "4xxErrorRate", "5xxErrorRate"],
            json!([{ "Name": "DistributionId", "Value": "E1234567890ABC" }, { "Name": "Region", "Value": "Global" }]),
        ),
        _ => (&["Healthy"], json!([{ "Name": "Environment", "Value": "production" }])),
    };
    let metric =
        |name: &&str| json!({ "Namespace": namespace, "MetricName": name, "Dimensions": dimensions });
    names.iter().map(metric).collect()
}

//! All metrics in one batch for the last twelve hours, and in one for the last fortnight.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::{
    Client,
    types::{Dimension, Metric, MetricDataQuery, MetricStat},
};
use jiff::{SignedDuration, Timestamp};
use shared::{aws, telemetry::NAMESPACE};

use super::{GLOBAL_REGION, Reader, Seen, Why, date_time, seen, timestamp, why};
use crate::evidence::{NotSeen, Series, name};

const RECENT: Span = Span { hours: 12, period_seconds: 300 };
pub(super) const FORTNIGHT: Span = Span { hours: 14 * 24, period_seconds: 21_600 };
/// `GetMetricData` takes 500 queries at once, and answers 100,800 values a page.
const MAX_QUERIES: usize = 500;
const MAX_PAGES: usize = 10;

#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    hours: i64,
    period_seconds: u32,
}

/// A series to read.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) metric: String,
    pub(super) dimensions: BTreeMap<String, String>,
    /// As in `Average`, `Sum`, `p99`.
    pub(super) statistic: String,
}

impl Query {
    fn new(
        name: impl Into<String>,
        [namespace, metric, statistic]: [&str; 3],
        dimensions: &[(&str, &str)],
    ) -> Self {
        Self {
            name: name.into(),
            namespace: namespace.to_owned(),
            metric: metric.to_owned(),
            statistic: statistic.to_owned(),
            dimensions: dimensions
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }
}

pub(super) async fn metrics(reader: &Reader) -> Result<Option<Seen>, Why> {
    let client = Client::new(&reader.config);
    let settings = &reader.settings;
    let mut queries = of_service(reader);
    let mut fortnight = Vec::new();
    if let Some(cluster) = settings.database.as_deref() {
        let of_cluster = |name, metric: [&str; 2]| {
            Query::new(name, ["AWS/DocDB", metric[0], metric[1]], &[("DBClusterIdentifier", cluster)])
        };
        fortnight.push(of_cluster(name::DB_VOLUME, ["VolumeBytesUsed", "Average"]));
        queries.extend([
            of_cluster(name::DB_VOLUME, ["VolumeBytesUsed", "Average"]),
            of_cluster(name::DB_WRITES, ["VolumeWriteIOPs", "Sum"]),
            of_cluster(name::DB_LAG_MAX, ["DBClusterReplicaLagMaximum", "Maximum"]),
        ]);
        // Without them, the others are still worth reading.
        let instances =
            reader.database().await.map(|database| database.instances.as_slice()).unwrap_or_default();
        queries.extend(instances.iter().flat_map(|instance| of_instance(&instance.name)));
    }
    if let Some([namespace, metric]) = &settings.integrity_metric {
        queries.push(Query::new(
            name::INTEGRITY,
            [namespace, metric, "Maximum"],
            &[("Environment", &settings.environment)],
        ));
    }
    let (recent, fortnight, cdn) = tokio::join!(
        read(&client, &queries, RECENT, reader.at),
        read(&client, &fortnight, FORTNIGHT, reader.at),
        of_distribution(reader)
    );
    let (mut recent, fortnight) = (recent?, fortnight);
    let mut unseen = Vec::new();
    match cdn {
        Ok(cdn) => recent.extend(cdn),
        Err(why) => unseen.push(NotSeen { source: "CloudFront's metrics".to_owned(), why }),
    }
    let fortnight = fortnight.unwrap_or_else(|why| {
        unseen.push(NotSeen { source: "the metrics of the last fortnight".to_owned(), why });
        BTreeMap::new()
    });
    Ok(seen(move |evidence| {
        evidence.metrics.recent = recent;
        evidence.metrics.fortnight = fortnight;
        evidence.not_seen.extend(unseen);
    }))
}

fn of_service(reader: &Reader) -> Vec<Query> {
    let settings = &reader.settings;
    let ecs = |name, metric, statistic| {
        let dimensions = [("ClusterName", settings.cluster.as_str()), ("ServiceName", &settings.service)];
        Query::new(name, ["AWS/ECS", metric, statistic], &dimensions)
    };
    let mut queries = vec![
        ecs(name::ECS_CPU, "CPUUtilization", "Average"),
        ecs(name::ECS_CPU_MAX, "CPUUtilization", "Maximum"),
        ecs(name::ECS_MEMORY, "MemoryUtilization", "Average"),
        ecs(name::ECS_MEMORY_MAX, "MemoryUtilization", "Maximum"),
    ];
    queries.push(Query::new(
        name::PROBE_HEALTHY,
        [NAMESPACE, "Healthy", "Minimum"],
        &[("Environment", &settings.environment)],
    ));
    if let Some(load_balancer) = settings.load_balancer.as_deref() {
        let alb = |name, metric, statistic| {
            Query::new(name, ["AWS/ApplicationELB", metric, statistic], &[("LoadBalancer", load_balancer)])
        };
        queries.extend([
            alb(name::ALB_REQUESTS, "RequestCount", "Sum"),
            alb(name::ALB_P50, "TargetResponseTime", "p50"),
            alb(name::ALB_P99, "TargetResponseTime", "p99"),
            alb(name::ALB_MAX, "TargetResponseTime", "Maximum"),
            alb(name::ALB_TARGET_5XX, "HTTPCode_Target_5XX_Count", "Sum"),
            alb(name::ALB_ELB_5XX, "HTTPCode_ELB_5XX_Count", "Sum"),
            alb(name::ALB_ELB_502, "HTTPCode_ELB_502_Count", "Sum"),
            alb(name::ALB_ELB_504, "HTTPCode_ELB_504_Count", "Sum"),
            alb(name::ALB_REJECTED, "RejectedConnectionCount", "Sum"),
        ]);
    }
    queries
}

fn of_instance(instance: &str) -> Vec<Query> {
    [
        (name::DB_CONNECTIONS, "DatabaseConnections", "Maximum"),
        (name::DB_CONNECTIONS_LIMIT, "DatabaseConnectionsLimit", "Maximum"),
        (name::DB_LAG, "DBInstanceReplicaLag", "Maximum"),
        (name::DB_LOCAL_STORAGE, "FreeLocalStorage", "Minimum"),
        (name::DB_MEMORY, "FreeableMemory", "Minimum"),
        (name::DB_CPU, "CPUUtilization", "Average"),
        (name::DB_CACHE_HITS, "BufferCacheHitRatio", "Average"),
    ]
    .into_iter()
    .map(|(name, metric, statistic)| {
        let dimensions = [("DBInstanceIdentifier", instance)];
        Query::new(format!("{name}/{instance}"), ["AWS/DocDB", metric, statistic], &dimensions)
    })
    .collect()
}

async fn of_distribution(reader: &Reader) -> Result<BTreeMap<String, Series>, Why> {
    let Some(distribution) = reader.settings.distribution.as_deref() else {
        return Ok(BTreeMap::new());
    };
    let Some(client) = reader.global_cloudwatch() else {
        return Err(format!("they are in {GLOBAL_REGION}, which this partition has no access to"));
    };
    let cdn = |name, metric, statistic| {
        let dimensions = [("DistributionId", distribution), ("Region", "Global")];
        Query::new(name, ["AWS/CloudFront", metric, statistic], &dimensions)
    };
    let queries = [
        cdn(name::CDN_REQUESTS, "Requests", "Sum"),
        cdn(name::CDN_HIT_RATE, "CacheHitRate", "Average"),
        cdn(name::CDN_4XX_RATE, "4xxErrorRate", "Average"),
        cdn(name::CDN_5XX_RATE, "5xxErrorRate", "Average"),
    ];
    read(&client, &queries, RECENT, reader.at).await
}

/// The series, by their names. One without data is there, without values.
pub(super) async fn read(
    client: &Client,
    queries: &[Query],
    span: Span,
    at: Timestamp,
) -> Result<BTreeMap<String, Series>, Why> {
    if queries.is_empty() {
        return Ok(BTreeMap::new());
    }
    let queries = queries.get(..queries.len().min(MAX_QUERIES)).unwrap_or_default();
    let asked: Vec<MetricDataQuery> =
        queries.iter().enumerate().map(|(number, query)| asked(number, query, span)).collect();
    let spaced = Spaced::new(span, at);
    let mut series: BTreeMap<String, Series> =
        queries.iter().map(|query| (query.name.clone(), spaced.empty())).collect();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .get_metric_data()
            .set_metric_data_queries(Some(asked.clone()))
            .start_time(date_time(spaced.begin))
            .end_time(date_time(spaced.end))
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| why(&aws::failed("read", "the metrics", &error)))?;
        for result in page.metric_data_results() {
            let number = result.id().and_then(|id| id.strip_prefix('q')?.parse::<usize>().ok());
            let name = number.and_then(|number| queries.get(number)).map(|query| &query.name);
            let Some(series) = name.and_then(|name| series.get_mut(name)) else { continue };
            for (at, value) in result.timestamps().iter().zip(result.values()) {
                spaced.put(series, timestamp(at), *value);
            }
        }
        from = page.next_token;
        if from.is_none() {
            return Ok(series);
        }
    }
    // Half a series would look as if the metric had stopped.
    Err("there are more values than were read".to_owned())
}

fn asked(number: usize, query: &Query, span: Span) -> MetricDataQuery {
    let dimensions =
        query.dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(&query.namespace)
        .metric_name(&query.metric)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(i32::try_from(span.period_seconds).unwrap_or(i32::MAX))
        .stat(&query.statistic)
        .build();
    MetricDataQuery::builder().id(format!("q{number}")).metric_stat(stat).build()
}

/// Evenly spaced periods that end with one that is over: the period under way would look like a fall.
struct Spaced {
    begin: Timestamp,
    end: Timestamp,
    period_seconds: u32,
    count: usize,
}

impl Spaced {
    fn new(Span { hours, period_seconds }: Span, at: Timestamp) -> Self {
        let period = i64::from(period_seconds.max(1));
        let seconds = at.as_second();
        let end = Timestamp::from_second(seconds - seconds.rem_euclid(period)).unwrap_or(at);
        let count = usize::try_from(hours * 3_600 / period).unwrap_or_default();
        Self { begin: end - SignedDuration::from_hours(hours), end, period_seconds, count }
    }

    fn empty(&self) -> Series {
        Series { until: self.end, period_seconds: self.period_seconds, values: vec![None; self.count] }
    }

    /// Puts a value in its period, which it names by its beginning.
    fn put(&self, series: &mut Series, at: Option<Timestamp>, value: f64) {
        let place = at.and_then(|at| {
            let since = at.duration_since(self.begin).as_secs() / i64::from(self.period_seconds.max(1));
            usize::try_from(since).ok()
        });
        if let Some(slot) = place.and_then(|place| series.values.get_mut(place)) {
            *slot = Some(value).filter(|value| value.is_finite());
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::{
        operation::get_metric_data::GetMetricDataOutput, primitives::DateTime, types::MetricDataResult,
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;

    #[tokio::test]
    async fn a_series_has_each_value_in_its_period_and_none_where_there_is_no_data() {
        let at: Timestamp = "2026-11-24T14:03:20Z".parse().unwrap();
        let begin = "2026-11-24T02:00:00Z".parse::<Timestamp>().unwrap();
        let rule = mock!(Client::get_metric_data).then_output(move || {
            let time = |minutes: i64| DateTime::from_secs(begin.as_second() + minutes * 60);
            let result = MetricDataResult::builder().id("q0");
            let result = result.timestamps(time(0)).values(1.0).timestamps(time(715)).values(2.0);
            GetMetricDataOutput::builder().metric_data_results(result.build()).build()
        });
        let client = mock_client!(aws_sdk_cloudwatch, [&rule]);
        let query = |name| Query::new(name, ["AWS/ECS", "CPUUtilization", "Average"], &[]);
        let read = read(&client, &[query("one"), query("two")], RECENT, at).await.unwrap();
        let one = &read["one"];
        assert_eq!((one.values.len(), one.values[0], one.values[143]), (144, Some(1.0), Some(2.0)));
        assert_eq!(one.until, "2026-11-24T14:00:00Z".parse().unwrap());
        assert_eq!(one.values.iter().flatten().count(), 2);
        assert!(!read["two"].has_data());
    }

    #[tokio::test]
    async fn values_without_an_end_are_an_error_since_half_a_series_would_seem_to_have_stopped() {
        let endless = mock!(Client::get_metric_data)
            .then_output(|| GetMetricDataOutput::builder().next_token("n").build());
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, &[&endless]);
        let query = Query::new("one", ["AWS/ECS", "CPUUtilization", "Average"], &[]);
        let error = read(&client, &[query], RECENT, Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(error, "there are more values than were read");
    }
}

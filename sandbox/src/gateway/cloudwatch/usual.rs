//! LendPeak2's metrics on an ordinary day.

use serde_json::{Value, json};

use super::{Asked, append, dimensions, list, text};
use crate::gateway::{DISTRIBUTION, SOURCE};
use crate::names::{CLUSTER, LOAD_BALANCER, SERVICE};

const ECS: &str = "AWS/ECS";
const ALB: &str = "AWS/ApplicationELB";
const DATABASE: &str = "AWS/DocDB";
const CDN: &str = "AWS/CloudFront";
const OWN: &str = "LendPeak2";
/// Of the database's metrics, those that the cluster has, and not each instance.
const OF_CLUSTER: [&str; 3] = ["VolumeBytesUsed", "VolumeWriteIOPs", "DBClusterReplicaLagMaximum"];

/// Namespace, metric, statistic and value. The first that fits counts; an empty statistic fits all.
const VALUES: [(&str, &str, &str, f64); 30] = [
    (ECS, "CPUUtilization", "Maximum", 51.0),
    (ECS, "CPUUtilization", "", 45.0),
    (ECS, "MemoryUtilization", "Maximum", 47.0),
    (ECS, "MemoryUtilization", "", 44.0),
    (ALB, "RequestCount", "", 30_000.0),
    (ALB, "TargetResponseTime", "p50", 0.04),
    (ALB, "TargetResponseTime", "p99", 0.35),
    (ALB, "TargetResponseTime", "Maximum", 1.2),
    (ALB, "TargetResponseTime", "", 0.06),
    (ALB, "HTTPCode_Target_5XX_Count", "", 1.0),
    (ALB, "HTTPCode_ELB_5XX_Count", "", 0.0),
    (ALB, "HTTPCode_ELB_502_Count", "", 0.0),
    (ALB, "HTTPCode_ELB_504_Count", "", 0.0),
    (ALB, "RejectedConnectionCount", "", 0.0),
    (DATABASE, "VolumeBytesUsed", "", 42e9),
    (DATABASE, "VolumeWriteIOPs", "", 9_000.0),
    (DATABASE, "DBClusterReplicaLagMaximum", "", 20.0),
    (DATABASE, "DatabaseConnections", "", 140.0),
    (DATABASE, "DatabaseConnectionsLimit", "", 1_700.0),
    (DATABASE, "DBInstanceReplicaLag", "", 18.0),
    (DATABASE, "FreeLocalStorage", "", 24e9),
    (DATABASE, "FreeableMemory", "", 6e9),
    (DATABASE, "CPUUtilization", "", 31.0),
    (DATABASE, "BufferCacheHitRatio", "", 99.6),
    (CDN, "Requests", "", 9_000.0),
    (CDN, "CacheHitRate", "", 93.0),
    (CDN, "4xxErrorRate", "", 0.4),
    (CDN, "5xxErrorRate", "", 0.0),
    (OWN, "Healthy", "", 1.0),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "", 0.0),
];

/// None for what is no metric of LendPeak2's.
pub(super) fn value(asked: &Asked<'_>) -> Option<f64> {
    if !combinations(asked.namespace, asked.metric).iter().any(|one| same(one, &asked.dimensions)) {
        return None;
    }
    let fits = |statistic: &str| statistic.is_empty() || statistic == asked.statistic;
    let found = VALUES
        .iter()
        .find(|(namespace, metric, statistic, _)| {
            *namespace == asked.namespace && *metric == asked.metric && fits(statistic)
        })
        .copied();
    found.map(|(.., value)| value)
}

type Dimensions = Vec<(&'static str, String)>;

/// The combinations of dimensions under which a metric is put.
fn combinations(namespace: &str, metric: &str) -> Vec<Dimensions> {
    let one = |name, value: &str| vec![(name, value.to_owned())];
    match namespace {
        ECS => vec![vec![("ClusterName", CLUSTER.to_owned()), ("ServiceName", SERVICE.to_owned())]],
        ALB => vec![one("LoadBalancer", LOAD_BALANCER)],
        DATABASE if OF_CLUSTER.contains(&metric) => vec![one("DBClusterIdentifier", SOURCE)],
        DATABASE => {
            ["1", "2"].map(|number| one("DBInstanceIdentifier", &format!("{SOURCE}-{number}"))).to_vec()
        }
        CDN => vec![vec![("DistributionId", DISTRIBUTION.to_owned()), ("Region", "Global".to_owned())]],
        OWN => vec![one("Environment", "production")],
        "AWS/SQS" => vec![one("QueueName", "lendpeak2-production-dead-letters")],
        _ => Vec::new(),
    }
}

fn same(one: &Dimensions, other: &[(&str, &str)]) -> bool {
    one.len() == other.len() && one.iter().all(|(name, value)| other.contains(&(*name, value.as_str())))
}

/// Adds to what the local AWS lists.
pub(super) fn list_metrics(request: &Value, body: &mut Value) {
    if !text(request, "NextToken").is_empty() {
        return;
    }
    let (namespace, metric) = (text(request, "Namespace"), text(request, "MetricName"));
    let wanted: Vec<(&str, &str)> = dimensions(request);
    let is_known = |body: &Value, metric: &str, combination: &Dimensions| {
        list(body, "Metrics")
            .any(|known| text(known, "MetricName") == metric && same(combination, &dimensions(known)))
    };
    let mut more = Vec::new();
    let mut names: Vec<(&str, &str)> =
        VALUES.iter().map(|(namespace, name, ..)| (*namespace, *name)).collect();
    names.dedup();
    names.retain(|(of, name)| {
        (namespace.is_empty() || *of == namespace) && (metric.is_empty() || *name == metric)
    });
    for (namespace, name) in names {
        for combination in combinations(namespace, name) {
            let fits = |(name, value): &(&str, &str)| {
                combination.iter().any(|(of, is)| of == name && (value.is_empty() || is == value))
            };
            if wanted.iter().all(fits) && !is_known(body, name, &combination) {
                let dimensions: Vec<Value> =
                    combination.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
                more.push(json!({ "Namespace": namespace, "MetricName": name, "Dimensions": dimensions }));
            }
        }
    }
    append(body, "Metrics", more);
}

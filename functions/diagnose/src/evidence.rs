//! What was seen of the stack: plain data, with times and units in names and types.
//!
//! A source that was not seen is `None`, and no rule concludes anything from that. A list that is empty was seen,
//! and had nothing in it.

mod database;
mod ecs;
mod front_end;
mod metrics;
mod network;
mod watch;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
pub use shared::diagnosis::NotSeen;

pub use database::*;
pub use ecs::*;
pub use front_end::*;
pub use metrics::*;
pub use network::*;
pub use watch::*;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// When it was gathered. Everything that says how long ago something was counts from here.
    pub at: Timestamp,
    /// What the settings call the stack's parts: for a command, where a part itself was not seen.
    pub names: Names,
    /// Also `None` if the cluster has no such service: then [`Self::service_missing`] is set.
    pub service: Option<Service>,
    pub service_missing: bool,
    pub tasks: Option<Tasks>,
    pub definition: Option<Definition>,
    /// The images of the task definition, each looked up in ECR.
    pub images: Option<Vec<Image>>,
    /// The secrets of the task definition and of the settings, never with their values.
    pub secrets: Option<Vec<Secret>>,
    pub logs: Option<Logs>,
    pub target_groups: Option<Vec<TargetGroup>>,
    pub load_balancer: Option<LoadBalancer>,
    /// Those of the load balancer, the tasks, the database and Redis.
    pub security_groups: Option<Vec<SecurityGroup>>,
    /// Where Redis listens; none where the stack has none.
    pub redis: Option<Redis>,
    pub metrics: Metrics,
    pub database: Option<Database>,
    /// The newest first.
    pub database_events: Option<Vec<DatabaseEvent>>,
    /// What the profiler wrote in the last hour, grouped; none when it is off.
    pub slow_queries: Option<Vec<SlowQuery>>,
    pub scaling: Option<Scaling>,
    pub alarms: Option<Vec<Alarm>>,
    pub distribution: Option<Distribution>,
    /// The newest first.
    pub builds: Option<Vec<Build>>,
    /// The metrics that CloudWatch lists for this stack.
    pub listed_metrics: Option<Vec<ListedMetric>>,
    pub probe: Option<Probe>,
    /// What AWS Health has open about the services that the stack stands on, the newest first.
    pub aws_issues: Option<Vec<AwsIssue>>,
    pub not_seen: Vec<NotSeen>,
}

/// Empty where the stack has no such part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    pub cluster: String,
    pub service: String,
    pub log_group: String,
    pub load_balancer: String,
    pub database: String,
    pub distribution: String,
    pub probe: String,
}

impl Evidence {
    /// How long ago something was. `None` for a time in the future, by another clock.
    pub fn ago(&self, at: Timestamp) -> SignedDuration {
        self.at.duration_since(at).max(SignedDuration::ZERO)
    }

    /// Whether something was within the last `minutes`.
    pub fn within_minutes(&self, at: Timestamp, minutes: i64) -> bool {
        self.ago(at) <= SignedDuration::from_mins(minutes)
    }

    /// A check of the probe, if it was made.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.probe.as_ref()?.checks.iter().find(|check| check.name == name)
    }

    /// A metric of the last twelve hours, if it was seen.
    pub fn recent(&self, name: &str) -> Option<&Series> {
        self.metrics.recent.get(name)
    }

    /// Each instance's series of a metric of the database: name and series.
    pub fn by_instance(&self, metric: &str) -> Vec<(&str, &Series)> {
        let of = |name: &'_ str| -> Option<usize> {
            name.strip_prefix(metric)?.starts_with('/').then_some(metric.len() + 1)
        };
        let found = self.metrics.recent.iter();
        found.filter_map(|(name, series)| Some((name.get(of(name)?..)?, series))).collect()
    }
}

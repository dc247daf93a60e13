//! The guide's headings: what a person calls what they see, and where to look for its causes.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::source::Source;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chapter {
    ServiceDown,
    DataCorruption,
    ApplicationWontStart,
    AlbTargetUnhealthy,
    ApiTimeouts,
    ConnectionPoolExhausted,
    HighMemory,
    ReplicationLag,
    StorageFull,
    AutoScaling,
    SlowQueries,
    HighLatency,
    CloudfrontCache,
    CorsErrors,
    BuildFailures,
    StatusCode,
    MissingMetrics,
    AlertFatigue,
}

impl Chapter {
    /// In the order in which causes of equal weight are told.
    pub const ALL: [Self; 18] = [
        Self::ServiceDown,
        Self::DataCorruption,
        Self::ApplicationWontStart,
        Self::AlbTargetUnhealthy,
        Self::ApiTimeouts,
        Self::ConnectionPoolExhausted,
        Self::HighMemory,
        Self::ReplicationLag,
        Self::StorageFull,
        Self::AutoScaling,
        Self::SlowQueries,
        Self::HighLatency,
        Self::CloudfrontCache,
        Self::CorsErrors,
        Self::BuildFailures,
        Self::StatusCode,
        Self::MissingMetrics,
        Self::AlertFatigue,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceDown => "service-down",
            Self::DataCorruption => "data-corruption",
            Self::ApplicationWontStart => "application-wont-start",
            Self::AlbTargetUnhealthy => "alb-target-unhealthy",
            Self::ApiTimeouts => "api-timeouts",
            Self::ConnectionPoolExhausted => "connection-pool-exhausted",
            Self::HighMemory => "high-memory",
            Self::ReplicationLag => "replication-lag",
            Self::StorageFull => "storage-full",
            Self::AutoScaling => "auto-scaling",
            Self::SlowQueries => "slow-queries",
            Self::HighLatency => "high-latency",
            Self::CloudfrontCache => "cloudfront-cache",
            Self::CorsErrors => "cors-errors",
            Self::BuildFailures => "build-failures",
            Self::StatusCode => "status-code",
            Self::MissingMetrics => "missing-metrics",
            Self::AlertFatigue => "alert-fatigue",
        }
    }

    /// What its rules look at; nothing else is read for it.
    pub fn sources(self) -> &'static [Source] {
        use Source as S;
        match self {
            Self::ServiceDown => &[
                S::Service,
                S::Tasks,
                S::Definition,
                S::Secrets,
                S::TargetGroups,
                S::Metrics,
                S::Database,
                S::DatabaseEvents,
                S::Scaling,
                S::Probe,
                S::Logs,
                S::Images,
                S::LoadBalancer,
                S::SecurityGroups,
                S::Distribution,
                S::AwsHealth,
            ],
            Self::ApplicationWontStart => &[
                S::Service,
                S::Tasks,
                S::Definition,
                S::Images,
                S::Secrets,
                S::Logs,
                S::Database,
                S::Probe,
                S::Scaling,
            ],
            Self::AlbTargetUnhealthy => &[
                S::Service,
                S::Tasks,
                S::Definition,
                S::TargetGroups,
                S::LoadBalancer,
                S::SecurityGroups,
                S::Database,
                S::Probe,
            ],
            Self::ApiTimeouts => &[
                S::Service,
                S::Tasks,
                S::Definition,
                S::TargetGroups,
                S::LoadBalancer,
                S::Metrics,
                S::Logs,
                S::Database,
                S::SlowQueries,
                S::Scaling,
            ],
            Self::ConnectionPoolExhausted => {
                &[S::Service, S::Definition, S::Metrics, S::Logs, S::Database, S::DatabaseEvents, S::Scaling]
            }
            Self::HighMemory => &[S::Service, S::Tasks, S::Definition, S::Metrics, S::Scaling, S::Logs],
            Self::DataCorruption | Self::ReplicationLag | Self::StorageFull => &[S::Metrics, S::Database],
            Self::AutoScaling => &[S::Service, S::Metrics, S::Scaling, S::Alarms],
            Self::SlowQueries => &[S::Metrics, S::Database, S::DatabaseEvents, S::SlowQueries],
            Self::HighLatency => &[S::Probe, S::Metrics],
            Self::CloudfrontCache => &[S::Metrics, S::Distribution, S::Probe, S::Builds],
            Self::CorsErrors => &[S::Probe, S::Service, S::Definition],
            Self::StatusCode => &[S::Probe],
            Self::BuildFailures => &[S::Builds],
            Self::MissingMetrics => &[S::Service, S::Database, S::Metrics, S::ListedMetrics, S::Alarms],
            Self::AlertFatigue => &[S::Alarms, S::Metrics, S::Scaling],
        }
    }
}

impl FromStr for Chapter {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|chapter| chapter.as_str() == text).ok_or(())
    }
}

/// The guide's headings, and the chapters below each.
const HEADINGS: &[(&str, &[Chapter])] = &[
    ("Quick Diagnostics", &Chapter::ALL),
    ("System Health Check", &Chapter::ALL),
    ("Common Status Codes", &[Chapter::StatusCode]),
    ("Backend Issues", &[Chapter::ApplicationWontStart, Chapter::HighMemory, Chapter::ApiTimeouts]),
    ("Application Won't Start", &[Chapter::ApplicationWontStart]),
    ("High Memory Usage", &[Chapter::HighMemory]),
    ("API Timeouts", &[Chapter::ApiTimeouts]),
    ("Database Issues", &[Chapter::ConnectionPoolExhausted, Chapter::ReplicationLag, Chapter::StorageFull]),
    ("Connection Pool Exhausted", &[Chapter::ConnectionPoolExhausted]),
    ("Replication Lag", &[Chapter::ReplicationLag]),
    ("Storage Full", &[Chapter::StorageFull]),
    ("Frontend Issues", &[Chapter::BuildFailures, Chapter::CloudfrontCache, Chapter::CorsErrors]),
    ("Build Failures", &[Chapter::BuildFailures]),
    ("CloudFront Cache Issues", &[Chapter::CloudfrontCache]),
    ("CORS Errors", &[Chapter::CorsErrors]),
    ("Infrastructure Issues", &[Chapter::AlbTargetUnhealthy, Chapter::AutoScaling]),
    ("ALB Target Unhealthy", &[Chapter::AlbTargetUnhealthy]),
    ("Auto-scaling Not Working", &[Chapter::AutoScaling]),
    ("Performance Issues", &[Chapter::SlowQueries, Chapter::HighLatency]),
    ("Slow Queries", &[Chapter::SlowQueries]),
    ("High Latency", &[Chapter::HighLatency]),
    ("Monitoring and Alerts", &[Chapter::MissingMetrics, Chapter::AlertFatigue]),
    ("Missing Metrics", &[Chapter::MissingMetrics]),
    ("Alert Fatigue", &[Chapter::AlertFatigue]),
    ("Emergency Procedures", &[Chapter::ServiceDown, Chapter::DataCorruption]),
    ("Service Down", &[Chapter::ServiceDown]),
    ("Data Corruption", &[Chapter::DataCorruption]),
];

/// The chapters that a symptom names, by their names here or by a heading of the guide, however it is written; else the
/// three names that are nearest to it.
pub(crate) fn named(symptom: &str) -> Result<Vec<Chapter>, Vec<&'static str>> {
    const NEAREST: usize = 3;
    let plain = |text: &str| -> String {
        text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let symptom = plain(symptom);
    let own = Chapter::ALL.map(|chapter| (chapter.as_str(), vec![chapter]));
    let all =
        || own.iter().map(|(name, chapters)| (*name, chapters.as_slice())).chain(HEADINGS.iter().copied());
    if let Some((_, chapters)) = all().find(|(name, _)| plain(name) == symptom) {
        return Ok(chapters.to_vec());
    }
    let mut names = Chapter::ALL.map(Chapter::as_str);
    let distance = |name: &str| strsim::normalized_damerau_levenshtein(&plain(name), &symptom);
    names.sort_by(|one, other| distance(other).total_cmp(&distance(one)));
    Err(names.into_iter().take(NEAREST).collect())
}

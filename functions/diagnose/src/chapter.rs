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
            Self::HighMemory => &[S::Service, S::Tasks, S::Definition, S::Metrics],
            Self::DataCorruption | Self::ReplicationLag | Self::StorageFull => &[S::Metrics, S::Database],
            Self::AutoScaling => &[S::Service, S::Metrics, S::Scaling, S::Alarms],
            Self::SlowQueries => &[S::Metrics, S::Database, S::DatabaseEvents, S::SlowQueries],
            Self::HighLatency => &[S::Probe, S::Metrics],
            Self::CloudfrontCache => &[S::Metrics, S::Distribution, S::Probe, S::Builds],
            Self::CorsErrors | Self::StatusCode => &[S::Probe],
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

//! The guide's headings: what a person calls what they see.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chapter {
    /// Stands for a chapter that is not known here, too: nothing is decided by it.
    #[default]
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
}

impl FromStr for Chapter {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|chapter| chapter.as_str() == text).ok_or(())
    }
}

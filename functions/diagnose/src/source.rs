//! The sources of evidence. Each is read as a whole: it is seen or not seen.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    Service,
    Tasks,
    Definition,
    Images,
    Secrets,
    Logs,
    TargetGroups,
    LoadBalancer,
    SecurityGroups,
    Metrics,
    Database,
    DatabaseEvents,
    SlowQueries,
    Scaling,
    Alarms,
    Distribution,
    Builds,
    ListedMetrics,
    Probe,
    AwsHealth,
}

impl Source {
    /// For people: what was looked at, or could not be seen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "the service",
            Self::Tasks => "its tasks",
            Self::Definition => "its task definition",
            Self::Images => "its images",
            Self::Secrets => "its secrets",
            Self::Logs => "its errors in the log",
            Self::TargetGroups => "the target groups",
            Self::LoadBalancer => "the load balancer",
            Self::SecurityGroups => "the security groups",
            Self::Metrics => "the metrics",
            Self::Database => "the database",
            Self::DatabaseEvents => "the database's events",
            Self::SlowQueries => "slow queries",
            Self::Scaling => "auto scaling",
            Self::Alarms => "the alarms",
            Self::Distribution => "CloudFront",
            Self::Builds => "the front end's builds",
            Self::ListedMetrics => "the list of metrics",
            Self::Probe => "the health probe",
            Self::AwsHealth => "AWS Health",
        }
    }
}

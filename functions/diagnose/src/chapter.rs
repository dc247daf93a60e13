//! The guide's headings: what a person calls what they see, and where to look for its causes.

pub use shared::diagnosis::Chapter;

use crate::source::Source;

/// What its rules look at; nothing else is read for it.
pub fn sources(chapter: Chapter) -> &'static [Source] {
    use Source as S;
    match chapter {
        Chapter::ServiceDown => &[
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
        Chapter::ApplicationWontStart => &[
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
        Chapter::AlbTargetUnhealthy => &[
            S::Service,
            S::Tasks,
            S::Definition,
            S::TargetGroups,
            S::LoadBalancer,
            S::SecurityGroups,
            S::Database,
            S::Probe,
        ],
        Chapter::ApiTimeouts => &[
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
        Chapter::ConnectionPoolExhausted => {
            &[S::Service, S::Definition, S::Metrics, S::Logs, S::Database, S::DatabaseEvents, S::Scaling]
        }
        Chapter::HighMemory => &[S::Service, S::Tasks, S::Definition, S::Metrics, S::Scaling, S::Logs],
        Chapter::DataCorruption | Chapter::ReplicationLag | Chapter::StorageFull => {
            &[S::Metrics, S::Database]
        }
        Chapter::AutoScaling => &[S::Service, S::Metrics, S::Scaling, S::Alarms],
        Chapter::SlowQueries => &[S::Metrics, S::Database, S::DatabaseEvents, S::SlowQueries],
        Chapter::HighLatency => &[S::Probe, S::Metrics],
        Chapter::CloudfrontCache => &[S::Metrics, S::Distribution, S::Probe, S::Builds],
        Chapter::CorsErrors => &[S::Probe, S::Service, S::Definition],
        Chapter::StatusCode => &[S::Probe],
        Chapter::BuildFailures => &[S::Builds],
        Chapter::MissingMetrics => &[S::Service, S::Database, S::Metrics, S::ListedMetrics, S::Alarms],
        Chapter::AlertFatigue => &[S::Alarms, S::Metrics, S::Scaling],
    }
}

/// The guide's headings, and the chapters below each.
pub const HEADINGS: &[(&str, &[Chapter])] = &[
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

/// The chapters that a symptom names, by their names here or by a heading of the guide, however it is written, or by words
/// that only one of the names has; else the three names that are nearest to it.
pub(crate) fn named(symptom: &str) -> Result<Vec<Chapter>, Vec<&'static str>> {
    const NEAREST: usize = 3;
    const SHORTEST: usize = 3;
    let plain = |text: &str| -> String {
        text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let words: Vec<String> = symptom.split_whitespace().map(plain).collect();
    let symptom = plain(symptom);
    let own = Chapter::ALL.map(|chapter| (chapter.as_str(), vec![chapter]));
    let all =
        || own.iter().map(|(name, chapters)| (*name, chapters.as_slice())).chain(HEADINGS.iter().copied());
    if let Some((_, chapters)) = all().find(|(name, _)| plain(name) == symptom) {
        return Ok(chapters.to_vec());
    }
    // `memory` is enough for `high-memory`, as long as no other has it too.
    let begins_one = |name: &str, word: &str| name.split('-').any(|part| part.starts_with(word));
    let has_all = |name: &str| words.iter().all(|word| word.len() >= SHORTEST && begins_one(name, word));
    let only: Vec<Chapter> = Chapter::ALL.into_iter().filter(|chapter| has_all(chapter.as_str())).collect();
    if only.len() == 1 && !words.is_empty() {
        return Ok(only);
    }
    let mut names = Chapter::ALL.map(Chapter::as_str);
    let distance = |name: &str| strsim::normalized_damerau_levenshtein(&plain(name), &symptom);
    names.sort_by(|one, other| distance(other).total_cmp(&distance(one)));
    Err(names.into_iter().take(NEAREST).collect())
}

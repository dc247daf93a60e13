//! The rules: small pure functions, one for each cause, in the file of the guide's chapter.

mod alb_target_unhealthy;
mod alert_fatigue;
mod api_timeouts;
mod application_wont_start;
mod auto_scaling;
mod broken;
mod build_failures;
mod cloudfront_cache;
mod connection_pool_exhausted;
mod cors_errors;
mod data_corruption;
mod failed_starts;
mod high_latency;
mod high_memory;
mod missing_metrics;
mod replication_lag;
mod service_down;
mod slow_answers;
mod slow_queries;
mod status_code;
mod storage_full;

use crate::{chapter::Chapter, evidence::Evidence, finding::Finding};

/// Looks for one cause. It concludes nothing from what was not seen.
pub(crate) type Rule = fn(&Evidence) -> Option<Finding>;

/// A chapter's rules, by the code of the cause that each looks for.
pub(crate) type Rules = &'static [(&'static str, Rule)];

pub(crate) fn of(chapter: Chapter) -> Rules {
    match chapter {
        Chapter::ServiceDown => service_down::RULES,
        Chapter::DataCorruption => data_corruption::RULES,
        Chapter::ApplicationWontStart => application_wont_start::RULES,
        Chapter::AlbTargetUnhealthy => alb_target_unhealthy::RULES,
        Chapter::ApiTimeouts => api_timeouts::RULES,
        Chapter::ConnectionPoolExhausted => connection_pool_exhausted::RULES,
        Chapter::HighMemory => high_memory::RULES,
        Chapter::ReplicationLag => replication_lag::RULES,
        Chapter::StorageFull => storage_full::RULES,
        Chapter::AutoScaling => auto_scaling::RULES,
        Chapter::SlowQueries => slow_queries::RULES,
        Chapter::HighLatency => high_latency::RULES,
        Chapter::CloudfrontCache => cloudfront_cache::RULES,
        Chapter::CorsErrors => cors_errors::RULES,
        Chapter::BuildFailures => build_failures::RULES,
        Chapter::StatusCode => status_code::RULES,
        Chapter::MissingMetrics => missing_metrics::RULES,
        Chapter::AlertFatigue => alert_fatigue::RULES,
    }
}

/// What the rules of these chapters find, in no order.
pub(crate) fn found(evidence: &Evidence, chapters: &[Chapter]) -> Vec<Finding> {
    let rules = chapters.iter().flat_map(|chapter| of(*chapter).iter().map(|rule| (*chapter, rule)));
    rules
        .filter_map(|(chapter, (cause, rule))| {
            let finding = rule(evidence)?;
            Some(Finding { cause, chapter, ..finding })
        })
        .collect()
}

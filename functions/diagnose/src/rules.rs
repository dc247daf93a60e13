//! The rules: small pure functions, one for each cause; each chapter's file has the table of its causes.

mod alb_target_unhealthy;
mod alert_fatigue;
mod api_timeouts;
mod application_wont_start;
mod auto_scaling;
mod aws_issue;
mod broken;
mod build_failures;
mod certificates;
mod closed_groups;
mod cloudfront_cache;
mod connection_pool_exhausted;
mod cors_errors;
mod data_corruption;
mod database;
mod database_refused;
mod ended_tasks;
mod failed_starts;
mod health_checks;
mod high_latency;
mod high_memory;
mod missing_metrics;
mod missing_tasks;
mod replication_lag;
mod room_for_tasks;
mod service_down;
mod slow_answers;
mod slow_queries;
mod status_code;
mod steps;
mod storage_full;
mod stuck_deployment;
mod targets;
mod task_images;
mod task_secrets;
mod unreachable;
mod what_tasks_need;

use crate::{chapter::Chapter, evidence::Evidence, finding::Finding, names::filled};

/// A cause, the rule that looks for it, and the words for people.
pub struct Rule {
    /// For programs: `image_missing`.
    pub cause: &'static str,
    /// Looks for it. It concludes nothing from what was not seen.
    pub(crate) find: fn(&Evidence) -> Option<Finding>,
    /// What it looks at, and why that shows this cause.
    pub looks_at: &'static str,
    /// What to do if the next step is impossible, or did not help.
    pub otherwise: &'static str,
    /// How to see that it helped.
    pub helped: &'static str,
}

/// The rules of a chapter.
pub fn of(chapter: Chapter) -> &'static [Rule] {
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
    rules.filter_map(|(chapter, rule)| rule.finding(chapter, evidence)).collect()
}

impl Rule {
    fn finding(&self, chapter: Chapter, evidence: &Evidence) -> Option<Finding> {
        let mut finding = Finding { cause: self.cause.into(), chapter, ..(self.find)(evidence)? };
        let remedy = &mut finding.remedy;
        remedy.otherwise.get_or_insert_with(|| self.otherwise.to_owned());
        if remedy.helped.is_empty() {
            self.helped.clone_into(&mut remedy.helped);
        }
        for words in [&mut remedy.what, &mut remedy.helped].into_iter().chain(&mut remedy.otherwise) {
            *words = filled(words, evidence);
        }
        Some(finding)
    }
}

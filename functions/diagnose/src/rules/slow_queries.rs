//! Slow queries: what the profiler wrote, and a cache that has to fill again. A profiler that is off shows nothing.

use super::{Rules, slow_answers::SlowAnswers};
use crate::{
    evidence::{Evidence, SlowQuery, name},
    finding::{
        Confidence::{Certain, Likely, Possible},
        Finding,
        Impact::{Degraded, Risk},
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: Rules =
    &[("missing_index", missing_index), ("collection_scan", collection_scan), ("cold_cache", cold_cache)];

fn missing_index(evidence: &Evidence) -> Option<Finding> {
    let (query, index) = scans(evidence).find_map(|query| Some((query, query.index.as_deref()?)))?;
    let finding = Finding::new(
        Likely,
        impact(query),
        format!(
            "{} has no index for {} by {}: {} in the last hour, up to {} ms",
            query.collection,
            query.operation,
            fields(query),
            query.count,
            query.longest_ms
        ),
    );
    Some(shown(finding, query).fact("DocumentDB profiler", "index that would help", index).next(
        Development,
        format!("create the index {index} on {} with {{ background: true }}: otherwise its build holds up other work there", query.collection),
    ))
}

fn collection_scan(evidence: &Evidence) -> Option<Finding> {
    let query = scans(evidence).find(|query| query.index.is_none())?;
    let finding = Finding::new(
        Certain,
        impact(query),
        format!(
            "{} of {} reads the whole collection: {} in the last hour, up to {} ms",
            query.operation, query.collection, query.count, query.longest_ms
        ),
    );
    Some(shown(finding, query).next(
        Development,
        format!(
            "see what it asks for by explain(\"executionStats\") on {}: filter by a field that can have an index, project what is needed, and page",
            query.collection
        ),
    ))
}

/// Queries that read whole collections, and often; those that took most time first.
fn scans(evidence: &Evidence) -> impl Iterator<Item = &SlowQuery> {
    /// In an hour. Fewer are a person's, or a report's.
    const OFTEN: u64 = 10;
    let queries = evidence.slow_queries.iter().flatten();
    let mut scans: Vec<&SlowQuery> =
        queries.filter(|query| query.count >= OFTEN && query.plan.contains("COLLSCAN")).collect();
    scans.sort_by_key(|query| std::cmp::Reverse(query.count.saturating_mul(query.longest_ms)));
    scans.into_iter()
}

fn impact(query: &SlowQuery) -> crate::finding::Impact {
    /// What somebody waits for.
    const SLOW_MS: u64 = 1_000;
    if query.longest_ms >= SLOW_MS { Degraded } else { Risk }
}

fn fields(query: &SlowQuery) -> String {
    if query.fields.is_empty() { "no field".to_owned() } else { query.fields.join(", ") }
}

fn shown(finding: Finding, query: &SlowQuery) -> Finding {
    finding
        .fact("DocumentDB profiler", "plan", format!("{} for {}", query.plan, fields(query)))
        .fact("DocumentDB profiler", "in the last hour", format!("{} times", query.count))
        .fact("DocumentDB profiler", "longest", format!("{} ms", query.longest_ms))
}

fn cold_cache(evidence: &Evidence) -> Option<Finding> {
    /// One page in ten comes from the volume, which takes a hundred times as long.
    const COLD_PERCENT: f64 = 90.0;
    /// An instance that never has its data in memory is too small, not cold.
    const WARM_PERCENT: f64 = 95.0;
    /// A cache is warm again by then.
    const MINUTES: i64 = 180;
    let cold = evidence.by_instance(name::DB_CACHE_HITS).into_iter().filter_map(|(instance, series)| {
        let (now, usual) = (series.now()?, series.usual()?);
        (now < COLD_PERCENT && usual >= WARM_PERCENT).then_some((instance, series, now, usual))
    });
    let (instance, series, now, usual) = cold.min_by(|one, other| one.2.total_cmp(&other.2))?;
    // A restart empties the cache, and a new writer has not the data of the old one's work in it.
    let restart = evidence.database_events.iter().flatten().find(|event| {
        let is_restart = event.categories.iter().any(|category| category == "failover")
            || event.source == instance && event.message.to_ascii_lowercase().contains("restarted");
        is_restart && event.at.is_some_and(|at| evidence.within_minutes(at, MINUTES))
    });
    let slow = SlowAnswers::of(evidence);
    let why = if restart.is_some() { "is cold after a restart" } else { "has lost its data" };
    let mut finding = Finding::new(
        if restart.is_some() { Likely } else { Possible },
        if slow.is_some() { Degraded } else { Risk },
        format!(
            "the cache of {instance} {why}: {now:.1} % of reads find their data in it, usually {usual:.1} %"
        ),
    )
    .since(series.since_when(|percent| percent < COLD_PERCENT))
    .fact("CloudWatch, DocDB BufferCacheHitRatio", format!("cache hits of {instance}"), format!("{now:.1} %"))
    .against(format!("{COLD_PERCENT} %, usually {usual:.1} %"))
    .at(series.newest_at());
    if let Some(event) = restart {
        finding = finding
            .fact("DocumentDB events", format!("event of {}", event.source), event.message.clone())
            .at(event.at);
    }
    if let Some(slow) = slow {
        finding = slow.fact(finding);
    }
    Some(finding.next(
        DevOps,
        if restart.is_some() {
            "wait: it fills as queries run; if it has not within some hours, the data in use has outgrown the instance class"
        } else {
            "look for a query that reads a whole collection (the profiler, currentOp); if there is none, the data in use has outgrown the instance class"
        },
    ))
}

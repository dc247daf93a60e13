//! Slow queries: what the profiler wrote, and a cache that has to fill again. A profiler that is off shows nothing.

use jiff::SignedDuration;

use super::{
    Rule,
    database::{LARGER_WRITER, larger},
    slow_answers::SlowAnswers,
};
use crate::{
    evidence::{Evidence, SlowQuery, name},
    finding::{
        Confidence::{Certain, Likely, Possible},
        Finding,
        Impact::{Degraded, Risk},
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "missing_index",
        find: missing_index,
        looks_at: "The profiler's log of the last hour: at least 10 queries of one shape that read the whole \
                   collection (COLLSCAN), and by fields that an index can have: first those compared for \
                   equality, then those sorted by, then ranges. The shape that took most time comes first. A \
                   profiler that is off shows nothing.",
        otherwise: END_THEM,
        helped: "aws logs tail /aws/docdb/<db-cluster>/profiler --since 10m --filter-pattern '%COLLSCAN%' \
                 shows no such query 10 minutes after the index is built",
    },
    Rule {
        cause: "collection_scan",
        find: collection_scan,
        looks_at: "The same queries, where no field can have an index: they filter and sort by nothing, or \
                   by what no index helps. So the query is at fault, not the indexes.",
        otherwise: END_THEM,
        helped: "aws logs tail /aws/docdb/<db-cluster>/profiler --since 10m --filter-pattern '%COLLSCAN%' \
                 shows no such query 10 minutes after the deployment",
    },
    Rule {
        cause: "cold_cache",
        find: cold_cache,
        looks_at: "BufferCacheHitRatio of each instance: below 90 % now, and 95 % or more before the last \
                   hour. After a failover, or a restart of this instance, in the last 3 hours the cache is \
                   likely still empty; without one, something has pushed its data out, which is only \
                   possible. An instance whose ratio is always low is too small, not cold.",
        otherwise: LARGER_WRITER,
        helped: "the instance's BufferCacheHitRatio (CloudWatch, AWS/DocDB) is above 95 % again within 3 \
                 hours",
    },
];

const END_THEM: &str = "end the longest that run now, in mongosh: db.adminCommand({currentOp: 1}), then \
                        db.adminCommand({killOp: 1, op: <opid>})";

pub(super) fn missing_index(evidence: &Evidence) -> Option<Finding> {
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
        format!(
            "create the index, in mongosh on <writer>: {}.createIndex({}, {{background: true}}); without background it locks the collection while it is built",
            in_mongosh(query),
            quoted(index)
        ),
    ))
}

pub(super) fn collection_scan(evidence: &Evidence) -> Option<Finding> {
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
            "see what it asks for (aws logs tail /aws/docdb/<db-cluster>/profiler --since 1h --filter-pattern '%COLLSCAN%'), and try it in mongosh: {}.find(<filter>).explain(\"executionStats\"); then have it filter by a field with an index, project what is needed, and page",
            in_mongosh(query)
        ),
    ))
}

/// Queries that read whole collections, and often; those that took most time first.
fn scans(evidence: &Evidence) -> impl Iterator<Item = &SlowQuery> {
    /// In an hour. Fewer come from a person or a report.
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
    /// In an hour: one a minute.
    const OFTEN: u64 = 60;
    /// Long enough to slow down other requests.
    const LONG_MS: u64 = 5_000;
    let is_felt = query.longest_ms >= SLOW_MS && query.count >= OFTEN || query.longest_ms >= LONG_MS;
    if is_felt { Degraded } else { Risk }
}

fn fields(query: &SlowQuery) -> String {
    if query.fields.is_empty() { "no field".to_owned() } else { query.fields.join(", ") }
}

fn in_mongosh(query: &SlowQuery) -> String {
    match query.collection.split_once('.') {
        Some((database, collection)) => {
            format!("db.getSiblingDB(\"{database}\").getCollection(\"{collection}\")")
        }
        None => format!("db.getCollection(\"{}\")", query.collection),
    }
}

/// A name with a dot needs quotes there.
fn quoted(index: &str) -> String {
    let fields = index.trim_matches(['{', '}', ' ']).split(", ");
    let fields = fields.map(|field| match field.rsplit_once(": ") {
        Some((name, way)) => format!("\"{name}\": {way}"),
        None => field.to_owned(),
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
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
    // A restart empties the cache, and a new writer does not have the old one's data in its cache.
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
    let next = match restart.and_then(|event| event.at) {
        Some(at) => {
            let warm = at.checked_add(SignedDuration::from_mins(MINUTES)).unwrap_or(at).strftime("%H:%M UTC");
            format!(
                "it fills by itself as queries run; if BufferCacheHitRatio of {instance} is not above {WARM_PERCENT} % again by {warm}, the data in use has outgrown its class: take a larger one"
            )
        }
        None => "look for a query that reads a whole collection (aws logs tail /aws/docdb/<db-cluster>/profiler \
                 --since 1h --filter-pattern '%COLLSCAN%'), and give it an index; without one, the data in use has \
                 outgrown the instance class"
            .to_owned(),
    };
    Some(finding.next(DevOps, next).otherwise(larger(evidence, instance)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_for_an_index_can_be_pasted() {
        let query = SlowQuery { collection: "lendpeak2.loans".to_owned(), ..SlowQuery::default() };
        assert_eq!(in_mongosh(&query), r#"db.getSiblingDB("lendpeak2").getCollection("loans")"#);
        assert_eq!(quoted("{ borrower.id: 1, createdAt: -1 }"), r#"{"borrower.id": 1, "createdAt": -1}"#);
    }
}

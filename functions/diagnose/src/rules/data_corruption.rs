//! Data corruption: what the integrity check counts, and the moment to go back to.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Rule;
use crate::{
    ask::Ask,
    evidence::{Evidence, Series, name},
    finding::{Confidence::Certain, Finding, Impact::Degraded, Level::DevOps},
};

pub(super) const RULES: &[Rule] = &[Rule {
    cause: "integrity_violated",
    find: integrity_violated,
    looks_at: "The integrity check's own metric: its newest value of the last 12 hours, else of the last 14 \
               days, is above 0. It counts documents that break the data's rules, which no error and no log \
               shows. The beginning of the last period with a 0 is the time to restore.",
    otherwise: "keep the present state before any repair, if writes cannot be stopped: aws docdb \
                create-db-cluster-snapshot --db-cluster-identifier <db-cluster> \
                --db-cluster-snapshot-identifier <db-cluster>-before-repair",
    helped: "the next run of the integrity check counts 0 wrong documents; then let writes through again: \
             send write-freeze {\"state\": \"off\"}",
}];

fn integrity_violated(evidence: &Evidence) -> Option<Finding> {
    let recent = evidence.recent(name::INTEGRITY);
    let fortnight = evidence.metrics.fortnight.get(name::INTEGRITY);
    // A check that runs once a day may have none in the last hours.
    let series = [recent, fortnight].into_iter().flatten().find(|series| series.has_data())?;
    let count = series.newest().filter(|count| *count > 0.0)?;
    let since =
        [recent, fortnight].into_iter().flatten().find_map(|series| series.since_when(|count| count > 0.0));
    let right = [recent, fortnight].into_iter().flatten().find_map(last_right);
    let from = since.map_or_else(String::new, |since| format!(" since {since}"));
    let mut finding = Finding::new(
        Certain,
        Degraded,
        format!("the integrity check finds {count:.0} documents that are wrong{from}"),
    )
    .since(since)
    .fact("CloudWatch, integrity check", "wrong documents", format!("{count:.0}"))
    .against("above 0")
    .at(series.newest_at());
    if let Some(right) = right {
        finding = finding
            .fact("CloudWatch, integrity check", "last time without any", right.to_string())
            .at(Some(right));
    }
    let database = evidence.database.as_ref();
    let window = database.and_then(|database| database.earliest_restorable.zip(database.latest_restorable));
    if let Some((earliest, latest)) = window {
        finding =
            finding.fact("DocumentDB, cluster", "can be restored", format!("from {earliest} to {latest}"));
    }
    let list = json!({ "list": true });
    let restore = match (right, window) {
        (Some(right), Some((earliest, latest))) if earliest <= right => {
            let point = json!({ "point_in_time": right.min(latest) });
            format!("send snapshot-restore {point} to restore that moment beside it")
        }
        (Some(right), Some(_)) => {
            format!(
                "{right} lies before what can be restored to the minute: send snapshot-restore {list} and choose a snapshot from before"
            )
        }
        (Some(right), None) => {
            let point = json!({ "point_in_time": right });
            format!(
                "send snapshot-restore {point} if that time can still be restored (the window was not seen)"
            )
        }
        (None, _) => format!(
            "no time without them was seen: send snapshot-restore {list}, restore the newest snapshot beside it and look"
        ),
    };
    let reason = format!("the integrity check finds {count:.0} wrong documents");
    Some(
        finding
            .next(
                DevOps,
                format!(
                    "stop writes first; {restore}; compare the two to see which documents are wrong and what wrote them"
                ),
            )
            .send(Ask::freeze_writes(reason)),
    )
}

/// The last moment at which nothing is known to have been wrong: the beginning of the last period that has a zero,
/// as the check ran some time within it.
fn last_right(series: &Series) -> Option<Timestamp> {
    let periods = series.values.iter().rev().position(|value| *value == Some(0.0))?.checked_add(1)?;
    let seconds = i64::from(series.period_seconds).checked_mul(i64::try_from(periods).ok()?)?;
    series.until.checked_sub(SignedDuration::from_secs(seconds)).ok()
}

//! Storage full. The cluster's volume grows by itself, to 128 TiB: what gets full is an instance's local storage.

use super::{
    Rule,
    database::{LARGER_WRITER, larger},
};
use crate::{
    evidence::{Evidence, Series, median, name, size, trend},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::{Degraded, Risk, Untidy},
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "local_storage_low",
        find: local_storage_low,
        looks_at: "FreeLocalStorage of each instance: the newest value is below 2 GB, or it falls so \
                   steadily that nothing is left within 6 hours (within 2 hours, where it has only just \
                   begun to fall). It is the instance's space for temporary files and logs; the data lies in \
                   the volume, which grows by itself.",
        otherwise: LARGER_WRITER,
        helped: "the instance's FreeLocalStorage (CloudWatch, AWS/DocDB) stays above 2 GB for 15 minutes",
    },
    Rule {
        cause: "volume_grows_fast",
        find: volume_grows_fast,
        looks_at: "VolumeBytesUsed of the last 14 days: in the last day it grew by three times what \
                   was usual a week ago, and by 1 % and 1 GB at least; or it reaches 128 TiB within 90 days at this rate. Growth \
                   as usual is left alone while 128 TiB is farther away.",
        otherwise: "see whether change streams are kept too long: aws docdb describe-db-cluster-parameters \
                    --db-cluster-parameter-group-name <parameter-group> --query \
                    \"Parameters[?ParameterName=='change_stream_log_retention_duration'].ParameterValue\" shows for how many seconds; \
                    shorten it if nobody reads them that late",
        helped: "the VolumeBytesUsed of <db-cluster> (CloudWatch, AWS/DocDB) grows as usual again over the \
                 next 24 hours",
    },
];

fn local_storage_low(evidence: &Evidence) -> Option<Finding> {
    /// One large sort or index build takes as much.
    const LOW_BYTES: f64 = 2e9;
    /// Queries that need temporary space fail about here.
    const NONE_BYTES: f64 = 2e8;
    let all = evidence.by_instance(name::DB_LOCAL_STORAGE).into_iter();
    let (instance, series, free) = all
        // It falls fast: the newest value, not the middle of several.
        .filter_map(|(instance, series)| Some((instance, series, series.newest()?)))
        .min_by(|(_, _, one), (_, _, other)| one.total_cmp(other))?;
    let hours = hours_left(series);
    let finding = if free < LOW_BYTES {
        Finding::new(
            Certain,
            if free < NONE_BYTES { Degraded } else { Risk },
            format!("{instance} has {} of local storage left, for temporary files and logs", size(free)),
        )
        .since(series.since_when(|free| free < LOW_BYTES))
    } else {
        let hours = hours?;
        Finding::new(
            Likely,
            Risk,
            format!(
                "local storage of {instance} falls steadily: {} are left, enough for {}",
                size(free),
                left(hours)
            ),
        )
    };
    let finding = finding
        .fact("CloudWatch, DocDB FreeLocalStorage", format!("free on {instance}"), size(free))
        .against(size(LOW_BYTES))
        .at(series.newest_at());
    let finding = match hours {
        Some(hours) => finding.fact("CloudWatch, DocDB FreeLocalStorage", "full in", left(hours)),
        None => finding,
    };
    let class = evidence.database.as_ref().and_then(|database| {
        let instance = database.instances.iter().find(|it| it.name == instance)?;
        Some(instance.class.clone())
    });
    let finding = match class {
        Some(class) => finding.fact("DocumentDB, instances", format!("class of {instance}"), class),
        None => finding,
    };
    Some(
        finding
            .next(
                DevOps,
                format!(
                    "end what fills it, in mongosh on {instance}: db.adminCommand({{currentOp: 1}}) shows index builds and long sorts, db.adminCommand({{killOp: 1, op: <opid>}}) ends one; then see why it needs the space: a missing index, or the logs of profiler and audit"
                ),
            )
            .otherwise(larger(evidence, instance)),
    )
}

fn left(hours: f64) -> String {
    if hours < 1.0 { format!("{:.0} min", hours * 60.0) } else { format!("{hours:.0} h") }
}

/// Hours until full at the last six hours' rate; `None` if it goes up and down.
fn hours_left(series: &Series) -> Option<f64> {
    const HOURS: f64 = 6.0;
    /// Later than this is for the day.
    const SOON_HOURS: f64 = 6.0;
    /// A log that fills up is a straight line; a sort that spills is not.
    const STRAIGHT: f64 = 0.85;
    /// A little less every hour is the log of a day, which is rotated.
    const HALF: f64 = 0.5;
    let points = series.by_hour();
    let from = points.last()?.0 - HOURS;
    let points: Vec<(f64, f64)> = points.into_iter().filter(|(hour, _)| *hour >= from).collect();
    let ((first_hour, first), (last_hour, last)) = (*points.first()?, *points.last()?);
    let (slope, explained) = trend(&points)?;
    let hours = last / -slope;
    let is_long = last_hour - first_hour >= 1.0;
    // What falls in steps of minutes is no straight line over hours.
    let fast = fast_fall(&points);
    if fast.is_some() {
        return fast;
    }
    (is_long && slope < 0.0 && explained >= STRAIGHT && last < first * HALF && hours <= SOON_HOURS)
        .then_some(hours)
}

/// In how many hours it is full, by the last values, where each was lower than the one before.
fn fast_fall(points: &[(f64, f64)]) -> Option<f64> {
    /// A sort that spills gives it back within minutes.
    const FEWEST: usize = 4;
    const MOST: usize = 12;
    const SOON_HOURS: f64 = 2.0;
    let falls = points.windows(2).rev().take(MOST);
    let falling =
        falls.take_while(|pair| matches!(pair, [(_, before), (_, after)] if after < before)).count();
    let points = points.get(points.len().checked_sub(falling + 1)?..)?;
    let ((first_hour, first), (last_hour, last)) = (*points.first()?, *points.last()?);
    let hours = last * (last_hour - first_hour) / (first - last);
    (points.len() >= FEWEST && hours <= SOON_HOURS).then_some(hours)
}

fn volume_grows_fast(evidence: &Evidence) -> Option<Finding> {
    /// By AWS, for an instance-based cluster.
    const MOST_BYTES: f64 = 128.0 * 1_099_511_627_776.0;
    const TIMES: f64 = 3.0;
    /// Of the volume a day, and in bytes: three times nothing is nothing.
    const SHARE: f64 = 0.01;
    const AT_LEAST_BYTES: f64 = 1e9;
    /// Moving old data to another place takes weeks.
    const SOON_DAYS: f64 = 90.0;
    /// What is farther off need not be told.
    const FAR_DAYS: f64 = 3_650.0;
    const DAY_VALUES: usize = 4;
    let volume = evidence.metrics.fortnight.get(name::DB_VOLUME)?;
    // What each day added, counted anew every six hours; the newest last.
    let pairs = volume.values.iter().zip(volume.values.iter().skip(DAY_VALUES));
    let days: Vec<f64> = pairs.filter_map(|(before, after)| Some((*after)? - (*before)?)).collect();
    let today = *days.last()?;
    // In the older half: what began a week ago is not usual yet.
    let usual = median(days.iter().take(days.len() / 2).copied())?;
    let bytes = volume.newest()?;
    let left = (MOST_BYTES - bytes).max(0.0) / today.max(1.0);
    let is_fast = today >= usual * TIMES && today >= bytes * SHARE && today >= AT_LEAST_BYTES;
    let is_soon = today > 0.0 && left <= SOON_DAYS;
    if !is_fast && !is_soon {
        return None;
    }
    let end = if left < FAR_DAYS {
        format!("it reaches its limit of 128 TiB in {left:.0} days")
    } else {
        "it is far from full, but every GB is paid for".to_owned()
    };
    let (grew, usually) = (size(today), size(usual.max(0.0)));
    let finding = Finding::new(
        Likely,
        if is_soon { Risk } else { Untidy },
        format!("the database's volume grew by {grew} in the last day, usually by {usually}; {end}"),
    )
    .fact("CloudWatch, DocDB VolumeBytesUsed", "growth in 24 h", size(today))
    .against(format!("usually {}", size(usual)))
    .at(volume.newest_at())
    .fact("CloudWatch, DocDB VolumeBytesUsed", "volume", size(bytes))
    .against("128 TiB")
    .at(volume.newest_at());
    Some(finding.next(
        Development,
        "find the collection that grows, in mongosh: db.getCollectionNames().forEach(name => print(name, db.getCollection(name).stats().storageSize)); end what writes to it, or copy old documents elsewhere and delete them: their space is used again",
    ))
}

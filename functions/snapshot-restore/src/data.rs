//! Which data a request asks for, from what there is.

use jiff::Timestamp;
use shared::outcome::Stop;

use crate::{
    docdb::{Cluster, Snapshot},
    request::Wanted,
    restore::Origin,
    skipped,
};

/// What there is to be restored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct There<'a> {
    pub(crate) source: &'a Cluster,
    /// The snapshot that the request names.
    pub(crate) named: Option<&'a Snapshot>,
    /// The newest first.
    pub(crate) snapshots: &'a [Snapshot],
}

/// The time of the data that a request asks for, where there is such data.
pub(crate) fn data_of(now: Timestamp, there: &There<'_>, wanted: &Wanted) -> Option<Timestamp> {
    choose(now, there, wanted).ok().map(|(_, lost_since, _)| lost_since)
}

/// What to restore from, since when all writes are lost, and the engine's version if it is not the source's.
pub(crate) fn choose(
    now: Timestamp,
    there: &There<'_>,
    wanted: &Wanted,
) -> Result<(Origin, Timestamp, Option<String>), Stop> {
    let There { source, named, snapshots } = *there;
    let usable = || snapshots.iter().filter(|snapshot| snapshot.is_available());
    let snapshot = match wanted {
        Wanted::LatestPointInTime => {
            let latest = source.latest_restorable.ok_or_else(|| skipped::no_window(&source.name))?;
            return Ok((Origin::LatestPointInTime, latest, None));
        }
        Wanted::PointInTime(at) => {
            let (from, to) = source
                .earliest_restorable
                .zip(source.latest_restorable)
                .ok_or_else(|| skipped::no_window(&source.name))?;
            if *at < from || *at > to {
                return Err(skipped::outside_window(*at, from, to));
            }
            return Ok((Origin::PointInTime { at: *at }, *at, None));
        }
        Wanted::Snapshot(id) => {
            let snapshot = named.ok_or_else(|| skipped::snapshot_missing(id, snapshots))?;
            if snapshot.cluster != source.name {
                return Err(skipped::other_cluster(id, &snapshot.cluster, &source.name));
            }
            if !snapshot.is_available() {
                return Err(skipped::snapshot_not_available(snapshot));
            }
            snapshot
        }
        Wanted::LatestSnapshot => {
            usable().find(|snapshot| snapshot.taken_at.is_some()).ok_or_else(|| match snapshots.first() {
                Some(under_way) => skipped::snapshot_not_available(under_way),
                None => skipped::no_snapshot(&source.name),
            })?
        }
        Wanted::SnapshotBefore(at) => usable()
            .find(|snapshot| snapshot.taken_at.is_some_and(|taken| taken < *at))
            .ok_or_else(|| skipped::no_snapshot_before(*at, snapshots))?,
    };
    if let Some(key) = foreign_key(snapshot, source) {
        return Err(skipped::key_not_ours(&snapshot.id, key));
    }
    let taken_at = snapshot.taken_at.ok_or_else(|| skipped::snapshot_not_available(snapshot))?;
    let version = Some(snapshot.engine_version.clone())
        .filter(|version| !version.is_empty() && *version != source.settings.engine_version);
    Ok((Origin::Snapshot { id: snapshot.id.clone(), taken_at }, taken_at.min(now), version))
}

/// The snapshot's key, when it is of another account than the cluster.
fn foreign_key<'a>(snapshot: &'a Snapshot, source: &Cluster) -> Option<&'a str> {
    let account = |arn: &'a str| arn.starts_with("arn:").then(|| arn.split(':').nth(4)).flatten();
    let key = snapshot.kms_key.as_deref()?;
    let ours = source.arn.split(':').nth(4)?;
    account(key).filter(|theirs| *theirs != ours).map(|_| key)
}

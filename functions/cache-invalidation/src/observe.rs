//! What `cache-invalidation` reads before it decides: the latest invalidations, and how assets are served.

use aws_sdk_cloudfront::operation::get_invalidation::GetInvalidationError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use shared::{
    alarms::{self, About, Asking, NotAReason, Reason},
    aws, clock,
    error::Error,
    web::Web,
};
use tokio::task::JoinSet;

use crate::{
    Clients,
    paths::{covers, is_wildcard},
    request::{CACHE_METRICS, Goal, Request, Source},
    settings::{FILES_IN_PROGRESS, Settings, WILDCARDS_IN_PROGRESS},
};

/// One page of CloudFront's list. Older ones ended long ago.
const MAX_LISTED: i32 = 100;
/// The paths of an invalidation take a call each. When more than so many are under way, CloudFront itself has the
/// last word on how many it takes.
const MAX_READ: usize = 15;
/// What ended longer ago is of no interest: no invalidation is looked after for so long.
const RECENT: SignedDuration = SignedDuration::from_hours(1);
/// As many as a person would look at.
const MAX_ASSETS: usize = 3;

pub(crate) const COMPLETED: &str = "Completed";

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Observed {
    /// Those under way and those of the last hour, the newest first.
    pub invalidations: Vec<Invalidation>,
    pub assets: Vec<Asset>,
    /// The one that was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Invalidation>,
    /// Why the alarm that asks is no reason to clear the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<NotAReason>,
    /// Whether that alarm has calmed down.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_calm: bool,
}

impl Observed {
    pub(crate) fn sent_as(&self, caller_reference: &str) -> Option<&Invalidation> {
        self.invalidations.iter().find(|one| one.caller_reference == caller_reference)
    }

    /// Files and wildcards that CloudFront is at work on.
    pub(crate) fn in_progress(&self) -> (usize, usize) {
        self.invalidations.iter().filter(|one| !one.is_completed()).fold((0, 0), |(files, wildcards), one| {
            (files + one.paths.len() - one.wildcards(), wildcards + one.wildcards())
        })
    }

    pub(crate) fn has_room(&self, paths: &[String]) -> bool {
        let (files, wildcards) = self.in_progress();
        let more = paths.iter().filter(|path| is_wildcard(path)).count();
        // A limit that is not touched does not matter: another's may be exceeded already.
        (more == 0 || wildcards + more <= WILDCARDS_IN_PROGRESS)
            && (paths.len() == more || files + paths.len() - more <= FILES_IN_PROGRESS)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Invalidation {
    pub id: String,
    /// `InProgress` or `Completed`.
    pub status: String,
    pub created_at: Timestamp,
    pub caller_reference: String,
    /// In the order of the alphabet. Others may send thousands: too many for the record.
    #[serde(rename = "paths", serialize_with = "count")]
    pub paths: Vec<String>,
}

impl Invalidation {
    pub(crate) fn is_completed(&self) -> bool {
        self.status == COMPLETED
    }

    pub(crate) fn wildcards(&self) -> usize {
        self.paths.iter().filter(|path| is_wildcard(path)).count()
    }
}

fn count<S: serde::Serializer>(paths: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    paths.len().serialize(serializer)
}

/// How an asset is served, as `curl -I` shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// As in `Hit from cloudfront`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_cache: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Asset {
    /// Whether a copy is still served that the cache had before `cleared`.
    fn is_older_than(&self, cleared: Timestamp, now: Timestamp) -> bool {
        // Clocks differ, and an age is in whole seconds.
        const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);
        let is_hit = self.x_cache.as_deref().is_some_and(|x_cache| x_cache.starts_with("Hit"));
        let age = self.age_seconds.and_then(|age| i64::try_from(age).ok()).map(SignedDuration::from_secs);
        is_hit && age.is_some_and(|age| age > now.duration_since(cleared) + TOLERANCE)
    }
}

/// What an asset shows once its invalidation is completed; of several, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sight {
    /// What is served now is newer.
    Fresh,
    /// The origin has no such file: deleted, or not uploaded.
    NotThere,
    /// No answer, or one that is not the origin's content: a firewall's refusal, an error.
    NotSeen,
    /// A copy from before is still served.
    Old,
}

impl Sight {
    fn of(asset: &Asset, cleared: Timestamp, now: Timestamp) -> Self {
        match asset.status {
            _ if asset.is_older_than(cleared, now) => Self::Old,
            Some(200..=399) => Self::Fresh,
            Some(404 | 410) => Self::NotThere,
            _ => Self::NotSeen,
        }
    }

    /// What all of them show together, and in words what they do not show. Where none can be looked at, CloudFront's
    /// word is all there is.
    pub(crate) fn of_all(assets: &[Asset], cleared: Timestamp, now: Timestamp) -> (Self, Option<String>) {
        let sights = || assets.iter().map(|asset| Self::of(asset, cleared, now));
        let sight = sights().max().unwrap_or(Self::Fresh);
        let which: Vec<&str> = assets
            .iter()
            .zip(sights())
            .filter(|(_, seen)| *seen == sight)
            .map(|(asset, _)| asset.path.as_str())
            .collect();
        let which = which.join(", ");
        let said = match sight {
            Self::Fresh => None,
            Self::NotThere => Some(format!("not there: {which}")),
            Self::NotSeen => Some(format!("no fresh copy was seen of {which}")),
            Self::Old => Some("an old copy is still served".to_owned()),
        };
        (sight, said)
    }
}

/// Assets before and after, as `/main.js: etag "1" → "2", x-cache Hit from cloudfront → Miss from cloudfront`.
pub(crate) fn compared(before: &[Asset], after: &[Asset]) -> String {
    let lines: Vec<String> = after
        .iter()
        .map(|now| {
            let was = before.iter().find(|was| was.path == now.path);
            let mut said = Vec::new();
            let mut say = |name: &str, of: &dyn Fn(&Asset) -> Option<String>| {
                let (then, now) = (was.and_then(of), of(now));
                match (then, now) {
                    (Some(then), Some(now)) if then != now => said.push(format!("{name} {then} → {now}")),
                    (_, Some(now)) => said.push(format!("{name} {now}")),
                    (Some(then), None) => said.push(format!("{name} {then} → none")),
                    (None, None) => {}
                }
            };
            say("no answer:", &|asset| asset.error.clone());
            say("status", &|asset| asset.status.map(|status| status.to_string()));
            say("etag", &|asset| asset.etag.clone());
            say("x-cache", &|asset| asset.x_cache.clone());
            say("age", &|asset| asset.age_seconds.map(|age| format!("{age} s")));
            format!("{}: {}", now.path, said.join(", "))
        })
        .collect();
    lines.join("; ")
}

pub(crate) async fn observe(
    clients: &Clients,
    web: &Web,
    settings: &Settings,
    request: &Request,
) -> Result<Observed, Error> {
    match &request.goal {
        Goal::Status(id) => {
            Ok(Observed { asked: invalidation(clients, settings, id).await?, ..Observed::default() })
        }
        Goal::Invalidate(asked) => {
            let (invalidations, assets, alarm) = tokio::join!(
                recent(clients, settings, MAX_READ),
                assets(web, settings, &asked.paths),
                alarm(clients, settings, request)
            );
            let Asking { now, refused } = alarm?;
            let is_calm = now.iter().any(|alarm| !alarm.is_in_alarm);
            Ok(Observed { invalidations: invalidations?, assets, refused, is_calm, ..Observed::default() })
        }
        Goal::LookAfter => {
            let invalidations = recent(clients, settings, MAX_READ).await?;
            // Mostly there is nothing to look after, and nobody to be asked.
            let cleared = invalidations.iter().flat_map(|one| one.paths.iter().cloned());
            let assets = assets(web, settings, &cleared.collect::<Vec<_>>()).await;
            Ok(Observed { invalidations, assets, ..Observed::default() })
        }
    }
}

/// What an invalidation can cure: content that was deployed and is not found. An origin that hides its files
/// answers 403 for those.
const REASONS: [Reason; 1] = [Reason {
    namespace: "AWS/CloudFront",
    is_metric: |name| CACHE_METRICS.contains(&name),
    dimensions: &["DistributionId"],
}];

async fn alarm(clients: &Clients, settings: &Settings, request: &Request) -> Result<Asking, Error> {
    match &request.source {
        Source::Alarm(alarm) => {
            let ours = vec![("DistributionId", vec![settings.distribution.clone()])];
            let about = About { ours, reasons: REASONS.to_vec() };
            alarms::ask_over(&clients.config, alarm, &about).await
        }
        Source::Deployment(_) | Source::Person | Source::Schedule => Ok(Asking::default()),
    }
}

/// The latest invalidations with their paths, the newest first: those under way and those of the last hour.
pub(crate) async fn recent(
    clients: &Clients,
    settings: &Settings,
    most: usize,
) -> Result<Vec<Invalidation>, Error> {
    let distribution = &settings.distribution;
    let answer = clients
        .cloudfront()
        .list_invalidations()
        .distribution_id(distribution)
        .max_items(MAX_LISTED)
        .send()
        .await
        .map_err(|error| {
            aws::failed("list the invalidations of", format!("distribution {distribution}"), &error)
        })?;
    let since = clock::now() - RECENT;
    let listed = answer.invalidation_list.and_then(|list| list.items).unwrap_or_default();
    let ids = listed
        .into_iter()
        .filter(|one| one.status != COMPLETED || timestamp(&one.create_time) >= since)
        .map(|one| one.id)
        .take(most);

    let mut reading = JoinSet::new();
    for id in ids {
        let (client, distribution) = (clients.cloudfront().clone(), distribution.clone());
        reading.spawn(async move { read(&client, &distribution, &id).await });
    }
    let mut invalidations = Vec::new();
    while let Some(read) = reading.join_next().await {
        // A task that was cancelled has nothing to say; none is.
        invalidations.extend(read.unwrap_or(Ok(None))?);
    }
    invalidations.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    Ok(invalidations)
}

/// One invalidation; nothing if CloudFront does not know it.
pub(crate) async fn invalidation(
    clients: &Clients,
    settings: &Settings,
    id: &str,
) -> Result<Option<Invalidation>, Error> {
    read(clients.cloudfront(), &settings.distribution, id).await
}

async fn read(
    client: &aws_sdk_cloudfront::Client,
    distribution: &str,
    id: &str,
) -> Result<Option<Invalidation>, Error> {
    match client.get_invalidation().distribution_id(distribution).id(id).send().await {
        Ok(answer) => Ok(answer.invalidation.map(|one| {
            let batch = one.invalidation_batch;
            let mut paths = batch
                .as_ref()
                .and_then(|batch| batch.paths())
                .map(|paths| paths.items().to_vec())
                .unwrap_or_default();
            paths.sort();
            Invalidation {
                id: one.id,
                status: one.status,
                created_at: timestamp(&one.create_time),
                caller_reference: batch.map(|batch| batch.caller_reference).unwrap_or_default(),
                paths,
            }
        })),
        Err(error) if error.as_service_error().is_some_and(GetInvalidationError::is_no_such_invalidation) => {
            Ok(None)
        }
        Err(error) => {
            Err(aws::failed("get invalidation", format!("{id} of distribution {distribution}"), &error))
        }
    }
}

/// How assets among these paths are served. An asset that does not answer is an observation, not an error.
pub(crate) async fn assets(web: &Web, settings: &Settings, paths: &[String]) -> Vec<Asset> {
    let mut asking = JoinSet::new();
    for (place, path) in assets_among(paths, &settings.asset_path).into_iter().enumerate() {
        let (web, url) = (web.clone(), format!("{}{path}", settings.app_url));
        asking.spawn(async move { (place, asset(&web, path, &url).await) });
    }
    let mut assets = asking.join_all().await;
    assets.sort_by_key(|(place, _)| *place);
    assets.into_iter().map(|(_, asset)| asset).collect()
}

/// The files that are named, then the known asset and the page if a wildcard covers them.
pub(crate) fn assets_among(paths: &[String], known: &str) -> Vec<String> {
    let mut assets: Vec<String> = paths.iter().filter(|path| !is_wildcard(path)).cloned().collect();
    for path in [known, "/"] {
        if paths.iter().any(|wildcard| covers(wildcard, path)) && !assets.iter().any(|asset| asset == path) {
            assets.push(path.to_owned());
        }
    }
    assets.truncate(MAX_ASSETS);
    assets
}

async fn asset(web: &Web, path: String, url: &str) -> Asset {
    match web.head(url).await {
        Ok(head) => {
            let text = |name: &str| head.header(name).map(str::to_owned);
            Asset {
                path,
                status: Some(head.status),
                x_cache: text("x-cache"),
                age_seconds: head.header("age").and_then(|age| age.trim().parse().ok()),
                etag: text("etag"),
                error: None,
            }
        }
        Err(error) => Asset { path, error: Some(error.to_string()), ..Asset::default() },
    }
}

fn timestamp(at: &aws_sdk_cloudfront::primitives::DateTime) -> Timestamp {
    at.to_millis().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

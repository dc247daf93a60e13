//! The status page: follows the incidents, and writes what has changed. This function is its only writer, and one run of
//! it at a time. That it cannot be written harms no incident.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use shared::{
    aws,
    error::{Error, chain},
    ledger::Minutes,
    telemetry,
};
use status_page::{
    File, Public,
    minutes::{Minute, Minutes as Measured},
};

use super::{
    actor::Actor,
    context::{Handler, back_off, write_conflict},
    limits::MAX_WRITES,
};
use crate::{
    incident::Incident,
    notice,
    settings::StatusPage,
    slug::digest,
    status::{
        maintenance::Window,
        page::{self, DAYS, Gathered},
        publication::{self, Publication},
    },
    store::Published,
};

/// What did not change is written again after this long: the page says how old it is.
const WRITTEN_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// A run that takes longer is cut off, before its lease ends: so no other run writes at the same time. All that a run does
/// has 30 seconds, and incidents come first.
const WRITTEN_WITHIN: Duration = Duration::from_secs(8);
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// Days before yesterday that are summed up if no run did it at their end.
const DAYS_BACK: i32 = 3;

impl Handler {
    /// Brings the page up to date, if there is one. What fails is only logged: the next minute tries again, and an alarm
    /// rings if the page is not written for a quarter of an hour.
    pub(super) async fn refresh_page(&self, incidents: &[Incident], windows: &[Window], now: Timestamp) {
        let Some(site) = &self.settings.page else {
            return;
        };
        let refreshed =
            tokio::time::timeout(WRITTEN_WITHIN, Box::pin(self.refresh(site, incidents, windows, now)));
        match refreshed.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = chain(&error), "the status page is not up to date"),
            Err(_) => tracing::error!("the status page is not up to date: it took too long"),
        }
    }

    async fn refresh(
        &self,
        site: &StatusPage,
        incidents: &[Incident],
        windows: &[Window],
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut gathered = self.gather(windows, now).await?;
        gathered.open = incidents
            .iter()
            .filter(|incident| incident.is_open())
            .map(|incident| incident.id.clone())
            .collect();
        for incident in incidents {
            self.follow(site, incident, &mut gathered, now).await?;
        }
        self.write_page(site, &gathered, now).await
    }

    /// Everything in the ledger that the page shows. Sums up the days that are over.
    async fn gather(&self, windows: &[Window], now: Timestamp) -> Result<Gathered, Error> {
        let today = TimeZone::UTC.to_datetime(now).date();
        let back = |days: i32| today.checked_sub(days.days()).unwrap_or(today);
        let first = back(i32::try_from(DAYS).unwrap_or(i32::MAX));
        let (days, publications, by_hand) = tokio::try_join!(
            self.store().days(first),
            self.store().publications(),
            self.store().components()
        )?;
        let missing: Vec<_> = (1..=DAYS_BACK).rev().map(back).filter(|day| !days.contains_key(day)).collect();
        let from = missing.first().copied().unwrap_or(back(1)).min(back(1));
        let from = TimeZone::UTC.to_timestamp(from.at(0, 0, 0, 0)).unwrap_or(now);
        let minutes = self.minutes(from, now).await?;
        let windows = windows.to_vec();
        let mut gathered = Gathered { minutes, by_hand, windows, publications, days, ..Gathered::default() };
        for date in missing {
            let starts = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(now);
            let number = status_page::minutes::number(starts);
            if gathered.minutes.range(number..number.saturating_add(24 * 60)).next().is_none() {
                continue;
            }
            let day = page::day(&self.settings.components, &gathered, date, now);
            self.store().add_day(date, &day, now).await?;
            gathered.days.insert(date, day);
        }
        Ok(gathered)
    }

    pub(super) async fn minutes(&self, from: Timestamp, to: Timestamp) -> Result<Measured, Error> {
        let client = aws_sdk_dynamodb::Client::new(&self.config);
        let minutes = Minutes::new(client, &self.settings.ledger_table).between(from, to).await?;
        let measured = |(number, minute): (i64, shared::ledger::Minute)| {
            (number, Minute { failed: minute.failed, response_ms: minute.ms })
        };
        Ok(minutes.into_iter().map(measured).collect())
    }

    /// Tells customers what is new about an incident, and reminds level 1 of what they were promised.
    async fn follow(
        &self,
        site: &StatusPage,
        incident: &Incident,
        gathered: &mut Gathered,
        now: Timestamp,
    ) -> Result<(), Error> {
        let components = &self.settings.components;
        let affected = page::affected(components, &gathered.minutes, &gathered.windows, incident, now);
        let place = gathered.publications.iter().position(|known| known.incident == incident.id);
        let before = place.and_then(|place| gathered.publications.get(place));
        let number = components.all().iter().filter(|component| !component.checks.is_empty()).count();
        let followed = publication::follow(before, incident, &affected, number, site.publish_after, now);
        let Some(mut after) = followed.clone().or_else(|| before.cloned()) else {
            return Ok(());
        };
        let promised = after.to_be_reminded(now).filter(|_| incident.is_open());
        if followed.is_none() && promised.is_none() {
            return Ok(());
        }
        after.reminded_of = promised.or(after.reminded_of);
        let reminder = promised.map(|by| self.reminder(incident, by, now));
        let written =
            self.store().publish(&after, reminder.as_ref().map(shared::outbox::Owed::item), now).await?;
        // If somebody else wrote it meanwhile, the next minute follows from that.
        if written {
            if let Some(reminder) = reminder {
                self.outbox().send(&reminder).await;
            }
            after.version = after.version.saturating_add(1);
            match place.and_then(|place| gathered.publications.get_mut(place)) {
                Some(known) => *known = after,
                None => gathered.publications.push(after),
            }
        }
        Ok(())
    }

    fn reminder(&self, incident: &Incident, by: Timestamp, now: Timestamp) -> shared::outbox::Owed {
        let facts = notice::promised(&self.settings.environment, incident, by);
        self.notice_to_level_1(facts, &format!("word-{}-{}", incident.id, by.as_second()), now)
    }

    /// What a person says of an incident for customers.
    pub(super) async fn say_to_customers(
        &self,
        incident: &Incident,
        text: &str,
        actor: &Actor<'_>,
    ) -> Result<(), Error> {
        if self.settings.page.is_none() {
            return Err(Error::InvalidRequest(
                "there is no status page: deploy with `StatusPage=true`, or leave `public` out for a note to colleagues"
                    .to_owned(),
            ));
        }
        let Some(text) = Public::typed(text) else {
            return Err(Error::InvalidRequest("`text` has nothing in it that can be read".to_owned()));
        };
        let now = actor.now;
        let since = now.checked_sub(SignedDuration::from_mins(10)).unwrap_or(now);
        let (minutes, windows) = tokio::try_join!(self.minutes(since, now), self.store().windows())?;
        let affected = page::affected(&self.settings.components, &minutes, &windows, incident, now);
        for turn in 0..MAX_WRITES {
            back_off(turn, actor.id).await;
            let known = self.store().publications().await?;
            let before = known.into_iter().find(|known| known.incident == incident.id);
            let said = Publication::with_words(before, incident, &affected, text.clone(), now);
            let Some(said) = said else {
                return Ok(());
            };
            if actor.dry_run || self.store().publish(&said, None, now).await? {
                return Ok(());
            }
        }
        Err(write_conflict(&incident.id))
    }

    /// Writes the files that changed, the ones that others refer to first, and the page itself last.
    async fn write_page(&self, site: &StatusPage, gathered: &Gathered, now: Timestamp) -> Result<(), Error> {
        let published = self.store().published().await?;
        let shown = page::page(&site.name, &site.url, &self.settings.components, gathered, now);
        let content = digest(&page::content(&shown));
        let is_old = now.duration_since(published.at).abs() >= WRITTEN_EVERY;
        let others = now < published.lease_until && published.lease_until.duration_since(now) <= LEASE;
        if others || (content == published.content && !is_old) {
            return Ok(());
        }
        let lease_until = now.checked_add(LEASE).unwrap_or(now);
        let taken = Published { lease_until, ..published.clone() };
        if !self.store().set_published(&taken, now).await? {
            // Another run writes it.
            return Ok(());
        }
        let mut written = Published {
            at: now,
            content,
            lease_until: Timestamp::UNIX_EPOCH,
            version: taken.version.saturating_add(1),
            ..taken
        };
        let files = status_page::files(&shown);
        let changed = |file: &&File| written.files.get(&file.path) != Some(&digest(&file.body));
        let changed: Vec<&File> = files.iter().filter(changed).collect();
        let count = changed.len();
        // One after the other: each is there before what refers to it.
        for file in changed {
            self.put_file(site, file).await?;
        }
        written.files = files.iter().map(|file| (file.path.clone(), digest(&file.body))).collect();
        self.store().set_published(&written, now).await?;
        telemetry::page_published(&self.settings.environment, count);
        Ok(())
    }

    async fn put_file(&self, site: &StatusPage, file: &File) -> Result<(), Error> {
        let client = self.s3.get_or_init(|| {
            // A local AWS has no name for each bucket.
            let by_path = self.config.endpoint_url().is_some();
            let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(by_path);
            aws_sdk_s3::Client::from_conf(config.build())
        });
        client
            .put_object()
            .bucket(&site.bucket)
            .key(&file.path)
            .content_type(file.content_type)
            .cache_control(file.cache_control)
            .body(ByteStream::from(file.body.clone().into_bytes()))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| {
                aws::failed("write the status page", format!("{}/{}", site.bucket, file.path), &error)
            })
    }
}

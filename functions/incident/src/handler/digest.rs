//! The report of some days: gathered from the ledger, for whoever asks and, by its schedule, for level 1.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{
    error::Error,
    ledger::{AUDIT_KEPT, Switch},
    notice::{Facts, Kind, Step},
    text::line,
};

use super::{
    answer::{VERSION, next_step},
    context::Handler,
};
use crate::{
    FUNCTION,
    digest::{Digest, Gathered, LeftOut, Record, SeenIncident},
    incident::Incident,
    notice::WaitingPlan,
    request::WEEK,
    store::Found,
};

/// The name of the schedule that wants the report told.
const SCHEDULE: &str = "incident-digest";
/// More than these are counted by their newest: a page is no less true for it, and a run has 30 seconds.
const MOST_RECORDS: usize = 1_000;
const MOST_INCIDENTS: usize = 200;
/// How many incidents' timelines are read at once.
const AT_ONCE: usize = 20;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Whose restored clusters are followed.
const RESTORES: &str = "snapshot-restore";

/// Whether the schedule with this ARN wants the report told.
pub(super) fn is_schedule(arn: &str) -> bool {
    arn.rsplit('/').next() == Some(SCHEDULE)
}

impl Handler {
    pub(super) async fn report(&self, days: i64, now: Timestamp) -> Result<Value, Error> {
        let digest = self.digest(u16::try_from(days).unwrap_or(WEEK), now).await?;
        Ok(self.reported(&digest, "reported", &[]))
    }

    /// Tells level 1, once a day at most, however often the schedule's event is delivered.
    pub(super) async fn tell_digest(&self, scheduled: Timestamp, now: Timestamp) -> Result<Value, Error> {
        let digest = self.digest(WEEK, now).await?;
        let day = scheduled.strftime("%Y-%m-%d").to_string();
        let owed = self.notice_to_level_1(facts(&digest), &format!("digest-{day}"), now);
        if !self.store().remember_digest(&day, owed.item(), now).await? {
            return Ok(self.reported(&digest, "nothing", &[format!("The report of {day} was told before.")]));
        }
        let sent = self.outbox().send(&owed).await;
        Ok(self.reported(&digest, "told", &sent.words))
    }

    fn reported(&self, digest: &Digest, did: &str, told: &[String]) -> Value {
        let mut lines = digest.lines();
        lines.extend(told.iter().cloned());
        let mut answer = json!({
            "summary": digest.headline(),
            "did": did,
            "report": digest,
            "lines": lines,
            "function": FUNCTION,
            "version": VERSION,
        });
        let waits = [&digest.waits.incidents, &digest.waits.plans, &digest.waits.kill_switches];
        if let Some(first) = waits.into_iter().flatten().next() {
            let what = format!("look at what waits: {first}");
            let next = next_step(&what, &self.settings.function_name(FUNCTION), &json!({ "list": true }), 1);
            if let Some(fields) = answer.as_object_mut() {
                fields.insert("next".to_owned(), next);
            }
        }
        answer
    }

    async fn digest(&self, days: u16, now: Timestamp) -> Result<Digest, Error> {
        let from = before(now, DAY.saturating_mul(i32::from(days)));
        let (records, restores, incidents, open, plans, switches) = tokio::try_join!(
            self.records_of_all(from, now),
            self.restores(now),
            self.store().opened_between(from, now, MOST_INCIDENTS),
            self.store().open_and_recent(0),
            self.waiting_plans(now),
            self.switches(),
        )?;
        let (records, mut left_out) = records;
        if restores.has_more {
            left_out.older.push("what was restored".to_owned());
        }
        left_out.unreadable += incidents.unreadable;
        if incidents.has_more {
            left_out.older.push("the incidents".to_owned());
        }
        let seen = futures_util::stream::iter(incidents.read).map(async |incident| {
            let people = self.people(&incident).await?;
            Ok::<_, Error>(SeenIncident { incident, people })
        });
        let switches = switches.into_iter().filter(|switch: &Switch| switch.is_on(now)).collect();
        Ok(Digest::of(&Gathered {
            environment: self.settings.environment.clone(),
            modes: self.settings.remedies.clone(),
            from,
            to: now,
            days,
            records,
            incidents: seen.buffered(AT_ONCE).try_collect().await?,
            open: open.open,
            plans,
            switches,
            restores: restores.read,
            left_out,
        }))
    }

    async fn records_of_all(&self, from: Timestamp, now: Timestamp) -> Result<(Vec<Record>, LeftOut), Error> {
        let (mut records, mut left_out) = (Vec::new(), LeftOut::default());
        for function in &self.settings.functions {
            let Found { read, unreadable, has_more } =
                self.store().records(function, from, now, MOST_RECORDS).await?;
            records.extend(read.iter().map(Record::of));
            left_out.unreadable += unreadable;
            if has_more {
                left_out.older.push(format!("{function}'s records"));
            }
        }
        Ok((records, left_out))
    }

    /// What was restored lives on, however long ago that was.
    async fn restores(&self, now: Timestamp) -> Result<Found<Record>, Error> {
        if !self.settings.functions.iter().any(|function| function == RESTORES) {
            return Ok(Found { read: Vec::new(), unreadable: 0, has_more: false });
        }
        let kept = SignedDuration::try_from(AUDIT_KEPT).unwrap_or_default();
        let Found { read, unreadable, has_more } =
            self.store().records(RESTORES, before(now, kept), now, MOST_RECORDS).await?;
        Ok(Found { read: read.iter().map(Record::of).collect(), unreadable, has_more })
    }

    async fn waiting_plans(&self, now: Timestamp) -> Result<Vec<(WaitingPlan, Timestamp)>, Error> {
        let mut waiting = Vec::new();
        for function in &self.settings.functions {
            let plans = self.store().plans(function, now).await?;
            waiting.extend(
                plans
                    .into_iter()
                    .map(|(id, expires)| (WaitingPlan { function: function.clone(), id }, expires)),
            );
        }
        Ok(waiting)
    }

    /// The people who wrote something into an incident's timeline.
    async fn people(&self, incident: &Incident) -> Result<BTreeSet<String>, Error> {
        let machines = ["alarm", FUNCTION, "service-down"];
        let is_machine = |by: &str| {
            let mut functions = self.settings.functions.iter().chain(&self.settings.runbook);
            machines.contains(&by) || functions.any(|function| function == by)
        };
        let timeline = self.store().timeline(&incident.id).await?;
        let by = timeline.into_iter().map(|entry| entry.by).filter(|by| !is_machine(by));
        let named = by.map(|by| if by == "person" { "somebody".to_owned() } else { line(&by, 60) });
        Ok(named.collect())
    }
}

fn before(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// The page as a notice.
fn facts(digest: &Digest) -> Facts {
    let mut lines = digest.lines().into_iter();
    Facts {
        opening: lines.next().unwrap_or_default(),
        lines: lines.collect(),
        steps: vec![Step::new("All of it: lendpeak2 report --json")],
        ..Facts::new(&digest.environment, FUNCTION, Kind::Other, format!("report of {}", digest.headline()))
    }
}

//! Announced work: people announce and end it, alarms of its components are held back meanwhile, and what still fires at
//! its end opens an incident after all.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{
    alarms, clock,
    error::{Error, chain},
    text::{PERSON, line},
};
use status_page::{Id, MaintenancePhase, Public, minutes::number};

use super::{
    actor::Actor,
    answer::{VERSION, next_step},
    context::{Handler, back_off, write_conflict},
    limits::{MAX_TEXT, MAX_WRITES},
};
use crate::{
    FUNCTION,
    incident::open_key,
    notice, request,
    status::maintenance::{MAX_AHEAD, MAX_SPAN, Window, holding},
    store::OpenLookup,
};

/// What the probe found in the last minutes says which components an alarm of the probe is about.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_mins(3);
/// A window that has ended for longer holds nothing any more.
const SETTLED_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// CloudWatch describes as many alarms in one call.
const MOST_HELD: usize = 100;

impl Handler {
    /// Announces work. The same announcement, sent again, is the same window; with another end, other components or another
    /// text it changes that.
    pub(super) async fn announce(
        &self,
        maintenance: &request::Maintenance,
        actor: &Actor<'_>,
    ) -> Result<Value, Error> {
        let window = self.window(maintenance, actor)?;
        if actor.dry_run {
            return Ok(self.about(&window, "announced", "is announced", &[], actor));
        }
        if self.write("announced", &window, actor).await? {
            let told = self.tell("announced", &window, actor).await;
            return Ok(self.about(&window, "announced", "is announced", &told, actor));
        }
        let known = self.store().windows().await?.into_iter().find(|known| known.id == window.id);
        let known = known.ok_or_else(|| write_conflict(window.id.as_str()))?;
        if known.is_as(&window) {
            return Ok(self.about(&known, "nothing", "was announced already", &[], actor));
        }
        let Window { announced_at, held, version, .. } = known;
        let window = Window { announced_at, held, version, ..window };
        if !self.write("changed", &window, actor).await? {
            return Err(write_conflict(window.id.as_str()));
        }
        let told = self.tell("changed", &window, actor).await;
        Ok(self.about(&window, "changed", "is changed", &told, actor))
    }

    /// Writes a window with its notice. `false` if somebody else has written it.
    async fn write(&self, verb: &str, window: &Window, actor: &Actor<'_>) -> Result<bool, Error> {
        let notice = self.notice_of(verb, window, actor).item();
        self.store().announce(window, Some(notice), actor.now).await
    }

    fn window(&self, maintenance: &request::Maintenance, actor: &Actor<'_>) -> Result<Window, Error> {
        let request::Maintenance { title, text, components, from, until } = maintenance;
        let now = actor.at.min(actor.now);
        let from = from.map_or(now, |from| from.after(now));
        let until = until.after(from);
        let span = until.duration_since(from);
        let wrong = if until <= actor.now {
            Some("`maintenance.until` is in the past")
        } else if span <= SignedDuration::ZERO {
            Some("`maintenance.until` is before `from`")
        } else if span > MAX_SPAN {
            Some("`maintenance` lasts longer than 7 days: announce what is left when that is known")
        } else if from.duration_since(actor.now) > MAX_AHEAD {
            Some("`maintenance.from` is more than a year away")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            return Err(Error::InvalidRequest(format!(
                "{wrong}; send as in {{\"maintenance\": {{\"title\": \"Database upgrade\", \"from\": \"2026-12-05T02:00:00Z\", \"until\": \"1h\"}}, \"by\": \"...\"}}"
            )));
        }
        let components = components.iter().map(|name| self.component(name)).collect::<Result<_, _>>()?;
        let title = Public::typed(title).ok_or_else(|| unreadable("title"))?;
        let name = format!("{}-{}", from.strftime("%Y%m%d-%H%M"), title.as_str());
        Ok(Window {
            id: Id::of(&name).ok_or_else(|| unreadable("title"))?,
            title,
            text: text.as_deref().and_then(Public::typed),
            components,
            announced_at: now,
            from,
            until,
            ended_at: None,
            by: line(actor.by, MAX_TEXT),
            held: [].into(),
            version: 0,
        })
    }

    /// The id of the component that a person means.
    pub(super) fn component(&self, name: &str) -> Result<Id, Error> {
        let components = &self.settings.components;
        components.named(name).map(|component| component.id.clone()).ok_or_else(|| {
            let (name, known) = (line(name, 60), components.names());
            Error::InvalidRequest(format!("there is no component `{name}`; send one of {known}"))
        })
    }

    /// Ends announced work, or calls it off if it has not begun.
    pub(super) async fn end_maintenance(&self, id: &str, actor: &Actor<'_>) -> Result<Value, Error> {
        for turn in 0..MAX_WRITES {
            back_off(turn, actor.id).await;
            let windows = self.store().windows().await?;
            let Some(mut window) = windows.into_iter().find(|window| window.id.as_str() == id) else {
                return Err(Error::InvalidRequest(format!(
                    "there is no maintenance `{}`; send {{\"list\": true}} to see which there are",
                    line(id, 60)
                )));
            };
            let verb = match window.phase(actor.now) {
                MaintenancePhase::Scheduled => "called off",
                MaintenancePhase::InProgress => "ended",
                MaintenancePhase::Completed | MaintenancePhase::CalledOff => {
                    return Ok(self.about(&window, "nothing", "is over", &[], actor));
                }
            };
            window.ended_at = Some(actor.now);
            if actor.dry_run {
                return Ok(self.about(&window, verb, &format!("is {verb}"), &[], actor));
            }
            if self.write(verb, &window, actor).await? {
                let told = self.tell(verb, &window, actor).await;
                return Ok(self.about(&window, verb, &format!("is {verb}"), &told, actor));
            }
        }
        Err(write_conflict(id))
    }

    /// The notice to level 1: colleagues need not wonder what is going on.
    fn notice_of(&self, verb: &str, window: &Window, actor: &Actor<'_>) -> shared::outbox::Owed {
        let facts = notice::maintenance(&self.settings.environment, verb, window, actor.now);
        let key = format!("maintenance-{}-{}", window.id.as_str(), verb.replace(' ', "-"));
        self.notice_to_level_1(facts, &key, actor.now)
    }

    async fn tell(&self, verb: &str, window: &Window, actor: &Actor<'_>) -> Vec<String> {
        self.outbox().send(&self.notice_of(verb, window, actor)).await.words
    }

    fn about(&self, window: &Window, did: &str, what: &str, told: &[String], actor: &Actor<'_>) -> Value {
        let mut summary = format!("maintenance {what}: {}", window.in_words(actor.now));
        if actor.dry_run {
            summary = format!("dry run, nothing was changed: {summary}");
        }
        let mut answer = json!({
            "summary": line(&summary, MAX_TEXT),
            "did": did,
            "id": window.id,
            "maintenance": window,
            "dry_run": actor.dry_run,
            "lines": told,
            "function": FUNCTION,
            "version": VERSION,
        });
        if matches!(window.phase(actor.now), MaintenancePhase::Scheduled | MaintenancePhase::InProgress)
            && let Some(fields) = answer.as_object_mut()
        {
            let request = json!({ "end_maintenance": window.id, "by": "<your name>" });
            fields.insert(
                "next".to_owned(),
                next_step("end it", &self.settings.function_name(FUNCTION), &request, 1),
            );
        }
        answer
    }

    /// The window that holds an alarm back, once the alarm is noted in it. `None` also if an incident is open that the
    /// alarm belongs to, and if the ledger cannot be read: people are told rather than not.
    pub(super) async fn held_by(&self, alarm: &str, cause: &str, actor: &Actor<'_>) -> Option<Window> {
        match self.hold(alarm, cause, actor).await {
            Ok(window) => window,
            Err(error) => {
                tracing::warn!(error = chain(&error), "whether maintenance is announced is not known");
                None
            }
        }
    }

    async fn hold(&self, alarm: &str, cause: &str, actor: &Actor<'_>) -> Result<Option<Window>, Error> {
        for turn in 0..MAX_WRITES {
            back_off(turn, actor.id).await;
            let mut windows = self.store().windows().await?;
            windows.retain(|window| window.is_on(actor.now));
            if windows.is_empty()
                || matches!(
                    self.store().open_for(&open_key(false, cause, "")).await?,
                    OpenLookup::Incident(_)
                )
            {
                return Ok(None);
            }
            let failed = self.failing(actor.now).await?;
            let components = self.settings.components.of_alarm(self.short(alarm), &failed);
            let Some(window) = holding(&windows, &components, actor.now) else {
                return Ok(None);
            };
            let mut window = window.clone();
            if window.held.contains_key(alarm) {
                return Ok(Some(window));
            }
            if window.held.len() >= MOST_HELD {
                // One that is not noted would be forgotten at the end.
                return Ok(None);
            }
            window.held.insert(alarm.to_owned(), actor.at);
            if self.store().announce(&window, None, actor.now).await? {
                return Ok(Some(window));
            }
        }
        Err(write_conflict(alarm))
    }

    /// The checks that failed in the probe's last minute.
    async fn failing(&self, now: Timestamp) -> Result<Vec<String>, Error> {
        let since = now.checked_sub(SEEN_WITHIN).unwrap_or(now);
        let last = self.minutes(since, now).await?.into_iter().next_back();
        let last = last.filter(|(minute, _)| *minute >= number(since));
        Ok(last.map(|(_, minute)| minute.failed).unwrap_or_default())
    }

    /// Opens incidents for the alarms that ended windows have held back and that still fire. Answers what was done.
    pub(super) async fn settle_windows(
        &self,
        windows: &[Window],
        now: Timestamp,
    ) -> Result<Vec<(String, String)>, Error> {
        let mut done = Vec::new();
        let has_ended = |window: &&Window| {
            let end = window.ended_at.unwrap_or(window.until);
            !window.held.is_empty() && !window.is_on(now) && now.duration_since(end) < SETTLED_WITHIN
        };
        for window in windows.iter().filter(has_ended) {
            let names = window.held.keys().cloned().collect();
            let firing = alarms::ringing(&aws_sdk_cloudwatch::Client::new(&self.config), names).await?;
            for alarm in firing {
                let at = alarm.since.unwrap_or(now).min(now);
                let key = format!("held#{}@{}", alarm.name, at.as_millisecond());
                let actor =
                    Actor { id: &key, by: FUNCTION, at, now, dry_run: false, execution: None, message: None };
                let what = format!(
                    "{} is in ALARM since {}, and maintenance `{}` is over: {}",
                    self.short(&alarm.name),
                    clock::readable(at),
                    window.id.as_str(),
                    line(&alarm.reason, PERSON)
                );
                let answer = self.open(self.incident_for_alarm(&alarm.name, what), &actor).await?;
                done.push((
                    answer.incident.unwrap_or_default(),
                    format!("{} was held back by maintenance and still fires", self.short(&alarm.name)),
                ));
            }
            // If somebody else has written it, the next minute does this again: who is open is only joined.
            let settled = Window { held: [].into(), ..window.clone() };
            self.store().announce(&settled, None, now).await?;
        }
        Ok(done)
    }
}

fn unreadable(field: &str) -> Error {
    Error::InvalidRequest(format!(
        "`maintenance.{field}` has nothing in it that can be read: use letters or digits"
    ))
}

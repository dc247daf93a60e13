//! An alarm rings, or is OK again; an incident opens.

use jiff::SignedDuration;
use shared::{
    error::Error,
    trigger::{Alarm, AlarmState},
};

use super::{Answer, Desk, Did, LISTED, MAX_TURNS, Trouble, Word, overtaken, pause};
use crate::{
    incident::{Handling, Incident, REOPENED_WITHIN, SERVICE_DOWN, Severity, spoken},
    request::slug,
    store::Pointer,
};

/// An alarm that changed longer ago says nothing of now.
const MAX_EVENT_AGE: SignedDuration = SignedDuration::from_mins(15);

impl Desk {
    pub(super) async fn alarm(&self, alarm: &Alarm, word: &Word<'_>) -> Result<Answer, Error> {
        let down = self.settings.service_down_alarms.contains(&alarm.name);
        let prefix = format!("lendpeak2-{}-", self.settings.environment);
        let short = alarm.name.strip_prefix(&prefix).unwrap_or(&alarm.name);
        let cause = if down { SERVICE_DOWN.to_owned() } else { slug(short) };
        match alarm.state {
            AlarmState::Alarm => {}
            AlarmState::Ok => return self.alarm_is_ok(&alarm.name, short, &cause, word).await,
            AlarmState::InsufficientData => {
                return Ok(Answer::nothing(&format!("alarm {short} has no data: that opens no incident")));
            }
        }
        let age = word.now.duration_since(word.at);
        if age > MAX_EVENT_AGE {
            return Ok(Answer::nothing(&format!(
                "alarm {short} changed {} ago: too old to open an incident",
                spoken(age)
            )));
        }
        let critical = self.settings.critical_alarm.as_ref() == Some(&alarm.name);
        let title = if down { "Service down".to_owned() } else { format!("Alarm {short}") };
        let trouble = Trouble {
            cause,
            title,
            severity: if critical { Severity::Critical } else { Severity::High },
            assignee: None,
            alarm: Some(alarm.name.clone()),
            what: format!("{short} is in ALARM: {}", alarm.reason),
            execution: None,
        };
        self.open(trouble, word).await
    }

    /// That resolves nothing by itself: it may ring again in a minute. Once all of them have been quiet for long, the
    /// run of every minute takes it for over.
    async fn alarm_is_ok(
        &self,
        alarm: &str,
        short: &str,
        cause: &str,
        word: &Word<'_>,
    ) -> Result<Answer, Error> {
        let id = match self.store().open_for(cause).await? {
            Some(id) => Some(id),
            None => self.last_of(cause).await?.map(|last| last.id),
        };
        let Some(id) = id else {
            return Ok(Answer::nothing(&format!("alarm {short} is OK, and there is no incident of {cause}")));
        };
        let (incident, changed) = self
            .change(&id, word, |incident| {
                let quiet = incident.is_quiet(alarm, word.at);
                quiet.then(|| (Pointer::Keep, format!("{short} is OK again")))
            })
            .await?;
        Ok(self.did(if changed { Did::Noted } else { Did::Nothing }, &incident, word))
    }

    /// The newest incident of a cause.
    pub(super) async fn last_of(&self, cause: &str) -> Result<Option<Incident>, Error> {
        Ok(self.store().newest(LISTED).await?.into_iter().find(|old| old.cause == cause))
    }

    /// Opens an incident, joins the one that is open, or opens again one that was thought to be over.
    pub(super) async fn open(&self, trouble: Trouble, word: &Word<'_>) -> Result<Answer, Error> {
        let line = word.line(&trouble.what);
        for turn in 0..MAX_TURNS {
            pause(turn, word.id).await;
            if let Some(id) = self.store().open_for(&trouble.cause).await? {
                let mut incident = self.known(&id).await?;
                if word.dry_run {
                    return Ok(self.did(Did::Joined, &incident, word));
                }
                let worse = trouble.severity > incident.severity;
                let rings = trouble.alarm.as_ref().is_some_and(|alarm| incident.rings(alarm, word.at));
                if !worse && !rings {
                    self.store().add(&id, word.id, &line).await?;
                } else {
                    incident.severity = incident.severity.max(trouble.severity);
                    if !self.store().save(&mut incident, Pointer::Keep, Some((word.id, &line))).await? {
                        continue;
                    }
                }
                // Whoever opened it tells people; unless that run died.
                if incident.is_overdue(word.now) {
                    self.follow(&mut incident, word).await?;
                }
                return Ok(self.did(Did::Joined, &incident, word));
            }
            let (mut incident, did) = match self.last_of(&trouble.cause).await? {
                Some(last) if last.resolved_at.is_some_and(|at| word.at <= at) && word.by == "alarm" => {
                    return Ok(self.did(Did::WasOver, &last, word));
                }
                Some(mut last)
                    if last.resolved_at.is_some_and(|at| word.now.duration_since(at) < REOPENED_WITHIN) =>
                {
                    last.reopen(word.now);
                    last.severity = last.severity.max(trouble.severity);
                    (last, Did::Reopened)
                }
                _ => {
                    let title = trouble.title.clone();
                    let mut new = Incident::new(&trouble.cause, title, trouble.severity, word.at, word.now);
                    new.assignee.clone_from(&trouble.assignee);
                    if trouble.cause == SERVICE_DOWN && self.settings.state_machine.is_some() {
                        new.handling = Handling::Wanted { since: word.now };
                    }
                    (new, Did::Opened)
                }
            };
            if let Some(alarm) = &trouble.alarm {
                incident.rings(alarm, word.at);
            }
            if let Some(execution) = &trouble.execution {
                incident.handling = Handling::Machine { execution: execution.clone(), since: word.now };
            }
            if word.dry_run {
                return Ok(self.did(did, &incident, word));
            }
            if self.store().save(&mut incident, Pointer::Set, Some((word.id, &line))).await? {
                self.follow(&mut incident, word).await?;
                return Ok(self.did(did, &incident, word));
            }
        }
        Err(overtaken(&trouble.cause))
    }
}

//! An incident opens, or a report joins one that is open, or one that has ended opens again.

use shared::error::Error;

use super::{
    actor::Actor,
    answer::{Answer, Did},
    context::{Handler, back_off, write_conflict},
    delivery::Delivery,
    limits::{MAX_WRITES, RECENT},
};
use crate::{
    incident::{Incident, Owner, REOPENED_WITHIN, Recurrence, SERVICE_DOWN, Severity, open_key},
    store::{OpenIndex, OpenLookup, TimelineEntry},
};

/// What an alarm or a person reports.
pub(super) struct NewIncident {
    pub(super) cause: String,
    pub(super) title: String,
    pub(super) severity: Severity,
    pub(super) assignee: Option<String>,
    /// Whether a person typed the title.
    pub(super) by_person: bool,
    /// The first timeline entry.
    pub(super) what: String,
    /// The alarm that is in ALARM.
    pub(super) alarm: Option<String>,
    /// The state machine's execution that is running already.
    pub(super) execution: Option<String>,
}

impl Handler {
    /// The newest incident under a key.
    pub(super) async fn last_of(&self, key: &str) -> Result<Option<Incident>, Error> {
        Ok(self.store().newest(RECENT).await?.into_iter().find(|old| old.open_key() == key))
    }

    /// Opens an incident, joins the one that is open, or reopens one that has just ended.
    pub(super) async fn open(&self, new: NewIncident, actor: &Actor<'_>) -> Result<Answer, Error> {
        let entry = actor.entry(&new.what);
        let key = open_key(new.by_person, &new.cause, &new.title);
        for turn in 0..MAX_WRITES {
            back_off(turn, actor.id).await;
            let stale = match self.store().open_for(&key).await? {
                OpenLookup::Incident(incident) => match self.join(*incident, &new, &entry, actor).await? {
                    Some(answer) => return Ok(answer),
                    None => continue,
                },
                OpenLookup::Stale(id) => Some(id),
                OpenLookup::Nothing => None,
            };
            let (mut incident, did, what) = match self.last_of(&key).await? {
                Some(last) if last.is_open() => {
                    // Its entry in the index is lost: it is written again.
                    (last, Did::Joined, "it was open already".to_owned())
                }
                Some(last) if last.resolved_at.is_some_and(|at| actor.at <= at) && actor.by == "alarm" => {
                    let what = "the alarm changed before the incident was resolved";
                    return Ok(self.done(Did::WasOver, &last, what, &Delivery::default(), actor));
                }
                Some(mut last)
                    if last.resolved_at.is_some_and(|at| actor.now.duration_since(at) < REOPENED_WITHIN) =>
                {
                    last.reopen(actor.at, actor.now);
                    last.severity = last.severity.max(new.severity);
                    let minutes = REOPENED_WITHIN.as_mins();
                    (last, Did::Reopened, format!("it came back less than {minutes} min after its end"))
                }
                _ => {
                    let incident = self.new_incident(&new, turn, actor);
                    let what = format!("{}, severity {}", incident.title, incident.severity.as_str());
                    (incident, Did::Opened, what)
                }
            };
            if let Some(alarm) = &new.alarm {
                incident.alarm_fired(alarm, actor.at);
            }
            if let Some(execution) = &new.execution {
                incident.owner = Owner::StateMachine { execution: execution.clone(), since: actor.now };
            }
            if actor.dry_run {
                return Ok(self.done(did, &incident, &what, &Delivery::default(), actor));
            }
            let index = stale.map_or(OpenIndex::Set, OpenIndex::Replace);
            if self.store().save(&mut incident, index, Some((actor.id, &entry))).await? {
                let delivery = self.side_effects(&mut incident, actor).await?.or_error()?;
                return Ok(self.done(did, &incident, &what, &delivery, actor));
            }
        }
        Err(write_conflict(&new.cause))
    }

    fn new_incident(&self, new: &NewIncident, turn: u32, actor: &Actor<'_>) -> Incident {
        let NewIncident { cause, title, severity, assignee, by_person, .. } = new;
        let mut incident = Incident::new(cause, title.clone(), *severity, actor.at, actor.now);
        if turn > 0 {
            // Another one may have been opened under this id in the same second.
            incident.id = format!("{}-{}", incident.id, ('a'..='z').nth(turn as usize).unwrap_or('z'));
        }
        incident.assignee.clone_from(assignee);
        incident.by_person = *by_person;
        if *cause == SERVICE_DOWN && self.settings.state_machine.is_some() {
            incident.owner = Owner::MachineRequested { since: actor.now };
        }
        incident
    }

    /// One more report of an open incident. People are told if it is worse, or if all its alarms were OK in between.
    /// `None` if somebody else wrote the incident meanwhile.
    async fn join(
        &self,
        mut incident: Incident,
        new: &NewIncident,
        entry: &TimelineEntry,
        actor: &Actor<'_>,
    ) -> Result<Option<Answer>, Error> {
        let recurrence =
            new.alarm.as_ref().map_or(Recurrence::Duplicate, |alarm| incident.alarm_fired(alarm, actor.at));
        let worse = new.severity > incident.severity;
        let (did, what) = match recurrence {
            Recurrence::NewOutage => {
                incident.severity = incident.severity.max(new.severity);
                incident.recur(actor.at, actor.now);
                (Did::Reopened, "all its alarms were OK, and one is in ALARM again".to_owned())
            }
            Recurrence::Duplicate | Recurrence::SameOutage if worse => {
                let from = incident.severity.as_str();
                incident.worsen(actor.now, new.severity);
                let to = incident.severity.as_str();
                (Did::Joined, format!("it was open already, and its severity rose from {from} to {to}"))
            }
            Recurrence::Duplicate | Recurrence::SameOutage => (Did::Joined, "it was open already".to_owned()),
        };
        if actor.dry_run {
            return Ok(Some(self.done(did, &incident, &what, &Delivery::default(), actor)));
        }
        if recurrence == Recurrence::Duplicate && !worse {
            self.store().add(&incident.id, actor.id, entry).await?;
        } else if !self.store().save(&mut incident, OpenIndex::Keep, Some((actor.id, entry))).await? {
            return Ok(None);
        }
        // The run that opened it tells people, unless that run died.
        let is_news = did == Did::Reopened || worse;
        let delivery = if is_news || incident.is_overdue(actor.now) {
            self.side_effects(&mut incident, actor).await?.or_error()?
        } else {
            Delivery::default()
        };
        Ok(Some(self.done(did, &incident, &what, &delivery, actor)))
    }
}

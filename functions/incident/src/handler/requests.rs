//! What people send.

use jiff::Timestamp;
use serde_json::Value;
use shared::{
    clock,
    error::Error,
    ledger::Switch,
    text::{PERSON, line},
    trigger::{Asked, Trigger},
};

use super::{
    actor::Actor,
    answer::{Answer, Did},
    context::Handler,
    delivery::Delivery,
    limits::{MAX_TEXT, RECENT},
    listing,
    opening::NewIncident,
    report::with_changes,
};
use crate::{
    incident::{Acknowledged, Incident, Owner},
    notice::team,
    request::{Component, Open, Report, Request},
    store::{ComponentState, OpenIndex},
};

impl Handler {
    pub(super) async fn asked(
        &self,
        trigger: &Trigger,
        asked: &Asked,
        actor: &Actor<'_>,
    ) -> Result<Value, Error> {
        let answer = match Request::new(trigger, asked)? {
            Request::List => return self.list(actor.now).await,
            Request::Show { id } => return self.show(&id, asked.verbose, actor.now).await,
            Request::Report(Report { days }) => return Box::pin(self.report(days, actor.now)).await,
            Request::Open(open) => self.open(reported(&open), actor).await?,
            Request::Note { id, text, by } => self.note(&id, &text, &named(actor, by.as_deref())).await?,
            Request::Acknowledge { id, by, take_over } => {
                self.acknowledge(&id, &by, take_over, actor).await?
            }
            Request::Escalate { id, level, reason, by } => {
                self.escalate(&id, level, reason, &named(actor, by.as_deref())).await?
            }
            Request::Resolve { id, reason, by } => {
                self.resolve(&id, reason, &named(actor, by.as_deref())).await?
            }
            Request::UpdateStatus(component) => return self.update_status(component, actor).await,
            Request::Stop(stop) => return self.stop(&stop, actor).await,
            Request::Go { name, by } => return self.go(&name, by.as_deref(), actor).await,
            Request::Step(step) => return self.step(&step, actor).await,
        };
        Ok(answer.into())
    }

    pub(super) async fn note(&self, id: &str, text: &str, actor: &Actor<'_>) -> Result<Answer, Error> {
        let incident = self.known(id).await?;
        if !actor.dry_run {
            self.add_entry(&incident.id, actor, text).await?;
        }
        let what = line(text, MAX_TEXT);
        Ok(self.done(Did::Noted, &incident, &what, &Delivery::default(), actor))
    }

    /// Stops the escalation clock. The state machine goes on, unless the person takes over from it.
    pub(super) async fn acknowledge(
        &self,
        id: &str,
        by: &str,
        take_over: bool,
        actor: &Actor<'_>,
    ) -> Result<Answer, Error> {
        let actor = &Actor { by, ..*actor };
        let by = line(by, MAX_TEXT);
        // The same for every delivery of one message.
        let own = Acknowledged { by: by.clone(), at: actor.at.min(actor.now) };
        let (incident, changed) = self
            .change(id, actor, |incident| {
                let takes = take_over && incident.is_with_the_machine();
                if !incident.is_open() || (incident.acknowledged.is_some() && !takes) {
                    return None;
                }
                incident.acknowledged = Some(own.clone());
                incident.assignee.get_or_insert_with(|| by.clone());
                let mut what = format!("acknowledged it for level {}", incident.level);
                if takes {
                    // `Incident::completed` knows these last words.
                    let reason = format!("{by} took it over");
                    incident.owner = Owner::HandedOver { at: actor.now, reason };
                    incident.taken_over = true;
                    what.push_str(" and took it over from service-down");
                }
                Some((OpenIndex::Keep, what))
            })
            .await?;
        let changed = changed || incident.acknowledged.as_ref() == Some(&own);
        let what = match (changed, &incident.acknowledged) {
            _ if !incident.is_open() => is_over(&incident),
            (true, _) if incident.taken_over => {
                format!("{by} has it and service-down stops; no other level is called")
            }
            (true, _) => {
                let machine = if incident.is_with_the_machine() { "; service-down goes on" } else { "" };
                format!("{by} has it; no other level is called{machine}")
            }
            (false, Some(Acknowledged { by, at })) => {
                format!("{by} acknowledged it at {}", clock::readable(*at))
            }
            (false, None) => "it is as it was".to_owned(),
        };
        let did = if changed { Did::Acknowledged } else { Did::Nothing };
        Ok(self.done(did, &incident, &what, &Delivery::default(), actor))
    }

    async fn escalate(
        &self,
        id: &str,
        level: Option<u8>,
        reason: Option<String>,
        actor: &Actor<'_>,
    ) -> Result<Answer, Error> {
        let reason = reason.map_or_else(|| "by hand".to_owned(), |reason| line(&reason, MAX_TEXT));
        let (mut incident, changed) = self
            .change(id, actor, |incident| {
                if !incident.is_open() {
                    return None;
                }
                let level = level.unwrap_or(incident.level.saturating_add(1));
                incident.escalate(actor.now, level, reason.clone());
                Some((OpenIndex::Keep, format!("escalated it to level {}: {reason}", incident.level)))
            })
            .await?;
        let mut delivery = Delivery::default();
        if changed && !actor.dry_run {
            delivery = self.side_effects(&mut incident, actor).await?.or_error()?;
        }
        let (did, what) = if changed {
            (Did::Escalated, format!("{} has it: {reason}", team(incident.level)))
        } else {
            (Did::Nothing, is_over(&incident))
        };
        Ok(self.done(did, &incident, &what, &delivery, actor))
    }

    async fn resolve(&self, id: &str, reason: Option<String>, actor: &Actor<'_>) -> Result<Answer, Error> {
        let incident = self.known(id).await?;
        let changes = if incident.is_open() {
            self.changes(&incident, actor.now).await.unwrap_or_default()
        } else {
            Vec::new()
        };
        let how =
            reason.map_or_else(|| format!("resolved by {}", actor.by), |reason| line(&reason, MAX_TEXT));
        let how = with_changes(&how, &changes);
        let (mut incident, is_changed) = self
            .change(id, actor, |incident| {
                if !incident.is_open() {
                    return None;
                }
                incident.acted_at = incident.acted_at.or(changes.first().map(|change| change.at));
                incident.resolve(actor.now, how.clone());
                Some((OpenIndex::Remove, format!("resolved it: {how}")))
            })
            .await?;
        let mut delivery = Delivery::default();
        if is_changed && !actor.dry_run {
            delivery = self.side_effects(&mut incident, actor).await?.or_error()?;
        }
        let (did, what) = if is_changed { (Did::Resolved, how) } else { (Did::Nothing, is_over(&incident)) };
        Ok(self.done(did, &incident, &what, &delivery, actor))
    }

    async fn update_status(&self, component: Component, actor: &Actor<'_>) -> Result<Value, Error> {
        let component = Component {
            component: line(&component.component, MAX_TEXT),
            message: line(&component.message, PERSON),
            ..component
        };
        let state = ComponentState { component, at: actor.now };
        if !actor.dry_run {
            self.store().set_component(&state).await?;
            let Component { component, status, message } = &state.component;
            let what = format!("{component} is {}: {message}", status.as_str());
            self.add_to_open(actor, &what).await?;
        }
        let components = self.store().components().await?;
        Ok(listing::status(&state, &components, actor.dry_run))
    }

    async fn list(&self, now: Timestamp) -> Result<Value, Error> {
        let (incidents, components, switches) = tokio::try_join!(
            self.store().open_and_recent(RECENT),
            self.store().components(),
            self.switches()
        )?;
        let unreadable = self.store().unreadable();
        let on: Vec<Switch> = switches.into_iter().filter(|switch| switch.is_on(now)).collect();
        Ok(listing::list(&incidents, &components, &on, &unreadable, &self.deployment(), now))
    }
}

/// The incident that a person reports.
pub(super) fn reported(open: &Open) -> NewIncident {
    NewIncident {
        cause: open.cause(),
        title: line(&open.title, MAX_TEXT),
        severity: open.severity,
        assignee: open.assignee.as_ref().map(|assignee| line(assignee, MAX_TEXT)),
        by_person: true,
        alarm: None,
        what: format!("reported: {}", open.title),
        execution: None,
    }
}

/// The actor under the name that the person gave.
fn named<'a>(actor: &Actor<'a>, by: Option<&'a str>) -> Actor<'a> {
    Actor { by: by.unwrap_or(actor.by), ..*actor }
}

fn is_over(incident: &Incident) -> String {
    let since = incident.resolved_at.map_or(String::new(), |at| format!(" since {}", clock::readable(at)));
    format!("it is over{since}")
}

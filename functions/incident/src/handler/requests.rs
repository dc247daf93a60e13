//! What people send.

use jiff::Timestamp;
use serde_json::Value;
use shared::{
    clock,
    error::{Error, chain},
    ledger::Switch,
    text::{PERSON, line},
    trigger::{Asked, Trigger},
};
use status_page::MaintenancePhase;

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
    request::{Component, Open, Report, Request, When},
    status::{maintenance::Window, said::ComponentState},
    store::{OpenAndRecent, OpenIndex},
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
            Request::Note { id, text, public, by } => {
                self.note(&id, &text, public, &named(actor, by.as_deref())).await?
            }
            Request::Acknowledge { id, by, take_over } => {
                self.acknowledge(&id, &by, take_over, actor).await?
            }
            Request::Escalate { id, level, reason, by } => {
                self.escalate(&id, level, reason, &named(actor, by.as_deref())).await?
            }
            Request::Resolve { id, reason, by } => {
                self.resolve(&id, reason, &named(actor, by.as_deref())).await?
            }
            Request::UpdateStatus { component, until, by } => {
                return self.update_status(component, until, &named(actor, by.as_deref())).await;
            }
            Request::Maintenance { maintenance, by } => {
                let answer = self.announce(&maintenance, &named(actor, Some(&by))).await?;
                self.show_customers(actor).await;
                return Ok(answer);
            }
            Request::EndMaintenance { id, by } => {
                let answer = self.end_maintenance(&id, &named(actor, Some(&by))).await?;
                self.show_customers(actor).await;
                return Ok(answer);
            }
            Request::Stop(stop) => return self.stop(&stop, actor).await,
            Request::Go { name, by } => return self.go(&name, by.as_deref(), actor).await,
            Request::Step(step) => return self.step(&step, actor).await,
        };
        Ok(answer.into())
    }

    pub(super) async fn note(
        &self,
        id: &str,
        text: &str,
        public: bool,
        actor: &Actor<'_>,
    ) -> Result<Answer, Error> {
        let incident = self.known(id).await?;
        if public {
            self.say_to_customers(&incident, text, actor).await?;
        }
        if !actor.dry_run {
            let told = if public { format!("told customers: {text}") } else { text.to_owned() };
            self.add_entry(&incident.id, actor, &told).await?;
        }
        if public {
            self.show_customers(actor).await;
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

    /// A person says how a component is, until a time or the end of what is open now.
    async fn update_status(
        &self,
        component: Component,
        until: Option<When>,
        actor: &Actor<'_>,
    ) -> Result<Value, Error> {
        let id = self.component(&component.component)?;
        let component = Component {
            component: id.as_str().to_owned(),
            message: line(&component.message, PERSON),
            ..component
        };
        let until = until.map_or_else(
            || actor.now.checked_add(ComponentState::HOLDS_FOR).unwrap_or(Timestamp::MAX),
            |until| until.after(actor.now),
        );
        if until <= actor.now {
            return Err(Error::InvalidRequest("`until` is in the past".to_owned()));
        }
        let open = self.store().open_and_recent(0).await?.open;
        let incidents = open.into_iter().map(|incident| incident.id).collect();
        let state = ComponentState { component, at: actor.now, until: Some(until), incidents };
        if !actor.dry_run {
            self.store().set_component(&state).await?;
            let Component { component, status, message } = &state.component;
            let what = format!("{component} is {}: {message}", status.as_str());
            self.add_to_open(actor, &what).await?;
            self.show_customers(actor).await;
        }
        let components = self.components_now(actor.now).await?;
        Ok(listing::status(&state, &components, actor.dry_run))
    }

    /// What people say of components, as far as it still holds.
    async fn components_now(&self, now: Timestamp) -> Result<Vec<ComponentState>, Error> {
        let (components, incidents) =
            tokio::try_join!(self.store().components(), self.store().open_and_recent(0))?;
        let open = incidents.open.into_iter().map(|incident| incident.id).collect();
        Ok(components.into_iter().filter(|state| state.holds(&open, now)).collect())
    }

    /// Brings the status page up to date after what a person said. If that fails, the next minute does it.
    async fn show_customers(&self, actor: &Actor<'_>) {
        if actor.dry_run || self.settings.page.is_none() {
            return;
        }
        match tokio::try_join!(self.store().open_and_recent(RECENT), self.store().windows()) {
            Ok((OpenAndRecent { open, ended, .. }, windows)) => {
                let incidents: Vec<Incident> = open.into_iter().chain(ended).collect();
                self.refresh_page(&incidents, &windows, actor.now).await;
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "the status page is brought up to date later");
            }
        }
    }

    async fn list(&self, now: Timestamp) -> Result<Value, Error> {
        let (incidents, mut components, switches, windows) = tokio::try_join!(
            self.store().open_and_recent(RECENT),
            self.store().components(),
            self.switches(),
            self.store().windows()
        )?;
        let open = incidents.open.iter().map(|incident| incident.id.clone()).collect();
        components.retain(|state| state.holds(&open, now));
        let is_ahead = |window: &Window| {
            matches!(window.phase(now), MaintenancePhase::Scheduled | MaintenancePhase::InProgress)
        };
        let windows: Vec<Window> = windows.into_iter().filter(is_ahead).collect();
        let unreadable = self.store().unreadable();
        let on: Vec<Switch> = switches.into_iter().filter(|switch| switch.is_on(now)).collect();
        Ok(listing::list(&incidents, &components, &windows, &on, &unreadable, &self.deployment(), now))
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

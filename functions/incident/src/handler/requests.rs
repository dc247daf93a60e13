//! What people ask for.

use jiff::Timestamp;
use serde_json::Value;
use shared::{
    clock,
    error::{Error, chain},
    ledger::Switch,
    text::{PERSON, line},
    trigger::{Asked, Trigger},
};

use super::{Answer, Desk, Did, Heard, LISTED, MAX_SAID, Word, answer, report::cured, trouble};
use crate::{
    incident::{Acknowledged, Handling, Incident},
    notice::team,
    request::{Component, Request},
    store::{Pointer, StatusNow},
};

impl Desk {
    pub(super) async fn asked(
        &self,
        trigger: &Trigger,
        asked: &Asked,
        word: &Word<'_>,
    ) -> Result<Value, Error> {
        let answer = match Request::new(trigger, asked)? {
            Request::List => return self.list(word.now).await,
            Request::Show { id } => return self.show(&id, word.now).await,
            Request::Open(open) => self.open(trouble(&open), word).await?,
            Request::Note { id, text, by } => {
                let word = &as_person(word, by.as_deref());
                let incident = self.known(&id).await?;
                if !word.dry_run {
                    self.line(&incident.id, word, &text).await?;
                }
                let what = format!("Noted: {}", line(&text, MAX_SAID));
                self.did(Did::Noted, &incident, &what, &Heard::default(), word)
            }
            Request::Acknowledge { id, by, take_over } => self.acknowledge(&id, &by, take_over, word).await?,
            Request::Escalate { id, level, reason, by } => {
                self.escalate(&id, level, reason, &as_person(word, by.as_deref())).await?
            }
            Request::Resolve { id, reason, by } => {
                self.resolve(&id, reason, &as_person(word, by.as_deref())).await?
            }
            Request::UpdateStatus(component) => return self.update_status(component, word).await,
            Request::Stop(stop) => return self.stop(&stop, word).await,
            Request::Go { whom, by } => return self.go(&whom, by.as_deref(), word).await,
            Request::Step(step) => return self.step(&step, word).await,
        };
        Ok(answer.into())
    }

    /// Stops the clock; the state machine goes on, unless whoever acknowledges takes over from it.
    async fn acknowledge(
        &self,
        id: &str,
        by: &str,
        take_over: bool,
        word: &Word<'_>,
    ) -> Result<Answer, Error> {
        let word = &Word { by, ..*word };
        let by = line(by, MAX_SAID);
        let (incident, changed) = self
            .change(id, word, |incident| {
                let takes = take_over && incident.is_with_the_machine();
                if !incident.is_open() || (incident.acknowledged.is_some() && !takes) {
                    return None;
                }
                incident.acknowledged = Some(Acknowledged { by: by.clone(), at: word.now });
                incident.assignee.get_or_insert_with(|| by.clone());
                let mut what = format!("acknowledged it for level {}", incident.level);
                if takes {
                    let reason = format!("{by} took it over");
                    incident.handling = Handling::HandedOver { at: word.now, reason };
                    incident.taken_over = true;
                    what.push_str(" and took it over from service-down");
                }
                Some((Pointer::Keep, what))
            })
            .await?;
        let what = match (changed, &incident.acknowledged) {
            _ if !incident.is_open() => over(&incident),
            (true, _) if incident.taken_over => {
                format!("{by} has it, and service-down has stopped. No other level is called.")
            }
            (true, _) => {
                let machine = if incident.is_with_the_machine() { " service-down goes on." } else { "" };
                format!("{by} has it. No other level is called.{machine}")
            }
            (false, Some(Acknowledged { by, at })) => {
                format!("{by} has acknowledged it already, at {}.", clock::readable(*at))
            }
            (false, None) => "Nothing was changed.".to_owned(),
        };
        let did = if changed { Did::Acknowledged } else { Did::Nothing };
        Ok(self.did(did, &incident, &what, &Heard::default(), word))
    }

    async fn escalate(
        &self,
        id: &str,
        level: Option<u8>,
        reason: Option<String>,
        word: &Word<'_>,
    ) -> Result<Answer, Error> {
        let reason = reason.map_or_else(|| "by hand".to_owned(), |reason| line(&reason, MAX_SAID));
        let (mut incident, changed) = self
            .change(id, word, |incident| {
                if !incident.is_open() {
                    return None;
                }
                incident.escalate(
                    word.now,
                    level.unwrap_or(incident.level.saturating_add(1)),
                    reason.clone(),
                );
                Some((Pointer::Keep, format!("passed it to level {}: {reason}", incident.level)))
            })
            .await?;
        let mut heard = Heard::default();
        if changed && !word.dry_run {
            heard = self.follow(&mut incident, word).await?.or_error()?;
        }
        let what =
            if changed { format!("It is with {}: {reason}.", team(incident.level)) } else { over(&incident) };
        Ok(self.did(if changed { Did::Escalated } else { Did::Nothing }, &incident, &what, &heard, word))
    }

    async fn resolve(&self, id: &str, reason: Option<String>, word: &Word<'_>) -> Result<Answer, Error> {
        let incident = self.known(id).await?;
        let cures = if incident.is_open() {
            self.cures(&incident, word.now).await.unwrap_or_default()
        } else {
            Vec::new()
        };
        let how = reason.map_or_else(|| format!("resolved by {}", word.by), |reason| line(&reason, MAX_SAID));
        let how = cured(&how, &cures);
        let (mut incident, changed) = self
            .change(id, word, |incident| {
                if !incident.is_open() {
                    return None;
                }
                incident.acted_at = incident.acted_at.or(cures.first().map(|cure| cure.at));
                incident.resolve(word.now, how.clone());
                Some((Pointer::Remove, format!("resolved it: {how}")))
            })
            .await?;
        let what = if changed { "It is closed.".to_owned() } else { over(&incident) };
        let mut heard = Heard::default();
        if changed && !word.dry_run {
            heard = self.follow(&mut incident, word).await?.or_error()?;
        }
        Ok(self.did(if changed { Did::Resolved } else { Did::Nothing }, &incident, &what, &heard, word))
    }

    async fn update_status(&self, component: Component, word: &Word<'_>) -> Result<Value, Error> {
        let component = Component {
            component: line(&component.component, MAX_SAID),
            message: line(&component.message, PERSON),
            ..component
        };
        let status = StatusNow { component, at: word.now };
        if !word.dry_run {
            self.store().set_component(&status).await?;
            let Component { component, status, message } = &status.component;
            for incident in self.store().shelf(0).await?.open {
                let what = format!("{component} is {}: {message}", status.as_str());
                // The status is set: what one timeline does not get, the others do.
                if let Err(error) = self.line(&incident.id, word, &what).await {
                    tracing::error!(incident = incident.id, error = chain(&error), "a line is missing");
                }
            }
        }
        let components = self.store().components().await?;
        Ok(answer::status(&status, &components, word.dry_run))
    }

    async fn list(&self, now: Timestamp) -> Result<Value, Error> {
        let (there, components, switches) =
            tokio::try_join!(self.store().shelf(LISTED), self.store().components(), self.switches())?;
        let unreadable = self.store().unreadable_now();
        let on: Vec<Switch> = switches.into_iter().filter(|switch| switch.is_on(now)).collect();
        Ok(answer::list(&there, &components, &on, &unreadable, now))
    }
}

/// A person who gave a name is called by it.
fn as_person<'a>(word: &Word<'a>, by: Option<&'a str>) -> Word<'a> {
    Word { by: by.unwrap_or(word.by), ..*word }
}

fn over(incident: &Incident) -> String {
    let at = incident.resolved_at.map_or(String::new(), |at| format!(" since {}", clock::readable(at)));
    format!("It is over{at}: nothing was changed.")
}

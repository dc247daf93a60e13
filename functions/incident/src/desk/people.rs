//! What people ask for.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use shared::{
    error::Error,
    trigger::{Asked, Trigger},
};

use super::{Answer, Desk, Did, LISTED, Word, answer, trouble};
use crate::{
    incident::{Acknowledged, Handling},
    request::{Component, Request},
    store::{Line, Pointer, StatusNow},
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
            Request::Note { id, text } => {
                let incident = self.known(&id).await?;
                if !word.dry_run {
                    self.line(&incident.id, word, &text).await?;
                }
                self.did(Did::Noted, &incident, word)
            }
            Request::Acknowledge { id, by, take_over } => self.acknowledge(&id, &by, take_over, word).await?,
            Request::Escalate { id, level, reason } => self.escalate(&id, level, reason, word).await?,
            Request::Resolve { id, reason } => self.resolve(&id, reason, word).await?,
            Request::UpdateStatus(component) => return self.update_status(component, word).await,
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
        let (incident, changed) = self
            .change(id, word, |incident| {
                let takes = take_over && incident.is_with_the_machine();
                if !incident.is_open() || (incident.acknowledged.is_some() && !takes) {
                    return None;
                }
                incident.acknowledged = Some(Acknowledged { by: by.to_owned(), at: word.now });
                incident.assignee.get_or_insert_with(|| by.to_owned());
                let mut what = format!("acknowledged it for level {}", incident.level);
                if takes {
                    let reason = format!("{by} took it over");
                    incident.handling = Handling::HandedOver { at: word.now, reason };
                    what.push_str(" and took it over from service-down");
                }
                Some((Pointer::Keep, what))
            })
            .await?;
        Ok(self.did(if changed { Did::Acknowledged } else { Did::Nothing }, &incident, word))
    }

    async fn escalate(
        &self,
        id: &str,
        level: Option<u8>,
        reason: Option<String>,
        word: &Word<'_>,
    ) -> Result<Answer, Error> {
        let reason = reason.unwrap_or_else(|| "by hand".to_owned());
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
        if changed && !word.dry_run {
            self.follow(&mut incident, word).await?;
        }
        Ok(self.did(if changed { Did::Escalated } else { Did::Nothing }, &incident, word))
    }

    async fn resolve(&self, id: &str, reason: Option<String>, word: &Word<'_>) -> Result<Answer, Error> {
        let how = reason.unwrap_or_else(|| format!("resolved by {}", word.by));
        let (mut incident, changed) = self
            .change(id, word, |incident| {
                if !incident.is_open() {
                    return None;
                }
                incident.resolve(word.now, how.clone());
                Some((Pointer::Remove, format!("resolved it: {how}")))
            })
            .await?;
        if changed && !word.dry_run {
            self.follow(&mut incident, word).await?;
        }
        Ok(self.did(if changed { Did::Resolved } else { Did::Nothing }, &incident, word))
    }

    async fn update_status(&self, component: Component, word: &Word<'_>) -> Result<Value, Error> {
        let status = StatusNow { component, at: word.now };
        if !word.dry_run {
            self.store().set_component(&status).await?;
            let Component { component, status, message } = &status.component;
            for incident in self.store().open().await? {
                let what = format!("{component} is {}: {message}", status.as_str());
                self.line(&incident.id, word, &what).await?;
            }
        }
        let components = self.store().components().await?;
        Ok(answer::status(&status, &components, word.dry_run))
    }

    async fn list(&self, now: Timestamp) -> Result<Value, Error> {
        let (open, newest, components) =
            tokio::try_join!(self.store().open(), self.store().newest(LISTED), self.store().components())?;
        Ok(answer::list(&open, &newest, &components, now))
    }

    async fn show(&self, id: &str, now: Timestamp) -> Result<Value, Error> {
        let incident = self.known(id).await?;
        let mut lines = self.store().lines(&incident.id).await?;
        let over = incident.resolved_at.unwrap_or(now);
        let until = over.checked_add(SignedDuration::from_mins(1)).unwrap_or(over);
        for function in &self.settings.functions {
            let outcomes = self.store().outcomes(function, incident.began_at, until).await?;
            lines.extend(outcomes.into_iter().map(|outcome| Line {
                at: outcome.at,
                by: outcome.function,
                what: format!("{}: {}", outcome.decision.as_str().replace('_', " "), outcome.reason),
            }));
        }
        lines.sort_by_key(|line| line.at);
        Ok(answer::show(&incident, &lines, now))
    }
}

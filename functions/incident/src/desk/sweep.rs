//! Once a minute: whatever time has made due. An incident is never silent because somebody's run died.

use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    alarms::alarms_now,
    aws::Cause,
    error::{Error, chain},
};

use super::{Desk, Heard, LISTED, Word, report::cured};
use crate::{
    FUNCTION,
    decide::DEVOPS,
    incident::{Due, Incident, REOPENED_WITHIN, SERVICE_DOWN},
    settings::Settings,
    store::{Opened, Pointer, Shelf},
};

/// One that takes longer keeps no other from being looked after; the next minute goes on with it.
const PATIENCE: Duration = Duration::from_secs(18);
/// How many owed notices a minute sends.
const OWED_AT_ONCE: usize = 200;
/// So many are looked after at once, the worst first.
const AT_ONCE: usize = 50;

impl Desk {
    pub(super) async fn sweep(&self, now: Timestamp) -> Result<Value, Error> {
        // What is over may still be owed to people, and may not be over.
        let (there, sent) = tokio::join!(self.store().shelf(LISTED), self.outbox().sweep(OWED_AT_ONCE));
        let Shelf { open, over, kept } = there?;
        let look = async |mut incident: Incident| {
            let mut done = Vec::new();
            let id = incident.id.clone();
            let is_kept = kept.contains(&incident.id);
            let looked = self.look_after(&mut incident, is_kept, now, &mut done);
            let results = tokio::time::timeout(PATIENCE, looked).await.unwrap_or_else(|_| {
                let source = Cause::new(format!("it took more than {} s", PATIENCE.as_secs()));
                vec![Err(Error::Aws { operation: "look after incident", resource: id, source })]
            });
            (done, results)
        };
        let incidents = futures_util::stream::iter(open.into_iter().chain(over));
        let looked: Vec<_> = incidents.map(look).buffered(AT_ONCE).collect().await;
        let (done, results): (Vec<_>, Vec<_>) = looked.into_iter().unzip();
        let done: Vec<Value> = done.into_iter().flatten().collect();
        let mut all: Vec<Result<(), Error>> = results.into_iter().flatten().collect();
        let owed = sent.unwrap_or_else(|error| {
            all.push(Err(error));
            0
        });
        for error in all.iter().filter_map(|result| result.as_ref().err()) {
            tracing::error!(error = chain(error), "something was not looked after");
        }
        // The next minute tries again; until then, Lambda's record of failed runs shows it.
        all.into_iter().collect::<Result<(), Error>>()?;
        Ok(json!({ "did": "looked_after", "done": done, "owed_notices_sent": owed, "function": FUNCTION }))
    }

    /// Does whatever is due, each by itself: what fails keeps nothing else from being done.
    async fn look_after(
        &self,
        incident: &mut Incident,
        is_kept: bool,
        now: Timestamp,
        done: &mut Vec<Value>,
    ) -> Vec<Result<(), Error>> {
        let settings = &self.settings;
        let mut results = Vec::new();
        let mut note = |incident: &Incident, what: &str| {
            done.push(json!({ "incident": incident.id, "what": what }));
        };
        if incident.is_overdue(now) {
            note(incident, "people are told");
            results.push(self.tell(incident, now).await.and_then(Heard::all_or_error));
        }
        for due in incident.due(now, settings.acknowledge_within, settings.handling) {
            let what = match self.what_is_due(incident, &due).await {
                Ok(Some(what)) => what,
                Ok(None) => continue,
                Err(error) => {
                    results.push(Err(error));
                    continue;
                }
            };
            note(incident, &what);
            results.push(match &due {
                Due::Start => self.start_machine(incident).await,
                _ => self.settle(incident, &due, &what, now).await,
            });
        }
        if incident.cause == SERVICE_DOWN && incident.may_not_be_over(now) && !incident.ringing.is_empty() {
            results.push(self.open_again(incident, now).await);
        }
        results.push(self.ops_item(incident).await);
        let is_over = incident.resolved_at.is_some_and(|at| now.duration_since(at) >= REOPENED_WITHIN);
        if is_kept && is_over && incident.owed.is_none() && results.iter().all(Result::is_ok) {
            results.push(self.store().put_away(&incident.id).await);
        }
        results
    }

    /// In words; nothing where it is not due after all.
    async fn what_is_due(&self, incident: &Incident, due: &Due) -> Result<Option<String>, Error> {
        Ok(Some(match due {
            Due::Start => "service-down is started".to_owned(),
            Due::NotStarted => "service-down does not start".to_owned(),
            Due::TooLong => "service-down takes too long".to_owned(),
            // An event may have been lost.
            Due::Over if incident.cause == SERVICE_DOWN && self.ringing().await?.is_some() => {
                return Ok(None);
            }
            Due::Over => "its alarms have been OK for a quarter of an hour".to_owned(),
            Due::NextLevel { reason, .. } => reason.clone(),
            Due::LookAfter { execution } => {
                let ended = self.ended(execution).await?;
                return Ok(ended.map(|status| format!("service-down ended ({status}) and it is not over")));
            }
        }))
    }

    /// An alarm calls once. One that still rings some minutes after the probe had passed has seen what two probes
    /// have not.
    async fn open_again(&self, incident: &mut Incident, now: Timestamp) -> Result<(), Error> {
        if matches!(self.store().open_for(&incident.open_key()).await?, Opened::Incident(_)) {
            return Ok(());
        }
        let Some(ringing) = self.ringing().await? else {
            return Ok(());
        };
        let key = format!("still#{}", now.as_millisecond());
        let word = Word { id: &key, by: FUNCTION, at: now, now, dry_run: false, execution: None };
        let (changed, _) = self
            .change(&incident.id, &word, |incident| {
                if !incident.may_not_be_over(now) {
                    return None;
                }
                // It was never over.
                incident.reopen(incident.began_at, now);
                Some((Pointer::Set, format!("opens it again: {ringing} still rings")))
            })
            .await?;
        *incident = changed;
        if incident.owed.is_some() {
            self.follow(incident, &word).await?.all_or_error()?;
        }
        Ok(())
    }

    /// An alarm on the service that is in ALARM now.
    async fn ringing(&self) -> Result<Option<String>, Error> {
        let Settings { service_down_alarms, critical_alarm, .. } = &self.settings;
        // The critical one is made of the others: to read it takes a permission on every alarm of the account.
        let names = service_down_alarms.iter().filter(|name| Some(*name) != critical_alarm.as_ref());
        let names: Vec<String> = names.cloned().collect();
        if names.is_empty() {
            return Ok(None);
        }
        let alarms = alarms_now(&aws_sdk_cloudwatch::Client::new(&self.config), names).await?;
        Ok(alarms.into_iter().find(|alarm| alarm.is_in_alarm).map(|alarm| alarm.name))
    }

    /// Passes an incident up or closes it, if that is still due once nobody else is writing.
    async fn settle(
        &self,
        incident: &mut Incident,
        due: &Due,
        what: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = format!("due#{what}");
        let word = Word { id: &key, by: FUNCTION, at: now, now, dry_run: false, execution: None };
        let settings = &self.settings;
        let cures =
            if *due == Due::Over { self.cures(incident, now).await.unwrap_or_default() } else { Vec::new() };
        let (changed, _) = self
            .change(&incident.id, &word, |incident| {
                if !incident.due(now, settings.acknowledge_within, settings.handling).contains(due) {
                    return None;
                }
                match due {
                    Due::Over => {
                        let how = cured(what, &cures);
                        incident.acted_at = incident.acted_at.or(cures.first().map(|cure| cure.at));
                        incident.resolve(now, how.clone());
                        return Some((Pointer::Remove, format!("resolved it: {how}")));
                    }
                    Due::NextLevel { level, .. } => incident.escalate(now, *level, what.to_owned()),
                    _ => incident.hand_over(now, DEVOPS.max(incident.level), what.to_owned()),
                }
                Some((Pointer::Keep, format!("passes it to level {}: {what}", incident.level)))
            })
            .await?;
        *incident = changed;
        if incident.owed.is_some() {
            self.follow(incident, &word).await?.all_or_error()?;
        }
        Ok(())
    }
}

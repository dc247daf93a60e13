//! Once a minute: whatever time has made due. An incident is never silent because somebody's run died.

use std::time::Duration;

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{
    alarms::{self, Ringing},
    clock,
    error::{Cause, Error, chain},
    text::line,
};

use super::{Answer, Desk, Heard, LISTED, MAX_SAID, Word, report::cured};
use crate::{
    FUNCTION,
    decide::DEVOPS,
    incident::{Due, Incident, REOPENED_WITHIN, SERVICE_DOWN},
    store::{Opened, Pointer, Shelf},
};

/// One that takes longer keeps no other from being looked after; the next minute goes on with it.
const PATIENCE: Duration = Duration::from_secs(18);
/// Until then CloudWatch has said which alarms ring, or the next minute asks again.
const ALARMS_WITHIN: Duration = Duration::from_secs(5);
/// Lambda's repeats of a call are over after three minutes, and a probe that is new has put values that the alarm has
/// looked at. An alarm that still rings then has called nobody, or was right.
pub(super) const CALLED_IN_VAIN: SignedDuration = SignedDuration::from_mins(5);
/// How many owed notices a minute sends.
const OWED_AT_ONCE: usize = 200;
/// So many are looked after at once, the worst first.
const AT_ONCE: usize = 50;

impl Desk {
    pub(super) async fn sweep(&self, now: Timestamp) -> Result<Value, Error> {
        // What is over may still be owed to people, and may not be over.
        let (there, sent, rings) =
            tokio::join!(self.store().shelf(LISTED), self.outbox().sweep(OWED_AT_ONCE), self.ringing());
        let Shelf { open, over, kept } = there?;
        let unheard = unheard(rings.as_deref().unwrap_or_default(), open.iter().chain(&over), now);
        let look = async |mut incident: Incident| {
            let mut done = Vec::new();
            let id = incident.id.clone();
            let is_kept = kept.contains(&incident.id);
            let looked = self.look_after(&mut incident, is_kept, rings.as_deref(), now, &mut done);
            let results = tokio::time::timeout(PATIENCE, looked)
                .await
                .unwrap_or_else(|_| vec![Err(too_slow("look after incident", id))]);
            (done, results)
        };
        let incidents = futures_util::stream::iter(open.into_iter().chain(over));
        let looked = incidents.map(look).buffered(AT_ONCE).collect::<Vec<_>>();
        let (opened, looked) = tokio::join!(Box::pin(self.open_unheard(unheard, now)), looked);
        let (done, results): (Vec<_>, Vec<_>) = looked.into_iter().chain([opened]).unzip();
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
        rings: Option<&[Ringing]>,
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
            let what = match self.what_is_due(incident, &due, rings).await {
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
            results.push(self.open_again(incident, rings, now).await);
        }
        results.push(self.ops_item(incident).await);
        let is_over = incident.resolved_at.is_some_and(|at| now.duration_since(at) >= REOPENED_WITHIN);
        if is_kept && is_over && incident.owed.is_none() && results.iter().all(Result::is_ok) {
            results.push(self.store().put_away(&incident.id).await);
        }
        results
    }

    /// In words; nothing where it is not due after all.
    async fn what_is_due(
        &self,
        incident: &Incident,
        due: &Due,
        rings: Option<&[Ringing]>,
    ) -> Result<Option<String>, Error> {
        Ok(Some(match due {
            Due::Start => "service-down is started".to_owned(),
            Due::NotStarted => "service-down does not start".to_owned(),
            Due::TooLong => "service-down takes too long".to_owned(),
            // An event may have been lost.
            Due::Over if incident.cause == SERVICE_DOWN && !self.seen(rings)?.is_empty() => return Ok(None),
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
    async fn open_again(
        &self,
        incident: &mut Incident,
        rings: Option<&[Ringing]>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(Ringing { name: ringing, .. }) = self.seen(rings)?.first() else {
            return Ok(());
        };
        if matches!(self.store().open_for(&incident.open_key()).await?, Opened::Incident(_)) {
            return Ok(());
        }
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

    /// The alarms on the service that are in ALARM, the critical one first. None where CloudWatch does not say so in time:
    /// the next minute asks again.
    async fn ringing(&self) -> Option<Vec<Ringing>> {
        let names = self.settings.service_down_alarms.clone();
        if names.is_empty() {
            return Some(Vec::new());
        }
        let client = aws_sdk_cloudwatch::Client::new(&self.config);
        let asked = tokio::time::timeout(ALARMS_WITHIN, alarms::ringing(&client, names)).await;
        let mut rings = match asked {
            Ok(Ok(rings)) => rings,
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "which alarms ring is not known this minute");
                return None;
            }
            Err(_) => {
                tracing::warn!("which alarms ring is not known this minute: CloudWatch is slow");
                return None;
            }
        };
        rings.sort_by_key(|ring| self.settings.critical_alarm.as_ref() != Some(&ring.name));
        Some(rings)
    }

    /// The alarms that ring, for whom it matters: an error where that is not known.
    fn seen<'a>(&self, rings: Option<&'a [Ringing]>) -> Result<&'a [Ringing], Error> {
        rings.ok_or_else(|| Error::Aws {
            operation: "describe alarms",
            resource: self.settings.service_down_alarms.join(", "),
            source: Cause::new("CloudWatch did not say in time which of them ring; the log says more"),
        })
    }

    /// Opens an incident for alarms that called in vain: the first opens it, and the others join.
    async fn open_unheard(
        &self,
        unheard: Vec<Ringing>,
        now: Timestamp,
    ) -> (Vec<Value>, Vec<Result<(), Error>>) {
        let (mut done, mut results) = (Vec::new(), Vec::new());
        for ring in unheard {
            let at = ring.since.unwrap_or(now).min(now);
            let key = format!("unheard#{}@{}", ring.name, at.as_millisecond());
            let word = Word { id: &key, by: FUNCTION, at, now, dry_run: false, execution: None };
            let (shown, since) = (self.short(&ring.name), clock::readable(at));
            let what = format!("{shown} is in ALARM since {since}: {}", line(&ring.reason, MAX_SAID));
            let open = self.open(self.trouble_of(&ring.name, what), &word);
            let opened = tokio::time::timeout(PATIENCE, open)
                .await
                .unwrap_or_else(|_| Err(too_slow("open an incident for alarm", ring.name.clone())));
            results.push(opened.map(|Answer { incident, .. }| {
                done.push(json!({ "incident": incident, "what": format!("{shown} rings, and no incident was open") }));
            }));
        }
        (done, results)
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

/// The alarms that ring, and of which no incident knows although there was time for it. What rang before an incident was
/// resolved is that one's, for a quarter of an hour.
fn unheard<'a>(rings: &[Ringing], known: impl Iterator<Item = &'a Incident>, now: Timestamp) -> Vec<Ringing> {
    let known: Vec<&Incident> = known.filter(|incident| incident.open_key() == SERVICE_DOWN).collect();
    if known.iter().any(|incident| incident.is_open()) {
        return Vec::new();
    }
    let over = known.iter().filter_map(|incident| incident.resolved_at);
    let over = over.filter(|at| now.duration_since(*at) < REOPENED_WITHIN).max();
    let is_unheard = |ring: &&Ringing| {
        let since = ring.since.unwrap_or(now);
        let in_vain = ring.since.is_none() || now.duration_since(since) >= CALLED_IN_VAIN;
        in_vain && over.is_none_or(|over| over < since)
    };
    rings.iter().filter(is_unheard).cloned().collect()
}

fn too_slow(operation: &'static str, resource: String) -> Error {
    let source = Cause::new(format!("it took more than {} s", PATIENCE.as_secs()));
    Error::Aws { operation, resource, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Severity;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn rings(since: Option<i64>) -> Ringing {
        let reason = "no datapoints were received".to_owned();
        Ringing { name: "probe-failing".to_owned(), since: since.map(at), reason }
    }

    fn incident(cause: &str, resolved: Option<i64>) -> Incident {
        let mut incident = Incident::new(cause, "it".to_owned(), Severity::High, at(0), at(0));
        if let Some(minute) = resolved {
            incident.resolve(at(minute), "mended".to_owned());
        }
        incident
    }

    #[track_caller]
    fn check(since: Option<i64>, known: &[Incident], now: i64, expected: bool) {
        let found = unheard(&[rings(since)], known.iter(), at(now));
        assert_eq!(found, if expected { vec![rings(since)] } else { Vec::new() });
    }

    #[test]
    fn an_alarm_that_has_rung_for_five_minutes_and_has_no_incident_is_unheard() {
        check(Some(0), &[], 4, false);
        check(Some(0), &[], 5, true);
        check(Some(0), &[], 60 * 24, true);
        // CloudWatch does not say since when.
        check(None, &[], 0, true);
        // Its clock runs ahead.
        check(Some(10), &[], 0, false);
    }

    #[test]
    fn an_alarm_whose_incident_is_open_is_heard() {
        check(Some(0), &[incident(SERVICE_DOWN, None)], 10, false);
        check(Some(0), &[incident("alarm-queue-is-full", None)], 10, true);
        let mut typed = incident(SERVICE_DOWN, None);
        typed.by_person = true;
        check(Some(0), &[typed], 10, true);
    }

    /// Until then the incident opens again by itself.
    #[test]
    fn what_rang_before_an_incident_was_resolved_is_its_own_for_a_quarter_of_an_hour() {
        check(Some(0), &[incident(SERVICE_DOWN, Some(3))], 17, false);
        check(Some(0), &[incident(SERVICE_DOWN, Some(3))], 18, true);
        check(Some(4), &[incident(SERVICE_DOWN, Some(3))], 8, false);
        check(Some(4), &[incident(SERVICE_DOWN, Some(3))], 9, true);
    }
}

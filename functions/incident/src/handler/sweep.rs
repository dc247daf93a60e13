//! The run of every minute: does what time has made due, and what a run that died has left.

use std::time::Duration;

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use shared::{
    alarms::{self, Ringing},
    clock,
    error::{Cause, Error, chain},
    text::line,
};

use super::{
    actor::Actor,
    context::Handler,
    delivery::Delivery,
    limits::{MAX_TEXT, MISSED_AFTER, RECENT},
    listing,
    report::with_changes,
};
use crate::{
    FUNCTION,
    decide::DEVOPS,
    incident::{Due, Incident, REOPENED_WITHIN, SERVICE_DOWN},
    store::{OpenAndRecent, OpenIndex, OpenLookup},
};

/// An incident that takes longer must not hold up the others. The next minute goes on with it.
const PATIENCE: Duration = Duration::from_secs(18);
/// If CloudWatch has not listed the alarms by then, the next minute asks again.
const ALARMS_WITHIN: Duration = Duration::from_secs(5);
/// How many pending notices of all functions are sent in a minute.
const NOTICES_AT_ONCE: usize = 200;
/// How many incidents are checked at once, the most severe first.
const AT_ONCE: usize = 50;

/// What was due, as the incident's id and the words for it.
type Done = Vec<(String, String)>;

impl Handler {
    pub(super) async fn sweep(&self, now: Timestamp) -> Result<Value, Error> {
        // An incident that has ended may have a pending notice, or may not be over after all.
        let (incidents, sent, firing, windows) = tokio::join!(
            self.store().open_and_recent(RECENT),
            self.outbox().sweep(NOTICES_AT_ONCE),
            self.firing_alarms(),
            self.store().windows()
        );
        let OpenAndRecent { open, ended, indexed } = incidents?;
        // People are told rather than not, where it is not known whether maintenance is announced.
        let (windows, windows_read) = match windows {
            Ok(windows) => (windows, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        let missed = missed(firing.as_deref().unwrap_or_default(), open.iter().chain(&ended), now);
        let public: Vec<Incident> = if self.settings.page.is_some() {
            open.iter().chain(&ended).cloned().collect()
        } else {
            Vec::new()
        };
        let check = async |mut incident: Incident| {
            let mut done = Done::new();
            let id = incident.id.clone();
            let is_indexed = indexed.contains(&incident.id);
            let checked = self.check(&mut incident, is_indexed, firing.as_deref(), now, &mut done);
            let results = tokio::time::timeout(PATIENCE, checked)
                .await
                .unwrap_or_else(|_| vec![Err(too_slow("check incident", id))]);
            (done, results)
        };
        let incidents = futures_util::stream::iter(open.into_iter().chain(ended));
        let checked = incidents.map(check).buffered(AT_ONCE).collect::<Vec<_>>();
        let (opened, checked, settled) = tokio::join!(
            Box::pin(self.open_for_missed_alarms(missed, now)),
            checked,
            Box::pin(self.settle_windows(&windows, now))
        );
        // Customers are told after colleagues, and with what has changed by then at the next minute.
        Box::pin(self.refresh_page(&public, &windows, now)).await;
        let settled = match settled {
            Ok(done) => (done, vec![windows_read]),
            Err(error) => (Done::new(), vec![windows_read, Err(error)]),
        };
        let (done, results): (Vec<_>, Vec<_>) = checked.into_iter().chain([opened, settled]).unzip();
        let done: Done = done.into_iter().flatten().collect();
        let mut all: Vec<Result<(), Error>> = results.into_iter().flatten().collect();
        let sent = sent.unwrap_or_else(|error| {
            all.push(Err(error));
            0
        });
        for error in all.iter().filter_map(|result| result.as_ref().err()) {
            tracing::error!(error = chain(error), "something that was due was not done");
        }
        // The next minute tries again. Until then Lambda counts a failed run.
        all.into_iter().collect::<Result<(), Error>>()?;
        Ok(listing::checked(&done, sent))
    }

    /// Does what is due for an incident. One thing that fails keeps no other from being done.
    async fn check(
        &self,
        incident: &mut Incident,
        is_indexed: bool,
        firing: Option<&[Ringing]>,
        now: Timestamp,
        done: &mut Done,
    ) -> Vec<Result<(), Error>> {
        let settings = &self.settings;
        let mut results = Vec::new();
        let mut note = |incident: &Incident, what: &str| done.push((incident.id.clone(), what.to_owned()));
        if incident.is_overdue(now) {
            note(incident, "the pending notice is sent");
            results.push(self.notify(incident, now).await.and_then(Delivery::all_or_error));
        }
        for due in incident.due(now, settings.acknowledge_within, settings.max_handling) {
            let what = match self.what_is_due(incident, &due, firing).await {
                Ok(Some(what)) => what,
                Ok(None) => continue,
                Err(error) => {
                    results.push(Err(error));
                    continue;
                }
            };
            note(incident, &what);
            results.push(match &due {
                Due::StartMachine => self.start_machine(incident).await,
                _ => self.escalate_or_resolve(incident, &due, &what, now).await,
            });
        }
        if incident.cause == SERVICE_DOWN && incident.may_not_be_over(now) && !incident.firing.is_empty() {
            results.push(self.reopen_if_firing(incident, firing, now).await);
        }
        results.push(self.update_ops_item(incident).await);
        let is_over = incident.resolved_at.is_some_and(|at| now.duration_since(at) >= REOPENED_WITHIN);
        let all_told = incident.pending_notice.is_none();
        if is_indexed && is_over && all_told && results.iter().all(Result::is_ok) {
            results.push(self.store().forget_ended(&incident.id).await);
        }
        results
    }

    /// What is due, in words. `None` if it turns out not to be due.
    async fn what_is_due(
        &self,
        incident: &Incident,
        due: &Due,
        firing: Option<&[Ringing]>,
    ) -> Result<Option<String>, Error> {
        Ok(Some(match due {
            Due::StartMachine => "service-down is started again".to_owned(),
            Due::NotStarted => "service-down did not start within 5 min".to_owned(),
            Due::TooLong => {
                let limit = SignedDuration::try_from(self.settings.max_handling).unwrap_or_default();
                format!("service-down has been running for more than {}", clock::spoken(limit))
            }
            // An event may have been lost, so CloudWatch is asked.
            Due::AlarmsOk if incident.cause == SERVICE_DOWN && !self.listed(firing)?.is_empty() => {
                return Ok(None);
            }
            Due::AlarmsOk => "all its alarms have been OK for 15 min".to_owned(),
            Due::NextLevel { reason, .. } => reason.clone(),
            Due::CheckExecution { execution } => {
                let ended = self.ended(execution).await?;
                return Ok(
                    ended.map(|status| format!("service-down ended ({status}) before the incident did"))
                );
            }
        }))
    }

    /// CloudWatch sends an alarm once. An alarm that is still in ALARM minutes after the probe passed has seen what two
    /// probes have not.
    async fn reopen_if_firing(
        &self,
        incident: &mut Incident,
        firing: Option<&[Ringing]>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(Ringing { name: alarm, .. }) = self.listed(firing)?.first() else {
            return Ok(());
        };
        if matches!(self.store().open_for(&incident.open_key()).await?, OpenLookup::Incident(_)) {
            return Ok(());
        }
        let key = format!("still#{}", now.as_millisecond());
        let actor =
            Actor { id: &key, by: FUNCTION, at: now, now, dry_run: false, execution: None, message: None };
        let (changed, _) = self
            .change(&incident.id, &actor, |incident| {
                if !incident.may_not_be_over(now) {
                    return None;
                }
                // It was never over.
                incident.reopen(incident.began_at, now);
                Some((OpenIndex::Set, format!("reopened it: {} is still in ALARM", self.short(alarm))))
            })
            .await?;
        *incident = changed;
        if incident.pending_notice.is_some() {
            self.side_effects(incident, &actor).await?.all_or_error()?;
        }
        Ok(())
    }

    /// The alarms on the service that are in ALARM, the critical one first. `None` if CloudWatch does not answer in time:
    /// the next minute asks again.
    async fn firing_alarms(&self) -> Option<Vec<Ringing>> {
        let names = self.settings.service_down_alarms.clone();
        if names.is_empty() {
            return Some(Vec::new());
        }
        let client = aws_sdk_cloudwatch::Client::new(&self.config);
        let asked = tokio::time::timeout(ALARMS_WITHIN, alarms::ringing(&client, names)).await;
        let mut firing = match asked {
            Ok(Ok(firing)) => firing,
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "which alarms are in ALARM is not known this minute");
                return None;
            }
            Err(_) => {
                tracing::warn!("which alarms are in ALARM is not known this minute: CloudWatch is slow");
                return None;
            }
        };
        firing.sort_by_key(|alarm| self.settings.critical_alarm.as_ref() != Some(&alarm.name));
        Some(firing)
    }

    /// The alarms in ALARM, where the next step depends on them: an error if they are not known.
    fn listed<'a>(&self, firing: Option<&'a [Ringing]>) -> Result<&'a [Ringing], Error> {
        firing.ok_or_else(|| Error::Aws {
            operation: "describe alarms",
            resource: self.settings.service_down_alarms.join(", "),
            source: Cause::new(
                "CloudWatch did not list in time which of them are in ALARM; the log says more",
            ),
        })
    }

    /// Opens an incident for alarms that nobody heard: the first opens it, and the others join.
    async fn open_for_missed_alarms(
        &self,
        missed: Vec<Ringing>,
        now: Timestamp,
    ) -> (Done, Vec<Result<(), Error>>) {
        let (mut done, mut results) = (Done::new(), Vec::new());
        for alarm in missed {
            let at = alarm.since.unwrap_or(now).min(now);
            let key = format!("unheard#{}@{}", alarm.name, at.as_millisecond());
            let actor =
                Actor { id: &key, by: FUNCTION, at, now, dry_run: false, execution: None, message: None };
            let (shown, since) = (self.short(&alarm.name), clock::readable(at));
            if self.held_by(&alarm.name, SERVICE_DOWN, &actor).await.is_some() {
                continue;
            }
            let what = format!("{shown} is in ALARM since {since}: {}", line(&alarm.reason, MAX_TEXT));
            let open = self.open(self.incident_for_alarm(&alarm.name, what), &actor);
            let opened = tokio::time::timeout(PATIENCE, open)
                .await
                .unwrap_or_else(|_| Err(too_slow("open an incident for alarm", alarm.name.clone())));
            results.push(opened.map(|answer| {
                let id = answer.incident.unwrap_or_default();
                done.push((id, format!("{shown} is in ALARM, and had no incident")));
            }));
        }
        (done, results)
    }

    /// Escalates or resolves an incident, if that is still due when the incident is read again for writing.
    async fn escalate_or_resolve(
        &self,
        incident: &mut Incident,
        due: &Due,
        what: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = format!("due#{what}");
        let actor =
            Actor { id: &key, by: FUNCTION, at: now, now, dry_run: false, execution: None, message: None };
        let settings = &self.settings;
        let changes = if *due == Due::AlarmsOk {
            self.changes(incident, now).await.unwrap_or_default()
        } else {
            Vec::new()
        };
        let (after, _) = self
            .change(&incident.id, &actor, |incident| {
                if !incident.due(now, settings.acknowledge_within, settings.max_handling).contains(due) {
                    return None;
                }
                match due {
                    Due::AlarmsOk => {
                        let how = with_changes(what, &changes);
                        incident.acted_at = incident.acted_at.or(changes.first().map(|change| change.at));
                        incident.resolve(now, how.clone());
                        return Some((OpenIndex::Remove, format!("resolved it: {how}")));
                    }
                    Due::NextLevel { level, .. } => incident.escalate(now, *level, what.to_owned()),
                    _ => incident.hand_over(now, DEVOPS.max(incident.level), what.to_owned()),
                }
                Some((OpenIndex::Keep, format!("escalated it to level {}: {what}", incident.level)))
            })
            .await?;
        *incident = after;
        if incident.pending_notice.is_some() {
            self.side_effects(incident, &actor).await?.all_or_error()?;
        }
        Ok(())
    }
}

/// The alarms that have been in ALARM for [`MISSED_AFTER`] and that no incident knows. An alarm that fired before an
/// incident was resolved belongs to that incident for [`REOPENED_WITHIN`].
fn missed<'a>(firing: &[Ringing], known: impl Iterator<Item = &'a Incident>, now: Timestamp) -> Vec<Ringing> {
    let known: Vec<&Incident> = known.filter(|incident| incident.open_key() == SERVICE_DOWN).collect();
    if known.iter().any(|incident| incident.is_open()) {
        return Vec::new();
    }
    let ended = known.iter().filter_map(|incident| incident.resolved_at);
    let ended = ended.filter(|at| now.duration_since(*at) < REOPENED_WITHIN).max();
    let is_missed = |alarm: &&Ringing| {
        let since = alarm.since.unwrap_or(now);
        let had_time = alarm.since.is_none() || now.duration_since(since) >= MISSED_AFTER;
        had_time && ended.is_none_or(|ended| ended < since)
    };
    firing.iter().filter(is_missed).cloned().collect()
}

fn too_slow(operation: &'static str, resource: String) -> Error {
    let source = Cause::new(format!("it took longer than {} s", PATIENCE.as_secs()));
    Error::Aws { operation, resource, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Severity;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn firing(since: Option<i64>) -> Ringing {
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
        let found = missed(&[firing(since)], known.iter(), at(now));
        assert_eq!(found, if expected { vec![firing(since)] } else { Vec::new() });
    }

    #[test]
    fn an_alarm_that_has_fired_for_five_minutes_and_has_no_incident_is_missed() {
        check(Some(0), &[], 4, false);
        check(Some(0), &[], 5, true);
        check(Some(0), &[], 60 * 24, true);
        // CloudWatch does not say since when.
        check(None, &[], 0, true);
        // Its clock runs ahead.
        check(Some(10), &[], 0, false);
    }

    #[test]
    fn an_alarm_whose_incident_is_open_is_not_missed() {
        check(Some(0), &[incident(SERVICE_DOWN, None)], 10, false);
        check(Some(0), &[incident("alarm-queue-is-full", None)], 10, true);
        let mut typed = incident(SERVICE_DOWN, None);
        typed.by_person = true;
        check(Some(0), &[typed], 10, true);
    }

    /// Until then the incident opens again by itself.
    #[test]
    fn an_alarm_that_fired_before_an_incident_was_resolved_is_its_own_for_a_quarter_of_an_hour() {
        check(Some(0), &[incident(SERVICE_DOWN, Some(3))], 17, false);
        check(Some(0), &[incident(SERVICE_DOWN, Some(3))], 18, true);
        check(Some(4), &[incident(SERVICE_DOWN, Some(3))], 8, false);
        check(Some(4), &[incident(SERVICE_DOWN, Some(3))], 9, true);
    }
}

//! An alarm changes its state.

use std::time::Duration;

use jiff::SignedDuration;
use shared::{
    alarms, clock,
    error::{Error, chain},
    text::line,
    trigger::{Alarm, AlarmState},
};

use super::{
    actor::Actor,
    answer::{Answer, Did},
    context::Handler,
    delivery::Delivery,
    limits::{MAX_TEXT, MISSED_AFTER},
    opening::NewIncident,
};
use crate::{
    incident::{SERVICE_DOWN, Severity, open_key},
    slug::{digest, slug},
    store::{OpenIndex, OpenLookup},
};

/// An alarm that changed earlier opens no incident: things may be different now.
const MAX_EVENT_AGE: SignedDuration = SignedDuration::from_mins(15);
/// Telling people does not wait longer for CloudWatch.
const LOOKED_UP_WITHIN: Duration = Duration::from_secs(2);
/// Clocks differ by less than this.
const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// The longest name that is shown. CloudWatch allows 255 characters.
const MAX_NAME: usize = 60;
/// Where CloudFront's alarms are.
const CDN_REGION: &str = "us-east-1";

impl Handler {
    pub(super) async fn alarm(&self, alarm: &Alarm, actor: &Actor<'_>) -> Result<Answer, Error> {
        let shown = line(self.short(&alarm.name), MAX_NAME);
        if let Err(why) = self.is_ours(alarm) {
            return Ok(Answer::nothing(&format!("ignored alarm {shown}: it belongs to {why}")));
        }
        if actor.at.duration_since(actor.now) > MAX_AHEAD {
            let at = clock::readable(actor.at);
            return Ok(Answer::nothing(&format!(
                "ignored alarm {shown}: it is dated {at}, which is in the future"
            )));
        }
        // A clock that is a little ahead counts as now.
        let actor = &Actor { at: actor.at.min(actor.now), ..*actor };
        match alarm.state {
            AlarmState::Alarm => {}
            AlarmState::Ok => {
                let (cause, _) = self.cause_of(&alarm.name);
                return self.alarm_is_ok(&alarm.name, &shown, &cause, actor).await;
            }
            AlarmState::InsufficientData => {
                return Ok(Answer::nothing(&format!(
                    "ignored alarm {shown}: it has no data, and that opens no incident"
                )));
            }
        }
        let age = actor.now.duration_since(actor.at);
        if age > MAX_EVENT_AGE {
            return Ok(Answer::nothing(&format!(
                "ignored alarm {shown}: it changed {} ago, and only changes of the last {} open an incident",
                clock::spoken(age),
                clock::spoken(MAX_EVENT_AGE)
            )));
        }
        // In a new stack the alarm exists some seconds before the probe's first value.
        if self.settings.service_down_alarms.contains(&alarm.name) && alarm.is_newborn() {
            return Ok(Answer::nothing(&format!(
                "ignored alarm {shown} for now: it was just created and has no value yet; an incident opens if it is still in ALARM in {}",
                clock::spoken(MISSED_AFTER)
            )));
        }
        if !self.is_known(alarm).await {
            return Ok(Answer::nothing(&format!(
                "ignored alarm {shown}: CloudWatch has no alarm of this name"
            )));
        }
        let (cause, _) = self.cause_of(&alarm.name);
        if let Some(window) = self.held_by(&alarm.name, &cause, actor).await {
            return Ok(Answer::nothing(&format!(
                "held back alarm {shown}: maintenance {}; if it still fires at the end, an incident opens",
                window.in_words(actor.now)
            )));
        }
        let what = format!("{shown} is in ALARM: {}", line(&alarm.reason, MAX_TEXT));
        self.open(self.incident_for_alarm(&alarm.name, what), actor).await
    }

    /// An alarm's name without the stack's prefix.
    pub(super) fn short<'a>(&self, alarm: &'a str) -> &'a str {
        let prefix = format!("lendpeak2-{}-", self.settings.environment);
        alarm.strip_prefix(&prefix).unwrap_or(alarm)
    }

    /// The cause and the title of an alarm's incident.
    fn cause_of(&self, alarm: &str) -> (String, String) {
        if self.settings.service_down_alarms.iter().any(|known| known == alarm) {
            return (SERVICE_DOWN.to_owned(), "Service down".to_owned());
        }
        let short = self.short(alarm);
        (alarm_cause(short), format!("Alarm {}", line(short, MAX_NAME)))
    }

    /// The incident of an alarm that is in ALARM. `what` is its timeline entry.
    pub(super) fn incident_for_alarm(&self, alarm: &str, what: String) -> NewIncident {
        let (cause, title) = self.cause_of(alarm);
        let critical = self.settings.critical_alarm.as_deref() == Some(alarm);
        NewIncident {
            cause,
            title,
            severity: if critical { Severity::Critical } else { Severity::High },
            assignee: None,
            by_person: false,
            alarm: Some(alarm.to_owned()),
            what,
            execution: None,
        }
    }

    /// Whether CloudWatch has such an alarm. If CloudWatch does not answer in time, the alarm is believed.
    async fn is_known(&self, alarm: &Alarm) -> bool {
        match tokio::time::timeout(LOOKED_UP_WITHIN, alarms::is_known(&self.config, alarm)).await {
            Ok(Ok(is_known)) => is_known,
            Ok(Err(error)) => {
                tracing::warn!(
                    error = chain(&error),
                    "CloudWatch did not say whether the alarm exists: it is believed"
                );
                true
            }
            Err(_) => true,
        }
    }

    /// Whether an alarm's ARN, if it has one, is of the account and region of this stack's topic. An alarm on CloudFront
    /// is in us-east-1 wherever the stack is.
    fn is_ours(&self, alarm: &Alarm) -> Result<(), String> {
        let place = |arn: &str| {
            let mut parts = arn.split(':').skip(3).map(str::to_owned);
            Some((parts.next()?, parts.next()?))
        };
        let [topic, ..] = &self.settings.topics;
        let (Some((region, account)), Some((its_region, its_account))) = (place(topic), place(&alarm.arn))
        else {
            return Ok(());
        };
        if its_account != account {
            return Err(format!("account {}", line(&its_account, 40)));
        }
        let is_elsewhere =
            its_region != CDN_REGION || self.settings.service_down_alarms.contains(&alarm.name);
        if its_region != region && is_elsewhere {
            return Err(format!("region {}", line(&its_region, 40)));
        }
        Ok(())
    }

    /// An alarm that is OK resolves nothing by itself: it may fire again in a minute. Once all alarms have been OK for
    /// 15 minutes, the sweep resolves the incident.
    async fn alarm_is_ok(
        &self,
        alarm: &str,
        short: &str,
        cause: &str,
        actor: &Actor<'_>,
    ) -> Result<Answer, Error> {
        let id = match self.store().open_for(&open_key(false, cause, "")).await? {
            OpenLookup::Incident(incident) => Some(incident.id.clone()),
            OpenLookup::Stale(_) | OpenLookup::Nothing => {
                self.last_of(&open_key(false, cause, "")).await?.map(|last| last.id)
            }
        };
        let Some(id) = id else {
            return Ok(Answer::nothing(&format!(
                "alarm {short} is OK, and there is no incident of cause {cause}"
            )));
        };
        let (incident, changed) = self
            .change(&id, actor, |incident| {
                let was_firing = incident.alarm_ok(alarm, actor.at);
                was_firing.then(|| (OpenIndex::Keep, format!("{short} is OK again")))
            })
            .await?;
        let (did, what) = if changed {
            (Did::Noted, format!("{short} is OK again"))
        } else {
            (Did::Nothing, format!("{short} is OK, and was not in ALARM here"))
        };
        Ok(self.done(did, &incident, &what, &Delivery::default(), actor))
    }
}

/// An alarm's cause. CloudWatch tells names apart by case and by every character.
fn alarm_cause(name: &str) -> String {
    let slug = slug(name);
    if slug == name { slug } else { format!("{slug:.38}-{}", digest(name)) }
}

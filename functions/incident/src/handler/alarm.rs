//! An alarm rings, or is OK again; an incident opens.

use std::time::Duration;

use jiff::SignedDuration;
use shared::{
    alarms, clock,
    error::{Error, chain},
    text::line,
    trigger::{Alarm, AlarmState},
};

use super::{
    Answer, Desk, Did, Heard, LISTED, MAX_SAID, MAX_TURNS, Trouble, Word, overtaken, pause,
    sweep::CALLED_IN_VAIN,
};
use crate::{
    incident::{Handling, Incident, REOPENED_WITHIN, Ring, SERVICE_DOWN, Severity, open_key},
    request::{digest, slug},
    store::{Line, Opened, Pointer},
};

/// An alarm that changed longer ago says nothing of now.
const MAX_EVENT_AGE: SignedDuration = SignedDuration::from_mins(15);
/// Whoever has to know does not wait longer for it.
const LOOKED_UP_WITHIN: Duration = Duration::from_secs(2);
/// Clocks differ by less.
const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// CloudWatch allows 255.
const MAX_NAME: usize = 60;
/// Where CloudFront's alarms are.
const CDN_REGION: &str = "us-east-1";

impl Desk {
    pub(super) async fn alarm(&self, alarm: &Alarm, word: &Word<'_>) -> Result<Answer, Error> {
        let shown = line(self.short(&alarm.name), MAX_NAME);
        if let Err(why) = self.is_ours(alarm) {
            return Ok(Answer::nothing(&format!(
                "alarm {shown} is of another place ({why}): it says nothing here"
            )));
        }
        if word.at.duration_since(word.now) > MAX_AHEAD {
            let at = clock::readable(word.at);
            return Ok(Answer::nothing(&format!(
                "alarm {shown} is dated ahead, at {at}: it says nothing of now"
            )));
        }
        // What a clock that runs ahead says happens now.
        let word = &Word { at: word.at.min(word.now), ..*word };
        match alarm.state {
            AlarmState::Alarm => {}
            AlarmState::Ok => {
                let (cause, _) = self.cause_of(&alarm.name);
                return self.alarm_is_ok(&alarm.name, &shown, &cause, word).await;
            }
            AlarmState::InsufficientData => {
                return Ok(Answer::nothing(&format!("alarm {shown} has no data: that opens no incident")));
            }
        }
        let age = word.now.duration_since(word.at);
        if age > MAX_EVENT_AGE {
            return Ok(Answer::nothing(&format!(
                "alarm {shown} changed {} ago: too old to open an incident",
                clock::spoken(age)
            )));
        }
        // A stack that is made has its alarm some seconds before the probe's first value.
        if self.settings.service_down_alarms.contains(&alarm.name) && alarm.is_newborn() {
            return Ok(Answer::nothing(&format!(
                "alarm {shown} has just been made, and had no value yet: an incident opens if it still rings in {}",
                clock::spoken(CALLED_IN_VAIN)
            )));
        }
        if !self.is_known(alarm).await {
            return Ok(Answer::nothing(&format!("CloudWatch knows no alarm {shown}: it opens no incident")));
        }
        let what = format!("{shown} is in ALARM: {}", line(&alarm.reason, MAX_SAID));
        self.open(self.trouble_of(&alarm.name, what), word).await
    }

    /// An alarm's name as people read it here.
    pub(super) fn short<'a>(&self, alarm: &'a str) -> &'a str {
        let prefix = format!("lendpeak2-{}-", self.settings.environment);
        alarm.strip_prefix(&prefix).unwrap_or(alarm)
    }

    /// The cause that an alarm tells of, and the title of its incident.
    fn cause_of(&self, alarm: &str) -> (String, String) {
        if self.settings.service_down_alarms.iter().any(|known| known == alarm) {
            return (SERVICE_DOWN.to_owned(), "Service down".to_owned());
        }
        let short = self.short(alarm);
        (alarm_cause(short), format!("Alarm {}", line(short, MAX_NAME)))
    }

    /// What an alarm that rings says of an incident; `what` is for the timeline.
    pub(super) fn trouble_of(&self, alarm: &str, what: String) -> Trouble {
        let (cause, title) = self.cause_of(alarm);
        let critical = self.settings.critical_alarm.as_deref() == Some(alarm);
        Trouble {
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

    /// Whether CloudWatch has such an alarm. Where it does not say so in time, people are told all the same.
    async fn is_known(&self, alarm: &Alarm) -> bool {
        match tokio::time::timeout(LOOKED_UP_WITHIN, alarms::is_known(&self.config, alarm)).await {
            Ok(Ok(is_known)) => is_known,
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "the alarm is believed unseen");
                true
            }
            Err(_) => true,
        }
    }

    /// Whether an alarm's ARN, as far as it has one, is of the account and the region of this stack's own topic. An
    /// alarm on CloudFront is in us-east-1 wherever the stack is.
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

    /// That resolves nothing by itself: it may ring again in a minute. Once all of them have been quiet for long, the
    /// run of every minute takes it for over.
    async fn alarm_is_ok(
        &self,
        alarm: &str,
        short: &str,
        cause: &str,
        word: &Word<'_>,
    ) -> Result<Answer, Error> {
        let id = match self.store().open_for(&open_key(false, cause, "")).await? {
            Opened::Incident(incident) => Some(incident.id.clone()),
            Opened::Stale(_) | Opened::Nothing => {
                self.last_of(&open_key(false, cause, "")).await?.map(|last| last.id)
            }
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
        let (did, what) = if changed {
            (Did::Noted, format!("Noted: {short} is OK again."))
        } else {
            (Did::Nothing, format!("Alarm {short} is OK, and it was not ringing here."))
        };
        Ok(self.did(did, &incident, &what, &Heard::default(), word))
    }

    /// The newest incident under a key.
    pub(super) async fn last_of(&self, key: &str) -> Result<Option<Incident>, Error> {
        Ok(self.store().newest(LISTED).await?.into_iter().find(|old| old.open_key() == key))
    }

    /// Opens an incident, joins the one that is open, or opens again one that was thought to be over.
    pub(super) async fn open(&self, trouble: Trouble, word: &Word<'_>) -> Result<Answer, Error> {
        let entry = word.line(&trouble.what);
        let key = open_key(trouble.by_person, &trouble.cause, &trouble.title);
        for turn in 0..MAX_TURNS {
            pause(turn, word.id).await;
            let stale = match self.store().open_for(&key).await? {
                Opened::Incident(incident) => match self.join(*incident, &trouble, &entry, word).await? {
                    Some(answer) => return Ok(answer),
                    None => continue,
                },
                Opened::Stale(id) => Some(id),
                Opened::Nothing => None,
            };
            let (mut incident, did, what) = match self.last_of(&key).await? {
                Some(last) if last.is_open() => {
                    // Its pointer is lost.
                    (last, Did::Joined, "It is open already.")
                }
                Some(last) if last.resolved_at.is_some_and(|at| word.at <= at) && word.by == "alarm" => {
                    let what = "The alarm is from before it was resolved: nothing was done.";
                    return Ok(self.did(Did::WasOver, &last, what, &Heard::default(), word));
                }
                Some(mut last)
                    if last.resolved_at.is_some_and(|at| word.now.duration_since(at) < REOPENED_WITHIN) =>
                {
                    last.reopen(word.at, word.now);
                    last.severity = last.severity.max(trouble.severity);
                    (last, Did::Reopened, "It is back: the incident is open again.")
                }
                _ => (self.new_incident(&trouble, turn, word), Did::Opened, "An incident is open."),
            };
            if let Some(alarm) = &trouble.alarm {
                incident.rings(alarm, word.at);
            }
            if let Some(execution) = &trouble.execution {
                incident.handling = Handling::Machine { execution: execution.clone(), since: word.now };
            }
            if word.dry_run {
                return Ok(self.did(did, &incident, what, &Heard::default(), word));
            }
            let pointer = stale.map_or(Pointer::Set, Pointer::Replace);
            if self.store().save(&mut incident, pointer, Some((word.id, &entry))).await? {
                let heard = self.follow(&mut incident, word).await?.or_error()?;
                return Ok(self.did(did, &incident, what, &heard, word));
            }
        }
        Err(overtaken(&trouble.cause))
    }

    fn new_incident(&self, trouble: &Trouble, turn: u32, word: &Word<'_>) -> Incident {
        let Trouble { cause, title, severity, assignee, by_person, .. } = trouble;
        let mut new = Incident::new(cause, title.clone(), *severity, word.at, word.now);
        if turn > 0 {
            // Another one may have been opened under this name in the same second.
            new.id = format!("{}-{}", new.id, ('a'..='z').nth(turn as usize).unwrap_or('z'));
        }
        new.assignee.clone_from(assignee);
        new.by_person = *by_person;
        if *cause == SERVICE_DOWN && self.settings.state_machine.is_some() {
            new.handling = Handling::Wanted { since: word.now };
        }
        new
    }

    /// One more word of what is open. It is news if it is worse, or if all was well in between. `None` if somebody
    /// else wrote it meanwhile.
    async fn join(
        &self,
        mut incident: Incident,
        trouble: &Trouble,
        entry: &Line,
        word: &Word<'_>,
    ) -> Result<Option<Answer>, Error> {
        let ring = trouble.alarm.as_ref().map_or(Ring::Known, |alarm| incident.rings(alarm, word.at));
        let worse = trouble.severity > incident.severity;
        let (did, what) = match ring {
            Ring::Again => {
                incident.severity = incident.severity.max(trouble.severity);
                incident.back_again(word.at, word.now);
                (Did::Reopened, "It is back: all its alarms were OK, and one rings again.".to_owned())
            }
            Ring::Known | Ring::New if worse => {
                let from = incident.severity.as_str();
                incident.worsen(word.now, trouble.severity);
                (
                    Did::Joined,
                    format!("It is open already; it was {from}, and is {}.", incident.severity.as_str()),
                )
            }
            Ring::Known | Ring::New => (Did::Joined, "It is open already.".to_owned()),
        };
        if word.dry_run {
            return Ok(Some(self.did(did, &incident, &what, &Heard::default(), word)));
        }
        if ring == Ring::Known && !worse {
            self.store().add(&incident.id, word.id, entry).await?;
        } else if !self.store().save(&mut incident, Pointer::Keep, Some((word.id, entry))).await? {
            return Ok(None);
        }
        // Whoever opened it tells people; unless that run died.
        let is_news = did == Did::Reopened || worse;
        let heard = if is_news || incident.is_overdue(word.now) {
            self.follow(&mut incident, word).await?.or_error()?
        } else {
            Heard::default()
        };
        Ok(Some(self.did(did, &incident, &what, &heard, word)))
    }
}

/// CloudWatch tells names apart by case and by every sign.
fn alarm_cause(name: &str) -> String {
    let slug = slug(name);
    if slug == name { slug } else { format!("{slug:.38}-{}", digest(name)) }
}

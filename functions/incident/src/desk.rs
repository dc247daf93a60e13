//! One run: something happened, something is asked, or a minute has passed.

mod answer;
mod step;
mod sweep;

use std::sync::OnceLock;

use aws_types::SdkConfig;
use jiff::Timestamp;
use serde_json::Value;
use shared::{
    aws::{Aws, Cause},
    clock,
    error::{Error, chain},
    lambda::{Invocation, Task},
    notice as sns,
    settings::{Environment, SettingsError},
    trigger::{self, Alarm, AlarmState, Asked, Kind, Trigger},
};

use crate::{
    FUNCTION,
    incident::{
        Acknowledged, Handling, Incident, OpsItem, Owed, REOPENED_WITHIN, SERVICE_DOWN, Severity, spoken,
    },
    notice::{News, Place, notice, said},
    ops_item,
    request::{Component, Open, Request, slug},
    settings::Settings,
    store::{Line, Pointer, StatusNow, Store},
};

pub use answer::{Answer, Did};

/// An alarm that changed longer ago says nothing of now.
const MAX_EVENT_AGE: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);
/// Runs that write the same incident take turns; each turn is one write of somebody else.
const MAX_TURNS: u32 = 12;
/// As many as a person reads.
const LISTED: i32 = 10;

pub struct Desk {
    settings: Settings,
    config: SdkConfig,
    store: OnceLock<Store>,
}

/// Someone or something that speaks about incidents, and when.
struct Word<'a> {
    /// The same for every delivery.
    id: &'a str,
    by: &'a str,
    at: Timestamp,
    now: Timestamp,
    dry_run: bool,
    /// The state machine's execution that speaks.
    execution: Option<&'a str>,
}

/// What is said of an incident that opens.
struct Trouble {
    cause: String,
    title: String,
    severity: Severity,
    assignee: Option<String>,
    /// For the timeline.
    what: String,
    /// The alarm that rings.
    alarm: Option<String>,
    /// The state machine's execution that is at work already.
    execution: Option<String>,
}

impl Desk {
    pub fn new(environment: &Environment) -> Result<Self, SettingsError> {
        let settings = Settings::from_environment(environment)?;
        let aws = Aws::new(environment, FUNCTION)?;
        Ok(Self { settings, config: aws.config().clone(), store: OnceLock::new() })
    }

    fn store(&self) -> &Store {
        self.store.get_or_init(|| {
            Store::new(aws_sdk_dynamodb::Client::new(&self.config), &self.settings.ledger_table)
        })
    }

    async fn answer(&self, trigger: &Trigger, now: Timestamp) -> Result<Value, Error> {
        let word = |by, dry_run| Word { id: &trigger.id, by, at: trigger.at, now, dry_run, execution: None };
        match &trigger.kind {
            Kind::Alarm(alarm) => Ok(self.alarm(alarm, &word("alarm", false)).await?.into()),
            Kind::Schedule { .. } => Ok(self.sweep(now).await?),
            Kind::Ecs(_) | Kind::Pipeline(_) => Err(Error::InvalidRequest(
                "incident opens for alarms and for people: this event is for other functions".to_owned(),
            )),
            Kind::Person(asked) => self.asked(trigger, asked, &word("person", asked.dry_run)).await,
            Kind::StepFunctions { execution, asked, .. } => {
                let word = Word { execution: Some(execution), ..word("service-down", asked.dry_run) };
                match Request::new(trigger, asked)? {
                    Request::Step(step) => self.step(&step, &word).await,
                    _ => self.asked(trigger, asked, &word).await,
                }
            }
        }
    }

    async fn asked(&self, trigger: &Trigger, asked: &Asked, word: &Word<'_>) -> Result<Value, Error> {
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

    async fn alarm(&self, alarm: &Alarm, word: &Word<'_>) -> Result<Answer, Error> {
        let down = self.settings.service_down_alarms.contains(&alarm.name);
        let prefix = format!("lendpeak2-{}-", self.settings.environment);
        let short = alarm.name.strip_prefix(&prefix).unwrap_or(&alarm.name);
        let cause = if down { SERVICE_DOWN.to_owned() } else { slug(short) };
        match alarm.state {
            AlarmState::Alarm => {}
            AlarmState::Ok => return self.alarm_is_ok(&alarm.name, short, &cause, word).await,
            AlarmState::InsufficientData => {
                return Ok(Answer::nothing(&format!("alarm {short} has no data: that opens no incident")));
            }
        }
        let age = word.now.duration_since(word.at);
        if age > MAX_EVENT_AGE {
            return Ok(Answer::nothing(&format!(
                "alarm {short} changed {} ago: too old to open an incident",
                spoken(age)
            )));
        }
        let critical = self.settings.critical_alarm.as_ref() == Some(&alarm.name);
        let title = if down { "Service down".to_owned() } else { format!("Alarm {short}") };
        let trouble = Trouble {
            cause,
            title,
            severity: if critical { Severity::Critical } else { Severity::High },
            assignee: None,
            alarm: Some(alarm.name.clone()),
            what: format!("{short} is in ALARM: {}", alarm.reason),
            execution: None,
        };
        self.open(trouble, word).await
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
        let id = match self.store().open_for(cause).await? {
            Some(id) => Some(id),
            None => self.last_of(cause).await?.map(|last| last.id),
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
        Ok(self.did(if changed { Did::Noted } else { Did::Nothing }, &incident, word))
    }

    /// The newest incident of a cause.
    async fn last_of(&self, cause: &str) -> Result<Option<Incident>, Error> {
        Ok(self.store().newest(LISTED).await?.into_iter().find(|old| old.cause == cause))
    }

    /// Opens an incident, joins the one that is open, or opens again one that was thought to be over.
    async fn open(&self, trouble: Trouble, word: &Word<'_>) -> Result<Answer, Error> {
        let line = word.line(&trouble.what);
        for turn in 0..MAX_TURNS {
            pause(turn, word.id).await;
            if let Some(id) = self.store().open_for(&trouble.cause).await? {
                let mut incident = self.known(&id).await?;
                if word.dry_run {
                    return Ok(self.did(Did::Joined, &incident, word));
                }
                let worse = trouble.severity > incident.severity;
                let rings = trouble.alarm.as_ref().is_some_and(|alarm| incident.rings(alarm));
                if !worse && !rings {
                    self.store().add(&id, word.id, &line).await?;
                } else {
                    incident.severity = incident.severity.max(trouble.severity);
                    if !self.store().save(&mut incident, Pointer::Keep, Some((word.id, &line))).await? {
                        continue;
                    }
                }
                // Whoever opened it tells people; unless that run died.
                if incident.is_overdue(word.now) {
                    self.follow(&mut incident, word).await?;
                }
                return Ok(self.did(Did::Joined, &incident, word));
            }
            let (mut incident, did) = match self.last_of(&trouble.cause).await? {
                Some(last) if last.resolved_at.is_some_and(|at| word.at <= at) && word.by == "alarm" => {
                    return Ok(self.did(Did::WasOver, &last, word));
                }
                Some(mut last)
                    if last.resolved_at.is_some_and(|at| word.now.duration_since(at) < REOPENED_WITHIN) =>
                {
                    last.reopen(word.now);
                    last.severity = last.severity.max(trouble.severity);
                    (last, Did::Reopened)
                }
                _ => {
                    let title = trouble.title.clone();
                    let mut new = Incident::new(&trouble.cause, title, trouble.severity, word.at, word.now);
                    new.assignee.clone_from(&trouble.assignee);
                    if trouble.cause == SERVICE_DOWN && self.settings.state_machine.is_some() {
                        new.handling = Handling::Wanted { since: word.now };
                    }
                    (new, Did::Opened)
                }
            };
            if let Some(alarm) = &trouble.alarm {
                incident.rings(alarm);
            }
            if let Some(execution) = &trouble.execution {
                incident.handling = Handling::Machine { execution: execution.clone(), since: word.now };
            }
            if word.dry_run {
                return Ok(self.did(did, &incident, word));
            }
            if self.store().save(&mut incident, Pointer::Set, Some((word.id, &line))).await? {
                self.follow(&mut incident, word).await?;
                return Ok(self.did(did, &incident, word));
            }
        }
        Err(overtaken(&trouble.cause))
    }

    /// What follows from an incident's state: people are told, the state machine is started, OpsCenter has it.
    /// What fails here is done by the next run: the incident is written, and nothing is lost.
    async fn follow(&self, incident: &mut Incident, word: &Word<'_>) -> Result<(), Error> {
        // The machine first: it is what helps.
        if let Handling::Wanted { .. } = incident.handling
            && let Err(error) = self.start_machine(incident).await
        {
            tracing::error!(
                incident = incident.id,
                error = chain(&error),
                "the state machine was not started"
            );
        }
        self.tell(incident, word.now).await?;
        if let Err(error) = self.ops_item(incident).await {
            tracing::warn!(incident = incident.id, error = chain(&error), "OpsCenter is not up to date");
        }
        Ok(())
    }

    /// Tells people what is owed to them, and notes who was told. A level that cannot be reached keeps no other from
    /// hearing it; it is told by a later run.
    async fn tell(&self, incident: &mut Incident, now: Timestamp) -> Result<(), Error> {
        let Some(owed) = incident.owed.clone() else {
            return Ok(());
        };
        let notice = notice(incident, &owed.news, &self.place(), now);
        let (mut told, mut topics, mut failed) = (owed.told.clone(), Vec::new(), None);
        for (level, topic) in (1..=notice.levels).zip(&self.settings.topics) {
            // Where two levels are one team, it is told once.
            if told.contains(&level) || topics.contains(&topic) {
                told.insert(level);
                topics.push(topic);
                continue;
            }
            match sns::publish(&self.config, topic, &notice.subject, notice.text.clone()).await {
                Ok(()) => {
                    told.insert(level);
                    topics.push(topic);
                }
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        if told != owed.told {
            let line = Line { at: now, by: FUNCTION.to_owned(), what: said(&owed.news, &told) };
            let left = failed.is_some().then(|| Owed { told, ..owed.clone() });
            self.note_told(incident, &owed, left, &line).await?;
        }
        failed.map_or(Ok(()), Err)
    }

    async fn note_told(
        &self,
        incident: &mut Incident,
        owed: &Owed,
        left: Option<Owed>,
        line: &Line,
    ) -> Result<(), Error> {
        for turn in 0..MAX_TURNS {
            if incident.owed.as_ref() != Some(owed) {
                // Somebody has news of their own to tell by now.
                self.store().add(&incident.id, "told", line).await?;
                return Ok(());
            }
            incident.owed.clone_from(&left);
            if self.store().save(incident, Pointer::Keep, Some(("told", line))).await? {
                return Ok(());
            }
            pause(turn + 1, "told").await;
            *incident = self.known(&incident.id).await?;
        }
        Err(overtaken(&incident.id))
    }

    /// Brings OpsCenter up to date.
    async fn ops_item(&self, incident: &mut Incident) -> Result<(), Error> {
        let open = incident.is_open();
        let id = match incident.ops_item.clone() {
            _ if !self.settings.ops_items => return Ok(()),
            Some(item) if item.open == open => return Ok(()),
            Some(item) => {
                ops_item::resolve(&self.config, &item.id).await?;
                item.id
            }
            None if open => ops_item::create(&self.config, incident, &self.settings.environment).await?,
            None => return Ok(()),
        };
        let item = Some(OpsItem { id, open });
        for turn in 0..MAX_TURNS {
            if incident.ops_item == item {
                return Ok(());
            }
            incident.ops_item.clone_from(&item);
            if self.store().save(incident, Pointer::Keep, None).await? {
                return Ok(());
            }
            pause(turn + 1, &incident.id).await;
            *incident = self.known(&incident.id).await?;
        }
        Err(overtaken(&incident.id))
    }

    /// Changes an incident until nobody else has written it meanwhile. `change` says `None` if there is nothing
    /// to change.
    async fn change(
        &self,
        id: &str,
        word: &Word<'_>,
        change: impl Fn(&mut Incident) -> Option<(Pointer, String)>,
    ) -> Result<(Incident, bool), Error> {
        for turn in 0..MAX_TURNS {
            pause(turn, word.id).await;
            let mut incident = self.known(id).await?;
            let Some((pointer, what)) = change(&mut incident) else {
                return Ok((incident, false));
            };
            if word.dry_run {
                return Ok((incident, true));
            }
            let line = word.line(&what);
            if self.store().save(&mut incident, pointer, Some((word.id, &line))).await? {
                return Ok((incident, true));
            }
        }
        Err(overtaken(id))
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
                incident.escalate(word.now, level.unwrap_or(incident.level + 1), reason.clone());
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
        let until = incident.resolved_at.unwrap_or(now) + jiff::SignedDuration::from_mins(1);
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

    async fn known(&self, id: &str) -> Result<Incident, Error> {
        self.store().get(id).await?.ok_or_else(|| {
            Error::InvalidRequest(format!(
                "there is no incident `{id}`; send {{\"list\": true}} to see which there are"
            ))
        })
    }

    async fn line(&self, id: &str, word: &Word<'_>, what: &str) -> Result<(), Error> {
        self.store().add(id, word.id, &word.line(what)).await.map(|_| ())
    }

    fn did(&self, did: Did, incident: &Incident, word: &Word<'_>) -> Answer {
        let news = match &incident.owed {
            Some(owed) => owed.news.clone(),
            None if incident.is_open() => News::Opened,
            None => News::Resolved,
        };
        let text = notice(incident, &news, &self.place(), word.now).text;
        Answer::new(did, incident, text, word.dry_run)
    }

    fn place(&self) -> Place {
        Place {
            environment: self.settings.environment.clone(),
            function: self.settings.function_name(FUNCTION),
            acknowledge_within: self.settings.acknowledge_within,
        }
    }
}

impl Word<'_> {
    fn line(&self, what: &str) -> Line {
        Line { at: self.at.min(self.now), by: self.by.to_owned(), what: what.to_owned() }
    }
}

impl Task for Desk {
    async fn handle(&self, invocation: &Invocation) -> Result<Value, Error> {
        let now = clock::now();
        let mut last = Value::Null;
        for trigger in trigger::parse(invocation)? {
            last = self.answer(&trigger, now).await?;
            tracing::info!(trigger = trigger.id, answer = %last, "answered");
        }
        Ok(last)
    }
}

fn trouble(open: &Open) -> Trouble {
    Trouble {
        cause: open.cause(),
        title: open.title.clone(),
        severity: open.severity,
        assignee: open.assignee.clone(),
        alarm: None,
        what: format!("reported: {}", open.title),
        execution: None,
    }
}

/// Runs that met on one item come back at different times.
async fn pause(turn: u32, id: &str) {
    if turn > 0 {
        let spread = id.bytes().fold(0_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 97);
        tokio::time::sleep(std::time::Duration::from_millis(u64::from(turn) * 20 + spread)).await;
    }
}

fn overtaken(what: &str) -> Error {
    Error::Aws {
        operation: "write to the ledger about",
        resource: what.to_owned(),
        source: Cause::new("other runs were quicker, time after time"),
    }
}

//! One run: something happened, something is asked, or a minute has passed.

mod alarm;
mod answer;
mod follow;
mod people;
mod step;
mod sweep;

use std::sync::OnceLock;

use aws_types::SdkConfig;
use jiff::Timestamp;
use serde_json::Value;
use shared::{
    aws::{Aws, Cause},
    clock,
    error::Error,
    lambda::{Invocation, Task},
    settings::{Environment, SettingsError},
    trigger::{self, Kind, Trigger},
};

use crate::{
    FUNCTION,
    incident::{Incident, Severity},
    notice::{News, Place, notice},
    request::{Open, Request},
    settings::Settings,
    store::{Line, Pointer, Store},
};

pub use answer::{Answer, Did};

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
        Self::over(environment, &Aws::new(environment, FUNCTION)?)
    }

    /// The same, over an AWS that is there already.
    pub fn over(environment: &Environment, aws: &Aws) -> Result<Self, SettingsError> {
        let settings = Settings::from_environment(environment)?;
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

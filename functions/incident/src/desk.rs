//! One run: something happened, something is asked, or a minute has passed.

mod alarm;
mod answer;
mod follow;
mod machine;
mod people;
mod report;
mod step;
mod sweep;
mod switches;
mod tell;
mod unreadable;

use std::{sync::OnceLock, time::Duration};

use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use shared::{
    aws::Aws,
    clock,
    error::{Cause, Error},
    lambda::{Invocation, Task},
    notice as topic,
    outbox::{Outbox, Owed},
    settings::{Environment, SettingsError},
    text::{PERSON, line},
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
use tell::Heard;

/// Runs that write the same incident take turns; each turn is one write of somebody else.
const MAX_TURNS: u32 = 12;
/// What is asked is answered soon, whatever else there is to tell.
const NAMED_WITHIN: Duration = Duration::from_secs(5);
/// Whoever owes a notice has sent it by then, or died.
const ITS_OWN: SignedDuration = SignedDuration::from_secs(30);
/// As many as a person reads.
const LISTED: usize = 10;
/// More than anybody reads of a text that others wrote.
const MAX_SAID: usize = 600;

pub struct Desk {
    settings: Settings,
    config: SdkConfig,
    store: OnceLock<Store>,
    outbox: OnceLock<Outbox>,
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
    /// Whether a person typed the title.
    by_person: bool,
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
        Ok(Self { settings, config: aws.config().clone(), store: OnceLock::new(), outbox: OnceLock::new() })
    }

    fn store(&self) -> &Store {
        self.store.get_or_init(|| {
            Store::new(aws_sdk_dynamodb::Client::new(&self.config), &self.settings.ledger_table)
        })
    }

    fn outbox(&self) -> &Outbox {
        self.outbox.get_or_init(|| {
            let client = aws_sdk_dynamodb::Client::new(&self.config);
            let Settings { ledger_table, topics, .. } = &self.settings;
            Outbox::new(client, ledger_table, self.config.clone(), topics.to_vec())
        })
    }

    /// A notice to level 1.
    fn owe(&self, subject: &str, message: &str, id: &str, now: Timestamp) -> Owed {
        let [topic, ..] = &self.settings.topics;
        let deadline = now.checked_add(ITS_OWN).unwrap_or(now);
        Owed::new(id, topic::Notice::new(topic, subject, message), now, deadline)
    }

    /// Boxed, each: a run needs room for what happens, and not for all that could.
    async fn answer(&self, trigger: &Trigger, now: Timestamp) -> Result<Value, Error> {
        let word = |by, dry_run| Word { id: &trigger.id, by, at: trigger.at, now, dry_run, execution: None };
        match &trigger.kind {
            Kind::Alarm(alarm) => Ok(Box::pin(self.alarm(alarm, &word("alarm", false))).await?.into()),
            Kind::Schedule { .. } => Box::pin(self.sweep(now)).await,
            Kind::Ecs(_) | Kind::Pipeline(_) => Err(Error::InvalidRequest(
                "incident opens for alarms and for people: this event is for other functions".to_owned(),
            )),
            Kind::Person(asked) => Box::pin(self.asked(trigger, asked, &word("person", asked.dry_run))).await,
            Kind::StepFunctions { execution, asked, .. } => {
                let word = Word { execution: Some(execution), ..word("service-down", asked.dry_run) };
                match Request::new(trigger, asked)? {
                    Request::Step(step) => Box::pin(self.step(&step, &word)).await,
                    _ => Box::pin(self.asked(trigger, asked, &word)).await,
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
        let found = self.store().get(id).await?;
        found.ok_or_else(|| {
            let unreadable = self.store().why_unreadable(id);
            Error::InvalidRequest(match unreadable {
                Some(why) => format!("incident `{id}` is in the ledger and cannot be read: {why}"),
                None => {
                    format!("there is no incident `{id}`; send {{\"list\": true}} to see which there are")
                }
            })
        })
    }

    async fn line(&self, id: &str, word: &Word<'_>, what: &str) -> Result<(), Error> {
        self.store().add(id, word.id, &word.line(what)).await.map(|_| ())
    }

    /// What was done, in words, and how the incident stands now.
    fn did(&self, did: Did, incident: &Incident, what: &str, heard: &Heard, word: &Word<'_>) -> Answer {
        let mut lines = vec![what.to_owned()];
        if !word.dry_run {
            lines.extend(heard.in_words());
        }
        match did {
            Did::Opened | Did::Reopened => {
                let news = if did == Did::Opened { News::Opened } else { News::Reopened };
                lines.push(notice(incident, &news, &self.place(), word.now).text);
            }
            _ => lines.push(answer::one_line(incident, word.now)),
        }
        Answer::new(did, incident, lines.join("\n"), heard, word.dry_run)
    }

    /// As it is where nothing is known of switches and plans.
    fn place(&self) -> Place {
        Place {
            environment: self.settings.environment.clone(),
            function: self.settings.function_name(FUNCTION),
            acknowledge_within: self.settings.acknowledge_within,
            remedies: self.settings.remedies.clone(),
            switches: Vec::new(),
            plans: Vec::new(),
            unheard: Vec::new(),
        }
    }
}

impl Word<'_> {
    fn line(&self, what: &str) -> Line {
        Line { at: self.at.min(self.now), by: line(self.by, MAX_SAID), what: line(what, PERSON) }
    }
}

impl Task for Desk {
    async fn handle(&self, invocation: &Invocation) -> Result<Value, Error> {
        let now = clock::now();
        let mut answers = Vec::new();
        for trigger in trigger::parse(invocation)? {
            let answer = Box::pin(self.answer(&trigger, now)).await;
            if let Ok(answer) = &answer {
                tracing::info!(trigger = trigger.id, %answer, "answered");
            }
            answers.push(answer);
        }
        // Whatever was met on the way: people are told of it once.
        if tokio::time::timeout(NAMED_WITHIN, self.name_unreadable(now)).await.is_err() {
            tracing::error!("what cannot be read was not all told of: the next run goes on");
        }
        // One event that fails keeps no other from being heard.
        let answers: Vec<Value> = answers.into_iter().collect::<Result<_, _>>()?;
        Ok(answers.into_iter().next_back().unwrap_or_default())
    }
}

fn trouble(open: &Open) -> Trouble {
    Trouble {
        cause: open.cause(),
        title: line(&open.title, MAX_SAID),
        severity: open.severity,
        assignee: open.assignee.as_ref().map(|assignee| line(assignee, MAX_SAID)),
        by_person: true,
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

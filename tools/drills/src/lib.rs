//! Plays the ways in which LendPeak2 is down from end to end, with nobody typing: it goes wrong, the health probe runs as
//! its schedule would have it, and alarms, `incident` and the state machine `service-down` do the rest. Measures what
//! they did, and holds it against what was expected.

mod drill;
mod history;
mod ledger;
mod table;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use jiff::Timestamp;
use sandbox::changes::changes_the_stack;
use sandbox::clients::Clients;
use sandbox::gateway::Call;
use sandbox::notices::{Ears, Notice};
use sandbox::{Options, Sandbox, functions};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::diagnosis::Diagnosis;

use history::Execution;

pub use drill::{Drill, End, Expected};
pub use table::{Row, document, table};

/// An alarm, two remedies that are each looked at for as long as the sandbox does, and a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(200);
/// How often the probe runs until the incident opens.
const PROBE_EVERY: Duration = Duration::from_secs(2);
/// What came of an incident is told within this time after its execution's end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is seen while a drill is played.
#[derive(Debug, Clone)]
pub enum Event {
    /// The sandbox is ready at this address, and the service is well.
    Ready(String),
    WentWrong,
    /// The health probe ran.
    Probed {
        healthy: bool,
        summary: String,
    },
    /// An incident is open, of this id.
    Opened(String),
    /// The state machine went through these states.
    Entered(Vec<String>),
    /// A line of the incident's timeline.
    Line {
        by: String,
        what: String,
    },
    /// A function changed the service.
    Changed(Box<Call>),
    Told(Notice),
}

/// What came of a drill.
#[derive(Debug, Clone)]
pub struct Played {
    pub drill: Drill,
    /// What the incident was found to be first: by the state machine where it diagnosed, else by a question after the end.
    pub first_cause: Option<String>,
    /// Whether the state machine asked for a diagnosis, or had no need to.
    pub diagnosed: bool,
    pub ended: Ended,
    /// Which functions changed the service, each once, in the order of their first change.
    pub changed_by: Vec<String>,
    /// Changes of the service by any function but the one that was expected to.
    pub wrong_actions: Vec<String>,
    /// Whether the probe passed at the end.
    pub passes: bool,
    /// When the first probe that failed began.
    pub failed_at: Option<Timestamp>,
    pub acted_at: Option<Timestamp>,
    /// When the first of the two probes that passed had ended.
    pub recovered_at: Option<Timestamp>,
    /// Calls of AWS by the functions, from when it went wrong until the end.
    pub calls: usize,
    pub executions: usize,
    /// The states that the execution went through.
    pub states: Vec<String>,
    pub notices: Vec<Notice>,
    pub incident: Value,
    /// The incident as a person reads it.
    pub report: String,
}

/// How an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Resolved,
    Escalated {
        level: u8,
    },
    /// Neither within the time.
    Open,
}

impl Played {
    /// From the first failing probe to the first change.
    pub fn until_action(&self) -> Option<Duration> {
        between(self.failed_at?, self.acted_at?)
    }

    /// From the first failing probe to the first that passed.
    pub fn until_recovery(&self) -> Option<Duration> {
        between(self.failed_at?, self.recovered_at?)
    }

    pub fn is_cause_right(&self) -> bool {
        self.first_cause.as_deref() == self.drill.expected().first_cause
    }

    pub fn is_remedy_right(&self) -> bool {
        let expected: Vec<&str> = expected_remedy(self.drill).into_iter().collect();
        self.changed_by == expected
    }

    pub fn is_end_right(&self) -> bool {
        match self.drill.expected().end {
            End::Resolved { .. } => self.ended == Ended::Resolved && self.passes,
            End::Escalated { level } => self.ended == Ended::Escalated { level },
        }
    }

    /// What is not as it was expected; nothing if all is.
    pub fn faults(&self) -> Vec<String> {
        let Expected { first_cause, end } = self.drill.expected();
        let mut faults = Vec::new();
        if !self.is_cause_right() {
            faults.push(format!("the first cause is {:?}, not {first_cause:?}", self.first_cause));
        }
        if !self.is_remedy_right() {
            faults.push(format!("changed by {:?}, not as in {end:?}", self.changed_by));
        }
        if !self.is_end_right() {
            let passes = if self.passes { "passes" } else { "fails" };
            faults.push(format!("ended {:?}, the probe {passes}; expected is {end:?}", self.ended));
        }
        if !self.wrong_actions.is_empty() {
            faults.push(format!("wrong actions: {}", self.wrong_actions.join(", ")));
        }
        if self.executions != 1 {
            faults.push(format!("{} executions, not 1", self.executions));
        }
        faults
    }
}

/// The function that is to change the service.
fn expected_remedy(drill: Drill) -> Option<&'static str> {
    match drill.expected().end {
        End::Resolved { by } => by,
        End::Escalated { .. } => None,
    }
}

fn between(from: Timestamp, to: Timestamp) -> Option<Duration> {
    Duration::try_from(to.duration_since(from)).ok()
}

/// Plays one drill in a sandbox of its own, with the functions in this mode. Everything that is seen goes to `see`.
///
/// # Errors
/// When the sandbox does not do what it is asked, or no incident ever opened.
pub async fn play(drill: Drill, mode: &str, see: &mut dyn FnMut(&Event)) -> anyhow::Result<Played> {
    let options = Options { mode: mode.to_owned(), ..Options::default() };
    let sandbox = Sandbox::start(options).await.context("no sandbox")?;
    drill.prepare(&sandbox).await.context("cannot prepare")?;
    let play = Play::new(drill, &sandbox).await?;
    play.run(see).await
}

/// A drill that is being played.
struct Play<'a> {
    drill: Drill,
    sandbox: &'a Sandbox,
    clients: Clients,
    ears: Ears,
}

/// How far all that can be seen was told.
#[derive(Default)]
struct Seen {
    calls: usize,
    states: usize,
    lines: BTreeSet<String>,
    notices: Vec<Notice>,
}

impl<'a> Play<'a> {
    async fn new(drill: Drill, sandbox: &'a Sandbox) -> anyhow::Result<Self> {
        let clients = Clients::new(&sandbox.gateway.url(), "audience")?;
        let ears = Ears::new(&clients).await?;
        let play = Self { drill, sandbox, clients, ears };
        let report = play.clients.ask("health-probe", &json!({ "tries": 1 })).await?;
        ensure!(is_healthy(&report), "it is not well before it goes wrong: {report:#}");
        Ok(play)
    }

    async fn run(&self, see: &mut dyn FnMut(&Event)) -> anyhow::Result<Played> {
        see(&Event::Ready(self.sandbox.gateway.url()));
        let mut seen = Seen { calls: self.sandbox.gateway.calls().len(), ..Seen::default() };
        let first_call = seen.calls;
        self.drill.go_wrong(self.sandbox).await.context("cannot make it go wrong")?;
        see(&Event::WentWrong);
        let (id, failed_at) = self.probe_until_open(see).await?;
        see(&Event::Opened(id.clone()));
        let executions = self.watch(&id, &mut seen, see).await?;
        let execution = executions.first().context("the state machine never ran")?;
        let calls = self.sandbox.gateway.calls();
        let shown = self.clients.ask("incident", &json!({ "show": id, "verbose": true })).await?;
        let report = json!({ "incident": shown.get("record") });
        let since = calls.get(first_call..).unwrap_or_default();
        let ours = functions()?;
        let calls: Vec<&Call> = since.iter().filter(|call| ours.contains(&call.caller)).collect();
        let changes: Vec<&Call> = calls.iter().copied().filter(|call| changes_the_stack(call)).collect();
        let expected = expected_remedy(self.drill);
        let wrong = changes.iter().filter(|call| Some(call.caller.as_str()) != expected);
        let diagnosis = execution.first_diagnosis();
        let (diagnosed, counted) = (diagnosis.is_some(), calls.len());
        let diagnosis = match diagnosis {
            Some(diagnosis) => diagnosis,
            None => self.clients.ask("diagnose", &json!({})).await?,
        };
        let diagnosis = Diagnosis::deserialize(&diagnosis).context("diagnose answers something else")?;
        let last = self.clients.ask("health-probe", &json!({ "tries": 1, "dry_run": true })).await?;
        Ok(Played {
            drill: self.drill,
            first_cause: diagnosis.findings.first().map(|first| first.cause.clone().into_owned()),
            diagnosed,
            ended: ended(&report),
            changed_by: callers(&changes),
            wrong_actions: wrong.map(|call| format!("{}: {}", call.caller, call.name())).collect(),
            passes: is_healthy(&last),
            failed_at,
            acted_at: changes.first().map(|call| call.at),
            recovered_at: execution.recovered_at(),
            calls: counted,
            executions: executions.len(),
            states: execution.entered(),
            notices: seen.notices,
            report: for_people(&shown),
            incident: report.get("incident").cloned().unwrap_or_default(),
        })
    }

    /// Runs the probe as its schedule does, only more often, and without its patience: it tries once. Answers the
    /// incident's id, and when the first probe that failed began.
    async fn probe_until_open(
        &self,
        see: &mut dyn FnMut(&Event),
    ) -> anyhow::Result<(String, Option<Timestamp>)> {
        let (since, mut failed_at) = (Instant::now(), None);
        while since.elapsed() < PATIENCE {
            let at = Timestamp::now();
            let report = self.clients.ask("health-probe", &json!({ "tries": 1 })).await?;
            let healthy = is_healthy(&report);
            let summary = report.get("summary").and_then(Value::as_str).unwrap_or_default().to_owned();
            see(&Event::Probed { healthy, summary });
            if !healthy {
                failed_at.get_or_insert(at);
            }
            while Timestamp::now().duration_since(at) < PROBE_EVERY.try_into()? {
                if let Some(id) = ledger::newest(&self.clients).await? {
                    return Ok((id, failed_at));
                }
                tokio::time::sleep(POLL).await;
            }
        }
        anyhow::bail!("no incident within {PATIENCE:?}")
    }

    /// Tells what is new until the incident and its execution have come to their end.
    async fn watch(
        &self,
        id: &str,
        seen: &mut Seen,
        see: &mut dyn FnMut(&Event),
    ) -> anyhow::Result<Vec<Execution>> {
        let (since, mut over_since) = (Instant::now(), None::<Instant>);
        loop {
            let report = ledger::report(&self.clients, id).await?;
            let executions = history::executions(&self.clients).await?;
            self.tell(&report, executions.first(), seen, see).await?;
            let runs = executions.is_empty() || executions.iter().any(|execution| execution.runs);
            if ended(&report) == Ended::Open || runs {
                ensure!(since.elapsed() < PATIENCE, "it goes on and on: {report:#}, {executions:#?}");
            } else if over_since.get_or_insert_with(Instant::now).elapsed() >= LAST_WORDS {
                return Ok(executions);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Tells what is new.
    async fn tell(
        &self,
        report: &Value,
        execution: Option<&Execution>,
        seen: &mut Seen,
        see: &mut dyn FnMut(&Event),
    ) -> anyhow::Result<()> {
        let states = execution.map(Execution::entered).unwrap_or_default();
        let new: Vec<String> = states.iter().skip(seen.states).cloned().collect();
        if !new.is_empty() {
            see(&Event::Entered(new));
        }
        seen.states = states.len().max(seen.states);
        for line in report.get("timeline").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            if seen.lines.insert(line.to_string()) {
                see(&Event::Line { by: text("by"), what: text("what") });
            }
        }
        let (calls, ours) = (self.sandbox.gateway.calls(), functions()?);
        for call in calls.iter().skip(seen.calls).filter(|call| ours.contains(&call.caller)) {
            if changes_the_stack(call) {
                see(&Event::Changed(Box::new(call.clone())));
            }
        }
        seen.calls = calls.len();
        for notice in self.ears.heard(&self.clients).await? {
            see(&Event::Told(notice.clone()));
            seen.notices.push(notice);
        }
        Ok(())
    }
}

/// Who made these calls, each once, in order.
fn callers(calls: &[&Call]) -> Vec<String> {
    let mut callers: Vec<String> = Vec::new();
    for call in calls {
        if !callers.contains(&call.caller) {
            callers.push(call.caller.clone());
        }
    }
    callers
}

fn is_healthy(report: &Value) -> bool {
    report.get("healthy").and_then(Value::as_bool).unwrap_or_default()
}

/// What a person reads of an answer.
fn for_people(answer: &Value) -> String {
    let lines = answer.get("lines").and_then(Value::as_array).into_iter().flatten();
    answer.get("summary").into_iter().chain(lines).filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

fn ended(report: &Value) -> Ended {
    let text = |pointer: &str| report.pointer(pointer).filter(|value| !value.is_null());
    if text("/incident/resolved_at").is_some() {
        return Ended::Resolved;
    }
    let level = text("/incident/level").and_then(Value::as_u64).and_then(|level| u8::try_from(level).ok());
    match (text("/incident/handling/handed_over"), level) {
        (Some(_), Some(level)) => Ended::Escalated { level },
        _ => Ended::Open,
    }
}

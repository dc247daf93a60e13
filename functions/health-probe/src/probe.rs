//! One run: ask everything at once, judge, log, put the metrics, answer.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use serde_json::{Value, json};
use shared::aws::Aws;
use shared::clock;
use shared::error::{Error, chain};
use shared::lambda::{Invocation, Task};
use shared::settings::{Environment, SettingsError};
use shared::telemetry;
use shared::trigger::{self, Kind, Trigger};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::check::{Check, Id};
use crate::diagnosis::{Diagnosis, diagnose};
use crate::http::Engine;
use crate::metrics;
use crate::release::Notes;
use crate::report::{self, CheckReport, Report, VERSION};
use crate::request::Request;
use crate::retry::{self, Patience};
use crate::settings::Settings;

const FUNCTION: &str = "health-probe";

/// Reserved at the end of a run for the metrics and the answer: an outage that uses up all tries must still
/// be reported.
const RESERVE: Duration = Duration::from_secs(5);

/// How many of a person's addresses are asked at once. A long list must neither load the API nor fill the memory.
const URLS_AT_ONCE: usize = 25;

pub struct Probe {
    settings: Arc<Settings>,
    engine: Arc<Engine>,
    cloudwatch: Client,
    notes: Option<Notes>,
}

impl Probe {
    /// # Errors
    /// A setting that is missing or mistyped.
    pub fn new(environment: &Environment) -> Result<Self, SettingsError> {
        let settings = Settings::from_environment(environment)?;
        let aws = Aws::new(environment, FUNCTION)?;
        let notes = settings.watched.clone().map(|watched| Notes::new(watched, aws.config().clone()));
        Ok(Self { notes, ..Self::with(settings, Engine::public(), Client::new(aws.config())) })
    }

    fn with(settings: Settings, engine: Engine, cloudwatch: Client) -> Self {
        Self { settings: Arc::new(settings), engine: Arc::new(engine), cloudwatch, notes: None }
    }

    async fn run(&self, checks: Vec<Check>, tries: u32, invocation: &Invocation) -> Report {
        let at = clock::now();
        let started = Instant::now();
        let left = Duration::try_from(invocation.deadline.duration_since(at)).unwrap_or_default();
        let patience = Patience {
            tries,
            waits: self.settings.waits.clone(),
            timeout: self.settings.request_timeout,
            until: started + left.saturating_sub(RESERVE),
            turns: None,
        };
        let checks = self.ask_all(checks, patience).await;
        let Diagnosis { healthy, summary, next } = diagnose(&checks);
        Report {
            version: VERSION,
            function: FUNCTION.into(),
            execution_id: invocation.request_id.clone(),
            environment: self.settings.environment.clone(),
            at,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            healthy,
            summary,
            next: next.map(|next| next.addressed(&self.settings.environment, FUNCTION)),
            checks,
            metrics: 0,
        }
    }

    /// What the probe found stands, whether or not the minute could be noted.
    async fn note_minute(&self, triggers: &[Trigger], report: &Report) {
        if let Some(notes) = self.notes.as_ref().filter(|_| scheduled(triggers).is_some())
            && let Err(error) = notes.note_minute(report).await
        {
            tracing::warn!(error = chain(&error), "could not note what was found in this minute");
        }
    }

    /// What the probe found stands, whether or not the release could be noted.
    async fn note_release(&self, triggers: &[Trigger], report: &Report) {
        let (Some(notes), Some(scheduled), true) = (&self.notes, scheduled(triggers), report.healthy) else {
            return;
        };
        match notes.note(&self.cloudwatch, &report.environment, scheduled.at).await {
            Ok(Some(release)) => tracing::info!(release, "noted as good"),
            Ok(None) => {}
            Err(error) => tracing::warn!(error = chain(&error), "could not note the release as good"),
        }
    }

    async fn ask_all(&self, checks: Vec<Check>, patience: Patience) -> Vec<CheckReport> {
        // The checks by name, which alarms look at, wait for no address.
        let turns = Some(Arc::new(Semaphore::new(URLS_AT_ONCE)));
        let of_urls = Arc::new(Patience { turns, ..patience.clone() });
        let of_names = Arc::new(patience);
        let mut running = JoinSet::new();
        for (place, check) in checks.into_iter().enumerate() {
            let (engine, settings) = (Arc::clone(&self.engine), Arc::clone(&self.settings));
            let patience = Arc::clone(match check.id {
                Id::Named(_) => &of_names,
                Id::Url(_) => &of_urls,
            });
            running.spawn(async move {
                let tried = retry::exchange(&engine, &check.exchange, &patience).await;
                (place, report::of(&check, tried, &settings, clock::now()))
            });
        }
        // They end in any order, and are reported in the order of the request.
        let mut reports = running.join_all().await;
        reports.sort_by_key(|(place, _)| *place);
        reports.into_iter().map(|(_, report)| report).collect()
    }
}

impl Task for Probe {
    const EXAMPLE: &'static str = r#"{"checks": ["health"], "dry_run": true}"#;

    /// Unhealthy is a report, not an error. An error is a wrong request, or metrics that could not be put:
    /// the alarm would be blind, and Lambda's own error metric must say so. The report is then in the log.
    async fn handle(&self, invocation: &Invocation) -> Result<Value, Error> {
        let triggers = trigger::parse(invocation)?;
        let asked = triggers.iter().find_map(trigger::Trigger::asked);
        let request =
            asked.map(trigger::Asked::request_without_plan::<Request>).transpose()?.unwrap_or_default();
        let checks = request.checks(&self.settings)?;
        let tries = request.tries(&self.settings)?;

        let mut report = self.run(checks, tries, invocation).await;
        let data = metrics::data(&report);
        let dry_run = asked.is_some_and(|asked| asked.dry_run);
        if dry_run || data.is_empty() {
            log(&report);
            return Ok(answer(&report));
        }
        report.metrics = data.len();
        log(&report);
        let put = metrics::put(&self.cloudwatch, data);
        let (put, ()) = tokio::join!(put, self.note_minute(&triggers, &report));
        put?;
        self.note_release(&triggers, &report).await;
        Ok(answer(&report))
    }
}

fn scheduled(triggers: &[Trigger]) -> Option<&Trigger> {
    triggers.iter().find(|trigger| matches!(trigger.kind, Kind::Schedule { .. }))
}

/// One line of JSON with the report as it is, so that its fields can be searched for in the log.
fn log(report: &Report) {
    let (level, wanted) = if report.healthy {
        ("INFO", tracing::enabled!(tracing::Level::INFO))
    } else {
        ("WARN", tracing::enabled!(tracing::Level::WARN))
    };
    if wanted {
        let line = json!({ "timestamp": report.at, "level": level, "message": "probed", "report": report });
        telemetry::write(line);
    }
}

/// A report is text and finite numbers: it always has a JSON form.
fn answer(report: &Report) -> Value {
    serde_json::to_value(report).unwrap_or_default()
}

#[cfg(test)]
mod tests;

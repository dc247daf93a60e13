//! One run: what is asked, what is seen, what it means, what is answered.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    time::Duration,
};

use aws_types::SdkConfig;
use serde_json::{Value, json};
use shared::{
    aws::Aws,
    clock,
    error::Error,
    lambda::{Invocation, Task},
    notice,
    settings::{Environment, SettingsError},
    trigger::{self, Kind},
};
use tokio::time::Instant;

use crate::{
    FUNCTION, judge,
    read::{self, Reader},
    report::{Report, VERSION},
    request::{self, Request},
    settings::Settings,
    source::Source,
    timeline,
};

/// All reading ends by then: whoever waits for the answer is on call.
const READING: Duration = Duration::from_secs(20);
/// Kept back from a run's time for the answer.
const RESERVE: Duration = Duration::from_secs(2);
/// What is told of as changed lately.
const CHANGES_HOURS: i64 = 3;

pub struct Diagnose {
    settings: Settings,
    config: SdkConfig,
}

impl Diagnose {
    /// # Errors
    /// A setting that is missing or mistyped.
    pub fn new(environment: &Environment) -> Result<Self, SettingsError> {
        Self::over(environment, &Aws::new(environment, FUNCTION)?)
    }

    /// The same, over an AWS that is there already.
    ///
    /// # Errors
    /// A setting that is missing or mistyped.
    pub fn over(environment: &Environment, aws: &Aws) -> Result<Self, SettingsError> {
        let settings = Settings::from_environment(environment)?;
        Ok(Self { settings, config: aws.config().clone() })
    }

    async fn run(&self, request: &Request, invocation: &Invocation) -> Report {
        let at = clock::now();
        let started = Instant::now();
        let left = Duration::try_from(invocation.deadline.duration_since(at)).unwrap_or_default();
        let until = started + READING.min(left.saturating_sub(RESERVE));
        let sources: BTreeSet<Source> =
            request.chapters.iter().flat_map(|chapter| chapter.sources()).copied().collect();
        let reader = Reader::new(self.config.clone(), self.settings.clone(), at);
        let (evidence, seen) = read::collect(reader, &sources, until).await;
        let findings = judge(&evidence, &request.chapters);
        Report {
            version: VERSION,
            nothing_found: false,
            summary: String::new(),
            text: String::new(),
            changes: timeline::told(&evidence, CHANGES_HOURS, findings.first()),
            findings,
            chapters: request.chapters.clone(),
            looked_at: seen.into_iter().map(Source::as_str).collect(),
            not_seen: evidence.not_seen,
            status: request.status.map(Into::into),
            function: FUNCTION,
            environment: self.settings.environment.clone(),
            execution_id: invocation.request_id.clone(),
            at,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
        .told(request.format)
    }
}

impl Diagnose {
    /// Whoever is woken by the alarm gets its cause along with it.
    async fn tell(&self, report: &Report) -> Result<(), Error> {
        let Some(topic) = self.settings.notice_topic_arn.as_deref().filter(|_| !report.nothing_found) else {
            return Ok(());
        };
        let subject = format!("[{}] {FUNCTION}: {}", report.environment, report.summary);
        notice::publish(&self.config, topic, &subject, report.text.clone()).await
    }
}

impl Task for Diagnose {
    async fn handle(&self, invocation: &Invocation) -> Result<Value, Error> {
        let triggers = trigger::parse(invocation)?;
        let request = request::from_triggers(&triggers)?;
        let report = self.run(&request, invocation).await;
        log(&report);
        if triggers.iter().any(|trigger| matches!(trigger.kind, Kind::Alarm(_) | Kind::Ecs(_))) {
            self.tell(&report).await?;
        }
        Ok(serde_json::to_value(&report).unwrap_or_default())
    }
}

/// One line of JSON: what was found is there to be searched for when nobody waited for the answer.
fn log(report: &Report) {
    // Whoever has not started logging has no log to be searched.
    if !tracing::enabled!(tracing::Level::ERROR) {
        return;
    }
    let level = if report.nothing_found { "INFO" } else { "WARN" };
    let line = json!({ "timestamp": report.at, "level": level, "message": "diagnosed", "report": report });
    // A full or closed standard output must not keep a run from answering.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

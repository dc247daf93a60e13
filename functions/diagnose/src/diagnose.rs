//! One run: what is asked, what is seen, what it means, what is answered.

use std::{collections::BTreeSet, time::Duration};

use aws_types::SdkConfig;
use serde_json::{Value, json};
use shared::{
    alarms,
    aws::Aws,
    clock, code,
    diagnosis::{Diagnosis, Impact, VERSION},
    error::{Cause, Error},
    guard,
    lambda::{Invocation, Task},
    notice::{self, Notice},
    outcome::Stop,
    settings::{Environment, SettingsError},
    telemetry,
    trigger::{self, AlarmState, Kind, Trigger},
};
use tokio::time::Instant;

use crate::{
    FUNCTION,
    chapter::sources,
    judge,
    read::{self, Reader},
    report::{facts, told},
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
        Self::with_aws(environment, &Aws::new(environment, FUNCTION)?)
    }

    /// The same, with this way to AWS.
    ///
    /// # Errors
    /// A setting that is missing or mistyped.
    pub fn with_aws(environment: &Environment, aws: &Aws) -> Result<Self, SettingsError> {
        let settings = Settings::from_environment(environment)?;
        Ok(Self { settings, config: aws.config().clone() })
    }

    async fn run(&self, request: &Request, invocation: &Invocation) -> Diagnosis {
        let at = clock::now();
        let started = Instant::now();
        let left = Duration::try_from(invocation.deadline.duration_since(at)).unwrap_or_default();
        let until = started + READING.min(left.saturating_sub(RESERVE));
        let wanted: BTreeSet<Source> =
            request.chapters.iter().flat_map(|chapter| sources(*chapter)).copied().collect();
        let reader = Reader::new(self.config.clone(), self.settings.clone(), at);
        let (evidence, seen) = read::collect(reader, &wanted, until).await;
        let findings = judge(&evidence, &request.chapters);
        let diagnosis = Diagnosis {
            version: VERSION,
            changes: timeline::told(&evidence, CHANGES_HOURS, findings.first()),
            findings,
            chapters: request.chapters.clone(),
            looked_at: seen.into_iter().map(|source| source.as_str().into()).collect(),
            not_seen: evidence.not_seen,
            status: request.status.map(Into::into),
            function: FUNCTION.into(),
            environment: self.settings.environment.clone(),
            execution_id: invocation.request_id.clone(),
            at,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..Diagnosis::default()
        };
        told(diagnosis, request.format)
    }
}

impl Diagnose {
    /// Whoever is woken by the alarm gets its cause along with it.
    async fn tell(&self, report: &Diagnosis) -> Result<(), Error> {
        // Findings that hurt nobody wait for the day: a failover that went well, an alarm that is always on.
        let matters = report.findings.iter().any(|finding| finding.impact >= Impact::Risk);
        let Some(topic) = self.settings.notice_topic_arn.as_deref().filter(|_| matters) else {
            return Ok(());
        };
        let notice = Notice::new(topic, facts(report));
        let sent = notice::tell(&self.config, &notice, self.settings.level_2_topic_arn.as_slice()).await;
        let failed = || Error::Aws {
            operation: "tell people",
            resource: topic.to_owned(),
            source: Cause::new(sent.words.join(" ")),
        };
        // Lambda repeats the event.
        if sent.owed { Err(failed()) } else { Ok(()) }
    }
}

impl Diagnose {
    /// The triggers that are of this stack, and why the others are not looked into.
    async fn believed(&self, all: Vec<Trigger>) -> Result<(Vec<Trigger>, Vec<Stop>), Error> {
        let (mut triggers, mut refused) = (Vec::new(), Vec::new());
        for trigger in all {
            match self.doubt(&trigger).await? {
                None => triggers.push(trigger),
                Some(stop) => {
                    tracing::warn!(code = stop.code.name(), reason = stop.reason, "refused");
                    refused.push(stop);
                }
            }
        }
        Ok((triggers, refused))
    }

    async fn doubt(&self, trigger: &Trigger) -> Result<Option<Stop>, Error> {
        if let Some(foreign) = &trigger.origin.foreign {
            return Ok(Some(Stop::refused(&code::NOT_OF_THIS_ACCOUNT, format!("the event is of {foreign}"))));
        }
        if guard::is_from_the_future(trigger.at, clock::now()) {
            let why = format!("the event is from {}, which is still to come", clock::readable(trigger.at));
            return Ok(Some(Stop::refused(&code::EVENT_FROM_THE_FUTURE, why)));
        }
        let Kind::Alarm(alarm) = &trigger.kind else { return Ok(None) };
        // What has calmed down asks for nothing.
        if alarm.state != AlarmState::Alarm {
            return Ok(None);
        }
        let Settings { stack, cluster, service, .. } = &self.settings;
        if let Err(why) = stack.is_wired(alarm, trigger.origin.topic.as_deref()) {
            return Ok(Some(why.stop(FUNCTION)));
        }
        let about = stack.about(cluster, service, &[]);
        let asking = alarms::ask_over(&self.config, alarm, &about).await?;
        Ok(asking.refused.map(|why| why.stop(FUNCTION)))
    }

    /// The answer where nothing was to be looked into.
    fn refusal(&self, refused: &[Stop], invocation: &Invocation) -> Value {
        let reasons: Vec<&str> = refused.iter().map(|stop| stop.reason.as_str()).collect();
        json!({
            "summary": format!("Nothing was looked into: {}.", reasons.join("; ")),
            "decision": "refused",
            "code": refused.first().map(|stop| stop.code),
            "next": refused.first().and_then(|stop| stop.next.clone()).map(|next| {
                next.addressed(&self.settings.environment, FUNCTION)
            }),
            "nothing_found": true,
            "version": VERSION,
            "function": FUNCTION,
            "environment": self.settings.environment,
            "execution_id": invocation.request_id,
            "at": clock::now(),
        })
    }
}

impl Task for Diagnose {
    const EXAMPLE: &'static str = r#"{"symptom": "Service Down"}"#;

    async fn handle(&self, invocation: &Invocation) -> Result<Value, Error> {
        let (triggers, refused) = self.believed(trigger::parse(invocation)?).await?;
        if triggers.is_empty() {
            return Ok(self.refusal(&refused, invocation));
        }
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
fn log(report: &Diagnosis) {
    // Without `telemetry::init` (unit tests) there is no log.
    if !tracing::enabled!(tracing::Level::ERROR) {
        return;
    }
    let level = if report.nothing_found { "INFO" } else { "WARN" };
    let line = json!({ "timestamp": report.at, "level": level, "message": "diagnosed", "report": report });
    telemetry::write(line);
}

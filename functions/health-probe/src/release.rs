//! What the probe notes in the ledger. Each minute, what it found: the status page shows it. And the running release as
//! good, once the probe has passed for ten minutes while it ran: `rollback` goes back to such a release first.
//!
//! The probe keeps no state between runs. To note a release, this reads the metrics that it has put, and
//! only at the runs of every tenth minute.

use std::sync::OnceLock;

use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use shared::aws::failed;
use shared::ecs;
use shared::error::Error;
use shared::ledger::{Minute, Minutes, Releases};
use shared::telemetry::NAMESPACE;

use crate::check::Name;
use crate::metrics::HEALTHY;
use crate::report::Report;
use crate::settings::Watched;

const LONG_ENOUGH: SignedDuration = SignedDuration::from_mins(10);
const PERIOD_SECONDS: i32 = 60;
/// Of the ten minutes before this one; a run may be late, or be lost once.
const RUNS_NEEDED: usize = 9;

/// Nine of ten runs need none of these clients: they are made when they are needed.
pub struct Notes {
    pub watched: Watched,
    config: SdkConfig,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
}

impl Notes {
    pub fn new(watched: Watched, config: SdkConfig) -> Self {
        Self { watched, config, ecs: OnceLock::new(), dynamodb: OnceLock::new() }
    }

    fn ecs(&self) -> &aws_sdk_ecs::Client {
        self.ecs.get_or_init(|| aws_sdk_ecs::Client::new(&self.config))
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.config)).clone()
    }

    fn releases(&self) -> Releases {
        Releases::new(self.dynamodb(), &self.watched.ledger_table)
    }

    /// After a scheduled run: what it found, for the status page.
    pub async fn note_minute(&self, report: &Report) -> Result<(), Error> {
        Minutes::new(self.dynamodb(), &self.watched.ledger_table).note(report.at, &minute(report)).await
    }

    /// After a scheduled run that passed: the `family:revision` that was noted, if one was.
    pub async fn note(
        &self,
        cloudwatch: &aws_sdk_cloudwatch::Client,
        environment: &str,
        at: Timestamp,
    ) -> Result<Option<String>, Error> {
        // The time is the event's own and may be anything.
        let Ok(since) = at.checked_sub(LONG_ENOUGH) else {
            return Ok(None);
        };
        if !is_due(at) || !has_passed(cloudwatch, environment, since, at).await? {
            return Ok(None);
        }
        let Watched { cluster, service, .. } = &self.watched;
        let Some(service_now) = ecs::service(self.ecs(), cluster, service).await? else {
            return Ok(None);
        };
        let ran_long_enough = service_now.primary().is_some_and(|primary| {
            primary.is_completed() && primary.created_at.is_some_and(|created| created <= since)
        });
        if service_now.is_deploying() || !ran_long_enough {
            return Ok(None);
        }
        let release = ecs::revision(&service_now.task_definition);
        self.releases().mark_good(&ecs::resource_id(cluster, service), release, at).await?;
        Ok(Some(release.to_owned()))
    }
}

/// The checks that failed, and how long the API's health took.
fn minute(report: &Report) -> Minute {
    let failed = report.checks.iter().filter(|check| !check.healthy).map(|check| check.name.clone());
    let answered = report.checks.iter().find(|check| check.name == Name::Health.as_str() && check.healthy);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a run ends within a minute")]
    let ms = answered.and_then(|check| check.phases.total_ms).map(|ms| ms.round() as u32);
    Minute { failed: failed.collect(), ms }
}

fn is_due(at: Timestamp) -> bool {
    at.as_second().div_euclid(60) % LONG_ENOUGH.as_mins() == 0
}

/// Whether the probe has passed in each of these ten minutes.
async fn has_passed(
    cloudwatch: &aws_sdk_cloudwatch::Client,
    environment: &str,
    since: Timestamp,
    at: Timestamp,
) -> Result<bool, Error> {
    let answer = cloudwatch
        .get_metric_statistics()
        .namespace(NAMESPACE)
        .metric_name(HEALTHY)
        .dimensions(Dimension::builder().name("Environment").value(environment).build())
        .statistics(Statistic::Minimum)
        .period(PERIOD_SECONDS)
        .start_time(DateTime::from_secs(since.as_second()))
        .end_time(DateTime::from_secs(at.as_second()))
        .send()
        .await
        .map_err(|error| failed("read the metric", HEALTHY, &error))?;
    let minutes = answer.datapoints();
    Ok(minutes.len() >= RUNS_NEEDED && minutes.iter().all(|minute| minute.minimum() == Some(1.0)))
}

#[cfg(test)]
mod tests;

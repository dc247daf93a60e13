//! Reads the sources that are asked for, all at once, in a bounded time, into evidence. One that fails or takes too
//! long is noted as not seen, and the rest goes on. Nothing is written, and a secret's value is never asked for.

mod alarms;
mod aws_health;
mod builds;
mod cells;
mod database;
mod distribution;
mod images;
mod listed_metrics;
mod load_balancer;
pub mod logs;
mod metrics;
mod probe;
mod scaling;
mod secrets;
mod security_groups;
mod service;
mod slow_queries;
mod tasks;

use std::{collections::BTreeSet, sync::Arc};

use aws_types::{SdkConfig, region::Region};
use jiff::Timestamp;
use shared::error::{Error, chain};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    evidence::{Evidence, Names, NotSeen},
    settings::Settings,
    source::Source,
};

/// Puts what a reader saw into the evidence.
pub(crate) type Seen = Box<dyn FnOnce(&mut Evidence) + Send>;

/// Why a source was not seen, for people.
pub(crate) type Why = String;

/// What the readers share: the clients' configuration, the settings, and reads that several of them need.
pub(crate) struct Reader {
    pub(crate) config: SdkConfig,
    pub(crate) settings: Settings,
    pub(crate) at: Timestamp,
    cells: cells::Cells,
}

/// The only region with CloudFront's metrics and AWS Health.
pub(crate) const GLOBAL_REGION: &str = "us-east-1";
/// Prefixes of regions in other partitions, whose credentials are not valid in that region.
const OTHER_PARTITIONS: [&str; 5] = ["cn-", "eu-iso", "eusc-", "us-gov-", "us-iso"];

impl Reader {
    pub(crate) fn new(config: SdkConfig, settings: Settings, at: Timestamp) -> Self {
        Self { config, settings, at, cells: cells::Cells::default() }
    }

    /// None where another partition has no access to it.
    pub(crate) fn global_region(&self) -> Option<Region> {
        let own = self.config.region().map_or("", Region::as_ref);
        let is_other = OTHER_PARTITIONS.iter().any(|partition| own.starts_with(partition));
        (!is_other).then(|| Region::new(GLOBAL_REGION))
    }

    /// The CloudWatch client of that region.
    pub(crate) fn global_cloudwatch(&self) -> Option<aws_sdk_cloudwatch::Client> {
        let config = aws_sdk_cloudwatch::config::Builder::from(&self.config).region(self.global_region()?);
        Some(aws_sdk_cloudwatch::Client::from_conf(config.build()))
    }

    /// None where the stack has no such part.
    async fn read(&self, source: Source) -> Result<Option<Seen>, Why> {
        match source {
            Source::Service => service::service(self).await,
            Source::Definition => service::definition(self).await,
            Source::Tasks => tasks::tasks(self).await,
            Source::Images => images::images(self).await,
            Source::Secrets => secrets::secrets(self).await,
            Source::Logs => logs::logs(self).await,
            Source::TargetGroups => load_balancer::target_groups(self).await,
            Source::LoadBalancer => load_balancer::load_balancer(self).await,
            Source::SecurityGroups => security_groups::security_groups(self).await,
            Source::Metrics => metrics::metrics(self).await,
            Source::Database => database::database(self).await,
            Source::DatabaseEvents => database::events(self).await,
            Source::SlowQueries => slow_queries::slow_queries(self).await,
            Source::Scaling => scaling::scaling(self).await,
            Source::Alarms => alarms::alarms(self).await,
            Source::Distribution => distribution::distribution(self).await,
            Source::Builds => builds::builds(self).await,
            Source::ListedMetrics => listed_metrics::listed_metrics(self).await,
            Source::Probe => probe::probe(self).await,
            Source::AwsHealth => aws_health::aws_health(self).await,
        }
    }
}

/// Reads the sources until then, and says which it saw.
pub(crate) async fn collect(
    reader: Reader,
    sources: &BTreeSet<Source>,
    until: Instant,
) -> (Evidence, Vec<Source>) {
    let mut evidence = Evidence { at: reader.at, names: names(&reader.settings), ..Evidence::default() };
    let reader = Arc::new(reader);
    let mut reading = JoinSet::new();
    for source in sources.iter().copied() {
        let reader = Arc::clone(&reader);
        reading.spawn(async move {
            let read = tokio::time::timeout_at(until, reader.read(source)).await;
            (source, read.unwrap_or_else(|_| Err("it did not answer in time".to_owned())))
        });
    }
    let mut seen = Vec::new();
    let mut unseen = Vec::new();
    for (source, read) in reading.join_all().await {
        match read {
            Ok(Some(put)) => {
                put(&mut evidence);
                seen.push(source);
            }
            Ok(None) => {}
            Err(why) => unseen.push((source, why)),
        }
    }
    seen.sort_unstable();
    unseen.sort();
    evidence
        .not_seen
        .extend(unseen.into_iter().map(|(source, why)| NotSeen { source: source.as_str().to_owned(), why }));
    (evidence, seen)
}

/// A note that a list was not read to its end.
pub(crate) fn cut(source: impl Into<String>, read: usize) -> NotSeen {
    NotSeen { source: source.into(), why: format!("there are more than the {read} that were read") }
}

fn names(settings: &Settings) -> Names {
    let of = |name: &Option<String>| name.clone().unwrap_or_default();
    Names {
        cluster: settings.cluster.clone(),
        service: settings.service.clone(),
        log_group: settings.log_group.clone(),
        load_balancer: settings
            .load_balancer
            .as_deref()
            .map_or_else(String::new, |it| load_balancer::name(it).to_owned()),
        database: of(&settings.database),
        distribution: of(&settings.distribution),
        probe: of(&settings.probe_function),
    }
}

/// For people: the operation, the resource and AWS's code, never a body.
pub(crate) fn why(error: &Error) -> Why {
    chain(error)
}

#[expect(clippy::unnecessary_wraps, reason = "none is a source that the stack does not have")]
pub(crate) fn seen(put: impl FnOnce(&mut Evidence) + Send + 'static) -> Option<Seen> {
    Some(Box::new(put))
}

/// A time as the SDKs have it.
pub(crate) fn timestamp(at: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}

/// A time as the SDKs want it.
pub(crate) fn date_time(at: Timestamp) -> aws_smithy_types::DateTime {
    aws_smithy_types::DateTime::from_millis(at.as_millisecond())
}

/// The last part of a name with slashes, or of an ARN with them.
pub(crate) fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

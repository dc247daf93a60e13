//! One start, measured; and what many of them come to.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use sandbox::runtime_api::{Answer, Bootstrap};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::process;
use super::traffic::Counted;
use super::units::{median, megabytes, milliseconds};
use super::variant::{Kind, Variant};

/// A broken variant must not hold the benchmark up for ever.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
/// Long answers need not be measured as often.
const WARM_TIME: Duration = Duration::from_secs(15);
/// After an answer a process still asks for its next event: that belongs to the run, and is then over.
pub(super) const SETTLE: Duration = Duration::from_millis(20);

/// What one start took.
#[derive(Debug)]
pub(super) struct Start {
    ready_ms: Option<f64>,
    first_ms: f64,
    cpu_ms: f64,
    pub(super) peak_mb: f64,
}

/// What all starts of a variant took.
#[derive(Debug, Default)]
pub(super) struct Samples {
    ready_ms: Vec<f64>,
    first_ms: Vec<f64>,
    cpu_ms: Vec<f64>,
    peak_mb: Vec<f64>,
    pub(super) warm_ms: Vec<f64>,
    /// Of one start.
    traffic: Counted,
    endpoint_ms: Option<f64>,
}

/// Medians, where nothing else is said; absent where a variant has no such thing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) starts: usize,
    /// From the start of the process until it asks for its first event.
    pub(super) ready_ms: Option<f64>,
    /// From handing over the first event until its answer. A script's whole run.
    pub(super) first_ms: Option<f64>,
    /// Processor time from the start of the process until after its first answer.
    pub(super) cpu_ms: Option<f64>,
    pub(super) warm_answers: usize,
    pub(super) warm_ms: Option<f64>,
    pub(super) warm_p99_ms: Option<f64>,
    pub(super) peak_mb: Option<f64>,
    pub(super) zip_mb: Option<f64>,
    pub(super) traffic: Counted,
    /// What the endpoint itself takes for the calls of a start.
    pub(super) endpoint_ms: Option<f64>,
}

impl Samples {
    /// Of no start yet.
    pub(super) fn with(traffic: Counted, endpoint_ms: Option<f64>) -> Self {
        Self { traffic, endpoint_ms, ..Self::default() }
    }

    pub(super) fn add(&mut self, start: &Start) {
        self.ready_ms.extend(start.ready_ms);
        self.first_ms.push(start.first_ms);
        self.cpu_ms.push(start.cpu_ms);
        self.peak_mb.push(start.peak_mb);
    }

    pub(super) fn figures(&self, zip_mb: Option<f64>) -> Figures {
        Figures {
            starts: self.first_ms.len(),
            ready_ms: median(&self.ready_ms),
            first_ms: median(&self.first_ms),
            cpu_ms: median(&self.cpu_ms),
            warm_answers: self.warm_ms.len(),
            warm_ms: median(&self.warm_ms),
            warm_p99_ms: percentile(&self.warm_ms, 99),
            peak_mb: median(&self.peak_mb),
            zip_mb,
            traffic: self.traffic,
            endpoint_ms: self.endpoint_ms,
        }
    }

    /// Whether it has been started often enough for the time that each start takes.
    pub(super) fn are_enough(&self) -> bool {
        /// A median of fewer says little.
        const FEW: usize = 3;
        /// What takes seconds need not be measured as often: its spread is small beside it.
        const START_TIME_MS: f64 = 15_000.0;
        let spent: f64 = self.first_ms.iter().chain(&self.ready_ms).sum();
        self.first_ms.len() >= FEW && spent >= START_TIME_MS
    }
}

impl Figures {
    /// From the start of the process until its first answer.
    pub(super) fn cold_ms(&self) -> Option<f64> {
        Some(self.first_ms? + self.ready_ms.unwrap_or_default())
    }
}

/// Starts it, lets it do its job once, and ends it.
pub(super) async fn once(variant: &Variant) -> anyhow::Result<Start> {
    if variant.kind == Kind::Cli {
        return script(variant).await;
    }
    let bootstrap = start(variant).await?;
    let ready = ready(&bootstrap).await?;
    let first = invoke(variant, &bootstrap).await?;
    tokio::time::sleep(SETTLE).await;
    let start = Start {
        ready_ms: Some(milliseconds(ready)),
        first_ms: milliseconds(first),
        cpu_ms: milliseconds(process::cpu(bootstrap.id())?),
        peak_mb: megabytes(process::peak_memory_bytes(bootstrap.id())?),
    };
    bootstrap.kill().await;
    Ok(start)
}

/// The times of at most `count` invocations after the first; none for a script, which is never warm.
pub(super) async fn warm(variant: &Variant, count: usize) -> anyhow::Result<Vec<f64>> {
    if variant.kind == Kind::Cli {
        return Ok(Vec::new());
    }
    let bootstrap = start(variant).await?;
    ready(&bootstrap).await?;
    invoke(variant, &bootstrap).await?;
    let mut times = Vec::new();
    let begun = Instant::now();
    while times.len() < count && begun.elapsed() < WARM_TIME {
        times.push(milliseconds(invoke(variant, &bootstrap).await?));
    }
    bootstrap.kill().await;
    Ok(times)
}

async fn start(variant: &Variant) -> anyhow::Result<Bootstrap> {
    Bootstrap::start_with(&variant.program, &variant.arguments, &variant.environment).await
}

pub(super) async fn ready(bootstrap: &Bootstrap) -> anyhow::Result<Duration> {
    let ready = tokio::time::timeout(PATIENCE, bootstrap.ready()).await.ok().flatten();
    ready.with_context(|| format!("it asked for no event; {}", logged(bootstrap)))
}

pub(super) async fn invoke(variant: &Variant, bootstrap: &Bootstrap) -> anyhow::Result<Duration> {
    let wanted = &variant.expected;
    let event = variant.event();
    let handed_over = Instant::now();
    let answer = bootstrap.invoke(event, PATIENCE).await;
    let took = handed_over.elapsed();
    match answer {
        Answer::Ok(answer) if holds(&answer, wanted) => Ok(took),
        other => bail!("its answer was to hold {wanted}, but is {other:?}; {}", logged(bootstrap)),
    }
}

/// Whether all that is wanted is in the answer, whatever else is there.
fn holds(answer: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(fields) => {
            fields.iter().all(|(name, wanted)| answer.get(name).is_some_and(|answer| holds(answer, wanted)))
        }
        _ => answer == wanted,
    }
}

fn logged(bootstrap: &Bootstrap) -> String {
    format!("it printed:\n{}", bootstrap.log())
}

/// What `measure.py` prints.
#[derive(Deserialize)]
struct Measured {
    wall_ms: f64,
    cpu_ms: f64,
    peak_mb: f64,
}

async fn script(variant: &Variant) -> anyhow::Result<Start> {
    let script = tokio::process::Command::new(&variant.program)
        .args(&variant.arguments)
        .env_clear()
        .envs(variant.environment.iter().map(|(name, value)| (name, value)))
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, script).await.context("it goes on and on")??;
    if !output.status.success() {
        bail!("it ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let Measured { wall_ms, cpu_ms, peak_mb } = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("measure.py printed {}", String::from_utf8_lossy(&output.stdout)))?;
    Ok(Start { ready_ms: None, first_ms: wall_ms, cpu_ms, peak_mb })
}

/// The least value that so many in a hundred do not exceed.
fn percentile(samples: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() * percent).div_ceil(100).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::{
        endpoint::Endpoint,
        variant::{self, Binaries},
    };
    use super::*;

    /// Otherwise it is a refusal that is measured.
    #[tokio::test]
    async fn every_function_does_the_job_that_is_measured() -> anyhow::Result<()> {
        let endpoint = Endpoint::start().await?;
        let ours = sandbox::deploy::binaries()?;
        for variant in variant::ours(&Binaries { ours, defaults: PathBuf::new() }, &endpoint)? {
            // It answers nothing that anybody reads.
            if variant.kind == Kind::Floor {
                continue;
            }
            let bootstrap = start(&variant).await?;
            ready(&bootstrap).await.with_context(|| variant.name())?;
            invoke(&variant, &bootstrap).await.with_context(|| variant.name())?;
            bootstrap.kill().await;
        }
        Ok(())
    }

    #[test]
    fn the_99th_percentile_of_few_is_the_slowest_and_of_many_is_not() {
        let up_to = |last: u32| (1..=last).map(f64::from).collect::<Vec<_>>();
        assert_eq!(percentile(&up_to(50), 99), Some(50.0));
        assert_eq!(percentile(&up_to(200), 99), Some(198.0));
        assert_eq!(percentile(&[], 99), None);
    }
}

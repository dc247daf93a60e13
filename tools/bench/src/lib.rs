//! What a cold start costs: the release functions under a Runtime API of our own, against canned AWS
//! answers over TLS on loopback, next to some of the jobs done with boto3, with the AWS CLI and with Rust's defaults.
//!
//! It measures and tells, and fails only when something does not work: a time is never a test. Counts of
//! instructions are one: they are the same on a noisy machine.

mod document;
mod endpoint;
mod instructions;
mod machine;
mod measure;
mod plot;
mod process;
mod replay;
mod report;
mod target;
mod traffic;
mod units;
mod variant;

use std::path::Path;

use anyhow::Context;
use sandbox::command::write;
use scenarios::job::LARGE;
use serde::{Deserialize, Serialize};

use machine::Machine;
use measure::{Figures, Samples};
use variant::{Kind, NOTHING, Variant};

pub use instructions::{Counting, count};
pub use variant::Binaries;

use endpoint::Endpoint;

/// What to measure, and how often.
#[derive(Debug, Clone)]
pub struct Options {
    /// Cold starts of each variant; of those that take long, fewer.
    pub starts: usize,
    /// Invocations of one warm process of each variant.
    pub warm: usize,
    /// Runs of each AWS CLI script, beside the first: one takes seconds. With 0 they are left out.
    pub cli_runs: usize,
    /// Only the rows whose names hold this, and the starts that do nothing, to which all are compared.
    pub only: Option<String>,
    pub binaries: Binaries,
}

/// All that was measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measured {
    machine: Machine,
    starts: usize,
    rows: Vec<Row>,
    /// The function that reads a large stack, with a tenfold one.
    tenfold_peak_mb: Option<f64>,
}

/// One variant's figures.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    name: String,
    job: String,
    kind: Kind,
    figures: Figures,
}

/// Measures everything.
pub async fn run(options: Options) -> anyhow::Result<Measured> {
    let endpoint = Endpoint::start().await?;
    let mut variants = variant::all(&options.binaries, &endpoint)?;
    if let Some(only) = &options.only {
        variants.retain(|variant| variant.job == NOTHING || variant.name().contains(only));
    }
    if options.cli_runs == 0 {
        variants.retain(|variant| variant.kind != Kind::Cli);
    }
    let mut samples = Vec::new();
    // The first round fills the disk's cache; its times are thrown away.
    for variant in &variants {
        progress(&format!("once, to warm up: {}", variant.name()));
        samples.push(first_round(variant, &endpoint).await.with_context(|| variant.name())?);
    }
    // In turns, so that whatever else the machine does meets all of them.
    for round in 0..options.starts {
        for (variant, samples) in variants.iter().zip(&mut samples) {
            if samples.are_enough() || variant.kind == Kind::Cli && round >= options.cli_runs {
                continue;
            }
            progress(&format!("start {} of {}: {}", round + 1, options.starts, variant.name()));
            samples.add(&measure::once(variant).await.with_context(|| variant.name())?);
        }
    }
    for (variant, samples) in variants.iter().zip(&mut samples) {
        progress(&format!("warm: {}", variant.name()));
        samples.warm_ms = measure::warm(variant, options.warm).await.with_context(|| variant.name())?;
    }
    let mut tenfold_peak_mb = None;
    if let Some(ours) = variants.iter().find(|variant| variant.job == LARGE && variant.kind == Kind::Ours) {
        progress("once, with a tenfold stack");
        let mut tenfold = ours.clone();
        tenfold.ask(&endpoint.tenfold);
        tenfold_peak_mb = Some(measure::once(&tenfold).await.context("with a tenfold stack")?.peak_mb);
    }
    progress("zipping");
    let rows = variants.iter().zip(&samples).map(|(variant, samples)| {
        Ok(Row {
            name: variant.name(),
            job: variant.job.to_owned(),
            kind: variant.kind,
            figures: samples.figures(variant.zip_mb()?),
        })
    });
    let rows = rows.collect::<anyhow::Result<_>>()?;
    progress("");
    Ok(Measured { machine: Machine::here(), starts: options.starts, rows, tenfold_peak_mb })
}

/// One start, for what does not change from one to the next: its calls, and the endpoint's part of them.
async fn first_round(variant: &Variant, endpoint: &Endpoint) -> anyhow::Result<Samples> {
    // Whatever the last one's connections still had to say has been said by then.
    tokio::time::sleep(measure::SETTLE).await;
    let before = endpoint.traffic.counted();
    endpoint.traffic.record();
    measure::once(variant).await?;
    let calls = endpoint.traffic.recorded();
    let traffic = endpoint.traffic.counted().since(before);
    let endpoint_ms = replay::milliseconds_of(&calls, &endpoint.authority()).await?;
    Ok(Samples::with(traffic, endpoint_ms))
}

impl Measured {
    /// What an earlier run wrote with [`Self::save`].
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} holds other figures", path.display()))
    }

    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        write(path, &serde_json::to_string_pretty(self)?)
    }

    pub fn print(&self) {
        report::print(self);
    }

    /// Writes the document, and beside it its picture.
    pub fn document(&self, path: &Path) -> anyhow::Result<()> {
        let picture = path.with_extension("svg");
        write(&picture, &plot::svg(self)?)?;
        let name = picture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        write(path, &document::markdown(self, &name)?)
    }

    fn row(&self, job: &str, kind: Kind) -> Option<&Figures> {
        self.rows.iter().find(|row| row.job == job && row.kind == kind).map(|row| &row.figures)
    }

    /// The jobs that were measured, in their order.
    fn jobs(&self) -> impl Iterator<Item = (&str, &Figures)> {
        let ours = self.rows.iter().filter(|row| row.kind == Kind::Ours);
        ours.map(|row| (row.job.as_str(), &row.figures))
    }
}

/// One line that the next one replaces; only for a person who watches.
fn progress(what: &str) {
    use std::io::{IsTerminal, Write};

    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        let _ = write!(terminal, "\r\x1b[K{what}");
        let _ = terminal.flush();
    }
}

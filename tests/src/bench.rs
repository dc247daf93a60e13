//! What a cold start costs: the release functions under a Runtime API of our own, against canned AWS
//! answers over TLS on loopback, next to the same jobs done with boto3 and with the AWS CLI.
//!
//! It measures and prints, and fails only when something does not work: a time is never a test.

pub mod canned;
mod endpoint;
mod measure;
mod process;
mod report;
mod variant;

use std::path::PathBuf;

use anyhow::Context;

use endpoint::Endpoint;
use measure::Samples;
use report::Row;
use variant::{Kind, LARGE, Variant};

/// What to measure, and how often.
#[derive(Debug, Clone)]
pub struct Options {
    /// Cold starts of each variant.
    pub starts: usize,
    /// Invocations of one warm process of each variant.
    pub warm: usize,
    /// Runs of each AWS CLI script: one takes seconds.
    pub cli_runs: usize,
    /// Only the rows whose names hold this, and `hello`, to which all are compared.
    pub only: Option<String>,
    /// Where the release binaries are.
    pub binaries: PathBuf,
    /// Gets the figures, as JSON.
    pub json: Option<PathBuf>,
}

/// What else there is to say of the function that reads a large stack.
#[derive(Debug, Default)]
struct LargeStack {
    /// How many calls a run of each variant makes.
    calls: Vec<(String, usize)>,
    tenfold_peak_mb: Option<f64>,
}

/// Measures everything and prints it.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let endpoint = Endpoint::start().await?;
    let mut variants = variant::all(&options.binaries, &endpoint)?;
    if let Some(only) = &options.only {
        variants.retain(|variant| variant.kind == Kind::Hello || variant.name.contains(only));
    }
    let mut samples: Vec<Samples> = variants.iter().map(|_| Samples::default()).collect();

    // The first round fills the disk's cache and is thrown away.
    let mut large = None;
    for variant in &variants {
        progress(&format!("once, to warm up: {}", variant.name));
        let before = endpoint.large.canned.calls();
        measure::once(variant).await.with_context(|| variant.name.clone())?;
        if variant.job == LARGE {
            let calls = endpoint.large.canned.calls() - before;
            large.get_or_insert_with(LargeStack::default).calls.push((variant.name.clone(), calls));
        }
    }
    // In turns, so that whatever else the machine does meets all of them.
    for round in 0..options.starts {
        progress(&format!("start {} of {}", round + 1, options.starts));
        for (variant, samples) in variants.iter().zip(&mut samples) {
            if variant.kind == Kind::Cli && round >= options.cli_runs {
                continue;
            }
            samples.add(&measure::once(variant).await.with_context(|| variant.name.clone())?);
        }
    }
    for (variant, samples) in variants.iter().zip(&mut samples) {
        progress(&format!("warm: {}", variant.name));
        samples.warm_ms = measure::warm(variant, options.warm).await.with_context(|| variant.name.clone())?;
    }
    if let (Some(large), Some(ours)) = (&mut large, variants.iter().find(|variant| is_ours(variant))) {
        progress("once, with a tenfold stack");
        let mut tenfold = ours.clone();
        tenfold.ask(&endpoint.tenfold.url);
        large.tenfold_peak_mb = Some(measure::once(&tenfold).await.context("with a tenfold stack")?.peak_mb);
    }
    progress("zipping");
    let rows = variants
        .iter()
        .zip(&samples)
        .map(|(variant, samples)| Ok(Row { figures: samples.figures(variant.zip_mb()?), variant }))
        .collect::<anyhow::Result<Vec<_>>>()?;
    progress("");

    report::print(&rows, large.as_ref(), &options);
    if let Some(path) = &options.json {
        std::fs::write(path, report::json(&rows, large.as_ref()).to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn is_ours(variant: &Variant) -> bool {
    variant.job == LARGE && variant.kind == Kind::Rust
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

//! How many instructions a start and a first answer take: the same on a busy machine as on a quiet one, so that a
//! regression shows where times cannot show it.
//!
//! Valgrind runs the bootstrap on a processor of its own making, which is the same everywhere. What counts is the
//! binary's own instructions: those of the C library are another number on another system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use sandbox::runtime_api::Bootstrap;
use scenarios::job::LARGE;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::endpoint::Endpoint;
use super::machine::rustc;
use super::variant::{self, Binaries, Kind, Variant};
use super::{measure, process, progress, write};

/// More than a count by itself ever varies by.
const MAX_GROWTH: f64 = 0.05;
/// Of the bootstrap, once it has nothing to do: valgrind is slow, and a run's end is that nothing more happens.
const QUIET: Duration = Duration::from_millis(300);

/// What to count, and what to compare it with.
#[derive(Debug, Clone)]
pub struct Counting {
    pub binaries: Binaries,
    /// Only the functions whose names hold this.
    pub only: Option<String>,
    /// How often; the least counts, since whatever else happens only adds.
    pub times: usize,
    /// Fails where one has more than this file says, and [`MAX_GROWTH`].
    pub check: Option<PathBuf>,
    /// Becomes the reference.
    pub write: Option<PathBuf>,
}

/// Instructions of the binary itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// From the start of the process until it asks for its first event.
    pub(super) init: u64,
    /// From then until it asks for its second one.
    pub(super) first_answer: u64,
}

/// What is kept with the code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Reference {
    /// Another compiler makes other code.
    pub(super) rustc: String,
    pub(super) architecture: String,
    pub(super) functions: BTreeMap<String, Counts>,
}

/// Where it is kept.
pub(super) fn reference_path() -> PathBuf {
    sandbox::workspace().join("tools/bench/instructions.json")
}

/// Counts, prints, and says whether nothing has grown too much.
pub async fn count(options: Counting) -> anyhow::Result<bool> {
    ensure!(
        std::process::Command::new("valgrind").arg("--version").output().is_ok(),
        "valgrind is not installed: it counts the instructions (apt-get install valgrind, dnf install valgrind)"
    );
    let endpoint = Endpoint::start().await?;
    let mut functions = BTreeMap::new();
    println!("Instructions of the binaries themselves, in millions: the least of {}.\n", options.times);
    println!("{:24}{:>10}{:>9}{:>16}{:>9}", "", "init", "spread", "first answer", "spread");
    for variant in variant::ours(&options.binaries, &endpoint)? {
        let name = name(&variant);
        let wanted = options.only.as_ref().is_none_or(|only| name.contains(only));
        if !wanted || !is_counted(&variant) {
            continue;
        }
        let counted = of(&variant, options.times).await.with_context(|| name.clone())?;
        println!(
            "{name:24}{:>10.2}{:>8.2}%{:>16.2}{:>8.2}%",
            millions(counted.init.least),
            counted.init.spread * 100.0,
            millions(counted.first_answer.least),
            counted.first_answer.spread * 100.0
        );
        functions.insert(name, counted.least());
    }
    let counted = Reference { rustc: rustc(), architecture: std::env::consts::ARCH.to_owned(), functions };
    if let Some(path) = &options.write {
        write(path, &format!("{}\n", serde_json::to_string_pretty(&counted)?))?;
    }
    let Some(path) = &options.check else { return Ok(true) };
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let reference = serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))?;
    Ok(check(&counted, &reference))
}

/// Prints what has changed; says whether nothing has grown too much.
fn check(counted: &Reference, reference: &Reference) -> bool {
    if (&counted.rustc, &counted.architecture) != (&reference.rustc, &reference.architecture) {
        println!(
            "\nThe reference is of {} on {}, and this is {} on {}: nothing can be compared.\n{RENEW}",
            reference.rustc, reference.architecture, counted.rustc, counted.architecture
        );
        return false;
    }
    let changes = changes(&counted.functions, &reference.functions);
    println!();
    for change in &changes {
        println!("{}", change.line());
    }
    let passed = changes.iter().all(|change| !change.is_worse());
    if changes.is_empty() {
        println!("All within {:.0} % of the reference.", MAX_GROWTH * 100.0);
    } else {
        println!("{RENEW}");
    }
    passed
}

const RENEW: &str =
    "Where that is meant, or a gain is to be kept: `make instructions RENEW=yes`, and say in the commit why.";

#[derive(Debug, PartialEq)]
enum Change {
    /// The part of a function, with what it was and is.
    Count { what: String, was: u64, is: u64 },
    /// The reference does not know it.
    New(String),
}

impl Change {
    fn is_worse(&self) -> bool {
        match self {
            Self::Count { was, is, .. } => is > was,
            Self::New(_) => true,
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Count { what, was, is } => format!(
                "{} {what}: {:.2} million instructions, and the reference says {:.2} ({:+.1} %)",
                if self.is_worse() { "WORSE" } else { "better" },
                millions(*is),
                millions(*was),
                growth(*was, *is) * 100.0
            ),
            Self::New(name) => format!("NEW {name}: the reference does not have it"),
        }
    }
}

/// What differs by more than [`MAX_GROWTH`], to either side.
fn changes(counted: &BTreeMap<String, Counts>, reference: &BTreeMap<String, Counts>) -> Vec<Change> {
    let of = |(name, is): (&String, &Counts)| -> Vec<Change> {
        let Some(was) = reference.get(name) else {
            return vec![Change::New(name.clone())];
        };
        [("init", was.init, is.init), ("first answer", was.first_answer, is.first_answer)]
            .into_iter()
            .filter(|(_, was, is)| growth(*was, *is).abs() > MAX_GROWTH)
            .map(|(part, was, is)| Change::Count { what: format!("{name}, {part}"), was, is })
            .collect()
    };
    counted.iter().flat_map(of).collect()
}

fn growth(was: u64, is: u64) -> f64 {
    millions(is) / millions(was) - 1.0
}

#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(super) fn millions(instructions: u64) -> f64 {
    instructions as f64 / 1e6
}

fn name(variant: &Variant) -> String {
    match variant.kind {
        Kind::Floor => "floor".to_owned(),
        Kind::Hello => "hello".to_owned(),
        _ => variant.job.to_owned(),
    }
}

/// Not what asks for many things at once: they come in another order each time, and the work is another. Nor the floor,
/// of which so little is our own that a few instructions are many percent.
fn is_counted(variant: &Variant) -> bool {
    let at_once = variant.job == LARGE || variant.job.starts_with("health-probe of");
    variant.kind != Kind::Floor && !at_once
}

#[derive(Debug, Clone, Copy)]
struct Several {
    least: u64,
    /// From the least to the most, as a part of the least.
    spread: f64,
}

#[derive(Debug)]
struct Counted {
    init: Several,
    first_answer: Several,
}

impl Counted {
    fn least(&self) -> Counts {
        Counts { init: self.init.least, first_answer: self.first_answer.least }
    }
}

async fn of(variant: &Variant, times: usize) -> anyhow::Result<Counted> {
    let (mut init, mut first) = (Vec::new(), Vec::new());
    for time in 0..times {
        progress(&format!("counting {}: {} of {times}", variant.name(), time + 1));
        let until_ready = patiently(variant, false).await?;
        let until_answered = patiently(variant, true).await?;
        init.push(until_ready);
        first.push(until_answered.saturating_sub(until_ready));
    }
    progress("");
    Ok(Counted { init: several(&init)?, first_answer: several(&first)? })
}

/// On a machine that is very busy, valgrind is too slow for the functions' own time limits: not every time.
async fn patiently(variant: &Variant, answers: bool) -> anyhow::Result<u64> {
    const TRIES: u32 = 3;
    for _ in 1..TRIES {
        if let Ok(counted) = run(variant, answers).await {
            return Ok(counted);
        }
    }
    run(variant, answers).await
}

fn several(counts: &[u64]) -> anyhow::Result<Several> {
    let least = *counts.iter().min().context("nothing was counted")?;
    let most = counts.iter().max().copied().unwrap_or(least);
    Ok(Several { least, spread: growth(least, most) })
}

/// The instructions of one process that is ended when it asks for its first event, or for its second one.
async fn run(variant: &Variant, answers: bool) -> anyhow::Result<u64> {
    let folder = TempDir::new()?;
    // As callgrind names it.
    let program = std::fs::canonicalize(&variant.program)?.display().to_string();
    let out = folder.path().join("counted");
    let arguments =
        ["--tool=callgrind".to_owned(), format!("--callgrind-out-file={}", out.display()), program.clone()];
    let bootstrap = Bootstrap::start_with(Path::new("valgrind"), &arguments, &variant.environment).await?;
    measure::ready(&bootstrap).await?;
    if answers {
        measure::invoke(variant, &bootstrap).await?;
    }
    settle(&bootstrap).await?;
    // Valgrind writes when what it runs is ended by a signal that can be caught.
    let ended = tokio::process::Command::new("kill").args(["-TERM", &bootstrap.id().to_string()]).status();
    ensure!(ended.await?.success(), "the process could not be ended");
    let counted = written(&out).await?;
    bootstrap.kill().await;
    own_instructions(&counted, &program)
}

/// Waits until the process has had nothing to do for some time.
async fn settle(bootstrap: &Bootstrap) -> anyhow::Result<()> {
    let (begun, mut before) = (Instant::now(), process::cpu(bootstrap.id())?);
    while begun.elapsed() < measure::PATIENCE {
        tokio::time::sleep(QUIET).await;
        let now = process::cpu(bootstrap.id())?;
        // What only asks whether there is something to do takes less than this.
        if now.saturating_sub(before) < Duration::from_millis(2) {
            return Ok(());
        }
        before = now;
    }
    bail!("it goes on computing")
}

async fn written(out: &Path) -> anyhow::Result<String> {
    /// The last line.
    const TOTALS: &str = "\ntotals: ";
    let begun = Instant::now();
    while begun.elapsed() < measure::PATIENCE {
        let text = std::fs::read_to_string(out).unwrap_or_default();
        if text.contains(TOTALS) {
            return Ok(text);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("valgrind has written nothing to {}", out.display())
}

/// Sums what a file of callgrind's says of one object.
///
/// An object is named `ob=(1) /its/path` the first time and `ob=(1)` from then on. A line of numbers is a position and
/// a cost; the one after `calls=` is what the callee took, which is counted there.
fn own_instructions(text: &str, object: &str) -> anyhow::Result<u64> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut is_own, mut is_callees, mut sum) = (false, false, 0);
    for line in text.lines() {
        if let Some(named) = line.strip_prefix("ob=").or_else(|| line.strip_prefix("cob=")) {
            let (number, path) = named.split_once(' ').unwrap_or((named, ""));
            if !path.is_empty() {
                names.insert(number, path);
            }
            if line.starts_with("ob=") {
                is_own = names.get(number) == Some(&object);
            }
        } else if line.starts_with("calls=") {
            is_callees = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '*')) {
            if is_own && !is_callees {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
                sum += cost.with_context(|| format!("callgrind wrote `{line}`"))?;
            }
            is_callees = false;
        }
    }
    ensure!(sum > 0, "callgrind has counted nothing in {object}");
    Ok(sum)
}

#[cfg(test)]
mod tests;

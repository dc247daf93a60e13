//! The figures for a person: a table, the ratios, and the targets with what became of them.

use std::fmt::Display;
use std::process::Command;

use serde_json::{Value, json};

use super::canned::{ALARMS, LOG_EVENTS, STOPPED_TASKS};
use super::endpoint::{LATENCY, TENFOLD};
use super::measure::Figures;
use super::variant::{Kind, LARGE, Variant};
use super::{LargeStack, Options};

const MAX_CPU_MS: f64 = 5.0;
const MAX_PEAK_MB: f64 = 10.0;
/// Of the function that reads a large stack: a quarter of the memory that it is given.
const MAX_LARGE_PEAK_MB: f64 = 64.0;
const MAX_ZIP_MB: f64 = 3.0;
/// Our processor time is at most this part of boto3's.
const CPU_PART: f64 = 40.0;
/// Our peak memory is at most this part of boto3's.
const PEAK_PART: f64 = 4.0;
/// A start takes at most so many times as long as the least function's, and a millisecond more.
const READY_TIMES: f64 = 2.0;
const READY_MORE_MS: f64 = 1.0;

const NAME: usize = 34;

#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) variant: &'a Variant,
    pub(super) figures: Figures,
}

pub(super) fn print(rows: &[Row], large: Option<&LargeStack>, options: &Options) {
    println!("{}", machine());
    println!(
        "Medians of {} starts and up to {} warm answers ({} runs of CLI commands).\n",
        options.starts,
        options.warm,
        options.cli_runs.min(options.starts)
    );
    let heads = ["start>ready", "first answer", "CPU of both", "warm answer", "peak memory", "zip"];
    println!("{:NAME$}{}", "", heads.map(|head| format!("{head:>14}")).concat());
    for Row { variant, figures } in rows {
        let cells = [
            cell(figures.ready_ms, "ms"),
            cell(figures.first_ms, "ms"),
            cell(figures.cpu_ms, "ms"),
            cell(figures.warm_ms, "ms"),
            cell(figures.peak_mb, "MB"),
            cell(figures.zip_mb, "MB"),
        ];
        println!("{:NAME$}{}", variant.name, cells.map(|cell| format!("{cell:>14}")).concat());
    }
    println!(
        "\nAWS is canned answers over TLS on 127.0.0.1, so all times are without the network; pages are plain HTTP.\n\
         The function reads concurrently; boto3 (without threads) and the commands go one call after the other.\n\
         CPU includes the start of the process. CLI commands: the whole script, and its largest process's memory."
    );
    if large.is_some() {
        println!(
            "{LARGE} reads a stack with {LOG_EVENTS} errors in the log, {STOPPED_TASKS} stopped tasks and {ALARMS} alarms. Its \
             answers come {} ms\nafter their requests, for all variants; the other rows' come at once.",
            LATENCY.as_millis()
        );
    }
    let Some(hello) = rows.iter().find(|row| row.variant.kind == Kind::Hello) else {
        return;
    };
    for ours in rows.iter().filter(|row| row.variant.kind == Kind::Rust) {
        let same_job = |kind| {
            let row = rows.iter().find(|row| row.variant.job == ours.variant.job && row.variant.kind == kind);
            row.map(|row| &row.figures)
        };
        println!("\n{}", ours.variant.name);
        for kind in [Kind::Boto3, Kind::Boto3Threads, Kind::Cli] {
            if let Some(others) = same_job(kind) {
                compare(&ours.figures, others, kind);
            }
        }
        let is_large = ours.variant.job == LARGE;
        let max_peak_mb = if is_large { MAX_LARGE_PEAK_MB } else { MAX_PEAK_MB };
        targets(&ours.figures, &hello.figures, same_job(Kind::Boto3), max_peak_mb);
        if let Some(large) = large.filter(|_| is_large) {
            for line in about(large, &ours.figures) {
                println!("  {line}");
            }
        }
    }
}

fn compare(ours: &Figures, others: &Figures, kind: Kind) {
    let name = match kind {
        Kind::Cli => "CLI commands",
        Kind::Boto3Threads => "boto3 threads",
        _ => "boto3",
    };
    let cold = |figures: &Figures| Some(figures.first_ms? + figures.ready_ms.unwrap_or_default());
    let ratios = [
        ("start to first answer", ratio(cold(others), cold(ours))),
        ("CPU", ratio(others.cpu_ms, ours.cpu_ms)),
        ("warm", ratio(others.warm_ms, ours.warm_ms)),
        ("memory", ratio(others.peak_mb, ours.peak_mb)),
    ];
    let known = ratios.iter().filter_map(|(what, ratio)| Some(format!("{what} {:.1}", (*ratio)?)));
    println!("  {name}, in multiples of ours: {}", known.collect::<Vec<_>>().join(", "));
}

/// How the time and the memory come about. Neither is a target.
fn about(large: &LargeStack, ours: &Figures) -> Vec<String> {
    let calls = large.calls.iter().map(|(name, calls)| {
        let sum = LATENCY.as_millis() * u128::try_from(*calls).unwrap_or_default();
        format!("{name}: {calls} calls, whose answers come after {sum} ms in all")
    });
    let growth = large.tenfold_peak_mb.map(|peak| {
        let growth = ratio(Some(peak), ours.peak_mb).unwrap_or_default();
        format!(
            "{TENFOLD} times as many log events, tasks and alarms: peak memory {}, {growth:.2} times as much",
            cell(Some(peak), "MB")
        )
    });
    calls.chain(growth).collect()
}

fn targets(ours: &Figures, hello: &Figures, boto3: Option<&Figures>, max_peak_mb: f64) {
    let ready_limit = hello.ready_ms.map(|ms| ms.mul_add(READY_TIMES, READY_MORE_MS));
    target("CPU of start and first answer", ours.cpu_ms, Some(MAX_CPU_MS), "ms");
    target(
        format!("the same, 1/{CPU_PART} of boto3's"),
        ours.cpu_ms,
        boto3.and_then(|boto3| Some(boto3.cpu_ms? / CPU_PART)),
        "ms",
    );
    target(
        format!("start to ready, {READY_TIMES} x hello + {READY_MORE_MS} ms"),
        ours.ready_ms,
        ready_limit,
        "ms",
    );
    target("peak memory", ours.peak_mb, Some(max_peak_mb), "MB");
    target(
        format!("the same, 1/{PEAK_PART} of boto3's"),
        ours.peak_mb,
        boto3.and_then(|boto3| Some(boto3.peak_mb? / PEAK_PART)),
        "MB",
    );
    target("zip", ours.zip_mb, Some(MAX_ZIP_MB), "MB");
}

fn target(what: impl Display, value: Option<f64>, limit: Option<f64>, unit: &str) {
    if let (Some(value), Some(limit)) = (value, limit) {
        let word = if value <= limit { "met" } else { "NOT MET" };
        println!(
            "  {:36}{:>10} of at most {:>10}  {word}",
            what.to_string(),
            cell(Some(value), unit),
            cell(Some(limit), unit)
        );
    }
}

fn cell(value: Option<f64>, unit: &str) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0} {unit}"),
        Some(value) => format!("{value:.2} {unit}"),
    }
}

fn ratio(of: Option<f64>, to: Option<f64>) -> Option<f64> {
    Some(of? / to?)
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    format!("{cores} cores, {model}; {}; {}.", version("rustc"), python())
}

fn python() -> String {
    let python = crate::ministack::virtual_environment().join("bin/python");
    version(&python.display().to_string())
}

fn version(program: &str) -> String {
    let output = Command::new(program).arg("--version").output();
    output.map_or_else(
        |_| format!("{program} unknown"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

pub(super) fn json(rows: &[Row], large: Option<&LargeStack>) -> Value {
    let row = |row: &Row| json!({ "name": row.variant.name, "figures": row.figures });
    json!({
        "machine": machine(),
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "tenfold_peak_mb": large.and_then(|large| large.tenfold_peak_mb),
    })
}

//! The figures for a person at the terminal: a table, the ratios, and the targets with what became of them.

use canned::{ALARMS, LOG_EVENTS, STOPPED_TASKS};
use scenarios::job::LARGE;

use super::endpoint::{LATENCY, TENFOLD};
use super::measure::Figures;
use super::variant::Kind;
use super::{Measured, Row, target};

const NAME: usize = 36;

/// What our figures are compared with.
pub(super) const OTHERS: [Kind; 4] = [Kind::Boto3, Kind::Boto3Threads, Kind::Cli, Kind::Defaults];

/// What the numbers mean; the document says it too.
pub(super) fn remarks() -> [String; 3] {
    [
        "AWS is canned answers over TLS on 127.0.0.1, so all times are without the network; pages are plain HTTP."
            .to_owned(),
        "The functions read concurrently; boto3 (without threads) and the commands go one call after the other. CPU \
         includes the start of the process. CLI commands: the whole script, and its largest process's memory."
            .to_owned(),
        format!(
            "`{LARGE}` reads a stack with {LOG_EVENTS} errors in the log, {STOPPED_TASKS} stopped tasks and {ALARMS} \
             alarms. Its answers, and the pages of the probes of 10 and of 200, come {} ms after their requests, for \
             all variants; the other rows' come at once.",
            LATENCY.as_millis()
        ),
    ]
}

pub(super) fn print(measured: &Measured) {
    println!("{}", measured.machine.sentence());
    println!("Medians of {} starts; of fewer, where a start takes seconds.\n", measured.starts);
    let heads = [
        "start>ready",
        "first answer",
        "CPU of both",
        "warm p50",
        "warm p99",
        "peak memory",
        "zip",
        "calls",
        "endpoint",
    ];
    println!("{:NAME$}{}", "", heads.map(|head| format!("{head:>13}")).concat());
    for Row { name, figures, .. } in &measured.rows {
        let cells = [
            cell(figures.ready_ms, "ms"),
            cell(figures.first_ms, "ms"),
            cell(figures.cpu_ms, "ms"),
            cell(figures.warm_ms, "ms"),
            cell(figures.warm_p99_ms, "ms"),
            cell(figures.peak_mb, "MB"),
            cell(figures.zip_mb, "MB"),
            figures.traffic.calls.to_string(),
            cell(figures.endpoint_ms, "ms"),
        ];
        println!("{name:NAME$}{}", cells.map(|cell| format!("{cell:>13}")).concat());
    }
    println!();
    for remark in remarks() {
        println!("{}", remark.replace('`', ""));
    }
    for (job, ours) in measured.jobs() {
        println!("\n{job}");
        for (kind, others) in OTHERS.into_iter().filter_map(|kind| Some((kind, measured.row(job, kind)?))) {
            let known = ratios(ours, others).into_iter();
            let known = known.filter_map(|(what, ratio)| Some(format!("{what} {:.1}", ratio?)));
            println!("  {}, in multiples of ours: {}", kind.name(), known.collect::<Vec<_>>().join(", "));
        }
        for target in target::of(measured, job, ours) {
            println!(
                "  {:44}{:>10} of at most {:>10}  {}",
                target.what,
                cell(Some(target.value), target.unit),
                cell(Some(target.limit), target.unit),
                if target.is_met() { "met" } else { "NOT MET" }
            );
        }
        if job == LARGE {
            for line in about(measured, ours) {
                println!("  {}", line.replace('`', ""));
            }
        }
    }
}

/// By how much others are above ours.
pub(super) fn ratios(ours: &Figures, others: &Figures) -> [(&'static str, Option<f64>); 4] {
    let ratio = |others: Option<f64>, ours: Option<f64>| Some(others? / ours?);
    [
        ("start to first answer", ratio(others.cold_ms(), ours.cold_ms())),
        ("CPU", ratio(others.cpu_ms, ours.cpu_ms)),
        ("warm", ratio(others.warm_ms, ours.warm_ms)),
        ("memory", ratio(others.peak_mb, ours.peak_mb)),
    ]
}

/// How the time and the memory of the function that reads a large stack come about. Neither is a target.
pub(super) fn about(measured: &Measured, ours: &Figures) -> Vec<String> {
    let calls = ours.traffic.calls;
    let sum = LATENCY.as_millis() * u128::from(calls);
    let first = cell(ours.first_ms, "ms");
    let time = format!(
        "`{LARGE}` makes {calls} calls, whose answers come after {sum} ms in all: one after the other that is what they \
         would take, and its first answer takes {first}."
    );
    let growth = measured.tenfold_peak_mb.zip(ours.peak_mb).map(|(tenfold, usual)| {
        format!(
            "{TENFOLD} times as many log events, tasks and alarms: peak memory {}, {:.2} times as much.",
            cell(Some(tenfold), "MB"),
            tenfold / usual
        )
    });
    std::iter::once(time).chain(growth).collect()
}

/// For the picture: two figures, and a unit.
pub(super) fn short(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms >= 9_950.0 => format!("{:.0} s", ms / 1e3),
        ms if ms >= 995.0 => format!("{:.1} s", ms / 1e3),
        ms if ms >= 9.95 => format!("{ms:.0} ms"),
        ms => format!("{ms:.1} ms"),
    }
}

pub(super) fn cell(value: Option<f64>, unit: &str) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0} {unit}"),
        Some(value) => format!("{value:.2} {unit}"),
    }
}

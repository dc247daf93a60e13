//! The figures as a document: `docs/benchmarks.md`.

use std::fmt::Write as _;

use anyhow::Context;
use scenarios::job::LARGE;

use super::Measured;
use super::instructions::{self, Reference, millions};
use super::report::{OTHERS, about, cell, ratios, remarks};
use super::target::{self, Target};
use super::variant::Kind;

pub(super) fn markdown(measured: &Measured, picture: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let sections = [
        head(measured, picture),
        starts(measured),
        multiples(measured),
        calls(measured),
        targets(measured),
        large(measured),
        counts()?,
        TRIED.to_owned(),
        reading(measured),
    ];
    for section in sections.iter().filter(|section| !section.is_empty()) {
        writeln!(text, "{section}")?;
    }
    Ok(text)
}

fn head(measured: &Measured, picture: &str) -> String {
    format!(
        "# Benchmarks\n\n\
         Written by `make bench`, which measures all of this in one run: the release functions; the jobs of \
         `scale-up`, `diagnose` and `health-probe` with boto3 under `awslambdaric` and as commands of the AWS CLI; and \
         one job as a Lambda function in Rust with every default.\n\n{}\n\n\
         ![Start to first answer, and processor time, by job]({picture})\n",
        measured.machine.sentence()
    )
}

fn starts(measured: &Measured) -> String {
    let rows = measured.rows.iter().map(|row| {
        let figures = &row.figures;
        vec![
            if row.kind == Kind::Ours { format!("**{}**", row.name) } else { row.name.clone() },
            cell(figures.ready_ms, "ms"),
            cell(figures.first_ms, "ms"),
            cell(figures.cpu_ms, "ms"),
            cell(figures.warm_ms, "ms"),
            cell(figures.warm_p99_ms, "ms"),
            cell(figures.peak_mb, "MB"),
            cell(figures.zip_mb, "MB"),
            format!("{}, {}", figures.starts, figures.warm_answers),
        ]
    });
    let heads = [
        "",
        "start to ready",
        "first answer",
        "CPU of both",
        "warm p50",
        "warm p99",
        "peak memory",
        "zip",
        "starts, warm",
    ];
    format!("## Starts and answers\n\n{}", table(&heads, rows))
}

fn multiples(measured: &Measured) -> String {
    let of_job = |(job, ours)| {
        let others = OTHERS.into_iter().filter_map(move |kind| Some((kind, measured.row(job, kind)?)));
        others.map(move |(kind, others)| {
            let ratios = ratios(ours, others)
                .map(|(_, ratio)| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.1}")));
            [vec![job.to_owned(), kind.name().to_owned()], ratios.into()].concat()
        })
    };
    let rows = measured.jobs().flat_map(of_job);
    let heads = ["job", "compared with", "start to first answer", "CPU", "warm", "memory"];
    format!("## In multiples of ours\n\n{}", table(&heads, rows))
}

fn calls(measured: &Measured) -> String {
    let rows = measured.rows.iter().filter(|row| row.figures.traffic.calls > 0).map(|row| {
        let traffic = row.figures.traffic;
        vec![
            row.name.clone(),
            traffic.calls.to_string(),
            traffic.connections.to_string(),
            traffic.sent_bytes.to_string(),
            traffic.received_bytes.to_string(),
            cell(row.figures.endpoint_ms, "ms"),
        ]
    });
    let heads = ["", "calls", "connections", "bytes sent", "bytes received", "the endpoint's own time"];
    format!(
        "## The calls of a first answer\n\n\
         Bytes are those on the wire, TLS's own among them. The endpoint's own time is that of the same calls made \
         again by a client with nothing around it, one after the other over one connection that is open: no variant's \
         calls can be answered sooner but by making them at once.\n\n{}",
        table(&heads, rows)
    )
}

fn targets(measured: &Measured) -> String {
    let jobs: Vec<_> = measured.jobs().map(|(job, ours)| (job, target::of(measured, job, ours))).collect();
    // Without boto3's figures, those that are about them are missing.
    let Some((_, all)) = jobs.iter().max_by_key(|(_, targets)| targets.len()) else { return String::new() };
    let heads: Vec<&str> = std::iter::once("").chain(all.iter().map(|target| target.what.as_str())).collect();
    let result = |target: &Target| {
        let (value, limit) = (cell(Some(target.value), target.unit), cell(Some(target.limit), target.unit));
        if target.is_met() { format!("{value} of {limit}") } else { format!("**{value}** of {limit}") }
    };
    let rows = jobs.iter().map(|(job, targets)| {
        let of =
            |what: &&str| targets.iter().find(|target| target.what == *what).map_or("-".to_owned(), result);
        std::iter::once((*job).to_owned()).chain(heads.iter().skip(1).map(of)).collect()
    });
    let count =
        |met: bool| jobs.iter().flat_map(|(_, all)| all).filter(|target| target.is_met() == met).count();
    format!(
        "## Targets\n\n{} are met. {} are missed: what was measured is then bold, beside what it is to be at most.\n\n{}",
        count(true),
        count(false),
        table(&heads, rows)
    )
}

fn large(measured: &Measured) -> String {
    let lines = measured.row(LARGE, Kind::Ours).map(|ours| about(measured, ours)).unwrap_or_default();
    if lines.is_empty() { String::new() } else { format!("## A large stack\n\n{}\n", lines.join("\n")) }
}

fn counts() -> anyhow::Result<String> {
    let path = instructions::reference_path();
    let Ok(text) = std::fs::read(&path) else { return Ok(String::new()) };
    let reference: Reference = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    let million = |count| format!("{:.2}", millions(count));
    let rows = reference
        .functions
        .iter()
        .map(|(name, counts)| vec![name.clone(), million(counts.init), million(counts.first_answer)]);
    Ok(format!(
        "## Instructions\n\n\
         In millions, of the binaries themselves, without the C library's: `make instructions` counts them under \
         valgrind, where a busy machine changes nothing, and fails when one has grown by more than 5 % over this \
         ({}, {}).\n\n{}",
        reference.rustc,
        reference.architecture,
        table(&["", "start to ready", "first answer"], rows)
    ))
}

/// What was tried to have the functions start sooner, with what came of it.
const TRIED: &str = "\
## What was tried

`scale-up` was built in ten ways in November 2026. The best is kept: opt-level s, the SDK's clients z, fat LTO, one codegen
unit and abort.

- opt-level 3 saved 0.2 ms of 7.4 ms of processor time, and the zip was 0.9 MB larger.
- opt-level z made the zip 0.2 MB smaller, and took a quarter more instructions. With it, thin LTO took 1.2 ms more and 16
  codegen units won nothing; panics that unwind made the zip 0.4 MB larger.
- mimalloc in place of the C library's allocator saved no time, and took twice the memory.

Beside the build:

- TLS by ring, the roots in the binary, credentials from the environment alone, one thread and only the SDK's features
  that are used: `Rust, defaults` is without all of these.
- Clients are made when they are first needed, and the first TLS connection is opened with the first call. `incident`
  sets TLS up then too, which takes a million instructions from its init and gives them to its first answer: nothing
  is won in all, and on Lambda the init has more of a processor than an answer has, so the others do it in their init.
- First reads are made at once: `diagnose`, `rollback` and the probes of many addresses have more connections than
  services that they ask, and wait for the slowest chain of calls and not for all of them.
- Connections are kept: a warm answer, without handshakes and without new clients, is what `warm` says.
- HTTP/2 is not among the client's features: DynamoDB does not speak it, and most other calls of a function go to
  hosts of their own.
- The order in which the parts are linked was not tried: it matters where a binary's pages are loaded one by one, as
  Lambda does it, and here all of them are in memory.
";

fn reading(measured: &Measured) -> String {
    let remarks = remarks().map(|remark| format!("- {remark}\n")).concat();
    format!(
        "## How to read it\n\n\
         - Medians of {} starts, in turns; of what takes seconds, fewer: the last column says how many, and how many \
         answers one warm process gave. The 99th percentile of 50 answers is the slowest.\n\
         - Each binary is a copy made at the beginning: how the kernel keeps a file in memory goes with how it came \
         there, and what a linker left has been seen to take a fifth more processor time to start.\n\
         {remarks}\
         - All trust one authority, the endpoint's. The functions have Amazon's few roots beside it; boto3 and the SDK's \
         defaults would read some 140 more.\n\
         - Here a whole processor is free for each start. On Lambda a function of 256 MB gets a seventh of one, so what \
         is processor time here is about seven times as long there.\n\
         - `Runtime API client alone` asks for an event and answers it with the standard library and nothing else: no \
         function starts sooner. `lambda_runtime alone` is the least function that is written as ours are.\n\
         - `Rust, defaults` makes `scale-up`'s calls, its reads at once, with every crate's default features and the \
         default release profile.\n",
        measured.starts
    )
}

fn table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(heads.iter().map(|head| (*head).to_owned()).collect());
    text.push_str(&line(vec!["---".to_owned(); heads.len()]));
    text.extend(rows.into_iter().map(line));
    text
}

#[cfg(test)]
mod tests;

//! What the figures were measured on.

use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use sandbox::ministack::virtual_environment;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) memory_gb: Option<u64>,
    pub(super) kernel: String,
    /// As in `rustc 1.95.0 (…)`, and so on.
    pub(super) versions: Vec<String>,
    pub(super) date: String,
    /// How many processes were running or waiting, on average of the last minute, when all was done.
    pub(super) load: Option<String>,
}

impl Machine {
    pub(super) fn here() -> Self {
        let python = virtual_environment().join("bin/python");
        let aws = virtual_environment().join("bin/aws");
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let installed = ["boto3", "awslambdaric"]
            .map(|package| format!("{package} {}", package_version(&python, package)));
        let mut versions = vec![rustc(), version(&python.display().to_string())];
        versions.extend(installed);
        // It also names what it runs on.
        let cli = version(&aws.display().to_string());
        versions.push(cli.split_whitespace().next().unwrap_or_default().replace('/', " "));
        Self {
            processor: value(&read("/proc/cpuinfo"), "model name")
                .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gb: value(&read("/proc/meminfo"), "MemTotal").and_then(|text| gigabytes(&text)),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            versions,
            date: Timestamp::now().strftime("%Y-%m-%d").to_string(),
            load: read("/proc/loadavg").split(' ').next().map(str::to_owned),
        }
    }

    pub(super) fn sentence(&self) -> String {
        let Self { processor, cores, memory_gb, kernel, versions, date, load } = self;
        let memory = memory_gb.map(|gb| format!(", {gb} GB")).unwrap_or_default();
        let load = load.as_ref().map(|load| format!("; load {load}")).unwrap_or_default();
        format!(
            "{cores} cores of {processor}{memory}, Linux {kernel}{load}; {}; {date}.",
            versions.join(", ")
        )
    }
}

pub(super) fn rustc() -> String {
    version("rustc")
}

/// Of a line such as `name : value`.
fn value(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
    line.map(|(_, value)| value.trim().to_owned())
}

/// Of `24000000 kB`; what the kernel keeps for itself is missing there.
fn gigabytes(text: &str) -> Option<u64> {
    const KIB_A_GIB: u64 = 1024 * 1024;
    let kib: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(kib.div_ceil(KIB_A_GIB))
}

fn package_version(python: &Path, package: &str) -> String {
    let program = format!("import importlib.metadata; print(importlib.metadata.version('{package}'))");
    output(Command::new(python).args(["-c", &program]))
}

fn version(program: &str) -> String {
    output(Command::new(program).arg("--version"))
}

fn output(command: &mut Command) -> String {
    command.output().map_or_else(
        |_| format!("{} unknown", command.get_program().display()),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

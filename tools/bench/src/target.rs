//! The targets, and what became of them.

use super::Measured;
use scenarios::job::LARGE;

use super::measure::Figures;
use super::variant::{Kind, NOTHING};

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

#[derive(Debug)]
pub(super) struct Target {
    pub(super) what: String,
    pub(super) value: f64,
    pub(super) limit: f64,
    pub(super) unit: &'static str,
}

impl Target {
    pub(super) fn is_met(&self) -> bool {
        self.value <= self.limit
    }
}

/// Those of one job, where there is what they are about.
pub(super) fn of(measured: &Measured, job: &str, ours: &Figures) -> Vec<Target> {
    let boto3 = measured.row(job, Kind::Boto3);
    let hello = measured.row(NOTHING, Kind::Hello);
    let max_peak_mb = if job == LARGE { MAX_LARGE_PEAK_MB } else { MAX_PEAK_MB };
    let ready_limit = hello.and_then(|hello| hello.ready_ms).map(|ms| ms.mul_add(READY_TIMES, READY_MORE_MS));
    let target = |what: &str, value: Option<f64>, limit: Option<f64>, unit| {
        Some(Target { what: what.to_owned(), value: value?, limit: limit?, unit })
    };
    let part = |value: Option<f64>, part: f64| value.map(|value| value / part);
    [
        target("CPU of start and first answer", ours.cpu_ms, Some(MAX_CPU_MS), "ms"),
        target(
            &format!("the same, 1/{CPU_PART} of boto3's"),
            ours.cpu_ms,
            part(boto3.and_then(|boto3| boto3.cpu_ms), CPU_PART),
            "ms",
        ),
        target(
            &format!("start to ready, {READY_TIMES} x lambda_runtime's + {READY_MORE_MS} ms"),
            ours.ready_ms,
            ready_limit,
            "ms",
        ),
        target("peak memory", ours.peak_mb, Some(max_peak_mb), "MB"),
        target(
            &format!("the same, 1/{PEAK_PART} of boto3's"),
            ours.peak_mb,
            part(boto3.and_then(|boto3| boto3.peak_mb), PEAK_PART),
            "MB",
        ),
        target("zip", ours.zip_mb, Some(MAX_ZIP_MB), "MB"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

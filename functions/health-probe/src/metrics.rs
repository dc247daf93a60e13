//! The probe's metrics: built purely, put in one call.
//!
//! Namespace LendPeak2. By `Environment` and `Check`: `Success` (1 or 0), each step that was measured, and
//! `CertificateDaysLeft`. By `Environment` alone: `Healthy`, for the alarm.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use shared::aws::failed;
use shared::error::Error;
use shared::telemetry::NAMESPACE;

use crate::check::Name;
use crate::report::{CheckReport, Report};

/// The metric of a run of all checks: 1 if all passed.
pub const HEALTHY: &str = "Healthy";

/// The data points of a report. Addresses that a person asked for have none: their names would be new
/// metrics each time.
pub fn data(report: &Report) -> Vec<MetricDatum> {
    let point = Point { environment: &report.environment, at: report.at };
    let is = |check: &CheckReport, name: &Name| check.name == name.as_str();
    let mut data: Vec<MetricDatum> = report
        .checks
        .iter()
        .filter(|check| Name::ALL.iter().any(|name| is(check, name)))
        .flat_map(|c| point.check(c))
        .collect();
    // Only a run of all checks can say that all is well.
    if Name::ALL.iter().all(|name| report.checks.iter().any(|check| is(check, name))) {
        data.push(point.datum(HEALTHY, yes(report.healthy), StandardUnit::None, None));
    }
    data
}

/// Puts all data in one call: a run has about 50 points, `PutMetricData` takes 1,000.
///
/// # Errors
/// When AWS refused or could not be reached.
pub async fn put(client: &Client, data: Vec<MetricDatum>) -> Result<(), Error> {
    client
        .put_metric_data()
        .namespace(NAMESPACE)
        .set_metric_data(Some(data))
        .send()
        .await
        .map_err(|error| failed("put metric data", format!("in namespace {NAMESPACE}"), &error))?;
    Ok(())
}

struct Point<'a> {
    environment: &'a str,
    at: Timestamp,
}

impl Point<'_> {
    fn check(&self, check: &CheckReport) -> Vec<MetricDatum> {
        let name = Some(check.name.as_str());
        let phases = check.phases;
        // The time until a connection was refused is not a response time: it would make an outage look fast.
        let total = check.bytes.and(phases.total_ms);
        let steps = [
            ("DnsTime", phases.dns_ms),
            ("ConnectTime", phases.connect_ms),
            ("TlsTime", phases.tls_ms),
            ("SendTime", phases.send_ms),
            ("FirstByteTime", phases.first_byte_ms),
            ("TotalTime", total),
        ];
        let mut data = vec![self.datum("Success", yes(check.healthy), StandardUnit::None, name)];
        data.extend(steps.into_iter().filter_map(|(metric, step): (&str, Option<f64>)| {
            Some(self.datum(metric, step?, StandardUnit::Milliseconds, name))
        }));
        data.extend(check.certificate.map(|certificate| {
            #[expect(clippy::cast_precision_loss, reason = "a count of days is small")]
            let days = certificate.days_left as f64;
            self.datum("CertificateDaysLeft", days, StandardUnit::Count, name)
        }));
        data
    }

    fn datum(&self, metric: &str, value: f64, unit: StandardUnit, check: Option<&str>) -> MetricDatum {
        let dimension = |name, value| Dimension::builder().name(name).value(value).build();
        MetricDatum::builder()
            .metric_name(metric)
            .timestamp(DateTime::from_millis(self.at.as_millisecond()))
            .value(value)
            .unit(unit)
            .set_dimensions(Some(
                std::iter::once(dimension("Environment", self.environment))
                    .chain(check.map(|check| dimension("Check", check)))
                    .collect(),
            ))
            .build()
    }
}

fn yes(value: bool) -> f64 {
    if value { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests;

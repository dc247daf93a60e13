use std::{io, time::Duration};

use aws_sdk_cloudwatch::operation::put_metric_data::{PutMetricDataError, PutMetricDataOutput};
use aws_smithy_mocks::{mock, mock_client};
use aws_smithy_types::error::ErrorMetadata;

use super::*;
use crate::check::Id;
use crate::diagnosis::diagnose;
use crate::failure::Failure;
use crate::report::VERSION;
use crate::report::tests::{answered, judged, tried};
use crate::retry::Tried;

fn report(checks: Vec<CheckReport>) -> Report {
    let diagnosis = diagnose(&checks);
    Report {
        version: VERSION,
        function: "health-probe".into(),
        execution_id: "1".to_owned(),
        environment: "production".to_owned(),
        at: "2026-01-31T12:00:00Z".parse().unwrap(),
        duration_ms: 61,
        healthy: diagnosis.healthy,
        summary: diagnosis.summary,
        next: diagnosis.next,
        checks,
        metrics: 0,
    }
}

fn fine() -> Tried {
    tried(answered(200, &[]), Some("2026-05-01T00:00:00Z"))
}

/// A datum as `metric{dimensions} value unit`.
fn shown(datum: &MetricDatum) -> String {
    let dimensions: Vec<String> = datum
        .dimensions()
        .iter()
        .map(|dimension| format!("{}={}", dimension.name().unwrap(), dimension.value().unwrap()))
        .collect();
    let (name, value, unit) = (datum.metric_name().unwrap(), datum.value().unwrap(), datum.unit().unwrap());
    format!("{name}{{{}}} {value} {unit}", dimensions.join(","))
}

fn all_shown(checks: Vec<CheckReport>) -> Vec<String> {
    data(&report(checks)).iter().map(shown).collect()
}

#[test]
fn a_check_has_success_steps_and_certificate() {
    assert_eq!(
        all_shown(vec![judged(Name::Health, fine())]),
        [
            "Success{Environment=production,Check=health} 1 None",
            "DnsTime{Environment=production,Check=health} 1 Milliseconds",
            "ConnectTime{Environment=production,Check=health} 2 Milliseconds",
            "TlsTime{Environment=production,Check=health} 3 Milliseconds",
            "SendTime{Environment=production,Check=health} 4 Milliseconds",
            "FirstByteTime{Environment=production,Check=health} 50 Milliseconds",
            "TotalTime{Environment=production,Check=health} 61 Milliseconds",
            "CertificateDaysLeft{Environment=production,Check=health} 89 Count",
        ]
    );
}

#[test]
fn a_step_that_was_not_reached_has_no_time() {
    let mut refused = tried(Err(Failure::connect(&io::ErrorKind::ConnectionRefused.into())), None);
    refused.last.phases = crate::phases::Phases {
        dns: Some(Duration::from_millis(1)),
        total: Duration::from_millis(2),
        ..Default::default()
    };
    assert_eq!(
        all_shown(vec![judged(Name::Health, refused)]),
        [
            "Success{Environment=production,Check=health} 0 None",
            "DnsTime{Environment=production,Check=health} 1 Milliseconds",
        ]
    );
}

#[test]
fn an_expired_certificate_counts_below_zero() {
    let shown =
        all_shown(vec![judged(Name::Health, tried(answered(200, &[]), Some("2026-01-21T12:00:00Z")))]);
    assert!(shown.iter().any(|datum| datum.starts_with("CertificateDaysLeft") && datum.contains(" -10 ")));
}

#[test]
fn only_a_run_of_all_checks_says_whether_all_is_well() {
    let healthy = "Healthy{Environment=production} 0 None".to_owned();
    // The bare answers have no CORS headers: not all is well.
    let all = all_shown(Name::ALL.map(|name| judged(name, fine())).into());
    assert_eq!(all.last(), Some(&healthy));
    assert_eq!(all.len(), 6 * 8 + 1);
    let some = all_shown(vec![judged(Name::Health, fine()), judged(Name::Cors, fine())]);
    assert!(!some.contains(&healthy));
}

#[test]
fn an_address_that_a_person_asked_for_has_no_metrics() {
    let mut check = judged(Name::Health, fine());
    check.name = Id::Url(1).to_string();
    assert_eq!(all_shown(vec![check]), [""; 0]);
}

#[tokio::test]
async fn everything_goes_in_one_call() {
    let data = data(&report(Name::ALL.map(|name| judged(name, fine())).into()));
    let count = data.len();
    let rule = mock!(Client::put_metric_data)
        .match_requests(move |request| {
            request.namespace() == Some("LendPeak2") && request.metric_data().len() == count
        })
        .then_output(|| PutMetricDataOutput::builder().build());
    let client = mock_client!(aws_sdk_cloudwatch, [&rule]);
    put(&client, data).await.unwrap();
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn metrics_that_cannot_be_put_are_an_error() {
    let rule = mock!(Client::put_metric_data).then_error(|| {
        PutMetricDataError::generic(ErrorMetadata::builder().code("AccessDenied").message("no").build())
    });
    let client = mock_client!(aws_sdk_cloudwatch, [&rule]);
    let error = put(&client, vec![]).await.unwrap_err();
    assert_eq!(error.kind(), "Aws");
    assert_eq!(
        shared::error::chain(&error),
        "cannot put metric data in namespace LendPeak2: AccessDenied: no"
    );
}

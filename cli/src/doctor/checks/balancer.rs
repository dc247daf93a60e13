//! The load balancer before the backend.

use aws_sdk_acm::types::{CertificateDetail, CertificateStatus, CertificateType};
use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerAttribute, TargetGroup, TargetGroupAttribute};
use jiff::Timestamp;

use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
};

/// After so long, users of an ill task have had enough.
const ILL_FOR_SECONDS: i32 = 120;
/// Every roll-back waits for it. AWS's default is 300 s.
const LONGEST_DEREGISTRATION: u32 = 120;
/// AWS's default. The application has to keep its connections for longer.
const USUAL_IDLE_SECONDS: u32 = 60;
const SECONDS_A_DAY: i64 = 86_400;

pub(super) async fn health_check(site: &Site) -> Result<Verdict, Unseen> {
    Ok(checked(site.target_group().await?))
}

fn checked(group: Option<&TargetGroup>) -> Verdict {
    let Some(group) = group else { return Verdict::ok("no load balancer is before the service") };
    let arn = group.target_group_arn().unwrap_or_default();
    let path = group.health_check_path().unwrap_or("/");
    let codes = group.matcher().and_then(|matcher| matcher.http_code()).unwrap_or("200");
    let (every, fails) =
        (group.health_check_interval_seconds().unwrap_or(30), group.unhealthy_threshold_count().unwrap_or(2));
    let says = format!("{path} every {every} s: {codes} is healthy, {fails} failures in a row are unhealthy");
    let modify = |options: &str| format!("aws elbv2 modify-target-group --target-group-arn {arn} {options}");
    if takes_errors(codes) {
        return Verdict::bad(
            says,
            "a task that answers with errors counts as healthy: nobody replaces it, and no alarm rings",
            modify("--matcher HttpCode=200"),
        );
    }
    if every * fails > ILL_FOR_SECONDS {
        return Verdict::warn(
            says,
            format!("an ill task goes on getting requests for {} s", every * fails),
            modify("--health-check-interval-seconds 15 --unhealthy-threshold-count 3"),
        );
    }
    Verdict::ok(says)
}

/// Of codes as in `200`, `200,202` or `200-399`.
fn takes_errors(codes: &str) -> bool {
    codes.split(',').any(|part| {
        let last = part.rsplit('-').next().unwrap_or(part);
        last.trim().parse::<u16>().is_ok_and(|code| code >= 400)
    })
}

pub(super) async fn deregistration(site: &Site) -> Result<Verdict, Unseen> {
    let Some(group) = site.target_group().await? else {
        return Ok(Verdict::ok("no load balancer is before the service"));
    };
    let arn = group.target_group_arn().unwrap_or_default();
    Ok(deregistered(arn, site.target_group_attributes().await?))
}

fn deregistered(arn: &str, attributes: &[TargetGroupAttribute]) -> Verdict {
    let delay = attributes.iter().find(|one| one.key() == Some("deregistration_delay.timeout_seconds"));
    let seconds: u32 = delay.and_then(|one| one.value()?.parse().ok()).unwrap_or(300);
    let says = format!("a task that goes keeps its requests for up to {seconds} s");
    if seconds <= LONGEST_DEREGISTRATION {
        return Verdict::ok(says);
    }
    Verdict::warn(
        says,
        "every roll-back, restart and freeze of writes takes that much longer",
        format!(
            "aws elbv2 modify-target-group-attributes --target-group-arn {arn} --attributes \
             Key=deregistration_delay.timeout_seconds,Value=60"
        ),
    )
}

pub(super) async fn idle_timeout(site: &Site) -> Result<Verdict, Unseen> {
    Ok(idle(&site.balancer_arn()?, site.balancer_attributes().await?))
}

fn attribute<'a>(attributes: &'a [LoadBalancerAttribute], key: &str) -> Option<&'a str> {
    attributes.iter().find(|one| one.key() == Some(key))?.value()
}

fn idle(arn: &str, attributes: &[LoadBalancerAttribute]) -> Verdict {
    let seconds = attribute(attributes, "idle_timeout.timeout_seconds").and_then(|value| value.parse().ok());
    let seconds: u32 = seconds.unwrap_or(USUAL_IDLE_SECONDS);
    let says = format!("{seconds} s: the application has to keep its connections for longer than that");
    if seconds <= USUAL_IDLE_SECONDS {
        return Verdict::ok(says);
    }
    Verdict::warn(
        says,
        "where the application closes a connection first, a request on its way is answered with 502: a few an hour, with \
         nothing in the log",
        format!(
            "aws elbv2 modify-load-balancer-attributes --load-balancer-arn {arn} --attributes \
             Key=idle_timeout.timeout_seconds,Value={USUAL_IDLE_SECONDS}"
        ),
    )
}

pub(super) async fn access_logs(site: &Site) -> Result<Verdict, Unseen> {
    Ok(logged(&site.balancer_arn()?, site.balancer_attributes().await?))
}

fn logged(arn: &str, attributes: &[LoadBalancerAttribute]) -> Verdict {
    if attribute(attributes, "access_logs.s3.enabled") == Some("true") {
        let bucket = attribute(attributes, "access_logs.s3.bucket").unwrap_or_default();
        return Verdict::ok(format!("each request is in the bucket {bucket}"));
    }
    Verdict::warn(
        "the load balancer keeps no record of requests",
        "after an outage nobody can say which requests failed, nor whose",
        format!(
            "aws elbv2 modify-load-balancer-attributes --load-balancer-arn {arn} --attributes \
             Key=access_logs.s3.enabled,Value=true Key=access_logs.s3.bucket,Value=<a bucket of yours>"
        ),
    )
}

pub(super) async fn certificate(site: &Site) -> Result<Verdict, Unseen> {
    let client = aws_sdk_elasticloadbalancingv2::Client::new(&site.config);
    let listeners = client.describe_listeners().load_balancer_arn(site.balancer_arn()?).send().await;
    let listeners = listeners.map_err(|error| {
        Failure::aws("read the load balancer's listeners", "elasticloadbalancing:DescribeListeners", &error)
    })?;
    let mut arns = Vec::new();
    for listener in listeners.listeners().iter().filter(|listener| !listener.certificates().is_empty()) {
        let list =
            client.describe_listener_certificates().listener_arn(listener.listener_arn().unwrap_or_default());
        let answer = list.send().await.map_err(|error| {
            let action = "elasticloadbalancing:DescribeListenerCertificates";
            Failure::aws("read the listener's certificates", action, &error)
        })?;
        arns.extend(
            answer.certificates.unwrap_or_default().into_iter().filter_map(|one| one.certificate_arn),
        );
    }
    arns.sort();
    arns.dedup();
    let client = aws_sdk_acm::Client::new(&site.config);
    let mut all = Vec::new();
    // One that IAM keeps is not ACM's.
    for arn in arns.iter().filter(|arn| arn.contains(":acm:")) {
        let answer = client.describe_certificate().certificate_arn(arn).send().await.map_err(|error| {
            Failure::aws(format!("read the certificate {arn}"), "acm:DescribeCertificate", &error)
        })?;
        all.extend(answer.certificate);
    }
    Ok(in_time(&all, site.now))
}

fn in_time(all: &[CertificateDetail], now: Timestamp) -> Verdict {
    let days = |one: &CertificateDetail| {
        one.not_after().map_or(i64::MAX, |at| (at.secs() - now.as_second()).div_euclid(SECONDS_A_DAY))
    };
    let Some(first) = all.iter().min_by_key(|one| days(one)) else {
        return Verdict::ok("no listener has a certificate of ACM");
    };
    let (left, domain) = (days(first), first.domain_name().unwrap_or_default());
    let arn = first.certificate_arn().unwrap_or_default();
    let imported = first.r#type() == Some(&CertificateType::Imported);
    let by = if imported { "was imported, and nobody renews it" } else { "is renewed by ACM" };
    let mend = if imported {
        format!(
            "aws acm import-certificate --certificate-arn {arn} --certificate fileb://certificate.pem --private-key \
             fileb://key.pem --certificate-chain fileb://chain.pem"
        )
    } else {
        format!(
            "aws acm describe-certificate --certificate-arn {arn} --query \
             Certificate.RenewalSummary.DomainValidationOptions   # make the DNS records that it names"
        )
    };
    let costs = "when it has expired, browsers turn every user away";
    if first.status() == Some(&CertificateStatus::Expired) || left < 0 {
        return Verdict::bad(format!("the certificate of {domain} has expired"), costs, mend);
    }
    let says = format!("the certificate of {domain} is good for {left} days, and {by}");
    match left {
        ..7 => Verdict::bad(says, costs, mend),
        7..30 => Verdict::warn(says, costs, mend),
        _ => Verdict::ok(says),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::Matcher;

    use super::*;
    use crate::doctor::verdict::Word;

    fn group(codes: &str, every: i32, fails: i32) -> TargetGroup {
        TargetGroup::builder()
            .target_group_arn("arn")
            .health_check_path("/health")
            .health_check_interval_seconds(every)
            .unhealthy_threshold_count(fails)
            .matcher(Matcher::builder().http_code(codes).build())
            .build()
    }

    #[test]
    fn what_answers_with_errors_is_not_healthy() {
        for (codes, word) in [
            ("200", Word::Ok),
            ("200,204", Word::Ok),
            ("200-399", Word::Ok),
            ("200-499", Word::Bad),
            ("200,404", Word::Bad),
        ] {
            assert_eq!(checked(Some(&group(codes, 15, 3))).word, word, "{codes}");
        }
        let slow = checked(Some(&group("200", 60, 5)));
        assert_eq!(
            (slow.word, slow.costs.as_str()),
            (Word::Warn, "an ill task goes on getting requests for 300 s")
        );
        assert_eq!(checked(None).word, Word::Ok);
    }

    #[test]
    fn a_long_delay_holds_up_every_remedy() {
        let of = |value: Option<&str>| {
            let one = |value: &str| {
                TargetGroupAttribute::builder()
                    .key("deregistration_delay.timeout_seconds")
                    .value(value)
                    .build()
            };
            deregistered("arn", &value.map(one).into_iter().collect::<Vec<_>>())
        };
        assert_eq!((of(Some("30")).word, of(Some("300")).word), (Word::Ok, Word::Warn));
        // AWS's default.
        assert_eq!(of(None).says, "a task that goes keeps its requests for up to 300 s");
    }

    #[test]
    fn the_load_balancers_attributes_are_read_by_their_keys() {
        let one = |key: &str, value: &str| LoadBalancerAttribute::builder().key(key).value(value).build();
        let long = [one("access_logs.s3.enabled", "false"), one("idle_timeout.timeout_seconds", "4000")];
        assert_eq!((idle("arn", &long).word, logged("arn", &long).word), (Word::Warn, Word::Warn));
        let well = [
            one("idle_timeout.timeout_seconds", "60"),
            one("access_logs.s3.enabled", "true"),
            one("access_logs.s3.bucket", "logs"),
        ];
        assert_eq!(idle("arn", &well).word, Word::Ok);
        assert_eq!(logged("arn", &well), Verdict::ok("each request is in the bucket logs"));
    }

    #[test]
    fn the_certificate_that_ends_first_counts() {
        let now: Timestamp = "2026-12-01T10:00:00Z".parse().unwrap();
        let of = |days: &[i64], kind: CertificateType| {
            let one = |days: &i64| {
                let at = now.as_second() + days * SECONDS_A_DAY;
                CertificateDetail::builder()
                    .domain_name("api.lendpeak.com")
                    .certificate_arn("arn")
                    .r#type(kind.clone())
                    .not_after(aws_sdk_acm::primitives::DateTime::from_secs(at))
                    .build()
            };
            in_time(&days.iter().map(one).collect::<Vec<_>>(), now)
        };
        assert_eq!(
            of(&[300, 30], CertificateType::AmazonIssued),
            Verdict::ok("the certificate of api.lendpeak.com is good for 30 days, and is renewed by ACM")
        );
        assert_eq!(of(&[300, 29], CertificateType::AmazonIssued).word, Word::Warn);
        let imported = of(&[6], CertificateType::Imported);
        assert_eq!(imported.word, Word::Bad);
        assert!(imported.mend.starts_with("aws acm import-certificate"), "{}", imported.mend);
        assert_eq!(
            of(&[-1], CertificateType::Imported).says,
            "the certificate of api.lendpeak.com has expired"
        );
        assert_eq!(of(&[], CertificateType::Imported).word, Word::Ok);
    }
}

//! Certificates, as the health probe meets them: expired, about to expire, or refused.

use jiff::SignedDuration;
use shared::probe::Kind;

use super::{
    broken::{host, one_line},
    failed_starts::says,
};
use crate::{
    evidence::{Certificate, Check, Evidence},
    finding::{
        Confidence::Certain,
        Finding,
        Impact::{Down, Risk},
        Level::DevOps,
    },
};

/// ACM renews a certificate 60 days before its end. This late, it will not happen by itself.
const CERTIFICATE_DAYS: i64 = 7;

/// ACM renews no certificate that was imported.
pub(super) const IMPORT: &str = "import the renewed files under the same ARN, if the certificate was \
                                 imported: aws acm import-certificate --certificate-arn <certificate-arn> \
                                 --certificate fileb://cert.pem --private-key fileb://key.pem \
                                 --certificate-chain fileb://chain.pem";

/// Without this filter, AWS lists only certificates with RSA keys of up to 2,048 bits.
const LIST: &str = "aws acm list-certificates --includes keyTypes=RSA_2048,RSA_3072,RSA_4096,EC_prime256v1,EC_secp384r1,EC_secp521r1";

pub(super) fn certificate_expired(evidence: &Evidence) -> Option<Finding> {
    let (check, certificate) = certificates(evidence).find(|(_, it)| it.not_after <= evidence.at)?;
    let host = host(&check.url);
    let ago = days(evidence.ago(certificate.not_after));
    let region = region(check);
    let attach = attach(check);
    Some(
        Finding::new(Certain, Down, format!("the certificate of {host} expired {ago} ago: browsers refuse the connection"))
            .since(Some(certificate.not_after))
            .not_before(Some(certificate.not_after))
            .fact("health probe", format!("certificate of {host}"), "expired")
            .at(Some(certificate.not_after))
            .next(DevOps, format!("request a new one (ACM renews no expired one): aws acm request-certificate{region} --domain-name {host} --validation-method DNS; add its CNAME record (aws acm describe-certificate shows it) in Route 53; once it is issued, {attach}"))
            .otherwise(import(check)),
    )
}

/// The certificate is for another name, or of an authority that browsers do not know, as the handshake showed.
pub(super) fn certificate_refused(evidence: &Evidence) -> Option<Finding> {
    let checks = evidence.probe.iter().flat_map(|probe| &probe.checks);
    let expired = |check: &Check| check.certificate.as_ref().is_some_and(|it| it.not_after <= evidence.at);
    let mut refused =
        checks.filter(|check| check.failed_by(Kind::Tls) && !expired(check)).filter_map(|check| {
            let message = one_line(&check.error.as_ref()?.message);
            says(&message, &["certificate"]).then_some((check, message))
        });
    let (check, message) = refused.next()?;
    let host = host(&check.url);
    let region = region(check);
    let (next, otherwise) = if says(&message, &["name"]) {
        let attach = attach(check);
        let serves = if is_of_front_end(check) { "distribution <distribution>" } else { "<load-balancer>" };
        (
            format!(
                "find an issued certificate for {host} ({LIST}{region} --certificate-statuses ISSUED --query 'CertificateSummaryList[].[DomainName,CertificateArn]'), and {attach}"
            ),
            format!(
                "see whether the name leads to {serves} (dig +short {host}), and correct its record in Route 53 if it does not"
            ),
        )
    } else if says(&message, &["issuer"]) {
        (
            format!(
                "import the certificate of {host} again, now with its intermediate certificates (the ARN: {LIST}{region}): aws acm import-certificate{region} --certificate-arn <certificate-arn> --certificate fileb://cert.pem --private-key fileb://key.pem --certificate-chain fileb://chain.pem"
            ),
            format!(
                "put a certificate of a public authority in its place: aws acm request-certificate{region} --domain-name {host} --validation-method DNS"
            ),
        )
    } else {
        (
            format!(
                "put another certificate in its place ({LIST}{region} --certificate-statuses ISSUED --query 'CertificateSummaryList[].[DomainName,CertificateArn]'; none is there: aws acm request-certificate{region} --domain-name {host} --validation-method DNS), and {}",
                attach(check)
            ),
            import(check),
        )
    };
    Some(
        Finding::new(Certain, Down, format!("browsers refuse the certificate of {host}"))
            .fact("health probe", check.url.clone(), message)
            .next(DevOps, next)
            .otherwise(otherwise),
    )
}

pub(super) fn certificate_expires(evidence: &Evidence) -> Option<Finding> {
    let (check, certificate) = certificates(evidence)
        .filter(|(_, it)| it.not_after > evidence.at)
        .min_by_key(|(_, it)| it.not_after)?;
    let host = host(&check.url);
    let left = certificate.not_after.duration_since(evidence.at);
    // Whole days, as the probe counts them.
    if left.as_hours() / 24 > CERTIFICATE_DAYS {
        return None;
    }
    let left = days(left);
    let region = region(check);
    Some(
        Finding::new(Certain, Risk, format!("the certificate of {host} expires in {left}"))
            .fact("health probe", format!("certificate of {host}"), format!("{left} left"))
            .against(format!("{CERTIFICATE_DAYS} days"))
            .at(Some(certificate.not_after))
            .next(DevOps, format!("see why ACM has not renewed it: aws acm describe-certificate{region} --certificate-arn <certificate-arn> --query 'Certificate.[Type,InUseBy,RenewalSummary]' (the ARN: {LIST}{region}); put the CNAME record that is missing there back into Route 53: ACM then renews it by itself within hours"))
            .otherwise(import(check)),
    )
}

/// Days, or hours where there are few.
fn days(duration: SignedDuration) -> String {
    match duration.as_hours() {
        hours @ ..48 => format!("{hours} h"),
        hours => format!("{} days", hours / 24),
    }
}

fn certificates(evidence: &Evidence) -> impl Iterator<Item = (&Check, &Certificate)> {
    let checks = evidence.probe.iter().flat_map(|probe| &probe.checks);
    checks.filter_map(|check| Some((check, check.certificate.as_ref()?)))
}

/// Whether `CloudFront` shows this certificate, not the load balancer.
pub(super) fn is_of_front_end(check: &Check) -> bool {
    matches!(check.name.as_str(), "page" | "asset")
}

fn import(check: &Check) -> String {
    const COMMAND: &str = "import-certificate";
    IMPORT.replace(COMMAND, &format!("{COMMAND}{}", region(check)))
}

/// `CloudFront` takes certificates of one region only.
fn region(check: &Check) -> &'static str {
    if is_of_front_end(check) { " --region us-east-1" } else { "" }
}

fn attach(check: &Check) -> &'static str {
    if is_of_front_end(check) {
        "choose it as the custom SSL certificate of distribution <distribution>"
    } else {
        "put it on the listener: aws elbv2 modify-listener --listener-arn <listener-arn> --certificates CertificateArn=<certificate-arn>"
    }
}

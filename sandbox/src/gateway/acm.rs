//! The certificate of the load balancer's listener.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::Call;
use super::{Answer, wire};

pub(super) const CERTIFICATE: &str =
    "arn:aws:acm:us-east-1:000000000000:certificate/01234567-89ab-4cde-8f01-23456789abcd";
/// A certificate of ACM is good for 198 days.
const LEFT: SignedDuration = SignedDuration::from_hours(24 * 140);

/// None for what the local AWS answers.
pub(super) fn answer(call: &Call) -> Option<Answer> {
    let asked = call.request.get("CertificateArn").and_then(Value::as_str);
    if call.operation != "DescribeCertificate" || asked != Some(CERTIFICATE) {
        return None;
    }
    let now = Timestamp::now();
    let certificate = json!({
        "CertificateArn": CERTIFICATE,
        "DomainName": "api.lendpeak.com",
        "SubjectAlternativeNames": ["api.lendpeak.com"],
        "Type": "AMAZON_ISSUED",
        "Status": "ISSUED",
        "KeyAlgorithm": "RSA-2048",
        "RenewalEligibility": "ELIGIBLE",
        "NotBefore": (now - SignedDuration::from_hours(24 * 58)).as_second(),
        "NotAfter": (now + LEFT).as_second(),
    });
    Some(wire::json_1_1(StatusCode::OK, &json!({ "Certificate": certificate })))
}

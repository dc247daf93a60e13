//! Status codes that the probe met where it should have met success, by the guide's table; and success that is of no
//! use.

use shared::status::{advice, is_success};

use super::{Rule, broken::one_line, cloudfront_cache::deploy_again};
use crate::{
    evidence::{Check, Evidence},
    finding::{
        Confidence::Certain,
        Finding,
        Impact::{Degraded, Down},
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: &[Rule] = &[Rule {
    cause: "status_code",
    find: status_code,
    looks_at: "The probe's checks that fail with a status code, or with a success whose body is of no use. What a code means stands in the guide's table; a cause that was found explains it.",
    otherwise: "if it began with the newest release, send rollback {\"to\": \"previous\"}",
    helped: "send diagnose {\"symptom\": \"status-code\"}, which asks the probe anew, no longer finds it, twice within 5 minutes",
}];

fn status_code(evidence: &Evidence) -> Option<Finding> {
    /// The probe makes six checks; a finding shows five facts at most.
    const SHOWN: usize = 5;
    let probe = evidence.probe.as_ref()?;
    let failing: Vec<(&Check, u16)> = probe
        .checks
        .iter()
        .filter(|check| !check.healthy)
        .filter_map(|check| Some((check, check.status?)))
        .filter(|(check, status)| !is_success(*status) || check.spoilt().is_some())
        .collect();
    let meaning =
        |check: &Check, status: u16| check.spoilt().map_or(advice(status).meaning.to_owned(), one_line);
    // The part that most depends on comes first: the API, then the page; a server's error before a caller's.
    let rank = |check: &Check| match check.name.as_str() {
        "health" => 0,
        "page" => 1,
        _ => 2,
    };
    let (worst, status) = failing.iter().min_by_key(|(check, status)| (rank(check), u16::MAX - status))?;
    let told: Vec<String> = failing
        .iter()
        .map(|(check, status)| format!("{} answers {status} ({})", check.name, meaning(check, *status)))
        .collect();
    // Users are hit if the page is missing or the whole API fails. What it refuses the probe, it may grant to users.
    let fails_whole = *status >= 500 || is_success(*status);
    let is_down = worst.name == "page" || worst.name == "health" && fails_whole;
    let finding = Finding::new(Certain, if is_down { Down } else { Degraded }, told.join(", "));
    let finding = failing.iter().take(SHOWN).fold(finding, |finding, (check, status)| {
        finding
            .fact(
                "health probe",
                format!("{} ({})", check.name, check.url),
                format!("{status} {}", meaning(check, *status)),
            )
            .against("200 to 299")
            .at(Some(probe.at))
    });
    if !is_success(*status) {
        let advice = advice(*status);
        // The front end's origin is a bucket: it has neither tasks nor targets.
        let next = if is_of_front_end(worst) && *status >= 500 {
            look(worst, *status)
        } else {
            format!("{}: {}", advice.action, look(worst, *status))
        };
        return Some(for_front_end(finding, worst, evidence).next(advice.level.unwrap_or(DevOps), next));
    }
    let next = if is_of_front_end(worst) {
        format!(
            "see what was uploaded and with which Content-Type: curl -si {}; upload it anew, then send cache-invalidation {{}}",
            worst.url
        )
    } else {
        format!(
            "see what it answers: curl -si {}; and the backend's log: aws logs tail <log-group> --since 15m",
            worst.url
        )
    };
    Some(for_front_end(finding, worst, evidence).next(Development, next))
}

fn is_of_front_end(check: &Check) -> bool {
    matches!(check.name.as_str(), "page" | "asset")
}

/// A release of the backend does not cause it.
fn for_front_end(finding: Finding, check: &Check, evidence: &Evidence) -> Finding {
    if is_of_front_end(check) {
        finding.otherwise(format!("{}, then send cache-invalidation {{}}", deploy_again(evidence)))
    } else {
        finding
    }
}

/// Where to look for what answers so.
fn look(check: &Check, status: u16) -> String {
    let url = &check.url;
    match status {
        _ if is_of_front_end(check) && status >= 400 => format!(
            "curl -si {url} shows who answers (x-cache, server); then see the origin and what CloudFront may read there: aws cloudfront get-distribution-config --id <distribution> --query 'DistributionConfig.Origins.Items[]'"
        ),
        502 => "aws ecs describe-services --cluster <cluster> --services <service> --query 'services[0].[desiredCount,runningCount,events[:5].message]'".to_owned(),
        503 => "aws elbv2 describe-target-health --target-group-arn <target-group-arn>".to_owned(),
        504 => "aws logs tail <log-group> --since 15m, and TargetResponseTime of <load-balancer> (CloudWatch, AWS/ApplicationELB)".to_owned(),
        500.. => "aws logs tail <log-group> --since 15m".to_owned(),
        429 => format!("see who limits, the backend or AWS WAF: curl -si {url}"),
        _ => format!("curl -si {url}"),
    }
}

//! Issues of AWS itself.

use jiff::SignedDuration;

use super::broken::{Broken, not_before};
use crate::{
    evidence::{AwsIssue, Evidence},
    finding::{
        Confidence::{Likely, Possible},
        Finding,
        Impact::{Degraded, Risk},
        Level::Aws,
    },
};

/// An issue of a service in a region need not be this stack's: where all is well here, it is worth a line.
pub(super) fn aws_issue(evidence: &Evidence) -> Option<Finding> {
    const SHOWN: usize = 5;
    /// An issue of weeks ago does not begin today's trouble.
    const BEFORE: SignedDuration = SignedDuration::from_hours(3);
    let issues = evidence.aws_issues.as_ref()?;
    let newest = issues.first()?;
    let services: Vec<String> =
        issues.iter().take(SHOWN).map(|issue| format!("{} ({})", issue.service, issue.region)).collect();
    let broken = Broken::seen(evidence);
    let led_to_it = |issue: &&AwsIssue| {
        let trouble = broken.as_ref().and_then(|broken| broken.since);
        issue.since.zip(trouble).is_some_and(|(issue, trouble)| {
            not_before(trouble, issue) && trouble.duration_since(issue) <= BEFORE
        })
    };
    let led_to = issues.iter().find(led_to_it);
    let confidence = if led_to.is_some() { Likely } else { Possible };
    let impact = broken.as_ref().map_or(Risk, |broken| broken.impact.min(Degraded));
    let shown = led_to.unwrap_or(newest);
    let what = format!("AWS has an open issue with {}", services.join(", "));
    let finding = Finding::new(confidence, impact, what).since(shown.since);
    let finding = issues.iter().take(SHOWN).fold(finding, |finding, issue| {
        finding
            .fact("AWS Health", format!("{} in {}", issue.service, issue.region), issue.code.clone())
            .at(issue.since)
    });
    Some(finding.next(
        Aws,
        format!(
            "read what AWS says of it: aws health describe-event-details --region us-east-1 --event-arns {}",
            shown.arn
        ),
    ))
}

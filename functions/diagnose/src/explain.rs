//! Which finding is the cause of which: a dead database behind 500s, unhealthy targets and restarts is one finding
//! with three consequences. Then the order: what hurts most and is surest comes first.

mod table;

use table::EXPLAINS;

use crate::{
    chapter::Chapter,
    finding::{Confidence, Consequence, Fact, Finding, Impact},
};

/// Puts consequences under their causes, and the causes in order.
pub(crate) fn ranked(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| {
        (std::cmp::Reverse(weight(finding)), depth(&finding.cause), finding.chapter, finding.cause.clone())
    });
    let mut causes: Vec<Finding> = Vec::new();
    // Findings that no other finding explains come first, whatever their weight.
    let explained_by: Vec<Option<usize>> =
        findings.iter().map(|finding| findings.iter().position(|other| explains(other, finding))).collect();
    let root = |mut place: usize| {
        // The table has no circles. The bound is for one that somebody may add by mistake.
        for _ in 0..findings.len() {
            match explained_by.get(place).copied().flatten() {
                Some(cause) if cause != place => place = cause,
                _ => break,
            }
        }
        place
    };
    let roots: Vec<usize> = (0..findings.len()).map(root).collect();
    for (place, finding) in findings.iter().enumerate() {
        if roots.get(place) == Some(&place) {
            let mut finding = finding.clone();
            let consequences = roots.iter().zip(&findings).enumerate();
            let consequences: Vec<&Finding> = consequences
                .filter(|(other, (root, _))| **root == place && *other != place)
                .map(|(_, (_, found))| found)
                .collect();
            for found in consequences {
                finding.impact = finding.impact.max(found.impact);
                // A metric's period may have begun before what it shows.
                let since = [finding.since, found.since].into_iter().flatten().min();
                finding.since = since.max(finding.not_before.filter(|_| since.is_some()));
                let Finding { cause, chapter, what, evidence, remedy, .. } = found.clone();
                finding.explains.push(Consequence { cause, chapter, what, evidence, remedy });
            }
            causes.push(finding);
        }
    }
    causes.sort_by_key(|finding| std::cmp::Reverse(weight(finding)));
    causes
}

/// The causes that the table lists as consequences of a cause.
pub fn consequences(cause: &str) -> impl Iterator<Item = &'static str> {
    let rows = EXPLAINS.iter().filter(move |(causes, _)| causes.contains(&cause));
    rows.flat_map(|(_, groups)| groups.iter().copied().flatten().copied())
}

/// Whether this finding explains that cause. A finding that is only possible explains nothing.
fn explains(finding: &Finding, other: &Finding) -> bool {
    let in_table = consequences(&finding.cause).any(|consequence| consequence == other.cause);
    finding.confidence > Confidence::Possible
        && finding.cause != other.cause
        && (in_table || other.cause == "unknown_cause" && tells_why(finding))
        && (!is_of_front_end(other) || FRONT_END.contains(&finding.chapter))
}

/// The chapters whose causes explain the answers of the page and its assets. The API's chapters do not.
const FRONT_END: &[Chapter] =
    &[Chapter::CloudfrontCache, Chapter::BuildFailures, Chapter::ServiceDown, Chapter::StatusCode];

/// A status code of the page or of an asset alone.
fn is_of_front_end(finding: &Finding) -> bool {
    let of_front_end = |fact: &Fact| fact.what.starts_with("page (") || fact.what.starts_with("asset (");
    finding.cause == "status_code"
        && !finding.evidence.is_empty()
        && finding.evidence.iter().all(of_front_end)
}

/// The cause is unknown only if all findings that users feel are symptoms.
fn tells_why(finding: &Finding) -> bool {
    const SYMPTOMS: &[&str] = &["status_code", "cors_preflight_refused", "origin_errors", "slow_first_byte"];
    finding.impact >= Impact::Degraded && !SYMPTOMS.contains(&&*finding.cause)
}

/// Present harm comes before a risk, and a finding that is only possible counts for less.
fn weight(finding: &Finding) -> (u8, Confidence) {
    let impact = finding.impact as u8;
    let guess = u8::from(finding.confidence == Confidence::Possible);
    (impact.saturating_sub(guess), finding.confidence)
}

/// How near the root a cause is, by its place in the table.
fn depth(cause: &str) -> usize {
    let mut causes = EXPLAINS.iter().flat_map(|(causes, _)| causes.iter());
    causes.position(|from| *from == cause).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;

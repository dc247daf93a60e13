//! Status codes that the probe met where it should have met success, by the guide's table.

use shared::status::advice;

use super::Rules;
use crate::{
    evidence::{Check, Evidence},
    finding::{
        Confidence::Certain,
        Finding,
        Impact::{Degraded, Down},
        Level::DevOps,
    },
};

pub(super) const RULES: Rules = &[("status_code", status_code)];

fn status_code(evidence: &Evidence) -> Option<Finding> {
    /// The probe makes six checks; a finding shows five facts at most.
    const SHOWN: usize = 5;
    let probe = evidence.probe.as_ref()?;
    let failing: Vec<(&Check, u16)> = probe
        .checks
        .iter()
        .filter(|check| !check.healthy)
        .filter_map(|check| Some((check, check.status.filter(|status| !(200..300).contains(status))?)))
        .collect();
    // What answers for the most comes first: the API itself, then the page; a server's error before a caller's.
    let rank = |check: &Check| match check.name.as_str() {
        "health" => 0,
        "page" => 1,
        _ => 2,
    };
    let (worst, status) = failing.iter().min_by_key(|(check, status)| (rank(check), u16::MAX - status))?;
    let told: Vec<String> = failing
        .iter()
        .map(|(check, status)| format!("{} answers {status} ({})", check.name, advice(*status).meaning))
        .collect();
    // No page, or an API that fails as a whole; what it refuses the probe it may grant to users.
    let is_down = worst.name == "page" || worst.name == "health" && *status >= 500;
    let finding = Finding::new(Certain, if is_down { Down } else { Degraded }, told.join(", "));
    let finding = failing.iter().take(SHOWN).fold(finding, |finding, (check, status)| {
        finding
            .fact(
                "health probe",
                format!("{} ({})", check.name, check.url),
                format!("{status} {}", advice(*status).meaning),
            )
            .against("200 to 299")
            .at(Some(probe.at))
    });
    let advice = advice(*status);
    Some(finding.next(advice.level.unwrap_or(DevOps), advice.action))
}

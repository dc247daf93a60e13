//! Status codes that the probe met where it should have met success, by the guide's table; and success that is of no
//! use.

use shared::status::{advice, is_success};

use super::{Rules, broken::one_line};
use crate::{
    evidence::{Check, Evidence},
    finding::{
        Confidence::Certain,
        Finding,
        Impact::{Degraded, Down},
        Level::{DevOps, Development},
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
        .filter_map(|check| Some((check, check.status?)))
        .filter(|(check, status)| !is_success(*status) || check.spoilt().is_some())
        .collect();
    let meaning =
        |check: &Check, status: u16| check.spoilt().map_or(advice(status).meaning.to_owned(), one_line);
    // What answers for the most comes first: the API itself, then the page; a server's error before a caller's.
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
    // No page, or an API that fails as a whole; what it refuses the probe it may grant to users.
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
        return Some(finding.next(advice.level.unwrap_or(DevOps), advice.action));
    }
    let next = if worst.name.starts_with("health") {
        "see what it answers, and the backend's log of that time"
    } else {
        "see what the deployment uploaded and with which Content-Type, then clear CloudFront's cache"
    };
    Some(finding.next(Development, next))
}

//! High latency: which step of the probe's requests is slow. What is slow for the API and the front end is the way
//! to both; what is slow for one is its server.

use super::{Rules, slow_answers::SlowAnswers};
use crate::{
    evidence::{Check, Evidence},
    finding::{
        Confidence::{Likely, Possible},
        Finding,
        Impact::Degraded,
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: Rules = &[
    ("slow_dns", slow_dns),
    ("slow_connect", slow_connect),
    ("slow_tls", slow_tls),
    ("slow_first_byte", slow_first_byte),
];

const API: &[&str] = &["health", "health-db", "health-redis", "cors"];
const FRONT_END: &[&str] = &["page", "asset"];
const PROBE: &str = "health probe";

fn slow_dns(evidence: &Evidence) -> Option<Finding> {
    /// A resolver answers within some 100 ms even when it has to ask around.
    const SLOW_MS: f64 = 500.0;
    let (place, finding) = step(evidence, "dns_ms", "looking up", SLOW_MS)?;
    Some(finding.next(
        DevOps,
        match place {
            Place::Everywhere => "look at the resolver where the probe runs (VPC DNS: 1,024 packets a second for each network interface) before you touch the stack",
            Place::Api | Place::FrontEnd => "look at the name's records in Route 53: its name servers, a delegation, a chain of CNAMEs",
        },
    ))
}

fn slow_connect(evidence: &Evidence) -> Option<Finding> {
    /// Farther than once around the earth, or a packet that was lost: it is sent again after a second.
    const SLOW_MS: f64 = 250.0;
    let (place, finding) = step(evidence, "connect_ms", "connecting to", SLOW_MS)?;
    Some(finding.next(
        DevOps,
        match place {
            Place::Everywhere => "look at the way out of the probe's network (NAT gateway, packet loss) and at the AWS Health Dashboard",
            Place::Api => "look at the load balancer: rejected connections, its zones and their network ACLs, and its addresses in the name's records",
            Place::FrontEnd => "look at CloudFront in the AWS Health Dashboard, and where its name points to",
        },
    ))
}

fn slow_tls(evidence: &Evidence) -> Option<Finding> {
    /// Two times there and back, and some work.
    const SLOW_MS: f64 = 500.0;
    let (place, finding) = step(evidence, "tls_ms", "the TLS handshake with", SLOW_MS)?;
    Some(finding.next(
        DevOps,
        match place {
            Place::Everywhere => "look at the probe itself first (its memory setting decides its CPU), then at the way out of its network",
            Place::Api => "look at the load balancer: new connections a second, client TLS negotiation errors, its certificates and security policy",
            Place::FrontEnd => "look at CloudFront in the AWS Health Dashboard, and at the distribution's certificate",
        },
    ))
}

/// `step` for the answer itself, where the API's checks also differ from each other.
fn slow_first_byte(evidence: &Evidence) -> Option<Finding> {
    /// Ordinary answers come in tens of milliseconds.
    const SLOW_MS: f64 = 1_000.0;
    let phase = "first_byte_ms";
    if let Some((place, finding)) = step(evidence, phase, "the first byte from", SLOW_MS) {
        let finding = match SlowAnswers::of(evidence) {
            Some(slow) if place == Place::Api => slow.fact(finding),
            _ => finding,
        };
        return Some(match place {
            Place::Everywhere => finding.next(DevOps, "API and front end have different servers: look at the probe and its network first"),
            Place::Api => finding.next(Development, "every request to the API is slow, also those without the database: look at the tasks (CPU, event loop, what runs before each request)"),
            Place::FrontEnd => finding.next(DevOps, "look at CloudFront's origin: what is not cached waits for it"),
        });
    }
    // What is behind one check only, while the plain one is quick.
    let time = |name: &str| {
        let check = evidence.check(name)?;
        Some((check, check.phase_ms(phase)?))
    };
    let (_, plain) = time("health").filter(|(_, ms)| *ms < SLOW_MS)?;
    let behind = [("health-db", "the database"), ("health-redis", "Redis")];
    let (who, (check, ms)) = behind.into_iter().find_map(|(name, who)| {
        let slow = time(name).filter(|(_, ms)| *ms >= SLOW_MS)?;
        Some((who, slow))
    })?;
    Some(
        // One answer is not many.
        Finding::new(
            Possible,
            Degraded,
            format!("the API waits {ms:.0} ms for {who}; without it, it answers in {plain:.0} ms"),
        )
        .fact(PROBE, format!("first byte of {}", check.url), format!("{ms:.0} ms"))
        .against(format!("{SLOW_MS} ms"))
        .at(evidence.probe.as_ref().map(|probe| probe.at))
        .fact(PROBE, "first byte of health", format!("{plain:.0} ms"))
        .next(
            Development,
            format!(
                "send the probe again; if it is slow again, look at {who}: its CPU, memory and connections"
            ),
        ),
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Everywhere,
    Api,
    FrontEnd,
}

/// Where a step is slow, and what shows it.
fn step(evidence: &Evidence, phase: &str, doing: &str, slow_ms: f64) -> Option<(Place, Finding)> {
    let (api, front_end) = (quickest(evidence, API, phase), quickest(evidence, FRONT_END, phase));
    let is_slow = |one: Option<(&Check, f64)>| one.is_some_and(|(_, ms)| ms >= slow_ms);
    let place = match (is_slow(api), is_slow(front_end)) {
        (true, true) => Place::Everywhere,
        (true, false) => Place::Api,
        (false, true) => Place::FrontEnd,
        (false, false) => return None,
    };
    let (slow, other) = if place == Place::FrontEnd { (front_end?, api) } else { (api?, front_end) };
    let (check, ms) = slow;
    let beside = match (place, other) {
        (Place::Everywhere, Some((other, ms))) => {
            format!(", and {ms:.0} ms for {}: the way to both is slow", host(other))
        }
        (_, Some((other, ms))) => format!(", but only {ms:.0} ms for {}", host(other)),
        (_, None) => String::new(),
    };
    // Without the other side, it cannot be told from the way.
    let confidence = if other.is_some() { Likely } else { Possible };
    let at = evidence.probe.as_ref().map(|probe| probe.at);
    let what = format!("{doing} {} takes {ms:.0} ms{beside}", host(check));
    let finding = Finding::new(confidence, Degraded, what)
        .fact(
            PROBE,
            format!(
                "{} of {}, the quickest check",
                phase.trim_end_matches("_ms").replace('_', " "),
                host(check)
            ),
            format!("{ms:.0} ms"),
        )
        .against(format!("{slow_ms} ms"))
        .at(at);
    let finding = match other {
        Some((other, ms)) => finding
            .fact(
                PROBE,
                format!(
                    "{} of {}, the quickest check",
                    phase.trim_end_matches("_ms").replace('_', " "),
                    host(other)
                ),
                format!("{ms:.0} ms"),
            )
            .against(format!("{slow_ms} ms"))
            .at(at),
        None => finding,
    };
    Some((place, finding))
}

/// The quickest of these checks in a phase: one that is slow may be chance, all of them are not.
fn quickest<'a>(evidence: &'a Evidence, names: &[&str], phase: &str) -> Option<(&'a Check, f64)> {
    let checks = names.iter().filter_map(|name| evidence.check(name));
    let times = checks.filter_map(|check| Some((check, check.phase_ms(phase)?)));
    times.min_by(|(_, one), (_, other)| one.total_cmp(other))
}

fn host(check: &Check) -> &str {
    check.url.split('/').nth(2).unwrap_or(&check.url)
}

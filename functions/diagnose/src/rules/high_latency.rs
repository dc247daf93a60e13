//! High latency: which step of the probe's requests is slow. What is slow for the API and the front end is the way
//! to both; what is slow for one is its server.

use super::{Rule, slow_answers::SlowAnswers};
use crate::{
    evidence::{Check, Evidence},
    finding::{
        Confidence::{Likely, Possible},
        Finding,
        Impact::Degraded,
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "slow_dns",
        find: slow_dns,
        looks_at: "dns_ms of the probe: the quickest of the API's checks (health, health-db, health-redis, cors) or of the front end's (page, asset) takes 500 ms or more. Slow for both, it is the resolver; slow for one, it is that name's records. As the quickest counts, one slow answer is no finding.",
        otherwise: "let the name point straight to its target by an alias record of Route 53, which saves a look-up",
        helped: "send diagnose {\"symptom\": \"high-latency\"}, which asks the probe anew, no longer finds it, twice within 5 minutes (dns_ms below 500)",
    },
    Rule {
        cause: "slow_connect",
        find: slow_connect,
        looks_at: "connect_ms of the probe: the quickest of the API's checks (health, health-db, health-redis, cors) or of the front end's (page, asset) takes 250 ms or more. That is farther than once around the earth, or a lost packet; slow for both, it is the probe's own way out. As the quickest counts, one slow answer is no finding.",
        otherwise: "shift requests away from the slow zone for two hours, where zonal shift is on: aws arc-zonal-shift start-zonal-shift --resource-identifier <load-balancer-arn> --away-from <zone-id> --expires-in 2h --comment 'slow to connect'",
        helped: "send diagnose {\"symptom\": \"high-latency\"}, which asks the probe anew, no longer finds it, twice within 5 minutes (connect_ms below 250)",
    },
    Rule {
        cause: "slow_tls",
        find: slow_tls,
        looks_at: "tls_ms of the probe: the quickest of the API's checks (health, health-db, health-redis, cors) or of the front end's (page, asset) takes 500 ms or more. A handshake is two round trips and some work: slow for both, it is the probe or its way out. As the quickest counts, one slow answer is no finding.",
        otherwise: "let the listener speak TLS 1.3, which takes one round trip less (and ends TLS 1.0 and 1.1): aws elbv2 modify-listener --listener-arn <listener-arn> --ssl-policy ELBSecurityPolicy-TLS13-1-2-2021-06",
        helped: "send diagnose {\"symptom\": \"high-latency\"}, which asks the probe anew, no longer finds it, twice within 5 minutes (tls_ms below 500)",
    },
    Rule {
        cause: "slow_first_byte",
        find: slow_first_byte,
        looks_at: "first_byte_ms of the probe: the quickest of the API's checks or of the front end's takes 1,000 ms or more, when name, connection and TLS are done: so it is the server's own time. Or health is quick, and health-db or health-redis alone takes that long: what is behind the API is slow, which one answer makes possible, not likely.",
        otherwise: "send restart {\"reason\": \"every request to the API is slow\"}, in case an event loop is blocked",
        helped: "send diagnose {\"symptom\": \"high-latency\"}, which asks the probe anew, no longer finds it, twice within 5 minutes (first_byte_ms below 1,000)",
    },
];

const API: &[&str] = &["health", "health-db", "health-redis", "cors"];
const FRONT_END: &[&str] = &["page", "asset"];
const PROBE: &str = "health probe";
/// If a step is slow for both, the reason is outside this stack.
const AWS_CASE: &str =
    "open a case with AWS, with the times from both networks and the address that answered";

fn slow_dns(evidence: &Evidence) -> Option<Finding> {
    /// A resolver answers within about 100 ms, even if it has to ask others.
    const SLOW_MS: f64 = 500.0;
    let (place, check, finding) = step(evidence, "dns_ms", "looking up", SLOW_MS)?;
    let host = host(check);
    Some(match place {
        Place::Everywhere => finding
            .next(DevOps, format!("look it up from another network before you touch the stack: dig {host}; if its Query time is short there, only the probe's resolver is slow (in a VPC: 1,024 packets a second for each network interface), else follow it: dig +trace {host}"))
            .otherwise(AWS_CASE),
        Place::Api | Place::FrontEnd => finding.next(
            DevOps,
            format!("follow the look-up: dig +trace {host} shows the name server, the delegation or the CNAME that takes so long; correct that record in Route 53"),
        ),
    })
}

fn slow_connect(evidence: &Evidence) -> Option<Finding> {
    /// Farther than once around the earth, or a packet that was lost: it is sent again after a second.
    const SLOW_MS: f64 = 250.0;
    let (place, check, finding) = step(evidence, "connect_ms", "connecting to", SLOW_MS)?;
    let (host, url) = (host(check), &check.url);
    Some(match place {
        Place::Everywhere => finding
            .next(DevOps, format!("time it from another network: curl -s -o /dev/null -w '%{{time_namelookup}} %{{time_connect}}\\n' {url}; if it is quick there, look at the probe's way out (the NAT gateway's PacketsDropCount and ErrorPortAllocation), else at the AWS Health Dashboard"))
            .otherwise(AWS_CASE),
        Place::Api => finding.next(
            DevOps,
            format!("time each address that dig +short {host} shows: curl -s -o /dev/null -w '%{{time_connect}}\\n' --resolve {host}:443:<address> {url}; a slow one is a zone of <load-balancer> (its subnet, its network ACL) or an old address in the name's record, and if all are slow see RejectedConnectionCount"),
        ),
        Place::FrontEnd => finding
            .next(DevOps, format!("see that dig {host} leads to CloudFront, and which edge answers: curl -sI {url} (x-amz-cf-pop); compare with another network and with the AWS Health Dashboard"))
            .otherwise(AWS_CASE),
    })
}

fn slow_tls(evidence: &Evidence) -> Option<Finding> {
    /// Two round trips, and some work.
    const SLOW_MS: f64 = 500.0;
    let (place, check, finding) = step(evidence, "tls_ms", "the TLS handshake with", SLOW_MS)?;
    let time = format!("curl -s -o /dev/null -w '%{{time_connect}} %{{time_appconnect}}\\n' {}", check.url);
    Some(match place {
        Place::Everywhere => finding
            .next(DevOps, format!("time it from another network: {time}; if it is quick there, give the probe more memory and with it more CPU: aws lambda update-function-configuration --function-name <health-probe-function> --memory-size 512; else look at its way out"))
            .otherwise(AWS_CASE),
        Place::Api => finding.next(
            DevOps,
            format!("time it from another network: {time}; if it is slow there too, compare NewConnectionCount and ClientTLSNegotiationErrorCount of <load-balancer> with the day before (CloudWatch): clients keep no connections, or refuse the certificate or the security policy"),
        ),
        Place::FrontEnd => finding
            .next(DevOps, format!("time it from another network: {time}; if it is slow there too, look for CloudFront in the AWS Health Dashboard, and at the certificate: aws cloudfront get-distribution-config --id <distribution> --query DistributionConfig.ViewerCertificate"))
            .otherwise(AWS_CASE),
    })
}

/// `step` for the answer itself, which may be slow for some of the API's checks only.
fn slow_first_byte(evidence: &Evidence) -> Option<Finding> {
    /// Ordinary answers come in tens of milliseconds.
    const SLOW_MS: f64 = 1_000.0;
    let phase = "first_byte_ms";
    if let Some((place, check, finding)) = step(evidence, phase, "the first byte from", SLOW_MS) {
        let url = &check.url;
        let finding = match SlowAnswers::of(evidence) {
            Some(slow) if place == Place::Api => slow.fact(finding),
            _ => finding,
        };
        return Some(match place {
            Place::Everywhere => finding
                .next(DevOps, format!("API and front end have different servers, so time it from another network first: curl -s -o /dev/null -w '%{{time_appconnect}} %{{time_starttransfer}}\\n' {url}; if it is quick there, look at the probe and its way out, else at both servers"))
                .otherwise(AWS_CASE),
            Place::Api => finding.next(Development, "every request to the API is slow, also those without the database: see the log (aws logs tail <log-group> --since 15m) and the tasks' CPU; if that is high, send scale-up {\"reason\": \"every request is slow\"}, else look at the event loop and at what runs before each request"),
            Place::FrontEnd => finding
                .next(DevOps, format!("see whether CloudFront waits for its origin: curl -sI {url} shows X-Cache; at a Miss time the origin itself: aws cloudfront get-distribution-config --id <distribution> --query 'DistributionConfig.Origins.Items[].DomainName'"))
                .otherwise("let CloudFront keep what does not change (Cache-Control with s-maxage), so that fewer requests wait for the origin"),
        });
    }
    // Slow is what only one check depends on: the plain check is quick.
    let time = |name: &str| {
        let check = evidence.check(name)?;
        Some((check, check.phases.named(phase)?))
    };
    let (_, plain) = time("health").filter(|(_, ms)| *ms < SLOW_MS)?;
    let behind = [
        (
            "health-db",
            "the database",
            "CPUUtilization, FreeableMemory and DatabaseConnections of <writer>",
            "see what runs long in the database: send diagnose {\"symptom\": \"slow-queries\"}",
        ),
        (
            "health-redis",
            "Redis",
            "EngineCPUUtilization, CurrConnections and Evictions",
            "see which commands take long: redis-cli --tls -h <redis-endpoint> SLOWLOG GET 10",
        ),
    ];
    let (who, metrics, otherwise, (check, ms)) =
        behind.into_iter().find_map(|(name, who, metrics, otherwise)| {
            let slow = time(name).filter(|(_, ms)| *ms >= SLOW_MS)?;
            Some((who, metrics, otherwise, slow))
        })?;
    Some(
        // One slow answer is no pattern.
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
                "ask the probe anew: send diagnose {{\"symptom\": \"high-latency\"}}; if it is slow again, look at {who} in CloudWatch: {metrics}"
            ),
        )
        .otherwise(otherwise),
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Everywhere,
    Api,
    FrontEnd,
}

/// Where a step is slow, which checks show it, and the facts.
fn step<'a>(
    evidence: &'a Evidence,
    phase: &str,
    doing: &str,
    slow_ms: f64,
) -> Option<(Place, &'a Check, Finding)> {
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
    // Without the other side, a slow server looks like a slow network.
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
    Some((place, check, finding))
}

/// The quickest of these checks in a phase: one slow check may be chance, but not all of them.
fn quickest<'a>(evidence: &'a Evidence, names: &[&str], phase: &str) -> Option<(&'a Check, f64)> {
    let checks = names.iter().filter_map(|name| evidence.check(name));
    let times = checks.filter_map(|check| Some((check, check.phases.named(phase)?)));
    times.min_by(|(_, one), (_, other)| one.total_cmp(other))
}

fn host(check: &Check) -> &str {
    check.url.split('/').nth(2).unwrap_or(&check.url)
}

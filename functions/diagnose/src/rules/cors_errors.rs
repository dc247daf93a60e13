//! CORS errors: what browsers would make of the answer to the probe's preflight of the login.

use super::{Rule, steps::new_revision};
use crate::{
    evidence::{Check, Cors, Evidence},
    finding::{
        Confidence::{Certain, Likely, Possible},
        Finding,
        Impact::{Degraded, Down, Risk},
        Level::Development,
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "cors_preflight_refused",
        find: cors_preflight_refused,
        looks_at: "The answer to the probe's preflight: OPTIONS of the login, with the front end's origin, the method POST and the header Content-Type. Any status but 200 to 299, or no answer, ends a preflight, whatever its headers say. While a health check of the API fails too it is only possible: an API that is down answers nothing else either.",
        otherwise: "go back if the newest release brought it: send rollback {\"to\": \"previous\"}",
        helped: "send diagnose {\"symptom\": \"cors-errors\"}, which asks the probe anew, no longer finds it when the deployment has ended",
    },
    Rule {
        cause: "cors_origin",
        find: cors_origin,
        looks_at: "The answer to the probe's preflight: OPTIONS of the login, with the front end's origin, the method POST and the header Content-Type. It is a success, but Access-Control-Allow-Origin is missing, has another origin or has several.",
        otherwise: "go back if the newest release brought it: send rollback {\"to\": \"previous\"}",
        helped: "send diagnose {\"symptom\": \"cors-errors\"}, which asks the probe anew, no longer finds it when the deployment has ended",
    },
    Rule {
        cause: "cors_method",
        find: cors_method,
        looks_at: "The answer to the probe's preflight: OPTIONS of the login, with the front end's origin, the method POST and the header Content-Type. It allows the origin, but does not list POST in Access-Control-Allow-Methods. Browsers send POST without that, so the login works: the list is incomplete.",
        otherwise: "add the Access-Control-Allow-Methods header where something in front of the backend answers OPTIONS (a proxy, API Gateway)",
        helped: "send diagnose {\"symptom\": \"cors-errors\"}, which asks the probe anew, no longer finds it when the deployment has ended",
    },
    Rule {
        cause: "cors_header",
        find: cors_header,
        looks_at: "The answer to the probe's preflight: OPTIONS of the login, with the front end's origin, the method POST and the header Content-Type. It allows the origin, but does not list Content-Type in Access-Control-Allow-Headers: browsers block each call with JSON then, while simple GETs work.",
        otherwise: "go back if the newest release brought it: send rollback {\"to\": \"previous\"}",
        helped: "send diagnose {\"symptom\": \"cors-errors\"}, which asks the probe anew, no longer finds it when the deployment has ended",
    },
    Rule {
        cause: "cors_credentials",
        find: cors_credentials,
        looks_at: "The answer to the probe's preflight: OPTIONS of the login, with the front end's origin, the method POST and the header Content-Type. It allows the origin, but has no Access-Control-Allow-Credentials: true. A front end that sends no cookies does without: so it is likely, not certain.",
        otherwise: "go back if the newest release brought it: send rollback {\"to\": \"previous\"}",
        helped: "send diagnose {\"symptom\": \"cors-errors\"}, which asks the probe anew, no longer finds it when the deployment has ended",
    },
    Rule {
        cause: "cors_wildcard_credentials",
        find: cors_wildcard_credentials,
        looks_at: "The answer to the probe's preflight: OPTIONS of the login, with the front end's origin, the method POST and the header Content-Type. It has Access-Control-Allow-Origin: * beside Access-Control-Allow-Credentials: true, which browsers refuse together. The guide's own code does so where CORS_ORIGIN is not set.",
        otherwise: "go back if the newest release brought it: send rollback {\"to\": \"previous\"}",
        helped: "send diagnose {\"symptom\": \"cors-errors\"}, which asks the probe anew, no longer finds it when the deployment has ended",
    },
];

const SOURCE: &str = "health probe, CORS preflight";
/// The variable that the guide's configuration reads.
const VARIABLE: &str = "CORS_ORIGIN";

/// Any status but success ends a preflight, whatever the headers say.
fn cors_preflight_refused(evidence: &Evidence) -> Option<Finding> {
    let check = evidence.check("cors").filter(|check| !check.healthy && !is_success(check))?;
    let (how, next) = match check.status {
        Some(status @ (401 | 403)) => (
            format!("answers {status}"),
            format!(
                "see who refuses it: {}; if it is the backend, put app.use(cors(...)) before the authentication, else let OPTIONS through in the firewall (AWS WAF's sampled requests show the rule)",
                preflight(evidence, check)
            ),
        ),
        Some(status @ (404 | 405)) => (
            format!("answers {status}"),
            format!(
                "answer OPTIONS for every path: app.use(cors(...)) before the routes; try it: {}",
                preflight(evidence, check)
            ),
        ),
        Some(status @ 300..=399) => (
            format!("answers {status}"),
            format!(
                "browsers follow no redirect of a preflight, so let the front end call the address in its Location: {}",
                preflight(evidence, check)
            ),
        ),
        Some(status) => (
            format!("answers {status}"),
            "see the backend's log for what fails it: aws logs tail <log-group> --since 15m".to_owned(),
        ),
        None => (
            "gets no answer".to_owned(),
            "find out first why the API does not answer: send diagnose {\"symptom\": \"service-down\"}"
                .to_owned(),
        ),
    };
    // An API that fails answers preflights no better: then CORS is not the cause.
    let mut api = evidence.probe.iter().flat_map(|probe| &probe.checks);
    let (confidence, impact) = if api.any(|check| check.name.starts_with("health") && !check.healthy) {
        (Possible, Degraded)
    } else if evidence.check("health").is_some() {
        (Certain, Down)
    } else {
        (Likely, Down)
    };
    let finding = Finding::new(
        confidence,
        impact,
        format!("the preflight of {} {how}: browsers send no call of the front end", check.url),
    )
    .fact(SOURCE, "status", check.status.map_or("none".to_owned(), |status| status.to_string()))
    .against("200 to 299")
    .at(evidence.probe.as_ref().map(|probe| probe.at));
    let finding = match &check.error {
        Some(error) if !error.message.is_empty() => finding.fact(SOURCE, "error", error.message.clone()),
        _ => finding,
    };
    Some(finding.next(Development, next))
}

fn cors_origin(evidence: &Evidence) -> Option<Finding> {
    let (check, cors) = answer(evidence)?;
    if cors.origin_allowed || is_any(cors) {
        return None;
    }
    let (what, next) = match cors.allow_origin.as_deref() {
        None => ("the API names no origin that it allows".to_owned(), set_origin(evidence)),
        Some(several) if is_set_twice(several) => (
            format!(
                "the API names the origin it allows more than once, `{several}`, and browsers take one only"
            ),
            format!(
                "let either the backend or what is before it set the header (a proxy, CloudFront, API Gateway), not both: {} shows both lines",
                preflight(evidence, check)
            ),
        ),
        Some(several) if several.contains(',') => (
            format!("the API allows `{several}`, and browsers take one origin only"),
            format!(
                "set CORS_ORIGIN to {} alone in a new revision; for several, split it at its commas before it is given to cors(), which then answers with the one that asks",
                front_end(evidence)
            ),
        ),
        Some(other) => {
            (format!("the API allows `{other}`, not the front end's origin"), set_origin(evidence))
        }
    };
    Some(
        shown(
            Finding::new(Certain, Down, format!("{what}: browsers block its calls")),
            evidence,
            check,
            cors,
        )
        .next(Development, next),
    )
}

/// A list of origins in one header names none of them twice, and has no `*` in it.
fn is_set_twice(origins: &str) -> bool {
    let mut origins: Vec<&str> = origins.split(',').map(str::trim).collect();
    let count = origins.len();
    origins.sort_unstable();
    origins.dedup();
    count > 1 && (origins.len() < count || origins.contains(&"*"))
}

/// POST is sent without being listed; what else is missing in the list is not.
fn cors_method(evidence: &Evidence) -> Option<Finding> {
    let (check, cors) = answer(evidence).filter(|(_, cors)| has_origin(cors))?;
    if cors.method_allowed {
        return None;
    }
    Some(
        shown(
            Finding::new(
                Certain,
                Risk,
                "CORS does not list the method POST: browsers send that even so, but PUT and DELETE only if they are listed",
            ),
            evidence,
            check,
            cors,
        )
        .fact(SOURCE, "POST in Access-Control-Allow-Methods", "no")
        .next(
            Development,
            "list them in the backend's cors() and deploy it: methods: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']",
        ),
    )
}

fn cors_header(evidence: &Evidence) -> Option<Finding> {
    let (check, cors) = answer(evidence).filter(|(_, cors)| has_origin(cors))?;
    if cors.header_allowed {
        return None;
    }
    Some(
        shown(
            Finding::new(
                Certain,
                Down,
                "CORS does not allow the header Content-Type: browsers block every call with JSON, the login too",
            ),
            evidence,
            check,
            cors,
        )
        .fact(SOURCE, "Content-Type in Access-Control-Allow-Headers", "no")
        .next(
            Development,
            "list them in the backend's cors() and deploy it: allowedHeaders: ['Content-Type', 'Authorization']",
        ),
    )
}

/// A front end that sends neither cookies nor its browser's sign-in does without.
fn cors_credentials(evidence: &Evidence) -> Option<Finding> {
    let (check, cors) = answer(evidence).filter(|(_, cors)| has_origin(cors))?;
    if cors.credentials_allowed {
        return None;
    }
    Some(
        shown(
            Finding::new(
                Likely,
                Risk,
                "CORS does not allow credentials: browsers block calls that carry cookies",
            ),
            evidence,
            check,
            cors,
        )
        .fact(SOURCE, "Access-Control-Allow-Credentials", "not allowed")
        .next(
            Development,
            format!(
                "set it in the backend's cors() and deploy it: credentials: true, with the origin {} by name and not *",
                front_end(evidence)
            ),
        ),
    )
}

/// The guide's own configuration does it where the variable is missing: `process.env.CORS_ORIGIN?.split(',') || '*'`.
fn cors_wildcard_credentials(evidence: &Evidence) -> Option<Finding> {
    let (check, cors) = answer(evidence)?;
    // Without credentials the probe takes `*` for allowed.
    let with_credentials = !cors.origin_allowed || cors.credentials_allowed && !check.healthy;
    if !is_any(cors) || !with_credentials {
        return None;
    }
    let finding = shown(
        Finding::new(
            Certain,
            Down,
            "the API answers `*` together with credentials, which browsers refuse: every call of the front end is blocked",
        ),
        evidence,
        check,
        cors,
    );
    let finding = match has_variable(evidence) {
        Some(false) => finding.fact("ECS, task definition", VARIABLE, "not set"),
        _ => finding,
    };
    Some(finding.next(Development, format!("{}; without it cors() falls back to *", set_origin(evidence))))
}

fn set_origin(evidence: &Evidence) -> String {
    new_revision(&format!("with CORS_ORIGIN={} and no slash after it", front_end(evidence)))
}

/// The front end's origin, as the probe's page has it.
fn front_end(evidence: &Evidence) -> String {
    let url = evidence.check("page").map(|page| page.url.as_str());
    let origin = url.map(|url| url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/"));
    origin.unwrap_or_else(|| "<front-end-origin>".to_owned())
}

/// The probe's own request, for a person to send.
fn preflight(evidence: &Evidence, check: &Check) -> String {
    format!(
        "curl -si -X OPTIONS -H 'Origin: {}' -H 'Access-Control-Request-Method: POST' -H 'Access-Control-Request-Headers: content-type' {}",
        front_end(evidence),
        check.url
    )
}

/// The headers of a preflight that was answered with success.
fn answer(evidence: &Evidence) -> Option<(&Check, &Cors)> {
    let check = evidence.check("cors").filter(|check| is_success(check))?;
    Some((check, check.cors.as_ref()?))
}

fn is_success(check: &Check) -> bool {
    check.status.is_some_and(|status| (200..300).contains(&status))
}

fn is_any(cors: &Cors) -> bool {
    cors.allow_origin.as_deref() == Some("*")
}

/// Without an origin nothing is allowed, and the rest says no more. `*` with credentials makes the lists' own `*` void.
fn has_origin(cors: &Cors) -> bool {
    cors.allow_origin.is_some() && (cors.origin_allowed || !is_any(cors))
}

fn has_variable(evidence: &Evidence) -> Option<bool> {
    let mut containers = evidence.definition.as_ref()?.containers.iter();
    Some(containers.any(|container| {
        let secrets = container.secrets.iter().map(|[variable, _]| variable);
        container.variables.iter().chain(secrets).any(|variable| variable == VARIABLE)
    }))
}

fn shown(finding: Finding, evidence: &Evidence, check: &Check, cors: &Cors) -> Finding {
    finding
        .fact(SOURCE, "asked", format!("OPTIONS {}", check.url))
        .at(evidence.probe.as_ref().map(|probe| probe.at))
        .fact(
            SOURCE,
            "Access-Control-Allow-Origin",
            cors.allow_origin
                .clone()
                .filter(|origin| !origin.is_empty())
                .unwrap_or_else(|| "none".to_owned()),
        )
}

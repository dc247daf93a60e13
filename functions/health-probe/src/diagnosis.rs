//! From the checks together to a sentence and a next step: which layer is the likely cause.

use shared::outcome::Next;
use shared::probe::State;
use shared::status::{Level, is_success};

use crate::check::Name;
use crate::failure::Kind;
use crate::finding::Severity;
use crate::phases::Step;
use crate::report::CheckReport;

#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    pub healthy: bool,
    pub summary: String,
    pub next: Option<Next>,
}

struct Cause<'a> {
    what: &'static str,
    level: Level,
    action: &'a str,
}

const fn cause<'a>(what: &'static str, level: Level, action: &'a str) -> Cause<'a> {
    Cause { what, level, action }
}

pub fn diagnose(checks: &[CheckReport]) -> Diagnosis {
    let failed: Vec<&CheckReport> = checks.iter().filter(|check| !check.healthy).collect();
    if failed.is_empty() {
        return all_passed(checks);
    }
    let of_all = Checks(checks);
    let causes = of_all.causes();
    let names: Vec<&str> = failed.iter().map(|check| check.name.as_str()).collect();
    let mut summary =
        format!("Unhealthy: {} of {} checks failed ({})", failed.len(), checks.len(), names.join(", "));
    if causes.is_empty() {
        summary.push('.');
    } else {
        let whats: Vec<&str> = causes.iter().map(|cause| cause.what).collect();
        summary = format!("{summary}; likely cause: {}.", whats.join("; and "));
    }
    let level =
        causes.iter().map(|cause| cause.level).chain(failed.iter().filter_map(|check| check.level)).max();
    let mut actions: Vec<String> = causes.iter().map(|cause| cause.action.to_owned()).collect();
    for check in &failed {
        actions.push(format!("{}: {}", check.name, check.action));
    }
    let level = level.unwrap_or(Level::Development);
    Diagnosis { healthy: false, summary, next: Some(next(level, &actions)) }
}

/// Who acts, and what they look at.
fn next(level: Level, actions: &[String]) -> Next {
    let what = format!("{}: {}", level.people(), actions.join("; "));
    Next { what, level: level as u8, ..Next::default() }
}

fn all_passed(checks: &[CheckReport]) -> Diagnosis {
    let found: Vec<(&str, Severity, &str)> = checks
        .iter()
        .flat_map(|check| {
            check.findings.iter().map(|found| (check.name.as_str(), found.severity, found.message.as_str()))
        })
        .collect();
    let passed = match checks.len() {
        1 => "the check passed".to_owned(),
        count => format!("all {count} checks passed"),
    };
    if found.is_empty() {
        return Diagnosis { healthy: true, summary: format!("Healthy: {passed}."), next: None };
    }
    let critical = found.iter().any(|(_, severity, _)| *severity >= Severity::Critical);
    let level = if critical { Level::DevOps } else { Level::Development };
    let findings = if found.len() == 1 { "finding" } else { "findings" };
    let urgent = if critical { "urgent " } else { "" };
    Diagnosis {
        healthy: true,
        summary: format!("Healthy: {passed}, with {} {urgent}{findings}.", found.len()),
        next: Some(next(
            level,
            &found.iter().map(|(name, _, message)| format!("{name}: {message}")).collect::<Vec<_>>(),
        )),
    }
}

struct Checks<'a>(&'a [CheckReport]);

impl Checks<'_> {
    fn get(&self, name: Name) -> Option<&CheckReport> {
        self.0.iter().find(|check| check.name == name.as_str())
    }

    fn failed(&self, name: Name) -> bool {
        self.get(name).is_some_and(|check| !check.healthy)
    }

    fn passed(&self, name: Name) -> bool {
        self.get(name).is_some_and(|check| check.healthy)
    }

    /// The transport failure that all of these checks that ran have in common.
    fn same_failure(&self, names: &[Name]) -> Option<Kind> {
        let mut kinds = names.iter().filter_map(|name| self.get(*name)).map(|check| {
            let error = check.error.as_ref().filter(|error| error.step.is_some());
            error.and_then(|error| error.kind)
        });
        let first = kinds.next()??;
        kinds.all(|kind| kind == Some(first)).then_some(first)
    }

    fn asked(&self, names: &[Name]) -> bool {
        names.iter().any(|name| self.get(*name).is_some())
    }

    /// Whether nothing that was asked, on either side, was even connected to, for one reason.
    fn nothing_is_reached(&self) -> bool {
        let unreached = |check: &CheckReport| {
            let error = check.error.as_ref();
            error.is_some_and(|error| matches!(error.step, Some(Step::Dns | Step::Connect)))
        };
        self.asked(&API)
            && self.asked(&FRONT_END)
            && self.0.iter().all(unreached)
            && self.same_failure(&Name::ALL).is_some()
    }

    /// What the first of these checks that failed says is to be checked.
    fn action(&self, names: &[Name]) -> Option<&str> {
        let mut failed =
            names.iter().filter_map(|name| self.get(*name)).filter(|check| check.error.is_some());
        failed.next().map(|check| check.action.as_str())
    }

    fn any_status(&self, names: &[Name], statuses: &[u16]) -> bool {
        names.iter().filter_map(|name| self.get(*name)?.status).any(|status| statuses.contains(&status))
    }

    fn causes(&self) -> Vec<Cause<'_>> {
        if self.0.iter().any(has_expired_certificate) {
            return vec![cause(
                "a certificate has expired",
                Level::DevOps,
                "Renew or replace the expired certificate (ACM: see why its validation failed)",
            )];
        }
        if self.nothing_is_reached() {
            return vec![cause(
                "nothing can be reached, neither API nor front end",
                Level::DevOps,
                "Check DNS and network for everything at once; if the AWS Health Dashboard shows an event, \
                 open a case with Level 3: AWS Support",
            )];
        }
        [self.api(), self.front_end(), self.cors()].into_iter().flatten().collect()
    }

    fn api(&self) -> Option<Cause<'_>> {
        use Level::{DevOps, Development};
        use Name::{Health, HealthDb, HealthRedis};

        if !API.iter().any(|name| self.failed(*name)) {
            return None;
        }
        if API.iter().all(|name| !self.passed(*name)) {
            if self.any_status(&API, &[429]) {
                return Some(cause(
                    "the API limits its callers' rate",
                    Development,
                    "Find who calls so often, or exempt the probe from the limit",
                ));
            }
            match self.same_failure(&API) {
                Some(Kind::Dns) => {
                    return Some(cause("the API's name is not found", DevOps, "Check the API's DNS record"));
                }
                Some(Kind::Tls) => {
                    return self.action(&API).map(|action| cause("the API's TLS", DevOps, action));
                }
                Some(Kind::Http) => {
                    let what = "the API's answers, which break off or cannot be read";
                    return self.action(&API).map(|action| cause(what, DevOps, action));
                }
                Some(Kind::Connect) => {
                    return Some(cause(
                        "the API's load balancer cannot be reached",
                        DevOps,
                        "Check the load balancer, its listener and security groups",
                    ));
                }
                Some(Kind::Timeout) => return Some(TASKS),
                None if self.any_status(&[Health], &[502, 503, 504]) => return Some(TASKS),
                None => {}
            }
        }
        Some(match (self.failed(HealthDb), self.failed(HealthRedis), self.failed(Health)) {
            (true, false, _) => cause(
                "the database layer (DocumentDB)",
                DevOps,
                "Check the DocumentDB cluster: status, connections, CPU, and its security group",
            ),
            (false, true, _) => cause(
                "the Redis layer",
                DevOps,
                "Check the Redis cluster: status, memory, connections, and its security group",
            ),
            (true, true, false) => cause(
                "the way from the backend to its data stores (DocumentDB and Redis both fail)",
                DevOps,
                "Check the backend's network: subnets, routes and security groups; then its secrets",
            ),
            _ => cause(
                "the backend itself",
                Development,
                "Check the backend's logs and its latest deployment; roll back if they began together",
            ),
        })
    }

    fn front_end(&self) -> Option<Cause<'_>> {
        if self.same_failure(&FRONT_END) == Some(Kind::Tls) {
            let action = self.action(&FRONT_END)?;
            return Some(cause("the front end's TLS", Level::DevOps, action));
        }
        let is_answered = |name| {
            self.get(name).is_some_and(|check| check.error.is_none() && check.status.is_some_and(is_success))
        };
        match (self.failed(Name::Page), self.failed(Name::Asset)) {
            (true, _) if is_answered(Name::Page) => Some(cause(
                "the front end's latest deployment (the page is answered, and browsers cannot use it)",
                Level::Development,
                UPLOADED,
            )),
            (true, _) => Some(cause(
                "the front end (CloudFront or its origin)",
                Level::DevOps,
                "Check the CloudFront distribution and its origin bucket",
            )),
            (false, true) if is_answered(Name::Asset) => Some(cause(
                "the front end's latest deployment (an asset is answered, and browsers cannot use it)",
                Level::Development,
                UPLOADED,
            )),
            (false, true) => Some(cause(
                "the front end's latest deployment (the page is there, an asset is not)",
                Level::Development,
                "Check that the deployment uploaded its assets, then invalidate CloudFront's cache",
            )),
            (false, false) => None,
        }
    }

    /// A failing API answers preflights wrongly as well: then CORS is a consequence.
    fn cors(&self) -> Option<Cause<'static>> {
        (self.failed(Name::Cors) && !self.failed(Name::Health)).then_some(cause(
            "the backend's CORS configuration",
            Level::Development,
            "Check the backend's CORS_ORIGIN and CORS configuration",
        ))
    }
}

fn has_expired_certificate(check: &CheckReport) -> bool {
    check.certificate.is_some_and(|certificate| certificate.state == State::Expired)
}

const API: [Name; 3] = [Name::Health, Name::HealthDb, Name::HealthRedis];
const FRONT_END: [Name; 2] = [Name::Page, Name::Asset];

const UPLOADED: &str =
    "Check what the deployment uploaded and with which Content-Type, then invalidate CloudFront's cache";

const TASKS: Cause<'static> = cause(
    "the backend's tasks: too few, failing or overloaded behind the load balancer",
    Level::DevOps,
    "Check ECS tasks (stopped reasons, latest deployment) and the health of the ALB's targets",
);

#[cfg(test)]
mod tests;

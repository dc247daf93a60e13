//! Targets that the load balancer does not trust: what it says of them, and what is set wrongly around them.

use super::{
    Rules,
    failed_starts::{self, Failures, is_unanswered},
};
use crate::{
    evidence::{Evidence, SecurityGroup, Target, TargetGroup},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::{self, Degraded, Down, Risk},
        Level::{Aws, DevOps, Development},
    },
};

pub(super) const RULES: Rules = &[
    ("target_response_mismatch", target_response_mismatch),
    ("target_timeout", target_timeout),
    ("target_failed_health_checks", target_failed_health_checks),
    ("elb_internal", elb_internal),
    ("no_targets", no_targets),
    ("no_healthy_target", no_healthy_target),
    ("health_check_path_wrong", health_check_path_wrong),
    ("health_check_port_wrong", health_check_port_wrong),
    ("health_check_matcher_wrong", health_check_matcher_wrong),
    ("health_check_timing_wrong", health_check_timing_wrong),
    ("security_group_closed", security_group_closed),
    ("targets_draining", targets_draining),
];

/// Targets with their groups.
type Targets<'a> = Vec<(&'a TargetGroup, &'a Target)>;

const TARGET_HEALTH: &str = "ALB, target health";
const TARGET_GROUP: &str = "ALB, target group";
const MISMATCH: &str = "Target.ResponseCodeMismatch";
const TIMEOUT: &str = "Target.Timeout";
const FAILED: &str = "Target.FailedHealthChecks";
const INTERNAL: &str = "Elb.InternalError";

fn target_response_mismatch(evidence: &Evidence) -> Option<Finding> {
    let bad = bad(evidence, MISMATCH);
    let (group, target) = *bad.first()?;
    let codes = codes(&target.description);
    let codes = if codes.is_empty() { "other codes".to_owned() } else { told(&codes) };
    let what =
        format!("{} of {} answer {codes} to the health check of {}", bad.len(), targets(group), group.path);
    Some(
        by_reason(evidence, &bad, what)?
            .fact(TARGET_GROUP, "codes that count as healthy", group.matcher.clone())
            .next(Development, format!("look in the log why {} answers so", group.path)),
    )
}

fn target_timeout(evidence: &Evidence) -> Option<Finding> {
    let bad = bad(evidence, TIMEOUT);
    let (group, _) = *bad.first()?;
    let what = format!(
        "{} of {} do not answer the health check of {} within {} s",
        bad.len(),
        targets(group),
        group.path,
        group.timeout_seconds
    );
    Some(
        by_reason(evidence, &bad, what)?
            .fact(TARGET_GROUP, "timeout of the health check", format!("{} s", group.timeout_seconds))
            .next(Development, "see what keeps the tasks busy: CPU, the database, connections; and whether the network lets the check through"),
    )
}

fn target_failed_health_checks(evidence: &Evidence) -> Option<Finding> {
    let bad = bad(evidence, FAILED);
    let (group, target) = *bad.first()?;
    let what = format!(
        "{} of {} refuse or break the health check's connection to port {}",
        bad.len(),
        targets(group),
        checked_port(group, target)
    );
    Some(by_reason(evidence, &bad, what)?.next(
        Development,
        "see whether the program listens on that port, on 0.0.0.0, and speaks the protocol of the target group",
    ))
}

fn elb_internal(evidence: &Evidence) -> Option<Finding> {
    let bad = bad(evidence, INTERNAL);
    let (group, _) = *bad.first()?;
    let what = format!("the load balancer itself fails to check {} of {}", bad.len(), targets(group));
    let finding = by_reason(evidence, &bad, what)?;
    let finding = match &evidence.load_balancer {
        Some(balancer) if !balancer.state.is_empty() => {
            finding.fact("ALB", format!("state of {}", balancer.name), balancer.state.clone())
        }
        _ => finding,
    };
    Some(
        finding.next(
            Aws,
            "open a case with AWS with the target group's ARN; look at AWS Health for this region",
        ),
    )
}

fn no_targets(evidence: &Evidence) -> Option<Finding> {
    let service = evidence.service.as_ref().filter(|service| service.desired > 0)?;
    let groups = evidence.target_groups.as_ref()?;
    let group = groups.first()?;
    let all: Vec<&Target> = groups.iter().flat_map(|group| &group.targets).collect();
    if !all.iter().all(|target| target.state == "unused") {
        return None;
    }
    let finding = match all.first() {
        Some(unused) => {
            let why = if unused.description.is_empty() { &unused.reason } else { &unused.description };
            Finding::new(Certain, Down, format!("no request reaches the targets of {}: they are not in use", group.name))
                .fact(TARGET_HEALTH, format!("target {}", unused.id), format!("unused: {why}"))
                .next(DevOps, "let a listener of the load balancer forward to this target group, in the zones where the tasks are")
        }
        None => Finding::new(
            Certain,
            Down,
            format!("no task is registered with the target group {}", group.name),
        )
        .fact(TARGET_HEALTH, format!("targets of {}", group.name), "none")
        .next(
            DevOps,
            "see why the service's tasks do not start, and whether the service names this target group",
        ),
    };
    Some(
        finding
            .fact("ECS, service", "tasks that run", service.running.to_string())
            .against(format!("{} wanted", service.desired)),
    )
}

fn no_healthy_target(evidence: &Evidence) -> Option<Finding> {
    let groups = evidence.target_groups.as_ref()?;
    let mut all = groups.iter().flat_map(|group| &group.targets);
    let group = groups.iter().find(|group| group.targets.iter().any(|target| target.state == "unhealthy"))?;
    if all.any(|target| target.state == "healthy") {
        return None;
    }
    let with = |state: &str| group.targets.iter().filter(|target| target.state == state).count();
    let counts =
        ["unhealthy", "initial", "draining"].map(|state| format!("{} {state}", with(state))).join(", ");
    Some(
        Finding::new(Certain, impact(evidence, group), format!("none of {} is healthy", targets(group)))
            .fact(TARGET_HEALTH, format!("targets of {}", group.name), counts)
            .next(DevOps, "see the reason of each target, and what the tasks log; as long as none is healthy the load balancer sends to all"),
    )
}

fn health_check_path_wrong(evidence: &Evidence) -> Option<Finding> {
    /// What an application answers that has no such path, has it elsewhere, or does not let everybody see it.
    const ELSEWHERE: &[u16] = &[301, 302, 303, 307, 308, 401, 403, 404, 405];
    let (bad, codes) = all_answer(evidence, |code| ELSEWHERE.contains(&code))?;
    let (group, _) = *bad.first()?;
    let answered = evidence.check("health").filter(|check| check.healthy).map(|check| path(&check.url));
    let answered = answered.filter(|path| *path != group.path);
    let asked = own_check(evidence).filter(|command| !command.contains(&group.path));
    let finding = by_reason(
        evidence,
        &bad,
        format!(
            "the health check asks for {}, which the application answers with {}",
            group.path,
            told(&codes)
        ),
    )?;
    let finding = match (answered, asked) {
        (Some(path), _) => finding
            .fact("health probe", format!("GET {path}"), "passes")
            .next(DevOps, format!("set the target group's health check path to {path}")),
        (None, Some(command)) => Finding { confidence: Likely, ..finding }
            .fact("ECS, task definition", "the container's own check, which passes", command.to_owned())
            .next(
                DevOps,
                "set the target group's health check path to the one that the container's own check asks for",
            ),
        (None, None) => return None,
    };
    Some(finding.fact(TARGET_GROUP, "path of the health check", group.path.clone()))
}

fn health_check_port_wrong(evidence: &Evidence) -> Option<Finding> {
    // On instances, the port of a target is one of the host's.
    let definition = evidence.definition.as_ref().filter(|definition| definition.is_fargate)?;
    let ports: Vec<u16> =
        definition.containers.iter().flat_map(|container| &container.ports).copied().collect();
    let bad = [bad(evidence, FAILED), bad(evidence, TIMEOUT)].concat();
    // A container may listen on a port that its definition does not name: then the check passes.
    let is_wrong = |(group, target): &&(&TargetGroup, &Target)| {
        !serves(group) && !ports.contains(&checked_port(group, target))
    };
    let (group, target) = *bad.iter().find(is_wrong)?;
    if ports.is_empty() {
        return None;
    }
    let port = checked_port(group, target);
    let listed = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let finding = by_reason(
        evidence,
        &[(group, target)],
        format!("the health check asks port {port}, and the containers have {listed}"),
    )?;
    Some(
        Finding { confidence: if target.reason == FAILED { Certain } else { Likely }, ..finding }
            .fact(TARGET_GROUP, "port of the health check", format!("{} ({port})", group.health_port))
            .fact("ECS, task definition", "ports of the containers", listed)
            .next(DevOps, "set the health check's port to traffic-port, or to a port that a container has"),
    )
}

fn health_check_matcher_wrong(evidence: &Evidence) -> Option<Finding> {
    let (bad, codes) = all_answer(evidence, |code| (200..300).contains(&code))?;
    let (group, _) = *bad.first()?;
    Some(
        by_reason(
            evidence,
            &bad,
            format!(
                "the tasks answer {} to the health check, which is well, and only {} counts",
                told(&codes),
                group.matcher
            ),
        )?
        .fact(TARGET_GROUP, "codes that count as healthy", group.matcher.clone())
        .next(DevOps, "set the target group's matcher to 200-299"),
    )
}

fn health_check_timing_wrong(evidence: &Evidence) -> Option<Finding> {
    let groups = evidence.target_groups.as_ref()?;
    let timed_out = bad(evidence, TIMEOUT);
    if let Some(group) = groups
        .iter()
        .find(|group| group.interval_seconds > 0 && group.timeout_seconds >= group.interval_seconds)
    {
        return Some(
            Finding::new(
                Certain,
                if timed_out.is_empty() { Risk } else { impact(evidence, group) },
                format!(
                    "the health check of {} waits {} s for an answer, and the next one comes after {} s",
                    group.name, group.timeout_seconds, group.interval_seconds
                ),
            )
            .fact(TARGET_GROUP, "timeout of the health check", format!("{} s", group.timeout_seconds))
            .against(format!("every {} s", group.interval_seconds))
            .next(DevOps, "make the timeout shorter than the interval"),
        );
    }
    let (group, _) = *timed_out.first()?;
    let check = evidence.check("health").filter(|check| check.healthy && path(&check.url) == group.path)?;
    let seconds = check.phase_ms("first_byte_ms")? / 1_000.0;
    if seconds <= f64::from(group.timeout_seconds) {
        return None;
    }
    let finding = by_reason(
        evidence,
        &timed_out,
        format!(
            "{} answers well after {seconds:.1} s, and the health check of {} waits only {} s",
            group.path, group.name, group.timeout_seconds
        ),
    )?;
    Some(
        Finding { confidence: Likely, ..finding }
            .fact("health probe", format!("first byte of {}", group.path), format!("{seconds:.1} s"))
            .against(format!("{} s", group.timeout_seconds))
            .next(DevOps, "give the health check a longer timeout now; then make the check itself cheap, without the database"),
    )
}

fn security_group_closed(evidence: &Evidence) -> Option<Finding> {
    let service = evidence.service.as_ref()?;
    let tasks = service.security_groups.as_slice();
    if let Some(balancer) = &evidence.load_balancer {
        // What is refused or broken has passed, and so has what another target answers.
        for (group, target) in bad(evidence, TIMEOUT).into_iter().filter(|(group, _)| !serves(group)) {
            let ports = [target.port, checked_port(group, target)];
            let way = ports.iter().find_map(|port| closed(evidence, &balancer.security_groups, tasks, *port));
            if let Some(way) = way {
                return Some(
                    closed_finding("the load balancer", "the tasks", &way, impact(evidence, group)).fact(
                        TARGET_HEALTH,
                        format!("target {}", target.id),
                        target.reason.clone(),
                    ),
                );
            }
        }
    }
    if let Some(finding) = closed_to_aws(evidence, tasks) {
        return Some(finding);
    }
    let database = evidence
        .database
        .as_ref()
        .map(|it| ("health-db", &it.security_groups, it.port, "the database", Down));
    let redis =
        evidence.redis.as_ref().map(|it| ("health-redis", &it.security_groups, it.port, "Redis", Degraded));
    [database, redis].into_iter().flatten().find_map(|(name, groups, port, what, impact)| {
        let check = evidence.check(name);
        if check.is_some_and(|check| check.healthy) {
            return None;
        }
        let way = closed(evidence, tasks, groups, port)?;
        let finding = closed_finding("the tasks", what, &way, impact);
        Some(match check {
            Some(check) => {
                let status =
                    check.status.map_or("no good answer".to_owned(), |code| format!("answers {code}"));
                finding.fact("health probe", check.url.clone(), status)
            }
            None => Finding { confidence: Likely, ..finding },
        })
    })
}

/// No rule lets the tasks out to AWS, and they wait for it in vain.
fn closed_to_aws(evidence: &Evidence, tasks: &[String]) -> Option<Finding> {
    const HTTPS: u16 = 443;
    let failed = Failures::of(evidence, is_unanswered)?;
    let seen = evidence.security_groups.as_ref()?;
    let groups =
        tasks.iter().map(|id| seen.iter().find(|group| group.id == *id)).collect::<Option<Vec<_>>>()?;
    let mut egress = groups.iter().flat_map(|group| &group.egress);
    if groups.is_empty() || egress.any(|rule| rule.covers(HTTPS)) {
        return None;
    }
    let way = Closed { groups: tasks.join(", "), direction: "egress", port: HTTPS };
    let id = tasks.first()?;
    let finding = closed_finding("the tasks", "AWS", &way, failed_starts::impact(evidence));
    Some(failed.shown(evidence, finding).next(
        DevOps,
        format!("let them out: aws ec2 authorize-security-group-egress --group-id {id} --protocol tcp --port {HTTPS} --cidr 0.0.0.0/0, or only to the security group of the VPC's endpoints"),
    ))
}

/// Where a way ends: at a group's ingress or egress.
struct Closed {
    groups: String,
    direction: &'static str,
    port: u16,
}

/// Whether no rule may let anything through. Nothing is known of groups that were not seen.
fn closed(evidence: &Evidence, from: &[String], to: &[String], port: u16) -> Option<Closed> {
    let seen = evidence.security_groups.as_ref()?;
    let of = |ids: &[String]| -> Option<Vec<&SecurityGroup>> {
        let found = ids.iter().map(|id| seen.iter().find(|group| group.id == *id));
        found.collect::<Option<Vec<_>>>().filter(|groups| !groups.is_empty())
    };
    let (sending, receiving) = (of(from)?, of(to)?);
    let at = |ids: &[String], direction| Some(Closed { groups: ids.join(", "), direction, port });
    if !receiving.iter().flat_map(|group| &group.ingress).any(|rule| rule.may_let(from, port)) {
        return at(to, "ingress");
    }
    if !sending.iter().flat_map(|group| &group.egress).any(|rule| rule.may_let(to, port)) {
        return at(from, "egress");
    }
    None
}

fn closed_finding(from: &str, to: &str, way: &Closed, impact: Impact) -> Finding {
    let Closed { groups, direction, port } = way;
    Finding::new(
        Certain,
        impact,
        format!("{from} cannot reach {to} on port {port}: the {direction} of {groups} does not let it through"),
    )
    .fact("EC2, security groups", format!("{direction} of {groups} on TCP {port}"), "no rule")
    .against(format!("from {from} to {to}"))
    .next(DevOps, format!("add the rule to {groups}: {direction} on TCP {port} between the security groups of {from} and {to}"))
}

fn targets_draining(evidence: &Evidence) -> Option<Finding> {
    /// The old tasks of an ordinary deployment are replaced by then.
    const DEPLOYMENT_MINUTES: i64 = 15;
    let service = evidence.service.as_ref().filter(|service| service.desired > 0)?;
    let groups = evidence.target_groups.as_ref()?;
    let deploys = service.deployments.iter().any(|deployment| {
        deployment.rollout == "IN_PROGRESS"
            && deployment.created_at.is_some_and(|at| evidence.within_minutes(at, DEPLOYMENT_MINUTES))
    });
    let mut all = groups.iter().flat_map(|group| &group.targets);
    if deploys || !all.all(|target| matches!(target.state.as_str(), "draining" | "unused")) {
        return None;
    }
    let group = groups.iter().find(|group| group.targets.iter().any(|target| target.state == "draining"))?;
    let draining = group.targets.iter().filter(|target| target.state == "draining").count();
    Some(
        Finding::new(
            Certain,
            Down,
            format!("all {draining} targets of {} are draining, and none takes their place", group.name),
        )
        .fact(TARGET_HEALTH, format!("targets of {}", group.name), format!("{draining} draining"))
        .fact("ECS, service", "tasks that run", service.running.to_string())
        .against(format!("{} wanted", service.desired))
        .next(DevOps, "see in the service's events why its tasks were stopped and no new ones come"),
    )
}

/// The targets that are unhealthy for this reason. ECS does not mind those of tasks in their grace period.
fn bad<'a>(evidence: &'a Evidence, reason: &str) -> Targets<'a> {
    let grace = evidence.service.as_ref().and_then(|service| service.grace_seconds).unwrap_or_default();
    let in_grace = |target: &Target| {
        let mut running = evidence.tasks.iter().flat_map(|tasks| &tasks.running);
        running.any(|task| {
            task.address.as_ref() == Some(&target.id)
                && task.started_at.is_some_and(|at| evidence.ago(at).as_secs() < i64::from(grace))
        })
    };
    let groups = evidence.target_groups.iter().flatten();
    let all = groups.flat_map(|group| group.targets.iter().map(move |target| (group, target)));
    all.filter(|(_, target)| target.state == "unhealthy" && target.reason == reason && !in_grace(target))
        .collect()
}

/// The targets of a group of which none is healthy and all answer such codes, and the codes.
fn all_answer(evidence: &Evidence, is: impl Fn(u16) -> bool) -> Option<(Targets<'_>, Vec<u16>)> {
    let answers = |(_, target): &&(&TargetGroup, &Target)| {
        let codes = codes(&target.description);
        !codes.is_empty() && codes.into_iter().all(&is)
    };
    let bad = bad(evidence, MISMATCH);
    let (group, target) = *bad.iter().filter(|(group, _)| !serves(group)).find(answers)?;
    let all: Targets = bad.iter().filter(|(other, _)| *other == group).filter(answers).copied().collect();
    Some((all, codes(&target.description)))
}

fn serves(group: &TargetGroup) -> bool {
    group.targets.iter().any(|target| target.state == "healthy")
}

fn by_reason(evidence: &Evidence, bad: &[(&TargetGroup, &Target)], what: String) -> Option<Finding> {
    let (group, target) = bad.first()?;
    let description = if target.description.is_empty() { &target.reason } else { &target.description };
    Some(Finding::new(Certain, impact(evidence, group), what).fact(
        TARGET_HEALTH,
        format!("target {}:{} of {}", target.id, target.port, group.name),
        format!("unhealthy, {description}"),
    ))
}

/// A load balancer without a healthy target sends to all of them, and some may answer.
fn impact(evidence: &Evidence, group: &TargetGroup) -> Impact {
    if serves(group) || evidence.check("health").is_some_and(|check| check.healthy) { Degraded } else { Down }
}

/// `Health checks failed with these codes: [502, 503]`.
fn codes(description: &str) -> Vec<u16> {
    let codes = description.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']'));
    codes.iter().flat_map(|(codes, _)| codes.split(',')).filter_map(|code| code.trim().parse().ok()).collect()
}

fn told(codes: &[u16]) -> String {
    codes.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

fn checked_port(group: &TargetGroup, target: &Target) -> u16 {
    group.health_port.parse().unwrap_or(target.port)
}

/// As in `/health`, of `https://api.lendpeak.com/health?full=1`.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|place| rest.get(place..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or(path)
}

/// The container's own health check, where it passes.
fn own_check(evidence: &Evidence) -> Option<&str> {
    let running = &evidence.tasks.as_ref()?.running;
    if running.is_empty() || !running.iter().all(|task| task.health == "HEALTHY") {
        return None;
    }
    let containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    containers
        .filter_map(|container| container.health_check.as_ref())
        .map(|check| check.command.as_str())
        .next()
}

fn targets(group: &TargetGroup) -> String {
    let count = group.targets.iter().filter(|target| target.state != "draining").count();
    if count == 1 {
        format!("1 target of {}", group.name)
    } else {
        format!("{count} targets of {}", group.name)
    }
}

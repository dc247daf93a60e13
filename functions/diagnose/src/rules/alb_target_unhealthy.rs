//! Targets that the load balancer does not trust: what it says of them, and what is set wrongly around them.

use std::fmt::Arguments;

use super::{
    Rule,
    failed_starts::{self, Failures, is_unanswered, says},
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

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "target_response_mismatch",
        find: target_response_mismatch,
        looks_at: "Targets that are unhealthy for Target.ResponseCodeMismatch, and the codes in its \
                   description. A connection and an answer are there, so the network and the port are right: \
                   the application itself answers with a code that the matcher does not count. Targets of \
                   tasks in their grace period are left out, here and below.",
        otherwise: "replace the tasks: send restart {\"reason\": \"targets answer the health check with \
                    errors\"}",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "target_timeout",
        find: target_timeout,
        looks_at: "Targets that are unhealthy for Target.Timeout: no answer came within the health check's \
                   timeout. The tasks hang, are too busy, or are not reached; where it is a port, a path, a \
                   security group or the timeout itself, another rule says so.",
        otherwise: "replace tasks that hang: send restart {\"reason\": \"targets time out in the health \
                    check\"}",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "target_failed_health_checks",
        find: target_failed_health_checks,
        looks_at: "Targets that are unhealthy for Target.FailedHealthChecks: the connection was refused or \
                   broken. A closed security group lets it time out instead, so the task is reached, and \
                   what should answer does not.",
        otherwise: "go back, if a release changed the port or the protocol: send rollback {\"to\": \
                    \"previous\"}",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "elb_internal",
        find: elb_internal,
        looks_at: "Targets that are unhealthy for Elb.InternalError: the load balancer could not make its \
                   check. It says nothing of the tasks.",
        otherwise: "have the tasks registered anew: send restart {\"reason\": \"the load balancer cannot \
                    check its targets\"}",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "no_targets",
        find: no_targets,
        looks_at: "A desired count above 0, while the target groups have no target, or only unused ones. \
                   Then no request reaches a task, however well the tasks are.",
        otherwise: "compare the target groups of the service with those of the listeners: aws ecs \
                    describe-services --cluster <cluster> --services <service> --query \
                    'services[0].loadBalancers'",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "no_healthy_target",
        find: no_healthy_target,
        looks_at: "At least one unhealthy target, and no healthy one in any target group. It says that, and \
                   not why: a rule that knows the reason explains it.",
        otherwise: "replace the tasks: send restart {\"reason\": \"no target is healthy\"}",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "health_check_path_wrong",
        find: health_check_path_wrong,
        looks_at: "Targets that answer the health check with 301, 302, 303, 307, 308, 401, 403, 404 or 405, \
                   with no healthy one in their group, while the probe gets a good answer from another path, \
                   or every running task passes its container's own check of another path. So the \
                   application works, and the path is wrong; by the container's check it is likely.",
        otherwise: "go back, if a release took the path away: send rollback {\"to\": \"previous\"}",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "health_check_port_wrong",
        find: health_check_port_wrong,
        looks_at: "Fargate targets that fail with Target.FailedHealthChecks or Target.Timeout, with no \
                   healthy one in their group, while the port that is checked is none of the containers' \
                   ports. Nothing listens there: refused connections make it certain, timeouts likely.",
        otherwise: "have the program listen on the port that is checked too, and name that port in the task \
                    definition",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "health_check_matcher_wrong",
        find: health_check_matcher_wrong,
        looks_at: "Targets that answer the health check with a code from 200 to 299 that the matcher does \
                   not count, with no healthy one in their group. Such an answer means that they are well.",
        otherwise: "have the application answer the health check with a code that the matcher counts",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "health_check_timing_wrong",
        find: health_check_timing_wrong,
        looks_at: "A health check whose timeout is not shorter than its interval; or targets that are \
                   unhealthy for Target.Timeout, while the probe gets a good answer from the very same path, \
                   only later than the timeout. Then the check is too impatient, and the tasks are not \
                   stuck.",
        otherwise: "make the check itself cheap: have its path answer without the database or another \
                    service",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "security_group_closed",
        find: security_group_closed,
        looks_at: "The security groups at both ends of a way that does not work: load balancer to tasks \
                   (targets with Target.Timeout, none of their group healthy), tasks to AWS on 443 (tasks \
                   that fail to start without an answer of AWS), tasks to database and to Redis (their \
                   health check fails, or was not made: then it is likely). It is closed if no rule for the \
                   port names the other side's group or an address range; every range is taken for open.",
        otherwise: "put back the rule that was removed: aws cloudtrail lookup-events --lookup-attributes \
                    AttributeKey=EventName,AttributeValue=RevokeSecurityGroupIngress --max-results 5 shows \
                    which, and who removed it",
        helped: "targets are healthy again (aws elbv2 describe-target-health --target-group-arn \
                 <target-group-arn>), or send health-probe {\"checks\": [\"health-db\", \"health-redis\"]} \
                 answers healthy, within 3 minutes",
    },
    Rule {
        cause: "targets_draining",
        find: targets_draining,
        looks_at: "All targets are draining or unused, and at least one is draining, with a desired count \
                   above 0 and no deployment that began in the last 15 minutes. A deployment usually brings \
                   new targets before it drains the old ones.",
        otherwise: "have ECS deploy <task-definition> once more: aws ecs update-service --cluster <cluster> \
                    --service <service> --task-definition <task-definition> --force-new-deployment",
        helped: ALL_HEALTHY,
    },
];

const ALL_HEALTHY: &str = "aws elbv2 describe-target-health --target-group-arn <target-group-arn> shows only \
                           healthy targets within 5 minutes";

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
            .next(
                Development,
                format!(
                    "see in the log why {} answers so: aws logs tail <log-group> --since 15m --filter-pattern '%[Ee]rror|ERROR|[Ff]atal|Exception%'",
                    group.path
                ),
            ),
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
            .next(
                Development,
                "see what the tasks wait for: aws logs tail <log-group> --since 15m, and CPUUtilization of the service (CloudWatch, AWS/ECS); where the CPU is full, send scale-up {\"reason\": \"targets time out, and their CPU is full\"}",
            ),
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
        format!(
            "see in the log whether the program listens on 0.0.0.0:{} (aws logs tail <log-group> --since 1h), and whether it speaks what the target group asks for: aws elbv2 describe-target-groups --target-group-arns {} --query 'TargetGroups[0].[Protocol,HealthCheckProtocol]'",
            checked_port(group, target),
            group.arn
        ),
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
            format!(
                "open a case with AWS Support (production system down) about {}, and look at https://health.aws.amazon.com/health/status for this region",
                group.arn
            ),
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
            Finding::new(
                Certain,
                Down,
                format!("no request reaches the targets of {}: they are not in use", group.name),
            )
            .fact(TARGET_HEALTH, format!("target {}", unused.id), format!("unused: {why}"))
            .next(DevOps, put_to_use(group, why))
        }
        None => {
            Finding::new(Certain, Down, format!("no task is registered with the target group {}", group.name))
                .fact(TARGET_HEALTH, format!("targets of {}", group.name), "none")
                .next(DevOps, registered(evidence, group, service.running))
        }
    };
    Some(
        finding
            .fact("ECS, service", "tasks that run", service.running.to_string())
            .against(format!("{} wanted", service.desired)),
    )
}

/// The step that has the load balancer send requests to a target group, by what it says of an unused target.
fn put_to_use(group: &TargetGroup, why: &str) -> String {
    const ARN: &str = "aws elbv2 describe-load-balancers --names <load-balancer>";
    if says(why, &["availability zone"]) {
        format!(
            "give the load balancer a subnet in the tasks' zones: aws elbv2 set-subnets --load-balancer-arn <load-balancer-arn> --subnets <its-subnet-ids> <one-more> (all it has must be named; {ARN} shows them)"
        )
    } else if says(why, &["not configured to receive traffic", "notinuse"]) {
        format!(
            "have a listener forward to it: aws elbv2 modify-listener --listener-arn <listener-arn> --default-actions Type=forward,TargetGroupArn={}, which replaces all of its default actions (see them first: aws elbv2 describe-listeners --load-balancer-arn <load-balancer-arn>; {ARN} shows the ARN)",
            group.arn
        )
    } else {
        format!(
            "correct what the load balancer names ({why}): aws elbv2 describe-target-health --target-group-arn {}",
            group.arn
        )
    }
}

/// The step that brings tasks into a target group.
fn registered(evidence: &Evidence, group: &TargetGroup, running: u32) -> String {
    if running == 0 {
        "see why no task starts: aws ecs describe-services --cluster <cluster> --services <service> --query \
         'services[0].events[:5].message'"
            .to_owned()
    } else {
        format!("have the service register its tasks: {}", register(evidence, group))
    }
}

/// The command that names a target group in the service, and the port of its tasks. What it does not name is lost.
fn register(evidence: &Evidence, group: &TargetGroup) -> String {
    let mut containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let (name, port) = containers
        .find_map(|container| Some((container.name.as_str(), container.ports.first()?.to_string())))
        .unwrap_or_else(|| ("<container>", "<port>".to_owned()));
    let has_others = evidence.target_groups.as_ref().is_some_and(|groups| groups.len() > 1);
    let others = if has_others { " (with its other target groups, each named so)" } else { "" };
    format!(
        "aws ecs update-service --cluster <cluster> --service <service> --load-balancers targetGroupArn={},containerName={name},containerPort={port}{others}",
        group.arn
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
            .next(
                DevOps,
                format!(
                    "see the reason of each target (aws elbv2 describe-target-health --target-group-arn {}), and what the tasks log (aws logs tail <log-group> --since 15m); until one is healthy, the load balancer sends to all of them",
                    group.arn
                ),
            ),
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
        (Some(path), _) => finding.fact("health probe", format!("GET {path}"), "passes").next(
            DevOps,
            format!("check the path that works: {}", set(group, format_args!("--health-check-path {path}"))),
        ),
        (None, Some(command)) => Finding { confidence: Likely, ..finding }
            .fact("ECS, task definition", "the container's own check, which passes", command.to_owned())
            .next(
                DevOps,
                format!(
                    "check the path that the container's own health check uses: {}",
                    set(
                        group,
                        format_args!("--health-check-path {}", asked_path(command).unwrap_or("<path>"))
                    )
                ),
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
    let next = if ports.contains(&target.port) {
        format!(
            "check the port that receives the requests: {}",
            set(group, format_args!("--health-check-port traffic-port"))
        )
    } else {
        // The tasks are registered with a port that they do not have.
        format!("have the tasks registered with their own port: {}", register(evidence, group))
    };
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
            .next(DevOps, next),
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
                "the tasks answer the health check with {}, a success, but the target group accepts only {}",
                told(&codes),
                group.matcher
            ),
        )?
        .fact(TARGET_GROUP, "codes that count as healthy", group.matcher.clone())
        .next(
            DevOps,
            format!("accept every 2xx: {}", set(group, format_args!("--matcher HttpCode=200-299"))),
        ),
    )
}

fn health_check_timing_wrong(evidence: &Evidence) -> Option<Finding> {
    /// Seconds, of an application load balancer.
    const LEAST_TIMEOUT: u32 = 2;
    const MOST_TIMEOUT: f64 = 120.0;
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
            .next(
                DevOps,
                format!(
                    "make the timeout shorter than the interval: {}",
                    set(
                        group,
                        format_args!(
                            "--health-check-timeout-seconds {}",
                            group.interval_seconds.saturating_sub(1).max(LEAST_TIMEOUT)
                        )
                    )
                ),
            ),
        );
    }
    let (group, _) = *timed_out.first()?;
    let check = evidence.check("health").filter(|check| check.healthy && path(&check.url) == group.path)?;
    let seconds = check.phase_ms("first_byte_ms")? / 1_000.0;
    if seconds <= f64::from(group.timeout_seconds) {
        return None;
    }
    // Twice as long as it took now. The interval must be longer.
    let timeout = (seconds * 2.0).ceil().min(MOST_TIMEOUT);
    let interval = f64::from(group.interval_seconds).max(timeout + 5.0);
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
            .next(
                DevOps,
                format!(
                    "give the health check a longer timeout now: {}; then make the check itself cheap, without the database",
                    set(
                        group,
                        format_args!(
                            "--health-check-timeout-seconds {timeout:.0} --health-check-interval-seconds {interval:.0}"
                        )
                    )
                ),
            ),
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
    let way = Closed { groups: tasks, others: &[], direction: "egress", port: HTTPS };
    let id = tasks.first()?;
    let finding = closed_finding("the tasks", "AWS", &way, failed_starts::impact(evidence));
    Some(
        failed
            .shown(evidence, finding)
            .next(
                DevOps,
                format!(
                    "let them out to the internet on {HTTPS}: aws ec2 authorize-security-group-egress --group-id {id} --protocol tcp --port {HTTPS} --cidr 0.0.0.0/0"
                ),
            )
            .otherwise(format!(
                "let them out to the VPC's endpoints only: {}",
                rule("egress", id, "<group-of-the-endpoints>", HTTPS)
            ))
            .helped(
                "aws ecs describe-services --cluster <cluster> --services <service> --query 'services[0].[runningCount, desiredCount]' prints two equal numbers within 15 minutes",
            ),
    )
}

/// Where a way ends: at a group's ingress or egress.
struct Closed<'a> {
    groups: &'a [String],
    /// Those at the other end.
    others: &'a [String],
    direction: &'static str,
    port: u16,
}

/// Whether no rule may let anything through. Nothing is known of groups that were not seen.
fn closed<'a>(evidence: &Evidence, from: &'a [String], to: &'a [String], port: u16) -> Option<Closed<'a>> {
    let seen = evidence.security_groups.as_ref()?;
    let of = |ids: &[String]| -> Option<Vec<&SecurityGroup>> {
        let found = ids.iter().map(|id| seen.iter().find(|group| group.id == *id));
        found.collect::<Option<Vec<_>>>().filter(|groups| !groups.is_empty())
    };
    let (sending, receiving) = (of(from)?, of(to)?);
    if !receiving.iter().flat_map(|group| &group.ingress).any(|rule| rule.may_let(from, port)) {
        return Some(Closed { groups: to, others: from, direction: "ingress", port });
    }
    if !sending.iter().flat_map(|group| &group.egress).any(|rule| rule.may_let(to, port)) {
        return Some(Closed { groups: from, others: to, direction: "egress", port });
    }
    None
}

fn closed_finding(from: &str, to: &str, way: &Closed<'_>, impact: Impact) -> Finding {
    let Closed { groups, others, direction, port } = way;
    let [own, other] = [groups, others].map(|ids| ids.first().map_or("<group-id>", String::as_str));
    let removed =
        if *direction == "egress" { "RevokeSecurityGroupEgress" } else { "RevokeSecurityGroupIngress" };
    let groups = groups.join(", ");
    Finding::new(
        Certain,
        impact,
        format!("{from} cannot reach {to} on port {port}: the {direction} of {groups} does not let it through"),
    )
    .fact("EC2, security groups", format!("{direction} of {groups} on TCP {port}"), "no rule")
    .against(format!("from {from} to {to}"))
    .next(DevOps, format!("let {from} through to {to}: {}", rule(direction, own, other, *port)))
    .otherwise(format!(
        "see who removed the rule, and put that back: aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue={removed} --max-results 5"
    ))
}

/// The command that adds a rule to a security group.
fn rule(direction: &str, own: &str, other: &str, port: u16) -> String {
    format!(
        "aws ec2 authorize-security-group-{direction} --group-id {own} --ip-permissions 'IpProtocol=tcp,FromPort={port},ToPort={port},UserIdGroupPairs=[{{GroupId={other}}}]'"
    )
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
        .next(
            DevOps,
            "see why its tasks were stopped and no new ones come: aws ecs describe-services --cluster <cluster> --services <service> --query 'services[0].events[:10].message'",
        ),
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

/// The command that changes a target group's health check; what is not named stays as it is.
fn set(group: &TargetGroup, what: Arguments<'_>) -> String {
    format!("aws elbv2 modify-target-group --target-group-arn {} {what}", group.arn)
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

/// The path that the command of a container's check asks for.
fn asked_path(command: &str) -> Option<&str> {
    let url = command.split([' ', '"', '\'', ',']).find(|word| word.contains("://"))?;
    Some(path(url))
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

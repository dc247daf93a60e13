//! Unhealthy targets: what the load balancer reports, and which settings around them are wrong.

use super::{
    Rule,
    closed_groups::security_group_closed,
    failed_starts::says,
    health_checks::{
        health_check_matcher_wrong, health_check_path_wrong, health_check_port_wrong,
        health_check_timing_wrong,
    },
    targets::{
        FAILED, MISMATCH, TARGET_GROUP, TARGET_HEALTH, TIMEOUT, bad, by_reason, checked_port, codes, impact,
        register, told,
    },
};
use crate::{
    evidence::{Evidence, Service, StoppedTask, Target, TargetGroup},
    finding::{
        Confidence::Certain,
        Finding,
        Impact::{Degraded, Down},
        Level::{Aws, DevOps, Development},
    },
    read::logs::PATTERN,
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
                   Then no request reaches a task, however well the tasks are. Or a listener that forwards to \
                   a target group without a target, beside another: that part of the requests is answered 503.",
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
        otherwise: "go back, if a release changed the port: send rollback {\"to\": \"previous\"}",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "health_check_matcher_wrong",
        find: health_check_matcher_wrong,
        looks_at: "Targets that answer the health check with a code from 200 to 299 that the matcher does \
                   not count, with no healthy one in their group. Such an answer means that they are well.",
        otherwise: "go back, if a release changed the answer: send rollback {\"to\": \"previous\"}",
        helped: ALL_HEALTHY,
    },
    Rule {
        cause: "health_check_timing_wrong",
        find: health_check_timing_wrong,
        looks_at: "A health check whose timeout is not shorter than its interval; or targets that are \
                   unhealthy for Target.Timeout, while the probe gets a good answer from the very same path, \
                   only later than the timeout; or three tasks in two hours that were replaced after 10 \
                   minutes and more by a check that gives them at most 15 s. Then the check is too \
                   impatient, and the tasks are not stuck.",
        otherwise: "replace the tasks, in case they hang after all: send restart {\"reason\": \"targets time out in the health \
                    check\"}",
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
                   new targets before it drains the old ones; where one has left no task running, and none of \
                   its own has failed, its minimum percent is too low.",
        otherwise: "have ECS deploy <task-definition> once more: aws ecs update-service --cluster <cluster> \
                    --service <service> --task-definition <task-definition> --force-new-deployment",
        helped: ALL_HEALTHY,
    },
];

const ALL_HEALTHY: &str = "aws elbv2 describe-target-health --target-group-arn <target-group-arn> shows only \
                           healthy targets within 5 minutes";

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
                    "see in the log why {} answers so: aws logs tail <log-group> --since 15m --filter-pattern '{PATTERN}'",
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
        return one_is_empty(evidence, groups);
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

/// A listener sends some of the requests to a target group without a target.
fn one_is_empty(evidence: &Evidence, groups: &[TargetGroup]) -> Option<Finding> {
    let mut listeners = evidence.load_balancer.iter().flat_map(|balancer| &balancer.listeners);
    let empty = |arn: &&String| groups.iter().any(|group| group.arn == **arn && group.targets.is_empty());
    let (listener, arn) = listeners.find_map(|one| Some((one, one.target_groups.iter().find(empty)?)))?;
    let group = groups.iter().find(|group| group.arn == *arn)?;
    let what = format!(
        "the listener on {} sends a part of the requests to {}, which has no target: they are answered 503",
        listener.port, group.name
    );
    Some(
        Finding::new(Certain, Degraded, what)
            .fact(TARGET_HEALTH, format!("targets of {}", group.name), "none")
            .next(
                DevOps,
                "leave it out of the listener: aws elbv2 modify-listener --listener-arn <listener-arn> \
                 --default-actions Type=forward,TargetGroupArn=<target-group-arn>, which replaces all of its \
                 default actions (see them first: aws elbv2 describe-listeners --load-balancer-arn \
                 <load-balancer-arn>)",
            ),
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

/// The deployment stopped every old task before a new one was there.
fn stopped_first(evidence: &Evidence, service: &Service) -> Option<Finding> {
    let groups = evidence.target_groups.as_ref()?;
    let failed = evidence.tasks.iter().flat_map(|tasks| &tasks.stopped).any(StoppedTask::failed);
    let mut targets = groups.iter().flat_map(|group| &group.targets);
    if failed || !targets.any(|target| target.state == "draining") {
        return None;
    }
    let began = service.deployments.first().and_then(|deployment| deployment.created_at);
    let finding = Finding::new(
        Certain,
        Down,
        "the deployment has stopped all old tasks before a new one is there: its minimum percent is too low",
    );
    Some(
        finding
            .since(began)
            .fact("ECS, service", "tasks that run", "0")
            .against(format!("{} wanted, {} pending", service.desired, service.pending))
            .next(
                DevOps,
                "let the new tasks come, since another deployment or a roll-back would begin anew (aws ecs \
                 wait services-stable --cluster <cluster> --services <service>), and set the minimum for the \
                 next one: aws ecs update-service --cluster <cluster> --service <service> \
                 --deployment-configuration minimumHealthyPercent=100,maximumPercent=200",
            ),
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
    if deploys && service.running == 0 {
        return stopped_first(evidence, service);
    }
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

fn targets(group: &TargetGroup) -> String {
    let count = group.targets.iter().filter(|target| target.state != "draining").count();
    if count == 1 {
        format!("1 target of {}", group.name)
    } else {
        format!("{count} targets of {}", group.name)
    }
}

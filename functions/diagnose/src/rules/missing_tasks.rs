//! Tasks that the load balancer or the service lacks, whatever the reason is.

use jiff::Timestamp;

use super::{
    failed_starts::{Failures, NOT_ALLOWED, event_facts, goes_on, impact, line, says},
    steps::{named, network_of},
};
use crate::{
    evidence::Evidence,
    finding::{
        Confidence::{Certain, Likely},
        Finding, Impact,
        Level::{Aws, DevOps},
    },
};

/// The words of an event about a target that the load balancer does not take.
const NO_ZONE: &str = "availability zone that is not enabled for the load balancer";

/// Tasks run, but are not registered with the load balancer.
pub(super) fn target_not_registered(evidence: &Evidence) -> Option<Finding> {
    let service = evidence.service.as_ref()?;
    let event = service.events.iter().find(|event| {
        says(
            &event.message,
            &[
                "failed to register targets",
                "unable to register targets",
                "toomanytargets",
                "registering targets failed",
                NO_ZONE,
            ],
        )
    })?;
    if !event.at.is_some_and(|at| goes_on(evidence, at)) {
        return None;
    }
    if says(&event.message, &[NO_ZONE]) {
        let what = "tasks start in an Availability Zone that the load balancer does not have";
        let finding = Finding::new(Certain, impact(evidence).max(Impact::Degraded), what);
        return Some(
            event_facts(evidence, finding.since(event.at), event)
                .next(
                    DevOps,
                    "give the load balancer a subnet there, with all that it has now: aws elbv2 \
                     describe-load-balancers --names <load-balancer> --query \
                     'LoadBalancers[0].AvailabilityZones', then aws elbv2 set-subnets --load-balancer-arn \
                     <load-balancer-arn> --subnets <its-subnet-ids> <one-more>",
                )
                .otherwise(format!(
                    "leave that zone's subnet out of the service: {}",
                    network_of(evidence, "[<its-subnet-ids-but-that-one>]")
                )),
        );
    }
    let limit = says(&event.message, &["toomany", "exceeded", "maximum number"]);
    let group = named(&event.message, "arn:aws:elasticloadbalancing:").unwrap_or("<target-group-arn>");
    let why = if limit {
        "a quota of the load balancer is reached"
    } else {
        "the load balancer does not take them"
    };
    let finding = Finding::new(
        Certain,
        impact(evidence).max(Impact::Degraded),
        format!("tasks cannot be registered as targets: {why}"),
    );
    let finding = event_facts(evidence, finding.since(event.at), event);
    Some(if limit {
        finding
            .next(
                Aws,
                format!(
                    "deregister the targets that have the address of no task: aws \
                     elbv2 deregister-targets --target-group-arn {group} --targets Id=<address>"
                ),
            )
            .otherwise(
                "have the quota that the event names raised, as in: aws service-quotas \
                 request-service-quota-increase --service-code elasticloadbalancing --quota-code L-A0D0B863 \
                 --desired-value <targets> (targets of a target group; L-7E6692B2 is of a load balancer)",
            )
    } else if says(&event.message, NOT_ALLOWED) {
        finding.next(
            DevOps,
            "let the service's role register targets (elasticloadbalancing:RegisterTargets, \
             elasticloadbalancing:DeregisterTargets), as AWSServiceRoleForECS may; which role it has: aws \
             ecs describe-services --cluster <cluster> --services <service> --query 'services[0].roleArn'",
        )
        .otherwise(
            "where the role has that right, see what denies it: aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=RegisterTargets --max-results 5",
        )
    } else {
        finding.next(
            DevOps,
            format!(
                "see whether the target group is there and takes addresses: aws elbv2 describe-target-groups \
                 --target-group-arns {group} --query 'TargetGroups[].[TargetType, VpcId]' must print ip and \
                 the tasks' VPC; correct what differs or what the event names"
            ),
        )
    })
}

/// ECS has fewer tasks than desired and starts no more, whatever the reason.
pub(super) fn tasks_missing(evidence: &Evidence) -> Option<Finding> {
    /// A deployment, a step of scaling and a replaced task are over by then.
    const MINUTES: i64 = 15;
    let service = evidence.service.as_ref().filter(|service| service.status == "ACTIVE")?;
    if service.running >= service.desired {
        return None;
    }
    let missing = format!("{} of {} tasks run", service.running, service.desired);
    if let Some(event) = Failures::of(evidence, |_| true).and_then(|failed| failed.event) {
        // The event alone: of the stopped tasks, any may be among them.
        let failed = Failures { tasks: Vec::new(), event: Some(event) };
        let finding =
            Finding::new(Certain, impact(evidence), format!("{missing}: {}", line(reason(&event.message))));
        let finding = event_facts(evidence, finding.since(event.at), event);
        return Some(failed.next(
            evidence,
            finding,
            &format!("correct what ECS names; its words in full: {}", failed.in_full()),
        ));
    }
    let lately = |at: Option<Timestamp>| at.is_some_and(|at| evidence.within_minutes(at, MINUTES));
    let mut activities = evidence.scaling.iter().flat_map(|scaling| &scaling.activities);
    let scaled = activities.any(|activity| lately(activity.at) && activity.status != "Failed");
    let deployed = service.deployments.iter().any(|deployment| lately(deployment.created_at));
    let began = service
        .events
        .iter()
        .any(|event| lately(event.at) && says(&event.message, &["has started", "has stopped"]));
    let mut stopped = evidence.tasks.iter().flat_map(|tasks| &tasks.stopped);
    let stopped = stopped.any(|task| lately(task.stopped_at));
    let starts = evidence
        .tasks
        .iter()
        .flat_map(|tasks| &tasks.running)
        .any(|task| task.started_at.is_none() || lately(task.started_at));
    // Without the scaling activities it is not known when the number was raised.
    evidence.scaling.as_ref()?;
    if scaled || deployed || began || stopped || starts {
        return None;
    }
    let what = match service.pending {
        0 => format!("only {missing}, and ECS brings no more"),
        pending => format!("only {missing}, and {pending} have been pending for more than {MINUTES} min"),
    };
    let finding = Finding::new(Likely, impact(evidence), what)
        .fact("ECS, service", "tasks that run", service.running.to_string())
        .against(format!("{} wanted", service.desired));
    let finding = match service.events.first() {
        Some(event) => {
            finding.fact("ECS, service events", "the newest event", line(&event.message)).at(event.at)
        }
        None => finding,
    };
    if service.pending > 0 {
        return Some(finding.next(
            DevOps,
            "see what the pending tasks wait for: aws ecs describe-tasks --cluster <cluster> --tasks $(aws ecs \
             list-tasks --cluster <cluster> --service-name <service> --query 'taskArns[]' --output text) \
             --query 'tasks[].[taskArn, lastStatus, attachments[0].status, containers[].[name, lastStatus, \
             reason]]'",
        ));
    }
    Some(finding.next(
        DevOps,
        "read the service's newest events (aws ecs describe-services --cluster <cluster> --services \
         <service> --query 'services[0].events[:5]'), then have ECS try again with a new deployment, of the \
         image that its tag names now: aws ecs update-service --cluster <cluster> --service <service> \
         --force-new-deployment",
    ))
}

/// What an event gives as the reason, without whose it is.
fn reason(event: &str) -> &str {
    event
        .split_once("Reason: ")
        .map_or_else(|| event.split_once(") ").map_or(event, |(_, rest)| rest), |(_, reason)| reason)
}

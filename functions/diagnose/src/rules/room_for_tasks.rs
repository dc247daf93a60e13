//! Tasks that cannot be placed: no such size, no capacity, no address.

use super::{
    failed_starts::{Failures, fargate_has, impact, is_pull, says},
    steps::{more_subnets, named, new_revision},
};
use crate::{
    evidence::Evidence,
    finding::{
        Confidence::Certain,
        Finding,
        Level::{Aws, DevOps},
    },
};

const NO_ADDRESS: &[&str] = &[
    "insufficientfreeaddresses",
    "enough free addresses",
    "free addresses in subnet",
    "networkinterfacelimitexceeded",
    "resource:eni",
];
/// The resource that an instance has too little of.
const ROOM: &[&str] = &["insufficient memory", "insufficient cpu", "resource:memory", "resource:cpu"];

pub(super) fn size_not_possible(evidence: &Evidence) -> Option<Finding> {
    let size = evidence.definition.as_ref().filter(|definition| definition.is_fargate);
    if let Some((revision, cpu, memory)) =
        size.and_then(|definition| Some((&definition.revision, definition.cpu?, definition.memory_mib?)))
        && !fargate_has(cpu, memory)
    {
        return Some(
            Finding::new(
                Certain,
                impact(evidence),
                format!(
                    "no task of {revision} can start: Fargate has no size of {cpu} CPU units with {memory} \
                     MiB"
                ),
            )
            .fact("ECS, task definition", "CPU of a task", format!("{cpu} units"))
            .fact("ECS, task definition", "memory of a task", format!("{memory} MiB"))
            .next(DevOps, possible_size(Some((cpu, memory)))),
        );
    }
    let no_size = ["no fargate configuration exists"];
    let failed = Failures::of(evidence, |words| says(words, ROOM) || says(words, &no_size))?;
    if says(&failed.words(), &no_size) {
        let finding = failed.finding(evidence, "Fargate has no such pair of CPU and memory");
        return Some(failed.next(evidence, finding, &possible_size(None)));
    }
    let finding =
        failed.finding(evidence, "no instance has room for a task: too little memory or CPU is free");
    let finding = finding.otherwise(new_revision("with less cpu or memory"));
    Some(failed.next(
        evidence,
        finding,
        "add an instance to the cluster: aws autoscaling set-desired-capacity --auto-scaling-group-name \
         <auto-scaling-group-of-the-cluster> --desired-capacity <one-more>",
    ))
}

fn possible_size(asked: Option<(u32, u32)>) -> String {
    match asked.and_then(next_size) {
        Some((cpu, memory)) => new_revision(&format!("with cpu {cpu} and memory {memory}")),
        None => new_revision("with a size that Fargate has"),
    }
}

/// The smallest size of Fargate that has as much of both.
fn next_size((cpu, memory_mib): (u32, u32)) -> Option<(u32, u32)> {
    const CPUS: [u32; 7] = [256, 512, 1_024, 2_048, 4_096, 8_192, 16_384];
    const MOST_GIB: u32 = 120;
    let memories = || std::iter::once(512).chain((1..=MOST_GIB).map(|gib| gib * 1_024));
    CPUS.into_iter().filter(|it| *it >= cpu).find_map(|cpu| {
        let memory = memories().find(|it| *it >= memory_mib && fargate_has(cpu, *it))?;
        Some((cpu, memory))
    })
}

/// On Fargate there are none to be found.
const NO_INSTANCES: &str = "no container instances were found";

/// Only where ECS says capacity or limit: it writes the same event for other failed starts, with their own reasons.
pub(super) fn no_capacity(evidence: &Evidence) -> Option<Finding> {
    const LIMIT: &[&str] = &["reached the limit on", "limit exceeded", "limitexceeded", "service quota"];
    const CAPACITY: &[&str] =
        &["capacity is unavailable", "resource:fargate", NO_INSTANCES, "insufficient capacity"];
    let failed = Failures::of(evidence, |words| {
        (says(words, CAPACITY) || says(words, LIMIT)) && !says(words, NO_ADDRESS) && !is_pull(words)
    })?;
    let words = failed.words();
    Some(if says(&words, LIMIT) {
        let quota = if says(&words, &["vcpu"]) {
            "Fargate On-Demand vCPU resource count"
        } else if says(&words, &["per service"]) {
            "Tasks per service"
        } else {
            "Fargate On-Demand vCPU resource count, or tasks per service"
        };
        failed
            .finding(evidence, &format!("a quota of the account is reached ({quota})"))
            .next(Aws, more_of_quota(&words))
            .otherwise(
                "open a case with AWS Support that production is down for this quota, since a request alone \
                 can take hours",
            )
    } else if says(&words, &[NO_INSTANCES]) {
        failed
            .finding(evidence, "the cluster has no container instance for them")
            .next(
                DevOps,
                "give the cluster an instance: raise the desired capacity of its Auto Scaling group (aws \
                 autoscaling set-desired-capacity --auto-scaling-group-name <group> --desired-capacity \
                 <instances>), and see whether its agent connects: aws ecs list-container-instances --cluster \
                 <cluster>",
            )
            .otherwise(
                "if the tasks are to run on Fargate, say so: aws ecs update-service --cluster <cluster> \
                 --service <service> --capacity-provider-strategy capacityProvider=FARGATE,weight=1 \
                 --force-new-deployment",
            )
    } else {
        failed.finding(evidence, "there is no capacity for them").next(
            Aws,
            format!(
                "ECS tries again by itself; if no task has come in 15 minutes, add a subnet of another zone, \
                 one of the load balancer's: {}",
                more_subnets(evidence)
            ),
        )
    })
}

/// What makes room below a quota, and what raises it.
fn more_of_quota(words: &str) -> &'static str {
    if says(words, &["per service"]) {
        "ask for more: aws service-quotas request-service-quota-increase --service-code ecs --quota-code \
         <code> --desired-value <tasks>; its code: aws service-quotas list-service-quotas --service-code ecs \
         --query \"Quotas[?QuotaName=='Tasks per service'].QuotaCode\""
    } else {
        "lower what is not needed (aws ecs update-service --cluster <other-cluster> --service \
         <other-service> --desired-count <fewer>) and ask for more: aws service-quotas \
         request-service-quota-increase --service-code fargate --quota-code L-3032A538 --desired-value \
         <vcpus>"
    }
}

pub(super) fn no_address_left(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| says(words, NO_ADDRESS))?;
    let finding = failed.finding(evidence, "their subnet has no network address left for them");
    let words = failed.words();
    Some(if says(&words, &["networkinterfacelimitexceeded", "resource:eni"]) {
        finding
            .next(
                Aws,
                "delete network interfaces that nothing uses (aws ec2 describe-network-interfaces --filters \
                 Name=status,Values=available), and ask for more: aws service-quotas \
                 request-service-quota-increase --service-code vpc --quota-code L-DF5E4CA3 --desired-value \
                 <interfaces>",
            )
            .otherwise(
                "on instances, use a larger type, which takes more network interfaces: aws ec2 \
                 describe-instance-types --query 'InstanceTypes[].[InstanceType, \
                 NetworkInfo.MaximumNetworkInterfaces]'",
            )
    } else {
        let subnet = named(&words, "subnet-").unwrap_or("<subnet-id>");
        finding
            .next(
                DevOps,
                format!(
                    "give the service one more subnet, one with free addresses: {}",
                    more_subnets(evidence)
                ),
            )
            .otherwise(format!(
                "free addresses in it: delete the network interfaces that nothing uses (aws ec2 \
                 describe-network-interfaces --filters Name=subnet-id,Values={subnet} \
                 Name=status,Values=available, then aws ec2 delete-network-interface --network-interface-id \
                 <interface-id>)"
            ))
    })
}

pub(super) fn network_interface_not_attached(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| {
        says(
            words,
            &[
                "network interface provisioning",
                "network interface attachment",
                "attaching network interface",
                "eni attachment",
            ],
        ) && says(words, &["time", "expired"])
    })?;
    let finding = failed.finding(evidence, "their network interface was not attached in time");
    let which = failed.tasks.first().map_or_else(String::new, |task| format!(" about task {}", task.id));
    Some(
        finding
            .next(
                Aws,
                format!(
                    "open a case with AWS Support{which}, and see what AWS Health has open: aws health \
                     describe-events --region us-east-1 --filter services=EC2,ECS,eventStatusCodes=open; ECS \
                     tries again by itself, up to 27 minutes apart"
                ),
            )
            .otherwise(format!(
                "give the service a subnet of another availability zone if no task has come in 15 minutes: \
                 {}",
                more_subnets(evidence)
            )),
    )
}

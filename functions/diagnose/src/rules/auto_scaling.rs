//! Auto scaling that does not work. A service without a scalable target is not meant to scale: that is no finding.

use super::{Rule, steps::new_revision};
use crate::{
    ask::Ask,
    evidence::{Alarm, Evidence, ScalingPolicy, Series, largest, mean, median, name, smallest},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::{self, Degraded, Risk, Untidy},
        Level::{Aws, DevOps},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "no_scaling_policy",
        find: no_scaling_policy,
        looks_at: "The service's scalable target, which has a minimum and a maximum but not a single scaling policy. Scheduled actions scale without a policy and are not read: so it is likely, not certain.",
        otherwise: BY_HAND,
        helped: "aws application-autoscaling describe-scaling-policies --service-namespace ecs --resource-id service/<cluster>/<service> shows the policy with two alarms at once",
    },
    Rule {
        cause: "scaling_suspended",
        find: scaling_suspended,
        looks_at: "The SuspendedState of the scalable target: somebody switched scaling out, scaling in or scheduled scaling off. No policy and no alarm is at fault then.",
        otherwise: "leave it suspended while its reason lasts, and set the desired count by hand: aws ecs update-service --cluster <cluster> --service <service> --desired-count <count>",
        helped: "aws application-autoscaling describe-scalable-targets --service-namespace ecs --resource-ids service/<cluster>/<service> shows SuspendedState with three times false at once",
    },
    Rule {
        cause: "at_maximum",
        find: at_maximum,
        looks_at: "A desired count at the scalable target's maximum, while the CPU or memory that a policy watches is above its target on average of 15 minutes (above 80 % where the policy has no target of its own). The policy works, and may not add another task.",
        otherwise: "give each task more CPU or memory in a new revision: aws ecs update-service --cluster <cluster> --service <service> --task-definition <family>:<revision>",
        helped: "aws ecs describe-services --cluster <cluster> --services <service> --query 'services[0].[desiredCount,runningCount]' shows more tasks than before within 10 minutes, and the utilization falls below the policy's target",
    },
    Rule {
        cause: "scaling_alarm_without_data",
        find: scaling_alarm_without_data,
        looks_at: "The alarms of the service's scaling policies: a target tracking policy has none of its own any more, or one has been in INSUFFICIENT_DATA for more than 30 minutes although tasks run (and, for requests per target, requests came all through the last hour). A policy does nothing but what its alarms tell it.",
        otherwise: BY_HAND,
        helped: "aws cloudwatch describe-alarms --alarm-name-prefix TargetTracking-service/<cluster>/<service> shows the policy's alarms in OK or ALARM within 15 minutes",
    },
    Rule {
        cause: "scaling_activity_failed",
        find: scaling_activity_failed,
        looks_at: "The newest scaling activity that has come to an end, where it is of the last 24 hours and Failed or Unfulfilled. A later success ends it. The policy and its alarms work: the change itself was refused.",
        otherwise: BY_HAND,
        helped: "aws application-autoscaling describe-scaling-activities --service-namespace ecs --resource-id service/<cluster>/<service> --max-items 1 shows StatusCode Successful within 15 minutes",
    },
    Rule {
        cause: "target_value_not_reachable",
        find: target_value_not_reachable,
        looks_at: "The target of each policy on CPU or memory. At 95 % or more the tasks are full before it acts; at 20 % or less, or where the memory of idle tasks (CPU of 20 % at most) keeps within 5 points, and they have not fallen to it in 12 hours, it holds the service at its maximum. A CPU that has risen by 10 points, has kept within 3 points for 30 minutes and stays 10 points or more below the target is all that the tasks can use, if the median answer takes 1 s or more and three times its usual.",
        otherwise: BY_HAND,
        helped: "aws application-autoscaling describe-scaling-activities --service-namespace ecs --resource-id service/<cluster>/<service> --max-items 3 shows within an hour that the desired count follows the load",
    },
];

/// What `scale-up` would do.
pub(super) const BY_HAND: &str = "set the desired count by hand: aws ecs update-service --cluster <cluster> --service <service> --desired-count <count>";

/// What Application Auto Scaling knows the service by.
const SCALABLE: &str = "--service-namespace ecs --resource-id service/<cluster>/<service> --scalable-dimension ecs:service:DesiredCount";
/// The target value of the guide's policy.
const GUIDE_PERCENT: f64 = 70.0;

/// Above this, requests wait for a processor.
const BUSY_PERCENT: f64 = 80.0;
/// As long as a policy's alarm looks at, several times over.
const NOW_MINUTES: i64 = 15;
const POLICIES: &str = "Application Auto Scaling, policies";
const TARGET: &str = "Application Auto Scaling, scalable target";

/// Scheduled actions need no policy, and are not seen here: it is likely, not certain, that nothing scales.
fn no_scaling_policy(evidence: &Evidence) -> Option<Finding> {
    let scaling = evidence.scaling.as_ref()?;
    let target = scaling.target.as_ref().filter(|_| scaling.policies.is_empty())?;
    let (min, max) = (target.min, target.max);
    let finding = Finding::new(
        Likely,
        impact(evidence),
        format!("the service may scale from {min} to {max} tasks, and has no policy that would"),
    )
    .fact(POLICIES, "policies of the service", "none")
    .fact(TARGET, "tasks", format!("{min} to {max}"))
    .next(DevOps, format!("put a policy: {}", put_policy("cpu-scaling", CPU_METRIC, GUIDE_PERCENT)));
    Some(with_scale_up(finding, evidence, "the service has no scaling policy"))
}

fn scaling_suspended(evidence: &Evidence) -> Option<Finding> {
    let target = evidence.scaling.as_ref()?.target.as_ref()?;
    let flags = [
        (target.scale_out_suspended, "scaling out", "DynamicScalingOutSuspended"),
        (target.scale_in_suspended, "scaling in", "DynamicScalingInSuspended"),
        (target.scheduled_suspended, "scheduled scaling", "ScheduledScalingSuspended"),
    ];
    let suspended: Vec<&(bool, &str, &str)> = flags.iter().filter(|(is, ..)| *is).collect();
    if suspended.is_empty() {
        return None;
    }
    let names: Vec<&str> = suspended.iter().map(|(_, what, _)| *what).collect();
    // Without scaling in, it costs money, but no user waits.
    let impact = if target.scale_out_suspended { impact(evidence) } else { Untidy };
    let finding =
        Finding::new(Certain, impact, format!("{} of the service is suspended", names.join(" and ")));
    let finding = suspended.iter().fold(finding, |finding, (_, _, flag)| finding.fact(TARGET, *flag, "true"));
    let flags: Vec<String> = suspended.iter().map(|(_, _, flag)| format!("{flag}=false")).collect();
    let finding = finding.next(
        DevOps,
        format!(
            "ask who suspended it and why (CloudTrail, RegisterScalableTarget); then aws application-autoscaling register-scalable-target {SCALABLE} --suspended-state {}",
            flags.join(",")
        ),
    );
    Some(if target.scale_out_suspended {
        with_scale_up(finding, evidence, "scaling out is suspended")
    } else {
        finding
    })
}

fn at_maximum(evidence: &Evidence) -> Option<Finding> {
    let service = evidence.service.as_ref()?;
    let scaling = evidence.scaling.as_ref()?;
    let max = scaling.target.as_ref()?.max;
    if service.desired < max {
        return None;
    }
    let (unit, series, target, now) = scaling.policies.iter().find_map(|policy| {
        let (unit, series) = utilization(evidence, policy)?;
        // A step policy has its thresholds in its alarms.
        let target = policy.target_value.unwrap_or(BUSY_PERCENT);
        let now = mean(series.last_minutes(NOW_MINUTES)).filter(|now| *now > target)?;
        Some((unit, series, target, now))
    })?;
    Some(
        Finding::new(
            Certain,
            if now >= BUSY_PERCENT { Degraded } else { Risk },
            format!("the service is at its maximum of {max} tasks, and its {unit} is at {now:.0} %, above the {target:.0} % it aims at"),
        )
        .fact("ECS, service", "desired tasks", service.desired.to_string())
        .against(format!("maximum {max}"))
        .fact("CloudWatch, ECS", format!("{unit} of the last {NOW_MINUTES} min"), format!("{now:.0} %"))
        .against(format!("{target:.0} %"))
        .at(series.newest_at())
        .next(
            DevOps,
            format!(
                "if the database has connections for more tasks, raise the maximum: {}; its policy then adds tasks within minutes",
                raise_maximum(max)
            ),
        )
        .otherwise(new_revision(&format!("with more {unit} for each task"))),
    )
}

fn scaling_alarm_without_data(evidence: &Evidence) -> Option<Finding> {
    /// The alarms of a new policy begin without data.
    const NEW_MINUTES: i64 = 30;
    let scaling = evidence.scaling.as_ref()?;
    let alarms = evidence.alarms.as_ref()?;
    // Without tasks there is no utilization to see.
    if evidence.service.as_ref().is_some_and(|service| service.running == 0) {
        return None;
    }
    if let Some(policy) = scaling.policies.iter().find(|policy| has_lost_its_alarms(policy, alarms)) {
        let finding = Finding::new(
            Certain,
            impact(evidence),
            format!("the alarms of the scaling policy {} do not exist: the policy does nothing", policy.name),
        )
        .fact("CloudWatch, alarms", policy.alarms.join(", "), "not there")
        .next(
            DevOps,
            format!(
                "put the policy again with its cooldowns, which makes its alarms anew: {}",
                put_again(policy, policy.target_value)
            ),
        );
        return Some(with_scale_up(finding, evidence, "the scaling policy has lost its alarms"));
    }
    let silent = |alarm: &&Alarm| {
        alarm.state == "INSUFFICIENT_DATA"
            && alarm.since.is_some_and(|since| !evidence.within_minutes(since, NEW_MINUTES))
    };
    let (policy, alarm) = scaling
        .policies
        .iter()
        .filter(|policy| has_reason_for_data(evidence, policy))
        .find_map(|policy| {
            let mut own = alarms.iter().filter(|alarm| policy.alarms.contains(&alarm.name)).filter(silent);
            Some((policy, own.next()?))
        })?;
    let finding = Finding::new(
        Certain,
        impact(evidence),
        format!(
            "the alarm {} of the scaling policy {} has no data: the policy does nothing",
            alarm.name, policy.name
        ),
    )
    .since(alarm.since)
    .fact("CloudWatch, alarms", format!("alarm {}", alarm.name), alarm.state.clone())
    .at(alarm.since);
    let finding = match &alarm.metric {
        Some(metric) => {
            let dimensions: Vec<String> =
                metric.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
            finding.fact(
                "CloudWatch, alarms",
                "its metric",
                format!("{} {} {}", metric.namespace, metric.name, dimensions.join(", ")),
            )
        }
        None => finding,
    };
    let list = alarm.metric.as_ref().map_or_else(String::new, |metric| {
        format!(" --namespace {} --metric-name {}", metric.namespace, metric.name)
    });
    let again = if policy.kind == "StepScaling" {
        format!("the alarm {}", alarm.name)
    } else {
        format!("the policy {}", policy.name)
    };
    let finding = finding.next(
        DevOps,
        format!(
            "see by which dimensions its metric comes: aws cloudwatch list-metrics{list} --recently-active PT3H; put {again} again with those"
        ),
    );
    Some(with_scale_up(finding, evidence, "the scaling policy has no data"))
}

/// Target tracking has alarms of its own, by whose names they are read: one that is not there was deleted. The stack has
/// alarms, too: where there is none at all, they were not seen.
fn has_lost_its_alarms(policy: &ScalingPolicy, alarms: &[Alarm]) -> bool {
    !alarms.is_empty()
        && policy.kind == "TargetTrackingScaling"
        && policy.alarms.iter().any(|name| name.starts_with("TargetTracking-"))
        && policy.alarms.iter().all(|name| alarms.iter().all(|alarm| alarm.name != *name))
}

fn scaling_activity_failed(evidence: &Evidence) -> Option<Finding> {
    /// A failure before that was not tried again, because it was not needed any more.
    const RECENT_MINUTES: i64 = 24 * 60;
    let activities = &evidence.scaling.as_ref()?.activities;
    let newest =
        activities.iter().find(|activity| !matches!(activity.status.as_str(), "InProgress" | "Pending"))?;
    let is_recent = newest.at.is_some_and(|at| evidence.within_minutes(at, RECENT_MINUTES));
    if !matches!(newest.status.as_str(), "Failed" | "Unfulfilled") || !is_recent {
        return None;
    }
    let message = newest.message.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    let message = if message.is_empty() { "Application Auto Scaling does not say why" } else { message };
    let lower = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let is_quota = says(&["quota", "insufficient capacity", "capacity is unavailable"])
        || says(&["limit"]) && says(&["reached", "exceeded"]);
    let (level, next) = if is_quota {
        (
            Aws,
            "request a higher quota of what the message names: aws service-quotas list-service-quotas --service-code fargate shows its code and value, then aws service-quotas request-service-quota-increase --service-code fargate --quota-code <quota-code> --desired-value <value>",
        )
    } else {
        (
            DevOps,
            "correct what the message names (the permissions of AWSServiceRoleForApplicationAutoScaling_ECSService, the service's state); while the alarm lasts, the policy tries again within minutes",
        )
    };
    let finding =
        Finding::new(Certain, impact(evidence), format!("the last scaling activity failed: {message}"))
            .since(newest.at)
            .fact(
                "Application Auto Scaling, activities",
                if newest.description.is_empty() {
                    "activity".to_owned()
                } else {
                    newest.description.clone()
                },
                newest.status.clone(),
            )
            .at(newest.at)
            .next(level, next);
    Some(if is_quota {
        finding.otherwise("stop tasks of a less important service that count towards the same quota: aws ecs update-service --cluster <its-cluster> --service <its-name> --desired-count <fewer>")
    } else if is_busy(evidence) {
        by_hand(finding, evidence)
    } else {
        finding
    })
}

fn target_value_not_reachable(evidence: &Evidence) -> Option<Finding> {
    /// Clear of what the tasks can use.
    const BELOW: f64 = 0.8;
    let scaling = evidence.scaling.as_ref()?;
    let mut tracking = scaling.policies.iter().filter_map(|policy| {
        let (unit, series) = utilization(evidence, policy)?;
        Some((policy, unit, series, policy.target_value?))
    });
    tracking.find_map(|(policy, unit, series, target)| {
        let now = mean(series.last_minutes(NOW_MINUTES))?;
        let shown = |finding: Finding| {
            finding
                .fact(POLICIES, format!("target of {}", policy.name), format!("{target:.0} % {unit}"))
                .fact("CloudWatch, ECS", format!("{unit} of the last {NOW_MINUTES} min"), format!("{now:.0} %"))
                .against(format!("{target:.0} %"))
                .at(series.newest_at())
        };
        if is_too_high(target) {
            let finding = Finding::new(
                Likely,
                impact(evidence),
                format!("the scaling policy {} waits for {target:.0} % {unit}: the tasks are full before it acts", policy.name),
            );
            return Some(shown(finding).next(DevOps, at_guide(policy)));
        }
        if is_too_low(evidence, unit, series, target) {
            let finding = Finding::new(
                Likely,
                Risk,
                format!("the scaling policy {} aims at {target:.0} % {unit}, which its tasks never fall to, and holds the service at its maximum", policy.name),
            );
            return Some(shown(finding).next(DevOps, at_guide(policy)).otherwise(format!("lower the maximum to what the load needs until the policy is right: aws application-autoscaling register-scalable-target {SCALABLE} --max-capacity <count>")));
        }
        let seconds = seconds_while_pinned(evidence, unit, series, target)?;
        let finding = Finding::new(
            Likely,
            Degraded,
            format!("the tasks' {unit} stays at {now:.0} % while they are slow: the target of {target:.0} % is never reached, and nothing scales out"),
        );
        Some(
            shown(finding)
                .fact("CloudWatch, ALB TargetResponseTime", "median response time", format!("{seconds:.1} s"))
                .next(
                    DevOps,
                    format!(
                        "more tasks help now; then put the target below what the tasks reach, with the same cooldowns: {}",
                        put_again(policy, Some((now * BELOW).round()))
                    ),
                )
                .otherwise(new_revision("with 1 vCPU, as a Node process uses no more"))
                .send(Ask::scale_up("slow at a CPU below the scaling target")),
        )
    })
}

/// Utilization is an average over tasks and minutes: at this, the tasks are full for a while before an alarm sees it.
fn is_too_high(target: f64) -> bool {
    const FULL_PERCENT: f64 = 95.0;
    target >= FULL_PERCENT
}

/// What idle tasks use.
fn is_too_low(evidence: &Evidence, unit: &str, series: &Series, target: f64) -> bool {
    const IDLE_PERCENT: f64 = 20.0;
    /// The memory of idle tasks is what they need to be there at all.
    const LEVEL_PERCENT: f64 = 5.0;
    let (least, most) = (smallest(series.last_minutes(720)), largest(series.last_minutes(720)));
    let cpu = evidence.recent(name::ECS_CPU).and_then(|cpu| largest(cpu.last_minutes(720)));
    let is_level = unit == "memory"
        && least.zip(most).is_some_and(|(least, most)| most - least <= LEVEL_PERCENT)
        && cpu.is_some_and(|cpu| cpu <= IDLE_PERCENT);
    let max = evidence.scaling.as_ref().and_then(|scaling| scaling.target.as_ref()).map(|target| target.max);
    let is_at_max = evidence.service.as_ref().zip(max).is_some_and(|(service, max)| service.desired >= max);
    (target <= IDLE_PERCENT || is_level) && is_at_max && least.is_some_and(|least| least > target)
}

/// The median response time, where CPU has risen to a level, stays there, and answers have become slow with it.
/// Tasks that wait for a database are slow as well, but their CPU does not rise.
fn seconds_while_pinned(evidence: &Evidence, unit: &str, series: &Series, target: f64) -> Option<f64> {
    const MINUTES: i64 = 30;
    const LEVEL_PERCENT: f64 = 3.0;
    const RISEN_PERCENT: f64 = 10.0;
    const BELOW_TARGET_PERCENT: f64 = 10.0;
    const SLOW_SECONDS: f64 = 1.0;
    const SLOWER_TIMES: f64 = 3.0;
    let level = mean(series.last_minutes(MINUTES))?;
    let spread = largest(series.last_minutes(MINUTES))? - smallest(series.last_minutes(MINUTES))?;
    let before = mean(series.before_minutes(2 * MINUTES))?;
    let answers = evidence.recent(name::ALB_P50)?;
    let slow = median(answers.last_minutes(MINUTES))?;
    let usual = median(answers.before_minutes(2 * MINUTES))?;
    let is_pinned = unit == "CPU"
        && spread <= LEVEL_PERCENT
        && level >= before + RISEN_PERCENT
        && level <= target - BELOW_TARGET_PERCENT;
    (is_pinned && slow >= SLOW_SECONDS && slow >= usual * SLOWER_TIMES).then_some(slow)
}

/// What a policy looks at, if that was seen.
fn utilization<'a>(evidence: &'a Evidence, policy: &ScalingPolicy) -> Option<(&'static str, &'a Series)> {
    let (unit, name) = if policy.metric.contains("CPUUtilization") {
        ("CPU", name::ECS_CPU)
    } else if policy.metric.contains("MemoryUtilization") {
        ("memory", name::ECS_MEMORY)
    } else {
        return None;
    };
    Some((unit, evidence.recent(name)?))
}

/// Without requests, requests per target have no data, and nothing need scale.
fn has_reason_for_data(evidence: &Evidence, policy: &ScalingPolicy) -> bool {
    let requests = evidence.recent(name::ALB_REQUESTS);
    policy.metric.contains("Utilization")
        || requests.and_then(|requests| smallest(requests.last_minutes(60))).is_some_and(|least| least > 0.0)
}

/// Broken scaling hurts only if there is a reason to scale.
fn impact(evidence: &Evidence) -> Impact {
    if is_busy(evidence) { Degraded } else { Risk }
}

fn is_busy(evidence: &Evidence) -> bool {
    let cpu = evidence.recent(name::ECS_CPU).and_then(|cpu| mean(cpu.last_minutes(NOW_MINUTES)));
    cpu.is_some_and(|cpu| cpu >= BUSY_PERCENT)
}

/// More tasks by hand, where they are needed now.
fn with_scale_up(finding: Finding, evidence: &Evidence, reason: &'static str) -> Finding {
    if is_busy(evidence) { by_hand(finding.send(Ask::scale_up(reason)), evidence) } else { finding }
}

/// Half as many tasks again without `scale-up`, where the maximum allows more.
pub(super) fn by_hand(finding: Finding, evidence: &Evidence) -> Finding {
    let maximum =
        evidence.scaling.as_ref().and_then(|scaling| scaling.target.as_ref()).map(|target| target.max);
    let count = evidence.service.as_ref().map(|service| (service.desired, half_more(service.desired)));
    let count = count.map(|(desired, more)| (desired, more.min(maximum.unwrap_or(u32::MAX))));
    match count.filter(|(desired, more)| more > desired) {
        Some((_, more)) => finding.otherwise(BY_HAND.replace("<count>", &more.to_string())),
        None => finding,
    }
}

/// The command that lets the service have half as many tasks again.
pub(super) fn raise_maximum(maximum: u32) -> String {
    let more = half_more(maximum);
    format!("aws application-autoscaling register-scalable-target {SCALABLE} --max-capacity {more}")
}

fn half_more(count: u32) -> u32 {
    count.saturating_add((count / 2).max(1))
}

const CPU_METRIC: &str = "ECSServiceAverageCPUUtilization";
const MEMORY_METRIC: &str = "ECSServiceAverageMemoryUtilization";

fn put_policy(name: &str, metric: &str, target: f64) -> String {
    format!(
        "aws application-autoscaling put-scaling-policy --policy-name '{name}' {SCALABLE} --policy-type TargetTrackingScaling --target-tracking-scaling-policy-configuration TargetValue={target},PredefinedMetricSpecification={{PredefinedMetricType={metric}}}"
    )
}

/// The command that puts a policy again. What it leaves out of the configuration is lost.
fn put_again(policy: &ScalingPolicy, target: Option<f64>) -> String {
    let ScalingPolicy { name, metric, .. } = policy;
    let known = target.filter(|_| [CPU_METRIC, MEMORY_METRIC].contains(&metric.as_str()));
    if let Some(target) = known {
        return format!(
            "{},ScaleOutCooldown=<as-it-is>,ScaleInCooldown=<as-it-is>,DisableScaleIn=<as-it-is> (it replaces all of them; how they are: aws application-autoscaling describe-scaling-policies --service-namespace ecs --resource-id service/<cluster>/<service> --query 'ScalingPolicies[].TargetTrackingScalingPolicyConfiguration')",
            put_policy(name, metric, target)
        );
    }
    let target = target.map_or_else(String::new, |target| format!(", with TargetValue {target}"));
    format!(
        "aws application-autoscaling put-scaling-policy --policy-name '{name}' {SCALABLE} --policy-type TargetTrackingScaling --target-tracking-scaling-policy-configuration file://policy.json, which is what describe-scaling-policies shows{target}"
    )
}

fn at_guide(policy: &ScalingPolicy) -> String {
    format!(
        "put its target at {GUIDE_PERCENT} %, with the same cooldowns: {}",
        put_again(policy, Some(GUIDE_PERCENT))
    )
}

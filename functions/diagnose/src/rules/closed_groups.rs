//! Security groups that let nothing through on a way that a request or a task needs.

use super::{
    failed_starts::{self, Failures, is_unanswered},
    targets::{TARGET_HEALTH, TIMEOUT, bad, checked_port, impact, serves},
};
use crate::{
    evidence::{Evidence, SecurityGroup},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::{self, Degraded, Down},
        Level::DevOps,
    },
};

pub(super) fn security_group_closed(evidence: &Evidence) -> Option<Finding> {
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

/// No rule lets the tasks reach AWS, and their calls time out.
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
                    "allow the tasks outbound HTTPS to the internet: aws ec2 authorize-security-group-egress --group-id {id} --protocol tcp --port {HTTPS} --cidr 0.0.0.0/0"
                ),
            )
            .otherwise(format!(
                "allow it to the VPC's endpoints only: {}",
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

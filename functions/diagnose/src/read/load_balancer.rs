//! The load balancer, its listeners, and the target groups of the service with their targets' health.

use aws_sdk_elasticloadbalancingv2::{
    Client,
    types::{self, Action, LoadBalancerAttribute},
};
use shared::{
    aws,
    error::{Cause, Error},
};
use tokio::task::JoinSet;

use super::{Reader, Seen, Why, last_part, seen, why};
use crate::evidence::{Listener, LoadBalancer, NotSeen, Target, TargetGroup};

const IDLE_TIMEOUT: &str = "idle_timeout.timeout_seconds";

pub(super) async fn load_balancer(reader: &Reader) -> Result<Option<Seen>, Why> {
    if reader.settings.load_balancer.is_none() {
        return Ok(None);
    }
    let (load_balancer, not_seen) = reader.load_balancer().await?.clone();
    Ok(seen(|evidence| {
        evidence.load_balancer = Some(load_balancer);
        evidence.not_seen.extend(not_seen);
    }))
}

/// The load balancer, and why its idle timeout is not known, if so.
pub(super) type Described = (LoadBalancer, Option<NotSeen>);

pub(super) async fn describe(reader: &Reader) -> Result<Described, Why> {
    let wanted = reader.settings.load_balancer.as_deref().ok_or("the stack has no load balancer")?;
    let client = Client::new(&reader.config);
    describe_with(&client, name(wanted)).await.map_err(|error| why(&error))
}

/// The name in `app/<name>/<id>`.
pub(super) fn name(load_balancer: &str) -> &str {
    load_balancer.split('/').nth(1).unwrap_or(load_balancer)
}

async fn describe_with(client: &Client, name: &str) -> Result<Described, Error> {
    const OPERATION: &str = "describe load balancer";
    let missing = || Error::Aws {
        operation: OPERATION,
        resource: name.to_owned(),
        source: Cause::new("there is none"),
    };
    let answer = client
        .describe_load_balancers()
        .names(name)
        .send()
        .await
        .map_err(|error| aws::failed(OPERATION, name, &error))?;
    let found = answer.load_balancers.unwrap_or_default().into_iter().next().ok_or_else(missing)?;
    let arn = found.load_balancer_arn.ok_or_else(missing)?;
    // 50 listeners are the most that a load balancer has unless AWS raised that: one page.
    let (attributes, listeners) = tokio::join!(
        client.describe_load_balancer_attributes().load_balancer_arn(&arn).send(),
        client.describe_listeners().load_balancer_arn(&arn).send()
    );
    let listeners =
        listeners.map_err(|error| aws::failed("describe the listeners of load balancer", name, &error))?;
    let idle_timeout = attributes
        .map_err(|error| why(&aws::failed("describe the attributes of load balancer", name, &error)))
        .and_then(|answer| idle_timeout(answer.attributes()));
    let not_seen = idle_timeout
        .as_ref()
        .err()
        .map(|why| NotSeen { source: "the load balancer's idle timeout".to_owned(), why: why.clone() });
    let state = found.state.and_then(|state| state.code);
    let load_balancer = LoadBalancer {
        name: name.to_owned(),
        arn,
        state: state.map_or_else(String::new, |code| code.as_str().to_owned()),
        idle_timeout_seconds: idle_timeout.ok(),
        security_groups: found.security_groups.unwrap_or_default(),
        listeners: listeners.listeners.unwrap_or_default().into_iter().map(listener).collect(),
    };
    Ok((load_balancer, not_seen))
}

/// Every application load balancer has one.
fn idle_timeout(attributes: &[LoadBalancerAttribute]) -> Result<u32, Why> {
    let attribute = attributes.iter().find(|attribute| attribute.key() == Some(IDLE_TIMEOUT));
    let seconds = attribute.and_then(|attribute| attribute.value()?.parse().ok());
    seconds.ok_or_else(|| format!("its attributes have no {IDLE_TIMEOUT}"))
}

fn listener(listener: types::Listener) -> Listener {
    let mut target_groups: Vec<String> =
        listener.default_actions.unwrap_or_default().into_iter().flat_map(forwards_to).collect();
    target_groups.sort();
    target_groups.dedup();
    Listener {
        arn: listener.listener_arn.unwrap_or_default(),
        port: port(listener.port),
        protocol: listener.protocol.map_or_else(String::new, |protocol| protocol.as_str().to_owned()),
        target_groups,
    }
}

/// A target group with weight 0 gets no requests: it waits for its turn in a blue/green deployment.
fn forwards_to(action: Action) -> Vec<String> {
    match action.forward_config.and_then(|config| config.target_groups) {
        Some(groups) if !groups.is_empty() => groups
            .into_iter()
            .filter(|group| group.weight != Some(0))
            .filter_map(|group| group.target_group_arn)
            .collect(),
        _ => action.target_group_arn.into_iter().collect(),
    }
}

pub(super) async fn target_groups(reader: &Reader) -> Result<Option<Seen>, Why> {
    match reader.service().await? {
        Some(described) if !described.target_groups.is_empty() => {
            read_target_groups(&Client::new(&reader.config), &described.target_groups).await
        }
        _ => Ok(None),
    }
}

async fn read_target_groups(client: &Client, arns: &[String]) -> Result<Option<Seen>, Why> {
    let asked: JoinSet<_> = arns.iter().map(|arn| target_group(client.clone(), arn.clone())).collect();
    let mut groups = Vec::new();
    let mut not_seen = Vec::new();
    for (arn, read) in asked.join_all().await {
        match read {
            Ok(group) => groups.push(group),
            Err(error) => not_seen
                .push(NotSeen { source: format!("the target group {}", short(&arn)), why: why(&error) }),
        }
    }
    groups.sort_by(|one: &TargetGroup, other| one.arn.cmp(&other.arn));
    not_seen.sort_by(|one, other| one.source.cmp(&other.source));
    if groups.is_empty()
        && let Some(last) = not_seen.pop()
    {
        return Err(last.why);
    }
    Ok(seen(|evidence| {
        evidence.target_groups = Some(groups);
        evidence.not_seen.extend(not_seen);
    }))
}

/// Without its targets' health, a target group would look as if it had no targets: then it was not seen.
async fn target_group(client: Client, arn: String) -> (String, Result<TargetGroup, Error>) {
    let (group, health) = tokio::join!(
        client.describe_target_groups().target_group_arns(&arn).send(),
        client.describe_target_health().target_group_arn(&arn).send()
    );
    let failed = |cause| Error::Aws {
        operation: "describe target group",
        resource: short(&arn).to_owned(),
        source: cause,
    };
    let read = match (group, health) {
        (Ok(group), Ok(health)) => match group.target_groups.unwrap_or_default().into_iter().next() {
            Some(group) => Ok(put_together(group, health.target_health_descriptions.unwrap_or_default())),
            None => Err(failed(Cause::new("there is none"))),
        },
        (Err(error), _) => Err(failed(Cause::from(&error))),
        (_, Err(error)) => Err(aws::failed("describe the targets of target group", short(&arn), &error)),
    };
    (arn, read)
}

/// The name in `arn:…:targetgroup/<name>/<id>`.
fn short(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(before, _)| last_part(before))
}

fn put_together(group: types::TargetGroup, targets: Vec<types::TargetHealthDescription>) -> TargetGroup {
    let matcher = group.matcher.and_then(|matcher| matcher.http_code.or(matcher.grpc_code));
    TargetGroup {
        arn: group.target_group_arn.unwrap_or_default(),
        name: group.target_group_name.unwrap_or_default(),
        port: port(group.port),
        path: group.health_check_path.unwrap_or_default(),
        health_port: group.health_check_port.unwrap_or_default(),
        matcher: matcher.unwrap_or_default(),
        interval_seconds: number(group.health_check_interval_seconds),
        timeout_seconds: number(group.health_check_timeout_seconds),
        healthy_threshold: number(group.healthy_threshold_count),
        unhealthy_threshold: number(group.unhealthy_threshold_count),
        targets: targets.into_iter().map(target).collect(),
    }
}

fn target(found: types::TargetHealthDescription) -> Target {
    let health = found.target_health;
    let (state, reason, description) =
        health.map_or((None, None, None), |health| (health.state, health.reason, health.description));
    Target {
        port: port(found.target.as_ref().and_then(|target| target.port)),
        id: found.target.and_then(|target| target.id).unwrap_or_default(),
        state: state.map_or_else(String::new, |state| state.as_str().to_owned()),
        reason: reason.map_or_else(String::new, |reason| reason.as_str().to_owned()),
        // The load balancer's own words: codes and counts.
        description: description.unwrap_or_default(),
    }
}

fn port(port: Option<i32>) -> u16 {
    port.and_then(|port| u16::try_from(port).ok()).unwrap_or_default()
}

fn number(number: Option<i32>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;

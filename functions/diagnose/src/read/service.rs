//! The service and its task definition: how they are set, never with a variable's value.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::{
    Client,
    types::{self, Compatibility, ContainerDefinition, DeploymentStrategy, LaunchType, LogDriver},
};
use shared::{
    aws,
    ecs::{self, count, revision},
    error::{Cause, Error},
    text,
};

use super::{Reader, Seen, Why, seen, timestamp, why};
use crate::{
    evidence::{Container, Definition, Deployment, Event, HealthCheck, NotSeen, Service, Stage},
    names::secret_name,
    settings::Settings,
};

const MAX_EVENTS: usize = 20;
/// A health check's command is longer only when it is a script.
const MAX_COMMAND_BYTES: usize = 200;

/// The service, and what other sources ask with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) service: Service,
    /// ARNs.
    pub(super) target_groups: Vec<String>,
    /// Of a deployment that moves traffic, as in `BLUE_GREEN`; empty for any other.
    strategy: String,
    is_fargate: bool,
}

/// The task definition, and what other sources ask with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Defined {
    pub(super) definition: Definition,
    /// Where each container's log goes, by the container's name.
    pub(super) logs: BTreeMap<String, LogStream>,
    /// References to Secrets Manager without a JSON key, each once.
    pub(super) secrets: BTreeSet<String>,
}

/// A log stream's name is `<prefix>/<container>/<task id>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogStream {
    pub(super) group: String,
    pub(super) prefix: String,
}

pub(super) async fn service(reader: &Reader) -> Result<Option<Seen>, Why> {
    let Some(described) = reader.service().await? else {
        return Ok(seen(|evidence| evidence.service_missing = true));
    };
    let (stage, not_seen) = match stage(reader, described).await {
        Ok(stage) => (stage, None),
        Err(error) => {
            let source = "the stage of the deployment".to_owned();
            (None, Some(NotSeen { source, why: why(&error) }))
        }
    };
    let service = Service { stage, ..described.service.clone() };
    Ok(seen(|evidence| {
        evidence.service = Some(service);
        evidence.not_seen.extend(not_seen);
    }))
}

/// Where a deployment under way stands that moves traffic.
async fn stage(reader: &Reader, described: &Described) -> Result<Option<Stage>, Error> {
    let is_deploying = described.service.deployments.iter().any(|one| one.rollout == "IN_PROGRESS");
    if described.strategy.is_empty() || !is_deploying {
        return Ok(None);
    }
    let Settings { cluster, service, .. } = &reader.settings;
    let client = Client::new(&reader.config);
    let stage = ecs::stage(&client, cluster, service, &described.strategy).await?;
    Ok(stage.map(|ecs::Stage { strategy, name, status, since, ends_at, hooks, pauses }| Stage {
        strategy,
        name,
        status,
        since,
        ends_at,
        hooks,
        pauses,
    }))
}

pub(super) async fn definition(reader: &Reader) -> Result<Option<Seen>, Why> {
    if reader.service().await?.is_none() {
        return Ok(None);
    }
    let definition = reader.definition().await?.definition.clone();
    Ok(seen(|evidence| evidence.definition = Some(definition)))
}

pub(super) async fn describe(reader: &Reader) -> Result<Option<Described>, Why> {
    describe_with(&Client::new(&reader.config), &reader.settings).await.map_err(|error| why(&error))
}

async fn describe_with(client: &Client, settings: &Settings) -> Result<Option<Described>, Error> {
    const OPERATION: &str = "describe service";
    let Settings { cluster, service, .. } = settings;
    let whose = || format!("{service} in cluster {cluster}");
    let answer = client
        .describe_services()
        .cluster(cluster)
        .services(service)
        .send()
        .await
        .map_err(|error| aws::failed(OPERATION, whose(), &error))?;
    if let Some(found) = answer.services.unwrap_or_default().into_iter().next() {
        return Ok(Some(described(found, settings)));
    }
    let failure = answer.failures.unwrap_or_default().into_iter().next();
    match failure.and_then(|failure| failure.reason).as_deref() {
        Some("MISSING") => Ok(None),
        other => {
            let cause = Cause::new(other.unwrap_or("ECS's answer is empty"));
            Err(Error::Aws { operation: OPERATION, resource: whose(), source: cause })
        }
    }
}

fn described(service: types::Service, settings: &Settings) -> Described {
    let network = service.network_configuration.and_then(|network| network.awsvpc_configuration);
    let providers = service.capacity_provider_strategy.unwrap_or_default();
    let is_fargate = service.launch_type == Some(LaunchType::Fargate)
        || providers.iter().any(|item| matches!(item.capacity_provider(), "FARGATE" | "FARGATE_SPOT"));
    let mut deployments: Vec<Deployment> =
        service.deployments.unwrap_or_default().into_iter().map(deployment).collect();
    deployments.sort_by_key(|deployment| deployment.status != "PRIMARY");
    // ECS's own words about its own things: there is nothing to mask.
    let events = service.events.unwrap_or_default().into_iter().take(MAX_EVENTS).map(|event| Event {
        at: event.created_at.as_ref().and_then(timestamp),
        message: event.message.unwrap_or_default(),
    });
    let load_balancers = service.load_balancers.unwrap_or_default();
    let strategy = service.deployment_configuration.and_then(|configuration| configuration.strategy);
    let strategy = strategy.filter(|strategy| *strategy != DeploymentStrategy::Rolling);
    Described {
        target_groups: load_balancers.into_iter().filter_map(|one| one.target_group_arn).collect(),
        is_fargate,
        strategy: strategy.map_or_else(String::new, |strategy| strategy.as_str().to_owned()),
        service: Service {
            name: service.service_name.unwrap_or_else(|| settings.service.clone()),
            cluster: settings.cluster.clone(),
            status: service.status.unwrap_or_default(),
            desired: count(service.desired_count),
            running: count(service.running_count),
            pending: count(service.pending_count),
            task_definition: revision(&service.task_definition.unwrap_or_default()).to_owned(),
            grace_seconds: service.health_check_grace_period_seconds.map(count),
            public_ip: network
                .as_ref()
                .and_then(|network| network.assign_public_ip())
                .map_or_else(String::new, |assigned| assigned.as_str().to_owned()),
            subnets: network.as_ref().map(|network| network.subnets.clone()).unwrap_or_default(),
            security_groups: network.and_then(|network| network.security_groups).unwrap_or_default(),
            stage: None,
            deployments,
            events: events.collect(),
        },
    }
}

fn deployment(deployment: types::Deployment) -> Deployment {
    Deployment {
        status: deployment.status.unwrap_or_default(),
        task_definition: revision(&deployment.task_definition.unwrap_or_default()).to_owned(),
        rollout: deployment.rollout_state.map_or_else(String::new, |state| state.as_str().to_owned()),
        reason: deployment.rollout_state_reason.unwrap_or_default(),
        created_at: deployment.created_at.as_ref().and_then(timestamp),
        desired: count(deployment.desired_count),
        running: count(deployment.running_count),
        failed_tasks: count(deployment.failed_tasks),
    }
}

pub(super) async fn define(reader: &Reader) -> Result<Defined, Why> {
    let described = reader.service().await?.ok_or("there is no such service")?;
    let wanted = described.service.task_definition.as_str();
    if wanted.is_empty() {
        return Err("the service has no task definition of its own".to_owned());
    }
    let client = Client::new(&reader.config);
    let variable = reader.settings.pool_size_variable.as_str();
    define_with(&client, wanted, variable, described.is_fargate).await.map_err(|error| why(&error))
}

async fn define_with(
    client: &Client,
    wanted: &str,
    pool_size_variable: &str,
    is_fargate: bool,
) -> Result<Defined, Error> {
    let found = ecs::registered(client, wanted).await?.ok_or_else(|| Error::Aws {
        operation: "describe task definition",
        resource: wanted.to_owned(),
        source: Cause::new("there is none"),
    })?;
    // One that cannot be held against its original counts as no copy.
    let copy = ecs::believed(client, &found, None, &|_, _, _| false).await.ok().flatten();
    let mut defined = defined(found.definition, pool_size_variable);
    defined.definition.is_fargate |= is_fargate;
    let release = copy.as_ref().map(ecs::TaskDefinition::release);
    defined.definition.copy_of =
        release.filter(|release| **release != *defined.definition.revision).map(str::to_owned);
    Ok(defined)
}

fn defined(found: types::TaskDefinition, pool_size_variable: &str) -> Defined {
    let containers = found.container_definitions.unwrap_or_default();
    let mut defined = Defined::default();
    for container in &containers {
        let name = container.name().unwrap_or_default().to_owned();
        defined.logs.extend(log_stream(container).map(|stream| (name, stream)));
        defined.secrets.extend(secrets(container).filter_map(secret_id));
    }
    let number = |text: Option<String>| text?.parse().ok();
    let is_fargate = found.requires_compatibilities.unwrap_or_default().contains(&Compatibility::Fargate);
    defined.definition = Definition {
        revision: revision(&found.task_definition_arn.unwrap_or_default()).to_owned(),
        cpu: number(found.cpu),
        memory_mib: number(found.memory),
        is_fargate,
        registered_at: found.registered_at.as_ref().and_then(timestamp),
        copy_of: None,
        containers: containers.into_iter().map(|one| container(one, pool_size_variable)).collect(),
    };
    defined
}

fn container(found: ContainerDefinition, pool_size_variable: &str) -> Container {
    let log_group = log_option(&found, "awslogs-group");
    let ports = found.port_mappings.unwrap_or_default().into_iter();
    let variables = found.environment.unwrap_or_default();
    let pool_size = variables.iter().find(|variable| variable.name() == Some(pool_size_variable));
    Container {
        pool_size: pool_size.and_then(|variable| variable.value()?.trim().parse().ok()),
        name: found.name.unwrap_or_default(),
        image: found.image.unwrap_or_default(),
        // Without a word, a container is essential.
        is_essential: found.essential.unwrap_or(true),
        memory_mib: found.memory.map(count),
        ports: ports.filter_map(|mapping| u16::try_from(mapping.container_port?).ok()).collect(),
        variables: variables.into_iter().filter_map(|variable| variable.name).collect(),
        secrets: found
            .secrets
            .unwrap_or_default()
            .into_iter()
            .map(|secret| [secret.name, source_name(&secret.value_from)])
            .collect(),
        health_check: found.health_check.map(|check| health_check(&check)),
        log_group,
    }
}

fn health_check(check: &types::HealthCheck) -> HealthCheck {
    let words = check.command();
    let words = match words {
        [kind, rest @ ..] if matches!(kind.as_str(), "CMD" | "CMD-SHELL") => rest,
        words => words,
    };
    let words = words.join(" ");
    let mut command = text::log_line(&words);
    command.truncate(command.floor_char_boundary(MAX_COMMAND_BYTES));
    HealthCheck {
        path: HealthCheck::path_in(&words).map(str::to_owned),
        command,
        // ECS's defaults.
        interval_seconds: check.interval.map_or(30, count),
        timeout_seconds: check.timeout.map_or(5, count),
        retries: check.retries.map_or(3, count),
        start_period_seconds: check.start_period.map_or(0, count),
    }
}

fn log_option(container: &ContainerDefinition, name: &str) -> Option<String> {
    let log = container.log_configuration().filter(|log| log.log_driver == LogDriver::Awslogs)?;
    log.options()?.get(name).cloned()
}

fn log_stream(container: &ContainerDefinition) -> Option<LogStream> {
    Some(LogStream {
        group: log_option(container, "awslogs-group")?,
        prefix: log_option(container, "awslogs-stream-prefix")?,
    })
}

/// All that ECS reads before it starts the container: of its variables, of its log and of its image's registry.
fn secrets(container: &ContainerDefinition) -> impl Iterator<Item = &str> {
    let of_log = container.log_configuration().into_iter().flat_map(types::LogConfiguration::secret_options);
    let of_registry =
        container.repository_credentials().map(types::RepositoryCredentials::credentials_parameter);
    container.secrets().iter().chain(of_log).map(types::Secret::value_from).chain(of_registry)
}

/// The id of a reference's secret in Secrets Manager. `None` if the reference is to something else.
///
/// ECS's form is `arn:aws:secretsmanager:region:account:secret:name-AbCdEf:json-key:stage:version`, the last three
/// left out or empty; without an ARN it is a parameter of Parameter Store.
fn secret_id(value_from: &str) -> Option<String> {
    const PARTS_OF_ARN: usize = 7;
    let parts: Vec<&str> = value_from.split(':').take(PARTS_OF_ARN).collect();
    matches!(parts.as_slice(), ["arn", _, "secretsmanager", _, _, "secret", _]).then(|| parts.join(":"))
}

/// For people: the secret's or the parameter's name, as far as a reference to it has it.
fn source_name(value_from: &str) -> String {
    match secret_id(value_from) {
        Some(arn) => secret_name(&arn).to_owned(),
        None => value_from.rsplit_once(":parameter/").map_or(value_from, |(_, name)| name).to_owned(),
    }
}

/// A text that AWS wrote. The names of its things stay, since they are what is to be corrected; secrets go, and the
/// addresses of persons, which name sessions of roles.
pub(super) fn said(text: &str) -> String {
    const MAX_CHARS: usize = 600;
    let words = text.split_whitespace().map(|word| if is_long_number(word) { "<…>" } else { word });
    text::line(&without_persons(&words.collect::<Vec<_>>().join(" ")), MAX_CHARS)
}

/// Longer than an account's: a card's, or another of a person's.
fn is_long_number(word: &str) -> bool {
    const ACCOUNT: usize = 12;
    let bare = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    bare.len() > ACCOUNT && bare.bytes().all(|byte| byte.is_ascii_digit())
}

/// `<e-mail>` for each `name@host.domain`. An image's digest (`@sha256:…`) has no dot after it.
fn without_persons(text: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "._%+-".contains(letter);
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        let name = before.len() - before.chars().rev().take_while(|letter| is_part(*letter)).count();
        let host = after.find(|letter| !is_part(letter)).unwrap_or(after.len());
        let (host, next) = after.split_at(host);
        let is_address = name < before.len() && host.trim_end_matches('.').contains('.');
        if is_address {
            out.push_str(before.get(..name).unwrap_or_default());
            out.push_str("<e-mail>");
            // The full stop of the sentence.
            out.push_str(if host.ends_with('.') { "." } else { "" });
        } else {
            out.push_str(before);
            out.push('@');
            out.push_str(host);
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
pub(super) mod tests;

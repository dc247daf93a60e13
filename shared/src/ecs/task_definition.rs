//! Task definitions: read, and registered once more as copies.

use std::collections::BTreeMap;

use aws_sdk_ecs::{
    Client,
    operation::{
        describe_task_definition::DescribeTaskDefinitionError,
        register_task_definition::builders::RegisterTaskDefinitionFluentBuilder,
    },
    types::{self, ContainerDefinition, SortOrder, Tag, TaskDefinitionField, TaskDefinitionStatus},
};
use serde::Serialize;

use super::{family, revision};
use crate::{
    aws::{self, Cause},
    error::Error,
    once::once,
};

/// The tag on a copy, with the `family:revision` that it was copied from.
pub const COPY_OF: &str = "lendpeak2:copy-of";
/// The tag on a copy with which writes are frozen, with the `family:revision` of the release.
pub const FROZEN_FROM: &str = "lendpeak2:frozen-from";

/// What may be told of a task definition: its variables may be nobody's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskDefinition {
    pub arn: String,
    /// Whether a service can be pointed at it; otherwise a copy of it must be registered first.
    pub is_active: bool,
    /// The `family:revision` that a remedy copied it from.
    pub copy_of: Option<String>,
    /// The `family:revision` that writes were frozen with it for.
    pub frozen_from: Option<String>,
    /// The containers' images, by the containers' names.
    pub images: BTreeMap<String, String>,
}

impl TaskDefinition {
    pub fn revision(&self) -> &str {
        revision(&self.arn)
    }

    /// Whether it is this release, itself or as a copy.
    pub fn is(&self, revision: &str) -> bool {
        self.revision() == revision
            || self.copy_of.as_deref() == Some(revision)
            || self.frozen_from.as_deref() == Some(revision)
    }

    /// The release that it stands for, as `family:revision`.
    pub fn release(&self) -> &str {
        self.frozen_from.as_deref().or(self.copy_of.as_deref()).unwrap_or_else(|| self.revision())
    }
}

/// A task definition as ECS has it, with its tags.
#[derive(Debug, Clone)]
pub struct Registered {
    pub definition: types::TaskDefinition,
    pub tags: Vec<Tag>,
}

impl Registered {
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key() == Some(key)).and_then(|tag| tag.value())
    }

    pub fn images(&self) -> BTreeMap<String, String> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let containers = self.definition.container_definitions();
        containers.iter().map(|container| (text(container.name()), text(container.image()))).collect()
    }

    /// Nothing if it is being deleted.
    pub fn summary(&self) -> Option<TaskDefinition> {
        let is_active = match self.definition.status()? {
            TaskDefinitionStatus::Active => true,
            TaskDefinitionStatus::Inactive => false,
            _ => return None,
        };
        let tag = |key| self.tag(key).map(str::to_owned);
        Some(TaskDefinition {
            arn: self.definition.task_definition_arn()?.to_owned(),
            is_active,
            copy_of: tag(COPY_OF),
            frozen_from: tag(FROZEN_FROM),
            images: self.images(),
        })
    }
}

/// A task definition, or nothing if there is none.
pub async fn registered(client: &Client, wanted: &str) -> Result<Option<Registered>, Error> {
    let answer = client
        .describe_task_definition()
        .task_definition(wanted)
        .include(TaskDefinitionField::Tags)
        .send()
        .await;
    match answer {
        Ok(answer) => {
            let tags = answer.tags.unwrap_or_default();
            Ok(answer.task_definition.map(|definition| Registered { definition, tags }))
        }
        Err(error)
            if error.as_service_error().is_some_and(DescribeTaskDefinitionError::is_client_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(aws::failed("describe task definition", wanted, &error)),
    }
}

/// A task definition, or nothing if none is wanted, there is none, or it is being deleted.
pub async fn task_definition(
    client: &Client,
    wanted: Option<String>,
) -> Result<Option<TaskDefinition>, Error> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
        return Ok(None);
    };
    Ok(registered(client, &wanted).await?.and_then(|found| found.summary()))
}

/// The newest active revisions of a family, as ARNs.
pub async fn newest_revisions(client: &Client, family_name: &str) -> Result<Vec<String>, Error> {
    const ENOUGH: i32 = 10;
    let answer = client
        .list_task_definitions()
        .family_prefix(family_name)
        .sort(SortOrder::Desc)
        .max_results(ENOUGH)
        .send()
        .await
        .map_err(|error| aws::failed("list the task definitions of", family_name, &error))?;
    let arns = answer.task_definition_arns.unwrap_or_default();
    Ok(arns.into_iter().filter(|arn| family(revision(arn)) == family_name).collect())
}

/// A copy to be made of a task definition.
pub struct Copy<'a> {
    pub of: &'a str,
    /// What the copy is for: [`COPY_OF`] and [`FROZEN_FROM`] with a release each. It has no other of these.
    pub tags: &'a [(&'static str, &'a str)],
    /// What the copy's containers have that the original's have not. A second time it changes nothing.
    pub change: &'a dyn Fn(ContainerDefinition) -> ContainerDefinition,
}

/// A copy of a revision as a new one: the copy that a run left which died, or a new one. Answers its ARN.
pub async fn copy_of(client: &Client, copy: &Copy<'_>) -> Result<String, Error> {
    const OPERATION: &str = "register a copy of";
    if let Some(arn) = copy.made(client).await? {
        return Ok(arn);
    }
    let missing =
        |what| Error::Aws { operation: OPERATION, resource: copy.of.to_owned(), source: Cause::new(what) };
    let original =
        registered(client, copy.of).await?.ok_or_else(|| missing("there is no such task definition"))?;
    let mut tags = original.tags;
    tags.retain(|tag| tag.key().is_some_and(|key| ![COPY_OF, FROZEN_FROM].contains(&key) && is_ours(key)));
    tags.extend(copy.tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()));
    let register = register(client, original.definition, tags);
    let containers = register.get_container_definitions().clone().unwrap_or_default();
    let register =
        register.set_container_definitions(Some(containers.into_iter().map(copy.change).collect()));
    let send = async || {
        let sent = register.clone().customize().config_override(super::not_repeated()).send().await?;
        Ok(sent.task_definition.and_then(|definition| definition.task_definition_arn))
    };
    let effect = async || Ok(copy.made(client).await?.map(Some));
    let arn = once(OPERATION, copy.of, send, effect).await?;
    arn.ok_or_else(|| missing("ECS did not say what it registered"))
}

impl Copy<'_> {
    /// The ARN of one that is there already.
    async fn made(&self, client: &Client) -> Result<Option<String>, Error> {
        /// Between a copy and its use, hardly anybody registers more.
        const NEWEST: usize = 3;
        for arn in newest_revisions(client, family(self.of)).await?.into_iter().take(NEWEST) {
            if registered(client, &arn).await?.is_some_and(|found| self.is(&found)) {
                return Ok(Some(arn));
            }
        }
        Ok(None)
    }

    fn is(&self, found: &Registered) -> bool {
        let wanted = |key| self.tags.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        [COPY_OF, FROZEN_FROM].iter().all(|key| found.tag(key) == wanted(*key))
            && found
                .definition
                .container_definitions()
                .iter()
                .all(|container| (self.change)(container.clone()) == *container)
    }
}

/// AWS's own tags, as CloudFormation's, are for AWS to set: ECS refuses them from anybody else.
fn is_ours(tag: &str) -> bool {
    !tag.to_ascii_lowercase().starts_with("aws:")
}

/// A request to register a task definition once more, with every field that ECS still takes.
fn register(
    client: &Client,
    original: types::TaskDefinition,
    tags: Vec<Tag>,
) -> RegisterTaskDefinitionFluentBuilder {
    client
        .register_task_definition()
        .set_family(original.family)
        .set_task_role_arn(original.task_role_arn)
        .set_execution_role_arn(original.execution_role_arn)
        .set_network_mode(original.network_mode)
        .set_container_definitions(original.container_definitions)
        .set_volumes(original.volumes)
        .set_placement_constraints(original.placement_constraints)
        .set_requires_compatibilities(original.requires_compatibilities)
        .set_cpu(original.cpu)
        .set_memory(original.memory)
        .set_pid_mode(original.pid_mode)
        .set_ipc_mode(original.ipc_mode)
        .set_proxy_configuration(original.proxy_configuration)
        .set_ephemeral_storage(original.ephemeral_storage)
        .set_runtime_platform(original.runtime_platform)
        .set_enable_fault_injection(original.enable_fault_injection)
        // ECS refuses an empty list.
        .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
}

#[cfg(test)]
mod tests;

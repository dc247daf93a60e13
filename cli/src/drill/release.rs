//! A bad release: a copy of the task definition that runs, with one thing changed. Whatever the record says of it can be
//! put back, as often as it is asked for.

use aws_sdk_ecs::{
    Client,
    config::retry::RetryConfig,
    operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder,
    types::{
        ContainerDefinition, KeyValuePair, Service, SortOrder, Tag, TaskDefinition, TaskDefinitionField,
        TaskDefinitionStatus,
    },
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::record::Record;
use crate::failure::Failure;

/// On the bad copy: the drill's id.
const DRILL: &str = "lendpeak2:drill";
/// What the remedies' own copies have.
const FROZEN_FROM: &str = "lendpeak2:frozen-from";
const COPY_OF: &str = "lendpeak2:copy-of";
/// How many of a family's newest are looked at for a copy that a killed drill has left: hardly anybody registers more in
/// between.
const NEWEST: i32 = 10;

/// What is wrong with the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Variable { name: String, value: String },
    Image(String),
}

impl Fault {
    /// As in `BROKEN=true`.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Variable { name, value } => format!("{name}={value}"),
            Self::Image(image) => format!("the image {image}"),
        }
    }

    /// The containers with the fault in one of them.
    pub(crate) fn put_into(
        &self,
        containers: &[ContainerDefinition],
        name: &str,
    ) -> Result<Vec<ContainerDefinition>, Failure> {
        let mut containers = containers.to_vec();
        let Some(container) = containers.iter_mut().find(|container| container.name() == Some(name)) else {
            let there: Vec<&str> = containers.iter().filter_map(ContainerDefinition::name).collect();
            return Err(Failure::usage(
                format!("the service's tasks have no container `{name}`"),
                format!("name one of these by --container: {}", there.join(", ")),
            ));
        };
        match self {
            Self::Image(image) => container.image = Some(image.clone()),
            Self::Variable { name, value } => {
                if container.secrets().iter().any(|secret| secret.name() == name) {
                    return Err(Failure::usage(
                        format!("{name} is a secret of the container: ECS takes no variable of that name"),
                        "name another by --variable",
                    ));
                }
                let variables = container.environment.get_or_insert_default();
                variables.retain(|variable| variable.name() != Some(name));
                variables.push(KeyValuePair::builder().name(name).value(value).build());
            }
        }
        Ok(containers)
    }
}

/// A task definition with its tags.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) definition: TaskDefinition,
    tags: Vec<Tag>,
}

impl Registered {
    fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key() == Some(key)).and_then(Tag::value)
    }

    /// The drill that it is the bad release of.
    pub(crate) fn drill(&self) -> Option<&str> {
        self.tag(DRILL)
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.tag(FROZEN_FROM).is_some()
    }

    /// Its owner's tags: AWS takes none of its own, and a bad release is no copy that a remedy may count on.
    fn own_tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter().filter(|tag| {
            let key = tag.key().unwrap_or_default();
            ![DRILL, FROZEN_FROM, COPY_OF].contains(&key) && !key.to_ascii_lowercase().starts_with("aws:")
        })
    }
}

/// As in `backend:2`.
pub(crate) fn short(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}

pub(crate) async fn service(client: &Client, cluster: &str, name: &str) -> Result<Service, Failure> {
    let described = client.describe_services().cluster(cluster).services(name).send().await;
    let described =
        described.map_err(|error| Failure::aws("see the service", "ecs:DescribeServices", &error))?;
    let found = described.services.unwrap_or_default().into_iter().next();
    found.ok_or_else(|| Failure::Failed {
        what: format!("there is no service {name} in the cluster {cluster}"),
    })
}

/// Whether ECS gave a deployment up since a time, and went back by itself: it says so in the service's events.
pub(crate) fn ecs_went_back(service: &Service, since: Timestamp) -> bool {
    let is_new = |at: &DateTime| at.secs() >= since.as_second();
    service.events().iter().any(|event| {
        event.created_at().is_some_and(is_new)
            && event.message().is_some_and(|message| message.contains("rolling back to deployment"))
    })
}

pub(crate) async fn registered(client: &Client, arn: &str) -> Result<Registered, Failure> {
    let describe = client.describe_task_definition().task_definition(arn);
    let described = describe.include(TaskDefinitionField::Tags).send().await.map_err(|error| {
        Failure::aws(format!("read {}", short(arn)), "ecs:DescribeTaskDefinition", &error)
    })?;
    let definition = described
        .task_definition
        .ok_or_else(|| Failure::Failed { what: format!("ECS has no task definition {}", short(arn)) })?;
    Ok(Registered { definition, tags: described.tags.unwrap_or_default() })
}

/// Registers the bad release. Sent once: a second try could leave two.
pub(crate) async fn register(
    client: &Client,
    of: &Registered,
    containers: Vec<ContainerDefinition>,
    drill: &str,
) -> Result<String, Failure> {
    let mut tags: Vec<Tag> = of.own_tags().cloned().collect();
    tags.push(Tag::builder().key(DRILL).value(drill).build());
    let sent = again(client, of.definition.clone())
        .set_container_definitions(Some(containers))
        .set_tags(Some(tags))
        .customize()
        .config_override(once())
        .send()
        .await
        .map_err(|error| {
            Failure::aws("register the bad release", "ecs:RegisterTaskDefinition", &error).of_a_change()
        })?;
    let arn = sent.task_definition.and_then(|definition| definition.task_definition_arn);
    arn.ok_or_else(|| Failure::Failed { what: "ECS did not say what it registered".to_owned() })
}

/// A request to register a task definition once more, with every field that ECS takes.
#[expect(deprecated, reason = "what a definition has is for its owner to say")]
fn again(client: &Client, original: TaskDefinition) -> RegisterTaskDefinitionFluentBuilder {
    client
        .register_task_definition()
        .set_family(original.family)
        .set_task_role_arn(original.task_role_arn)
        .set_execution_role_arn(original.execution_role_arn)
        .set_network_mode(original.network_mode)
        .set_volumes(original.volumes)
        .set_placement_constraints(original.placement_constraints)
        .set_requires_compatibilities(original.requires_compatibilities)
        .set_cpu(original.cpu)
        .set_memory(original.memory)
        .set_inference_accelerators(original.inference_accelerators)
        .set_pid_mode(original.pid_mode)
        .set_ipc_mode(original.ipc_mode)
        .set_proxy_configuration(original.proxy_configuration)
        .set_ephemeral_storage(original.ephemeral_storage)
        .set_runtime_platform(original.runtime_platform)
        .set_enable_fault_injection(original.enable_fault_injection)
}

fn once() -> aws_sdk_ecs::config::Builder {
    aws_sdk_ecs::Config::builder().retry_config(RetryConfig::disabled())
}

/// Sets the service to a release.
pub(crate) async fn deploy(
    client: &Client,
    cluster: &str,
    service: &str,
    release: &str,
) -> Result<(), Failure> {
    let update = client.update_service().cluster(cluster).service(service).task_definition(release);
    let sent = update.customize().config_override(once()).send().await;
    sent.map(|_| ()).map_err(|error| {
        Failure::aws(format!("deploy {}", short(release)), "ecs:UpdateService", &error).of_a_change()
    })
}

/// What was put back, and whether the service has to settle after that.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PutBack {
    pub(crate) lines: Vec<String>,
    pub(crate) deployed: bool,
}

/// Puts back what a drill has changed, and nothing that somebody else has. It may be asked for again.
pub(crate) async fn put_back(client: &Client, record: &Record) -> Result<PutBack, Failure> {
    let copy = match &record.copy {
        Some(arn) => Some(registered(client, arn).await?),
        None => left(client, record).await?,
    };
    let Some(copy) = copy else {
        return Ok(PutBack {
            lines: vec!["no bad release was registered: there was nothing to put back".to_owned()],
            deployed: false,
        });
    };
    let arn = copy.definition.task_definition_arn().unwrap_or_default();
    // First: ECS then takes no request to deploy it that is still under way. What runs of it goes on.
    let withdrawn = withdraw(client, &copy.definition, arn).await;
    let mut back = set_back(client, record, arn).await?;
    back.lines.extend(withdrawn?);
    Ok(back)
}

async fn withdraw(client: &Client, copy: &TaskDefinition, arn: &str) -> Result<Option<String>, Failure> {
    if copy.status().is_some_and(|status| *status != TaskDefinitionStatus::Active) {
        return Ok(None);
    }
    let sent = client.deregister_task_definition().task_definition(arn).send().await;
    sent.map_err(|error| {
        Failure::aws(format!("deregister {}", short(arn)), "ecs:DeregisterTaskDefinition", &error)
    })?;
    Ok(Some(format!("{} was deregistered", short(arn))))
}

async fn set_back(client: &Client, record: &Record, copy: &str) -> Result<PutBack, Failure> {
    let now = service(client, &record.cluster, &record.service).await?;
    let runs = now.task_definition().unwrap_or_default();
    let (name, before) = (&record.service, short(&record.before));
    if runs == copy {
        deploy(client, &record.cluster, &record.service, &record.before).await?;
        return Ok(PutBack { lines: vec![format!("{name} was set back to {before}")], deployed: true });
    }
    let line = if runs == record.before {
        format!("{name} runs {before}, as before")
    } else {
        format!("{name} runs {}, which was deployed meanwhile: it was left alone", short(runs))
    };
    Ok(PutBack { lines: vec![line], deployed: false })
}

/// The copy of a drill that was killed before it knew its name. Of several with the drill's tag it is the first: tools
/// that copy a task definition carry its tags on.
async fn left(client: &Client, record: &Record) -> Result<Option<Registered>, Failure> {
    let family = short(&record.before).rsplit_once(':').map_or("", |(family, _)| family);
    let list = client.list_task_definitions().family_prefix(family).sort(SortOrder::Desc).max_results(NEWEST);
    let listed = list.send().await.map_err(|error| {
        Failure::aws(format!("list what is registered of {family}"), "ecs:ListTaskDefinitions", &error)
    })?;
    // Another family may begin with the same letters.
    let is_of_family = |arn: &&String| short(arn).rsplit_once(':').is_some_and(|(name, _)| name == family);
    let mut found = None;
    for arn in listed.task_definition_arns().iter().filter(is_of_family) {
        if *arn == record.before {
            break;
        }
        let registered = registered(client, arn).await?;
        if registered.drill() == Some(&record.id) {
            found = Some(registered);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;

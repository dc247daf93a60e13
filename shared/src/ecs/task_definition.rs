//! Task definitions as they are read, with what their tags say.

use std::collections::BTreeMap;

use aws_sdk_ecs::{
    Client,
    operation::describe_task_definition::DescribeTaskDefinitionError,
    types::{
        self, ContainerDefinition, KeyValuePair, SortOrder, Tag, TaskDefinitionField, TaskDefinitionStatus,
    },
};
use serde::Serialize;

use super::{
    copy::{Answered, content, lost_in_a_copy},
    family, revision,
};
use crate::{aws, error::Error, ledger::Release};

/// The tag on a copy, with the `family:revision` that it was copied from.
pub const COPY_OF: &str = "lendpeak2:copy-of";
/// The tag on a copy with which writes are frozen, with the `family:revision` of the release.
pub const FROZEN_FROM: &str = "lendpeak2:frozen-from";

/// The parts of a task definition that may be shown. Its variables may be secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
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
    /// The ports and volumes that a service may name.
    #[serde(skip)]
    pub offers: Offers,
    /// Why a copy would differ, if it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cannot_be_copied: Option<String>,
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
    /// The fields that a copy would not have.
    pub lost: Vec<String>,
}

/// The most tags that a copy is given.
const TAGS_OF_A_COPY: usize = 2;

impl Registered {
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key() == Some(key)).and_then(|tag| tag.value())
    }

    pub fn images(&self) -> BTreeMap<String, String> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let containers = self.definition.container_definitions();
        containers.iter().map(|container| (text(container.name()), text(container.image()))).collect()
    }

    /// The tags that a copy has, too: those that are neither of copies nor AWS's own, as CloudFormation's, which ECS takes
    /// from nobody else.
    pub(super) fn own_tags(&self) -> impl Iterator<Item = &Tag> {
        let is_own = |key: &str| {
            ![COPY_OF, FROZEN_FROM].contains(&key) && !key.to_ascii_lowercase().starts_with("aws:")
        };
        self.tags.iter().filter(move |tag| tag.key().is_some_and(is_own))
    }

    /// Why a copy with this many more tags would differ, if it would.
    pub(super) fn cannot_be_copied(&self, more_tags: usize) -> Option<String> {
        /// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>)
        const MOST_TAGS: usize = 50;
        if !self.lost.is_empty() {
            return Some(format!(
                "a copy would lose what this version does not know: {}",
                self.lost.join(", ")
            ));
        }
        let tags = self.own_tags().count();
        (tags + more_tags > MOST_TAGS).then(|| {
            format!("it has {tags} tags, a copy has {more_tags} more, and ECS allows {MOST_TAGS} in all")
        })
    }

    /// With what its tags say. `None` if it is being deleted.
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
            offers: Offers::of(&self.definition),
            cannot_be_copied: self.cannot_be_copied(TAGS_OF_A_COPY),
        })
    }

    /// Whether it is a copy of the other, as far as can be seen: the same but for one variable where writes are frozen
    /// with it, and for images that `ran`, by container, as the other's.
    fn is_a_copy_of(&self, other: &Self, ran: &dyn Fn(&str, &str) -> bool) -> bool {
        let variables = usize::from(self.tag(FROZEN_FROM).is_some());
        let (mut copy, mut original) = (content(self.definition.clone()), content(other.definition.clone()));
        let (mine, others) = (copy.container_definitions.take(), original.container_definitions.take());
        let (mut mine, mut others) = (mine.unwrap_or_default(), others.unwrap_or_default());
        if copy != original || mine.len() != others.len() {
            return false;
        }
        let mut changed = 0;
        for (copy, original) in mine.iter_mut().zip(&mut others) {
            let image = copy.image.take();
            let is_its_image = image == original.image.take()
                || copy.name.as_deref().zip(image.as_deref()).is_some_and(|(name, image)| ran(name, image));
            changed += variables_changed(copy, original);
            (copy.environment, original.environment) = (None, None);
            if !is_its_image || copy != original {
                return false;
            }
        }
        changed <= variables
    }
}

/// How many variables one container has and the other has not, or with another value.
fn variables_changed(copy: &ContainerDefinition, original: &ContainerDefinition) -> usize {
    let of = |container: &ContainerDefinition| {
        let pair = |pair: &KeyValuePair| {
            Some((pair.name()?.to_owned(), pair.value().unwrap_or_default().to_owned()))
        };
        container.environment().iter().filter_map(pair).collect::<BTreeMap<_, _>>()
    };
    let (copy, original) = (of(copy), of(original));
    let differs = |name: &&String| copy.get(*name) != original.get(*name);
    let gone = original.keys().filter(|name| !copy.contains_key(*name)).count();
    copy.keys().filter(differs).count() + gone
}

/// What a service may name of a task definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    /// Containers and their ports.
    pub ports: Vec<(String, i32)>,
    pub port_names: Vec<String>,
    /// Volumes that the service configures.
    pub volumes: Vec<String>,
}

impl Offers {
    fn of(definition: &types::TaskDefinition) -> Self {
        let containers = definition.container_definitions();
        let mappings = || {
            containers.iter().flat_map(|container| {
                let name = container.name().unwrap_or_default();
                container.port_mappings().iter().map(move |mapping| (name, mapping))
            })
        };
        Self {
            ports: mappings()
                .filter_map(|(name, mapping)| Some((name.to_owned(), mapping.container_port()?)))
                .collect(),
            port_names: mappings().filter_map(|(_, mapping)| mapping.name().map(str::to_owned)).collect(),
            volumes: definition
                .volumes()
                .iter()
                .filter(|volume| volume.configured_at_launch() == Some(true))
                .filter_map(|volume| volume.name().map(str::to_owned))
                .collect(),
        }
    }
}

/// What a task definition is, with its tags where they are so: deployment tools carry tags from revision to revision, so
/// one that is no copy may say that it is. The ledger knows those that a remedy has made (`known` is what it says of this
/// one); of another, it is compared with what it would be a copy of. `ran` is whether an image ran as a container's of
/// that. Nothing if it is being deleted.
pub async fn believed(
    client: &Client,
    found: &Registered,
    known: Option<&Release>,
    ran: &(dyn Fn(&str, &str, &str) -> bool + Sync),
) -> Result<Option<TaskDefinition>, Error> {
    let Some(told) = found.summary() else {
        return Ok(None);
    };
    if let Some(known) = known.filter(|known| known.stands_for().is_some()) {
        let (frozen_from, copy_of) = (known.frozen_from.clone(), known.copy_of.clone());
        return Ok(Some(TaskDefinition { copy_of, frozen_from, ..told }));
    }
    let Some(of) = told.frozen_from.as_deref().or(told.copy_of.as_deref()) else {
        return Ok(Some(told));
    };
    let ran = |container: &str, image: &str| ran(of, container, image);
    let is_so = registered(client, of).await?.is_some_and(|original| found.is_a_copy_of(&original, &ran));
    Ok(Some(if is_so { told } else { TaskDefinition { copy_of: None, frozen_from: None, ..told } }))
}

/// A task definition, or nothing if there is none.
pub async fn registered(client: &Client, wanted: &str) -> Result<Option<Registered>, Error> {
    let answered = Answered::default();
    let answer = client
        .describe_task_definition()
        .task_definition(wanted)
        .include(TaskDefinitionField::Tags)
        .customize()
        .interceptor(answered.clone())
        .send()
        .await;
    match answer {
        Ok(answer) => {
            let Some(definition) = answer.task_definition else {
                return Ok(None);
            };
            let lost = lost_in_a_copy(client, &answered.0.take(), &definition).await;
            Ok(Some(Registered { definition, tags: answer.tags.unwrap_or_default(), lost }))
        }
        Err(error)
            if error.as_service_error().is_some_and(DescribeTaskDefinitionError::is_client_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(aws::failed("describe task definition", wanted, &error)),
    }
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

//! Copies of task definitions: registered once more as they are, but for what the copy is made for.

use std::sync::{Arc, Mutex};

use aws_sdk_ecs::{
    Client,
    operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder,
    types::{self, ContainerDefinition, Tag},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef},
            dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use serde_json::Value;

use super::{COPY_OF, FROZEN_FROM, Registered, family, newest_revisions, registered};
use crate::{
    error::{Cause, Error},
    once::send_once,
    text,
};

const OPERATION: &str = "register a copy of";

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
    let cannot =
        |what| Error::Aws { operation: OPERATION, resource: copy.of.to_owned(), source: Cause::new(what) };
    let (original, newest) =
        tokio::join!(registered(client, copy.of), newest_revisions(client, family(copy.of)));
    let original = original?.ok_or_else(|| cannot("there is no such task definition".to_owned()))?;
    if let Some(why) = original.cannot_be_copied(copy.tags.len()) {
        return Err(cannot(why));
    }
    let wanted = copy.wanted(&original);
    if let Some(arn) = copy.made(client, newest?, &wanted).await? {
        return Ok(arn);
    }
    let mut tags: Vec<Tag> = original.own_tags().cloned().collect();
    tags.extend(copy.tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()));
    let register = register(client, wanted.clone(), tags);
    let send = async || {
        let sent = register.clone().customize().config_override(super::not_repeated()).send().await?;
        Ok(sent.task_definition.and_then(|definition| definition.task_definition_arn))
    };
    let effect = async || {
        let newest = newest_revisions(client, family(copy.of)).await?;
        Ok(copy.made(client, newest, &wanted).await?.map(Some))
    };
    let arn = send_once(OPERATION, copy.of, send, effect).await?;
    arn.ok_or_else(|| cannot("ECS did not say what it registered".to_owned()))
}

impl Copy<'_> {
    /// What is to be registered.
    fn wanted(&self, original: &Registered) -> types::TaskDefinition {
        let mut wanted = original.definition.clone();
        wanted.container_definitions =
            wanted.container_definitions.map(|containers| containers.into_iter().map(self.change).collect());
        wanted
    }

    /// The ARN of one that is there already.
    async fn made(
        &self,
        client: &Client,
        newest: Vec<String>,
        wanted: &types::TaskDefinition,
    ) -> Result<Option<String>, Error> {
        /// Between a copy and its use, hardly anybody registers more.
        const NEWEST: usize = 3;
        for arn in newest.into_iter().take(NEWEST) {
            if registered(client, &arn).await?.is_some_and(|found| self.is(&found, wanted)) {
                return Ok(Some(arn));
            }
        }
        Ok(None)
    }

    /// Deployment tools carry tags on to what they register: what they say must be so.
    fn is(&self, found: &Registered, wanted: &types::TaskDefinition) -> bool {
        let tag = |key| self.tags.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        [COPY_OF, FROZEN_FROM].iter().all(|key| found.tag(key) == tag(*key))
            && content(found.definition.clone()) == content(wanted.clone())
    }
}

/// A task definition without what ECS gives it.
pub(super) fn content(mut definition: types::TaskDefinition) -> types::TaskDefinition {
    definition.task_definition_arn = None;
    definition.revision = 0;
    definition.status = None;
    definition.requires_attributes = None;
    definition.compatibilities = None;
    definition.registered_at = None;
    definition.deregistered_at = None;
    definition.delete_requested_at = None;
    definition.registered_by = None;
    definition
}

/// A request to register a task definition once more, with every field that ECS takes.
#[expect(deprecated, reason = "what a definition has is for its owner to say")]
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
        .set_inference_accelerators(original.inference_accelerators)
        .set_pid_mode(original.pid_mode)
        .set_ipc_mode(original.ipc_mode)
        .set_proxy_configuration(original.proxy_configuration)
        .set_ephemeral_storage(original.ephemeral_storage)
        .set_runtime_platform(original.runtime_platform)
        .set_enable_fault_injection(original.enable_fault_injection)
        // ECS refuses an empty list.
        .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
}

/// What ECS gives a task definition, and takes from nobody.
const GIVEN_BY_ECS: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "deregisteredAt",
    "deleteRequestedAt",
    "registeredBy",
];

/// The fields of ECS's own answer that a copy would not have: newer than the SDK, which drops what it does not know.
/// `answer` is that of `DescribeTaskDefinition`, to the letter.
pub(super) async fn lost_in_a_copy(
    client: &Client,
    answer: &Value,
    definition: &types::TaskDefinition,
) -> Vec<String> {
    let Some(fields) = answer.get("taskDefinition").and_then(Value::as_object) else {
        return Vec::new();
    };
    let sent = Sent::default();
    // It ends before anything is sent, once the request is written.
    let _ =
        register(client, definition.clone(), Vec::new()).customize().interceptor(sent.clone()).send().await;
    let sent = sent.0.take();
    let mut lost = Vec::new();
    for (name, value) in fields {
        if !GIVEN_BY_ECS.contains(&name.as_str()) {
            compare(name, value, sent.get(name), &mut lost);
        }
    }
    lost
}

fn compare(path: &str, original: &Value, copy: Option<&Value>, lost: &mut Vec<String>) {
    const LONGEST: usize = 100;
    let same = match (original, copy) {
        (Value::Object(original), Some(Value::Object(copy))) => {
            for (name, value) in original {
                compare(&format!("{path}.{name}"), value, copy.get(name), lost);
            }
            true
        }
        (Value::Array(original), Some(Value::Array(copy))) if original.len() == copy.len() => {
            for (place, (original, copy)) in original.iter().zip(copy).enumerate() {
                compare(&format!("{path}[{place}]"), original, Some(copy), lost);
            }
            true
        }
        (Value::Number(original), Some(Value::Number(copy))) => original.as_f64() == copy.as_f64(),
        (original, Some(copy)) => original == copy,
        // ECS answers what is not set in either way.
        (Value::Null, None) => true,
        (Value::Array(original), None) => original.is_empty(),
        (Value::Object(original), None) => original.is_empty(),
        (_, None) => false,
    };
    if !same {
        lost.push(text::line(path, LONGEST));
    }
}

/// What the SDK writes as a request, without sending it.
#[derive(Debug, Clone, Default)]
struct Sent(Kept);

#[dyn_dispatch_hint]
impl Intercept for Sent {
    fn name(&self) -> &'static str {
        "Sent"
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.keep(context.request().body());
        Err("it was to be written, not sent".into())
    }
}

/// What ECS answered, to the letter.
#[derive(Debug, Clone, Default)]
pub(super) struct Answered(pub(super) Kept);

#[dyn_dispatch_hint]
impl Intercept for Answered {
    fn name(&self) -> &'static str {
        "Answered"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.keep(context.response().body());
        Ok(())
    }
}

/// A body as JSON; null where there was none.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Value>>);

impl Kept {
    fn keep(&self, body: &SdkBody) {
        let read = body.bytes().and_then(|bytes| serde_json::from_slice(bytes).ok());
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = read.unwrap_or_default();
    }

    pub(super) fn take(&self) -> Value {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;

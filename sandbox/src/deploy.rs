//! Makes the LendPeak2 stack in the local AWS, then deploys this project's `template.yaml` into it.

mod lendpeak2;
mod package;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{Capability, Parameter, StackStatus};
use aws_sdk_s3::primitives::ByteStream;

use crate::clients::Clients;

pub use lendpeak2::{
    CLUSTER, FAMILY, IMAGE, LEVELS, LOG_GROUP, PASSWORD, PROFILER_LOG_GROUP, SCALING_ALARMS, SERVICE,
    SERVICE_DOWN_RULE, TARGET_CPU, TASKS, calm_alarms, create_lendpeak2, let_incident_hear, listen,
    put_5xx_alarm, put_incident_errors_alarm, put_service_down_alarm, register_release, task_role_arns,
    unsubscribe,
};
pub use package::binaries;

pub const STACK: &str = "lendpeak2-remedies";
const BUCKET: &str = "lendpeak2-artifacts";
const STACK_TIMEOUT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(200);

/// What to deploy.
#[derive(Debug, Clone)]
pub struct Plan {
    pub template: PathBuf,
    /// Where the functions' binaries are: one file named as the task for each.
    pub binaries: PathBuf,
    /// The functions that are wanted, or all: in place of another stands a program that ends at once.
    pub functions: Option<Vec<&'static str>>,
    pub parameters: Vec<(String, String)>,
}

/// Packages the functions, uploads them and creates the stack. Returns when it is complete.
pub async fn deploy(clients: &Clients, plan: &Plan) -> anyhow::Result<()> {
    let template = std::fs::read_to_string(&plan.template)
        .with_context(|| format!("cannot read {}", plan.template.display()))?;
    clients.s3.create_bucket().bucket(BUCKET).send().await.context("cannot create the artifacts' bucket")?;
    for task in package::tasks(&template) {
        let wanted = plan.functions.as_ref().is_none_or(|wanted| wanted.contains(&task.as_str()));
        let zip = if wanted { package::zip(&plan.binaries, &task)? } else { package::nothing()? };
        upload(clients, &package::key(&task), zip).await?;
    }
    let beside = plan.template.parent().unwrap_or(&plan.template);
    for name in package::state_machines(&template) {
        let definition = package::definition(&name);
        let path = beside.join(&definition);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        upload(clients, &definition, bytes).await?;
    }
    upload(clients, "template.yaml", package::with_uploads(&template, BUCKET).into_bytes()).await?;
    create_stack(clients, plan).await
}

async fn upload(clients: &Clients, key: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
    let put = clients.s3.put_object().bucket(BUCKET).key(key).body(ByteStream::from(bytes));
    put.send().await.with_context(|| format!("cannot upload {key}"))?;
    Ok(())
}

async fn create_stack(clients: &Clients, plan: &Plan) -> anyhow::Result<()> {
    let parameters = plan
        .parameters
        .iter()
        .map(|(name, value)| Parameter::builder().parameter_key(name).parameter_value(value).build());
    clients
        .cloudformation
        .create_stack()
        .stack_name(STACK)
        .template_url(format!("https://s3.amazonaws.com/{BUCKET}/template.yaml"))
        .set_parameters(Some(parameters.collect()))
        .capabilities(Capability::CapabilityIam)
        .capabilities(Capability::CapabilityNamedIam)
        .capabilities(Capability::CapabilityAutoExpand)
        .send()
        .await
        .map_err(|error| {
            let reason = error.meta().message().unwrap_or("it does not answer").to_owned();
            anyhow!("CloudFormation refuses the template: {reason}")
        })?;
    let started = Instant::now();
    while started.elapsed() < STACK_TIMEOUT {
        match stack_status(clients).await? {
            StackStatus::CreateComplete => return Ok(()),
            StackStatus::CreateInProgress => tokio::time::sleep(POLL).await,
            other => bail!("the stack is {other}:\n{}", failures(clients).await?),
        }
    }
    bail!("the stack is not complete after {STACK_TIMEOUT:?}:\n{}", failures(clients).await?)
}

async fn stack_status(clients: &Clients) -> anyhow::Result<StackStatus> {
    let described = clients.cloudformation.describe_stacks().stack_name(STACK).send().await?;
    let stack = described.stacks().first().context("CloudFormation does not know the stack")?;
    stack.stack_status().cloned().context("the stack has no status")
}

/// One line for each resource that failed, with the reason given.
async fn failures(clients: &Clients) -> anyhow::Result<String> {
    let events = clients.cloudformation.describe_stack_events().stack_name(STACK).send().await?;
    let failed = events
        .stack_events()
        .iter()
        .filter(|event| event.resource_status().is_some_and(|status| status.as_str().ends_with("FAILED")));
    let lines: Vec<String> = failed
        .map(|event| {
            let (name, kind) = (event.logical_resource_id(), event.resource_type());
            let reason = event.resource_status_reason().unwrap_or("no reason given");
            format!("  {} ({}): {reason}", name.unwrap_or("?"), kind.unwrap_or("?"))
        })
        .collect();
    Ok(lines.join("\n"))
}

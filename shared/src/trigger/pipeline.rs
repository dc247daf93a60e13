//! The end of a build or a pipeline run: `CodeBuild Build State Change`, `CodePipeline Pipeline Execution State
//! Change`. A build's `additional-information` holds its environment variables, and is not read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Origin, Trigger, envelope::Envelope};
use crate::error::Error;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineEvent {
    pub service: PipelineService,
    /// The project's or the pipeline's name.
    pub name: String,
    /// As in `SUCCEEDED`.
    pub state: String,
    /// The build's ARN, or the id of the pipeline's run.
    pub execution: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PipelineService {
    CodeBuild,
    CodePipeline,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CodeBuildDetail {
    build_status: String,
    project_name: String,
    build_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CodePipelineDetail {
    pipeline: String,
    state: String,
    execution_id: String,
    /// Grows when a stage of the same run is tried again.
    pipeline_execution_attempt: Option<Value>,
}

pub(super) fn code_build(event: &Value) -> Result<Trigger, Error> {
    let mut event = Envelope::read("CodeBuild event", event)?;
    let detail: CodeBuildDetail = event.detail()?;
    Ok(trigger(
        event.at()?,
        PipelineEvent {
            service: PipelineService::CodeBuild,
            name: detail.project_name,
            state: detail.build_status,
            execution: detail.build_id,
        },
    ))
}

pub(super) fn code_pipeline(event: &Value) -> Result<Trigger, Error> {
    let mut event = Envelope::read("CodePipeline event", event)?;
    let detail: CodePipelineDetail = event.detail()?;
    let execution = match detail.pipeline_execution_attempt {
        None => detail.execution_id,
        Some(attempt) => format!("{}#{attempt}", detail.execution_id),
    };
    Ok(trigger(
        event.at()?,
        PipelineEvent {
            service: PipelineService::CodePipeline,
            name: detail.pipeline,
            state: detail.state,
            execution,
        },
    ))
}

/// By run and state, not by the event's own id: both services deliver a change at least once.
fn trigger(at: Timestamp, event: PipelineEvent) -> Trigger {
    Trigger {
        id: format!("{}@{}", event.execution, event.state),
        at,
        kind: Kind::Pipeline(event),
        origin: Origin::default(),
    }
}

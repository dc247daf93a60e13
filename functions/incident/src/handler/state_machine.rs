//! Starts the state machine `service-down`, and looks whether it still runs.

use aws_sdk_sfn::{
    Client,
    operation::{describe_execution::DescribeExecutionError, start_execution::StartExecutionError},
    types::ExecutionStatus,
};
use serde_json::json;
use shared::{aws, error::Error};

use super::context::Handler;
use crate::incident::Incident;

impl Handler {
    /// Starts the state machine for an incident. Every run uses the same name, so that it starts once.
    pub(super) async fn start_machine(&self, incident: &Incident) -> Result<(), Error> {
        let Some(machine) = &self.settings.state_machine else {
            return Ok(());
        };
        let started = Client::new(&self.config)
            .start_execution()
            .state_machine_arn(machine)
            .name(incident.execution_name())
            .input(json!({ "incident": incident.id }).to_string())
            .send()
            .await;
        match started {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) =>
            {
                Ok(())
            }
            Err(error) => Err(aws::failed("start an execution of", machine, &error)),
        }
    }

    /// How an execution ended; `None` while it runs.
    pub(super) async fn ended(&self, execution: &str) -> Result<Option<String>, Error> {
        let described = Client::new(&self.config).describe_execution().execution_arn(execution).send().await;
        match described {
            Ok(described) => Ok(match described.status() {
                ExecutionStatus::Running => None,
                status => Some(status.as_str().to_lowercase().replace('_', " ")),
            }),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeExecutionError::is_execution_does_not_exist) =>
            {
                Ok(Some("no longer known to AWS".to_owned()))
            }
            Err(error) => Err(aws::failed("describe the execution", execution, &error)),
        }
    }
}

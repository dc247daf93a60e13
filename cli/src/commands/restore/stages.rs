//! How far a restore has come, by what its state machine was answered.

use aws_sdk_sfn::{
    Client,
    types::{ExecutionStatus, HistoryEvent},
};
use serde_json::Value;

use crate::{
    answer::{Answer, Decision},
    exit::Exit,
    failure::Failure,
};

/// What has been reached at each stage.
pub(crate) const STAGES: [&str; 5] =
    ["asked for", "approved", "cluster made", "instances made", "checked and handed over"];
/// Events that are read of an execution, the newest first.
const READ: i32 = 300;

/// One execution of the state machine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Execution {
    status: ExecutionStatus,
    /// Why it ended, where it failed.
    why: String,
    /// What the function answered it, the newest first.
    answers: Vec<Value>,
}

pub(crate) async fn read(client: &Client, arn: &str) -> Result<Execution, Failure> {
    let described =
        client.describe_execution().execution_arn(arn).send().await.map_err(|error| {
            Failure::aws("see how the restore stands", "states:DescribeExecution", &error)
        })?;
    let history = client.get_execution_history().execution_arn(arn).reverse_order(true).max_results(READ);
    let history = history
        .send()
        .await
        .map_err(|error| Failure::aws("see the restore's stages", "states:GetExecutionHistory", &error))?;
    let (error, cause) = (described.error().unwrap_or_default(), described.cause().unwrap_or_default());
    let why: Vec<&str> = [cause, error].into_iter().filter(|word| !word.is_empty()).collect();
    Ok(Execution {
        status: described.status().clone(),
        why: why.first().map(|why| (*why).to_owned()).unwrap_or_default(),
        answers: history.events().iter().filter_map(answer).collect(),
    })
}

/// What a task that called the function was answered.
fn answer(event: &HistoryEvent) -> Option<Value> {
    let output = event.task_succeeded_event_details()?.output()?;
    let mut output: Value = serde_json::from_str(output).ok()?;
    output.get_mut("Payload").map(Value::take)
}

impl Execution {
    pub(crate) fn last_answer(&self) -> Option<&Value> {
        self.answers.first()
    }

    /// Whether it is about this restore.
    pub(crate) fn is_of(&self, restore: &str) -> bool {
        self.answers.iter().any(|answer| answer.to_string().contains(restore))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.status != ExecutionStatus::Running
    }

    /// Why it failed, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        let ended = match self.status {
            ExecutionStatus::Running | ExecutionStatus::Succeeded => return None,
            ExecutionStatus::TimedOut => "it took too long".to_owned(),
            ExecutionStatus::Aborted => "somebody stopped its state machine".to_owned(),
            _ => "its state machine failed".to_owned(),
        };
        Some(if self.why.is_empty() { ended } else { self.why.clone() })
    }

    /// How many of [`STAGES`] it has reached.
    pub(crate) fn reached(&self) -> usize {
        let all = self.answers.iter().map(|answer| reached(&Answer::of(answer)));
        all.max().unwrap_or_default()
    }

    /// In a line.
    pub(crate) fn words(&self) -> String {
        if let Some(failure) = self.failure() {
            return format!("it has stopped: {failure}");
        }
        self.last_answer().map_or_else(
            || "it has not answered yet".to_owned(),
            |answer| Answer::of(answer).in_a_line().to_owned(),
        )
    }

    pub(crate) fn exit(&self) -> Exit {
        match (self.is_over(), self.failure()) {
            (true, Some(_)) => Exit::Failed,
            (true, None) => Exit::Done,
            (false, _) => Exit::Pending,
        }
    }
}

fn reached(answer: &Answer) -> usize {
    match (answer.code.as_str(), &answer.decision) {
        ("handed_over" | "handed_over_with_differences", _) => 5,
        ("cluster_creating", _) => 2,
        ("not_begun" | "approval_needed" | "approval_pending", _) => 1,
        // The state machine's own steps make the instances: the cluster is there.
        ("instances_creating", _) | (_, Decision::Applied) => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::{
        primitives::DateTime,
        types::{HistoryEventType, TaskSucceededEventDetails},
    };
    use serde_json::json;

    use super::*;

    fn execution(status: ExecutionStatus, codes: &[&str]) -> Execution {
        let answers =
            codes.iter().map(|code| json!({ "decision": "nothing_to_do", "code": code, "reason": code }));
        Execution { status, why: String::new(), answers: answers.collect() }
    }

    #[test]
    fn each_answer_is_a_stage() {
        for (codes, expected) in [
            (&[][..], 0),
            (&["approval_needed"], 1),
            (&["not_begun", "approval_needed"], 1),
            (&["cluster_creating", "not_begun"], 2),
            (&["instances_creating", "cluster_creating"], 3),
            (&["handed_over", "instances_creating"], STAGES.len()),
            // One that could not be asked for a moment does not go back.
            (&["aws_failed", "instances_creating"], 3),
        ] {
            assert_eq!(execution(ExecutionStatus::Running, codes).reached(), expected, "{codes:?}");
        }
    }

    #[test]
    fn what_runs_is_pending_and_what_stopped_has_failed() {
        let exit = |status| execution(status, &["cluster_creating"]).exit().code();
        assert_eq!(exit(ExecutionStatus::Running), 8);
        assert_eq!(exit(ExecutionStatus::Succeeded), 0);
        assert_eq!(
            [exit(ExecutionStatus::Failed), exit(ExecutionStatus::TimedOut), exit(ExecutionStatus::Aborted)],
            [1; 3]
        );
    }

    #[test]
    fn an_answer_is_in_what_a_task_left() {
        let event = |output: &str| {
            let details = TaskSucceededEventDetails::builder()
                .resource_type("lambda")
                .resource("invoke")
                .output(output);
            let event = HistoryEvent::builder()
                .timestamp(DateTime::from_secs(0))
                .r#type(HistoryEventType::TaskSucceeded)
                .id(1);
            event.task_succeeded_event_details(details.build().unwrap()).build().unwrap()
        };
        assert_eq!(
            answer(&event(r#"{"Payload": {"code": "x"}, "StatusCode": 200}"#)),
            Some(json!({ "code": "x" }))
        );
        assert_eq!(answer(&event("{}")), None);
        assert_eq!(answer(&event("not JSON")), None);
    }
}

//! The state machine's executions, as Step Functions tells of them.

use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use jiff::Timestamp;
use sandbox::clients::{ACCOUNT, Clients, REGION};
use serde_json::Value;

/// One execution.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) runs: bool,
    events: Vec<HistoryEvent>,
}

/// All executions of `service-down`, the oldest first.
pub(super) async fn executions(clients: &Clients) -> anyhow::Result<Vec<Execution>> {
    let machine = format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:lendpeak2-production-service-down");
    let listed = clients.sfn.list_executions().state_machine_arn(machine).send().await?;
    let mut listed = listed.executions;
    listed.sort_by_key(|execution| execution.start_date);
    let mut executions = Vec::new();
    for execution in listed {
        let (mut events, mut token) = (Vec::new(), None);
        loop {
            let page = clients.sfn.get_execution_history().execution_arn(&execution.execution_arn);
            let page = page.set_next_token(token).send().await?;
            events.extend(page.events);
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        executions.push(Execution { runs: execution.status == ExecutionStatus::Running, events });
    }
    Ok(executions)
}

impl Execution {
    /// The states that it entered.
    pub(super) fn entered(&self) -> Vec<String> {
        let entered = |event: &HistoryEvent| Some(event.state_entered_event_details()?.name().to_owned());
        self.events.iter().filter_map(entered).collect()
    }

    /// What came of each time that it was in a state, and when.
    fn left<'a>(&'a self, state: &'a str) -> impl Iterator<Item = (Timestamp, Value)> + 'a {
        self.events.iter().filter_map(move |event| {
            let left = event.state_exited_event_details().filter(|left| left.name() == state)?;
            let output = serde_json::from_str(left.output()?).ok()?;
            let at = Timestamp::from_millisecond(event.timestamp().to_millis().ok()?).ok()?;
            Some((at, output))
        })
    }

    pub(super) fn first_diagnosis(&self) -> Option<Value> {
        self.left("Diagnose").next().map(|(_, output)| output)
    }

    /// When the first probe passed that no failing one came after, where another one confirmed it.
    pub(super) fn recovered_at(&self) -> Option<Timestamp> {
        if !self.entered().iter().any(|state| state == "Recovered") {
            return None;
        }
        let mut recovered = None;
        for (at, output) in self.left("Probe") {
            if output.get("healthy").and_then(Value::as_bool).unwrap_or_default() {
                recovered.get_or_insert(at);
            } else {
                recovered = None;
            }
        }
        recovered
    }
}

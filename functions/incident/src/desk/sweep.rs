//! Once a minute: whatever time has made due. An incident is never silent because somebody's run died.

use aws_sdk_sfn::{Client, operation::start_execution::StartExecutionError, types::ExecutionStatus};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    aws,
    error::{Error, chain},
};

use super::{Desk, LISTED, Word};
use crate::{
    FUNCTION,
    decide::DEVOPS,
    incident::{Due, Incident},
    store::Pointer,
};

impl Desk {
    pub(super) async fn sweep(&self, now: Timestamp) -> Result<Value, Error> {
        let mut done = Vec::new();
        let mut failed = None;
        let open = self.store().open().await?;
        // What is over may still be owed to people.
        let over = self.store().newest(LISTED).await?.into_iter().filter(|incident| !incident.is_open());
        for mut incident in open.into_iter().chain(over) {
            if let Err(error) = self.look_after(&mut incident, now, &mut done).await {
                tracing::error!(incident = incident.id, error = chain(&error), "was not looked after");
                failed.get_or_insert(error);
            }
        }
        match failed {
            // The next minute tries again; until then, Lambda's record of failed runs shows it.
            Some(error) => Err(error),
            None => Ok(json!({ "did": "looked_after", "done": done, "function": FUNCTION })),
        }
    }

    async fn look_after(
        &self,
        incident: &mut Incident,
        now: Timestamp,
        done: &mut Vec<Value>,
    ) -> Result<(), Error> {
        let id = incident.id.clone();
        let mut note = |what: &str| done.push(json!({ "incident": id, "what": what }));
        if incident.is_overdue(now) {
            note("told");
            self.tell(incident, now).await?;
        }
        let settings = &self.settings;
        for due in incident.due(now, settings.acknowledge_within, settings.handling) {
            match &due {
                Due::Start => {
                    note("started the state machine");
                    self.start_machine(incident).await?;
                }
                Due::LookAfter { execution } => {
                    if let Some(status) = self.ended(execution).await? {
                        let reason = format!("service-down ended ({status}) and it is not over");
                        note(&reason);
                        self.pass_up(incident, &due, DEVOPS, &reason, now).await?;
                    }
                }
                Due::NotStarted => {
                    note("the state machine does not start");
                    self.pass_up(incident, &due, DEVOPS, "service-down does not start", now).await?;
                }
                Due::TooLong => {
                    note("the state machine takes too long");
                    self.pass_up(incident, &due, DEVOPS, "service-down takes too long", now).await?;
                }
                Due::NextLevel { level, reason } => {
                    note(reason);
                    self.pass_up(incident, &due, *level, reason, now).await?;
                }
            }
        }
        if settings.ops_items && (incident.is_open() && incident.ops_item.is_none()) {
            self.ops_item(incident).await?;
        }
        Ok(())
    }

    /// Passes an incident up, if that is still due once nobody else is writing.
    async fn pass_up(
        &self,
        incident: &mut Incident,
        due: &Due,
        level: u8,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = format!("due#{}", now.as_millisecond());
        let word = Word { id: &key, by: FUNCTION, at: now, now, dry_run: false };
        let settings = &self.settings;
        let (changed, _) = self
            .change(&incident.id, &word, |incident| {
                if !incident.due(now, settings.acknowledge_within, settings.handling).contains(due) {
                    return None;
                }
                match due {
                    Due::NextLevel { .. } => incident.escalate(now, level, reason.to_owned()),
                    _ => incident.hand_over(now, level.max(incident.level), reason.to_owned()),
                }
                Some((Pointer::Keep, format!("passes it to level {}: {reason}", incident.level)))
            })
            .await?;
        *incident = changed;
        if incident.owed.is_some() {
            self.follow(incident, &word).await?;
        }
        Ok(())
    }

    /// Starts the state machine. Whoever else starts it for this incident uses the same name.
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
    async fn ended(&self, execution: &str) -> Result<Option<String>, Error> {
        let described = Client::new(&self.config).describe_execution().execution_arn(execution).send().await;
        let described =
            described.map_err(|error| aws::failed("describe the execution", execution, &error))?;
        Ok(match described.status() {
            ExecutionStatus::Running => None,
            status => Some(status.as_str().to_lowercase().replace('_', " ")),
        })
    }
}

//! Once a minute: whatever time has made due. An incident is never silent because somebody's run died.

use aws_sdk_sfn::{
    Client,
    operation::{describe_execution::DescribeExecutionError, start_execution::StartExecutionError},
    types::ExecutionStatus,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    alarms::alarms_now,
    aws,
    error::{Error, chain},
};

use super::{Desk, LISTED, Word};
use crate::{
    FUNCTION,
    decide::DEVOPS,
    incident::{Due, Incident, SERVICE_DOWN},
    settings::Settings,
    store::Pointer,
};

impl Desk {
    pub(super) async fn sweep(&self, now: Timestamp) -> Result<Value, Error> {
        let mut done = Vec::new();
        let open = self.store().open().await?;
        // What is over may still be owed to people, and may not be over.
        let over = self.store().newest(LISTED).await?.into_iter().filter(|incident| !incident.is_open());
        let mut all = Vec::new();
        for mut incident in open.into_iter().chain(over) {
            all.extend(self.look_after(&mut incident, now, &mut done).await);
        }
        for error in all.iter().filter_map(|result| result.as_ref().err()) {
            tracing::error!(error = chain(error), "something was not looked after");
        }
        // The next minute tries again; until then, Lambda's record of failed runs shows it.
        all.into_iter().collect::<Result<(), Error>>()?;
        Ok(json!({ "did": "looked_after", "done": done, "function": FUNCTION }))
    }

    /// Does whatever is due, each by itself: what fails keeps nothing else from being done.
    async fn look_after(
        &self,
        incident: &mut Incident,
        now: Timestamp,
        done: &mut Vec<Value>,
    ) -> Vec<Result<(), Error>> {
        let settings = &self.settings;
        let mut results = Vec::new();
        let mut note = |incident: &Incident, what: &str| {
            done.push(json!({ "incident": incident.id, "what": what }));
        };
        if incident.is_overdue(now) {
            note(incident, "people are told");
            results.push(self.tell(incident, now).await);
        }
        for due in incident.due(now, settings.acknowledge_within, settings.handling) {
            let what = match self.what_is_due(incident, &due).await {
                Ok(Some(what)) => what,
                Ok(None) => continue,
                Err(error) => {
                    results.push(Err(error));
                    continue;
                }
            };
            note(incident, &what);
            results.push(match &due {
                Due::Start => self.start_machine(incident).await,
                _ => self.settle(incident, &due, &what, now).await,
            });
        }
        if incident.cause == SERVICE_DOWN && incident.may_not_be_over(now) && !incident.ringing.is_empty() {
            results.push(self.open_again(incident, now).await);
        }
        results.push(self.ops_item(incident).await);
        results
    }

    /// In words; nothing where it is not due after all.
    async fn what_is_due(&self, incident: &Incident, due: &Due) -> Result<Option<String>, Error> {
        Ok(Some(match due {
            Due::Start => "service-down is started".to_owned(),
            Due::NotStarted => "service-down does not start".to_owned(),
            Due::TooLong => "service-down takes too long".to_owned(),
            // An event may have been lost.
            Due::Over if incident.cause == SERVICE_DOWN && self.ringing().await?.is_some() => {
                return Ok(None);
            }
            Due::Over => "its alarms have been OK for a quarter of an hour".to_owned(),
            Due::NextLevel { reason, .. } => reason.clone(),
            Due::LookAfter { execution } => {
                let ended = self.ended(execution).await?;
                return Ok(ended.map(|status| format!("service-down ended ({status}) and it is not over")));
            }
        }))
    }

    /// An alarm calls once. One that still rings some minutes after the probe had passed has seen what two probes
    /// have not.
    async fn open_again(&self, incident: &mut Incident, now: Timestamp) -> Result<(), Error> {
        if self.store().open_for(&incident.cause).await?.is_some() {
            return Ok(());
        }
        let Some(ringing) = self.ringing().await? else {
            return Ok(());
        };
        let key = format!("still#{}", now.as_millisecond());
        let word = Word { id: &key, by: FUNCTION, at: now, now, dry_run: false, execution: None };
        let (changed, _) = self
            .change(&incident.id, &word, |incident| {
                if !incident.may_not_be_over(now) {
                    return None;
                }
                incident.reopen(now);
                Some((Pointer::Set, format!("opens it again: {ringing} still rings")))
            })
            .await?;
        *incident = changed;
        if incident.owed.is_some() {
            self.follow(incident, &word).await?;
        }
        Ok(())
    }

    /// An alarm on the service that is in ALARM now.
    async fn ringing(&self) -> Result<Option<String>, Error> {
        let Settings { service_down_alarms, critical_alarm, .. } = &self.settings;
        // The critical one is made of the others: to read it takes a permission on every alarm of the account.
        let names = service_down_alarms.iter().filter(|name| Some(*name) != critical_alarm.as_ref());
        let names: Vec<String> = names.cloned().collect();
        if names.is_empty() {
            return Ok(None);
        }
        let alarms = alarms_now(&aws_sdk_cloudwatch::Client::new(&self.config), names).await?;
        Ok(alarms.into_iter().find(|alarm| alarm.is_in_alarm).map(|alarm| alarm.name))
    }

    /// Passes an incident up or closes it, if that is still due once nobody else is writing.
    async fn settle(
        &self,
        incident: &mut Incident,
        due: &Due,
        what: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = format!("due#{what}");
        let word = Word { id: &key, by: FUNCTION, at: now, now, dry_run: false, execution: None };
        let settings = &self.settings;
        let (changed, _) = self
            .change(&incident.id, &word, |incident| {
                if !incident.due(now, settings.acknowledge_within, settings.handling).contains(due) {
                    return None;
                }
                match due {
                    Due::Over => {
                        incident.resolve(now, what.to_owned());
                        return Some((Pointer::Remove, format!("resolved it: {what}")));
                    }
                    Due::NextLevel { level, .. } => incident.escalate(now, *level, what.to_owned()),
                    _ => incident.hand_over(now, DEVOPS.max(incident.level), what.to_owned()),
                }
                Some((Pointer::Keep, format!("passes it to level {}: {what}", incident.level)))
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
                Ok(Some("it is gone".to_owned()))
            }
            Err(error) => Err(aws::failed("describe the execution", execution, &error)),
        }
    }
}

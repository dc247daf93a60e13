//! What follows from an incident once it is written: people are told, the state machine starts, OpsCenter gets a copy.

use std::time::Duration;

use jiff::SignedDuration;
use shared::{
    error::{Error, chain},
    text::line,
};

use super::{
    actor::Actor,
    context::{Handler, back_off, write_conflict},
    delivery::Delivery,
    limits::{MAX_TEXT, MAX_WRITES},
};
use crate::{
    incident::{Incident, OpsItem, Owner},
    ops_item,
    store::OpenIndex,
};

/// The run that asked for the state machine has started it by then, or died.
const STARTED_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// OpsCenter has a copy only: the sweep brings it up to date later.
const OPS_CENTER_WITHIN: Duration = Duration::from_secs(5);

impl Handler {
    /// Starts the state machine and tells people, both at once, so that neither waits for the other; then writes to
    /// OpsCenter. The incident is in the ledger already, so the next run does what fails here.
    pub(super) async fn side_effects(
        &self,
        incident: &mut Incident,
        actor: &Actor<'_>,
    ) -> Result<Delivery, Error> {
        // The run that asked for the state machine starts it; another run only if that one died.
        let starts = incident.is_open()
            && matches!(&incident.owner, Owner::MachineRequested { since }
                if *since == actor.now || actor.now.duration_since(*since) >= STARTED_WITHIN);
        let before = incident.clone();
        let start = async { if starts { self.start_machine(&before).await } else { Ok(()) } };
        let (started, delivery) = tokio::join!(start, self.notify(incident, actor.now));
        let mut delivery = delivery?;
        if let Err(error) = started {
            let why = line(&chain(&error), MAX_TEXT);
            tracing::error!(incident = incident.id, error = why, "the state machine was not started");
            delivery.also.push(format!(
                "service-down could not be started ({why}); it is tried again within a minute"
            ));
        }
        match tokio::time::timeout(OPS_CENTER_WITHIN, self.update_ops_item(incident)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(incident = incident.id, error = chain(&error), "OpsCenter is not up to date");
            }
            Err(_) => tracing::warn!(incident = incident.id, "OpsCenter does not answer"),
        }
        Ok(delivery)
    }

    /// Brings the incident's OpsItem up to date.
    pub(super) async fn update_ops_item(&self, incident: &mut Incident) -> Result<(), Error> {
        let open = incident.is_open();
        let id = match incident.ops_item.clone() {
            _ if !self.settings.ops_items => return Ok(()),
            Some(item) if item.open == open => return Ok(()),
            Some(item) => {
                ops_item::resolve(&self.config, &item.id).await?;
                item.id
            }
            None if open => ops_item::create(&self.config, incident, &self.settings.environment).await?,
            None => return Ok(()),
        };
        let item = Some(OpsItem { id, open });
        for turn in 0..MAX_WRITES {
            if incident.ops_item == item {
                return Ok(());
            }
            incident.ops_item.clone_from(&item);
            if self.store().save(incident, OpenIndex::Keep, None).await? {
                return Ok(());
            }
            back_off(turn + 1, &incident.id).await;
            *incident = self.known(&incident.id).await?;
        }
        Err(write_conflict(&incident.id))
    }
}

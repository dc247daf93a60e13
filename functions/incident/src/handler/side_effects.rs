//! What follows from an incident as it is written: people are told, the state machine is started, OpsCenter has it.

use std::time::Duration;

use jiff::SignedDuration;
use shared::{
    error::{Error, chain},
    text::line,
};

use super::{Desk, Heard, MAX_SAID, MAX_TURNS, Word, overtaken, pause};
use crate::{
    incident::{Handling, Incident, OpsItem},
    ops_item,
    store::Pointer,
};

const STARTED_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// It is a copy for those who look there: the run of every minute brings it up to date.
const OPS_CENTER_WITHIN: Duration = Duration::from_secs(5);

impl Desk {
    /// What follows from an incident's state: the state machine is started and people are told, both at once, since
    /// neither may keep the other waiting; OpsCenter has it. What fails here is done by the next run: the incident is
    /// written, and nothing is lost.
    pub(super) async fn follow(&self, incident: &mut Incident, word: &Word<'_>) -> Result<Heard, Error> {
        // Whoever made it wanted starts it, unless that run died.
        let wanted = incident.is_open()
            && matches!(&incident.handling, Handling::Wanted { since }
                if *since == word.now || word.now.duration_since(*since) >= STARTED_WITHIN);
        let before = incident.clone();
        let start = async { if wanted { self.start_machine(&before).await } else { Ok(()) } };
        let (started, heard) = tokio::join!(start, self.tell(incident, word.now));
        let mut heard = heard?;
        if let Err(error) = started {
            let why = line(&chain(&error), MAX_SAID);
            tracing::error!(incident = incident.id, error = why, "the state machine was not started");
            heard
                .also
                .push(format!("service-down could not be started ({why}); the next minute tries again"));
        }
        match tokio::time::timeout(OPS_CENTER_WITHIN, self.ops_item(incident)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(incident = incident.id, error = chain(&error), "OpsCenter is not up to date");
            }
            Err(_) => tracing::warn!(incident = incident.id, "OpsCenter does not answer"),
        }
        Ok(heard)
    }

    /// Brings OpsCenter up to date.
    pub(super) async fn ops_item(&self, incident: &mut Incident) -> Result<(), Error> {
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
        for turn in 0..MAX_TURNS {
            if incident.ops_item == item {
                return Ok(());
            }
            incident.ops_item.clone_from(&item);
            if self.store().save(incident, Pointer::Keep, None).await? {
                return Ok(());
            }
            pause(turn + 1, &incident.id).await;
            *incident = self.known(&incident.id).await?;
        }
        Err(overtaken(&incident.id))
    }
}

//! What follows from an incident as it is written: people are told, the state machine is started, OpsCenter has it.

use jiff::Timestamp;
use shared::{
    error::{Error, chain},
    notice as sns,
};

use super::{Desk, MAX_TURNS, Word, overtaken, pause};
use crate::{
    FUNCTION,
    incident::{Handling, Incident, OpsItem, Owed},
    notice::{notice, said},
    ops_item,
    store::{Line, Pointer},
};

impl Desk {
    /// What follows from an incident's state: people are told, the state machine is started, OpsCenter has it.
    /// What fails here is done by the next run: the incident is written, and nothing is lost.
    pub(super) async fn follow(&self, incident: &mut Incident, word: &Word<'_>) -> Result<(), Error> {
        // The machine first: it is what helps.
        if let Handling::Wanted { .. } = incident.handling
            && let Err(error) = self.start_machine(incident).await
        {
            tracing::error!(
                incident = incident.id,
                error = chain(&error),
                "the state machine was not started"
            );
        }
        self.tell(incident, word.now).await?;
        if let Err(error) = self.ops_item(incident).await {
            tracing::warn!(incident = incident.id, error = chain(&error), "OpsCenter is not up to date");
        }
        Ok(())
    }

    /// Tells people what is owed to them, and notes who was told. A level that cannot be reached keeps no other from
    /// hearing it; it is told by a later run.
    pub(super) async fn tell(&self, incident: &mut Incident, now: Timestamp) -> Result<(), Error> {
        let Some(owed) = incident.owed.clone() else {
            return Ok(());
        };
        let notice = notice(incident, &owed.news, &self.place(), now);
        let (mut told, mut topics, mut failed) = (owed.told.clone(), Vec::new(), None);
        for (level, topic) in (1..=notice.levels).zip(&self.settings.topics) {
            // Where two levels are one team, it is told once.
            if told.contains(&level) || topics.contains(&topic) {
                told.insert(level);
                topics.push(topic);
                continue;
            }
            match sns::publish(&self.config, topic, &notice.subject, notice.text.clone()).await {
                Ok(()) => {
                    told.insert(level);
                    topics.push(topic);
                }
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        if told != owed.told {
            let line = Line { at: now, by: FUNCTION.to_owned(), what: said(&owed.news, &told) };
            let left = failed.is_some().then(|| Owed { told, ..owed.clone() });
            self.note_told(incident, &owed, left, &line).await?;
        }
        failed.map_or(Ok(()), Err)
    }

    async fn note_told(
        &self,
        incident: &mut Incident,
        owed: &Owed,
        left: Option<Owed>,
        line: &Line,
    ) -> Result<(), Error> {
        for turn in 0..MAX_TURNS {
            if incident.owed.as_ref() != Some(owed) {
                // Somebody has news of their own to tell by now.
                self.store().add(&incident.id, "told", line).await?;
                return Ok(());
            }
            incident.owed.clone_from(&left);
            if self.store().save(incident, Pointer::Keep, Some(("told", line))).await? {
                return Ok(());
            }
            pause(turn + 1, "told").await;
            *incident = self.known(&incident.id).await?;
        }
        Err(overtaken(&incident.id))
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

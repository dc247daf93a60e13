//! Sends an incident's pending notice: to every level so far, and to the next one where a level cannot be reached.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use jiff::Timestamp;
use shared::{
    error::{Error, chain},
    ledger::Switch,
    notice::{self as topic, Page},
    text::line,
};

use super::{
    context::{Handler, back_off, write_conflict},
    delivery::Delivery,
    limits::{MAX_TEXT, MAX_WRITES},
};
use crate::{
    FUNCTION,
    incident::{HIGHEST_LEVEL, Incident, NoticeKind, PendingNotice},
    notice::{Deployment, levels, notice},
    store::{OpenIndex, TimelineEntry},
};

impl Handler {
    /// Sends the pending notice, and writes down who got it. A level that cannot be reached keeps no other from getting
    /// it: the next level is told at once, and a later run tries the failed one again.
    pub(super) async fn notify(&self, incident: &mut Incident, now: Timestamp) -> Result<Delivery, Error> {
        let Some(pending) = incident.pending_notice.clone() else {
            return Ok(Delivery::default());
        };
        let mut deployment = self.deployment_now(incident, now).await;
        let mut delivery = Delivery { told: pending.told.clone(), ..Delivery::default() };
        let page = self.page_of(incident, &pending, &deployment, now);
        let (mut highest, mut addressed) = (incident.level.min(HIGHEST_LEVEL), incident.clone());
        let levels = async {
            loop {
                addressed.level = highest;
                self.publish_up_to(highest, &addressed, &pending.kind, &deployment, &mut delivery, now).await;
                let is_reached = delivery.told.contains(&highest);
                // Only levels that heard of the incident hear of its end.
                if is_reached || highest >= HIGHEST_LEVEL || pending.kind == NoticeKind::Resolved {
                    break;
                }
                deployment.unreached = delivery.unreached();
                highest += 1;
            }
        };
        // The levels do not wait for the pager, nor it for them.
        let (page, ()) = tokio::join!(self.send_page(page), levels);
        for why in delivery.unreached() {
            tracing::error!(incident = incident.id, why, "people were not told");
        }
        let unreached: BTreeSet<u8> =
            delivery.nobody_subscribed.iter().chain(delivery.failed.keys()).copied().collect();
        let raised = highest > incident.level && delivery.told.contains(&highest);
        let paged = pending.paged || page == Paged::Yes;
        if delivery.told != pending.told || unreached != pending.unreached || raised || paged != pending.paged
        {
            let mut words: Vec<String> = delivery.unreached();
            if delivery.told != pending.told {
                words.push(told_what(&pending.kind, &delivery.told));
            }
            words.extend(page.in_words());
            let entry =
                TimelineEntry { at: now, by: FUNCTION.to_owned(), what: line(&words.join("; "), MAX_TEXT) };
            // If nobody got it, it stays pending: whoever subscribes later gets it.
            let is_left =
                !delivery.failed.is_empty() || delivery.told.is_empty() || matches!(page, Paged::Failed(_));
            let told = delivery.told.clone();
            let left = is_left.then(|| PendingNotice { told, unreached, paged, ..pending.clone() });
            let stops = |switch: &Switch| deployment.remedies.keys().any(|function| switch.stops(function));
            let delivered = Delivered {
                left,
                raised: raised.then_some(highest),
                kill_switch_told: deployment.switches.iter().any(stops),
            };
            self.record_delivery(incident, &pending, &delivered, &entry).await?;
        }
        if let Paged::Failed(_) = &page {
            delivery.also.extend(page.in_words());
        }
        Ok(delivery)
    }

    /// The page beside a notice, with the topic that it goes to: none where there is no pager, where it has it already, or
    /// where the notice calls nobody.
    fn page_of(
        &self,
        incident: &Incident,
        pending: &PendingNotice,
        deployment: &Deployment,
        now: Timestamp,
    ) -> Option<(&str, Page)> {
        let topic = self.settings.pager_topic.as_deref().filter(|_| !pending.paged)?;
        Some((topic, notice(incident, &pending.kind, deployment, now).page(topic)?))
    }

    async fn send_page(&self, page: Option<(&str, Page)>) -> Paged {
        let Some((topic, page)) = page else {
            return Paged::No;
        };
        match topic::page(&self.config, topic, &page).await {
            Ok(()) => Paged::Yes,
            Err(error) => {
                tracing::error!(error = chain(&error), "the pager was not told");
                Paged::Failed(why(&error))
            }
        }
    }

    /// Publishes to the topics of all levels up to one, at once: a topic that does not answer keeps none waiting.
    async fn publish_up_to(
        &self,
        highest: u8,
        incident: &Incident,
        kind: &NoticeKind,
        deployment: &Deployment,
        delivery: &mut Delivery,
        now: Timestamp,
    ) {
        let notice = notice(incident, kind, deployment, now);
        let tried = delivery.tried();
        let topic_of = |level: u8| self.settings.topics.get(usize::from(level).saturating_sub(1));
        // Levels that share a topic get it once.
        let mut topics: Vec<(&String, Vec<u8>)> = Vec::new();
        for level in 1..=highest {
            let Some(topic) = topic_of(level) else { continue };
            match topics.iter_mut().find(|(known, _)| *known == topic) {
                Some((_, levels)) => levels.push(level),
                None => topics.push((topic, vec![level])),
            }
        }
        let sent = topics.into_iter().map(async |(topic, levels)| {
            if let Some(before) = levels.iter().find(|level| tried.contains(level)) {
                return (levels.clone(), Err(*before));
            }
            let message = topic::Notice::new(topic, notice.facts.clone())
                .with_buttons(self.settings.approvals_queue.as_deref());
            (levels, Ok(topic::send(&self.config, &message).await))
        });
        for (levels, sent) in join_all(sent).await {
            for level in &levels {
                match &sent {
                    Ok(Ok(told)) if told.subscribers == Some(0) => {
                        delivery.nobody_subscribed.insert(*level);
                    }
                    Ok(Ok(_)) => drop(delivery.told.insert(*level)),
                    Ok(Err(error)) => drop(delivery.failed.insert(*level, why(error))),
                    // The topic was tried for a lower level: what holds for that one holds for this one.
                    Err(before) if delivery.told.contains(before) => drop(delivery.told.insert(*level)),
                    Err(before) if delivery.nobody_subscribed.contains(before) => {
                        delivery.nobody_subscribed.insert(*level);
                    }
                    Err(before) => {
                        if let Some(why) = delivery.failed.get(before).cloned() {
                            delivery.failed.insert(*level, why);
                        }
                    }
                }
            }
            if let Ok(Err(error)) = sent {
                delivery.error.get_or_insert(error);
            }
        }
    }

    async fn record_delivery(
        &self,
        incident: &mut Incident,
        sent: &PendingNotice,
        delivered: &Delivered,
        entry: &TimelineEntry,
    ) -> Result<(), Error> {
        for turn in 0..MAX_WRITES {
            let is_latest = incident.pending_notice.as_ref() == Some(sent);
            let level = delivered.raised.filter(|level| *level > incident.level && incident.is_open());
            if !is_latest && level.is_none() {
                // Another run has made a newer notice pending.
                self.store().add(&incident.id, "told", entry).await?;
                return Ok(());
            }
            if is_latest {
                incident.pending_notice.clone_from(&delivered.left);
                incident.kill_switch_told |= delivered.kill_switch_told;
            }
            if let Some(level) = level {
                incident.level = level;
                incident.level_since = entry.at;
            }
            if self.store().save(incident, OpenIndex::Keep, Some(("told", entry))).await? {
                return Ok(());
            }
            back_off(turn + 1, "told").await;
            *incident = self.known(&incident.id).await?;
        }
        Err(write_conflict(&incident.id))
    }
}

/// What became of a page.
#[derive(Debug, PartialEq, Eq)]
enum Paged {
    /// There was none to send.
    No,
    Yes,
    /// Why SNS did not take it: a later run tries again.
    Failed(String),
}

impl Paged {
    fn in_words(&self) -> Option<String> {
        match self {
            Self::No => None,
            Self::Yes => Some("told the pager".to_owned()),
            Self::Failed(why) => Some(format!("the pager could not be told ({why})")),
        }
    }
}

/// What a delivery changes in the incident.
struct Delivered {
    /// What is still pending.
    left: Option<PendingNotice>,
    /// The higher level that was told because another could not be reached.
    raised: Option<u8>,
    /// Whether the notice named a kill switch that stops a remedy.
    kill_switch_told: bool,
}

/// As in `told level 1 that it is open`.
fn told_what(kind: &NoticeKind, told: &BTreeSet<u8>) -> String {
    let what = match kind {
        NoticeKind::Opened => "it is open",
        NoticeKind::Reopened => "it is back",
        NoticeKind::Worse { .. } => "it is worse",
        NoticeKind::Escalated { .. } => "it was escalated",
        NoticeKind::ProbePasses => "the probe passes",
        NoticeKind::Resolved => "it is over",
    };
    format!("told {} that {what}", levels(told))
}

/// Why SNS failed, without the topic's ARN: the level says which topic it was.
fn why(error: &Error) -> String {
    match error {
        Error::Aws { source, .. } => line(&source.to_string(), MAX_TEXT),
        other => line(&chain(other), MAX_TEXT),
    }
}

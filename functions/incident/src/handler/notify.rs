//! People are told what is owed to them: every level so far, and the next one where nobody hears.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    error::{Error, chain},
    ledger::Switch,
    notice as topic,
    text::line,
};

use super::{Desk, MAX_SAID, MAX_TURNS, overtaken, pause};
use crate::{
    FUNCTION,
    incident::{HIGHEST_LEVEL, Incident, Owed},
    notice::{News, Place, levels, notice, said},
    store::{Line, Pointer},
};

/// Who heard what was to be told.
#[derive(Debug, Default, Serialize)]
pub(super) struct Heard {
    pub told: BTreeSet<u8>,
    /// Nobody has confirmed a subscription of their topic.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub nobody_listens: BTreeSet<u8>,
    /// SNS did not take it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<u8, String>,
    /// What went wrong beside the telling.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    #[serde(skip)]
    error: Option<Error>,
}

impl Heard {
    /// As in `nobody is subscribed to level 1`.
    pub(super) fn in_vain(&self) -> Vec<String> {
        let mut words = Vec::new();
        if !self.nobody_listens.is_empty() {
            words.push(format!("nobody is subscribed to {}", levels(&self.nobody_listens)));
        }
        words.extend(
            self.failed.iter().map(|(level, why)| format!("level {level} could not be told ({why})")),
        );
        words
    }

    pub(super) fn in_words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if !self.told.is_empty() {
            words.push(format!("Told {}.", levels(&self.told)));
        }
        words.extend(self.in_vain().into_iter().map(|why| format!("But {why}.")));
        words.extend(self.also.iter().map(|what| format!("{what}.")));
        words
    }

    /// An error if SNS failed and nobody at all has heard: then another try is worth it.
    pub(super) fn or_error(self) -> Result<Self, Error> {
        match (self.told.is_empty(), self.error) {
            (true, Some(error)) => Err(error),
            (_, error) => Ok(Self { error, ..self }),
        }
    }

    /// An error if SNS failed for anyone.
    pub(super) fn all_or_error(self) -> Result<(), Error> {
        self.error.map_or(Ok(()), Err)
    }

    fn tried(&self) -> BTreeSet<u8> {
        self.told.iter().chain(&self.nobody_listens).chain(self.failed.keys()).copied().collect()
    }
}

impl Desk {
    /// Tells people what is owed to them, and notes who was told. A level that cannot be reached keeps no other from
    /// hearing it: the next one is told at once, and it by a later run.
    pub(super) async fn tell(&self, incident: &mut Incident, now: Timestamp) -> Result<Heard, Error> {
        let Some(owed) = incident.owed.clone() else {
            return Ok(Heard::default());
        };
        let mut place = self.standing(incident, now).await;
        let mut heard = Heard { told: owed.told.clone(), ..Heard::default() };
        let (mut highest, mut asked) = (incident.level.min(HIGHEST_LEVEL), incident.clone());
        loop {
            asked.level = highest;
            self.tell_up_to(highest, &asked, &owed.news, &place, &mut heard, now).await;
            let is_unheard = !heard.told.contains(&highest);
            // The end is told to those who heard of it.
            if !is_unheard || highest >= HIGHEST_LEVEL || owed.news == News::Resolved {
                break;
            }
            place.unheard = heard.in_vain();
            highest += 1;
        }
        for why in heard.in_vain() {
            tracing::error!(incident = incident.id, why, "people were not told");
        }
        let in_vain: BTreeSet<u8> = heard.nobody_listens.iter().chain(heard.failed.keys()).copied().collect();
        let raised = highest > incident.level && heard.told.contains(&highest);
        if heard.told != owed.told || in_vain != owed.in_vain || raised {
            let mut words: Vec<String> = heard.in_vain();
            if heard.told != owed.told {
                words.push(said(&owed.news, &heard.told));
            }
            let line = Line { at: now, by: FUNCTION.to_owned(), what: line(&words.join("; "), MAX_SAID) };
            // Whoever subscribes later hears it, if nobody has.
            let is_left = !heard.failed.is_empty() || heard.told.is_empty();
            let left = is_left.then(|| Owed { told: heard.told.clone(), in_vain, ..owed.clone() });
            let stops = |switch: &Switch| place.remedies.keys().any(|function| switch.stops(function));
            let told_of_switch = place.switches.iter().any(stops);
            self.note_told(incident, &owed, left, raised.then_some(highest), told_of_switch, &line).await?;
        }
        Ok(heard)
    }

    /// Publishes to every topic up to a level at once; one that does not answer keeps none waiting.
    async fn tell_up_to(
        &self,
        highest: u8,
        incident: &Incident,
        news: &News,
        place: &Place,
        heard: &mut Heard,
        now: Timestamp,
    ) {
        let notice = notice(incident, news, place, now);
        let tried = heard.tried();
        let topic_of = |level: u8| self.settings.topics.get(usize::from(level).saturating_sub(1));
        // Where two levels are one team, it is told once.
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
            let told = topic::Notice {
                topic_arn: topic.clone(),
                subject: notice.subject.clone(),
                message: notice.text.clone(),
            };
            (levels, Ok(topic::send(&self.config, &told).await))
        });
        for (levels, sent) in join_all(sent).await {
            for level in &levels {
                match &sent {
                    Ok(Ok(told)) if told.subscribers == Some(0) => drop(heard.nobody_listens.insert(*level)),
                    Ok(Ok(_)) => drop(heard.told.insert(*level)),
                    Ok(Err(error)) => drop(heard.failed.insert(*level, why(error))),
                    // The same topic has been tried for a level below.
                    Err(before) if heard.told.contains(before) => drop(heard.told.insert(*level)),
                    Err(before) if heard.nobody_listens.contains(before) => {
                        heard.nobody_listens.insert(*level);
                    }
                    Err(before) => {
                        if let Some(why) = heard.failed.get(before).cloned() {
                            heard.failed.insert(*level, why);
                        }
                    }
                }
            }
            if let Ok(Err(error)) = sent {
                heard.error.get_or_insert(error);
            }
        }
    }

    async fn note_told(
        &self,
        incident: &mut Incident,
        owed: &Owed,
        left: Option<Owed>,
        raised: Option<u8>,
        told_of_switch: bool,
        line: &Line,
    ) -> Result<(), Error> {
        for turn in 0..MAX_TURNS {
            let is_latest = incident.owed.as_ref() == Some(owed);
            let level = raised.filter(|level| *level > incident.level && incident.is_open());
            if !is_latest && level.is_none() {
                // Somebody has news of their own to tell by now.
                self.store().add(&incident.id, "told", line).await?;
                return Ok(());
            }
            if is_latest {
                incident.owed.clone_from(&left);
                incident.told_of_switch |= told_of_switch;
            }
            if let Some(level) = level {
                incident.level = level;
                incident.level_since = line.at;
            }
            if self.store().save(incident, Pointer::Keep, Some(("told", line))).await? {
                return Ok(());
            }
            pause(turn + 1, "told").await;
            *incident = self.known(&incident.id).await?;
        }
        Err(overtaken(&incident.id))
    }
}

/// Why SNS did not take it; which topic it was, the level says.
fn why(error: &Error) -> String {
    match error {
        Error::Aws { source, .. } => line(&source.to_string(), MAX_SAID),
        other => line(&chain(other), MAX_SAID),
    }
}

//! The end of a run, in one transaction: its audit record, the claim that it gives back, what it notes for later
//! decisions, what is still to be done, and the notice that is owed to people.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;

use super::{
    Before, Claim, DAY, EVENT_KEPT, Ledger, Owed, Seen, WantedChange,
    items::{failed_check, item_key, kept, put, reasons, string},
};
use crate::{
    aws, clock,
    error::Error,
    outcome::{Decision, Outcome},
    plan::FollowUpChange,
};

/// A claim at the end of its run.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub claim: Claim,
    /// Whether the target's follow-up is over.
    pub ends_follow_up: bool,
    /// Whether the claim's notes have become true. `None` while the intent may still be carried out.
    pub came_true: Option<bool>,
    /// Whether anything was changed, or may have been.
    pub changed: bool,
}

/// All that the end of a run writes.
#[derive(Debug)]
pub struct Settlement<'a> {
    pub outcome: &'a Outcome,
    pub held: Option<&'a Held>,
    /// The change to the follow-up where nothing was claimed, and the one that was read.
    pub follow_up: Option<(&'a FollowUpChange, Option<&'a Seen>)>,
    pub wanted: &'a WantedChange,
    pub owed: Option<&'a Owed>,
    /// The refusal that the owed notice tells of.
    pub refused: Option<&'a Refusal>,
    /// Whether the run is worth an audit record.
    pub record: bool,
}

/// A refusal. People are notified, unless they were notified of the same one a short while ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub at: Timestamp,
    /// People who were notified since then know it.
    pub known_since: Timestamp,
}

/// Why an end was not written.
#[derive(Debug)]
pub enum NotSettled {
    /// Another run has changed the follow-up, has asked for the same plan, or has decided about it, since it was read.
    Overtaken,
    Ledger(Error),
}

impl From<Error> for NotSettled {
    fn from(error: Error) -> Self {
        Self::Ledger(error)
    }
}

/// What a write is for: this says what happens if its condition is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Always,
    /// The claim, and all that goes with it.
    Claim,
    Holder,
    /// Removes what is no longer wanted, unless it was asked for again.
    Wanted,
    /// That this function waits for the target.
    Waiting,
    /// The notice of a refusal, and the note that people know it.
    Refusal,
    Must,
}

impl Ledger {
    /// Answers whether the notice was written: people are not notified again of a refusal that they know.
    pub async fn settle(&self, settlement: &Settlement<'_>) -> Result<bool, NotSettled> {
        self.settle_with(settlement, Vec::new()).await
    }

    /// Writes these too, and fails if a condition of theirs is not met.
    pub(super) async fn settle_with(
        &self,
        settlement: &Settlement<'_>,
        with: Vec<TransactWriteItem>,
    ) -> Result<bool, NotSettled> {
        let mut parts: Vec<(Part, TransactWriteItem)> =
            with.into_iter().map(|write| (Part::Must, write)).collect();
        parts.extend(self.parts(settlement)?);
        let mut is_owed = settlement.owed.is_some();
        loop {
            match &parts[..] {
                [] => return Ok(is_owed),
                // One record alone needs no transaction, which costs twice.
                [(Part::Always, TransactWriteItem { put: Some(put), .. })] => {
                    self.put_alone(put.item.clone()).await?;
                    return Ok(is_owed);
                }
                _ => {}
            }
            let writes = parts.iter().map(|(_, write)| write.clone()).collect();
            let Err(error) = self.transact(writes).await else {
                return Ok(is_owed);
            };
            let unmet: Vec<Part> = reasons(&error)
                .iter()
                .zip(&parts)
                .filter(|(reason, _)| failed_check(reason))
                .map(|(_, (part, _))| *part)
                .collect();
            let count = parts.len();
            if unmet.contains(&Part::Must) {
                return Err(NotSettled::Overtaken);
            }
            // The lease has ended and another run has taken the claim over. The record is written all the same.
            if unmet.contains(&Part::Claim) {
                parts.retain(|(part, _)| !matches!(part, Part::Claim | Part::Holder));
            }
            // Another remedy has taken the holder or waits, the same was asked for again, or people know the refusal: those
            // writes are left out.
            is_owed &= !unmet.contains(&Part::Refusal);
            for part in [Part::Holder, Part::Wanted, Part::Waiting, Part::Refusal] {
                if unmet.contains(&part) {
                    parts.retain(|(other, _)| *other != part);
                }
            }
            if parts.len() == count {
                return Err(NotSettled::Ledger(aws::failed(
                    "write the record to the ledger",
                    &self.table,
                    &error,
                )));
            }
        }
    }

    fn parts(&self, settlement: &Settlement<'_>) -> Result<Vec<(Part, TransactWriteItem)>, Error> {
        let outcome = settlement.outcome;
        let target = &outcome.target;
        let mut parts = Vec::new();
        if settlement.record {
            parts.push((Part::Always, put(self.put(self.audit(outcome)?))?));
        }
        let part = if settlement.refused.is_some() { Part::Refusal } else { Part::Always };
        if let Some(owed) = settlement.owed {
            parts.push((part, put(self.put(owed.item()))?));
        }
        if let Some(Refusal { code, at, known_since }) = settlement.refused {
            let mut item = item_key(&self.key("event"), &format!("refused#{code}#{target}"));
            item.insert("at".to_owned(), string(clock::sortable(*at)));
            item.insert("expires_at".to_owned(), kept(*at, DAY));
            let told = self.put(item).condition_expression("attribute_not_exists(pk) OR #at < :since");
            let told = told.expression_attribute_names("#at", "at");
            let told = told.expression_attribute_values(":since", string(clock::sortable(*known_since)));
            parts.push((part, put(told)?));
        }
        parts.extend(self.change_wanted(target, settlement.wanted)?);
        if let Some((change, seen)) = settlement.follow_up
            && let Some(write) = self.change_follow_up(target, change, seen)?
        {
            parts.push((Part::Must, write));
        }
        if let Some(held) = settlement.held {
            self.give_back(outcome, held, &mut parts)?;
        }
        Ok(parts)
    }

    fn give_back(
        &self,
        outcome: &Outcome,
        held: &Held,
        parts: &mut Vec<(Part, TransactWriteItem)>,
    ) -> Result<(), Error> {
        let Held { claim, ends_follow_up, came_true, changed } = held;
        let target = &outcome.target;
        // A run that gives up a dead run's intent has done nothing itself. If another run has dealt with it, there is
        // nothing to record.
        let is_own = claim.execution_id == outcome.execution_id;
        parts.push((if is_own { Part::Claim } else { Part::Must }, self.put_claim(target, claim)?));
        parts.push((Part::Holder, self.let_go(target, &claim.execution_id)?));
        if outcome.decision == Decision::Applied {
            let mut event = Self::item(&self.key("event"), &claim.intent.trigger.id, outcome)?;
            event.insert("expires_at".to_owned(), kept(outcome.at, EVENT_KEPT));
            parts.push((Part::Claim, put(self.put(event))?));
        }
        for note in &claim.intent.notes {
            let write = match came_true {
                Some(true) => Some(self.confirmed(target, note, outcome.at)?),
                Some(false) => self.taken_back(target, note)?,
                None => None,
            };
            parts.extend(write.map(|write| (Part::Claim, write)));
        }
        if *ends_follow_up {
            parts.push((Part::Claim, self.end_follow_up(target)?));
        } else if let (Some(false), false, Some(Before { follow_up })) =
            (came_true, changed, &claim.intent.instead_of)
        {
            parts.push((
                Part::Claim,
                match follow_up {
                    Some(follow_up) => put(self.put(self.follow_up_item(target, follow_up)?))?,
                    None => self.end_follow_up(target)?,
                },
            ));
        }
        Ok(())
    }

    /// Changes the follow-up on condition that it is still the one that was read.
    fn change_follow_up(
        &self,
        target: &str,
        change: &FollowUpChange,
        seen: Option<&Seen>,
    ) -> Result<Option<TransactWriteItem>, Error> {
        let mut write = match change {
            FollowUpChange::Keep => return Ok(None),
            FollowUpChange::Clear => self.end_follow_up(target)?,
            FollowUpChange::Set(follow_up) => put(self.put(self.follow_up_item(target, follow_up)?))?,
        };
        let (condition, values) =
            seen.map_or_else(|| ("attribute_not_exists(pk)".to_owned(), HashMap::new()), Seen::condition);
        let names = seen.map(|_| Seen::names());
        let values = Some(values).filter(|values| !values.is_empty());
        if let Some(put) = &mut write.put {
            put.condition_expression = Some(condition.clone());
            put.expression_attribute_names.clone_from(&names);
            put.expression_attribute_values.clone_from(&values);
        }
        if let Some(delete) = &mut write.delete {
            delete.condition_expression = Some(condition);
            delete.expression_attribute_names = names;
            delete.expression_attribute_values = values;
        }
        Ok(Some(write))
    }
}

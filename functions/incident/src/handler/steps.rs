//! What the state machine `service-down` asks, step by step. A step that is asked again, because its answer was
//! lost, is answered as before.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{
    diagnosis::Diagnosis,
    error::{Error, chain},
    outcome::{Answer, Decision, Outcome},
    text::line,
};

use super::{Desk, Heard, MAX_SAID, Trouble, Word, report::after, trouble};
use crate::{
    decide::{self, After, Choice, DEVOPS, Remedy, bounded, choose},
    incident::{Answered, Handling, Incident, SERVICE_DOWN, Tried, open_key},
    request::{Step, by_hand},
    store::{Opened, Pointer},
};

/// An incident keeps so many remedies in mind.
const MAX_TRIED: usize = 30;
/// Codes are short words.
const MAX_CODE: usize = 60;
/// What comes back so often is not looked at for a while first: it is diagnosed at once.
const LOOKED_AT_FIRST: u32 = 2;
/// A cause that is older than this began the trouble that led to it, not the incident.
const BEGAN_BEFORE: SignedDuration = SignedDuration::from_hours(1);

/// A function runs for a minute at most; then its record is there.
const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(2);
/// A remedy is looked at for so long before another one has its turn.
const LATELY: SignedDuration = SignedDuration::from_mins(10);

impl Desk {
    pub(super) async fn step(&self, step: &Step, word: &Word<'_>) -> Result<Value, Error> {
        match step {
            Step::Take { incident } => self.take(incident.as_deref(), word).await,
            Step::Decide { incident, diagnosis } => self.decide(incident, diagnosis, word).await,
            Step::Did { incident, function, outcome } => {
                let answer = Answer::read(outcome);
                self.came_of(incident, &line(function, MAX_SAID), &answer, word).await
            }
            Step::Approval { incident } => self.approval(incident, word).await,
            Step::Recovered { incident, probe } => self.recovered(incident, probe, word).await,
            Step::HandOver { incident, reason } => self.hand_over(incident, reason, word).await,
        }
    }

    /// One execution handles an incident: whichever comes first.
    async fn take(&self, id: Option<&str>, word: &Word<'_>) -> Result<Value, Error> {
        let execution = word.execution.unwrap_or_default();
        let known = match id {
            Some(id) => Some(id.to_owned()),
            None => match self.store().open_for(&open_key(false, SERVICE_DOWN, "")).await? {
                Opened::Incident(incident) => Some(incident.id.clone()),
                Opened::Stale(_) | Opened::Nothing => None,
            },
        };
        let id = if let Some(id) = known {
            id
        } else {
            let trouble = Trouble {
                execution: Some(execution.to_owned()),
                // The title is nobody's own: alarms join it.
                by_person: false,
                ..trouble(&by_hand())
            };
            self.open(trouble, word).await?.incident.unwrap_or_default()
        };
        let (incident, _) = self
            .change(&id, &Word { id: &format!("{}#take", word.id), ..*word }, |incident| {
                if !incident.is_open() || matches!(incident.handling, Handling::Machine { .. }) {
                    return None;
                }
                incident.handling = Handling::Machine { execution: execution.to_owned(), since: word.now };
                Some((Pointer::Keep, "is at work on it".to_owned()))
            })
            .await?;
        let ours = is_ours(&incident, word);
        Ok(json!({
            "incident": incident.id,
            "ours": ours,
            "look_first": incident.reopened < LOOKED_AT_FIRST,
        }))
    }

    async fn decide(&self, id: &str, diagnosis: &Diagnosis, word: &Word<'_>) -> Result<Value, Error> {
        self.answered(id, word, |incident| {
            incident.found = diagnosis.findings.first().map(bounded).or(incident.found.take());
            let since = incident.found.as_ref().and_then(|found| found.since);
            if let Some(since) =
                since.filter(|since| incident.round_since.duration_since(*since) < BEGAN_BEFORE)
            {
                // It was well until then, if it came back.
                let since = incident.well_at.map_or(since, |well| since.max(well));
                incident.began_at = incident.began_at.min(since);
            }
            let choice = choose(diagnosis, &self.settings.remedies, incident.tried_now(), incident.waited);
            let what = match &choice {
                Choice::Remedy(remedy) => use_remedy(incident, remedy, word.now),
                Choice::Wait { reason } => {
                    incident.waited = true;
                    format!("waits: {reason}")
                }
                Choice::HandOver { level, reason } => {
                    let reason = line(reason, MAX_SAID);
                    incident.hand_over(word.now, (*level).max(incident.level), reason.clone());
                    format!("hands over to level {}: {reason}", incident.level)
                }
            };
            (choice.answer(), what)
        })
        .await
    }

    async fn came_of(
        &self,
        id: &str,
        function: &str,
        answer: &Answer,
        word: &Word<'_>,
    ) -> Result<Value, Error> {
        let done_lately = decide::is_cooling_down(answer)
            && self.first_applied(word.now - LATELY, word.now).await?.is_some();
        self.answered(id, word, |incident| {
            let decision = answer.decision();
            let said = line(&decide::said(answer), MAX_SAID);
            let waits = last_of(incident, function).map_or(0, |tried| tried.waits);
            let after = if done_lately { After::Verify } else { decide::after(answer, waits) };
            if decision == Decision::Applied {
                incident.acted_at.get_or_insert(word.now);
            }
            if let Some(tried) = last_of(incident, function) {
                tried.decision = Some(decision.as_str().to_owned());
                tried.reason = Some(said.clone());
                tried.code = Some(line(&answer.code, MAX_CODE));
                tried.under_way = decide::is_under_way(answer);
                tried.approval = match &after {
                    After::Approval(plan) => Some(plan.clone()),
                    After::Verify | After::Again(_) | After::Next | After::Look => None,
                };
            }
            if decide::is_stopped(answer) && !incident.told_of_switch {
                // Nothing goes on until a person lifts it.
                incident.told_of_switch = true;
                let level = incident.level;
                incident.escalate(word.now, level, format!("{function} may not act: {said}"));
            }
            (after.answer(), format!("{function} answered {}: {said}", decision.as_str().replace('_', " ")))
        })
        .await
    }

    /// When a remedy first acted within a time, whoever woke it.
    async fn first_applied(&self, from: Timestamp, to: Timestamp) -> Result<Option<Timestamp>, Error> {
        let mut first: Option<Timestamp> = None;
        for function in self.settings.remedies.keys() {
            let outcomes = self.store().outcomes(function, from, to).await?;
            let applied = outcomes.iter().filter(|outcome| outcome.decision == Decision::Applied);
            first = applied.map(|outcome| outcome.at).chain(first).min();
        }
        Ok(first)
    }

    /// Looks into the remedy's records for what became of the plan that a person was asked to approve.
    async fn approval(&self, id: &str, word: &Word<'_>) -> Result<Value, Error> {
        let mut incident = self.known(id).await?;
        let waiting = incident.remedies.iter_mut().rev().find(|tried| tried.approval.is_some());
        let Some((function, plan, since)) = waiting
            .and_then(|tried| Some((tried.remedy.function.clone(), tried.approval.clone()?, tried.at)))
        else {
            return self
                .answered(id, word, |_| (After::Next.answer(), "nothing waits for approval".to_owned()))
                .await;
        };
        if since < incident.round_since {
            // It was well in between: what that plan was for may not be what is wrong now.
            return self
                .answered(id, word, |incident| {
                    if let Some(tried) = last_of(incident, &function) {
                        tried.approval = None;
                    }
                    (After::Look.answer(), format!("it came back since {function} asked: looks anew"))
                })
                .await;
        }
        let outcomes = self.store().outcomes(&function, since, word.now).await?;
        let settled = outcomes.iter().rev().find(|outcome| is_of_plan(outcome, &plan));
        let (after, decision, reason) = match settled.map(|outcome| (outcome.decision, outcome)) {
            Some((Decision::Applied | Decision::Failed | Decision::Replayed, outcome)) => {
                (After::Verify, outcome.decision.as_str(), line(&outcome.reason, MAX_SAID))
            }
            Some((_, outcome)) => (After::Look, outcome.decision.as_str(), line(&outcome.reason, MAX_SAID)),
            None => {
                let waits = self.store().approval(&function, &plan).await?.is_some_and(|approval| {
                    // Once it is given, the remedy's run has its time.
                    let run = if approval.used { LONGEST_RUN } else { SignedDuration::ZERO };
                    word.now.duration_since(approval.expires) < run
                });
                if waits && is_ours(&incident, word) {
                    return Ok(json!({ "do": "wait" }));
                }
                (After::Look, "not_approved", "nobody approved it in time".to_owned())
            }
        };
        self.answered(id, word, |incident| {
            if decision == "applied" {
                incident.acted_at.get_or_insert(word.now);
            }
            if let Some(tried) = last_of(incident, &function) {
                tried.decision = Some(decision.to_owned());
                tried.reason = Some(reason.clone());
                tried.approval = None;
            }
            (after.answer(), format!("{function} after approval: {}: {reason}", decision.replace('_', " ")))
        })
        .await
    }

    async fn recovered(&self, id: &str, probe: &str, word: &Word<'_>) -> Result<Value, Error> {
        let incident = self.known(id).await?;
        let cures = self.cures(&incident, word.now).await?;
        let (mut incident, _) = self
            .change(id, word, |incident| {
                if !is_ours(incident, word) {
                    return None;
                }
                incident.acted_at = incident.acted_at.or(cures.first().map(|cure| cure.at));
                let how = match after(incident, &cures) {
                    None => "service-down changed nothing, and the probe passes twice".to_owned(),
                    Some(cures) => format!("the probe passes twice after {cures}"),
                };
                let probe = line(probe, MAX_SAID);
                if incident.by_person {
                    // The probe may not see what the person sees.
                    incident.passes(word.now, how.clone());
                    return Some((Pointer::Keep, format!("leaves it to whoever opened it: {how}. {probe}")));
                }
                incident.resolve(word.now, how.clone());
                Some((Pointer::Remove, format!("resolved it: {how}. {probe}")))
            })
            .await?;
        self.follow_on(&mut incident, word).await;
        Ok(json!({ "do": "done" }))
    }

    async fn hand_over(&self, id: &str, reason: &str, word: &Word<'_>) -> Result<Value, Error> {
        let (mut incident, _) = self
            .change(id, word, |incident| {
                if !is_ours(incident, word) {
                    return None;
                }
                let reason = line(reason, MAX_SAID);
                incident.hand_over(word.now, DEVOPS.max(incident.level), reason.clone());
                Some((Pointer::Keep, format!("hands over to level {}: {reason}", incident.level)))
            })
            .await?;
        self.follow_on(&mut incident, word).await;
        Ok(json!({ "do": "done" }))
    }

    /// Answers a step once and remembers the answer; whoever people are to be told of is told.
    async fn answered(
        &self,
        id: &str,
        word: &Word<'_>,
        decide: impl Fn(&mut Incident) -> (Value, String),
    ) -> Result<Value, Error> {
        let over = json!({ "do": "hand_over", "reason": "people have it, or it is over" });
        let (mut incident, _) = self
            .change(id, word, |incident| {
                let again = incident.answered.as_ref().is_some_and(|answered| answered.step == word.id);
                if again || !is_ours(incident, word) {
                    return None;
                }
                let (answer, what) = decide(incident);
                incident.answered = Some(Answered { step: word.id.to_owned(), answer });
                Some((Pointer::Keep, what))
            })
            .await?;
        self.follow_on(&mut incident, word).await;
        Ok(match incident.answered {
            Some(answered) if answered.step == word.id => answered.answer,
            _ => over,
        })
    }

    /// People are told what this step brought about. If that fails, the run of every minute tells them: the state
    /// machine has a service to mend.
    async fn follow_on(&self, incident: &mut Incident, word: &Word<'_>) {
        let now = incident.owed.as_ref().is_some_and(|owed| owed.since == word.now);
        if (now || incident.is_overdue(word.now))
            && !word.dry_run
            && let Err(error) = self.follow(incident, word).await.and_then(Heard::or_error)
        {
            tracing::error!(incident = incident.id, error = chain(&error), "people were not told yet");
        }
    }
}

/// Whether the execution that speaks is the one that handles the incident.
fn is_ours(incident: &Incident, word: &Word<'_>) -> bool {
    let is_its = |its: &str| word.execution == Some(its);
    incident.is_open()
        && matches!(&incident.handling, Handling::Machine { execution, .. } if is_its(execution))
}

/// Notes that a remedy is used; one that could not act yet is used again.
fn use_remedy(incident: &mut Incident, remedy: &Remedy, now: Timestamp) -> String {
    let round = incident.round_since;
    let waiting =
        last_of(incident, &remedy.function).filter(|tried| tried.at >= round && tried.is_waited_for());
    if let Some(tried) = waiting {
        tried.remedy = remedy.clone();
        tried.decision = None;
        tried.waits = tried.waits.saturating_add(1);
        return format!("asks {} again", remedy.function);
    }
    incident.remedies.push(Tried {
        remedy: remedy.clone(),
        at: now,
        decision: None,
        reason: None,
        approval: None,
        code: None,
        under_way: false,
        waits: 0,
    });
    // What comes back again and again leaves room for what is new.
    let many = incident.remedies.len().saturating_sub(MAX_TRIED);
    incident.remedies.drain(..many);
    format!("found {}; uses {} {}", remedy.cause, remedy.function, remedy.request)
}

fn last_of<'a>(incident: &'a mut Incident, function: &str) -> Option<&'a mut Tried> {
    incident.remedies.iter_mut().rev().find(|tried| tried.remedy.function == function)
}

fn is_of_plan(outcome: &Outcome, plan: &str) -> bool {
    outcome.woken_by().is_some_and(|woken_by| woken_by.approved() == Some(plan))
}

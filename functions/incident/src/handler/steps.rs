//! Answers the steps of the state machine `service-down`. A step that is repeated because its answer was lost gets the
//! same answer.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{
    diagnosis::Diagnosis,
    error::{Error, chain},
    outcome::{Answer, Decision, Outcome},
    text::line,
};

use super::{
    actor::Actor, context::Handler, delivery::Delivery, limits::MAX_TEXT, opening::NewIncident,
    report::changed_by, requests::reported,
};
use crate::{
    decide::{self, After, Choice, DEVOPS, bounded, choose},
    incident::{Answered, Attempt, Decided, Incident, Owner, Remedy, SERVICE_DOWN, open_key},
    request::{Step, by_hand},
    store::{OpenIndex, OpenLookup},
};

/// How many attempts an incident keeps.
const MAX_ATTEMPTS: usize = 30;
/// Codes are short words.
const MAX_CODE: usize = 60;
/// An incident that has come back this often is diagnosed at once, without a probe first.
const PROBED_FIRST: u32 = 2;
/// A cause older than this led to the incident, but the incident began later.
const BEGAN_BEFORE: SignedDuration = SignedDuration::from_hours(1);
/// A function runs for a minute at most. After that, its audit record is there.
const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(2);
/// How long a remedy's effect is awaited before another remedy has its turn.
const RECENTLY: SignedDuration = SignedDuration::from_mins(10);

impl Handler {
    pub(super) async fn step(&self, step: &Step, actor: &Actor<'_>) -> Result<Value, Error> {
        match step {
            Step::Take { incident } => self.take(incident.as_deref(), actor).await,
            Step::Decide { incident, diagnosis } => self.decide(incident, diagnosis, actor).await,
            Step::Did { incident, function, outcome } => {
                let answer = Answer::read(outcome);
                self.record_attempt(incident, &line(function, MAX_TEXT), &answer, actor).await
            }
            Step::Approval { incident } => self.approval(incident, actor).await,
            Step::Recovered { incident, probe } => self.recovered(incident, probe, actor).await,
            Step::HandOver { incident, reason } => self.hand_over(incident, reason, actor).await,
        }
    }

    /// Only one execution handles an incident: the first one that asks.
    async fn take(&self, id: Option<&str>, actor: &Actor<'_>) -> Result<Value, Error> {
        let execution = actor.execution.unwrap_or_default();
        let known = match id {
            Some(id) => Some(id.to_owned()),
            None => match self.store().open_for(&open_key(false, SERVICE_DOWN, "")).await? {
                OpenLookup::Incident(incident) => Some(incident.id.clone()),
                OpenLookup::Stale(_) | OpenLookup::Nothing => None,
            },
        };
        let id = if let Some(id) = known {
            id
        } else {
            let new = NewIncident {
                execution: Some(execution.to_owned()),
                // No person typed the title, so alarms join the incident.
                by_person: false,
                ..reported(&by_hand())
            };
            self.open(new, actor).await?.incident.unwrap_or_default()
        };
        let (incident, _) = self
            .change(&id, &Actor { id: &format!("{}#take", actor.id), ..*actor }, |incident| {
                if !incident.is_open() || matches!(incident.owner, Owner::StateMachine { .. }) {
                    return None;
                }
                incident.owner = Owner::StateMachine { execution: execution.to_owned(), since: actor.now };
                Some((OpenIndex::Keep, "started to work on it".to_owned()))
            })
            .await?;
        let ours = is_ours(&incident, actor);
        Ok(json!({
            "incident": incident.id,
            "ours": ours,
            "look_first": incident.reopened < PROBED_FIRST,
        }))
    }

    async fn decide(&self, id: &str, diagnosis: &Diagnosis, actor: &Actor<'_>) -> Result<Value, Error> {
        self.answer_once(id, actor, |incident| {
            incident.found = diagnosis.findings.first().map(bounded).or(incident.found.take());
            let since = incident.found.as_ref().and_then(|found| found.since);
            if let Some(since) =
                since.filter(|since| incident.episode_since.duration_since(*since) < BEGAN_BEFORE)
            {
                // If the incident came back, it was well until `well_at`.
                let since = incident.well_at.map_or(since, |well| since.max(well));
                incident.began_at = incident.began_at.min(since);
            }
            let choice =
                choose(diagnosis, &self.settings.remedies, incident.current_attempts(), incident.waited);
            let what = match &choice {
                Choice::Remedy(remedy) => call_remedy(incident, remedy, actor.now),
                Choice::Wait { reason } => {
                    incident.waited = true;
                    format!("waits once: {reason}")
                }
                Choice::HandOver { level, reason } => {
                    let reason = line(reason, MAX_TEXT);
                    incident.hand_over(actor.now, (*level).max(incident.level), reason.clone());
                    format!("handed it over to level {}: {reason}", incident.level)
                }
            };
            (choice.answer(), what)
        })
        .await
    }

    /// Records how a remedy's run went, and answers what comes next.
    async fn record_attempt(
        &self,
        id: &str,
        function: &str,
        answer: &Answer,
        actor: &Actor<'_>,
    ) -> Result<Value, Error> {
        let acted_recently = decide::is_cooling_down(answer)
            && self.first_applied(actor.now - RECENTLY, actor.now).await?.is_some();
        self.answer_once(id, actor, |incident| {
            let decision = answer.decision();
            let reason = line(&answer.why(), MAX_TEXT);
            let waits = last_of(incident, function).map_or(0, |attempt| attempt.waits);
            let after = if acted_recently { After::Verify } else { decide::after(answer, waits) };
            if decision == Decision::Applied {
                incident.acted_at.get_or_insert(actor.now);
            }
            if let Some(attempt) = last_of(incident, function) {
                attempt.decision = Some(decision.into());
                attempt.reason = Some(reason.clone());
                attempt.code = Some(line(&answer.code, MAX_CODE));
                attempt.under_way = decide::is_under_way(answer);
                attempt.approval = match &after {
                    After::Approval(plan) => Some(plan.clone()),
                    After::Verify | After::Again(_) | After::Next | After::Look => None,
                };
            }
            if decide::is_stopped(answer) && !incident.kill_switch_told {
                // Nothing goes on until a person lifts the kill switch.
                incident.kill_switch_told = true;
                let level = incident.level;
                incident.escalate(actor.now, level, format!("{function} may not act: {reason}"));
            }
            let decision = decision.as_str().replace('_', " ");
            let short = line(&answer.in_a_line(), MAX_TEXT);
            (after.answer(), format!("{function} answered {decision}: {short}"))
        })
        .await
    }

    /// When a remedy first acted between two times, whoever asked for it.
    async fn first_applied(&self, from: Timestamp, to: Timestamp) -> Result<Option<Timestamp>, Error> {
        let mut first: Option<Timestamp> = None;
        for function in self.settings.remedies.keys() {
            let outcomes = self.store().outcomes(function, from, to).await?;
            let applied = outcomes.iter().filter(|outcome| outcome.decision == Decision::Applied);
            first = applied.map(|outcome| outcome.at).chain(first).min();
        }
        Ok(first)
    }

    /// Looks for the fate of a plan in the remedy's audit records.
    async fn approval(&self, id: &str, actor: &Actor<'_>) -> Result<Value, Error> {
        let mut incident = self.known(id).await?;
        let waiting = incident.attempts.iter_mut().rev().find(|attempt| attempt.approval.is_some());
        let Some((function, plan, since)) = waiting.and_then(|attempt| {
            Some((attempt.remedy.function.clone(), attempt.approval.clone()?, attempt.at))
        }) else {
            return self
                .answer_once(id, actor, |_| (After::Next.answer(), "no plan waits for approval".to_owned()))
                .await;
        };
        if since < incident.episode_since {
            // It was well in between, so the plan may be for something else.
            return self
                .answer_once(id, actor, |incident| {
                    if let Some(attempt) = last_of(incident, &function) {
                        attempt.approval = None;
                    }
                    (
                        After::Look.answer(),
                        format!("it came back after {function} asked for approval: probes again"),
                    )
                })
                .await;
        }
        let outcomes = self.store().outcomes(&function, since, actor.now).await?;
        let settled = outcomes.iter().rev().find(|outcome| is_of_plan(outcome, &plan));
        let (after, decision, reason) = match settled.map(|outcome| (outcome.decision, outcome)) {
            Some((Decision::Applied | Decision::Failed | Decision::Replayed, outcome)) => {
                (After::Verify, Decided::from(outcome.decision), line(&outcome.reason, MAX_TEXT))
            }
            Some((_, outcome)) => {
                (After::Look, Decided::from(outcome.decision), line(&outcome.reason, MAX_TEXT))
            }
            None => {
                let waits = self.store().approval(&function, &plan).await?.is_some_and(|approval| {
                    // Once a person has decided, the remedy's run gets time to finish.
                    let run = if approval.decided { LONGEST_RUN } else { SignedDuration::ZERO };
                    actor.now.duration_since(approval.expires) < run
                });
                if waits && is_ours(&incident, actor) {
                    return Ok(json!({ "do": "wait" }));
                }
                (After::Look, Decided::NotApproved, "nobody approved it in time".to_owned())
            }
        };
        self.answer_once(id, actor, |incident| {
            if decision == Decided::Remedy(Decision::Applied) {
                incident.acted_at.get_or_insert(actor.now);
            }
            if let Some(attempt) = last_of(incident, &function) {
                attempt.decision = Some(decision.clone());
                attempt.reason = Some(reason.clone());
                attempt.approval = None;
            }
            let decision = decision.as_str().replace('_', " ");
            (after.answer(), format!("plan of {function}: {decision}: {reason}"))
        })
        .await
    }

    async fn recovered(&self, id: &str, probe: &str, actor: &Actor<'_>) -> Result<Value, Error> {
        let incident = self.known(id).await?;
        let changes = self.changes(&incident, actor.now).await?;
        let (mut incident, _) = self
            .change(id, actor, |incident| {
                if !is_ours(incident, actor) {
                    return None;
                }
                incident.acted_at = incident.acted_at.or(changes.first().map(|change| change.at));
                let how = match changed_by(incident, &changes) {
                    None => "the probe passed twice, and nothing was changed".to_owned(),
                    Some(changes) => format!("the probe passed twice after {changes}"),
                };
                let probe = line(probe, MAX_TEXT);
                if incident.by_person {
                    // The probe may not see what the person sees.
                    incident.probe_passes(actor.now, how.clone());
                    return Some((
                        OpenIndex::Keep,
                        format!("left it open for the person who opened it: {how}. {probe}"),
                    ));
                }
                incident.resolve(actor.now, how.clone());
                Some((OpenIndex::Remove, format!("resolved it: {how}. {probe}")))
            })
            .await?;
        self.side_effects_of_step(&mut incident, actor).await;
        Ok(json!({ "do": "done" }))
    }

    async fn hand_over(&self, id: &str, reason: &str, actor: &Actor<'_>) -> Result<Value, Error> {
        let (mut incident, _) = self
            .change(id, actor, |incident| {
                if !is_ours(incident, actor) {
                    return None;
                }
                let reason = line(reason, MAX_TEXT);
                incident.hand_over(actor.now, DEVOPS.max(incident.level), reason.clone());
                Some((OpenIndex::Keep, format!("handed it over to level {}: {reason}", incident.level)))
            })
            .await?;
        self.side_effects_of_step(&mut incident, actor).await;
        Ok(json!({ "do": "done" }))
    }

    /// Answers a step once, remembers the answer, and tells people what the step brought about.
    async fn answer_once(
        &self,
        id: &str,
        actor: &Actor<'_>,
        decide: impl Fn(&mut Incident) -> (Value, String),
    ) -> Result<Value, Error> {
        let over = json!({ "do": "hand_over", "reason": "people have it, or it has ended" });
        let (mut incident, _) = self
            .change(id, actor, |incident| {
                let again = incident.answered.as_ref().is_some_and(|answered| answered.step == actor.id);
                if again || !is_ours(incident, actor) {
                    return None;
                }
                let (answer, what) = decide(incident);
                incident.answered = Some(Answered { step: actor.id.to_owned(), answer });
                Some((OpenIndex::Keep, what))
            })
            .await?;
        self.side_effects_of_step(&mut incident, actor).await;
        Ok(match incident.answered {
            Some(answered) if answered.step == actor.id => answered.answer,
            _ => over,
        })
    }

    /// Tells people what this step brought about. If that fails, the sweep tells them: the state machine must go on.
    async fn side_effects_of_step(&self, incident: &mut Incident, actor: &Actor<'_>) {
        let is_new = incident.pending_notice.as_ref().is_some_and(|notice| notice.since == actor.now);
        if (is_new || incident.is_overdue(actor.now))
            && !actor.dry_run
            && let Err(error) = self.side_effects(incident, actor).await.and_then(Delivery::or_error)
        {
            tracing::error!(incident = incident.id, error = chain(&error), "people were not told yet");
        }
    }
}

/// Whether the execution that asks is the one that handles the incident.
fn is_ours(incident: &Incident, actor: &Actor<'_>) -> bool {
    let is_its = |its: &str| actor.execution == Some(its);
    incident.is_open()
        && matches!(&incident.owner, Owner::StateMachine { execution, .. } if is_its(execution))
}

/// Records that a remedy is called, for the first time or again. Answers the timeline entry.
fn call_remedy(incident: &mut Incident, remedy: &Remedy, now: Timestamp) -> String {
    let since = incident.episode_since;
    let waiting =
        last_of(incident, &remedy.function).filter(|attempt| attempt.at >= since && attempt.is_waiting());
    if let Some(attempt) = waiting {
        attempt.remedy = remedy.clone();
        attempt.decision = None;
        attempt.waits = attempt.waits.saturating_add(1);
        return format!("calls {} again", remedy.function);
    }
    incident.attempts.push(Attempt::new(remedy.clone(), now));
    let surplus = incident.attempts.len().saturating_sub(MAX_ATTEMPTS);
    incident.attempts.drain(..surplus);
    format!("found {}; sends {} to {}", remedy.cause, remedy.request, remedy.function)
}

fn last_of<'a>(incident: &'a mut Incident, function: &str) -> Option<&'a mut Attempt> {
    incident.attempts.iter_mut().rev().find(|attempt| attempt.remedy.function == function)
}

fn is_of_plan(outcome: &Outcome, plan: &str) -> bool {
    outcome.woken_by().is_some_and(|woken_by| woken_by.approved() == Some(plan))
}

//! The way from a trigger to a claim: gate, recall, observe, disposition, plan, admit.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Ended, Run, Runner, hash};
use crate::{
    clock, code,
    error::Error,
    guard::{self, Admitted, Case, Disposition},
    ledger::{Before, Intent, Memory},
    outcome::{Described, Stop},
    plan::{FollowUpChange, Past, Plan, lines, value},
    remedy::Remedy,
    settings::Mode,
    text::{PERSON, line},
};

impl<R: Remedy> Runner<R> {
    pub(super) async fn walk(&self, run: &mut Run<'_, R::Request>) -> Result<(), Ended> {
        self.gate(run)?;
        self.recall_approval(run).await?;
        let target = self.remedy.target(&run.request)?;
        run.outcome.target.clone_from(&target);

        let (memory, observed) = tokio::join!(
            self.ledger.look(&target, &run.trigger.id, run.now),
            Box::pin(self.remedy.observe(&run.request))
        );
        self.recall(run, memory).await?;
        let memory = run.memory.clone();
        let disposition = guard::disposition(&self.policy, &memory, R::ASKS_FIRST, &run.trigger, run.now);
        if let Disposition::Replay(earlier) = disposition {
            return Err(Ended::Replay(Box::new(earlier.clone())));
        }
        if let Disposition::Stop(stop) = disposition {
            return Err(stop.into());
        }
        if observed.is_err() && !run.trigger.only_looks() {
            // Under the kill switch, a repeat by Lambda would be no use.
            guard::check_kill_switch(&memory, run.now)?;
        }
        let observed = observed?;
        run.outcome.observed = value(&observed);
        let resumed = match &disposition {
            Disposition::GiveUp(dead, why) if R::RESUMES && memory.follow_up.is_some() => Some(format!(
                "run {} left something unfinished, and {why}: {}",
                dead.execution_id, dead.intent.reason
            )),
            _ => None,
        };
        match disposition {
            Disposition::TakeUp(dead) => {
                return Box::pin(self.take_up(run, &memory, dead, &observed)).await;
            }
            Disposition::GiveUp(..) if resumed.is_some() => {}
            Disposition::GiveUp(dead, why) => {
                self.give_up(run, dead, why, &observed).await;
                return Ok(());
            }
            Disposition::Stop(_) | Disposition::Replay(_) | Disposition::Plan => {}
        }
        Box::pin(self.decide(run, &memory, &observed, resumed)).await
    }

    /// An event that had to wait is judged by whether its reason lasts, not by its age.
    fn gate(&self, run: &Run<'_, R::Request>) -> Result<(), Stop> {
        if run.wanted.is_none() || self.policy.mode == Mode::Off {
            return guard::gate(&self.policy, &run.trigger, run.now);
        }
        Ok(())
    }

    /// Keeps what the ledger knows of target and event.
    async fn recall(
        &self,
        run: &mut Run<'_, R::Request>,
        memory: Result<Memory, Error>,
    ) -> Result<(), Ended> {
        run.memory = match memory {
            Ok(memory) => memory,
            // Nothing was written: Lambda repeats the event.
            Err(error) if run.trigger.is_an_event() && run.wanted.is_none() => return Err(error.into()),
            Err(error) => return Err(guard::no_ledger(&error).into()),
        };
        self.understand(&mut run.memory);
        self.is_still_wanted(run).await?;
        if run.memory.odd.iter().any(|odd| odd.pk.starts_with("event#")) {
            let reason = "this event was answered before, and that answer cannot be read";
            return Err(Stop::nothing_to_do(&code::ANSWERED_BEFORE, reason).into());
        }
        Ok(())
    }

    /// Reads what earlier versions left as today's would have written it. A follow-up that cannot be read is left out,
    /// and reported with the other items that cannot.
    fn understand(&self, memory: &mut Memory) {
        memory.claim = memory.claim.take().map(|mut claim| {
            claim.intent = self.remedy.of_today(claim.intent);
            claim
        });
        if let Some(follow_up) =
            memory.follow_up.take_if(|follow_up| follow_up.read::<R::FollowUp>().is_err())
        {
            let due = clock::readable(follow_up.due);
            let why =
                format!("it is a follow-up, due at {due}, of a form that {} does not know", R::FUNCTION);
            memory.not_understood(why);
        }
    }

    /// Plans, and carries the plan out if it is admitted. `resumed` is what a dead run left that this plan does.
    async fn decide(
        &self,
        run: &mut Run<'_, R::Request>,
        memory: &Memory,
        observed: &R::Observed,
        resumed: Option<String>,
    ) -> Result<(), Ended> {
        let by = run.approval.as_ref().map_or(&run.trigger, |approval| &approval.trigger);
        let past = Past {
            asked: by.words(),
            follow_up: memory.follow_up.as_ref().and_then(|follow_up| follow_up.read().ok()),
            month_units: memory.month_units(run.now),
            freeze: memory.freeze.clone(),
        };
        let mut plan = self.remedy.plan(run.now, observed, &run.request, &past);
        if let Some(resumed) = resumed {
            plan.reason = format!("{} ({resumed})", plan.reason);
        }
        run.what = self.remedy.in_short(&plan.actions, observed);
        run.outcome.plan = described(&plan);
        let follow_up = plan.follow_up.stored();
        let hash = self.plan_hash(&run.outcome.target, &plan.actions);
        let case = Case {
            policy: &self.policy,
            memory,
            trigger: &run.trigger,
            approval: run.approval.as_ref(),
            function: R::FUNCTION,
            asks_first: R::ASKS_FIRST,
            is_urgent: R::IS_URGENT,
            now: run.now,
        };
        plan.reason = match guard::admit(&case, &plan, &hash)? {
            Admitted::Act { reason } => reason,
            Admitted::Ask { reason } => {
                plan.reason = reason;
                return Err(self.ask(run, &plan, hash).await?.into());
            }
            Admitted::Show { stop, refused } => {
                run.refused = refused.unwrap_or_default();
                return Err(stop.into());
            }
            Admitted::Settle(stop) => {
                run.settled = follow_up != FollowUpChange::Keep;
                if let (FollowUpChange::Clear, Some(claim)) = (&follow_up, &memory.claim) {
                    run.outcome.plan = json!({ "ends": claim.execution_id, "reason": claim.intent.reason });
                }
                run.change = follow_up;
                return Err(stop.into());
            }
        };

        let instead_of = match follow_up {
            FollowUpChange::Keep => None,
            _ => Some(Before { follow_up: memory.follow_up.clone() }),
        };
        let intent = Intent {
            trigger: run.trigger.clone(),
            actions: value(&plan.actions),
            reason: line(&plan.reason, PERSON),
            limits: plan.limits,
            units: plan.units,
            about: plan.about,
            notes: plan.notes,
            approved: Some(run.approval.is_some()),
            instead_of,
        };
        run.follow_up = match &follow_up {
            FollowUpChange::Keep => memory.follow_up.clone(),
            FollowUpChange::Set(follow_up) => Some(follow_up.clone()),
            FollowUpChange::Clear => None,
        };
        Box::pin(self.carry_out(run, memory, intent, &follow_up, plan.actions, observed)).await
    }

    /// The same for the same actions on the same target.
    fn plan_hash(&self, target: &str, actions: &[R::Action]) -> String {
        let actions: Vec<_> = actions.iter().map(|action| self.remedy.known_by(action)).collect();
        hash(&json!([R::FUNCTION, target, actions]).to_string())
    }
}

/// The plan as the answer has it.
fn described<A: Serialize + ToString, F>(plan: &Plan<A, F>) -> Value {
    let Plan { actions, reason, details, .. } = plan;
    value(&Described {
        lines: lines(actions),
        reason: reason.clone(),
        actions: value(actions),
        details: details.clone(),
    })
}

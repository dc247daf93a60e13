//! A plan waits for a person, who says yes or no.

use serde_json::{Value, json};

use super::{Ended, Run, Runner, hash};
use crate::{
    clock, code,
    error::Error,
    guard,
    ledger::{Approval, Rejection},
    outcome::{Decision, Next, Outcome, Stop, WokenBy},
    plan::{Plan, lines, value},
    remedy::Remedy,
    trigger::Asked,
};

impl<R: Remedy> Runner<R> {
    /// Finds the plan that a person approves or rejects by its id.
    pub(super) async fn recall_approval(&self, run: &mut Run<'_, R::Request>) -> Result<(), Ended> {
        let asked = run.trigger.asked().cloned().unwrap_or_default();
        let Some(id) = asked.approve.as_deref().or(asked.reject.as_deref()) else {
            return Ok(());
        };
        let stored = self.ledger.approval(id).await.map_err(|error| guard::no_ledger(&error))?;
        let approval = stored.ok_or_else(|| {
            let reason = format!(
                "no plan `{id}` of {} awaits approval: it is another function's, has long expired, cannot be read, or \
                 was asked for anew since under another id",
                R::FUNCTION
            );
            Stop::refused(&code::APPROVAL_UNKNOWN, reason)
                .next(Next::development("look at the newest notice, or send the request again for a new plan"))
        })?;
        run.outcome.target.clone_from(&approval.target);
        if asked.reject.is_some() {
            return Err(self.reject(run, &approval, &asked).await?.into());
        }
        let by = asked.by.clone();
        run.outcome.trigger =
            value(&WokenBy::Approval { approved_by: &run.trigger, by, of: value(&approval.trigger) });
        for request in self.remedy.requests(&approval.trigger)? {
            if self.remedy.target(&request).is_ok_and(|target| target == approval.target) {
                run.request = request;
            }
        }
        run.approval = Some(approval);
        Ok(())
    }

    async fn reject(
        &self,
        run: &mut Run<'_, R::Request>,
        approval: &Approval,
        asked: &Asked,
    ) -> Result<Stop, Stop> {
        guard::check_approval(approval, run.now)?;
        let by = asked.by.clone();
        run.outcome.trigger =
            value(&WokenBy::Rejection { rejected_by: &run.trigger, by, of: value(&approval.trigger) });
        if asked.dry_run {
            return Ok(Stop {
                decision: Decision::Observed,
                code: &code::WOULD_REJECT,
                reason: format!("would reject: {}", approval.plan.join(", ")),
                next: None,
            });
        }
        let rejection = Rejection {
            by: asked.by.clone().unwrap_or_default(),
            reason: asked.reason.clone().unwrap_or_default(),
            at: clock::readable(run.now),
        };
        let rejected = self.ledger.reject(approval, &rejection).await;
        if !rejected.map_err(|error| guard::no_ledger(&error))? {
            return Err(guard::busy("somebody else has just decided about this plan"));
        }
        run.settled = true;
        let reason = format!("{}; it was: {}", guard::rejected(&rejection), approval.plan.join(", "));
        Ok(Stop::nothing_to_do(&code::REJECTED, reason))
    }

    /// Stores the plan for a person to approve. A second request for the same plan joins it.
    pub(super) async fn ask(
        &self,
        run: &mut Run<'_, R::Request>,
        plan: &Plan<R::Action, R::FollowUp>,
        plan_hash: String,
    ) -> Result<Stop, Ended> {
        if run.trigger.is_scheduled() {
            // Asking at every tick would drown the question.
            return Ok(Stop::nothing_to_do(
                &code::APPROVAL_NEEDED,
                "a scheduled run does not ask; send a request by hand",
            ));
        }
        let what = format!("{}: {}", lines(&plan.actions).join(", "), plan.reason);
        let stored = self.ledger.approval_of(&plan_hash).await.map_err(|error| guard::no_ledger(&error))?;
        if let Some(open) =
            stored.as_ref().filter(|open| open.is_open(run.now) && open.plan_hash == plan_hash)
        {
            return Ok(joins(&mut run.outcome, open));
        }
        if let Some(rejection) = stored.as_ref().and_then(|stored| stored.rejected.as_ref())
            && stored.as_ref().is_some_and(|stored| run.now < stored.expires)
            && run.trigger.is_an_event()
        {
            // A person rejected this plan a moment ago. Another alarm does not ask again.
            return Ok(Stop::nothing_to_do(&code::APPROVAL_REJECTED, guard::rejected(rejection)));
        }
        let expires = run.now + self.policy.approval_lifetime;
        let approval = Approval {
            id: Approval::id_of(&plan_hash, &hash(&format!("{} {}", run.trigger.id, run.now))),
            trigger: run.trigger.clone(),
            target: run.outcome.target.clone(),
            plan_hash,
            plan: lines(&plan.actions),
            reason: plan.reason.clone(),
            details: plan.details.clone(),
            actions: value(&plan.actions),
            expires,
            used: false,
            rejected: None,
        };
        let stop = Stop {
            decision: Decision::AwaitingApproval,
            code: &code::APPROVAL_NEEDED,
            reason: what,
            next: Some(Next::approval(
                format!(
                    "approve by {}, or send {} to reject it; otherwise it expires",
                    clock::near(expires, run.now),
                    json!({ "reject": approval.id })
                ),
                &approval.id,
            )),
        };
        run.asks = Some(approval);
        Ok(stop)
    }

    /// Joins the plan that another run stored while this one was about to.
    pub(super) async fn join(
        &self,
        outcome: &mut Outcome,
        approval: &Approval,
    ) -> Result<Option<Stop>, Error> {
        let open = self.ledger.approval_of(&approval.plan_hash).await?;
        Ok(open.map(|open| joins(outcome, &open)))
    }
}

/// The answer shows the plan that waits. It may name new resources otherwise than this run would have.
fn joins(outcome: &mut Outcome, open: &Approval) -> Stop {
    // An item of an earlier version has neither actions nor a reason.
    if let Some(plan) = outcome.plan.as_object_mut() {
        if !open.actions.is_null() {
            plan.insert("actions".to_owned(), open.actions.clone());
        }
        if !open.reason.is_empty() {
            plan.insert("reason".to_owned(), json!(open.reason));
        }
        plan.insert("lines".to_owned(), json!(open.plan));
        if !open.details.is_empty() {
            plan.insert("details".to_owned(), json!(open.details));
        }
    }
    let why = outcome.plan.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned();
    Stop {
        decision: Decision::NothingToDo,
        code: &code::APPROVAL_PENDING,
        reason: format!(
            "plan {} waits for approval already ({}): {}: {why}",
            open.id,
            open.trigger.words(),
            open.plan.join(", ")
        ),
        next: Some(Next::approval(
            format!("approve by {}, or do nothing and it expires", clock::readable(open.expires)),
            &open.id,
        )),
    }
}

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
    text,
    trigger::{Asked, Kind},
    vote::{self, Said, Vote},
};

/// No plan's id is longer, and the ledger takes no key of more than 1,024 bytes.
const LONGEST_ID: usize = 60;

impl<R: Remedy> Runner<R> {
    /// Finds the plan that a person approves or rejects by its id.
    pub(super) async fn recall_approval(&self, run: &mut Run<'_, R::Request>) -> Result<(), Ended> {
        let asked = run.trigger.asked().cloned().unwrap_or_default();
        let Some(id) = asked.approve.as_deref().or(asked.reject.as_deref()) else {
            return if run.invocation.is_approval() { Err(no_request().into()) } else { Ok(()) };
        };
        let stored = if id.len() > LONGEST_ID {
            None
        } else {
            self.ledger.approval(id).await.map_err(|error| guard::no_ledger(&error))?
        };
        let approval = stored.ok_or_else(|| {
            let id = text::line(id, LONGEST_ID);
            let reason = format!(
                "no plan `{id}` of {} awaits approval: it is another function's, has long expired, cannot be read, or \
                 was asked for anew since under another id",
                R::FUNCTION
            );
            Stop::refused(&code::APPROVAL_UNKNOWN, reason)
                .next(Next::development("look at the newest notice, or send the request again for a new plan"))
        })?;
        run.outcome.target.clone_from(&approval.target);
        let asked = self.verified(run, &approval, asked)?;
        if asked.reject.is_some() {
            return Err(Self::reject(run, approval, &asked)?.into());
        }
        run.outcome.trigger = value(&WokenBy::Approval {
            approved_by: &run.trigger,
            by: asked.by.clone(),
            verified: asked.verified,
            votes: cast(&approval, &asked),
            of: value(&approval.trigger),
        });
        for request in self.remedy.requests(&approval.trigger)? {
            if self.remedy.target(&request).is_ok_and(|target| target == approval.target) {
                run.request = request;
            }
        }
        run.approval = Some(approval);
        Ok(())
    }

    /// Who decides. Over the queue, that is whoever has voted there; by any other way it is a name that somebody gave, and
    /// with `NAMED_APPROVERS` none at all. To look is free.
    fn verified(
        &self,
        run: &mut Run<'_, R::Request>,
        approval: &Approval,
        asked: Asked,
    ) -> Result<Asked, Stop> {
        let unnamed = |reason: &str| {
            let verb = if asked.reject.is_some() { "reject" } else { "approve" };
            let id = &approval.id;
            Stop::refused(&code::APPROVER_UNNAMED, reason).next(Next::development(format!(
                "decide over the queue of approvals: `lendpeak2 {verb} {id}`, or send it the message `{verb}:{id}`"
            )))
        };
        if !run.invocation.is_approval() {
            return if self.policy.named_approvers && !asked.dry_run {
                Err(unnamed("a plan is decided about by people whom AWS itself names, and this names nobody"))
            } else {
                Ok(asked)
            };
        }
        let said = if asked.reject.is_some() { Said::Reject } else { Said::Approve };
        let by = vote::names(&approval.votes, said);
        if by.is_empty() {
            return Err(unnamed("nobody has decided about this plan over the queue of approvals"));
        }
        let asked = Asked { by: Some(by), verified: true, ..asked };
        if let Kind::Person(of_run) = &mut run.trigger.kind {
            of_run.clone_from(&asked);
        }
        Ok(asked)
    }

    /// The rejection is written with the run's record and notice: nobody is to miss it because the run died between.
    fn reject(run: &mut Run<'_, R::Request>, approval: Approval, asked: &Asked) -> Result<Stop, Stop> {
        guard::check_approval(&approval, run.now)?;
        run.outcome.trigger = value(&WokenBy::Rejection {
            rejected_by: &run.trigger,
            by: asked.by.clone(),
            verified: asked.verified,
            votes: cast(&approval, asked),
            of: value(&approval.trigger),
        });
        if asked.dry_run {
            return Ok(Stop {
                decision: Decision::Observed,
                code: &code::WOULD_REJECT,
                reason: format!("would reject: {}", approval.plan.join(", ")),
                next: None,
            });
        }
        let rejection = Rejection {
            by: asked.decider().unwrap_or_default(),
            reason: asked.reason.clone().unwrap_or_default(),
            at: clock::readable(run.now),
        };
        run.settled = true;
        let reason = format!("{}; it was: {}", guard::rejected(&rejection), approval.plan.join(", "));
        run.rejects = Some((approval, rejection));
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
            let reason = "a person has to approve this, and a scheduled run asks nobody";
            let stop = Stop::nothing_to_do(&code::APPROVAL_NEEDED, reason);
            return Ok(match &plan.by_hand {
                Some(request) => stop.next(
                    Next::development("to be asked for the approval, send the request below")
                        .send(request.clone()),
                ),
                None => stop.next(Next::development("send the request by hand to be asked for the approval")),
            });
        }
        let what = format!("{}: {}", lines(&plan.actions).join(", "), plan.reason);
        let stored = self.ledger.approval_of(&plan_hash).await.map_err(|error| guard::no_ledger(&error))?;
        if let Some(open) =
            stored.as_ref().filter(|open| open.is_open(run.now) && open.plan_hash == plan_hash)
        {
            return Ok(self.joins(&mut run.outcome, open));
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
            votes: Vec::new(),
        };
        let by = clock::near(expires, run.now);
        let id = &approval.id;
        let next = if self.policy.named_approvers {
            Next::approval_by_name(
                format!(
                    "approve by {by}: `lendpeak2 approve {id}`; or reject it: `lendpeak2 reject {id}`; otherwise it \
                     expires"
                ),
                id,
            )
        } else {
            let reject = json!({ "reject": id });
            Next::approval(
                format!("approve by {by}, or send {reject} to reject it; otherwise it expires"),
                id,
            )
        };
        let stop = Stop {
            decision: Decision::AwaitingApproval,
            code: &code::APPROVAL_NEEDED,
            reason: what,
            next: Some(next),
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
        Ok(open.map(|open| self.joins(outcome, &open)))
    }

    /// The answer shows the plan that waits. It may name new resources otherwise than this run would have.
    fn joins(&self, outcome: &mut Outcome, open: &Approval) -> Stop {
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
        let by = clock::readable(open.expires);
        let next = if self.policy.named_approvers {
            let how =
                format!("approve by {by}: `lendpeak2 approve {}`; or do nothing and it expires", open.id);
            Next::approval_by_name(how, &open.id)
        } else {
            Next::approval(format!("approve by {by}, or do nothing and it expires"), &open.id)
        };
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
            next: Some(next),
        }
    }
}

/// The alias is for decisions alone.
fn no_request() -> Error {
    Error::InvalidRequest(
        "the alias `approve` takes decisions about plans, and no requests: send it to the function itself"
            .to_owned(),
    )
}

/// The votes that a decision rests on.
fn cast(approval: &Approval, asked: &Asked) -> Vec<Vote> {
    if asked.verified { approval.votes.clone() } else { Vec::new() }
}

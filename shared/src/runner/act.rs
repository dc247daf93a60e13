//! Under the claim: carries out what was decided, and looks again.

use std::time::Duration;

use tokio::time::timeout;

use super::{Ended, Run, Runner};
use crate::{
    clock, code,
    error::{Cause, Error},
    guard::{self, Approved},
    ledger::{Claim, Held, Intent, Memory},
    outcome::{Decision, Next, Step, StepResult, Stop, Verification},
    plan::{FollowUpChange, lines},
    remedy::Remedy,
};

/// A look that takes longer holds up what is urgent.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

impl<R: Remedy> Runner<R> {
    /// Claims the target, looks again at the same time, then acts.
    pub(super) async fn carry_out(
        &self,
        run: &mut Run<'_, R::Request>,
        memory: &Memory,
        intent: Intent,
        follow_up: &FollowUpChange,
        actions: Vec<R::Action>,
        observed: &R::Observed,
    ) -> Result<(), Ended> {
        let what = format!("{} ({})", lines(&actions).join(", "), intent.trigger.words());
        let until = run.invocation.deadline;
        let claim = guard::next_claim(memory, intent, &what, &run.outcome.execution_id, run.now, until);
        run.outcome.reason.clone_from(&claim.intent.reason);
        let target = run.outcome.target.clone();
        if claim.in_place_of.is_some() {
            // The claim replaces this item, so it is reported first.
            Box::pin(self.report_odd(run)).await;
            run.memory.odd.iter_mut().for_each(|odd| odd.reported = true);
        }
        // The dead run used the approval.
        let approval = run.approval.as_ref().filter(|_| !run.takes_up);
        let (approved, again) = tokio::join!(
            guard::claim(&self.ledger, &target, &claim, follow_up, approval, actions),
            timeout(LOOK_AGAIN, self.remedy.look_again(&run.request, observed))
        );
        let approved = match approved {
            Ok(approved) => approved,
            // The claim may have been written; Lambda repeats the event, which finds it then.
            Err(stop) if *stop.code == code::LEDGER_UNAVAILABLE && run.trigger.is_an_event() => {
                return Err(Error::Unclaimed(Box::new(stop)).into());
            }
            Err(stop) => return Err(stop.into()),
        };
        let again = again.unwrap_or_else(|_| {
            let source = Cause::new(format!("no answer within {} s", LOOK_AGAIN.as_secs()));
            Err(Error::Aws { operation: "look again at", resource: target.clone(), source })
        });
        match again {
            Ok(again) => {
                Box::pin(self.act(run, claim, approved, again.as_ref().unwrap_or(observed))).await;
            }
            Err(error) => self.could_not_look(run, claim, &approved, error),
        }
        Ok(())
    }

    /// Nothing is done, because the second look failed: somebody else may have changed the target.
    fn could_not_look(
        &self,
        run: &mut Run<'_, R::Request>,
        claim: Claim,
        approved: &[Approved<R::Action>],
        error: Error,
    ) {
        if let Some(first) = approved.first() {
            run.outcome.steps.push(Step::of(first.action(), Err(error)));
        }
        self.failed(run, claim, false);
    }

    async fn act(
        &self,
        run: &mut Run<'_, R::Request>,
        mut claim: Claim,
        approved: Vec<Approved<R::Action>>,
        observed: &R::Observed,
    ) {
        let mut refused = None;
        let (mut unsure, mut failed) = (false, false);
        let mut written = false;
        let mut carried_out = Vec::with_capacity(approved.len());
        for mut action in approved {
            if !self.remedy.is_outstanding(action.action(), observed) {
                run.outcome.steps.push(
                    if run.takes_up && self.remedy.has_taken_effect(action.action(), observed) {
                        Step::already_done(action.action())
                    } else {
                        Step::left_alone(action.action())
                    },
                );
                carried_out.push(action);
                continue;
            }
            let result = loop {
                let may = if written { action.may_go_on().await } else { Ok(()) };
                let result = match may {
                    Ok(()) => Box::pin(self.remedy.apply(&action)).await,
                    Err(error) => Err(error),
                };
                written = true;
                match (&result, self.remedy.instead(action.action())) {
                    (Err(Error::Refused { stop, .. }), Some(next)) if *stop.code != code::KILL_SWITCH => {
                        run.outcome.steps.push(Step::of(action.action(), result));
                        action = action.replaced_by(next);
                    }
                    _ => break result,
                }
            };
            match &result {
                Err(Error::Refused { stop, over }) => refused = Some((stop.as_ref().clone(), *over)),
                Err(error) => unsure = error.may_have_happened(),
                Ok(()) => {}
            }
            failed = result.is_err();
            run.outcome.steps.push(Step::of(action.action(), result));
            carried_out.push(action);
            if failed {
                break;
            }
        }
        let is = |result: StepResult| move |step: &Step| step.result == result;
        let steps = &run.outcome.steps;
        let changed = steps.iter().any(is(StepResult::Done))
            || steps.iter().any(is(StepResult::AlreadyDone))
            || match carried_out.last().filter(|_| unsure) {
                Some(action) => self.seems_done(run, action.action(), observed).await,
                None => false,
            };
        let steps = &run.outcome.steps;
        let left_alone = !steps.is_empty() && steps.iter().all(is(StepResult::LeftAlone));
        match refused {
            Some((stop, _)) if *stop.code == code::KILL_SWITCH => {
                self.failed(run, claim, changed);
                stop.onto(&mut run.outcome);
            }
            Some((stop, over)) => {
                stop.onto(&mut run.outcome);
                // Closed: AWS would refuse the same again.
                claim = claim.closed();
                if !changed {
                    claim = claim.uncounted();
                }
                // The follow-up stays, unless the remedy says that it is over.
                run.held = Some(Held { claim, ends_follow_up: over, came_true: Some(false), changed: true });
            }
            None if failed => self.failed(run, claim, changed),
            None if left_alone => {
                let reason = format!(
                    "somebody else has changed the target meanwhile, and that is left as it is; {}",
                    run.outcome.reason
                );
                Stop::nothing_to_do(&code::CHANGED_MEANWHILE, reason)
                    .next(Next::development(
                        "look whether it is still needed; if so, send the request again, and it starts from what is there \
                         now",
                    ).again())
                    .onto(&mut run.outcome);
                // People expect what a dead run began, so they are notified that it does not happen.
                run.settled |= run.takes_up;
                claim = claim.closed().uncounted();
                run.held =
                    Some(Held { claim, ends_follow_up: false, came_true: Some(false), changed: false });
            }
            None => self.applied(run, claim, &carried_out).await,
        }
    }

    /// After a call without an answer: whether it took effect.
    async fn seems_done(
        &self,
        run: &Run<'_, R::Request>,
        action: &R::Action,
        observed: &R::Observed,
    ) -> bool {
        match self.remedy.look_again(&run.request, observed).await {
            Ok(Some(now)) => !self.remedy.is_outstanding(action, &now),
            Ok(None) | Err(_) => true,
        }
    }

    /// An action failed: the next run takes it up.
    fn failed(&self, run: &mut Run<'_, R::Request>, claim: Claim, changed: bool) {
        run.outcome.decision = Decision::Failed;
        run.outcome.says(&code::ACTION_FAILED);
        let minutes = self.policy.max_event_age.as_secs() / 60;
        run.outcome.next = Some(Next::devops(format!(
            "the scheduled run tries this again for {minutes} minutes; if that fails too, do it by hand"
        )));
        let claim = claim.left_open(clock::now());
        let claim = if changed { claim } else { claim.uncounted() };
        run.held = Some(Held { claim, ends_follow_up: false, came_true: None, changed });
    }

    async fn applied(&self, run: &mut Run<'_, R::Request>, claim: Claim, approved: &[Approved<R::Action>]) {
        run.outcome.decision = Decision::Applied;
        run.outcome.says(&code::APPLIED);
        let actions: Vec<&R::Action> = approved.iter().map(Approved::action).collect();
        let verification = self.verify(run, &actions).await;
        let looked_after = run.follow_up.as_ref().filter(|follow_up| follow_up.until_verified);
        let mut ends_follow_up = false;
        if verification.verified {
            ends_follow_up = looked_after.is_some();
        } else {
            run.outcome.next = Some(Next::development(looked_after.map_or_else(
                || "look at the service: the change has not shown yet".to_owned(),
                |follow_up| {
                    format!(
                        "nothing yet: the scheduled run goes on looking, and tells you once the change \
                         shows, or at {} that it does not",
                        clock::readable(follow_up.due)
                    )
                },
            )));
        }
        run.outcome.verification = Some(verification);
        run.held = Some(Held { claim: claim.closed(), ends_follow_up, came_true: Some(true), changed: true });
    }

    /// Looks again, but leaves time to record the outcome.
    pub(super) async fn verify(&self, run: &Run<'_, R::Request>, actions: &[&R::Action]) -> Verification {
        const TIME_TO_RECORD: Duration = Duration::from_secs(5);
        let left =
            Duration::try_from(run.invocation.deadline.duration_since(clock::now())).unwrap_or_default();
        let at_most = left.saturating_sub(TIME_TO_RECORD).max(left / 2);
        // A look that takes longer than that may still end.
        let patience = self.policy.verify.min(at_most / 4 * 3);
        let verify = Box::pin(self.remedy.verify(&run.request, actions, patience));
        let verification = tokio::time::timeout(at_most, verify).await;
        verification.unwrap_or_else(|_| Verification::not_seen("no look ended in the time of this run"))
    }
}

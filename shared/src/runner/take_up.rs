//! What a dead run left: it is finished, or given up.

use serde_json::json;

use super::{Ended, Run, Runner};
use crate::{
    code,
    ledger::{Claim, Held, Memory},
    outcome::{Decision, Next, Step, StepResult},
    plan::FollowUpChange,
    remedy::Remedy,
};

impl<R: Remedy> Runner<R> {
    /// Carries out what a dead run had begun: its recorded intent, not a new plan.
    pub(super) async fn take_up(
        &self,
        run: &mut Run<'_, R::Request>,
        memory: &Memory,
        dead: &Claim,
        observed: &R::Observed,
    ) -> Result<(), Ended> {
        let read: Result<Vec<R::Action>, _> = serde_json::from_value(dead.intent.actions.clone());
        let read = read.map_err(|error| format!("it cannot be read: {error}"));
        let allowed = read.and_then(|actions| {
            let allowed = actions.iter().try_for_each(|action| self.remedy.allows(action));
            allowed.map(|()| actions).map_err(|stop| stop.reason)
        });
        let actions = match allowed {
            Ok(actions) => actions,
            Err(why) => {
                self.give_up(run, dead, &why, observed).await;
                return Ok(());
            }
        };
        run.comes_again = dead.intent.trigger.id != run.trigger.id && !run.trigger.is_scheduled();
        run.takes_up = true;
        run.outcome.plan =
            json!({ "actions": actions, "reason": dead.intent.reason, "begun_by": dead.execution_id });
        run.what = self.remedy.in_short(&actions, observed);
        let intent = dead.intent.clone();
        run.follow_up.clone_from(&memory.follow_up);
        Box::pin(self.carry_out(run, memory, intent, &FollowUpChange::Keep, actions, observed)).await?;
        run.outcome.reason =
            format!("finished what run {} had begun: {}", dead.execution_id, run.outcome.reason);
        Ok(())
    }

    /// Ends what a dead run had begun, without carrying it out. What that run had done counts as done.
    pub(super) async fn give_up(
        &self,
        run: &mut Run<'_, R::Request>,
        dead: &Claim,
        why: &str,
        observed: &R::Observed,
    ) {
        let read: Result<Vec<R::Action>, _> = serde_json::from_value(dead.intent.actions.clone());
        let is_known = read.is_ok() && R::ACTIONS_SHOW;
        let actions = read.ok().filter(|_| is_known).unwrap_or_default();
        run.comes_again = dead.intent.trigger.id != run.trigger.id && !run.trigger.is_scheduled();
        run.what = self.remedy.in_short(&actions, observed);
        run.follow_up.clone_from(&run.memory.follow_up);
        run.outcome.plan = json!({ "actions": dead.intent.actions, "reason": dead.intent.reason, "begun_by": dead.execution_id });
        run.outcome.steps = actions
            .iter()
            .map(|action| {
                if self.remedy.is_outstanding(action, observed) {
                    Step { result: StepResult::Failed, ..Step::left_alone(action) }
                } else if !self.remedy.has_taken_effect(action, observed) {
                    Step::left_alone(action)
                } else {
                    Step::already_done(action)
                }
            })
            .collect();
        let (done, left): (Vec<&Step>, Vec<&Step>) =
            run.outcome.steps.iter().partition(|step| step.result == StepResult::AlreadyDone);
        let all = left.is_empty() && !done.is_empty();
        let changed = !is_known || !done.is_empty();
        let what: Vec<&str> = done.iter().map(|step| step.action.as_str()).collect();
        let what = what.join(", ");
        let begun = format!("run {} had begun: {}", dead.execution_id, dead.intent.reason);
        let mut claim = Claim { open: false, ..dead.clone() };
        if all {
            run.outcome.decision = Decision::Applied;
            run.outcome.says(&code::APPLIED);
            run.outcome.reason = format!("it was done before it could be recorded; {begun}");
            let actions: Vec<&R::Action> = actions.iter().collect();
            run.outcome.verification = Some(self.verify(run, &actions).await);
        } else {
            run.outcome.decision = Decision::Failed;
            run.outcome.says(&code::GIVEN_UP);
            let how_far = match () {
                () if !is_known => "how far it had come is not known",
                () if changed => "only a part of it was done",
                () => "nothing was changed",
            };
            run.outcome.reason = format!("given up, since {why}: {how_far}; {begun}");
            let next = Next::devops(
                "the runbook does not try this again: look whether it is still needed, and if so send the request again",
            );
            run.outcome.next = Some(self.with_request(next.again(), &dead.intent.trigger));
        }
        claim = if changed {
            claim.counted_at(run.now, &format!("{what} ({})", dead.intent.trigger.words()))
        } else {
            claim.uncounted()
        };
        run.settled = true;
        run.held = Some(Held { claim, ends_follow_up: false, came_true: Some(all), changed });
    }
}

//! The end of a run: its record and its pending notice are written in one transaction, then the notice is sent.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Run, Runner, wanted::is_still_wanted};
use crate::{
    clock, code,
    error::{Error, chain},
    guard,
    ledger::{NotSettled, Refusal, Settlement, WantedChange},
    outcome::{Decision, Outcome, Stop},
    remedy::Remedy,
    telemetry,
};

/// A new permission takes some seconds to take effect. Nobody who waits for the answer notices this one.
const BEFORE_ONCE_MORE: Duration = Duration::from_secs(1);

impl<R: Remedy> Runner<R> {
    pub(super) async fn stopped(&self, mut run: Run<'_, R::Request>, stop: Stop) -> Result<Outcome, Error> {
        stop.onto(&mut run.outcome);
        self.finish(run).await
    }

    pub(super) async fn replayed(
        &self,
        mut run: Run<'_, R::Request>,
        earlier: &Outcome,
    ) -> Result<Outcome, Error> {
        run.outcome = Outcome {
            decision: Decision::Replayed,
            code: earlier.code.clone(),
            reason: format!("run {} answered this event: {}", earlier.execution_id, earlier.reason),
            execution_id: run.outcome.execution_id.clone(),
            at: run.outcome.at,
            trigger: run.outcome.trigger.clone(),
            ..earlier.clone()
        };
        self.finish(run).await
    }

    /// Records the outcome, logs it, counts it and notifies people. It fails only if nothing was written and nobody
    /// notified, so that Lambda repeats the event.
    pub(super) async fn finish(&self, mut run: Run<'_, R::Request>) -> Result<Outcome, Error> {
        Box::pin(self.report_odd(&run)).await;
        let wanted = self.wanted_change(&mut run);
        run.outcome.duration_ms =
            u64::try_from(clock::now().duration_since(run.outcome.at).as_millis()).unwrap_or_default();
        let by = run.approval.as_ref().map_or(&run.trigger, |approval| &approval.trigger);
        run.outcome.next = run.outcome.next.take().map(|next| self.with_request(next, by));
        run.sum_up();
        run.outcome.tidy();
        // Ten alarms refused for one reason are one notice.
        let refused =
            (run.outcome.decision == Decision::Refused && run.trigger.is_an_event()).then(|| Refusal {
                code: run.outcome.code.as_str().to_owned(),
                at: run.now,
                known_since: run.now
                    - SignedDuration::try_from(self.policy.max_event_age).unwrap_or_default(),
            });
        let owed = self.owes(&run);
        let settlement = Settlement {
            outcome: &run.outcome,
            held: run.held.as_ref(),
            follow_up: Some((&run.change, run.memory.follow_up_item.as_ref().map(|item| &item.seen))),
            wanted: &wanted,
            owed: owed.as_ref(),
            refused: refused.as_ref().filter(|_| owed.is_some()),
            record: is_worth_a_record(&run),
        };
        let settled = match (&run.asks, &run.rejects) {
            (Some(approval), _) => {
                let expiry = self.expiry(&run, approval);
                self.ledger.ask(approval, expiry.as_ref(), &settlement, run.now).await
            }
            (None, Some((approval, rejection))) => self.ledger.reject(approval, rejection, &settlement).await,
            (None, None) => self.ledger.settle(&settlement).await,
        };
        let settled = match settled {
            // A change must not go unrecorded because a permission was given only a moment ago.
            Err(NotSettled::Ledger(error)) if !error.may_have_happened() && run.held.is_some() => {
                tracing::warn!(error = chain(&error), "the record is written once more");
                tokio::time::sleep(BEFORE_ONCE_MORE).await;
                self.ledger.settle(&settlement).await
            }
            settled => settled,
        };
        match settled {
            Ok(true) => self.tell(&mut run.outcome, owed.as_ref(), run.invocation.deadline).await,
            Ok(false) => {}
            // It is not rejected by this run, which is another end.
            Err(why) if run.rejects.take().is_some() => {
                let stop = match &why {
                    NotSettled::Overtaken => guard::busy("somebody else has just decided about this plan"),
                    NotSettled::Ledger(error) => guard::no_ledger(error),
                };
                run.settled = false;
                return Box::pin(self.stopped(run, stop)).await;
            }
            Err(NotSettled::Overtaken) => return Ok(self.overtaken(run).await),
            // The event was not noted as wanted. Lambda repeats it, so that it is not lost.
            Err(NotSettled::Ledger(error))
                if run.wanted.is_none() && matches!(wanted, WantedChange::Set { .. }) =>
            {
                return Err(error);
            }
            // The plan was not stored, so nobody can approve it. An event is repeated; a person may ask again.
            Err(NotSettled::Ledger(error)) if run.asks.is_some() => {
                if run.trigger.is_an_event() {
                    return Err(error);
                }
                guard::no_ledger(&error).onto(&mut run.outcome);
                run.sum_up();
            }
            Err(NotSettled::Ledger(error)) => {
                self.tell_without_record(&mut run, owed.as_ref(), error).await?;
            }
        }
        telemetry::decided(&run.outcome);
        Ok(run.outcome)
    }

    /// Another run has settled the follow-up, or stored the same plan, since this one looked.
    async fn overtaken(&self, mut run: Run<'_, R::Request>) -> Outcome {
        let joined = match run.asks.take() {
            Some(approval) => self.join(&mut run.outcome, &approval).await.ok().flatten(),
            None => None,
        };
        joined
            .unwrap_or_else(|| guard::busy("another run is already looking after this"))
            .onto(&mut run.outcome);
        run.sum_up();
        run.settled = false;
        if is_worth_a_record(&run) {
            let settlement = Settlement {
                outcome: &run.outcome,
                held: None,
                follow_up: None,
                wanted: &WantedChange::Keep,
                owed: None,
                refused: None,
                record: true,
            };
            if let Err(NotSettled::Ledger(error)) = self.ledger.settle(&settlement).await {
                unrecorded(&mut run.outcome, &error);
            }
        }
        telemetry::decided(&run.outcome);
        run.outcome
    }
}

pub(super) fn unrecorded(outcome: &mut Outcome, error: &Error) {
    tracing::error!(error = chain(error), execution_id = outcome.execution_id, "the run left no full record");
    outcome.reason = format!("{} (but {})", outcome.reason, chain(error));
}

/// A scheduled run that did nothing is only logged and counted. Without a ledger, there is nothing to write to.
fn is_worth_a_record<Q>(run: &Run<'_, Q>) -> bool {
    let idle = matches!(run.outcome.decision, Decision::NothingToDo | Decision::Refused);
    let quiet = run.trigger.is_scheduled() || is_still_wanted(run);
    run.settled || run.held.is_some() || !((idle && quiet) || run.outcome.code.is(&code::LEDGER_UNAVAILABLE))
}

//! The end of a run: recorded and owed in one transaction, told after.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use super::{NotSettled, Run, Runner, Settlement};
use crate::{
    clock, code,
    error::{Error, chain},
    guard::{self, Admission},
    lambda::Invocation,
    ledger::{Claim, Refusal, Wanted, WantedChange},
    notice::{self, Notice, Sent},
    outbox::Owed,
    outcome::{About, Decision, Next, Outcome, Stop},
    remedy::Remedy,
    telemetry,
    text::line,
};

/// What is left of a run's time once people are told.
const TIME_TO_ANSWER: SignedDuration = SignedDuration::from_millis(500);
/// AWS takes some seconds to heed a permission everywhere; whoever waits for the answer does not notice this one.
const BEFORE_ONCE_MORE: Duration = Duration::from_secs(1);
/// As much as the answer says of who was told.
const MAX_TOLD: usize = 600;

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

    /// Logs, counts, records and tells of an outcome. An error only where nothing was written and nobody told, so that
    /// Lambda repeats the event.
    pub(super) async fn finish(&self, mut run: Run<'_, R::Request>) -> Result<Outcome, Error> {
        Box::pin(self.report_odd(&run)).await;
        let wanted = self.wanted_change(&mut run);
        run.outcome.duration_ms =
            u64::try_from(clock::now().duration_since(run.outcome.at).as_millis()).unwrap_or_default();
        run.sum_up();
        run.outcome.tidy();
        // Ten alarms that are refused for one reason are one piece of news.
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
        let settled = match &run.asks {
            Some(approval) => self.ledger.ask(approval, &settlement, run.now).await,
            None => self.ledger.settle(&settlement).await,
        };
        let settled = match settled {
            // What was done must not go unrecorded for a permission that is only just given.
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
            Err(NotSettled::Overtaken) => return Ok(self.overtaken(run).await),
            // Lambda repeats the event: what it asks for must not be lost, nor be called wanted where that is not written.
            Err(NotSettled::Ledger(error))
                if run.wanted.is_none() && matches!(wanted, WantedChange::Set { .. }) =>
            {
                return Err(error);
            }
            // A question that nobody can answer is none: the event comes again, and so may a person.
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

    /// Ends what is wanted and may not be done any more: recorded and told, since it was refused for now only.
    pub(super) async fn let_go(
        &self,
        invocation: &Invocation,
        execution_id: String,
        target: &str,
        wanted: &Wanted,
        stop: Stop,
    ) -> Outcome {
        let mut outcome = self.draft(execution_id, &wanted.trigger, Some(wanted));
        target.clone_into(&mut outcome.target);
        stop.onto(&mut outcome);
        outcome.reason = format!(
            "{} asked for it at {}, and it is not done any more: {}",
            wanted.trigger.words(),
            clock::readable(wanted.since),
            outcome.reason
        );
        outcome.summary = outcome.summarized(About::default());
        outcome.tidy();
        let owed = self.notice_of(&outcome, "", clock::now(), invocation.deadline);
        let settlement = Settlement {
            outcome: &outcome,
            held: None,
            follow_up: None,
            wanted: &WantedChange::Clear { wanted: Box::new(wanted.clone()), waits: R::IS_URGENT },
            owed: owed.as_ref(),
            refused: None,
            record: true,
        };
        match self.ledger.settle(&settlement).await {
            Ok(_) => self.tell(&mut outcome, owed.as_ref(), invocation.deadline).await,
            Err(NotSettled::Overtaken) => {}
            // It is still wanted: the next scheduled run lets go of it.
            Err(NotSettled::Ledger(error)) => unrecorded(&mut outcome, &error),
        }
        telemetry::decided(&outcome);
        outcome
    }

    /// Another run has looked after the same, or asked the same, since this one looked.
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

    /// What becomes of what is wanted, and what the answer says of it.
    fn wanted_change(&self, run: &mut Run<'_, R::Request>) -> WantedChange {
        let open = run.held.as_ref().is_some_and(|held| held.claim.open);
        let for_now = is_for_now(run);
        // A dead run's intent came first and failed again: this event has not had its turn.
        let no_turn = run.comes_again && open;
        let in_hand = run.wanted.is_none() && is_in_hand(run);
        if run.trigger.is_an_event() && ((for_now && !in_hand) || no_turn) && self.may_act(run) {
            if run.outcome.decision == Decision::Refused {
                run.outcome.next = Some(Next::development(format!(
                    "nothing: the scheduled run does it as soon as it can, while its reason lasts{}",
                    run.outcome.next.as_ref().map(|next| format!("; {}", next.what)).unwrap_or_default()
                )));
            }
            return self.wants(run, run.outcome.code.as_str());
        }
        // What is begun is the claim's from now on.
        match &run.wanted {
            Some(wanted) if !run.memory.wanted.is_empty() && !for_now => {
                WantedChange::Clear { wanted: Box::new(wanted.clone()), waits: R::IS_URGENT }
            }
            // The event came again, and has its answer now.
            None if !for_now => match run.memory.wanted.iter().find(|one| one.trigger.id == run.trigger.id) {
                Some(own) => WantedChange::Clear { wanted: Box::new(own.clone()), waits: R::IS_URGENT },
                None => WantedChange::Keep,
            },
            _ => WantedChange::Keep,
        }
    }

    fn may_act(&self, run: &Run<'_, R::Request>) -> bool {
        guard::admit(&self.policy, R::ASKS_FIRST, false, run.approval.is_some()) != Admission::Observe
    }

    /// The notice that the outcome is worth, if it is.
    fn owes(&self, run: &Run<'_, R::Request>) -> Option<Owed> {
        let dry_run = run.trigger.asked().is_some_and(|asked| asked.dry_run);
        if dry_run || guard::admit(&self.policy, R::ASKS_FIRST, false, true) == Admission::Observe {
            return None;
        }
        // The run that is at work tells of its own end, and the scheduled one of what it does after that.
        let at_work = run.outcome.code.is(&code::CLAIMED_BY_ANOTHER);
        let quiet = at_work || is_still_wanted(run);
        let due = run.settled || (!quiet && notice::is_due(&run.outcome, run.trigger.is_an_event()));
        if due { self.notice_of(&run.outcome, &run.what, run.now, run.invocation.deadline) } else { None }
    }

    /// Nothing where there is no topic. `what` is what the actions come to.
    fn notice_of(&self, outcome: &Outcome, what: &str, now: Timestamp, deadline: Timestamp) -> Option<Owed> {
        let topic = self.policy.notice_topic_arn.as_ref()?;
        Some(Owed::new(&outcome.execution_id, Notice::of(outcome, topic, what), now, deadline))
    }

    async fn tell(&self, outcome: &mut Outcome, owed: Option<&Owed>, deadline: Timestamp) {
        let Some(owed) = owed else {
            return;
        };
        let left = deadline.duration_since(clock::now()) - TIME_TO_ANSWER;
        let left = Duration::try_from(left).unwrap_or_default();
        let sent = timeout(left, self.outbox.send(owed)).await.unwrap_or_else(|_| Sent {
            owed: true,
            words: vec!["SNS took too long.".to_owned()],
            ..Sent::default()
        });
        say_who_heard(outcome, &sent);
    }

    /// Without a ledger there is no owing: people are told at once, or the event comes again.
    async fn tell_without_record(
        &self,
        run: &mut Run<'_, R::Request>,
        owed: Option<&Owed>,
        error: Error,
    ) -> Result<(), Error> {
        unrecorded(&mut run.outcome, &error);
        let Some(owed) = owed else {
            return Ok(());
        };
        let sent = self.outbox.tell(&owed.notice).await;
        // Nothing was changed, nothing recorded, nobody told.
        if sent.owed && run.held.is_none() && run.trigger.is_an_event() {
            return Err(error);
        }
        if sent.owed {
            run.outcome.reason =
                format!("{} (and nobody was told: {})", run.outcome.reason, sent.words.join(" "));
        }
        Ok(())
    }

    /// Items that could not be read are told of once, whoever meets them.
    pub(super) async fn report_odd(&self, run: &Run<'_, R::Request>) {
        let Some(topic) = &self.policy.notice_topic_arn else {
            return;
        };
        for (place, odd) in run.memory.odd.iter().filter(|odd| !odd.reported).enumerate() {
            tracing::error!(item = odd.line(), "an item of the ledger cannot be read, and is left out");
            let subject = format!(
                "[{}] {}: an item of the ledger cannot be read",
                self.policy.environment,
                R::FUNCTION
            );
            let message = format!(
                "{}\nIt is left out, and everything else goes on. Next (level 2): look at the item in table {}; delete it \
                 if it is of no use.",
                odd.line(),
                self.policy.ledger_table
            );
            let notice = Notice::new(topic, &subject, message);
            let key = format!("{}-odd-{place}", run.outcome.execution_id);
            let owed = Owed::new(&key, notice, run.now, run.invocation.deadline);
            match self.ledger.report_odd(odd, &owed, run.now).await {
                Ok(true) => drop(self.outbox.send(&owed).await),
                Ok(false) => {}
                Err(error) => tracing::error!(error = chain(&error), "the item could not be reported"),
            }
        }
    }
}

/// Says so in the answer where people do not hear of it, or not yet.
fn say_who_heard(outcome: &mut Outcome, sent: &Sent) {
    for topic in &sent.unheard {
        telemetry::unheard(&outcome.environment, topic);
    }
    let what = match sent {
        Sent { owed: true, heard: false, words, .. } => {
            format!("people are told later: {}", words.join(" "))
        }
        Sent { unheard, heard, words, .. } if !unheard.is_empty() => {
            format!("{}{}", if *heard { "" } else { "nobody hears of it: " }, words.join(" "))
        }
        _ => return,
    };
    outcome.reason = format!("{} ({})", outcome.reason, line(&what, MAX_TOLD));
}

fn unrecorded(outcome: &mut Outcome, error: &Error) {
    tracing::error!(error = chain(error), execution_id = outcome.execution_id, "the run left no full record");
    outcome.reason = format!("{} (but {})", outcome.reason, chain(error));
}

/// Whether the run did nothing that it may not do a moment later.
fn is_for_now<Q>(run: &Run<'_, Q>) -> bool {
    // AWS that could not be read is a failure, not a refusal.
    let did_nothing = matches!(run.outcome.decision, Decision::Refused | Decision::Failed);
    run.held.is_none() && did_nothing && code::is_for_now(run.outcome.code.as_str())
}

/// Whether the run is told that another one is at work for the very same event: it asks for nothing more.
fn is_in_hand<Q>(run: &Run<'_, Q>) -> bool {
    let same = |claim: &Claim| claim.open && claim.intent.trigger.id == run.trigger.id;
    run.outcome.code.is(&code::CLAIMED_BY_ANOTHER) && run.memory.claim.as_ref().is_some_and(same)
}

/// What is wanted and still cannot be done is looked at again at the next run, and said once.
fn is_still_wanted<Q>(run: &Run<'_, Q>) -> bool {
    run.wanted.is_some() && is_for_now(run)
}

/// A scheduled run that did not act is logged and counted; the ledger and the people are kept for what
/// matters. Without a ledger there is nothing to write to.
fn is_worth_a_record<Q>(run: &Run<'_, Q>) -> bool {
    let idle = matches!(run.outcome.decision, Decision::NothingToDo | Decision::Refused);
    let quiet = run.trigger.is_scheduled() || is_still_wanted(run);
    run.settled || run.held.is_some() || !((idle && quiet) || run.outcome.code.is(&code::LEDGER_UNAVAILABLE))
}

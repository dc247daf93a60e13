//! What an event asked for and could not have yet. It is noted, the scheduled run does it, and it ends.

use jiff::SignedDuration;

use super::{Due, Ended, Run, Runner, record::unrecorded, unread};
use crate::{
    alarms::still_rings,
    clock, code,
    error::{Error, chain},
    invocation::Invocation,
    ledger::{Claim, NotSettled, Settlement, WANTED_FOR, Wanted, WantedChange},
    outcome::{About, Decision, Next, Outcome, Stop},
    plan::InShort,
    remedy::Remedy,
    telemetry,
    trigger::Kind,
};

impl<R: Remedy> Runner<R> {
    /// Makes a run of what an event asked for. It fails with the reason if today's settings do not allow it any more.
    pub(super) fn once_more(&self, target: &str, wanted: &Wanted) -> Result<Due<R::Request>, Stop> {
        let requests = self.remedy.requests(&wanted.trigger);
        let requests = requests.map_err(|error| Stop::refused(&code::NOT_UNDERSTOOD, chain(&error)))?;
        let mut why = Stop::refused(&code::NOT_ALLOWED, "today's settings name no such target".to_owned());
        for request in requests {
            match self.remedy.target(&request) {
                Ok(of) if of == target => {
                    let trigger = wanted.trigger.clone();
                    return Ok(Due { trigger, request, wanted: Some(wanted.clone()) });
                }
                Ok(_) => {}
                Err(stop) => why = stop,
            }
        }
        Err(why)
    }

    /// AWS could not be read. What the event asks for is noted as wanted: Lambda repeats the event, and if that fails
    /// too, the scheduled run does it.
    pub(super) async fn failed_to_look(
        &self,
        run: &Run<'_, R::Request>,
        error: Error,
        alone: bool,
    ) -> Result<Stop, Error> {
        if matches!(error, Error::Aws { .. }) && run.trigger.is_an_event() && !run.outcome.target.is_empty() {
            let wanted = self.wants(run, code::AWS_FAILED.name());
            if let Err(error) = self.ledger.want(&run.outcome.target, &wanted).await {
                tracing::error!(error = chain(&error), "what the event asks for is not noted as wanted");
            }
        }
        if alone { Err(error) } else { Ok(unread(&error)) }
    }

    /// Ends what is wanted once its reason is over.
    pub(super) async fn is_still_wanted(&self, run: &mut Run<'_, R::Request>) -> Result<(), Ended> {
        let Some(wanted) = run.wanted.clone() else {
            return Ok(());
        };
        let ended = |why: String| Stop::nothing_to_do(&code::NO_LONGER_WANTED, why);
        if !run.memory.wanted.iter().any(|other| other.reason() == wanted.reason()) {
            return Err(Stop::nothing_to_do(&code::NOTHING_WANTED, "another run has done it").into());
        }
        if !(wanted.since..=wanted.since + WANTED_FOR).contains(&run.now) {
            run.settled = true;
            let reason = format!(
                "{} asked for it at {}, more than a day ago",
                wanted.trigger.words(),
                clock::readable(wanted.since)
            );
            return Err(ended(reason).into());
        }
        if let Kind::Alarm(alarm) = &wanted.trigger.kind {
            let rings = still_rings(self.aws.config(), alarm).await.map_err(|error| {
                let why =
                    format!("whether alarm {} is still in ALARM is not known: {}", alarm.name, chain(&error));
                Stop::refused(&code::CLAIMED_BY_ANOTHER, why)
            })?;
            if !rings {
                run.settled = true;
                let since = clock::readable(wanted.since);
                let reason = format!(
                    "alarm {} is not in ALARM any more: what it asked for at {since} is not needed now",
                    alarm.name
                );
                return Err(ended(reason).into());
            }
        }
        // Its reason was seen to last just now.
        run.trigger.at = run.now;
        Ok(())
    }

    fn wants(&self, run: &Run<'_, R::Request>, code: &str) -> WantedChange {
        let waits = SignedDuration::try_from(self.policy.max_event_age).unwrap_or_default();
        let mut wanted = Wanted { trigger: run.trigger.clone(), since: run.now, code: code.to_owned() };
        let before = run.memory.wanted.iter().find(|before| before.reason() == wanted.reason());
        wanted.since = before.map_or(run.now, |before| before.since);
        WantedChange::Set { wanted: Box::new(wanted), first_until: R::IS_URGENT.then(|| run.now + waits) }
    }

    /// The update of the `wanted` item; also changes the answer.
    pub(super) fn wanted_change(&self, run: &mut Run<'_, R::Request>) -> WantedChange {
        let open = run.held.as_ref().is_some_and(|held| held.claim.open);
        let for_now = is_for_now(run);
        // A dead run's intent came first and failed again, so this event was not answered.
        let no_turn = run.comes_again && open;
        let in_hand = run.wanted.is_none() && is_in_hand(run);
        if run.trigger.is_an_event() && ((for_now && !in_hand) || no_turn) && self.policy.mode.may_act() {
            if run.outcome.decision == Decision::Refused {
                run.outcome.next = Some(Next::development(format!(
                    "nothing: the scheduled run does it as soon as it can, while its reason lasts{}",
                    run.outcome.next.as_ref().map(|next| format!("; {}", next.what)).unwrap_or_default()
                )));
            }
            return self.wants(run, run.outcome.code.as_str());
        }
        // What has begun is kept by the claim from now on.
        match &run.wanted {
            Some(wanted) if !run.memory.wanted.is_empty() && !for_now => {
                WantedChange::Clear { wanted: Box::new(wanted.clone()), waits: R::IS_URGENT }
            }
            // The event came again and was answered.
            None if !for_now => match run.memory.wanted.iter().find(|one| one.trigger.id == run.trigger.id) {
                Some(own) => WantedChange::Clear { wanted: Box::new(own.clone()), waits: R::IS_URGENT },
                None => WantedChange::Keep,
            },
            _ => WantedChange::Keep,
        }
    }

    /// Ends what is wanted but no longer allowed. People are notified, since they were told that it would be done.
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
        let owed = self.notice_of(&outcome, &InShort::default(), clock::now(), invocation.deadline);
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
            // It is still noted as wanted: the next scheduled run ends it.
            Err(NotSettled::Ledger(error)) => unrecorded(&mut outcome, &error),
        }
        telemetry::decided(&outcome);
        outcome
    }
}

/// Whether the run was refused only for now.
fn is_for_now<Q>(run: &Run<'_, Q>) -> bool {
    // `aws_failed` is a failure, not a refusal.
    let did_nothing = matches!(run.outcome.decision, Decision::Refused | Decision::Failed);
    run.held.is_none() && did_nothing && code::is_for_now(run.outcome.code.as_str())
}

/// Whether another run is at work for the same event: then there is nothing to note.
fn is_in_hand<Q>(run: &Run<'_, Q>) -> bool {
    let same = |claim: &Claim| claim.open && claim.intent.trigger.id == run.trigger.id;
    run.outcome.code.is(&code::CLAIMED_BY_ANOTHER) && run.memory.claim.as_ref().is_some_and(same)
}

/// Whether what is wanted still cannot be done. The next scheduled run tries again; people are told once.
pub(super) fn is_still_wanted<Q>(run: &Run<'_, Q>) -> bool {
    run.wanted.is_some() && is_for_now(run)
}

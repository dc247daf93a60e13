//! Notices to people, and what the answer says about them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use super::{Run, Runner, record::unrecorded, wanted::is_still_wanted};
use crate::{
    clock, code,
    error::{Error, chain},
    ledger::Approval,
    notice::{self, Notice, Sent},
    outbox::Owed,
    outcome::{Decision, Next, Outcome},
    plan::InShort,
    remedy::Remedy,
    settings::Policy,
    telemetry,
    text::line,
};

/// Time kept for the answer after the notice is sent.
const TIME_TO_ANSWER: SignedDuration = SignedDuration::from_millis(500);
/// The most characters of the answer about who was notified.
const MAX_TOLD: usize = 600;

impl<R: Remedy> Runner<R> {
    /// The notice that the outcome is worth, if it is.
    pub(super) fn owes(&self, run: &Run<'_, R::Request>) -> Option<Owed> {
        if run.trigger.only_looks() || !self.policy.mode.may_act() {
            return None;
        }
        // The run that is at work notifies people itself; so does the scheduled run.
        let at_work = run.outcome.code.is(&code::CLAIMED_BY_ANOTHER);
        let quiet = at_work || is_still_wanted(run);
        let due = run.settled
            || (!quiet && (notice::is_due(&run.outcome, run.trigger.is_an_event()) || is_unanswered(run)));
        if due { self.notice_of(&run.outcome, &run.what, run.now, run.invocation.deadline) } else { None }
    }

    /// Answers with nothing if no topic is set.
    pub(super) fn notice_of(
        &self,
        outcome: &Outcome,
        what: &InShort,
        now: Timestamp,
        deadline: Timestamp,
    ) -> Option<Owed> {
        let topic = self.policy.notice_topic_arn.as_ref()?;
        let notice = Notice::of(outcome, topic, what.after(outcome.decision))
            .with_buttons(self.policy.approvals_queue.as_deref());
        Some(Owed::new(&outcome.execution_id, notice, now, deadline))
    }

    /// The notice that a plan has expired, for when nobody decides about it.
    pub(super) fn expiry(&self, run: &Run<'_, R::Request>, approval: &Approval) -> Option<Owed> {
        let topic = self.policy.notice_topic_arn.as_ref()?;
        let next =
            Next::development("look whether it is still needed (`lendpeak2 health`), and ask for it again");
        let next = self.with_request(next.again(), &approval.trigger);
        let what = run.what.after(run.outcome.decision);
        let would = format!("{} ({})", approval.plan.join(", "), approval.trigger.words());
        let facts = notice::expired(&run.outcome, what, &approval.id, approval.expires, &would, &next);
        Some(approval.expiry(Notice::new(topic, facts), run.now))
    }

    pub(super) async fn tell(&self, outcome: &mut Outcome, owed: Option<&Owed>, deadline: Timestamp) {
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

    /// Without a ledger, no notice can be kept: it is sent at once, or the event comes again.
    pub(super) async fn tell_without_record(
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
        // Nothing was changed or recorded, and nobody notified.
        if sent.owed && run.held.is_none() && run.trigger.is_an_event() {
            return Err(error);
        }
        if sent.owed {
            run.outcome.reason =
                format!("{} (and nobody was told: {})", run.outcome.reason, sent.words.join(" "));
        }
        Ok(())
    }

    /// Reports each item that cannot be read, once, whichever run finds it.
    pub(super) async fn report_odd(&self, run: &Run<'_, R::Request>) {
        let Some(topic) = &self.policy.notice_topic_arn else {
            return;
        };
        for (place, odd) in run.memory.odd.iter().filter(|odd| !odd.reported).enumerate() {
            tracing::error!(item = odd.line(), "an item of the ledger cannot be read, and is left out");
            let Policy { environment, ledger_table, .. } = &self.policy;
            let facts =
                notice::unreadable(environment, R::FUNCTION, [&odd.pk, &odd.sk], &odd.why, ledger_table);
            let notice = Notice::new(topic, facts);
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

/// Whether people decided over the queue of approvals, and nothing came of it: nobody has the answer of such a run. Of a
/// plan that was decided about before, they know.
fn is_unanswered<Q>(run: &Run<'_, Q>) -> bool {
    let known = [&code::APPROVAL_USED, &code::APPROVAL_REJECTED];
    run.invocation.is_approval()
        && matches!(run.outcome.decision, Decision::Refused | Decision::NothingToDo)
        && !known.iter().any(|code| run.outcome.code.is(code))
}

/// Says in the answer if nobody was notified, or not yet.
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

//! Walks a [`Remedy`] along the one way through, and leaves a record wherever it ends.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    aws::Aws,
    clock,
    error::{Error, chain},
    guard::{self, Admission, Approved, Course},
    lambda::{Invocation, Task},
    ledger::{Approval, Claim, FollowUp, FollowUpChange, Held, Intent, Ledger, Memory},
    notice,
    outcome::{Decision, Next, Outcome, Step, StepResult, Stop, VERSION, Verification},
    remedy::{Past, Plan, Remedy, Weight},
    settings::Policy,
    telemetry,
    trigger::{self, Kind, Trigger},
};

/// Walks a [`Remedy`] along the way.
pub struct Runner<R> {
    remedy: R,
    policy: Policy,
    ledger: Ledger,
    aws: Aws,
}

/// One run for one target, filled in as it goes.
struct Run<'a, Q> {
    invocation: &'a Invocation,
    now: Timestamp,
    request: Q,
    trigger: Trigger,
    approval: Option<Approval>,
    outcome: Outcome,
    /// The claim that this run holds, as it is to be given back.
    held: Option<Held>,
    /// What is to be looked after once this run has acted.
    follow_up: Option<FollowUp>,
    /// Whether this run ended what was looked after.
    settled: bool,
    /// Whether it finished what another event had begun.
    took_up: bool,
}

/// What ends a run before its actions.
enum Halt {
    Stop(Stop),
    Replay(Box<Outcome>),
    Error(Error),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl<R: Remedy> Runner<R> {
    pub fn new(remedy: R, policy: Policy, aws: Aws) -> Self {
        let client = aws_sdk_dynamodb::Client::new(aws.config());
        let ledger = Ledger::new(client, &policy.ledger_table, R::FUNCTION);
        Self { remedy, policy, ledger, aws }
    }

    /// Runs every request of every trigger; all are read before the first is carried out.
    async fn answer(&self, invocation: &Invocation) -> Result<Vec<Outcome>, Error> {
        let mut runs = Vec::new();
        for trigger in trigger::parse(invocation)? {
            let requests = self.remedy.requests(&trigger)?;
            runs.extend(requests.into_iter().enumerate().map(|(place, request)| {
                let mut trigger = trigger.clone();
                // Each target's run is answered by itself when the event comes again.
                if place > 0 {
                    trigger.id = format!("{}#{}", trigger.id, place + 1);
                }
                (trigger, request)
            }));
        }
        let alone = runs.len() == 1;
        let mut runs = VecDeque::from(runs);
        let mut outcomes = Vec::new();
        while let Some((trigger, request)) = runs.pop_front() {
            let execution_id = match outcomes.len() {
                0 => invocation.request_id.clone(),
                earlier => format!("{}-{}", invocation.request_id, earlier + 1),
            };
            let mut run = Run {
                invocation,
                now: clock::now(),
                request: request.clone(),
                outcome: self.draft(execution_id, &trigger),
                trigger: trigger.clone(),
                took_up: false,
                approval: None,
                held: None,
                follow_up: None,
                settled: false,
            };
            let walked = self.walk(&mut run).await;
            // What a dead run had begun came first; what this event asks for is still to be answered.
            if run.took_up && walked.is_ok() && run.outcome.decision == Decision::Applied {
                runs.push_front((trigger, request));
            }
            let outcome = match walked {
                Ok(()) => self.finish(run).await,
                Err(Halt::Stop(stop)) => self.stopped(run, stop).await,
                Err(Halt::Replay(earlier)) => self.replayed(run, &earlier).await,
                Err(Halt::Error(error)) if alone => return Err(error),
                // In a batch, an error would repeat what the others did.
                Err(Halt::Error(error)) => self.stopped(run, unread(&error)).await,
            };
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn walk(&self, run: &mut Run<'_, R::Request>) -> Result<(), Halt> {
        guard::gate(&self.policy, &run.trigger, run.now)?;
        self.recall_approval(run).await?;
        let target = self.remedy.target(&run.request)?;
        run.outcome.target.clone_from(&target);

        let (memory, observed) =
            tokio::join!(self.ledger.look(&target, &run.trigger.id), self.remedy.observe(&run.request));
        let memory = memory.map_err(|error| guard::no_ledger(&error))?;
        let dry_run = run.trigger.asked().is_some_and(|asked| asked.dry_run);
        let admission = guard::admit(&self.policy, R::ASKS_FIRST, dry_run, run.approval.is_some());
        let course = guard::course(&self.policy, &memory, admission, run.now);
        if let Course::Replay(earlier) = course {
            return Err(Halt::Replay(Box::new(earlier.clone())));
        }
        let observed = observed?;
        run.outcome.observed = value(&observed);
        match course {
            Course::Stop(stop) => return Err(stop.into()),
            Course::TakeUp(dead) => return self.take_up(run, &memory, dead, &observed).await,
            Course::Replay(_) | Course::Plan => {}
        }

        if let Some(approval) = &run.approval {
            guard::check_approval(approval, run.now)?;
        }
        let past = Past {
            follow_up: memory.follow_up.clone(),
            month_units: memory.month_units(run.now),
            freeze: memory.freeze.clone(),
        };
        let plan = self.remedy.plan(run.now, &observed, &run.request, &past);
        run.outcome.plan = json!({ "actions": plan.actions, "reason": plan.reason });
        tracing::info!(plan = %run.outcome.plan, skipped = ?plan.skipped, "planned");
        if let Some(stop) = plan.skipped {
            if admission != Admission::Observe {
                self.change_follow_up(run, &memory, &plan.follow_up).await?;
            }
            return Err(stop.into());
        }
        guard::check_plan(&self.policy, &memory, R::FUNCTION, plan.weight, run.now)?;
        let hash = plan_hash(R::FUNCTION, &target, &plan.actions);
        if let Some(approval) = &run.approval {
            guard::check_same_plan(approval, &hash)?;
        }
        match admission {
            Admission::Observe => return Err(would_act(&plan).into()),
            // Whoever approved an action approved that it is put back.
            Admission::Ask if plan.weight != Weight::PutsBack => {
                return Err(self.ask(run, &plan, hash).await.into());
            }
            Admission::Ask | Admission::Act => {}
        }

        let intent = Intent {
            trigger: run.trigger.clone(),
            actions: value(&plan.actions),
            reason: plan.reason,
            weight: plan.weight,
        };
        let claim = self.next_claim(run, &memory, intent, plan.units);
        run.outcome.reason.clone_from(&claim.intent.reason);
        let approved =
            guard::claim(&self.ledger, &target, &claim, &plan.follow_up, run.approval.as_ref(), plan.actions)
                .await?;
        run.follow_up = match plan.follow_up {
            FollowUpChange::Keep => past.follow_up,
            FollowUpChange::Set(follow_up) => Some(follow_up),
            FollowUpChange::Clear => None,
        };
        self.act(run, claim, approved, &observed).await;
        Ok(())
    }

    /// Ends or begins what is looked after, where nothing else is to be done.
    async fn change_follow_up(
        &self,
        run: &mut Run<'_, R::Request>,
        memory: &Memory,
        change: &FollowUpChange,
    ) -> Result<(), Halt> {
        if *change == FollowUpChange::Keep {
            return Ok(());
        }
        let changed =
            self.ledger.change_follow_up(&run.outcome.target, change, memory.follow_up.as_ref()).await;
        if !changed.map_err(|error| guard::no_ledger(&error))? {
            return Err(guard::busy("another run was quicker to look after this").into());
        }
        run.settled = true;
        if let (FollowUpChange::Clear, Some(claim)) = (change, &memory.claim) {
            run.outcome.plan = json!({ "ends": claim.execution_id, "reason": claim.intent.reason });
        }
        Ok(())
    }

    /// A person who approves sends only the plan's id: what it was for is in the ledger.
    async fn recall_approval(&self, run: &mut Run<'_, R::Request>) -> Result<(), Halt> {
        let Some(id) = run.trigger.asked().and_then(|asked| asked.approve.as_deref()) else {
            return Ok(());
        };
        let stored = self.ledger.approval(id).await.map_err(|error| guard::no_ledger(&error))?;
        let approval = stored.ok_or_else(|| {
            let reason = format!("no plan `{id}` of {} awaits approval", R::FUNCTION);
            Stop::refused("approval_unknown", reason)
        })?;
        run.outcome.trigger = json!({ "approved_by": run.trigger, "of": approval.trigger });
        for request in self.remedy.requests(&approval.trigger)? {
            if self.remedy.target(&request).is_ok_and(|target| target == approval.target) {
                run.request = request;
            }
        }
        run.approval = Some(approval);
        Ok(())
    }

    /// Finishes what a run began that died: its recorded intent, not a new plan.
    async fn take_up(
        &self,
        run: &mut Run<'_, R::Request>,
        memory: &Memory,
        dead: &Claim,
        observed: &R::Observed,
    ) -> Result<(), Halt> {
        let actions: Vec<R::Action> =
            serde_json::from_value(dead.intent.actions.clone()).map_err(|error| {
                Stop::refused(
                    "intent_unreadable",
                    format!("run {} left an intent that cannot be read: {error}", dead.execution_id),
                )
            })?;
        run.took_up = dead.intent.trigger.id != run.trigger.id && !is_scheduled(&run.trigger);
        run.outcome.plan =
            json!({ "actions": actions, "reason": dead.intent.reason, "begun_by": dead.execution_id });
        run.outcome.reason =
            format!("finished what run {} had begun: {}", dead.execution_id, dead.intent.reason);
        let claim = self.next_claim(run, memory, dead.intent.clone(), 0);
        run.follow_up.clone_from(&memory.follow_up);
        let target = run.outcome.target.clone();
        let approved =
            guard::claim(&self.ledger, &target, &claim, &FollowUpChange::Keep, None, actions).await?;
        self.act(run, claim, approved, observed).await;
        Ok(())
    }

    fn next_claim(&self, run: &Run<'_, R::Request>, memory: &Memory, intent: Intent, units: u32) -> Claim {
        let until = run.invocation.deadline;
        guard::next_claim(&self.policy, memory, intent, units, &run.outcome.execution_id, run.now, until)
    }

    async fn act(
        &self,
        run: &mut Run<'_, R::Request>,
        mut claim: Claim,
        approved: Vec<Approved<R::Action>>,
        observed: &R::Observed,
    ) {
        let mut failed = false;
        let mut refused = None;
        let mut ends_follow_up = false;
        for action in &approved {
            if failed {
                break;
            }
            let step = if self.remedy.is_outstanding(action.action(), observed) {
                let result = self.remedy.apply(action).await;
                if let Err(Error::Refused { stop, over }) = &result {
                    refused = Some((stop.as_ref().clone(), *over));
                }
                Step::of(action.action(), result)
            } else {
                Step::already_done(action.action())
            };
            failed = step.result == StepResult::Failed;
            run.outcome.steps.push(step);
        }
        if let Some((Stop { decision, code, reason, next }, over)) = refused {
            run.outcome = Outcome { decision, code: code.to_owned(), reason, next, ..run.outcome.clone() };
            // Not left open: the same again would be refused again.
            claim = claim.closed();
            ends_follow_up = over;
        } else if failed {
            run.outcome.decision = Decision::Failed;
            "action_failed".clone_into(&mut run.outcome.code);
            let minutes = self.policy.max_event_age.as_secs() / 60;
            run.outcome.next = Some(Next::devops(format!(
                "the scheduled run tries this again for {minutes} minutes; if that fails too, do it by hand"
            )));
            claim = claim.left_open(clock::now());
        } else {
            run.outcome.decision = Decision::Applied;
            "applied".clone_into(&mut run.outcome.code);
            claim = claim.closed();
            let actions: Vec<&R::Action> = approved.iter().map(Approved::action).collect();
            let verification = self.verify(run, &actions).await;
            let looked_after = run.follow_up.as_ref().filter(|follow_up| follow_up.until_verified);
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
        }
        run.held = Some(Held { claim, ends_follow_up });
    }

    /// Looks again, and leaves the time to record it.
    async fn verify(&self, run: &Run<'_, R::Request>, actions: &[&R::Action]) -> Verification {
        const TIME_TO_RECORD: Duration = Duration::from_secs(5);
        let left =
            Duration::try_from(run.invocation.deadline.duration_since(clock::now())).unwrap_or_default();
        let at_most = left.saturating_sub(TIME_TO_RECORD).max(left / 2);
        // A look that takes longer than that may still end.
        let patience = self.policy.verify.min(at_most / 4 * 3);
        let verify = self.remedy.verify(&run.request, actions, patience);
        let verification = tokio::time::timeout(at_most, verify).await;
        verification.unwrap_or_else(|_| Verification::not_seen("no look ended in the time of this run"))
    }

    /// Stores the plan and says what to send to have it carried out.
    async fn ask(&self, run: &Run<'_, R::Request>, plan: &Plan<R::Action>, plan_hash: String) -> Stop {
        const ID_LENGTH: usize = 12;
        if is_scheduled(&run.trigger) {
            // Asking at every tick would drown the question.
            return Stop::nothing_to_do(
                "approval_needed",
                "a scheduled run does not ask; send a request by hand",
            );
        }
        let mut id = hash(&format!("{plan_hash} {}", run.trigger.id));
        id.truncate(ID_LENGTH);
        let expires = run.now + self.policy.approval_lifetime;
        let approval = Approval {
            id,
            trigger: run.trigger.clone(),
            target: run.outcome.target.clone(),
            plan_hash,
            expires,
            used: false,
        };
        let what = format!("{}: {}", describe(&plan.actions), plan.reason);
        let next = |what: String| {
            Some(Next { what, support_level: 1, send: Some(json!({ "approve": approval.id })) })
        };
        match self.ledger.ask(&approval).await {
            Err(error) => guard::no_ledger(&error),
            Ok(true) => Stop {
                decision: Decision::AwaitingApproval,
                code: "approval_needed",
                reason: what,
                next: next(format!("approve by {}, or do nothing and it expires", clock::readable(expires))),
            },
            Ok(false) => Stop {
                decision: Decision::NothingToDo,
                code: "approval_pending",
                reason: format!("approval was asked for before: {what}"),
                next: next("approve, or do nothing and it expires".to_owned()),
            },
        }
    }

    fn draft(&self, execution_id: String, trigger: &Trigger) -> Outcome {
        Outcome {
            version: VERSION,
            function: R::FUNCTION.to_owned(),
            environment: self.policy.environment.clone(),
            execution_id,
            decision: Decision::Failed,
            code: String::new(),
            reason: String::new(),
            target: String::new(),
            trigger: value(trigger),
            observed: Value::Null,
            plan: Value::Null,
            steps: Vec::new(),
            verification: None,
            next: None,
            at: clock::now(),
            duration_ms: 0,
        }
    }

    async fn stopped(&self, mut run: Run<'_, R::Request>, stop: Stop) -> Outcome {
        let Stop { decision, code, reason, next } = stop;
        run.outcome = Outcome { decision, code: code.to_owned(), reason, next, ..run.outcome };
        self.finish(run).await
    }

    async fn replayed(&self, mut run: Run<'_, R::Request>, earlier: &Outcome) -> Outcome {
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

    /// Logs, counts, records and tells of an outcome.
    async fn finish(&self, run: Run<'_, R::Request>) -> Outcome {
        let Run { mut outcome, held, trigger, settled, .. } = run;
        outcome.duration_ms =
            u64::try_from(clock::now().duration_since(outcome.at).as_millis()).unwrap_or_default();
        telemetry::decided(&outcome);
        let (recorded, told) = tokio::join!(
            async {
                if settled || is_worth_a_record(&outcome, &trigger) {
                    self.ledger.record(&outcome, held.as_ref()).await
                } else {
                    Ok(())
                }
            },
            self.tell(&outcome, &trigger, settled)
        );
        for error in [recorded, told].into_iter().filter_map(Result::err) {
            tracing::error!(
                error = chain(&error),
                execution_id = outcome.execution_id,
                "the run left no full record"
            );
            outcome.reason = format!("{} (but {})", outcome.reason, chain(&error));
        }
        outcome
    }

    async fn tell(&self, outcome: &Outcome, trigger: &Trigger, settled: bool) -> Result<(), Error> {
        let dry_run = trigger.asked().is_some_and(|asked| asked.dry_run);
        let only_looks = guard::admit(&self.policy, R::ASKS_FIRST, dry_run, true) == Admission::Observe;
        match &self.policy.notice_topic_arn {
            Some(topic) if !only_looks && (settled || notice::is_due(outcome, is_scheduled(trigger))) => {
                notice::send(self.aws.config(), topic, outcome).await
            }
            _ => Ok(()),
        }
    }
}

impl<R: Remedy> Task for Runner<R> {
    async fn handle(&self, invocation: &Invocation) -> Result<Value, Error> {
        let outcomes = self.answer(invocation).await?;
        Ok(match outcomes.as_slice() {
            [outcome] => value(outcome),
            _ => json!({ "outcomes": outcomes }),
        })
    }
}

/// A scheduled run that did not act is logged and counted; the ledger and the people are kept for what
/// matters. Without a ledger there is nothing to write to.
fn is_worth_a_record(outcome: &Outcome, trigger: &Trigger) -> bool {
    let idle = matches!(outcome.decision, Decision::NothingToDo | Decision::Refused);
    !(idle && is_scheduled(trigger)) && outcome.code != "ledger_unavailable"
}

fn is_scheduled(trigger: &Trigger) -> bool {
    matches!(trigger.kind, Kind::Schedule { .. })
}

fn would_act<A: ToString>(plan: &Plan<A>) -> Stop {
    Stop {
        decision: Decision::Observed,
        code: "would_act",
        reason: format!("would {}: {}", describe(&plan.actions), plan.reason),
        next: None,
    }
}

fn unread(error: &Error) -> Stop {
    let next = Next::devops("send the event again once AWS answers");
    Stop { decision: Decision::Failed, code: "aws_failed", reason: chain(error), next: Some(next) }
}

fn describe<A: ToString>(actions: &[A]) -> String {
    actions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The same for the same actions on the same target.
fn plan_hash<A: Serialize>(function: &str, target: &str, actions: &[A]) -> String {
    hash(&json!([function, target, actions]).to_string())
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Our own types always serialize; a failure here would be a defect, and must not cost the run.
fn value(data: &impl Serialize) -> Value {
    serde_json::to_value(data).unwrap_or_default()
}

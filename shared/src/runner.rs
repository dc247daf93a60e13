//! Walks a [`Remedy`] along the one way through, and leaves a record wherever it ends.

mod act;
mod approve;
mod finish;

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    alarms::still_rings,
    aws::Aws,
    clock,
    code::{self, Name},
    error::{Error, chain},
    guard::{self, Admission, Course},
    lambda::{Invocation, Task},
    ledger::{
        Approval, Before, Held, Intent, Ledger, Memory, NotSettled, Settlement, WANTED_FOR, Wanted,
        WantedChange,
    },
    outbox::Outbox,
    outcome::{Decision, Next, Outcome, Stop, VERSION, WokenBy},
    plan::{FollowUp, FollowUpChange, Past, Plan, Weight},
    remedy::{Remedy, value},
    settings::{Mode, Policy},
    text::{PERSON, line},
    trigger::{self, Kind, Trigger},
};

/// How many notices that others owe a scheduled run sends.
const SWEPT: usize = 20;

/// Walks a [`Remedy`] along the way.
pub struct Runner<R> {
    remedy: R,
    policy: Policy,
    ledger: Ledger,
    outbox: Outbox,
    aws: Aws,
}

/// One run for one target, filled in as it goes.
struct Run<'a, Q> {
    invocation: &'a Invocation,
    now: Timestamp,
    request: Q,
    trigger: Trigger,
    /// What the scheduled run does for an event that could not have it.
    wanted: Option<Wanted>,
    approval: Option<Approval>,
    outcome: Outcome,
    memory: Memory,
    /// The claim that this run holds, as it is to be given back.
    held: Option<Held>,
    /// What is to be looked after once this run has acted.
    follow_up: Option<FollowUp>,
    /// What becomes of the follow-up of a run that does not act.
    change: FollowUpChange,
    /// A plan that is to be stored for a person.
    asks: Option<Approval>,
    /// Whether this run ended what was looked after.
    settled: bool,
    /// Whether a dead run began what it does.
    takes_up: bool,
    /// Whether what its own event asks for is still to be answered.
    comes_again: bool,
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

/// What is still to be run.
struct Due<Q> {
    trigger: Trigger,
    request: Q,
    wanted: Option<Wanted>,
}

impl<R: Remedy> Runner<R> {
    pub fn new(remedy: R, policy: Policy, aws: Aws) -> Self {
        let client = aws_sdk_dynamodb::Client::new(aws.config());
        let levels = policy.notice_topic_arn.iter().chain(&policy.level_topic_arns).cloned().collect();
        let outbox = Outbox::new(client.clone(), &policy.ledger_table, aws.config().clone(), levels);
        let ledger = Ledger::new(client, &policy.ledger_table, R::FUNCTION).beside(policy.functions.clone());
        Self { remedy, policy, ledger, outbox, aws }
    }

    /// Runs every request of every trigger; all are read before the first is carried out.
    async fn answer(&self, invocation: &Invocation) -> Result<Vec<Outcome>, Error> {
        let mut due = VecDeque::new();
        for trigger in trigger::parse(invocation)? {
            let requests = self.remedy.requests(&trigger)?;
            due.extend(requests.into_iter().enumerate().map(|(place, request)| {
                let mut trigger = trigger.clone();
                // Each target's run is answered by itself when the event comes again.
                if place > 0 {
                    trigger.id = format!("{}#{}", trigger.id, place + 1);
                }
                Due { trigger, request, wanted: None }
            }));
        }
        let alone = due.len() == 1;
        let scheduled = due.iter().any(|due| due.trigger.is_scheduled());
        let mut outcomes = Vec::new();
        while let Some(Due { trigger, request, wanted }) = due.pop_front() {
            let execution_id = match outcomes.len() {
                0 => invocation.request_id.clone(),
                earlier => format!("{}-{}", invocation.request_id, earlier + 1),
            };
            let mut run = Run {
                invocation,
                now: clock::now(),
                request: request.clone(),
                outcome: self.draft(execution_id, &trigger, wanted.as_ref()),
                trigger: trigger.clone(),
                wanted,
                approval: None,
                memory: Memory::default(),
                held: None,
                follow_up: None,
                change: FollowUpChange::Keep,
                asks: None,
                settled: false,
                takes_up: false,
                comes_again: false,
            };
            let mut over = Vec::new();
            // Boxed, as are the two below: the compiler gives up on futures that are nested too deeply.
            let walked = Box::pin(self.walk(&mut run)).await;
            // What a dead run had begun came first; what this event asks for is still to be answered.
            if run.comes_again && walked.is_ok() && run.held.as_ref().is_some_and(|held| !held.claim.open) {
                due.push_front(Due { trigger: trigger.clone(), request: request.clone(), wanted: None });
            }
            if trigger.is_scheduled() {
                for wanted in &run.memory.wanted {
                    match self.once_more(&run.outcome.target, wanted) {
                        Ok(again) => due.push_back(again),
                        Err(why) => over.push((wanted.clone(), why)),
                    }
                }
            }
            let target = run.outcome.target.clone();
            outcomes.push(match walked {
                Ok(()) => Box::pin(self.finish(run)).await?,
                Err(Halt::Stop(stop)) => self.stopped(run, stop).await?,
                Err(Halt::Replay(earlier)) => self.replayed(run, &earlier).await?,
                Err(Halt::Error(error)) => {
                    // In a batch, an error would repeat what the others did.
                    let stop = self.failed_to_look(&run, error, alone).await?;
                    self.stopped(run, stop).await?
                }
            });
            for (wanted, stop) in over {
                let id = format!("{}-{}", invocation.request_id, outcomes.len() + 1);
                outcomes.push(self.let_go(invocation, id, &target, &wanted, stop).await);
            }
        }
        if scheduled && let Err(error) = self.outbox.sweep(SWEPT).await {
            tracing::error!(error = chain(&error), "owed notices could not be sent");
        }
        Ok(outcomes)
    }

    /// What an event asked for, as a run of its own; why not, where today's settings do not let it in any more.
    fn once_more(&self, target: &str, wanted: &Wanted) -> Result<Due<R::Request>, Stop> {
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

    /// AWS could not be read. What an event asks for is wanted all the same; Lambda repeats the event, and what that
    /// cannot do either, the scheduled run does.
    async fn failed_to_look(
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

    async fn walk(&self, run: &mut Run<'_, R::Request>) -> Result<(), Halt> {
        self.gate(run)?;
        self.recall_approval(run).await?;
        let target = self.remedy.target(&run.request)?;
        run.outcome.target.clone_from(&target);

        let (memory, observed) = tokio::join!(
            self.ledger.look(&target, &run.trigger.id, run.now),
            Box::pin(self.remedy.observe(&run.request))
        );
        run.memory = match memory {
            Ok(memory) => memory,
            // Nothing was written: Lambda repeats the event.
            Err(error) if run.trigger.is_an_event() && run.wanted.is_none() => return Err(error.into()),
            Err(error) => return Err(guard::no_ledger(&error).into()),
        };
        self.understand(&mut run.memory);
        let memory = run.memory.clone();
        self.is_still_wanted(run, &memory).await?;
        if memory.odd.iter().any(|odd| odd.pk.starts_with("event#")) {
            let reason = "this event was answered before, and that answer cannot be read";
            return Err(Stop::nothing_to_do(&code::ANSWERED_BEFORE, reason).into());
        }
        let course = guard::course(&self.policy, &memory, R::ASKS_FIRST, &run.trigger, run.now);
        if let Course::Replay(earlier) = course {
            return Err(Halt::Replay(Box::new(earlier.clone())));
        }
        if let Course::Stop(stop) = course {
            return Err(stop.into());
        }
        let observed = observed?;
        run.outcome.observed = value(&observed);
        let resumed = match &course {
            Course::GiveUp(dead, why) if R::RESUMES && memory.follow_up.is_some() => Some(format!(
                "run {} left something unfinished, and {why}: {}",
                dead.execution_id, dead.intent.reason
            )),
            _ => None,
        };
        match course {
            Course::TakeUp(dead) => return Box::pin(self.take_up(run, &memory, dead, &observed)).await,
            Course::GiveUp(..) if resumed.is_some() => {}
            Course::GiveUp(dead, why) => {
                self.give_up(run, dead, why, &observed).await;
                return Ok(());
            }
            Course::Stop(_) | Course::Replay(_) | Course::Plan => {}
        }
        Box::pin(self.decide(run, &memory, &observed, resumed)).await
    }

    /// Plans, and carries the plan out if it is admitted. `resumed` is what a dead run left that this plan does.
    async fn decide(
        &self,
        run: &mut Run<'_, R::Request>,
        memory: &Memory,
        observed: &R::Observed,
        resumed: Option<String>,
    ) -> Result<(), Halt> {
        if let Some(approval) = &run.approval {
            guard::check_approval(approval, run.now)?;
        }
        let asked = run.trigger.asked();
        let dry_run = asked.is_some_and(|asked| asked.dry_run);
        let overrides = asked.is_some_and(|asked| asked.overrides);
        let admission = guard::admit(&self.policy, R::ASKS_FIRST, dry_run, run.approval.is_some());
        let by = run.approval.as_ref().map_or(&run.trigger, |approval| &approval.trigger);
        let past = Past {
            asked: by.words(),
            follow_up: memory.follow_up.clone(),
            month_units: memory.month_units(run.now),
            freeze: memory.freeze.clone(),
        };
        let mut plan = self.remedy.plan(run.now, observed, &run.request, &past);
        if let Some(resumed) = resumed {
            plan.reason = format!("{} ({resumed})", plan.reason);
        }
        run.outcome.plan = json!({ "actions": plan.actions, "reason": plan.reason });
        if let Some(stop) = plan.skipped {
            if admission != Admission::Observe {
                run.settled = plan.follow_up != FollowUpChange::Keep;
                run.change = plan.follow_up;
                if let (FollowUpChange::Clear, Some(claim)) = (&run.change, &memory.claim) {
                    run.outcome.plan = json!({ "ends": claim.execution_id, "reason": claim.intent.reason });
                }
            }
            return Err(stop.into());
        }
        guard::check_room(memory, R::FUNCTION, R::IS_URGENT, run.now)?;
        if let Err(stop) = guard::check_limits(&self.policy, memory, plan.weight, &plan.about, run.now) {
            let definite = overrides || run.approval.is_some() || plan.weight == Weight::Wished;
            if !(definite && matches!(run.trigger.kind, Kind::Person(_))) {
                return Err(by_hand(stop, plan.by_hand).into());
            }
            plan.reason = format!("{}; a person wants it although {}", plan.reason, stop.reason);
        }
        if let Some(by) = run.approval.as_ref().and(run.trigger.asked()) {
            plan.reason = format!("{}; {}", plan.reason, approve::approved(by, run.now));
        }
        let lines = lines(&plan.actions);
        let hash = self.plan_hash(&run.outcome.target, &plan.actions);
        if let Some(approval) = &run.approval {
            guard::check_same_plan(approval, &hash, &lines)?;
        }
        match admission {
            Admission::Observe => return Err(would_act(&plan).into()),
            // Whoever approved an action approved that it is put back.
            Admission::Ask if plan.weight != Weight::PutsBack => {
                return Err(self.ask(run, &plan, hash).await?.into());
            }
            Admission::Ask | Admission::Act => {}
        }

        let instead_of = match plan.follow_up {
            FollowUpChange::Keep => None,
            _ => Some(Before { follow_up: memory.follow_up.clone() }),
        };
        let intent = Intent {
            trigger: run.trigger.clone(),
            actions: value(&plan.actions),
            reason: line(&plan.reason, PERSON),
            weight: plan.weight,
            units: plan.units,
            about: plan.about,
            notes: plan.notes,
            approved: Some(run.approval.is_some()),
            instead_of,
        };
        run.follow_up = match &plan.follow_up {
            FollowUpChange::Keep => past.follow_up,
            FollowUpChange::Set(follow_up) => Some(follow_up.clone()),
            FollowUpChange::Clear => None,
        };
        Box::pin(self.carry_out(run, memory, intent, &plan.follow_up, plan.actions, observed)).await
    }

    /// What earlier versions left, as today's would have, as far as that can be told.
    fn understand(&self, memory: &mut Memory) {
        memory.claim = memory.claim.take().map(|mut claim| {
            claim.intent = self.remedy.of_today(claim.intent);
            claim
        });
        if let Some(follow_up) =
            memory.follow_up.take_if(|follow_up| !self.remedy.understands(&follow_up.what))
        {
            let why =
                format!("nobody knows what is to be looked after until {}", clock::readable(follow_up.due));
            memory.not_understood(why);
        }
    }

    /// What an event asked for is looked at by its reason, not by its age.
    fn gate(&self, run: &Run<'_, R::Request>) -> Result<(), Stop> {
        if run.wanted.is_none() || self.policy.mode == Mode::Off {
            return guard::gate(&self.policy, &run.trigger, run.now);
        }
        Ok(())
    }

    /// Ends what is wanted once its reason is over.
    async fn is_still_wanted(&self, run: &mut Run<'_, R::Request>, memory: &Memory) -> Result<(), Halt> {
        let Some(wanted) = run.wanted.clone() else {
            return Ok(());
        };
        let over = |why: String| Stop::nothing_to_do(&code::NO_LONGER_WANTED, why);
        if !memory.wanted.iter().any(|other| other.reason() == wanted.reason()) {
            return Err(Stop::nothing_to_do(&code::NOTHING_WANTED, "another run was quicker").into());
        }
        if !(wanted.since..=wanted.since + WANTED_FOR).contains(&run.now) {
            run.settled = true;
            let reason =
                format!("{} asked for it at {}, more than a day ago", wanted.trigger.words(), wanted.since);
            return Err(over(reason).into());
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
                return Err(over(reason).into());
            }
        }
        // It was seen to last just now.
        run.trigger.at = run.now;
        Ok(())
    }

    fn wants(&self, run: &Run<'_, R::Request>, code: &str) -> WantedChange {
        let waits = jiff::SignedDuration::try_from(self.policy.max_event_age).unwrap_or_default();
        let mut wanted = Wanted { trigger: run.trigger.clone(), since: run.now, code: code.to_owned() };
        let before = run.memory.wanted.iter().find(|before| before.reason() == wanted.reason());
        wanted.since = before.map_or(run.now, |before| before.since);
        WantedChange::Set { wanted: Box::new(wanted), first_until: R::IS_URGENT.then(|| run.now + waits) }
    }

    fn draft(&self, execution_id: String, trigger: &Trigger, wanted: Option<&Wanted>) -> Outcome {
        let trigger = value(&match wanted {
            None => WokenBy::Trigger(trigger),
            Some(wanted) => WokenBy::Wanted { wanted_since: wanted.since, of: value(trigger) },
        });
        Outcome {
            version: VERSION,
            function: R::FUNCTION.to_owned(),
            environment: self.policy.environment.clone(),
            execution_id,
            decision: Decision::Failed,
            code: Name::from(&code::ACTION_FAILED),
            under_way: false,
            reason: String::new(),
            target: String::new(),
            trigger,
            observed: Value::Null,
            plan: Value::Null,
            steps: Vec::new(),
            verification: None,
            next: None,
            at: clock::now(),
            duration_ms: 0,
        }
    }
}

impl<R: Remedy> Runner<R> {
    /// The same for the same actions on the same target.
    fn plan_hash(&self, target: &str, actions: &[R::Action]) -> String {
        let actions: Vec<_> = actions.iter().map(|action| self.remedy.known_by(action)).collect();
        hash(&json!([R::FUNCTION, target, actions]).to_string())
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

/// With a request that a person can send all the same.
fn by_hand(stop: Stop, request: Option<Value>) -> Stop {
    let mut request = match request {
        Some(Value::Object(request)) => request,
        _ => serde_json::Map::new(),
    };
    request.insert("override".to_owned(), json!(true));
    request.insert(
        "reason".to_owned(),
        json!(format!("not waited for: {}", stop.code.name().replace('_', " "))),
    );
    let next = stop.next.clone().unwrap_or_else(|| Next::development("send the request below"));
    stop.next(Next { send: Some(Value::Object(request)), ..next })
}

fn would_act<A: ToString>(plan: &Plan<A>) -> Stop {
    Stop {
        decision: Decision::Observed,
        code: &code::WOULD_ACT,
        reason: format!("would {}: {}", lines(&plan.actions).join(", "), plan.reason),
        next: None,
    }
}

fn unread(error: &Error) -> Stop {
    let next = Next::devops("send the event again once AWS answers");
    Stop { decision: Decision::Failed, code: &code::AWS_FAILED, reason: chain(error), next: Some(next) }
}

fn lines<A: ToString>(actions: &[A]) -> Vec<String> {
    actions.iter().map(ToString::to_string).collect()
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

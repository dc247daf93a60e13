//! Walks a [`Remedy`] along the one way through, and leaves a record wherever it ends.

mod act;
mod ask;
mod record;
mod take_up;
mod tell;
mod walk;
mod wanted;

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    aws::Aws,
    clock,
    code::{self, Name},
    error::{Error, chain},
    invocation::Invocation,
    lambda::Task,
    ledger::{Approval, Held, Ledger, Memory, Rejection, Wanted},
    outbox::Outbox,
    outcome::{About, Decision, Next, Outcome, Stop, VERSION, WokenBy},
    plan::{FollowUp, FollowUpChange, InShort, value},
    remedy::Remedy,
    settings::{Environment, Policy, SettingsError},
    text,
    trigger::{self, Asked, Trigger},
};

/// How many pending notices of other runs a scheduled run sends.
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
    /// What an earlier event asked for, if this run does it now.
    wanted: Option<Wanted>,
    approval: Option<Approval>,
    outcome: Outcome,
    what: InShort,
    /// What would refuse the plan of a dry run now; empty where nothing would.
    refused: String,
    memory: Memory,
    /// The claim that this run holds, as it will be given back.
    held: Option<Held>,
    /// The follow-up once this run has acted.
    follow_up: Option<FollowUp>,
    /// The change to the follow-up by a run that does not act.
    change: FollowUpChange,
    /// A plan to store for a person.
    asks: Option<Approval>,
    /// A plan to reject, for whom and why.
    rejects: Option<(Approval, Rejection)>,
    /// Whether this run ended the follow-up.
    settled: bool,
    /// Whether it carries on what a dead run began.
    takes_up: bool,
    /// Whether its own event still needs an answer.
    comes_again: bool,
}

/// What ends a run before its actions.
enum Ended {
    Stop(Stop),
    Replay(Box<Outcome>),
    Error(Error),
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The runs that are left.
struct Due<Q> {
    trigger: Trigger,
    request: Q,
    wanted: Option<Wanted>,
}

impl<R: Remedy> Runner<R> {
    /// The function as its environment sets it up.
    pub fn start(environment: &Environment) -> Result<Self, SettingsError> {
        Self::with_aws(environment, Aws::new(environment, R::FUNCTION)?)
    }

    /// The function as its environment sets it up, with this way to AWS.
    pub fn with_aws(environment: &Environment, aws: Aws) -> Result<Self, SettingsError> {
        let policy = Policy::from_environment(environment)?;
        Ok(Self::new(R::new(environment, &aws)?, policy, aws))
    }

    fn new(remedy: R, policy: Policy, aws: Aws) -> Self {
        let client = aws_sdk_dynamodb::Client::new(aws.config());
        let levels = policy.notice_topic_arn.iter().chain(&policy.level_topic_arns).cloned().collect();
        let outbox = Outbox::new(client.clone(), &policy.ledger_table, aws.config().clone(), levels);
        let ledger = Ledger::new(client, &policy.ledger_table, R::FUNCTION).beside(policy.functions.clone());
        Self { remedy, policy, ledger, outbox, aws }
    }

    pub fn remedy(&self) -> &R {
        &self.remedy
    }

    /// Runs every request of every trigger; all are read before the first is carried out. Also whether the whole answer
    /// is wanted.
    async fn answer(&self, invocation: &Invocation) -> Result<(Vec<Outcome>, bool), Error> {
        let mut due = VecDeque::new();
        let mut verbose = false;
        for trigger in trigger::parse(invocation)? {
            verbose |= trigger.is_verbose();
            let requests = self.remedy.requests(&trigger)?;
            due.extend(requests.into_iter().enumerate().map(|(place, request)| {
                let mut trigger = trigger.clone();
                // When the event comes again, each target finds its own answer.
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
                what: InShort::default(),
                refused: String::new(),
                memory: Memory::default(),
                held: None,
                follow_up: None,
                change: FollowUpChange::Keep,
                asks: None,
                rejects: None,
                settled: false,
                takes_up: false,
                comes_again: false,
            };
            let mut over = Vec::new();
            // Boxed, as are the two below: the compiler gives up on futures that are nested too deeply.
            let walked = Box::pin(self.walk(&mut run)).await;
            // This run finished what a dead run had begun. Its own event still needs an answer.
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
                Err(Ended::Stop(stop)) => self.stopped(run, stop).await?,
                Err(Ended::Replay(earlier)) => self.replayed(run, &earlier).await?,
                Err(Ended::Error(error)) => {
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
        Ok((outcomes, verbose))
    }

    /// With the request by which a person asks for what the trigger did.
    fn with_request(&self, next: Next, trigger: &Trigger) -> Next {
        let Next { again, .. } = next;
        let next = Next { again: false, ..next };
        let request = match trigger.asked().filter(|asked| !asked.decides()) {
            Some(asked) => as_sent(asked),
            // It changes nothing, and shows what would be done.
            None => serde_json::from_str(R::EXAMPLE).ok(),
        };
        match request.filter(|_| again && next.send.is_none()) {
            Some(request) => next.send(request).addressed(&self.policy.environment, R::FUNCTION),
            None => next,
        }
    }

    fn draft(&self, execution_id: String, trigger: &Trigger, wanted: Option<&Wanted>) -> Outcome {
        let trigger = value(&match wanted {
            None => WokenBy::Trigger(trigger),
            Some(wanted) => WokenBy::Wanted { wanted_since: wanted.since, of: value(trigger) },
        });
        Outcome {
            summary: String::new(),
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

impl<R: Remedy> Task for Runner<R> {
    const EXAMPLE: &'static str = R::EXAMPLE;

    async fn handle(&self, invocation: &Invocation) -> Result<Value, Error> {
        let (outcomes, verbose) = self.answer(invocation).await?;
        if let [outcome] = outcomes.as_slice() {
            return Ok(outcome.shown(verbose));
        }
        let outcomes: Vec<Value> = outcomes.iter().map(|outcome| outcome.shown(verbose)).collect();
        Ok(json!({ "outcomes": outcomes }))
    }
}

fn unread(error: &Error) -> Stop {
    let next = Next::devops("send the request again once AWS answers").again();
    Stop { decision: Decision::Failed, code: &code::AWS_FAILED, reason: chain(error), next: Some(next) }
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// What was sent, as it can be sent once more; nothing where a part of it may not be shown.
fn as_sent(asked: &Asked) -> Option<Value> {
    let mut sent = value(asked);
    if let Some(fields) = sent.as_object_mut().filter(|_| !asked.dry_run) {
        fields.shift_remove("dry_run");
    }
    let mut shown = sent.clone();
    text::tidy(&mut shown);
    (shown == sent).then_some(sent)
}

impl<Q> Run<'_, Q> {
    /// Says the result in one line.
    fn sum_up(&mut self) {
        let begun = self.memory.claim.as_ref().filter(|_| self.takes_up);
        let asked = match (begun, &self.approval) {
            (Some(claim), _) => {
                format!("{}; begun by run {}", claim.intent.trigger.words(), claim.execution_id)
            }
            (None, Some(approval)) => {
                let by = self.trigger.asked().and_then(Asked::decider);
                let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
                format!("{}; approved{by}", approval.trigger.words())
            }
            (None, None) => self.trigger.words(),
        };
        let plan = self.outcome.described().reason;
        let about = About {
            what: self.what.after(self.outcome.decision),
            asked: &asked,
            plan: &plan,
            refused: &self.refused,
        };
        self.outcome.summary = self.outcome.summarized(about);
    }
}

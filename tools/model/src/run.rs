//! One run: what it has seen, what it decides from that, and which call is next. The deciding is
//! `shared::guard`'s; only the order of the calls is told again here.

use jiff::SignedDuration;
use serde_json::Value;
use shared::{
    code::{self, Name},
    guard,
    ledger::{ALL, Holder, Memory, Switch, Waiting, Wanted},
    outcome::{Decision, Outcome, VERSION},
    settings::Policy,
};

use crate::{
    broken::Broken,
    setup::{Cause, Delivery, Function, Tick, at},
    store::{Also, Holding, Noted, Request, Store, Taken, Unmet},
};

/// What a run reads beside other reads: each item of a `BatchGetItem` is true for its own moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Whether the event was answered.
    Answer,
    /// The kill switch, the claim and the holder.
    Claim,
    /// The ledger's items at one moment.
    Ledger,
    /// The service.
    Service,
}

/// What the ledger said at one moment.
#[derive(Debug, Clone, PartialEq, Hash, Default)]
pub struct Snapshot {
    pub kill_switch: bool,
    pub claim: Option<Taken>,
    pub holder: Option<Holding>,
    pub waiting: Option<Tick>,
    pub wanted: Vec<Delivery>,
    pub note: Option<Noted>,
}

/// What was read so far.
#[derive(Debug, Clone, PartialEq, Hash, Default)]
pub struct Seen {
    pub answered: Option<bool>,
    pub ledger: Option<Snapshot>,
    pub count: Option<u8>,
}

impl Seen {
    pub fn read(&mut self, part: Part, delivery: &Delivery, store: &Store, count: u8) {
        if matches!(part, Part::Answer | Part::Ledger) {
            self.answered = Some(store.answers.contains(&(delivery.function, delivery.event.to_owned())));
        }
        if matches!(part, Part::Claim | Part::Ledger) {
            let function = delivery.function;
            self.ledger = Some(Snapshot {
                kill_switch: store.kill_switch,
                claim: store.claim(function).cloned(),
                holder: store.holder.clone(),
                waiting: store.waiting.filter(|_| !function.is_urgent()),
                wanted: store.wanted.iter().filter(|wish| wish.function == function).copied().collect(),
                note: store.note.clone(),
            });
        }
        if part == Part::Service {
            self.count = Some(count);
        }
    }

    pub fn is_complete(&self) -> bool {
        self.answered.is_some() && self.ledger.is_some() && self.count.is_some()
    }

    /// What `Ledger::look` makes of it.
    pub fn memory(&self, broken: Option<Broken>) -> Memory {
        const A_WHILE: SignedDuration = SignedDuration::from_hours(12);
        let ledger = self.ledger.clone().unwrap_or_default();
        let mut claim = ledger.claim.map(|claim| (*claim.0).clone());
        if let Some(claim) = &mut claim {
            let attempts = &mut claim.attempts;
            match broken {
                Some(Broken::LeaseIgnored) => claim.lease_until = at(0),
                Some(Broken::CooldownIgnored) => {
                    for attempt in attempts {
                        attempt.at -= A_WHILE;
                    }
                }
                // All but the last, for which the cooldown waits.
                Some(Broken::BudgetIgnored) => {
                    attempts.drain(..attempts.len().saturating_sub(1));
                }
                Some(Broken::NothingTakenUp) => claim.open = false,
                Some(Broken::TakeUpCountsAgain) => claim.counted = None,
                _ => {}
            }
        }
        Memory {
            kill_switch: ledger.kill_switch.then(|| Switch {
                name: ALL.to_owned(),
                stops: ALL.to_owned(),
                ..Switch::default()
            }),
            claim,
            holder: ledger.holder.map(|holder| Holder {
                function: holder.function.name().to_owned(),
                lease_until: at(holder.lease_until),
            }),
            waiting: ledger
                .waiting
                .filter(|_| broken != Some(Broken::WaitingIgnored))
                .map(|until| Waiting { function: Function::Rollback.name().to_owned(), until: at(until) }),
            wanted: ledger.wanted.iter().map(wanted).collect(),
            freeze: ledger.note.map(|note| Noted::freeze(&note.event, note.pending)),
            earlier: self.answered.unwrap_or_default().then(kept_answer),
            ..Memory::default()
        }
    }
}

/// As the ledger keeps it. Since when and why does not matter here.
pub fn wanted(wish: &Delivery) -> Wanted {
    Wanted { trigger: wish.trigger(0), since: at(0), code: String::new() }
}

/// What a run does under its claim.
#[expect(clippy::struct_excessive_bools, reason = "what was decided, one fact beside another")]
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Work {
    pub claim: Taken,
    pub observed: u8,
    pub approval: bool,
    /// Whether a dead run began it.
    pub taken_up: bool,
    /// Whether what the run itself came for is still to be answered.
    pub comes_again: bool,
    /// Whether the claim that was read was for the run's own event.
    pub in_hand: bool,
}

impl Work {
    /// As a remedy's `is_outstanding`: a count that is higher by now is left as it is.
    pub fn is_outstanding(&self) -> bool {
        self.observed < self.claim.value()
    }
}

/// How a run, or a part of it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    Applied {
        taken_up: bool,
        already_done: bool,
    },
    Failed,
    /// A dead run's intent is not carried out any more, and nothing of it was done.
    GivenUp,
    Replayed,
    /// With the code of its answer.
    Stopped(&'static str),
    /// The ledger did not answer its claim.
    NoLedger,
    Killed,
}

#[derive(Debug, Clone, PartialEq, Hash)]
pub enum Phase {
    Awaited,
    Looking {
        now: Tick,
        seen: Seen,
        approval_used: Option<bool>,
    },
    Claiming(Work),
    Acting(Work),
    Recording {
        work: Work,
        request: Request,
        end: End,
    },
    /// Ends without a claim, and writes what it wants and owes.
    Settling {
        also: Also,
        end: End,
    },
    /// Tells people, and then deletes what was owed, if it was.
    Telling {
        notice: String,
        is_owed: bool,
    },
    Paying {
        notice: String,
    },
    /// Takes on what another run owes.
    TakingOn {
        notice: String,
    },
    Over,
}

#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Run {
    pub phase: Phase,
    /// When Lambda ends it.
    pub deadline: Tick,
    pub ends: Vec<End>,
    /// What an event asked for, which a scheduled run is about.
    pub wish: Option<Delivery>,
    /// What it is still to do for events.
    pub wishes: Vec<Delivery>,
    /// Whether its own event is still to have its turn.
    pub comes_again: bool,
    /// What it is still to send for others, once it knows.
    pub sweeps: Option<Vec<String>>,
    /// Whether an urgent remedy waited when it began to look.
    pub waited_for: bool,
}

impl Run {
    pub fn awaited() -> Self {
        Self {
            phase: Phase::Awaited,
            deadline: 0,
            ends: Vec::new(),
            wish: None,
            wishes: Vec::new(),
            comes_again: false,
            sweeps: None,
            waited_for: false,
        }
    }

    /// What it is about: the event that brought it, or the one whose wish it carries out.
    pub fn about<'a>(&'a self, delivery: &'a Delivery) -> &'a Delivery {
        self.wish.as_ref().unwrap_or(delivery)
    }

    /// Lambda delivers the event again.
    pub fn repeat(&mut self, end: End) {
        let mut ends = std::mem::take(&mut self.ends);
        ends.push(end);
        *self = Self { ends, ..Self::awaited() };
    }

    /// Begins to look: `Runner::walk` up to its reads.
    pub fn start(&mut self, delivery: &Delivery, policy: &Policy, now: Tick, store: &Store) {
        let urgent = delivery.function.is_urgent();
        self.waited_for = !urgent && store.waiting.is_some_and(|until| now < until);
        if self.wish.is_some() {
            // What an event asked for is looked at by its reason, not by its age.
            self.phase = Phase::Looking { now, seen: Seen::default(), approval_used: None };
            return;
        }
        if let Err(stop) = guard::gate(policy, &delivery.trigger(now), at(now)) {
            return self.end(End::Stopped(stop.code.name()));
        }
        let approval_used = (delivery.cause == Cause::Approval).then_some(store.approval_used);
        self.phase = Phase::Looking { now, seen: Seen::default(), approval_used };
    }

    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    pub fn is_alive(&self) -> bool {
        !matches!(self.phase, Phase::Awaited | Phase::Over)
    }

    pub fn end(&mut self, end: End) {
        self.ends.push(end);
        self.phase = Phase::Over;
    }

    /// The reads that are still to come.
    pub fn unread(&self, torn_reads: bool) -> Vec<Part> {
        let Phase::Looking { seen, .. } = &self.phase else {
            return Vec::new();
        };
        let mut parts = Vec::new();
        if torn_reads && seen.answered.is_none() {
            parts.push(Part::Answer);
        }
        if seen.ledger.is_none() {
            parts.push(if torn_reads { Part::Claim } else { Part::Ledger });
        }
        if seen.count.is_none() {
            parts.push(Part::Service);
        }
        parts
    }
}

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acted {
    Done,
    AlreadyDone,
    /// The call failed, and a look at the service shows that nothing came of it.
    NothingChanged,
    /// The call failed, and took effect.
    SeemsFailed,
}

/// What a run sends after its record was turned down: the end of `Ledger::settle`.
pub fn record_again(request: &Request, unmet: Unmet) -> Option<Request> {
    match (request, unmet) {
        (Request::Record { gives_up: true, .. }, Unmet::Version) => None,
        (Request::Record { entry, also, .. }, Unmet::Version) => {
            Some(Request::Audit(entry.clone(), also.clone()))
        }
        (Request::Record { lets_go: true, .. }, Unmet::Holder) => {
            let mut request = request.clone();
            if let Request::Record { lets_go, .. } = &mut request {
                *lets_go = false;
            }
            Some(request)
        }
        _ => None,
    }
}

/// An answer that was kept. Only that there is one matters here.
pub fn kept_answer() -> Outcome {
    Outcome {
        summary: String::new(),
        version: VERSION,
        decision: Decision::Applied,
        code: Name::from(&code::APPLIED),
        under_way: false,
        reason: String::new(),
        next: None,
        target: String::new(),
        steps: Vec::new(),
        verification: None,
        plan: Value::Null,
        observed: Value::Null,
        trigger: Value::Null,
        function: String::new(),
        environment: String::new(),
        execution_id: String::new(),
        at: at(0),
        duration_ms: 0,
    }
}

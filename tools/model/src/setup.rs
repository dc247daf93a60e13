//! Who comes, and what may go wrong meanwhile.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use shared::{
    ledger::Approval,
    plan::Limits,
    settings::{Mode, Policy},
    trigger::{Alarm, AlarmState, Asked, Kind, Origin, Trigger},
};

/// A point in time: the model's clock moves in steps of a minute.
pub type Tick = u8;

const SECONDS_A_TICK: u64 = 60;

pub const TARGET: &str = "service/lendpeak2-production/backend";

pub fn at(tick: Tick) -> Timestamp {
    Timestamp::UNIX_EPOCH + ticks(tick)
}

pub fn tick_of(at: Timestamp) -> Tick {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    Tick::try_from(seconds / SECONDS_A_TICK).unwrap_or(Tick::MAX)
}

fn ticks(ticks: Tick) -> Duration {
    Duration::from_secs(SECONDS_A_TICK * u64::from(ticks))
}

/// A remedy that wants the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    ScaleUp,
    Rollback,
}

impl Function {
    /// Whether others let it go first.
    pub fn is_urgent(self) -> bool {
        self == Self::Rollback
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::ScaleUp => "scale-up",
            Self::Rollback => "rollback",
        }
    }
}

/// What brings a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    Alarm,
    /// A step of a state machine: it waits for no cooldown.
    Step,
    /// A person's own request. It is as old as its run.
    Person,
    /// A person who approves the one stored plan.
    Approval,
    /// The scheduled run, at any moment.
    Schedule,
    /// The scheduled run that comes when all others are over and every lease has ended, and meets no trouble.
    LastSchedule,
}

impl Cause {
    pub fn is_scheduled(self) -> bool {
        matches!(self, Self::Schedule | Self::LastSchedule)
    }

    pub fn limits(self) -> Limits {
        if self == Self::Step { Limits::SkipCooldown } else { Limits::Apply }
    }
}

/// One delivery of one event to one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Delivery {
    pub function: Function,
    pub event: &'static str,
    pub cause: Cause,
}

impl Delivery {
    /// Whether AWS reports something: it is wanted while it cannot be done, and Lambda delivers it again after an error.
    pub fn is_an_event(&self) -> bool {
        self.cause == Cause::Alarm
    }

    pub fn trigger(&self, now: Tick) -> Trigger {
        let (at, kind) = match self.cause {
            Cause::Alarm => (at(0), Kind::Alarm(alarm(self.event))),
            Cause::Step => (at(0), step(self.event)),
            Cause::Person => (at(now), Kind::Person(Asked::default())),
            Cause::Approval => {
                (at(now), Kind::Person(Asked { approve: Some("plan".to_owned()), ..Asked::default() }))
            }
            Cause::Schedule | Cause::LastSchedule => {
                (at(now), Kind::Schedule { schedule: "every minute".to_owned() })
            }
        };
        Trigger { id: self.event.to_owned(), at, kind, origin: Origin::default() }
    }
}

fn alarm(name: &str) -> Alarm {
    Alarm {
        name: name.to_owned(),
        arn: String::new(),
        state: AlarmState::Alarm,
        reason: String::new(),
        from_no_data: false,
        metrics: Vec::new(),
    }
}

fn step(event: &str) -> Kind {
    Kind::StepFunctions { execution: event.to_owned(), state: "Act".to_owned(), asked: Asked::default() }
}

/// The plan that awaits a person: one step up from nothing.
pub fn approval(used: bool) -> Approval {
    Approval {
        id: "plan".to_owned(),
        trigger: Delivery { function: Function::ScaleUp, event: "asked", cause: Cause::Alarm }.trigger(0),
        target: TARGET.to_owned(),
        plan_hash: plan_hash(1),
        plan: vec![plan_hash(1)],
        reason: String::new(),
        details: Vec::new(),
        actions: Value::Null,
        expires: at(Tick::MAX),
        used,
        rejected: None,
        votes: Vec::new(),
    }
}

/// As the runner's: the same for the same actions.
pub fn plan_hash(value: u8) -> String {
    value.to_string()
}

/// One thing to check exhaustively.
#[expect(clippy::struct_excessive_bools, reason = "what may happen, one thing beside another")]
#[derive(Debug, Clone)]
pub struct Setup {
    pub name: &'static str,
    pub deliveries: Vec<Delivery>,
    pub mode: Mode,
    /// How long a run may take: its lease ends with it.
    pub lease: Tick,
    /// How much longer it may go on after that.
    pub overrun: Tick,
    pub cooldown: Tick,
    pub attempts_per_day: usize,
    /// What is older is not done: an event is refused, and an intent that a dead run left is given up.
    pub max_event_age: Tick,
    /// When the clock stops.
    pub end: Tick,
    /// Whether a run may be killed at any step.
    pub kills: bool,
    /// How many calls may go wrong.
    pub faults: u8,
    /// Whether somebody sets the kill switch at any moment.
    pub kill_switch: bool,
    /// Whether what an alarm asks for is wanted where it cannot be done yet. A kill is then one of the faults.
    pub wants: bool,
    /// How many of the alarms may end by themselves.
    pub alarms_may_end: u8,
    /// Whether ends are told to people.
    pub owes: bool,
    /// Whether each claim notes something for later decisions.
    pub notes: bool,
    /// Whether one read of the ledger sees its items at different moments, as a `BatchGetItem` may.
    pub torn_reads: bool,
    /// What is not promised here.
    pub except: &'static [&'static str],
    /// What has to be seen to happen on some path: the check is about something.
    pub sometimes: &'static [&'static str],
}

impl Setup {
    /// Runs that take no time, and to which nothing happens.
    pub fn new(name: &'static str, deliveries: &[Delivery]) -> Self {
        Self {
            name,
            deliveries: deliveries.to_vec(),
            mode: Mode::Auto,
            lease: 2,
            overrun: 0,
            cooldown: 3,
            attempts_per_day: 6,
            max_event_age: Tick::MAX,
            end: 0,
            kills: false,
            faults: 0,
            kill_switch: false,
            wants: false,
            alarms_may_end: 0,
            owes: false,
            notes: false,
            torn_reads: false,
            except: &[],
            sometimes: &[],
        }
    }

    /// Whether the ends of all runs are written, and not only of those that claimed.
    pub fn settles(&self) -> bool {
        self.wants || self.owes
    }

    pub fn policy(&self) -> Policy {
        Policy {
            environment: "production".to_owned(),
            functions: Vec::new(),
            mode: self.mode,
            ledger_table: "ledger".to_owned(),
            notice_topic_arn: None,
            level_topic_arns: Vec::new(),
            cooldown: ticks(self.cooldown),
            attempts_per_day: self.attempts_per_day,
            approval_lifetime: ticks(Tick::MAX),
            named_approvers: false,
            max_event_age: ticks(self.max_event_age),
            verify: Duration::ZERO,
        }
    }
}

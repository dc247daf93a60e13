//! The report of some days, by which a team decides how far the runbook may go: what was done and whether it held, what
//! would have been done and what happened instead, how long things took, what waits for a person, and what it costs.
//!
//! It is pure: [`Gathered`] is all that it is made of, and [`Digest::of`] makes it.
//!
//! - `record`: a remedy's audit record, as far as a report needs it.
//! - `would`: what a remedy in `observe` would have done, and what happened instead.
//! - `deeds`: what remedies did, and whether it held.
//! - `incidents`: how long incidents took, and which were false alarms.
//! - `restored`: restored clusters that still run.
//! - `cost`: what the runbook itself costs.
//! - `page`: all of it as a page of text.

mod cost;
mod deeds;
mod incidents;
mod page;
mod record;
mod restored;
#[cfg(test)]
mod tests;
mod would;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use shared::{ledger::Switch, outcome::Decision, settings::Mode, text::line};

pub use deeds::{Deed, Held};
pub use incidents::{Incidents, SeenIncident, Span};
pub use record::{Record, Woken};
pub use restored::Restored;
pub use would::{Instead, WouldHave};

use crate::{incident::Incident, notice::WaitingPlan, woken::ChangedBy};

/// An action held if nothing else had to be done about its target for so long.
const HOLDS_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Characters of a title, a plan or a reason: more does not fit a phone.
const LONGEST: usize = 140;
/// How many of each list the JSON has, the newest. The numbers count all.
const MOST: usize = 30;

/// What a report is made of.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    pub environment: String,
    /// How far each remedy may go that the state machine chooses from.
    pub modes: BTreeMap<String, Mode>,
    pub from: Timestamp,
    pub to: Timestamp,
    pub days: u16,
    /// What the remedies recorded in this time.
    pub records: Vec<Record>,
    /// The incidents that were opened in this time.
    pub incidents: Vec<SeenIncident>,
    /// The incidents that are open now, whenever they were opened.
    pub open: Vec<Incident>,
    pub plans: Vec<(WaitingPlan, Timestamp)>,
    /// The kill switches that are on.
    pub switches: Vec<Switch>,
    /// What `snapshot-restore` recorded, as far back as it is kept.
    pub restores: Vec<Record>,
    pub left_out: LeftOut,
}

/// What a report has not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// How many items of the ledger cannot be read.
    pub unreadable: usize,
    /// Of what only the newest items were read, as in `scale-up's records`.
    pub older: Vec<String>,
}

/// The report, as programs read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Digest {
    pub environment: String,
    pub from: Timestamp,
    pub to: Timestamp,
    pub days: u16,
    pub modes: BTreeMap<String, &'static str>,
    pub incidents: Incidents,
    pub would_have_done: Counted<WouldHave>,
    /// How much of that went away with nobody and nothing having acted.
    pub went_by_itself: usize,
    pub did: Counted<Deed>,
    /// How much of that held, and how much did not.
    pub held: BTreeMap<Held, usize>,
    pub approvals: Approvals,
    pub waits: Waits,
    pub cost: Cost,
    pub left_out: LeftOut,
}

/// A list, the newest first, and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted<T> {
    pub in_all: usize,
    pub newest: Vec<T>,
}

/// What people were asked to decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Approvals {
    pub asked: usize,
    pub approved: usize,
    pub rejected: usize,
}

/// What waits for a person now, a line each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Waits {
    pub incidents: Vec<String>,
    pub plans: Vec<String>,
    pub kill_switches: Vec<String>,
}

/// List prices of us-east-1, roughly.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// The runbook itself, where nothing happens.
    pub own_dollars_a_month: u32,
    pub restored_clusters: Vec<Restored>,
}

impl Digest {
    pub fn of(gathered: &Gathered) -> Self {
        let Gathered { records, incidents, from, to, .. } = gathered;
        let records = &in_order(records);
        let would = would::of(records, incidents, *to);
        let did = deeds::of(records, incidents, *to);
        let mut held = BTreeMap::new();
        for deed in &did {
            *held.entry(deed.held).or_default() += 1;
        }
        Self {
            environment: gathered.environment.clone(),
            from: *from,
            to: *to,
            days: gathered.days,
            modes: gathered.modes.iter().map(|(function, mode)| (function.clone(), mode.as_str())).collect(),
            incidents: incidents::of(incidents, records),
            went_by_itself: would.iter().filter(|one| one.instead.by_itself).count(),
            would_have_done: Counted::of(would),
            did: Counted::of(did),
            held,
            approvals: approvals(records),
            waits: waits(gathered),
            cost: Cost {
                own_dollars_a_month: cost::DOLLARS_A_MONTH_AT_REST,
                restored_clusters: restored::of(&in_order(&gathered.restores)),
            },
            left_out: gathered.left_out.clone(),
        }
    }
}

impl<T> Counted<T> {
    /// From a list with the oldest first.
    fn of(all: Vec<T>) -> Self {
        Self { in_all: all.len(), newest: all.into_iter().rev().take(MOST).collect() }
    }
}

impl Waits {
    fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        self.incidents.iter().chain(&self.plans).chain(&self.kill_switches)
    }
}

fn in_order(records: &[Record]) -> Vec<&Record> {
    let mut records: Vec<&Record> = records.iter().collect();
    records.sort_by_key(|record| record.at);
    records
}

fn approvals(records: &[&Record]) -> Approvals {
    let count = |is: &dyn Fn(&Record) -> bool| records.iter().filter(|record| is(record)).count();
    Approvals {
        asked: count(&|record| record.decision == Decision::AwaitingApproval),
        approved: count(&|record| record.has_acted() && record.by == Woken::By(ChangedBy::Approved)),
        rejected: count(&|record| record.by == Woken::Rejection),
    }
}

fn waits(gathered: &Gathered) -> Waits {
    let Gathered { open, plans, switches, to, .. } = gathered;
    let incident = |incident: &Incident| {
        let with = incident
            .acknowledged
            .as_ref()
            .map_or_else(|| "nobody has it".to_owned(), |taken| format!("with {}", line(&taken.by, 60)));
        format!("{}: {}, {with}", incident.id, line(&incident.title, LONGEST))
    };
    let plan = |(plan, expires): &(WaitingPlan, Timestamp)| {
        format!("plan {} of {}, until {}", line(&plan.id, 60), plan.function, page::minute(*expires))
    };
    Waits {
        incidents: open.iter().take(MOST).map(incident).collect(),
        plans: plans.iter().take(MOST).map(plan).collect(),
        kill_switches: switches.iter().take(MOST).map(|on| line(&on.in_words(*to), LONGEST)).collect(),
    }
}

//! The ledger: one DynamoDB table that makes every action happen at most once and leaves a record.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | claim on a target | `target#<target>` | `<function>` |
//! | follow-up due on a target | `target#<target>` | `<function>#follow-up` |
//! | what an event asked for and could not be done yet | `target#<target>` | `<function>#wanted` |
//! | an urgent remedy that waits for a target | `target#<target>` | `waiting` |
//! | the refusals that people were told of lately | `event#<function>` | `refused#<code>#<target>` |
//! | the remedy at work on a target | `target#<target>` | `holder` |
//! | a freeze of a target's writes | `target#<target>` | `freeze` |
//! | what is known of a release | `release#<target>` | `<family:revision>` |
//! | an event and its answer | `event#<function>` | event id |
//! | that the report of a day was told | `event#incident` | `digest#<day>` |
//! | a plan awaiting approval | `approval#<function>` | plan |
//! | audit record | `audit#<function>` | `<time>#<execution id>` |
//! | a notice that is owed to people | `owed` | `<time>#<execution id>` |
//! | what a message of the queue of approvals came to | `answers` | the message's id |
//! | kill switch | `kill-switch` | `all` or `<function>` |
//! | an incident | `incidents` | its id |
//! | which incident is open for a cause | `incident-open` | cause |
//! | a line of an incident's timeline | `incident#<id>` | `<time>#<event id>` |
//! | the state of a component, as people say it | `component` | its name |
//! | what the probe found in an hour's minutes | `minutes` | the hour |
//! | a day of the status page | `status-day` | the date |
//! | what customers are told of an incident | `status-incident` | the incident's id |
//! | which files of the status page were written | `status-page` | `published` |
//! | announced maintenance | `maintenance` | its id |
//!
//! A claim is taken on the version that was read, in one transaction with the kill switches, the holder and
//! the approval: whatever was decided from what was read holds at the moment of the claim, or nothing is
//! written. The end of a run is one transaction too ([`settle`]): its audit record, its claim, what it notes for
//! later decisions, and the notice that is owed to people.
//!
//! An item that cannot be read stops nothing else: it is left out, and people are told of it once ([`odd`]).

mod approvals;
mod claim;
mod freezes;
pub mod items;
mod kill_switch;
mod memory;
mod minutes;
mod notes;
mod odd;
mod owed;
mod releases;
mod settle;
#[cfg(test)]
mod tests;
mod votes;
mod wanted;
mod writes;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;

pub use approvals::{Approval, Rejection, plan_key};
pub use claim::{Attempt, Before, Claim, Holder, Intent, NotClaimed};
pub use kill_switch::{ALL, KILL_SWITCH, Switch, Switches};
pub use memory::Memory;
pub use minutes::{Minute, Minutes};
pub use odd::{Odd, Seen};
pub use owed::Owed;
pub(crate) use owed::{OWED, OWN_TIME};
pub use releases::{Release, Releases};
pub use settle::{Held, NotSettled, Refusal, Settlement};
pub use votes::Plans;
pub use wanted::{WANTED_FOR, Waiting, Wanted, WantedChange};

use crate::error::Error;

/// The sort key of the item that says which remedy is at work.
const HOLDER: &str = "holder";
/// The sort key of the item that says that a target's writes are frozen.
const FREEZE: &str = "freeze";
/// The sort key of the item that says which urgent remedy waits for the target.
const WAITING: &str = "waiting";
const DAY: Duration = Duration::from_hours(24);
/// How long a record is kept.
pub const AUDIT_KEPT: Duration = DAY.saturating_mul(400);
/// Lambda gives up on an asynchronous event after 6 hours, a schedule after 24.
const EVENT_KEPT: Duration = DAY.saturating_mul(2);

#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
    function: &'static str,
    /// The names of all functions of the runbook that are known.
    functions: Vec<String>,
}

impl Ledger {
    pub fn new(client: Client, table: impl Into<String>, function: &'static str) -> Self {
        Self { client, table: table.into(), function, functions: vec![function.to_owned()] }
    }

    /// With the names that a kill switch may have without stopping all.
    #[must_use]
    pub fn beside(mut self, functions: Vec<String>) -> Self {
        self.functions.extend(functions);
        self
    }

    /// The kill switch that stops this function now.
    pub async fn kill_switch(&self, now: Timestamp) -> Result<Option<Switch>, Error> {
        Switches::new(self.client.clone(), &self.table).stopping(self.function, &self.functions, now).await
    }
}

//! Incidents. One is opened for each cause, people are told, it is escalated when nobody acknowledges, and it is closed
//! with a record of every decision and change. The state machine `service-down` asks this function what to do next.
//!
//! - [`request`]: the requests of people and of the state machine.
//! - [`message`]: what people send to the queue of approvals.
//! - [`votes`]: which votes about a plan count.
//! - [`woken`]: who or what had a remedy act.
//! - [`incident`]: what is known of an incident, and what is due.
//! - [`decide`]: which remedy comes next, and what follows its answer.
//! - [`notice`]: the notices that people get, short enough for a phone.
//! - [`digest`]: the report of some days.
//! - [`status`]: what customers are told: components, maintenance, and the public side of incidents.
//! - [`store`]: the items of incidents in the ledger.
//! - [`handler`]: one run.

pub mod codes;
pub mod decide;
pub mod digest;
pub mod handler;
pub mod incident;
pub mod message;
pub mod notice;
mod ops_item;
pub mod request;
pub mod settings;
mod slug;
pub mod status;
pub mod store;
pub mod votes;
pub mod woken;

pub use handler::Handler;

pub const FUNCTION: &str = "incident";

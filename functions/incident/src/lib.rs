//! Incidents: opened once for each cause, told to whoever has to know, passed up when nobody answers, and closed
//! with a record of all that was decided and done. The state machine `service-down` asks here what to do next.
//!
//! - [`request`]: what people and the state machine ask for.
//! - [`incident`]: what is known of an incident, and what is due by now.
//! - [`decide`]: which remedy is used, and what comes after it.
//! - [`notice`]: what people are told, on a phone's screen.
//! - [`store`]: the ledger's items of incidents.
//! - [`handler`]: one run.

pub mod codes;
pub mod decide;
pub mod handler;
pub mod incident;
pub mod notice;
mod ops_item;
pub mod request;
pub mod settings;
pub mod store;

pub use handler::Desk;

pub const FUNCTION: &str = "incident";

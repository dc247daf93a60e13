//! An incident: what is known of it, and what is due.
//!
//! - `state`: the incident itself, and how it opens, comes back, escalates and ends.
//! - `alarms`: what an alarm's change means to it.
//! - `due`: what has to happen because time has passed.
//! - `attempt`: a remedy that the state machine chose, and how it went.
//! - `pending`: a notice that people may not have got yet.

mod alarms;
mod attempt;
mod due;
mod old_forms;
mod parts;
mod pending;
mod severity;
mod state;

pub use alarms::Recurrence;
pub use attempt::{Attempt, Remedy};
pub use due::{Due, REOPENED_WITHIN};
pub use parts::{Acknowledged, Answered, OpsItem, Owner};
pub use pending::{NoticeKind, PendingNotice};
pub use severity::Severity;
pub use state::{HIGHEST_LEVEL, Incident, SCHEMA, SERVICE_DOWN, Stages, open_key};

#[cfg(test)]
mod tests;

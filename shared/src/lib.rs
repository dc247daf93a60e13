//! What every function of the runbook shares: the one way from an event to a recorded outcome.
//!
//! ```text
//! parse → gate → recall, observe → disposition → plan → admit → claim → apply → verify → settle → tell
//! ```
//!
//! [`remedy::Remedy`] is what a function supplies; [`runner::Runner`] walks the way. This crate knows no
//! function. Only [`settings`] reads the environment, only [`clock`] the time, only [`guard`] makes an
//! [`guard::Approved`], and without one nothing can be applied.

pub mod alarms;
pub mod aws;
pub mod clock;
pub mod code;
pub mod decision;
pub mod diagnosis;
pub mod ecr;
pub mod ecs;
pub mod error;
pub mod freeze;
pub mod guard;
pub mod invocation;
pub mod lambda;
pub mod ledger;
mod lenient;
pub mod notice;
pub mod once;
pub mod outbox;
pub mod outcome;
pub mod plan;
pub mod price;
pub mod probe;
pub mod remedy;
pub mod runner;
pub mod settings;
pub mod status;
pub mod telemetry;
pub mod text;
pub mod tls;
pub mod trigger;
pub mod vote;
pub mod web;

//! Everything that reads what others wrote, fed with anything.
//!
//! - [`TARGETS`]: what is fed, by name; one file a family in [`targets`].
//! - [`tape`]: bytes as choices; [`json`] and [`text`]: valid input, changed in odd ways.
//! - [`seeds`]: what is changed: the sample events, and whatever failed once.
//! - [`world`], with [`table`]: an AWS in memory, whose answers are changed the same way.
//! - [`house`]: the functions over it. [`claims`]: what must hold whatever they are fed.
//!
//! A target panics when something does not hold. `tests/bounded/` feeds each a fixed number of inputs;
//! `fuzz_targets/` are the same targets for libFuzzer.

#![expect(clippy::missing_panics_doc, reason = "to panic is how a target says that something does not hold")]

pub mod claims;
pub mod house;
pub mod json;
pub mod seeds;
pub mod table;
pub mod tape;
pub mod targets;
pub mod text;
pub mod world;

/// A reader, fed with bytes.
pub type Target = fn(&[u8]);

/// All targets, by the names of their files in `fuzz_targets/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("aws_answer_cache_invalidation", targets::aws_answer::cache_invalidation),
    ("aws_answer_diagnose", targets::aws_answer::diagnose),
    ("aws_answer_health_probe", targets::aws_answer::health_probe),
    ("aws_answer_incident", targets::aws_answer::incident),
    ("aws_answer_restart", targets::aws_answer::restart),
    ("aws_answer_rollback", targets::aws_answer::rollback),
    ("aws_answer_scale_up", targets::aws_answer::scale_up),
    ("aws_answer_snapshot_restore", targets::aws_answer::snapshot_restore),
    ("aws_answer_write_freeze", targets::aws_answer::write_freeze),
    ("certificate", targets::web_answer::certificate),
    ("evidence", targets::evidence::evidence),
    ("health_probe_answer", targets::web_answer::health_probe_answer),
    ("ledger_item", targets::ledger_item::ledger_item),
    ("log_line", targets::log_line::log_line),
    ("request_cache_invalidation", targets::request::cache_invalidation),
    ("request_diagnose", targets::request::diagnose),
    ("request_health_probe", targets::request::health_probe),
    ("request_incident", targets::request::incident),
    ("request_restart", targets::request::restart),
    ("request_rollback", targets::request::rollback),
    ("request_scale_up", targets::request::scale_up),
    ("request_snapshot_restore", targets::request::snapshot_restore),
    ("request_write_freeze", targets::request::write_freeze),
    ("settings", targets::settings::settings),
    ("state_machine_input", targets::state_machine_input::state_machine_input),
    ("task_definition", targets::task_definition::task_definition),
    ("text", targets::text::text),
    ("trigger", targets::trigger::trigger),
];

//! The functions and the state machines from an event to the ledger, against the sandbox with real SDK calls. One binary
//! for all of them: each would link the whole SDK again.

mod approvals;
mod cache_invalidation;
mod chaos;
mod diagnose;
mod drills;
mod drills_by_function;
mod health_probe;
mod hostile;
mod incident;
mod restart;
mod rollback;
mod samples;
mod scale_up;
mod schemas;
mod service_down;
mod snapshot_restore;
mod verify_deployment;
mod write_freeze;

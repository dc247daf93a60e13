//! One command, one file: what it takes, and what it does with it.

pub(crate) mod approve;
pub(crate) mod completion;
pub(crate) mod diagnose;
pub(crate) mod doctor;
pub(crate) mod drill;
pub(crate) mod events;
pub(crate) mod freeze;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod incident;
pub(crate) mod init;
pub(crate) mod invalidate;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod params;
pub(crate) mod plans;
pub(crate) mod reject;
pub(crate) mod report;
pub(crate) mod restart;
pub(crate) mod restore;
pub(crate) mod rollback;
pub(crate) mod scale;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod version;

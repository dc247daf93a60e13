//! A drill: the service is broken on purpose, in a way that can be undone, and the loop is watched while it heals it.
//!
//! - [`record`] is what is known of a drill, in a file of its own. It says how to undo a change before the change is made,
//!   so that another process can put back what a killed one has left.
//! - [`release`] makes a bad release, deploys it, and puts back whatever is left of it.
//! - [`watch`] has what is seen meanwhile; it decides when a drill is over, and calls nobody.
//! - [`report`] is what came of it, in words and as JSON.

pub(crate) mod ready;
pub(crate) mod record;
pub(crate) mod release;
pub(crate) mod report;
pub(crate) mod signals;
pub(crate) mod watch;

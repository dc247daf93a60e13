//! The whole guide, read by a machine: looks everywhere at once and answers with ranked causes, what shows each of
//! them, and the one next step. It changes nothing.
//!
//! - [`request`]: everything, one chapter, or what an event is about.
//! - [`read`]: one reader for each [`source`], all at once and in a bounded time, into [`evidence`].
//! - [`rules`]: one small pure function for each cause; each [`chapter`]'s file has the table of its causes. [`ask`]: what
//!   they advise to send to other functions.
//! - [`explain`]: which finding is the cause of which, and in what order they are reported.
//! - [`report`]: JSON, a screen of text, Markdown.

pub mod ask;
pub mod chapter;
mod diagnose;
pub mod evidence;
mod explain;
pub mod finding;
mod names;
mod read;
pub mod report;
pub mod request;
pub mod rules;
pub mod settings;
pub mod source;
pub mod timeline;

use chapter::Chapter;
use evidence::Evidence;
use finding::Finding;

pub use diagnose::Diagnose;
pub use explain::consequences;
pub use read::logs;

pub const FUNCTION: &str = "diagnose";

/// The causes that the evidence shows, the first the one to look at.
pub fn judge(evidence: &Evidence, chapters: &[Chapter]) -> Vec<Finding> {
    explain::ranked(rules::found(evidence, chapters))
}

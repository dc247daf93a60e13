//! Limits that several parts share.

use jiff::SignedDuration;

/// Runs that write the same incident take turns. Each turn means that somebody else has written it.
pub(super) const MAX_WRITES: u32 = 12;
/// Lambda's retries of an alarm's call have ended by then, and a new probe has put values that the alarm has evaluated. An
/// alarm that is still in ALARM and has no incident was missed.
pub(super) const MISSED_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// How many ended incidents are looked at and listed.
pub(super) const RECENT: usize = 10;
/// The longest text from outside that is kept or shown.
pub(super) const MAX_TEXT: usize = 600;

//! The rules that stand between a plan and AWS. Only this module makes an [`Approved`].
//!
//! [`gate`] stops a trigger before anything is read. [`disposition`] says what a run turns to.
//! [`admit`] decides whether a plan is carried out: mode, kill switch, room beside other remedies, cooldown, budget, approval.
//! [`claim`] takes the target in the ledger.

mod admit;
mod claim;
mod disposition;
mod gate;
mod limits;
mod refusals;

pub(crate) use admit::rejected;
pub use admit::{Admitted, Case, admit, check_approval};
pub use claim::{Approved, claim, next_claim};
pub use disposition::{Disposition, disposition};
pub use gate::{gate, is_from_the_future};
pub(crate) use refusals::{busy, check_kill_switch, no_ledger};

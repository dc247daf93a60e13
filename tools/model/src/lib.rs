//! Every interleaving of three runs that want one target, checked one by one.
//!
//! What a run decides is the real code: `shared::guard` on the real `Memory`, `Claim` and `Policy`. Modelled is
//! what surrounds it: the ledger's items with the conditions of its transactions ([`store`]), the order in
//! which a run makes its calls ([`run`], [`decide`], [`ends`]), and whatever may happen between two of them ([`protocol`]): another
//! run's call, time, a kill, a lost answer. [`properties`] says what must hold; [`setup`] says who comes
//! and what may go wrong; [`broken`] breaks one rule, to show that its absence is found.
//!
//! Taken as given, and not checked here:
//!
//! - A call of an AWS service that is given up has taken effect by then, or never does. AWS knows no versions
//!   there: a request that lands after its run has gone could undo what a later one did.
//! - Clocks agree. A run may outlive its lease, but not for as long as the cooldown.
//! - A conflict of two transactions is over before the ledger has repeated its own as often as it does.
//!
//! Left out: follow-ups, refusals of which people were told before, actions that put back what an earlier one changed, and the month's count.

pub mod broken;
mod checker;
pub mod decide;
mod ends;
pub mod properties;
pub mod protocol;
pub mod run;
pub mod setup;
pub mod store;
pub mod trace;
pub mod world;

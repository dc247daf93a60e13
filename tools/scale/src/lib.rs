//! What a month of the runbook costs, and which limit is met first.
//!
//! [`stack`] reads what one deployment is made of from `template.yaml`; [`usage`] counts what it uses in a month, under
//! [`assumptions`]; [`bill`] prices that by [`price`]; [`quota`] holds it against what an account may have at once.
//! What an account may do in a second is [`api`], and is tried: [`simulate`] plays a simulated hour of many deployments
//! in one account, call by call, as [`plan`] says that each function's run makes them. [`document`] writes it all down.

mod amounts;
pub mod api;
pub mod assumptions;
pub mod bill;
mod bucket;
pub mod document;
pub mod function;
pub mod plan;
pub mod price;
pub mod quota;
mod random;
pub mod scene;
pub mod simulate;
pub mod stack;
pub mod time;
pub mod usage;

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "no count here is near 2^52")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// How many there are.
pub(crate) fn length<T>(all: &[T]) -> u32 {
    u32::try_from(all.len()).unwrap_or(u32::MAX)
}

//! What the runbook itself costs.

/// Dollars of a month in which nothing happens, as `tools/scale` counts them from the template; a test there fails where
/// it counts others.
pub(super) const DOLLARS_A_MONTH_AT_REST: u32 = 24;

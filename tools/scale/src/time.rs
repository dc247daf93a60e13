//! Simulated time.

/// Since the simulation began.
pub type Micros = u64;
pub const SECOND: Micros = 1_000_000;
pub const MINUTE: Micros = 60 * SECOND;

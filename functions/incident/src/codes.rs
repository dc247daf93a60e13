//! The reason codes of this function alone: those of its audit records about kill switches.

use shared::code::Code;

pub const STOPPED: Code = Code::new("stopped", "Somebody has set a kill switch.");
pub const LIFTED: Code = Code::new("lifted", "Somebody has lifted a kill switch.");

pub const CODES: &[&Code] = &[&STOPPED, &LIFTED];

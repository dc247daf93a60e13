//! `incident`: who handles what is wrong, from the alarm to its end.

use crate::{Does, Run, Subject};

pub static SUBJECT: Subject = Subject {
    name: "incident",
    does: Does::Records,
    hears_alarms: true,
    run: Run { computes_us: 4_000, log_lines: 1, log_bytes: 261, looks: &[], is_patient: false, calls: 0 },
};

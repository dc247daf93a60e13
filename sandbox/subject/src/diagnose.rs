//! `diagnose`: what is wrong, and what to do about it.

use crate::{Does, Run, Subject};

pub static SUBJECT: Subject = Subject {
    name: "diagnose",
    does: Does::Looks,
    hears_alarms: true,
    run: Run {
        computes_us: 150_000,
        log_lines: 1,
        log_bytes: 1_873,
        looks: &[],
        is_patient: false,
        calls: 0,
    },
};

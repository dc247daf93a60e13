//! `scale-up`: more tasks for a service that is short of them.

use crate::{
    Does,
    Read::{Alarms, Ledger, Other, Services, Tasks},
    Remedy, Run, Subject, Target,
};

pub static SUBJECT: Subject = Subject {
    name: "scale-up",
    does: Does::Changes(Remedy {
        targets: &[Target::Service],
        rivals: &["rollback", "write-freeze"],
        cooldown_seconds: 600,
        times_a_day: 6,
    }),
    hears_alarms: true,
    run: Run {
        computes_us: 8_000,
        log_lines: 2,
        log_bytes: 274 + 1_879,
        looks: &[&[&[Ledger], &[Alarms], &[Tasks], &[Services], &[Other]]],
        is_patient: false,
        calls: 5,
    },
};

//! `restart`: fresh tasks in place of those that run.

use crate::{
    Does,
    Read::{Ledger, Services, Tasks},
    Remedy, Run, Subject, Target,
};

pub static SUBJECT: Subject = Subject {
    name: "restart",
    does: Does::Changes(Remedy {
        targets: &[Target::Service],
        rivals: &["rollback"],
        cooldown_seconds: 1_800,
        times_a_day: 3,
    }),
    hears_alarms: true,
    run: Run {
        computes_us: 9_000,
        log_lines: 2,
        log_bytes: 259 + 1_837,
        looks: &[&[&[Ledger], &[Services], &[Services], &[Tasks]]],
        is_patient: false,
        calls: 4,
    },
};

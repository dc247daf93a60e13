//! `rollback`: the release before, in place of one that fails.

use crate::{
    Does,
    Read::{Ledger, Services},
    Remedy, Run, Subject, Target,
};

pub static SUBJECT: Subject = Subject {
    name: "rollback",
    does: Does::Changes(Remedy {
        targets: &[Target::Service],
        rivals: &[],
        cooldown_seconds: 1_800,
        times_a_day: 2,
    }),
    hears_alarms: true,
    run: Run {
        computes_us: 15_000,
        log_lines: 2,
        log_bytes: 261 + 2_348,
        looks: &[&[&[Ledger], &[Services], &[Services]]],
        is_patient: false,
        calls: 3,
    },
};

//! `write-freeze`: no more writes while data is at risk.

use crate::{
    Does,
    Read::{Definition, Ledger, Services},
    Remedy, Run, Subject, Target,
};

pub static SUBJECT: Subject = Subject {
    name: "write-freeze",
    does: Does::Changes(Remedy {
        targets: &[Target::Service],
        rivals: &[],
        cooldown_seconds: 600,
        times_a_day: 6,
    }),
    hears_alarms: true,
    run: Run {
        computes_us: 12_000,
        log_lines: 2,
        log_bytes: 256 + 1_894,
        looks: &[&[&[Ledger], &[Services, Definition], &[Ledger]]],
        is_patient: false,
        calls: 4,
    },
};

//! `snapshot-restore`: restores an older copy beside the live database.

use crate::{
    Does,
    Read::{Ledger, Other},
    Remedy, Run, Stage, Subject, Target,
};

const LOOK: Stage = &[&[Ledger], &[Other]];

pub static SUBJECT: Subject = Subject {
    name: "snapshot-restore",
    does: Does::Changes(Remedy {
        targets: &[Target::Database, Target::Service],
        rivals: &[],
        cooldown_seconds: 0,
        times_a_day: 3,
    }),
    hears_alarms: false,
    run: Run {
        computes_us: 6_000,
        log_lines: 4,
        log_bytes: 247 + 1_217 + 247 + 2_000,
        // Restores, and then cut-overs. Each is answered by itself: a failed read is no error of the run.
        looks: &[LOOK, LOOK],
        is_patient: true,
        calls: 4,
    },
};

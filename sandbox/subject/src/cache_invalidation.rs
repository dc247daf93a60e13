//! `cache-invalidation`: what CloudFront shows is what was deployed.

use crate::{
    Does,
    Read::{Ledger, Other},
    Remedy, Run, Subject, Target,
};

pub static SUBJECT: Subject = Subject {
    name: "cache-invalidation",
    does: Does::Changes(Remedy {
        targets: &[Target::Distribution],
        rivals: &[],
        cooldown_seconds: 600,
        times_a_day: 50,
    }),
    hears_alarms: true,
    run: Run {
        computes_us: 5_000,
        log_lines: 2,
        log_bytes: 253 + 1_108,
        looks: &[&[&[Ledger], &[Other]]],
        is_patient: false,
        calls: 2,
    },
};

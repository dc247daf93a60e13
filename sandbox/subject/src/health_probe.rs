//! `health-probe`: whether LendPeak2 answers as it should.

use crate::{Does, Run, Subject};

pub static SUBJECT: Subject = Subject {
    name: "health-probe",
    does: Does::Looks,
    hears_alarms: false,
    run: Run {
        computes_us: 2_000,
        log_lines: 1,
        // Without TLS. Of each of the six checks, 90 bytes of a TLS time and a certificate come on top.
        log_bytes: 2_529 + 6 * 90,
        looks: &[],
        is_patient: false,
        calls: 0,
    },
};

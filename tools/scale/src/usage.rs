//! What one service uses in a month.

use subject::{Does, Subject};

use crate::{
    assumptions::Assumptions,
    float, length,
    plan::{Kind, World, takes},
    price,
    stack::Stack,
    time::SECOND,
};

pub const HOURS: f64 = 730.0;
const MINUTES: f64 = HOURS * 60.0;
/// Of each log line beside its own bytes (CloudWatch Logs, `PutLogEvents`).
const LINE_OVERHEAD: f64 = 26.0;
/// Lambda's own two lines of a run, `platform.start` and `platform.report`: assumed.
const LAMBDA_LINES_BYTES: f64 = 700.0;
const LAMBDA_LINES: f64 = 2.0;
/// A claim, a record and the incident's own writes: the items that one incident left in a sandbox, by their sizes, in
/// transactions, which cost double. It was 89.
const WRITE_UNITS_AN_INCIDENT: f64 = 100.0;
const LEDGER_BYTES_AN_INCIDENT: f64 = 16_000.0;
const MONTHS_KEPT: f64 = 13.0;
/// `incident` reads the ten newest, of about 2 KB each, at 4 KB a unit, and what maintenance is announced.
const READ_UNITS_OF_A_SWEEP: f64 = 1.0 + 5.0 + 1.0;
/// With a status page: two days of the probe's minutes at half a unit for 4 KB, ninety days, and what was said of incidents.
const READ_UNITS_OF_A_PAGE: f64 = 6.0 + 7.0 + 2.0;
/// The JSON, the feeds and the page itself, every five minutes.
const FILES_OF_A_PAGE: f64 = 8.0;
const PAGES_AN_HOUR: f64 = 12.0;
/// The ledger is read by seven keys.
const READ_UNITS_OF_A_LOOK: f64 = 7.0;
/// A state machine's states, in which nothing is waited for, with a remedy and without.
const STATES_OF_AN_INCIDENT: f64 = 15.0;
const STATES_OF_A_FLAP: f64 = 9.0;
/// Wait, ask, choose.
const STATES_OF_A_LOOK: f64 = 3.0;
/// From the request to the hand-over, the approval among it.
const RESTORE_MINUTES: f64 = 75.0;
const NOTICES_OF_AN_INCIDENT: f64 = 6.0;
const NOTICES_OF_A_FLAP: f64 = 4.0;
const NOTICES_OF_A_RELEASE: f64 = 1.0;
/// Lambda asks a queue so often whether there is anything, with five at once that each wait for 20 seconds.
const ASKED_A_MINUTE: f64 = 5.0 * 3.0;
/// DynamoDB keeps a table's key for so long for each of those who use the table.
const KEY_KEPT_MINUTES: f64 = 5.0;

/// Quantities of a month, in the units of [`crate::price`].
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    pub custom_metrics: f64,
    pub alarm_metrics: f64,
    pub composite_alarms: f64,
    pub dashboards: f64,
    pub cloudwatch_requests: f64,
    pub runs: f64,
    pub gb_seconds: f64,
    pub log_gb: f64,
    pub log_gb_kept: f64,
    pub read_units: f64,
    pub write_units: f64,
    pub ledger_gb: f64,
    pub key_uses: f64,
    pub scheduled: f64,
    pub queue_requests: f64,
    pub transitions: f64,
    pub publishes: f64,
    pub emails: f64,
    pub secret_calls: f64,
    pub invalidated_paths: f64,
    pub cdn_gb: f64,
    pub cdn_requests: f64,
    pub instance_hours: f64,
    pub restored_gb_months: f64,
}

/// Why a scheduled run of it is made.
fn scheduled(function: &'static Subject) -> Kind {
    match function.does {
        Does::Looks => Kind::Probe { notes: false },
        Does::Records => Kind::Sweep,
        Does::Changes(_) => Kind::LookAfter(function),
    }
}

/// Runs by schedule in a month.
fn runs_of(stack: &Stack, function: &Subject) -> f64 {
    stack.function(function).schedules.iter().map(|one| MINUTES / f64::from(one.every_minutes)).sum()
}

/// Read units of the ledger that a scheduled run takes.
fn read_units_of(function: &Subject) -> f64 {
    match function.does {
        Does::Looks => 0.0,
        Does::Records => READ_UNITS_OF_A_SWEEP,
        Does::Changes(_) => f64::from(length(function.run.looks)) * READ_UNITS_OF_A_LOOK,
    }
}

/// Read units of a deployment's ledger in a second in which all its schedules fire.
pub fn busiest_second(stack: &Stack) -> f64 {
    let scheduled = subject::ALL.into_iter().filter(|one| !stack.function(one).schedules.is_empty());
    scheduled.map(read_units_of).sum()
}

pub fn of_a_service(stack: &Stack, assumed: &Assumptions) -> Usage {
    let world = World { stack: stack.clone(), services: 1, down: false, alarm_changes: 0 };
    let gb_seconds_of = |kind: Kind| {
        let gb = f64::from(stack.function(kind.function()).memory_mb) / 1_024.0;
        float(takes(kind, &world)) / float(SECOND) * gb
    };
    let looks_of_recovery = assumed.recovery_minutes * 60.0 / f64::from(stack.poll_seconds.max(1));
    let looks_of_restore = RESTORE_MINUTES * 60.0 / f64::from(stack.restore_poll_seconds.max(1));

    let (mut runs, mut gb_seconds, mut log_bytes, mut read_units, mut key_uses) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for function in subject::ALL {
        let of_function = runs_of(stack, function);
        let (lines, bytes) = (f64::from(function.run.log_lines), f64::from(function.run.log_bytes));
        runs += of_function;
        gb_seconds += of_function * gb_seconds_of(scheduled(function));
        log_bytes += of_function * (bytes + LAMBDA_LINES_BYTES + (lines + LAMBDA_LINES) * LINE_OVERHEAD);
        read_units += of_function * read_units_of(function);
        key_uses += of_function.min(MINUTES / KEY_KEPT_MINUTES);
    }
    let probes = runs_of(stack, &subject::health_probe::SUBJECT);
    let scheduled = runs;

    let incidents = assumed.incidents + assumed.flaps;
    let steps = [
        assumed.incidents * (STATES_OF_AN_INCIDENT + STATES_OF_A_LOOK * looks_of_recovery),
        assumed.flaps * STATES_OF_A_FLAP,
        assumed.restores * STATES_OF_A_LOOK * looks_of_restore,
    ];
    runs += assumed.incidents * (12.0 + looks_of_recovery)
        + assumed.flaps * 6.0
        + assumed.restores * looks_of_restore;
    gb_seconds += assumed.incidents * (gb_seconds_of(Kind::Diagnose) + gb_seconds_of(Kind::Roll))
        + (assumed.incidents * looks_of_recovery + assumed.flaps * 2.0)
            * gb_seconds_of(Kind::Probe { notes: false });
    let notes = probes / 10.0;
    let log_gb = log_bytes / 1e9;
    let notices = assumed.incidents * NOTICES_OF_AN_INCIDENT
        + assumed.flaps * NOTICES_OF_A_FLAP
        + assumed.releases * NOTICES_OF_A_RELEASE;
    let restored_hours = assumed.restores * assumed.restore_hours;
    Usage {
        custom_metrics: f64::from(stack.custom_metrics()),
        alarm_metrics: f64::from(stack.alarm_metrics),
        composite_alarms: f64::from(stack.resources("AWS::CloudWatch::CompositeAlarm")),
        dashboards: f64::from(stack.resources("AWS::CloudWatch::Dashboard")),
        cloudwatch_requests: probes + notes,
        runs,
        gb_seconds,
        log_gb,
        log_gb_kept: log_gb * f64::from(stack.log_retention_days) * 24.0 / HOURS,
        read_units,
        // Each minute what the probe found.
        write_units: probes + notes + incidents * WRITE_UNITS_AN_INCIDENT,
        ledger_gb: incidents * LEDGER_BYTES_AN_INCIDENT * MONTHS_KEPT / 1e9,
        key_uses: if stack.uses_account_key { key_uses } else { 0.0 },
        scheduled,
        queue_requests: f64::from(stack.queue_sources) * MINUTES * ASKED_A_MINUTE,
        transitions: steps.iter().sum(),
        publishes: notices,
        emails: notices * assumed.readers,
        secret_calls: runs_of(stack, &subject::snapshot_restore::SUBJECT),
        invalidated_paths: assumed.releases * assumed.paths,
        cdn_gb: probes * assumed.front_end_kb * 1_000.0 / 1e9,
        cdn_requests: probes * 2.0,
        instance_hours: restored_hours * assumed.restore_instances,
        restored_gb_months: restored_hours / HOURS * assumed.database_gb,
    }
}

/// What a status page adds to a service's month, in dollars. Its alarm is among the others.
pub fn of_a_page(stack: &Stack) -> f64 {
    let sweeps = runs_of(stack, &subject::incident::SUBJECT);
    price::OBJECT_PUT.of(HOURS * PAGES_AN_HOUR * FILES_OF_A_PAGE)
        + price::READ_UNIT.of(sweeps * READ_UNITS_OF_A_PAGE)
        // Before and after it, each in a transaction, which costs double.
        + price::WRITE_UNIT.of(HOURS * PAGES_AN_HOUR * 2.0 * 2.0)
}

//! The measured table, for a screen and for a document.

use std::time::Duration;

use sandbox::command::aligned;

use super::{Ended, Played};

const HEADS: [&str; 9] = [
    "drill",
    "first cause",
    "remedy",
    "end",
    "wrong actions",
    "first failing probe to action",
    "to recovery",
    "executions",
    "AWS calls",
];

/// A drill's row; or why there is none.
pub type Row = (&'static str, anyhow::Result<Played>);

/// As a person reads it in a terminal.
pub fn table(rows: &[Row]) -> String {
    let mut lines = aligned(&cells(rows));
    for (name, played) in rows {
        match played {
            Ok(played) => lines.extend(played.faults().iter().map(|fault| format!("{name}: {fault}"))),
            Err(error) => lines.push(format!("{name}: {error:#}")),
        }
    }
    lines.push(totals(rows));
    lines.join("\n")
}

/// The same as a document, with what its columns mean.
pub fn document(rows: &[Row], cores: usize) -> String {
    let cells = cells(rows);
    let line = |row: &Vec<String>| format!("| {} |", row.join(" | "));
    let mut lines: Vec<String> = cells.iter().map(line).collect();
    lines.insert(1, format!("|{}", "---|".repeat(HEADS.len())));
    format!(
        "# What the loop does in ten drills\n\n\
         `make drills` made this file: it plays each drill of `tools/drills/src/drill.rs` in a sandbox of its own, \
         one after another, with a debug build on a machine of {cores} cores. Nobody types anything: the drill goes \
         wrong, the health probe runs, and the alarms, `incident` and the state machine `service-down` do the rest.\n\n\
         {}\n\n{}\n\n\
         - **first cause**: what the state machine's first diagnosis put first; *(asked after)* where it needed no \
         diagnosis and resolved the incident by looking: then `diagnose {{}}` was asked once it was over. `none` is \
         right where nothing is wrong.\n\
         - **remedy**: every function that changed LendPeak2, by the record of all calls.\n\
         - **end**: resolved, and the probe passes; or escalated to a level of support: 1 development, 2 DevOps, 3 AWS.\n\
         - **wrong actions**: changes of LendPeak2 by any other function than the one expected. Must be 0.\n\
         - **first failing probe to action, to recovery**: from the beginning of the first run of the probe that failed \
         until the first change, and until the first of the two runs that passed. `-` where nothing was to be done, or people have it.\n\
         - **executions**: of the state machine. Must be 1: alarms that come together are one incident.\n\
         - **AWS calls**: by all functions of the runbook, from when it went wrong until the end.\n\n\
         What is faster here than in production: the state machine looks every second, and every 15 there; the probe \
         runs every 2 seconds until the incident opens and tries once, and every minute there and three times; the alarm rings at the first failing \
         probe, and after three failing minutes there; ECS replaces tasks, and CloudFront clears what it keeps, at \
         once. So the times say what the loop itself adds, not how long an outage lasts.\n",
        lines.join("\n"),
        totals(rows),
    )
}

fn cells(rows: &[Row]) -> Vec<Vec<String>> {
    let mut cells = vec![HEADS.map(str::to_owned).to_vec()];
    cells.extend(rows.iter().map(|(name, played)| match played {
        Ok(played) => row(played),
        Err(_) => [*name, "not played"].map(str::to_owned).to_vec(),
    }));
    cells
}

fn row(played: &Played) -> Vec<String> {
    let judged = |text: String, right: bool| if right { text } else { format!("{text} (WRONG)") };
    let mut cause = played.first_cause.clone().unwrap_or_else(|| "none".to_owned());
    if !played.diagnosed {
        cause.push_str(" (asked after)");
    }
    let remedy = if played.changed_by.is_empty() { "none".to_owned() } else { played.changed_by.join(", ") };
    let end = match played.ended {
        Ended::Resolved if played.passes => "recovered".to_owned(),
        Ended::Resolved => "resolved, and the probe fails".to_owned(),
        Ended::Escalated { level } => format!("escalated to level {level}"),
        Ended::Open => "open".to_owned(),
    };
    let seconds = |time: Option<Duration>| {
        time.map_or_else(|| "-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()))
    };
    vec![
        played.drill.name().to_owned(),
        judged(cause, played.is_cause_right()),
        judged(remedy, played.is_remedy_right()),
        judged(end, played.is_end_right()),
        played.wrong_actions.len().to_string(),
        seconds(played.until_action()),
        seconds(played.until_recovery()),
        played.executions.to_string(),
        played.calls.to_string(),
    ]
}

fn totals(rows: &[Row]) -> String {
    let played: Vec<&Played> = rows.iter().filter_map(|(_, played)| played.as_ref().ok()).collect();
    let count = |is: fn(&Played) -> bool| played.iter().filter(|played| is(played)).count();
    let recovered = count(|played| played.ended == Ended::Resolved && played.passes);
    let escalated = count(|played| matches!(played.ended, Ended::Escalated { .. }));
    let wrong: usize = played.iter().map(|played| played.wrong_actions.len()).sum();
    let calls: usize = played.iter().map(|played| played.calls).sum();
    format!(
        "{} drills: first cause right in {}, remedy right in {}, {recovered} recovered, {escalated} escalated, wrong \
         actions {wrong}, as expected {}; median to action {}, to recovery {}; {calls} AWS calls.",
        rows.len(),
        count(Played::is_cause_right),
        count(Played::is_remedy_right),
        count(|played| played.faults().is_empty()),
        median(played.iter().filter_map(|played| played.until_action())),
        median(played.iter().filter_map(|played| played.until_recovery())),
    )
}

fn median(times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    let last = times.len().saturating_sub(1);
    match (times.get(last / 2), times.get(last.div_ceil(2))) {
        (Some(one), Some(other)) => format!("{:.1} s", (*one + *other).as_secs_f64() / 2.0),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_that_are_nearest_to_it() {
        let of = |seconds: &[u64]| median(seconds.iter().map(|seconds| Duration::from_secs(*seconds)));
        assert_eq!([of(&[]), of(&[7]), of(&[9, 1, 2]), of(&[1, 9, 2, 3])], ["-", "7.0 s", "2.0 s", "2.5 s"]);
    }
}

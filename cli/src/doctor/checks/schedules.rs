//! The schedules that wake the functions.

use std::collections::BTreeSet;

use aws_sdk_scheduler::types::{ScheduleState, ScheduleSummary};

use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
};

/// Those that every stack has.
const ALWAYS: [&str; 7] = [
    "health-probe",
    "incident",
    "scale-up-follow-up",
    "rollback-follow-up",
    "restart-follow-up",
    "write-freeze-follow-up",
    "snapshot-restore-follow-up",
];
/// With a distribution.
const OF_FRONT_END: &str = "cache-invalidation-follow-up";
/// Unless it is left out.
const DIGEST: &str = "incident-digest";

pub(super) async fn enabled(site: &Site) -> Result<Verdict, Unseen> {
    let group = format!("lendpeak2-{}", site.stack.environment);
    let client = aws_sdk_scheduler::Client::new(&site.config);
    let mut pages = client.list_schedules().group_name(&group).into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(one) = pages.next().await {
        all.push(one.map_err(|error| {
            Failure::aws(format!("read the schedules {group}"), "scheduler:ListSchedules", &error)
        })?);
    }
    let of_front_end = site.given("DistributionId").map(|_| OF_FRONT_END);
    let digest = site.given("DigestSchedule").map(|_| DIGEST);
    let expected: Vec<&str> = ALWAYS.into_iter().chain(of_front_end).chain(digest).collect();
    Ok(judged(&group, &expected, &all, &site.stack.environment))
}

fn judged(group: &str, expected: &[&str], all: &[ScheduleSummary], environment: &str) -> Verdict {
    let there: BTreeSet<&str> = all.iter().filter_map(|one| one.name()).collect();
    let missing: Vec<&str> = expected.iter().copied().filter(|name| !there.contains(name)).collect();
    if !missing.is_empty() {
        let mend = format!("make deploy ENV={environment}");
        return Verdict::bad(format!("not there: {}", missing.join(", ")), harm(&missing), mend);
    }
    let off: Vec<&str> = all
        .iter()
        .filter(|one| one.state() != Some(&ScheduleState::Enabled))
        .filter_map(|one| one.name())
        .collect();
    match off.first() {
        Some(first) => {
            Verdict::bad(format!("switched off: {}", off.join(", ")), harm(&off), enable(group, first))
        }
        None => Verdict::ok(format!("{} schedules are on", all.len())),
    }
}

fn harm(names: &[&str]) -> &'static str {
    if names.contains(&"health-probe") {
        "nobody notices an outage before users do"
    } else if names.contains(&"incident") {
        "an incident that nobody answers does not go up, and what is owed is not told"
    } else if names.iter().all(|name| *name == DIGEST) {
        "nobody gets the week's report"
    } else {
        "what a remedy began is not finished, nor put back once its time is over"
    }
}

/// An update replaces all of a schedule: what is there is read, and sent back switched on.
fn enable(group: &str, name: &str) -> String {
    format!(
        "aws scheduler update-schedule --cli-input-json \"$(aws scheduler get-schedule --group-name {group} --name {name} \
         --query '{{Name: Name, GroupName: GroupName, Description: Description, ScheduleExpression: ScheduleExpression, \
         FlexibleTimeWindow: FlexibleTimeWindow, Target: Target, State: `\"ENABLED\"`}}')\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::verdict::Word;

    #[test]
    fn the_template_has_these_schedules_and_no_others() {
        let template = include_str!("../../../../template.yaml");
        let mut lines = template.lines().map(str::trim);
        let mut there = BTreeSet::new();
        while let Some(line) = lines.next() {
            if ["Type: ScheduleV2", "Type: AWS::Scheduler::Schedule"].contains(&line) {
                there.extend(lines.find_map(|line| line.strip_prefix("Name: ")));
            }
        }
        assert_eq!(there, ALWAYS.into_iter().chain([OF_FRONT_END, DIGEST]).collect());
    }

    fn schedule(name: &str, state: ScheduleState) -> ScheduleSummary {
        ScheduleSummary::builder().name(name).state(state).build()
    }

    #[test]
    fn one_that_is_off_or_not_there_is_bad() {
        let of = |all: &[ScheduleSummary]| judged("g", &["health-probe", "incident"], all, "production");
        let (on, off) = (ScheduleState::Enabled, ScheduleState::Disabled);
        let well = of(&[schedule("health-probe", on.clone()), schedule("incident", on.clone())]);
        assert_eq!(well, Verdict::ok("2 schedules are on"));
        let silent = of(&[schedule("health-probe", on.clone()), schedule("incident", off)]);
        assert_eq!((silent.word, silent.says.as_str()), (Word::Bad, "switched off: incident"));
        assert!(silent.mend.contains("--group-name g --name incident"), "{}", silent.mend);
        let digest = judged("g", &[DIGEST], &[schedule(DIGEST, ScheduleState::Disabled)], "production");
        assert_eq!(digest.costs, "nobody gets the week's report");
        let missing = of(&[schedule("incident", on)]);
        assert_eq!(missing.costs, "nobody notices an outage before users do");
        assert_eq!(missing.mend, "make deploy ENV=production");
    }
}

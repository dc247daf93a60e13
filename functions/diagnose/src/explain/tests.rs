use std::collections::BTreeSet;

use super::*;
use crate::{
    chapter::Chapter,
    finding::Impact::{self, Degraded, Down, Risk, Untidy},
    rules,
};

fn found(cause: &'static str, confidence: Confidence, impact: Impact) -> Finding {
    Finding { cause: cause.into(), ..Finding::new(confidence, impact, cause) }
}

fn shown(findings: Vec<Finding>) -> Vec<(String, Vec<String>)> {
    let consequences = |found: &Finding| found.explains.iter().map(|one| one.cause.to_string()).collect();
    ranked(findings).iter().map(|found| (found.cause.to_string(), consequences(found))).collect()
}

#[test]
fn a_dead_database_is_one_finding_with_its_consequences() {
    let all = vec![
        found("status_code", Confidence::Certain, Down),
        found("target_response_mismatch", Confidence::Certain, Down),
        found("database_down", Confidence::Likely, Down),
        found("container_exits", Confidence::Certain, Degraded),
    ];
    let expected = ["status_code", "target_response_mismatch", "container_exits"];
    let shown = shown(all);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].0, "database_down");
    assert_eq!(shown[0].1.iter().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(expected));
}

#[test]
fn what_is_only_possible_explains_nothing_and_comes_later() {
    let all = vec![
        found("database_down", Confidence::Possible, Down),
        found("status_code", Confidence::Certain, Down),
        found("alarm_flaps", Confidence::Certain, Untidy),
        found("volume_grows_fast", Confidence::Likely, Risk),
    ];
    let order: Vec<String> = shown(all).into_iter().map(|(cause, _)| cause).collect();
    assert_eq!(order, ["status_code", "database_down", "volume_grows_fast", "alarm_flaps"]);
}

/// The period of a metric may have begun before the change that it shows.
#[test]
fn what_comes_of_a_change_did_not_begin_before_it() {
    let at = |minute: i64| Some(jiff::Timestamp::from_second(1_795_500_000 + minute * 60).unwrap());
    let began = |cause: Finding| {
        let consequence = |minute| found("status_code", Confidence::Certain, Down).since(at(minute));
        [0, 4, 9].map(|minute| ranked(vec![cause.clone(), consequence(minute)])[0].since)
    };
    let release = || found("release_broke_it", Confidence::Likely, Down);
    assert_eq!(began(release().since(at(6)).not_before(at(3))), [at(3), at(4), at(6)]);
    assert_eq!(began(release().not_before(at(3))), [at(3), at(4), at(9)]);
    assert_eq!(began(found("database_down", Confidence::Likely, Down).since(at(6))), [at(0), at(4), at(6)]);
    assert_eq!(release().not_before(at(3)).since, None);
    assert_eq!(release().since(at(1)).not_before(at(3)).since, at(3));
}

#[test]
fn a_chain_of_causes_ends_at_its_root() {
    let all = vec![
        found("no_spare_tasks", Confidence::Likely, Degraded),
        found("idle_timeout_too_short", Confidence::Certain, Degraded),
        found("at_maximum", Confidence::Certain, Degraded),
    ];
    let shown = shown(all);
    assert_eq!((shown.len(), shown[0].0.as_str(), shown[0].1.len()), (1, "at_maximum", 2));
}

#[test]
fn every_cause_in_the_table_is_one_that_a_rule_looks_for() {
    let known: BTreeSet<&str> =
        Chapter::ALL.iter().flat_map(|chapter| rules::of(*chapter)).map(|rule| rule.cause).collect();
    for (causes, groups) in EXPLAINS {
        for name in causes.iter().chain(groups.iter().copied().flatten()) {
            assert!(known.contains(name), "{name}");
        }
    }
}

#[test]
fn nothing_explains_itself_by_a_detour() {
    for cause in EXPLAINS.iter().flat_map(|(causes, _)| causes.iter()) {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut next = vec![*cause];
        while let Some(one) = next.pop() {
            next.extend(consequences(one).filter(|name| reached.insert(name)));
        }
        assert!(!reached.contains(cause), "{cause}");
    }
}

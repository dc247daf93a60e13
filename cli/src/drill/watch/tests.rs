use super::{super::record::tests::record, *};

fn bad() -> Option<String> {
    record().copy
}

fn good() -> String {
    record().before
}

fn passes() -> (bool, String) {
    (true, "all checks passed".to_owned())
}

fn fails() -> (bool, String) {
    (false, "API fails".to_owned())
}

fn open(ids: &[&str]) -> Incidents {
    Incidents { open: ids.iter().map(|id| (*id).to_owned()).collect(), over: Vec::new() }
}

fn over(ids: &[&str]) -> Incidents {
    Incidents { open: Vec::new(), over: ids.iter().map(|id| (*id).to_owned()).collect() }
}

fn rolled_back() -> Vec<(String, bool, String)> {
    vec![("rollback".to_owned(), true, "backend: backend:2 → :1".to_owned())]
}

/// Looks so many seconds after the break: what was seen, what is new at each, and how it ends after the last.
fn see(looks: &[(u64, Look)]) -> (Seen, Vec<String>, Option<End>) {
    let (mut seen, mut said, mut end) = (Seen::default(), Vec::new(), None);
    for (after, look) in looks {
        let after = Duration::from_secs(*after);
        let new = seen.add(after, look, &record());
        said.extend(new.iter().map(|event| format!("{:.0} {}", event.after_seconds, event.what)));
        end = seen.end(after);
    }
    (seen, said, end)
}

fn look(runs: impl Into<Option<String>>, health: (bool, String), incidents: Incidents) -> Look {
    Look { runs: runs.into(), health: Some(health), incidents: Some(incidents), ..Look::default() }
}

#[test]
fn what_the_loop_heals_is_measured_from_the_break_on() {
    let acted = Look { records: rolled_back(), ..look(good(), fails(), open(&["i"])) };
    let (seen, said, end) = see(&[
        (0, look(bad(), passes(), open(&[]))),
        (2, look(bad(), fails(), open(&[]))),
        (4, look(bad(), fails(), open(&["i"]))),
        (6, acted.clone()),
        (8, Look { records: rolled_back(), ..look(good(), passes(), open(&["i"])) }),
        (10, Look { records: rolled_back(), ..look(good(), passes(), over(&["i"])) }),
    ]);
    assert_eq!(
        said,
        [
            "2 the probe: API fails",
            "4 incident i was opened",
            "6 backend was set to backend:1",
            "6 rollback: backend: backend:2 → :1",
            "8 the probe: all checks passed",
            "10 incident i is over",
        ]
    );
    assert_eq!(
        (seen.failed, seen.detected, seen.acted, seen.recovered, seen.acted_by.as_deref()),
        (Some(2.0), Some(4.0), Some(6.0), Some(8.0), Some("rollback"))
    );
    assert_eq!(end, Some(End::Healed));
}

#[test]
fn it_is_not_over_while_an_incident_is_open_or_the_probe_fails() {
    let healed = Look { records: rolled_back(), ..look(good(), passes(), open(&["i"])) };
    assert_eq!(see(&[(6, healed.clone())]).2, None);
    let fails_again = look(good(), fails(), over(&["i"]));
    let (seen, _, end) = see(&[(6, healed.clone()), (8, fails_again)]);
    assert_eq!((seen.recovered, end), (None, None));
    let reopened = [
        (6, healed.clone()),
        (8, look(good(), passes(), over(&["i"]))),
        (10, look(good(), passes(), open(&["i"]))),
    ];
    let (_, said, end) = see(&reopened);
    assert_eq!(end, None);
    assert_eq!(said.last().map(String::as_str), Some("10 incident i was opened again"));
}

#[test]
fn a_release_that_breaks_nothing_never_recovers() {
    let (seen, said, end) =
        see(&[(2, look(bad(), passes(), open(&[]))), (900, look(bad(), passes(), open(&[])))]);
    assert_eq!((seen, said.len(), end), (Seen { runs: bad(), ..Seen::default() }, 0, None));
}

#[test]
fn without_an_incident_a_recovery_has_to_last() {
    let healed = Look { records: rolled_back(), ..look(good(), passes(), open(&[])) };
    assert_eq!(see(&[(2, healed.clone()), (100, healed.clone())]).2, None);
    assert_eq!(see(&[(2, healed.clone()), (302, healed)]).2, Some(End::Healed));
}

#[test]
fn what_ecs_gave_up_itself_was_healed_without_a_person() {
    let back = Look { ecs_went_back: true, ..look(good(), passes(), over(&["i"])) };
    let (seen, said, end) = see(&[(2, look(bad(), fails(), open(&["i"]))), (60, back)]);
    assert_eq!((seen.acted_by.as_deref(), end), (Some("ECS"), Some(End::Healed)));
    assert!(
        said.iter().any(|line| line.contains("by ECS itself, which gave the bad release up")),
        "{said:?}"
    );
}

#[test]
fn a_release_of_somebody_else_is_not_the_loops_doing() {
    let third = "arn:aws:ecs:us-east-1:123456789012:task-definition/backend:3".to_owned();
    let (seen, said, end) =
        see(&[(2, look(bad(), fails(), open(&["i"]))), (60, look(third, passes(), over(&["i"])))]);
    assert_eq!((seen.acted, end), (None, Some(End::ByOthers)));
    assert!(said.contains(&"60 backend was set to backend:3".to_owned()), "{said:?}");
}

#[test]
fn what_only_asks_has_not_acted() {
    let asks = Look {
        records: vec![("rollback".to_owned(), false, "waits for approval".to_owned())],
        ..look(bad(), fails(), open(&["i"]))
    };
    let (seen, said, _) = see(&[(4, asks.clone()), (6, asks)]);
    assert_eq!(seen.acted, None);
    assert_eq!(said.iter().filter(|line| line.contains("waits for approval")).count(), 1);
}

#[test]
fn what_cannot_be_read_is_said_once_and_decides_nothing() {
    let unread = Look { unread: vec!["cannot ask incident".to_owned()], ..Look::default() };
    let (seen, said, end) = see(&[(2, unread.clone()), (4, unread)]);
    assert_eq!((said, end), (vec!["2 cannot ask incident".to_owned()], None));
    assert_eq!((seen.detected, seen.recovered), (None, None));
}

#[test]
fn a_remedy_has_acted_when_the_service_shows_it() {
    let back = look(good(), passes(), open(&[]));
    let told = Look { records: rolled_back(), ..back.clone() };
    let (seen, ..) = see(&[(2, look(bad(), fails(), open(&[]))), (6, back), (8, told)]);
    assert_eq!((seen.detected, seen.acted, seen.recovered), (Some(6.0), Some(6.0), Some(6.0)));
    assert_eq!(seen.end_at_last(), End::Healed);
}

#[test]
fn when_the_time_is_over_only_what_has_recovered_was_healed() {
    let fails = look(bad(), fails(), open(&["i"]));
    let at_last = |last: Look| see(&[(2, fails.clone()), (8, last)]).0.end_at_last();
    let healed = |incidents| Look { records: rolled_back(), ..look(good(), passes(), incidents) };
    assert_eq!(at_last(fails.clone()), End::NotHealed);
    assert_eq!(at_last(healed(open(&["i"]))), End::NotHealed);
    assert_eq!(at_last(healed(over(&["i"]))), End::Healed);
    assert_eq!(at_last(look(good(), passes(), over(&["i"]))), End::ByOthers);
}

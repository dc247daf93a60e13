use super::super::items::item_key;

use super::*;

fn now() -> Timestamp {
    "2026-11-28T20:05:00Z".parse().unwrap()
}

fn switch(name: &str, more: &[(&str, &str)]) -> Switch {
    let mut item = item_key(KILL_SWITCH, name);
    for (field, value) in more {
        item.insert((*field).to_owned(), string(*value));
    }
    Switch::of(&item, &["scale-up".to_owned(), "rollback".to_owned()])
}

#[test]
fn a_functions_name_stops_that_function_and_any_other_name_stops_all() {
    let stops = |name: &str| ["scale-up", "rollback"].map(|function| switch(name, &[]).stops(function));
    assert_eq!(stops("scale-up"), [true, false]);
    for name in ["all", "ALL", "*", "all ", "scale_up", "lendpeak2-production-scale-up", "日本"] {
        assert_eq!(stops(name), [true, true], "{name}");
    }
}

#[test]
fn it_is_on_until_its_end_and_for_ever_where_that_cannot_be_read() {
    let on = |until: &str| switch("all", &[("until", until)]).is_on(now());
    assert_eq!(
        ["2026-11-28T20:05:00.000Z", "2026-11-28T20:05:01.000Z", "tomorrow", ""].map(on),
        [false, true, true, true]
    );
}

#[test]
fn it_is_told_with_who_why_and_how_long() {
    let set = [("by", "Ana"), ("reason", "the sale\nhas begun"), ("at", "2026-11-28T20:00:00.000Z")];
    assert_eq!(
        switch("scale-up", &set).in_words(now()),
        "the kill switch `scale-up` is on for 5 min (by Ana: the sale has begun)"
    );
    assert_eq!(
        switch("ALL", &[("until", "2026-11-28T22:00:00.000Z")]).in_words(now()),
        "the kill switch `ALL`, a name of no function, which stops all, is on, until 2026-11-28 22:00:00 UTC"
    );
}

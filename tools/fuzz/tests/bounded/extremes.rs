//! Every time and every number that a run leaves in the ledger, at its edges: a run that finds it ends all the same.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use functions::{FUNCTIONS, Function};
use fuzz::{claims, harness::with_harness, json::is_time, seeds, table::Table, world::Mutated};
use jiff::Timestamp;
use serde_json::Value;

use crate::alone;

const TIMES: [&str; 2] = ["-009999-01-02T01:59:59Z", "9999-12-30T22:00:00.999999999Z"];

#[test]
fn an_item_at_the_edge_of_time_ends_no_run() {
    let _alone = alone();
    let mut tried = 0;
    let mut ended = BTreeSet::new();
    for function in FUNCTIONS.iter().map(Function::name) {
        let Some(left) = left_by_a_run(function) else { continue };
        let events = events(function, &left);
        for (what, changed) in changed(&left) {
            for event in &events {
                let run = || {
                    with_harness(|harness| {
                        harness.wire.begin(Mutated::None, &[]);
                        harness.wire.world().table = changed.clone();
                        let answer = harness.handle(function, event.clone());
                        claims::answer_can_be_sent(&answer, &harness.wire.world());
                    });
                };
                if catch_unwind(AssertUnwindSafe(run)).is_err() {
                    ended.insert(format!("{function}: {what}"));
                }
                tried += 1;
            }
        }
    }
    assert!(ended.is_empty(), "these end a run: {ended:#?}");
    assert!(tried > 100, "only {tried} runs found something");
}

/// What the event that leaves most leaves.
fn left_by_a_run(function: &str) -> Option<Table> {
    let tables = seeds::events(function).iter().map(|(_, event)| {
        let mut event = event.clone();
        seeds::refresh(&mut event, &Timestamp::now().to_string());
        with_harness(|harness| {
            harness.wire.begin(Mutated::None, &[]);
            let _ = harness.handle(function, event.to_string());
            harness.wire.world().table.clone()
        })
    });
    tables.filter(|table| !table.is_empty()).max_by_key(Table::len)
}

/// The table with one time or number in one item changed, for each of them.
fn changed(table: &Table) -> Vec<(String, Table)> {
    let mut tables = Vec::new();
    for place in 0..table.len() {
        let content =
            |item: &Value| -> Option<Value> { serde_json::from_str(item.pointer("/data/S")?.as_str()?).ok() };
        let Some(known) = table.clone().items_mut().nth(place).and_then(|item| content(item)) else {
            continue;
        };
        for (path, extreme) in extremes(&known, "") {
            let mut changed = known.clone();
            *changed.pointer_mut(&path).unwrap() = extreme;
            let mut other = table.clone();
            other.items_mut().nth(place).unwrap()["data"]["S"] = changed.to_string().into();
            tables.push((format!("{path} {:?}", changed.pointer(&path).unwrap()), other));
        }
        let mut other = table.clone();
        let version = other.items_mut().nth(place).and_then(|item| item.pointer_mut("/version/N"));
        if let Some(version) = version {
            *version = u64::MAX.to_string().into();
            tables.push(("version".to_owned(), other));
        }
    }
    tables
}

fn extremes(value: &Value, path: &str) -> Vec<(String, Value)> {
    match value {
        Value::String(text) if is_time(text) => TIMES.map(|time| (path.to_owned(), time.into())).into(),
        Value::Number(_) => [255_u32, u32::MAX].map(|number| (path.to_owned(), number.into())).into(),
        // What is as yet unknown may be a time too.
        Value::Null => vec![(path.to_owned(), TIMES[1].into())],
        Value::Array(values) => values
            .iter()
            .zip(0..)
            .flat_map(|(value, place)| extremes(value, &format!("{path}/{place}")))
            .collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| extremes(value, &format!("{path}/{name}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// What reads what was left: the scheduled run; of an incident, all that people may say too.
fn events(function: &str, left: &Table) -> Vec<String> {
    const SAMPLE: &str = "20260120-102913-service-down";
    const SAID: [&str; 7] = [
        "schedule.json",
        "show.json",
        "escalate.json",
        "resolve.json",
        "acknowledge.json",
        "list.json",
        "alarm-ok-sns.json",
    ];
    let now = Timestamp::now().to_string();
    let is_incident = |item: &&mut Value| item.pointer("/pk/S") == Some(&"incidents".into());
    let incident =
        left.clone().items_mut().find(is_incident).map(|item| item["sk"]["S"].as_str().unwrap().to_owned());
    let said = if function == "incident" { &SAID[..] } else { &SAID[..1] };
    let events = seeds::events(function).iter().filter(|(name, _)| said.contains(&name.as_str()));
    events
        .map(|(_, event)| {
            let mut event = event.clone();
            seeds::refresh(&mut event, &now);
            event.to_string().replace(SAMPLE, incident.as_deref().unwrap_or_default())
        })
        .collect()
}

//! `template.yaml` has one block a function, in the order of the subjects, and all of them are of one shape.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context, Result, ensure};
use sandbox::workspace;
use serde_json::Value;
use subject::Subject;

use crate::template::document::Template;

/// What the resources of a function add to its name, in their order.
const OF_ALL: [&str; 3] = ["", "Logs", "Role"];
/// The same for one that alarms wake.
const OF_ALARMS: [&str; 2] = ["Alarms", "AlarmsPolicy"];
/// What a block has after them, and why.
const AFTER: [(&str, [&str; 3], &str); 2] = [
    (
        "snapshot-restore",
        ["SnapshotRestoreSteps", "SnapshotRestoreStepsLogs", "SnapshotRestoreStepsRole"],
        "the state machine that asks it for each step",
    ),
    ("incident", ["ServiceDown", "ServiceDownLogs", "ServiceDownRole"], "the state machine that it starts"),
];
/// The events that several functions have.
const EVENTS: [&str; 3] = ["Alarm", "EveryMinute", "FollowUp"];
/// What each function has of its own.
const ITS_OWN: [&str; 7] = [
    "Description",
    "Environment",
    "Events",
    "Events.EveryMinute.Description",
    "Events.EveryMinute.ScheduleExpression",
    "Events.FollowUp.Description",
    "Role.Policies",
];
/// Where a function is not as the others are, and why.
const DIFFERS: [(&str, &str, &str); 8] = [
    ("cache-invalidation", "Condition", "without a distribution it is left out, with all that is its own"),
    (
        "diagnose",
        "Alarms.DisplayName",
        "an alarm does not set it to work on the stack, but has its cause looked for",
    ),
    ("diagnose", "EventInvokeConfig", "it only looks: the next event looks again"),
    ("health-probe", "EventInvokeConfig", "the next minute's run is the better retry"),
    ("incident", "Alarms.DisplayName", "an alarm opens an incident"),
    (
        "incident",
        "Events.EveryMinute.FlexibleTimeWindow",
        "it need not run at once, and fifty deployments would",
    ),
    ("incident", "Timeout", "it reads and writes the ledger only, and runs again in a minute"),
    ("snapshot-restore", "VpcConfig", "it may run in the database's network"),
];

fn suffixes(subject: &Subject) -> impl Iterator<Item = &'static str> {
    OF_ALL.into_iter().chain(OF_ALARMS.into_iter().filter(move |_| subject.hears_alarms))
}

/// A resource as it is written.
struct Resource {
    name: String,
    /// Its fields and its properties, in their order.
    keys: Vec<String>,
}

/// The resources under each heading.
fn blocks() -> Result<Vec<(String, Vec<Resource>)>> {
    const OF_A_RESOURCE: usize = 2;
    const OF_A_FIELD: usize = 4;
    const OF_A_PROPERTY: usize = 6;
    let template = fs::read_to_string(workspace().join("template.yaml"))?;
    let (_, resources) = template.split_once("\nResources:\n").context("there are no resources")?;
    let (resources, _) = resources.split_once("\nOutputs:\n").context("there are no outputs")?;
    let mut blocks: Vec<(String, Vec<Resource>)> = Vec::new();
    for line in resources.lines() {
        if let Some(heading) = line.strip_prefix("  # ---") {
            blocks.push((heading.trim_start_matches('-').trim().to_owned(), Vec::new()));
            continue;
        }
        let Some((_, block)) = blocks.last_mut() else { continue };
        let word = line.trim_start();
        let is_key = word.starts_with(|first: char| first.is_ascii_uppercase());
        let Some((key, _)) = word.split_once(':').filter(|_| is_key) else { continue };
        match line.len() - word.len() {
            OF_A_RESOURCE => block.push(Resource { name: key.to_owned(), keys: Vec::new() }),
            OF_A_FIELD | OF_A_PROPERTY => {
                block.last_mut().context("a field of nothing")?.keys.push(key.to_owned());
            }
            _ => {}
        }
    }
    Ok(blocks)
}

/// Whether it is said above why a function differs there.
fn is_explained(function: &str, path: &str) -> bool {
    DIFFERS.iter().any(|(known, there, _)| *known == function && stands_for(there, path))
}

/// A field is the same one in each resource of a function.
fn stands_for(there: &str, path: &str) -> bool {
    path.strip_suffix(there).is_some_and(|resource| resource.is_empty() || resource.ends_with('.'))
}

fn path(part: &str, key: &str) -> String {
    if part.is_empty() { key.to_owned() } else { format!("{part}.{key}") }
}

#[test]
fn each_function_has_a_block_with_its_resources_in_their_order() -> Result<()> {
    let blocks = blocks()?;
    let headings = blocks.iter().map(|(heading, _)| heading.as_str());
    let of_functions: Vec<&str> = headings.filter(|heading| subject::named(heading).is_some()).collect();
    assert_eq!(of_functions, subject::ALL.map(|subject| subject.name));
    // The first function's, by resource: none that comes first has a field of its own.
    let mut keys: BTreeMap<&str, &Vec<String>> = BTreeMap::new();
    for subject in subject::ALL {
        let (_, block) = blocks.iter().find(|(heading, _)| heading == subject.name).context("no block")?;
        let named: Vec<&str> = block.iter().map(|resource| resource.name.as_str()).collect();
        let own = suffixes(subject).map(|suffix| format!("{}{suffix}", subject.camel()));
        let after = AFTER.iter().filter(|(function, _, _)| *function == subject.name);
        let after = after.flat_map(|(_, names, _)| names).map(|name| (*name).to_owned());
        assert_eq!(named, own.chain(after).collect::<Vec<_>>(), "{}", subject.name);
        for (suffix, resource) in suffixes(subject).zip(block) {
            let usual = keys.entry(suffix).or_insert(&resource.keys);
            let own = |key: &String| !usual.contains(key) && is_explained(subject.name, &path(suffix, key));
            let in_order: Vec<&String> = resource.keys.iter().filter(|key| !own(key)).collect();
            assert!(in_order.into_iter().eq(usual.iter()), "{}: {:?}", resource.name, resource.keys);
        }
    }
    Ok(())
}

/// The fields of the parts that several functions have: each resource, and each event.
fn parts<'a>(
    template: &'a Template,
    subject: &Subject,
) -> Result<Vec<(String, BTreeMap<&'a str, &'a Value>)>> {
    let mut parts = Vec::new();
    for suffix in suffixes(subject) {
        let name = format!("{}{suffix}", subject.camel());
        let fields = template.0["Resources"][&name].as_object().with_context(|| format!("no {name}"))?;
        let properties = fields.get("Properties").and_then(Value::as_object).into_iter().flatten();
        let fields = fields.iter().filter(|(key, _)| *key != "Properties").chain(properties);
        parts.push((suffix.to_owned(), fields.map(|(key, value)| (key.as_str(), value)).collect()));
    }
    let events = &template.0["Resources"][subject.camel()]["Properties"]["Events"];
    for event in EVENTS {
        if let Some(properties) = events[event]["Properties"].as_object() {
            let properties = properties.iter().map(|(key, value)| (key.as_str(), value));
            parts.push((format!("Events.{event}"), properties.collect()));
        }
    }
    Ok(parts)
}

/// The usual value is the one that most functions have: whoever changes one of them changes all, or says why not.
#[test]
fn what_a_function_has_as_others_do_it_has_the_same() -> Result<()> {
    type Fields<'a> = BTreeMap<&'a str, String>;
    let template = Template::read()?;
    // By part and key: each function's value, with no function's name in it, or that it has none.
    let mut written: BTreeMap<String, Vec<(&Subject, Fields)>> = BTreeMap::new();
    for subject in subject::ALL {
        let camel = subject.camel();
        let of_any = |value: &Value| {
            value.to_string().replace(&camel, "<Function>").replace(subject.name, "<function>")
        };
        for (part, fields) in parts(&template, subject)? {
            let fields = fields.into_iter().map(|(key, value)| (key, of_any(value))).collect();
            written.entry(part).or_default().push((subject, fields));
        }
    }
    let (mut differs, mut wrong) = (BTreeSet::new(), Vec::new());
    for (part, functions) in &written {
        let keys: BTreeSet<&str> = functions.iter().flat_map(|(_, fields)| fields.keys().copied()).collect();
        for key in keys {
            let path = path(part, key);
            if ITS_OWN.contains(&path.as_str()) {
                continue;
            }
            let values: Vec<Option<&String>> = functions.iter().map(|(_, fields)| fields.get(key)).collect();
            let times = |value: Option<&String>| values.iter().filter(|other| **other == value).count();
            let most = values.iter().copied().map(times).max().unwrap_or_default();
            let usual = values.iter().copied().find(|value| times(*value) == most).flatten();
            for ((subject, _), value) in functions.iter().zip(&values).filter(|(_, value)| **value != usual) {
                if is_explained(subject.name, &path) {
                    differs.insert((subject.name, path.clone()));
                } else {
                    wrong.push(format!("{}: {path} is {value:?}, and elsewhere {usual:?}", subject.name));
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (function, there, _) in DIFFERS {
        let is_needed = differs.iter().any(|(name, path)| *name == function && stands_for(there, path));
        ensure!(is_needed, "{function} does not differ in {there} any more");
    }
    Ok(())
}

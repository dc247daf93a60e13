//! The JSON, beside the fields that other tools read.

use std::collections::BTreeSet;

use serde_json::Value;
use status_page::{Page, files};

use crate::states;

const PAGE: &[&str] = &["id", "name", "url", "time_zone", "updated_at"];
const STATUS: &[&str] = &["indicator", "description"];
const COMPONENT: &[&str] = &[
    "id",
    "name",
    "status",
    "description",
    "position",
    "group",
    "group_id",
    "page_id",
    "showcase",
    "start_date",
    "only_show_if_degraded",
    "created_at",
    "updated_at",
];
const INCIDENT: &[&str] = &[
    "id",
    "name",
    "status",
    "impact",
    "shortlink",
    "page_id",
    "created_at",
    "started_at",
    "updated_at",
    "monitoring_at",
    "resolved_at",
    "components",
    "incident_updates",
];
const SCHEDULED: &[&str] = &["scheduled_for", "scheduled_until"];
const UPDATE: &[&str] =
    &["id", "incident_id", "status", "body", "created_at", "display_at", "updated_at", "affected_components"];
const AFFECTED: &[&str] = &["code", "name", "old_status", "new_status"];
const COMPONENT_STATUSES: &[&str] =
    &["operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"];

fn document(page: &Page, name: &str) -> Value {
    let path = format!("api/v2/{name}.json");
    let file = files(page).into_iter().find(|file| file.path == path).unwrap();
    serde_json::from_str(&file.body).unwrap()
}

fn has_fields(value: &Value, expected: &[&[&str]]) {
    let fields: BTreeSet<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, expected.concat().into_iter().collect::<BTreeSet<&str>>(), "{value}");
}

fn is_one_of(value: &Value, known: &[&str]) {
    assert!(known.contains(&value.as_str().unwrap()), "{value} is none of {known:?}");
}

fn is_time(value: &Value) {
    assert!(value.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{value}");
}

fn list<'a>(value: &'a Value, field: &str) -> &'a Vec<Value> {
    value[field].as_array().unwrap()
}

fn check_component(component: &Value) {
    has_fields(component, &[COMPONENT]);
    is_one_of(&component["status"], COMPONENT_STATUSES);
    is_time(&component["created_at"]);
    is_time(&component["updated_at"]);
}

fn check_incident(incident: &Value, more: &[&str], statuses: &[&str], impacts: &[&str]) {
    has_fields(incident, &[INCIDENT, more]);
    is_one_of(&incident["status"], statuses);
    is_one_of(&incident["impact"], impacts);
    for field in ["created_at", "started_at", "updated_at"].iter().chain(more) {
        is_time(&incident[field]);
    }
    list(incident, "components").iter().for_each(check_component);
    assert!(!list(incident, "incident_updates").is_empty());
    for update in list(incident, "incident_updates") {
        has_fields(update, &[UPDATE]);
        is_one_of(&update["status"], statuses);
        assert_eq!(update["incident_id"], incident["id"]);
        for affected in list(update, "affected_components") {
            has_fields(affected, &[AFFECTED]);
            is_one_of(&affected["old_status"], COMPONENT_STATUSES);
            is_one_of(&affected["new_status"], COMPONENT_STATUSES);
        }
    }
}

fn check(document: &Value, fields: &[&str]) {
    has_fields(document, &[&["page"], fields]);
    has_fields(&document["page"], &[PAGE]);
    if fields.contains(&"status") {
        has_fields(&document["status"], &[STATUS]);
        is_one_of(&document["status"]["indicator"], &["none", "minor", "major", "critical", "maintenance"]);
    }
    if fields.contains(&"components") {
        list(document, "components").iter().for_each(check_component);
    }
    if fields.contains(&"incidents") {
        for incident in list(document, "incidents") {
            let statuses = ["investigating", "identified", "monitoring", "resolved", "postmortem"];
            check_incident(incident, &[], &statuses, &["none", "minor", "major", "critical"]);
        }
    }
    if fields.contains(&"scheduled_maintenances") {
        for work in list(document, "scheduled_maintenances") {
            let statuses = ["scheduled", "in_progress", "verifying", "completed"];
            check_incident(work, SCHEDULED, &statuses, &["maintenance"]);
        }
    }
}

#[test]
fn every_document_has_the_fields_and_words_that_tools_read() {
    for (_, page) in states::all().into_iter().chain([("empty", states::empty())]) {
        let all = ["status", "components", "incidents", "scheduled_maintenances"];
        check(&document(&page, "summary"), &all);
        check(&document(&page, "status"), &["status"]);
        check(&document(&page, "components"), &["components"]);
        check(&document(&page, "incidents"), &["incidents"]);
        check(&document(&page, "scheduled-maintenances"), &["scheduled_maintenances"]);
    }
}

#[test]
fn the_summary_has_what_is_open_and_the_lists_have_all() {
    let numbers = |state: &str| {
        let page = states::all().into_iter().find(|(name, _)| *name == state).unwrap().1;
        let summary = document(&page, "summary");
        [
            list(&summary, "incidents").len(),
            list(&document(&page, "incidents"), "incidents").len(),
            list(&summary, "scheduled_maintenances").len(),
            list(&document(&page, "scheduled-maintenances"), "scheduled_maintenances").len(),
        ]
    };
    assert_eq!(numbers("all-well"), [0, 1, 0, 0]);
    assert_eq!(numbers("two-incidents"), [2, 2, 0, 0]);
    assert_eq!(numbers("maintenance-while"), [0, 0, 2, 2]);
    assert_eq!(numbers("maintenance-after"), [0, 0, 0, 3]);
    assert_eq!(numbers("four-hundred-days"), [0, 21, 0, 0]);
}

#[test]
fn every_group_is_a_component_before_its_own() {
    let page = states::all().into_iter().find(|(name, _)| *name == "two-incidents").unwrap().1;
    let document = document(&page, "components");
    let told: Vec<[&str; 3]> = list(&document, "components")
        .iter()
        .map(|component| {
            ["id", "group_id", "status"].map(|field| component[field].as_str().unwrap_or("none"))
        })
        .collect();
    let expected = [
        ["web-app", "none", "operational"],
        ["group-programs", "none", "major_outage"],
        ["api", "group-programs", "major_outage"],
        ["webhooks", "group-programs", "operational"],
        ["group-data", "none", "operational"],
        ["reports", "group-data", "operational"],
    ];
    assert_eq!(told, expected);
}

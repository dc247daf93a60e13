//! Restored clusters that still run, as far as the records of `snapshot-restore` say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared::{price, text::line};

use super::Record;

/// How many are known by name.
const MOST: usize = 20;
const HOURS_A_DAY: f64 = 24.0;

/// A cluster that a restore made. Whether somebody deleted it by hand is not known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Restored {
    pub cluster: String,
    pub since: Timestamp,
    /// Whether the service uses it.
    pub in_use: bool,
    /// The class of each of its instances.
    pub classes: Vec<String>,
    /// Its instances; nothing where the price of one is not known here.
    pub dollars_a_day: Option<f64>,
}

#[derive(Debug)]
struct Cluster {
    since: Timestamp,
    cut_over_at: Option<Timestamp>,
    /// By name.
    instances: BTreeMap<String, String>,
}

/// `records` are in order.
pub(super) fn of(records: &[&Record]) -> Vec<Restored> {
    let mut clusters: BTreeMap<String, Cluster> = BTreeMap::new();
    for record in records.iter().filter(|record| record.has_acted()) {
        for action in &record.done {
            follow(&mut clusters, action, record.at);
        }
    }
    let used = last_put_to_use(&clusters).map(|(name, _)| name.clone());
    let told = clusters.into_iter().take(MOST).map(|(cluster, Cluster { since, instances, .. })| {
        let classes: Vec<String> = instances.into_values().collect();
        let hourly: Option<f64> = classes.iter().map(|class| price::of_class(class)).sum();
        let dollars_a_day = hourly.filter(|_| !classes.is_empty()).map(|dollars| dollars * HOURS_A_DAY);
        Restored { in_use: used.as_ref() == Some(&cluster), cluster, since, classes, dollars_a_day }
    });
    told.collect()
}

/// The one that the service was pointed at last.
fn last_put_to_use(clusters: &BTreeMap<String, Cluster>) -> Option<(&String, &Cluster)> {
    clusters
        .iter()
        .filter(|(_, cluster)| cluster.cut_over_at.is_some())
        .max_by_key(|(_, cluster)| cluster.cut_over_at)
}

/// What one action made of the clusters. One of another version, with other names, changes nothing.
fn follow(clusters: &mut BTreeMap<String, Cluster>, action: &Value, at: Timestamp) {
    let text = |path: &str| action.pointer(path).and_then(Value::as_str).map(|text| line(text, 63));
    if let Some(id) = text("/create_cluster/id") {
        clusters.insert(id, Cluster { since: at, cut_over_at: None, instances: BTreeMap::new() });
    }
    let in_cluster = text("/create_instance/cluster").and_then(|name| clusters.get_mut(&name));
    if let (Some(cluster), Some(name), Some(class)) =
        (in_cluster, text("/create_instance/instance/name"), text("/create_instance/instance/class"))
    {
        cluster.instances.insert(name, class);
    }
    if let Some(cluster) = text("/note_cut_over/restore").and_then(|name| clusters.get_mut(&name)) {
        cluster.cut_over_at = Some(at);
    }
    if action.get("point_secret_back").is_some() {
        let undone = last_put_to_use(clusters).map(|(name, _)| name.clone());
        if let Some(cluster) = undone.and_then(|name| clusters.get_mut(&name)) {
            cluster.cut_over_at = None;
        }
    }
    if let Some(instance) = text("/delete_instance/instance") {
        for cluster in clusters.values_mut() {
            cluster.instances.remove(&instance);
        }
    }
    if let Some(cluster) = text("/delete_cluster/cluster") {
        clusters.remove(&cluster);
    }
}

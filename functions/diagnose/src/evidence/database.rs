//! DocumentDB.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    pub name: String,
    /// As in `available`, `failing-over`, `stopped`, `maintenance`.
    pub status: String,
    pub port: u16,
    pub security_groups: Vec<String>,
    /// The writer first.
    pub instances: Vec<Instance>,
    /// Between these, any time can be restored.
    pub earliest_restorable: Option<Timestamp>,
    pub latest_restorable: Option<Timestamp>,
    /// Whether the profiler's log goes to CloudWatch.
    pub profiler: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Instance {
    pub name: String,
    /// As in `db.r6g.large`.
    pub class: String,
    pub status: String,
    pub is_writer: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseEvent {
    pub at: Option<Timestamp>,
    /// The cluster's or the instance's name.
    pub source: String,
    pub message: String,
    /// As in `failover`, `failure`, `maintenance`.
    pub categories: Vec<String>,
}

/// Queries that the profiler found slow, of one shape.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlowQuery {
    /// As in `lendpeak2.loans`.
    pub collection: String,
    /// As in `query`, `update`, `aggregate`.
    pub operation: String,
    /// The fields that it filters and sorts by, without values.
    pub fields: Vec<String>,
    pub count: u64,
    pub longest_ms: u64,
    /// As in `COLLSCAN`, `IXSCAN`.
    pub plan: String,
    /// The index that would help, field by field, where that can be told.
    pub index: Option<String>,
}

impl Database {
    pub fn writer(&self) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.is_writer)
    }
}

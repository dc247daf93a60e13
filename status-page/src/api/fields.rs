//! The fields, by the names and in the order that tools know.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct PageJson<'a> {
    pub(super) id: String,
    pub(super) name: &'a str,
    pub(super) url: &'a str,
    pub(super) time_zone: &'static str,
    pub(super) updated_at: Timestamp,
}

#[derive(Serialize)]
pub(super) struct StatusJson {
    pub(super) indicator: &'static str,
    pub(super) description: String,
}

#[derive(Clone, Serialize)]
pub(super) struct ComponentJson<'a> {
    pub(super) id: String,
    pub(super) name: &'a str,
    pub(super) status: &'static str,
    pub(super) description: Option<&'a str>,
    pub(super) position: usize,
    pub(super) group: bool,
    pub(super) group_id: Option<String>,
    pub(super) page_id: String,
    pub(super) showcase: bool,
    pub(super) start_date: Option<Date>,
    pub(super) only_show_if_degraded: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// An incident, or announced work, which has two fields more.
#[derive(Serialize)]
pub(super) struct IncidentJson<'a> {
    pub(super) id: &'a str,
    pub(super) name: String,
    pub(super) status: &'static str,
    pub(super) impact: &'static str,
    pub(super) shortlink: String,
    pub(super) page_id: String,
    pub(super) created_at: Timestamp,
    pub(super) started_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) monitoring_at: Option<Timestamp>,
    pub(super) resolved_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scheduled_for: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scheduled_until: Option<Timestamp>,
    pub(super) components: Vec<ComponentJson<'a>>,
    pub(super) incident_updates: Vec<UpdateJson<'a>>,
}

#[derive(Serialize)]
pub(super) struct UpdateJson<'a> {
    pub(super) id: String,
    pub(super) incident_id: &'a str,
    pub(super) status: &'static str,
    pub(super) body: String,
    pub(super) created_at: Timestamp,
    pub(super) display_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) affected_components: Vec<AffectedJson<'a>>,
}

#[derive(Serialize)]
pub(super) struct AffectedJson<'a> {
    pub(super) code: &'a str,
    pub(super) name: &'a str,
    pub(super) old_status: &'static str,
    pub(super) new_status: &'static str,
}

#[derive(Serialize, Default)]
pub(super) struct Document<'a> {
    pub(super) page: Option<PageJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<StatusJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) components: Option<Vec<ComponentJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) incidents: Option<Vec<IncidentJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scheduled_maintenances: Option<Vec<IncidentJson<'a>>>,
}

//! `OpsCenter` of Systems Manager, which the local AWS lacks: its `OpsItems`, of which there is one for each source and
//! deduplication string while it is not resolved.
//! (<https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-working-deduplication.html>)

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::{Answer, wire};
use crate::names::{ACCOUNT, REGION};

const STATUSES: [&str; 3] = ["Open", "InProgress", "Resolved"];
/// In characters.
const LIMITS: [(&str, usize); 3] = [("Title", 1_024), ("Description", 2_048), ("Source", 128)];
/// What both requests may say of an item besides its status and data.
const FIELDS: [&str; 8] = [
    "Title",
    "Description",
    "Source",
    "Priority",
    "Category",
    "Severity",
    "ActualStartTime",
    "ActualEndTime",
];

/// The account's `OpsItems`.
#[derive(Debug, Default)]
pub struct OpsCenter {
    items: Mutex<Vec<OpsItem>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OpsItem {
    /// `oi-…`
    pub id: String,
    /// `Open`, `InProgress`, `Resolved`.
    pub status: String,
    /// By their names in the API: `Title`, `Severity`, …
    pub fields: Map<String, Value>,
    /// By key: `Value` and `Type`.
    pub data: Map<String, Value>,
    created: f64,
    modified: f64,
    version: u32,
}

/// An error's code, message and further fields.
type Refusal = (&'static str, String, Value);

impl OpsCenter {
    /// The oldest first.
    pub fn items(&self) -> Vec<OpsItem> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OpsItem>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None for what the local AWS answers: all of Systems Manager but `OpsItems`.
    pub(super) fn answer(&self, call: &Call) -> Option<Answer> {
        let mut items = self.lock();
        let answered = match call.operation.as_str() {
            "CreateOpsItem" => create(&mut items, &call.request),
            "UpdateOpsItem" => update(&mut items, &call.request),
            "GetOpsItem" => find(&mut items, &call.request).map(|item| json!({ "OpsItem": item.as_json() })),
            _ => return None,
        };
        Some(match answered {
            Ok(body) => wire::json_1_1(StatusCode::OK, &body),
            Err((code, message, mut body)) => {
                // Unlike most services, this one writes it with a capital.
                merge(&mut body, &json!({ "__type": code, "Message": message }));
                wire::json_1_1(StatusCode::BAD_REQUEST, &body)
            }
        })
    }
}

fn create(items: &mut Vec<OpsItem>, request: &Value) -> Result<Value, Refusal> {
    for field in ["Title", "Description", "Source"] {
        if text(request, field).is_empty() {
            return Err(invalid(field, format!("{field} is required.")));
        }
    }
    check(request)?;
    let data = object(request, "OperationalData");
    let same = dedup(&data).and_then(|dedup| {
        items.iter().find(|item| {
            item.status != "Resolved"
                && item.fields.get("Source") == request.get("Source")
                && self::dedup(&item.data).as_ref() == Some(&dedup)
        })
    });
    if let Some(same) = same {
        let message = format!("Similar OpsItem already exists. OpsItemId: {}", same.id);
        return Err(("OpsItemAlreadyExistsException", message, json!({ "OpsItemId": same.id })));
    }
    let at = now();
    let item = OpsItem {
        id: format!("oi-{:012x}", items.len() + 1),
        status: "Open".to_owned(),
        fields: fields(request),
        data,
        created: at,
        modified: at,
        version: 1,
    };
    let answer = json!({ "OpsItemId": item.id, "OpsItemArn": item.arn() });
    items.push(item);
    Ok(answer)
}

fn update(items: &mut [OpsItem], request: &Value) -> Result<Value, Refusal> {
    check(request)?;
    let item = find(items, request)?;
    if let Some(status) = request.get("Status").and_then(Value::as_str) {
        if !STATUSES.contains(&status) {
            return Err(invalid("Status", format!("{status} is not a status of an OpsItem.")));
        }
        status.clone_into(&mut item.status);
    }
    item.fields.extend(fields(request));
    item.data.extend(object(request, "OperationalData"));
    for gone in request.get("OperationalDataToDelete").and_then(Value::as_array).into_iter().flatten() {
        item.data.remove(gone.as_str().unwrap_or_default());
    }
    item.modified = now();
    item.version += 1;
    Ok(json!({}))
}

fn find<'a>(items: &'a mut [OpsItem], request: &Value) -> Result<&'a mut OpsItem, Refusal> {
    let id = text(request, "OpsItemId");
    let found = items.iter_mut().find(|item| item.id == id);
    found.ok_or_else(|| ("OpsItemNotFoundException", format!("OpsItemId: {id} not found."), json!({})))
}

fn check(request: &Value) -> Result<(), Refusal> {
    for (field, most) in LIMITS {
        if text(request, field).chars().count() > most {
            return Err(invalid(field, format!("{field} has more than {most} characters.")));
        }
    }
    Ok(())
}

fn invalid(field: &str, message: String) -> Refusal {
    ("OpsItemInvalidParameterException", message, json!({ "ParameterNames": [field] }))
}

impl OpsItem {
    fn arn(&self) -> String {
        format!("arn:aws:ssm:{REGION}:{ACCOUNT}:opsitem/{}", self.id)
    }

    fn as_json(&self) -> Value {
        let mut json = json!({
            "OpsItemId": self.id,
            "OpsItemArn": self.arn(),
            "Status": self.status,
            "OperationalData": self.data,
            "CreatedTime": self.created,
            "LastModifiedTime": self.modified,
            "Version": self.version.to_string(),
        });
        merge(&mut json, &Value::Object(self.fields.clone()));
        json
    }
}

/// What tells two items apart.
fn dedup(data: &Map<String, Value>) -> Option<Value> {
    let value = data.get("/aws/dedup")?.get("Value")?.as_str()?;
    serde_json::from_str::<Value>(value).ok()?.get("dedupString").cloned()
}

fn fields(request: &Value) -> Map<String, Value> {
    let field = |name: &&str| Some(((*name).to_owned(), request.get(*name)?.clone()));
    FIELDS.iter().filter_map(field).collect()
}

fn object(request: &Value, name: &str) -> Map<String, Value> {
    request.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.clone());
    }
}

fn text<'a>(request: &'a Value, name: &str) -> &'a str {
    request.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn now() -> f64 {
    Timestamp::now().duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

#[cfg(test)]
mod tests;

//! A person's JSON, and a Step Functions task's, which says the same things in an envelope.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Kind, Trigger};
use crate::{clock, error::Error, lambda::Invocation};

/// What was asked for. The fields that every function takes are read here; the rest is the function's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Look and decide, but change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// The id of a stored plan to carry out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<String>,
    /// Why, in the person's words; kept in the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, flatten)]
    pub request: Map<String, Value>,
}

impl Asked {
    /// The function's own request. Unknown fields are for its type to refuse.
    pub fn request<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(Value::Object(self.request.clone())).map_err(|error| invalid(&error))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    step_functions: State,
    #[serde(default)]
    request: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    execution: String,
    state: String,
}

pub(super) fn parse(object: Map<String, Value>, invocation: &Invocation) -> Result<Trigger, Error> {
    let at = clock::now();
    if object.contains_key("step_functions") {
        let task = Task::deserialize(Value::Object(object)).map_err(|error| invalid(&error))?;
        let State { execution, state } = task.step_functions;
        return Ok(Trigger {
            id: format!("{execution}/{state}"),
            at,
            kind: Kind::StepFunctions { execution, state, asked: asked(task.request)? },
        });
    }
    Ok(Trigger { id: invocation.request_id.clone(), at, kind: Kind::Person(asked(object)?) })
}

fn asked(object: Map<String, Value>) -> Result<Asked, Error> {
    let asked = Asked::deserialize(Value::Object(object)).map_err(|error| invalid(&error))?;
    if asked.approve.as_deref() == Some("") {
        return Err(Error::InvalidRequest("`approve` is empty: send the id of the plan".to_owned()));
    }
    if asked.approve.is_some() && !asked.request.is_empty() {
        let extra: Vec<&str> = asked.request.keys().map(String::as_str).collect();
        return Err(Error::InvalidRequest(format!(
            "an approval carries out the stored plan as it is; send `approve` without {}",
            extra.join(", ")
        )));
    }
    Ok(asked)
}

fn invalid(error: &serde_json::Error) -> Error {
    Error::InvalidRequest(format!("this request cannot be carried out: {error}"))
}

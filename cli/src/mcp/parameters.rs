//! What each tool takes. An argument that is not known, or of the wrong type, is refused by its name.

use std::{borrow::Cow, time::Duration};

use rmcp::{
    ErrorData,
    handler::server::{common::FromContextPart, tool::ToolCallContext},
    schemars::{self, JsonSchema, Schema, SchemaGenerator},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    commands::{diagnose, history},
    function::Function,
    time::Since,
};

/// More is not typed by anybody: the longest is a reason of 2,000 characters.
const LONGEST: usize = 10_000;

/// A tool's arguments. The SDK's own type of this name does not say which argument is wrong.
pub(super) struct Parameters<T>(pub(super) T);

impl<S, T: DeserializeOwned> FromContextPart<ToolCallContext<'_, S>> for Parameters<T> {
    fn from_context_part(context: &mut ToolCallContext<'_, S>) -> Result<Self, ErrorData> {
        read(context.arguments.take().unwrap_or_default())
            .map(Self)
            .map_err(|wrong| ErrorData::invalid_params(wrong, None))
    }
}

// By this the SDK finds the schema.
impl<T: JsonSchema> JsonSchema for Parameters<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

fn read<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, String> {
    let arguments = Value::Object(arguments);
    let length = arguments.to_string().chars().count();
    if length > LONGEST {
        return Err(format!("the arguments have {length} characters, but may have {LONGEST} at most"));
    }
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let (path, what) = (error.path().to_string(), error.inner().to_string());
        if path == "." { what } else { format!("`{path}`: {what}") }
    })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Health {
    /// Make these checks alone, as in `health`, `cors`; all of them if left out
    #[serde(default)]
    checks: Vec<String>,
}

impl Health {
    /// The alarms have the metrics of the schedule: a look puts none.
    pub(super) fn request(&self) -> Value {
        let mut request = json!({ "dry_run": true });
        if let Some(request) = request.as_object_mut().filter(|_| !self.checks.is_empty()) {
            request.insert("checks".to_owned(), json!(self.checks));
        }
        request
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Diagnose {
    /// One heading of the guide, as in `high memory`, or a status code, as in `502`; everything if left out
    #[serde(default)]
    symptom: Option<String>,
}

impl Diagnose {
    pub(super) fn options(self) -> diagnose::Options {
        diagnose::Options { symptom: self.symptom.into_iter().collect(), markdown: false }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Incidents {
    /// Show this one with its timeline; list all if left out
    #[serde(default)]
    pub(super) id: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    /// Of how many days, from 1 to 400; of 7 if left out
    #[serde(default)]
    #[schemars(range(min = 1, max = 400))]
    pub(super) days: Option<u16>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    /// How far back: a span, as in `2h`, or a time, as in `2026-11-28T22:00:00Z`; 24 hours if left out
    #[serde(default, deserialize_with = "since")]
    #[schemars(with = "Option<String>")]
    since: Option<Since>,
    /// Of this function alone
    #[serde(default, deserialize_with = "recorded")]
    #[schemars(schema_with = "names")]
    function: Option<Function>,
}

impl History {
    pub(super) fn options(self) -> history::Options {
        const A_DAY: Since = Since::Ago(Duration::from_hours(24));
        history::Options {
            since: self.since.unwrap_or(A_DAY),
            function: self.function,
            all: false,
            follow: false,
        }
    }
}

fn since<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Since>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| Since::read(&text)).transpose().map_err(serde::de::Error::custom)
}

fn recorded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Function>, D::Error> {
    let Some(name) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let found = Function::RECORDED.into_iter().find(|function| function.name() == name);
    found.map(Some).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "no function has this name; there are {}",
            Function::RECORDED.map(Function::name).join(", ")
        ))
    })
}

fn names(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "string", "enum": Function::RECORDED.map(Function::name) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::remedy::{Invalidate, Rollback, Scale};

    #[track_caller]
    fn wrong<T: DeserializeOwned>(arguments: Value, says: &str) {
        let Value::Object(arguments) = arguments else { unreachable!("each case is an object") };
        let error = read::<T>(arguments).err();
        assert_eq!(error.as_deref(), Some(says));
    }

    #[test]
    fn a_wrong_argument_is_named() {
        wrong::<Scale>(
            json!({ "reason": "r", "tasks": "x" }),
            "`tasks`: invalid type: string \"x\", expected a nonzero u32",
        );
        wrong::<Invalidate>(
            json!({ "reason": "r", "paths": ["/", 1] }),
            "`paths[1]`: invalid type: integer `1`, expected a string",
        );
        wrong::<Rollback>(json!({}), "missing field `reason`");
        wrong::<Nothing>(json!({ "a": 1 }), "`a`: unknown field `a`, there are no fields");
        wrong::<History>(
            json!({ "since": "soon" }),
            "`since`: `soon` is neither a span, as in 30m or 2h, nor a time, as in 2026-11-28T22:00:00Z",
        );
        wrong::<Health>(
            json!({ "checks": ["x".repeat(LONGEST)] }),
            "the arguments have 10015 characters, but may have 10000 at most",
        );
    }

    #[test]
    fn a_look_at_the_health_puts_no_metrics() {
        let request = |checks: &[&str]| {
            Health { checks: checks.iter().map(|&name| name.to_owned()).collect() }.request()
        };
        assert_eq!(request(&[]), json!({ "dry_run": true }));
        assert_eq!(request(&["cors"]), json!({ "dry_run": true, "checks": ["cors"] }));
    }

    #[test]
    fn a_day_is_shown_where_nothing_else_is_said() {
        let options = History { since: None, function: None }.options();
        assert_eq!(options.since, Since::Ago(Duration::from_hours(24)));
    }
}

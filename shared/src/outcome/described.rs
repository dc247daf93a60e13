//! A plan as an answer and the record have it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient::or_default;

/// What was decided. A part that another version wrote in another form is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Described {
    /// The actions for people, a line each.
    #[serde(deserialize_with = "or_default")]
    pub(crate) lines: Vec<String>,
    /// Why these actions.
    #[serde(deserialize_with = "or_default")]
    pub(crate) reason: String,
    /// The actions for programs.
    pub(crate) actions: Value,
    /// What else a person should know, a line each.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub(crate) details: Vec<String>,
}

impl Described {
    /// Empty where there is no plan, or it was too long to be kept.
    pub(crate) fn read(plan: &Value) -> Self {
        Self::deserialize(plan).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_of_a_plan_is_left_out_and_the_rest_is_read() {
        let details = vec!["it costs $1".to_owned()];
        let read = Described { reason: "asked".to_owned(), details, ..Described::default() };
        let written =
            json!({ "lines": 7, "reason": "asked", "details": ["it costs $1"], "begun_by": "run-1" });
        assert_eq!(Described::read(&written), read);
        for odd in [Value::Null, json!("left out: it would be too long"), json!([])] {
            assert_eq!(Described::read(&odd), Described::default(), "{odd}");
        }
    }

    #[test]
    fn details_are_written_where_there_are_any() {
        let plan = Described { lines: vec!["set the count to 4".to_owned()], ..Described::default() };
        let written = json!({ "lines": ["set the count to 4"], "reason": "", "actions": null });
        assert_eq!(serde_json::to_value(&plan).unwrap(), written);
        assert_eq!(Described::read(&written), plan);
    }
}

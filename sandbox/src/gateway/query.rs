//! CloudWatch's Query protocol: its forms as JSON, and JSON as its XML.

use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::{Value, json};

use super::cloudwatch::seconds;
use super::wire::{block, element, escaped};
use crate::cbor::names_a_time;

/// No list of a request has more members.
const MOST_MEMBERS: usize = 500;

/// What a form asks for, as in JSON: `Dimensions.member.1.Name` is the first dimension's name.
pub(super) fn asked(form: &Value) -> Value {
    let mut whole = json!({});
    for (name, value) in form.as_object().into_iter().flatten() {
        if ["Action", "Version"].contains(&name.as_str()) {
            continue;
        }
        let path: Vec<&str> = name.split('.').collect();
        let field = path.last().copied().unwrap_or_default();
        put(&mut whole, &path, typed(field, value.as_str().unwrap_or_default()));
    }
    whole
}

fn put(place: &mut Value, path: &[&str], value: Value) {
    match path {
        [] => *place = value,
        ["member", number, rest @ ..] => {
            let index = number.parse::<usize>().unwrap_or(1).clamp(1, MOST_MEMBERS) - 1;
            if !place.is_array() {
                *place = json!([]);
            }
            if let Some(members) = place.as_array_mut() {
                members.resize(members.len().max(index + 1), Value::Null);
                if let Some(member) = members.get_mut(index) {
                    put(member, rest, value);
                }
            }
        }
        [name, rest @ ..] => {
            if !place.is_object() {
                *place = json!({});
            }
            if let Some(fields) = place.as_object_mut() {
                put(fields.entry(*name).or_insert(Value::Null), rest, value);
            }
        }
    }
}

/// A form has only text.
fn typed(field: &str, text: &str) -> Value {
    let typed = match field {
        "StartTime" | "EndTime" | "StartDate" | "EndDate" => {
            text.parse::<Timestamp>().ok().map(|at| json!(seconds(at)))
        }
        "Period" | "MaxDatapoints" | "MaxRecords" => text.parse::<u32>().ok().map(Value::from),
        "ReturnData" => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    typed.unwrap_or_else(|| json!(text))
}

/// The answer of an operation around its content.
pub(super) fn document(operation: &str, answer: &Value) -> String {
    let result = block(&format!("{operation}Result"), &content("", answer));
    let metadata = block("ResponseMetadata", &element("RequestId", "sandbox"));
    format!(
        "<{operation}Response xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">{result}{metadata}\
         </{operation}Response>"
    )
}

fn content(name: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| block(name, &content(name, value)))
            .collect(),
        Value::Array(values) => values.iter().map(|value| block("member", &content(name, value))).collect(),
        Value::Number(number) if names_a_time(name) => time(number.as_f64().unwrap_or_default()),
        Value::String(text) => escaped(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn time(seconds: f64) -> String {
    let since = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
    let at = Timestamp::from_duration(since).and_then(|at| at.round(Unit::Millisecond));
    at.map(|at| format!("{at:.3}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_asks_for_what_the_same_request_in_json_does() {
        let form = json!({
            "Action": "GetMetricStatistics",
            "Version": "2010-08-01",
            "Namespace": "AWS/ECS",
            "Dimensions.member.2.Name": "ServiceName",
            "Dimensions.member.2.Value": "backend",
            "Dimensions.member.1.Name": "ClusterName",
            "Dimensions.member.1.Value": "lendpeak2-production",
            "Statistics.member.1": "Average",
            "StartTime": "2026-01-20T00:00:00Z",
            "Period": "300",
        });
        let same = json!({
            "Namespace": "AWS/ECS",
            "Dimensions": [
                { "Name": "ClusterName", "Value": "lendpeak2-production" },
                { "Name": "ServiceName", "Value": "backend" },
            ],
            "Statistics": ["Average"],
            "StartTime": 1_768_867_200.0,
            "Period": 300,
        });
        assert_eq!(asked(&form), same);
    }

    #[test]
    fn an_answer_in_json_is_written_as_the_query_protocol_has_it() {
        let answer = json!({ "Label": "a < b", "NextToken": null,
            "Datapoints": [{ "Timestamp": 1_768_867_200.5, "Average": 45.0 }] });
        let expected = "<GetMetricStatisticsResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">\
            <GetMetricStatisticsResult><Label>a &lt; b</Label><Datapoints><member>\
            <Timestamp>2026-01-20T00:00:00.500Z</Timestamp><Average>45.0</Average></member></Datapoints>\
            </GetMetricStatisticsResult><ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata>\
            </GetMetricStatisticsResponse>";
        assert_eq!(document("GetMetricStatistics", &answer), expected);
    }
}

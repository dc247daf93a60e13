//! A value beside its shape.

use serde_json::{Map, Value};

use super::{Kind, Operation, Shape};

pub(super) struct Checker<'a> {
    operation: &'a Operation,
    /// AWS answers with empty lists and maps, also where its models say that there is something in each.
    may_be_empty: bool,
    problems: Vec<String>,
}

impl<'a> Checker<'a> {
    /// What the shape does not have, and what it asks for and is not there.
    pub(super) fn of_request(operation: &'a Operation, shape: &str, value: &Value) -> Vec<String> {
        Self { operation, may_be_empty: false, problems: Vec::new() }.check(shape, value)
    }

    pub(super) fn of_answer(operation: &'a Operation, shape: &str, value: &Value) -> Vec<String> {
        Self { operation, may_be_empty: true, problems: Vec::new() }.check(shape, value)
    }

    fn check(mut self, shape: &str, value: &Value) -> Vec<String> {
        self.value(shape, value, "");
        self.problems
    }

    fn problem(&mut self, place: &str, what: impl AsRef<str>) {
        let place = if place.is_empty() { "the whole" } else { place };
        self.problems.push(format!("{place} {}", what.as_ref()));
    }

    fn value(&mut self, name: &str, value: &Value, place: &str) {
        let Some(shape) = self.operation.shape(name) else { return };
        match (shape.r#type, value) {
            _ if shape.document => {}
            (Kind::Structure, Value::Object(members)) => self.structure(shape, members, place),
            (Kind::List, Value::Array(values)) if values.is_empty() && self.may_be_empty => {}
            (Kind::Map, Value::Object(entries)) if entries.is_empty() && self.may_be_empty => {}
            (Kind::List, Value::Array(values)) => {
                self.number_of(shape, values.len(), "entries", place);
                for (number, value) in values.iter().enumerate() {
                    if let Some(member) = &shape.member {
                        self.value(&member.shape, value, &format!("{place}[{number}]"));
                    }
                }
            }
            (Kind::Map, Value::Object(entries)) => {
                self.number_of(shape, entries.len(), "entries", place);
                for (key, value) in entries {
                    let place = format!("{place}.{key}");
                    if let (Some(of_key), Some(of_value)) = (&shape.key, &shape.value) {
                        self.value(&of_key.shape, &Value::from(key.as_str()), &place);
                        self.value(&of_value.shape, value, &place);
                    }
                }
            }
            (Kind::String, Value::String(text)) => self.text(shape, text, place),
            (Kind::Integer | Kind::Long, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                self.limits(shape, number.as_f64(), place);
            }
            (Kind::Float | Kind::Double, Value::Number(number)) => self.limits(shape, number.as_f64(), place),
            (Kind::Boolean, Value::Bool(_))
            | (Kind::Timestamp, Value::Number(_))
            | (Kind::Blob | Kind::Character, Value::String(_)) => {}
            (Kind::Timestamp, Value::String(text)) if text.parse::<jiff::Timestamp>().is_ok() => {}
            (kind, value) => {
                let kind = format!("{kind:?}").to_lowercase();
                self.problem(place, format!("is {value}, and no {kind}"));
            }
        }
    }

    fn structure(&mut self, shape: &Shape, members: &Map<String, Value>, place: &str) {
        let of = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        // A member without a value is none.
        let given = |name: &String| members.get(name).is_some_and(|value| !value.is_null());
        for name in shape.required.iter().filter(|name| !given(name)) {
            // What is in the path or a header is not seen here.
            if shape.members.get(name).is_none_or(|member| member.location.as_deref() != Some("header")) {
                self.problem(&of(name), "is missing");
            }
        }
        if shape.union && members.values().filter(|value| !value.is_null()).count() != 1 {
            self.problem(place, "has more than one member, or none, of a union");
        }
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            match shape.members.get(name) {
                Some(member) => self.value(&member.shape, value, &of(name)),
                None => self.problem(&of(name), "is not known"),
            }
        }
    }

    fn text(&mut self, shape: &Shape, text: &str, place: &str) {
        if !shape.r#enum.is_empty() && !shape.r#enum.iter().any(|known| known == text) {
            self.problem(place, format!("is `{text}`, which is none of {}", shape.r#enum.join(", ")));
        }
        self.number_of(shape, text.chars().count(), "letters", place);
        let Some(pattern) = &shape.pattern else { return };
        match pattern.is_match(text) {
            Some(true) => {}
            Some(false) => self.problem(place, format!("is `{text}`, not as {}", pattern.text)),
            None => self.problem(place, format!("cannot be compared with {}", pattern.text)),
        }
    }

    fn number_of(&mut self, shape: &Shape, count: usize, of: &str, place: &str) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if shape.min.is_some_and(|min| f64::from(count) < min)
            || shape.max.is_some_and(|max| f64::from(count) > max)
        {
            self.problem(place, format!("has {count} {of}, {}", between(shape)));
        }
    }

    fn limits(&mut self, shape: &Shape, number: Option<f64>, place: &str) {
        let number = number.unwrap_or_default();
        if shape.min.is_some_and(|min| number < min) || shape.max.is_some_and(|max| number > max) {
            self.problem(place, format!("is {number}, {}", between(shape)));
        }
    }
}

fn between(shape: &Shape) -> String {
    let limit =
        |limit: Option<f64>, without: &str| limit.map_or(without.to_owned(), |limit| limit.to_string());
    format!("not between {} and {}", limit(shape.min, "nothing"), limit(shape.max, "everything"))
}

//! The template as CloudFormation gets it, and how long and how many the things in it are.

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::template::{
    document::Template,
    environments::{environments, expanded},
};

/// The template as CloudFormation gets it.
pub(super) struct Deployed {
    pub(super) expanded: Value,
    pub(super) values: Map<String, Value>,
}

/// Longer than any ARN of this stack.
const REFERENCE: usize = 130;

impl Deployed {
    /// For each environment of `samconfig.toml`, and for one with the longest name that there may be.
    pub(super) fn all() -> Result<Vec<Self>> {
        let template = Template::read()?;
        let mut all = Vec::new();
        for environment in environments()? {
            let values = environment.values(&template)?;
            let mut longest = values.clone();
            longest.insert("Environment".to_owned(), json!("e".repeat(20)));
            for values in [values, longest] {
                all.push(Self { expanded: expanded(&values)?, values });
            }
        }
        Ok(all)
    }

    /// A value as it is deployed, every condition held.
    pub(super) fn resolved(&self, value: &Value) -> Value {
        if let Some(choice) = value.get("Fn::If") {
            return self.resolved(&choice[1]);
        }
        if value.get("Ref").is_some() || value.get("Fn::GetAtt").is_some() || value.get("Fn::Sub").is_some() {
            return json!(self.text(value));
        }
        match value {
            Value::Object(fields) => {
                fields.iter().map(|(name, field)| (name.clone(), self.resolved(field))).collect()
            }
            Value::Array(items) => items.iter().map(|item| self.resolved(item)).collect(),
            other => other.clone(),
        }
    }

    pub(super) fn text(&self, value: &Value) -> String {
        if let Some(choice) = value.get("Fn::If") {
            return self.text(&choice[1]);
        }
        if let Some(name) = value["Ref"].as_str() {
            return self.named(name);
        }
        if value.get("Fn::GetAtt").is_some() {
            return "x".repeat(REFERENCE);
        }
        let (text, own) = match &value["Fn::Sub"] {
            Value::Array(both) => (both.first(), both.get(1)),
            Value::Null => return value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            text => (Some(text), None),
        };
        let mut parts = text.and_then(Value::as_str).unwrap_or_default().split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap_or((part, ""));
            let of_its_own = own.and_then(|own| own.get(name));
            whole += &of_its_own.map_or_else(|| self.named(name), |value| self.text(value));
            whole += rest;
        }
        whole
    }

    pub(super) fn named(&self, name: &str) -> String {
        match name {
            "AWS::Partition" => "aws-us-gov".to_owned(),
            "AWS::Region" => "ap-southeast-1".to_owned(),
            "AWS::AccountId" => "123456789012".to_owned(),
            _ => match self.values.get(name) {
                Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                None => "x".repeat(REFERENCE),
            },
        }
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.expanded["Resources"].as_object().into_iter().flatten()
    }

    pub(super) fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let of_type = self.resources().filter(move |(_, resource)| resource["Type"] == kind);
        of_type.map(|(name, resource)| (name, &resource["Properties"]))
    }

    /// How long a property of all resources of a type is.
    pub(super) fn lengths(&self, kind: &str, property: &str) -> Vec<(String, usize)> {
        let given = self.of_type(kind).filter(|(_, resource)| !resource[property].is_null());
        given.map(|(name, resource)| (name.clone(), self.text(&resource[property]).chars().count())).collect()
    }

    /// How many entries a property of all resources of a type has.
    pub(super) fn counts(&self, kind: &str, property: &str) -> Vec<(String, usize)> {
        let of_type =
            self.of_type(kind).filter_map(|(name, resource)| Some((name, resource[property].as_array()?)));
        of_type.map(|(name, entries)| (name.clone(), entries.len())).collect()
    }

    /// How many there are in a part of the template.
    pub(super) fn count(&self, part: &str) -> Vec<(String, usize)> {
        vec![(part.to_owned(), self.expanded[part].as_object().map_or(0, Map::len))]
    }
}

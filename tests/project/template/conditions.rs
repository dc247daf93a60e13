//! A stack that leaves something out is whole without it: nothing that is made refers to what is not.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::template::{
    document::Template,
    environments::{self, Environment},
};

/// The template as CloudFormation gets it, and the values of its parameters.
struct Stack {
    expanded: Value,
    values: Map<String, Value>,
    region: &'static str,
}

impl Stack {
    /// Production's, with other values of some parameters.
    fn with(region: &'static str, given: &[(&str, &str)]) -> Result<Self> {
        let template = Template::read()?;
        let environments = environments::environments()?;
        let production = environments.iter().find(|one: &&Environment| one.name == "production");
        let mut values = production.context("no production")?.values(&template)?;
        for (name, value) in given {
            let before = values.insert((*name).to_owned(), json!(value));
            before.with_context(|| format!("there is no parameter {name}"))?;
        }
        Ok(Self { expanded: environments::expanded(&values)?, values, region })
    }

    fn text<'a>(&'a self, value: &'a Value) -> Result<&'a str> {
        match value["Ref"].as_str() {
            Some("AWS::Region") => Ok(self.region),
            Some(name) => self.values[name].as_str().with_context(|| format!("{name} is no text")),
            None => value.as_str().with_context(|| format!("{value} is no text")),
        }
    }

    /// What CloudFormation makes of a condition, or of its name.
    fn holds(&self, condition: &Value) -> Result<bool> {
        if let Some(name) = condition.as_str() {
            return self.holds(&self.expanded["Conditions"][name]).with_context(|| name.to_owned());
        }
        let condition = condition.as_object().context("a condition is no function")?;
        let (function, argument) = condition.iter().next().context("a condition is empty")?;
        let arguments = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let all = || arguments.iter().map(|one| self.holds(one)).collect::<Result<Vec<_>>>();
        Ok(match (function.as_str(), arguments) {
            ("Condition", _) => self.holds(argument)?,
            ("Fn::And", [_, _, ..]) => !all()?.contains(&false),
            ("Fn::Or", [_, _, ..]) => all()?.contains(&true),
            ("Fn::Not", [one]) => !self.holds(one)?,
            ("Fn::Equals", [one, other]) => self.text(one)? == self.text(other)?,
            other => bail!("these checks know nothing of {other:?}"),
        })
    }

    /// A value as it is with all conditions decided; none where nothing is left of it.
    fn decided(&self, value: &Value) -> Result<Option<Value>> {
        if let Some(choice) = value.get("Fn::If") {
            let chosen = if self.holds(&choice[0])? { &choice[1] } else { &choice[2] };
            return self.decided(chosen);
        }
        Ok(match value {
            Value::Object(fields) if fields.get("Ref") == Some(&json!("AWS::NoValue")) => None,
            Value::Object(fields) => {
                let mut kept = Map::new();
                for (name, field) in fields {
                    if let Some(field) = self.decided(field)? {
                        kept.insert(name.clone(), field);
                    }
                }
                Some(Value::Object(kept))
            }
            Value::Array(items) => {
                let items = items.iter().map(|item| self.decided(item)).collect::<Result<Vec<_>>>()?;
                Some(Value::Array(items.into_iter().flatten().collect()))
            }
            other => Some(other.clone()),
        })
    }

    /// The resources that are made, or the outputs that are there.
    fn made(&self, part: &str) -> Result<Map<String, Value>> {
        let mut made = Map::new();
        for (name, one) in self.expanded[part].as_object().with_context(|| format!("no {part}"))? {
            let condition = &one["Condition"];
            if !condition.is_null() && !self.holds(condition)? {
                continue;
            }
            if let Some(one) = self.decided(one)? {
                made.insert(name.clone(), one);
            }
        }
        Ok(made)
    }
}

/// The names that a value refers to.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    let fields = match value {
        Value::Array(items) => return items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => fields,
        _ => return,
    };
    for (function, argument) in fields {
        match (function.as_str(), argument) {
            ("Ref" | "Fn::GetAtt", Value::String(name)) => {
                found.extend(name.split('.').next().map(str::to_owned));
            }
            ("Fn::GetAtt", Value::Array(path)) => {
                found.extend(path.first().and_then(Value::as_str).map(str::to_owned));
            }
            ("DependsOn", awaited) => {
                found.extend(crate::template::document::texts(awaited).into_iter().map(str::to_owned));
            }
            ("Fn::Sub", _) => {
                let (text, own) = match argument {
                    Value::Array(both) => (both.first(), both.get(1)),
                    text => (Some(text), None),
                };
                let text = text.and_then(Value::as_str).unwrap_or_default();
                let named = text.split("${").skip(1).filter_map(|rest| rest.split(['}', '.']).next());
                let is_own = |name: &&str| own.is_some_and(|own| own.get(*name).is_some());
                found.extend(named.filter(|name| !is_own(name)).map(str::to_owned));
                if let Some(own) = own {
                    references(own, found);
                }
            }
            (_, other) => references(other, found),
        }
    }
}

#[test]
fn nothing_that_is_made_refers_to_what_is_left_out() -> Result<()> {
    let everything = [
        ("TargetGroupFullName", "targetgroup/lendpeak2-backend/0123456789abcdef"),
        ("NoticeEmail", "on-call@example.com"),
        ("SlackWorkspaceId", "T0123ABCD"),
        ("SlackChannelId", "C0123ABCD"),
        ("TeamsTenantId", "01234567-89ab-cdef-0123-456789abcdef"),
        ("TeamsTeamId", "01234567-89ab-cdef-0123-456789abcdef"),
        ("TeamsChannelId", "19%3a0123456789abcdef%40thread.tacv2"),
        ("PagerUrl", "https://example.com/x"),
        ("Level2Email", "level-2@example.com"),
        ("Level3Email", "level-3@example.com"),
        ("OpsItems", "true"),
        ("RestoreInNetwork", "true"),
        ("ReservedConcurrency", "4"),
        ("FrontEndBuildProject", "lendpeak2-frontend"),
        ("FrontEndPipeline", "lendpeak2-frontend"),
    ];
    for (region, given) in [
        ("us-east-1", &[][..]),
        ("us-east-1", &everything[..]),
        ("me-south-1", &everything[..]),
        ("us-gov-west-1", &[("DistributionId", "")]),
        ("us-east-1", &[("DistributionId", ""), ("CacheInvalidationMode", "auto")]),
        ("us-east-1", &[("AwsEndpointUrl", "http://127.0.0.1:4566")]),
        // The sandbox: a channel is named, and none is made.
        ("us-east-1", &[("AwsEndpointUrl", "http://127.0.0.1:4566"), ("SlackChannelId", "C0123ABCD")]),
        ("us-east-1", &[("TeamsChannelId", "19%3a0123456789abcdef%40thread.tacv2")]),
    ] {
        let stack = Stack::with(region, given)?;
        let resources = stack.made("Resources")?;
        for part in [&resources, &stack.made("Outputs")?] {
            for (name, one) in part {
                let mut found = BTreeSet::new();
                references(one, &mut found);
                found.retain(|name| !name.starts_with("AWS::") && !stack.values.contains_key(name));
                found.retain(|name| !resources.contains_key(name));
                assert_eq!(
                    found,
                    BTreeSet::new(),
                    "{name} refers to what is not made, in {region} with {given:?}"
                );
            }
        }
    }
    Ok(())
}

/// `GovCloud` has no CloudFront, and a front end may be behind something else.
#[test]
fn a_stack_without_a_distribution_has_nothing_of_cache_invalidation() -> Result<()> {
    let stack = Stack::with("us-gov-west-1", &[("DistributionId", ""), ("CacheInvalidationMode", "auto")])?;
    let resources = stack.made("Resources")?;
    let is_its = |name: &&String| name.starts_with("CacheInvalidation") || name.starts_with("CloudFront");
    assert_eq!(resources.keys().filter(is_its).collect::<Vec<_>>(), [""; 0]);
    let whole = Stack::with("us-east-1", &[])?.made("Resources")?;
    let kept = whole.keys().filter(|name| !is_its(name)).collect::<Vec<_>>();
    assert_eq!(resources.keys().collect::<Vec<_>>(), kept, "all else is made");
    // Incident never chooses it. That the state machine's role does not name it, the check of all references holds.
    let remedies = &resources["Incident"]["Properties"]["Environment"]["Variables"]["REMEDIES"]["Fn::Sub"];
    assert!(
        remedies[0].as_str().is_some_and(|list| list.contains("cache-invalidation=${CacheInvalidation}"))
    );
    assert_eq!(remedies[1]["CacheInvalidation"], "off");
    Ok(())
}

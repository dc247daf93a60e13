//! The parameters of the template, from `template.yaml` itself (`build.rs`).

use std::{collections::BTreeSet, sync::OnceLock};

use regex_lite::Regex;
use serde_json::Value;

use crate::answer::text;

/// A parameter of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// Without one, it has to be given.
    pub(crate) default: Option<String>,
    /// CloudFormation tells nobody its value.
    pub(crate) is_secret: bool,
    is_list: bool,
    pattern: Option<String>,
    constraint: String,
}

/// All of them, in the order of the template.
pub(crate) fn all() -> &'static [Parameter] {
    static ALL: OnceLock<Vec<Parameter>> = OnceLock::new();
    ALL.get_or_init(|| {
        let read =
            serde_json::from_str::<Vec<Value>>(include_str!(concat!(env!("OUT_DIR"), "/parameters.json")));
        read.unwrap_or_default().iter().map(Parameter::of).collect()
    })
}

pub(crate) fn named(name: &str) -> Option<&'static Parameter> {
    all().iter().find(|parameter| parameter.name == name)
}

/// The names that have to be given, since the template knows none: as a rule no other environment has the same.
pub(crate) fn of_one_environment() -> impl Iterator<Item = &'static str> {
    let given = all().iter().filter(|parameter| parameter.default.is_none());
    given.map(|parameter| parameter.name.as_str()).filter(|name| *name != "Environment")
}

impl Parameter {
    fn of(value: &Value) -> Self {
        let given = |field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
        Self {
            name: text(value, "Name"),
            default: given("Default"),
            is_secret: given("NoEcho").is_some_and(|no_echo| no_echo == "true"),
            is_list: given("Type").is_some_and(|kind| kind == "CommaDelimitedList"),
            pattern: given("AllowedPattern"),
            constraint: text(value, "ConstraintDescription"),
        }
    }

    /// What CloudFormation would say against a value.
    pub(crate) fn refuses(&self, value: &str) -> Option<String> {
        let pattern = self.pattern.as_ref()?;
        let whole = Regex::new(&format!("^(?:{pattern})$")).ok()?;
        let fits =
            if self.is_list { items(value).all(|item| whole.is_match(item)) } else { whole.is_match(value) };
        if fits {
            return None;
        }
        let wanted = if self.constraint.is_empty() {
            format!("it has to match {pattern}")
        } else {
            self.constraint.clone()
        };
        Some(format!("{} does not take `{value}`: {wanted}", self.name))
    }
}

/// The parts of a list that commas separate.
pub(crate) fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// Whether two values mean the same: a list has no order.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || items(one).collect::<BTreeSet<_>>() == items(other).collect::<BTreeSet<_>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_templates_own() {
        let template = include_str!("../../template.yaml");
        assert!(all().len() > 60, "{}", all().len());
        assert!(
            all().iter().all(|parameter| template.contains(&format!("\n  {}:\n    Type: ", parameter.name)))
        );
        let required = |name: &str| named(name).unwrap().default.is_none();
        assert!(required("ClusterName") && required("DistributionId") && !required("ServiceName"));
        assert_eq!(named("MaximumTasks").unwrap().default.as_deref(), Some("10"));
        assert!(named("PagerUrl").unwrap().is_secret);
    }

    #[test]
    fn every_pattern_can_be_read_and_takes_its_default() {
        for parameter in all() {
            if let Some(pattern) = &parameter.pattern {
                Regex::new(&format!("^(?:{pattern})$")).unwrap();
            }
            if let Some(default) = &parameter.default {
                assert_eq!(parameter.refuses(default), None);
            }
        }
    }

    #[test]
    fn a_value_that_cloudformation_would_refuse_is_refused() {
        let refuses = |name: &str, value: &str| named(name).unwrap().refuses(value).is_some();
        assert!(!refuses("ClusterName", "lendpeak2-production"));
        assert!(refuses("ClusterName", "arn:aws:ecs:us-east-1:123456789012:cluster/lendpeak2"));
        assert!(!refuses(
            "TaskRoleArns",
            "arn:aws:iam::123456789012:role/a, arn:aws:iam::123456789012:role/p/b"
        ));
        assert!(refuses("TaskRoleArns", "arn:aws:iam::123456789012:role/a,b"));
        assert!(!refuses("DistributionId", "") && refuses("DistributionId", "e123"));
        assert!(refuses("LoadBalancerFullName", "net/lendpeak2/0123456789abcdef"));
    }

    #[test]
    fn lists_have_no_order() {
        assert!(is_same("a, b", "b,a") && !is_same("a,b", "a") && is_same("", ""));
    }
}

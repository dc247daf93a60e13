//! What a role's statements allow, as IAM reads them: action, resource and conditions.
//!
//! Only what the template uses is known here. Anything else is an error, so that nothing passes unread.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::needs::{LEADING_KEYS, Need, RESOURCE_TAG};
use super::resolve::Resolver;
use super::template::{Template, field, statements, texts};

/// The condition keys that a call's record can say. That a service calls KMS for us, no call of ours says.
const KEYS: [&str; 8] = [
    "application-autoscaling:scalable-dimension",
    "application-autoscaling:service-namespace",
    "cloudwatch:namespace",
    LEADING_KEYS,
    "ecs:CreateAction",
    "ecs:cluster",
    "iam:PassedToService",
    "kms:ViaService",
];

/// One statement, its references resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub sid: String,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    operator: Operator,
    key: String,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    StringEquals,
    StringEqualsIfExists,
    ForAllValuesStringEquals,
    ForAllValuesStringLike,
    ArnEquals,
}

impl Operator {
    fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "StringEquals" => Self::StringEquals,
            "StringEqualsIfExists" => Self::StringEqualsIfExists,
            "ForAllValues:StringEquals" => Self::ForAllValuesStringEquals,
            "ForAllValues:StringLike" => Self::ForAllValuesStringLike,
            "ArnEquals" => Self::ArnEquals,
            other => bail!("this check does not know the condition operator {other}"),
        })
    }
}

impl Condition {
    /// A key that the call does not have is no match, but for the operator that says so. IAM has another one: what is
    /// said of all values holds of none. Here it does not, since a record may lack what the call had.
    fn holds(&self, context: &BTreeMap<String, Vec<String>>) -> bool {
        let Some(present) = context.get(&self.key).filter(|present| !present.is_empty()) else {
            return self.operator == Operator::StringEqualsIfExists;
        };
        present.iter().all(|value| self.values.iter().any(|wanted| self.is(wanted, value)))
    }

    /// Whether one of the condition's values is what the call has.
    fn is(&self, wanted: &str, value: &str) -> bool {
        match self.operator {
            Operator::ArnEquals | Operator::ForAllValuesStringLike => matches(wanted, value),
            Operator::StringEquals | Operator::StringEqualsIfExists | Operator::ForAllValuesStringEquals => {
                wanted == value
            }
        }
    }
}

/// Every statement of a function's role.
pub fn of_function(template: &Template, resolver: &Resolver<'_>, task: &str) -> Result<Vec<Statement>> {
    let function = template
        .functions()
        .into_iter()
        .find(|function| {
            field(field(function, "FunctionName"), "Fn::Sub")
                .as_str()
                .is_some_and(|name| name.strip_prefix("lendpeak2-${Environment}-") == Some(task))
        })
        .with_context(|| format!("the template has no function {task}"))?;
    let role = template.named(field(function, "Role"), "Fn::GetAtt", "AWS::IAM::Role")?;
    statements(role).into_iter().map(|statement| parse(statement, resolver)).collect()
}

/// One statement as the template has it.
pub fn parse(statement: &Value, resolver: &Resolver<'_>) -> Result<Statement> {
    for (part, _) in statement.as_object().context("a statement is no object")? {
        let known = ["Sid", "Effect", "Action", "Resource", "Condition"].contains(&part.as_str());
        ensure!(known, "this check does not know {part} of a statement");
    }
    ensure!(field(statement, "Effect") == "Allow", "this check knows only Allow: {statement}");
    let sid = field(statement, "Sid").as_str().context("a statement without a Sid")?.to_owned();
    let actions: Vec<String> = texts(field(statement, "Action")).into_iter().map(str::to_owned).collect();
    let resources = resolver.texts(field(statement, "Resource"))?;
    ensure!(!actions.is_empty() && !resources.is_empty(), "{sid} allows nothing");
    let mut conditions = Vec::new();
    for (operator, keys) in field(statement, "Condition").as_object().into_iter().flatten() {
        let operator = Operator::parse(operator)?;
        for (key, values) in keys.as_object().into_iter().flatten() {
            let known = KEYS.contains(&key.as_str()) || key.starts_with(RESOURCE_TAG);
            ensure!(known, "{sid}: this check does not know the condition key {key}");
            conditions.push(Condition { operator, key: key.clone(), values: resolver.texts(values)? });
        }
    }
    Ok(Statement { sid, actions, resources, conditions })
}

impl Statement {
    /// The resource of the statement by which it allows this; none when it does not.
    pub fn allows(&self, need: &Need) -> Option<&str> {
        let acts = self.actions.iter().any(|action| matches_action(action, &need.action));
        if !acts || !self.conditions.iter().all(|condition| condition.holds(&need.context)) {
            return None;
        }
        self.resources.iter().find(|pattern| matches(pattern, &need.resource)).map(String::as_str)
    }

    /// The partitions of DynamoDB that it is limited to, some with a wildcard; none when it is not.
    pub fn leading_keys(&self) -> Vec<&str> {
        let limits = self.conditions.iter().filter(|condition| condition.key == LEADING_KEYS);
        limits.flat_map(|condition| &condition.values).map(String::as_str).collect()
    }

    /// Those of them that a call was about.
    pub fn leading_keys_of(&self, need: &Need) -> Vec<&str> {
        let called = need.context.get(LEADING_KEYS).map(Vec::as_slice).unwrap_or_default();
        let limits = self.conditions.iter().filter(|condition| condition.key == LEADING_KEYS);
        let wanted = limits.flat_map(|limit| limit.values.iter().map(move |wanted| (limit, wanted)));
        let about = wanted.filter(|(limit, wanted)| called.iter().any(|value| limit.is(wanted, value)));
        about.map(|(_, wanted)| wanted.as_str()).collect()
    }
}

/// Each action that a role allows, with all that it is allowed on: by one statement or by several.
pub fn by_action(statements: &[Statement]) -> BTreeMap<&str, Vec<&str>> {
    let mut resources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for statement in statements {
        for action in &statement.actions {
            resources.entry(action).or_default().extend(statement.resources.iter().map(String::as_str));
        }
    }
    resources
}

/// IAM's actions have no case.
fn matches_action(pattern: &str, action: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// `*` is any text, `?` any character. A call on all resources of a kind names them with a `*` of its own, and only a
/// `*` matches that.
pub fn matches(pattern: &str, text: &str) -> bool {
    fn rest(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', pattern @ ..], _) => {
                (0..=text.len()).any(|taken| text.get(taken..).is_some_and(|text| rest(pattern, text)))
            }
            ([b'?', pattern @ ..], [first, text @ ..]) => *first != b'*' && rest(pattern, text),
            ([wanted, pattern @ ..], [first, text @ ..]) => wanted == first && rest(pattern, text),
            _ => false,
        }
    }
    rest(pattern.as_bytes(), text.as_bytes())
}

//! A stack of one environment has no name of another.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use sandbox::workspace;
use serde_json::{Map, Value};

use crate::template::document::{self, Template, installed};

/// The parameters that name the resources of one environment. A default would be another one's.
pub(crate) const REQUIRED: [&str; 12] = [
    "Environment",
    "ClusterName",
    "TaskFamily",
    "TaskRoleArns",
    "LogGroupName",
    "SecretPrefix",
    "LoadBalancerFullName",
    "ApiUrl",
    "AppUrl",
    "DatabaseCluster",
    "DatabaseSecretName",
    "DistributionId",
];

/// An environment of `samconfig.toml`.
pub(crate) struct Environment {
    pub(crate) name: String,
    /// Its part of the file.
    pub(crate) text: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

/// All of them.
pub(crate) fn environments() -> Result<Vec<Environment>> {
    let text = std::fs::read_to_string(workspace().join("samconfig.toml"))?;
    let mut environments = Vec::new();
    for (name, text) in text.split("\n[").filter_map(|part| part.split_once(".deploy.parameters]")) {
        let overrides = text.lines().filter_map(|line| line.strip_prefix("    \"")?.split_once('='));
        let parameters =
            overrides.map(|(name, value)| (name.to_owned(), value.trim_end_matches(['"', ',']).to_owned()));
        let parameters = parameters.collect();
        environments.push(Environment { name: name.to_owned(), text: text.to_owned(), parameters });
    }
    ensure!(environments.len() == 2, "samconfig.toml has {} environments", environments.len());
    Ok(environments)
}

/// A parameter's value as CloudFormation takes it.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Environment {
    /// The value of every parameter of a stack that is made for it.
    pub(crate) fn values(&self, template: &Template) -> Result<Map<String, Value>> {
        let mut values = Map::new();
        for (name, parameter) in template.0["Parameters"].as_object().context("no parameters")? {
            let default = &parameter["Default"];
            let default = (!default.is_null()).then(|| text(default));
            let value = self.parameters.get(name).cloned().or(default);
            let value = value.with_context(|| format!("{} says no {name}", self.name))?;
            values.insert(name.clone(), value.into());
        }
        Ok(values)
    }
}

/// The template as SAM hands it to CloudFormation.
pub(crate) fn expanded(values: &Map<String, Value>) -> Result<Value> {
    // What is in a file, a deployment uploads first.
    const SCRIPT: &str = "
import json, sys
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

class NoManagedPolicies:
    def load(self):
        return {}

template = yaml_parse(sys.stdin.read())
for resource in template['Resources'].values():
    for uri in ('CodeUri', 'DefinitionUri'):
        if uri in resource['Properties']:
            resource['Properties'][uri] = 's3://bucket/' + resource['Properties'][uri]
json.dump(transform(template, json.loads(sys.argv[1]), NoManagedPolicies()), sys.stdout)
";
    let values = Value::Object(values.clone()).to_string();
    let run = Command::new(installed("python")?)
        .args(["-c", SCRIPT, values.as_str()])
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .stdin(std::fs::File::open(workspace().join("template.yaml"))?)
        .stderr(Stdio::inherit())
        .output()?;
    serde_json::from_slice(&run.stdout).context("SAM cannot expand template.yaml")
}

/// What stands around a word.
fn around<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    const AROUND: usize = 60;
    let at = text.find(word)?;
    let (before, after) = (at.saturating_sub(AROUND), (at + AROUND).min(text.len()));
    Some(text.get(before..after).unwrap_or(text))
}

#[test]
fn no_stack_has_the_name_of_another_environment_anywhere() -> Result<()> {
    let (template, all) = (Template::read()?, environments()?);
    for environment in &all {
        let values = environment.values(&template)?;
        assert_eq!(values["Environment"], environment.name.as_str());
        let lines = environment.text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let given: String = lines.collect::<Vec<_>>().join("\n");
        let expanded = expanded(&values)?.to_string();
        let values = Value::Object(values).to_string();
        assert!(expanded.contains("AWS::Lambda::Function"), "nothing is expanded");
        for other in all.iter().filter(|other| other.name != environment.name) {
            for text in [&given, &values, &expanded] {
                let found = around(text, &other.name);
                assert_eq!(found, None, "{} has a name of {}", environment.name, other.name);
            }
        }
    }
    Ok(())
}

#[test]
fn every_environment_names_all_of_its_own_resources() -> Result<()> {
    let all = environments()?;
    for name in REQUIRED {
        let mut values = Vec::new();
        for environment in &all {
            let value = environment.parameters.get(name);
            let value = value.with_context(|| format!("{} does not name its {name}", environment.name))?;
            assert!(!values.contains(&value), "two environments have the same {name}");
            values.push(value);
        }
    }
    Ok(())
}

#[test]
fn it_is_written_where_each_required_name_is_found() -> Result<()> {
    let deploy = document::deploy()?;
    let rows: Vec<&str> = deploy.lines().filter(|line| line.starts_with("| `")).collect();
    for name in REQUIRED {
        let written = format!("`{name}`");
        let is_named = |row: &&str| row.split(" | ").next().is_some_and(|cell| cell.contains(&written));
        assert!(rows.iter().any(is_named), "docs/deploy.md does not say where {name} is found");
    }
    Ok(())
}

//! `template.yaml` as JSON.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use sandbox::{ministack::virtual_environment, workspace};
use serde_json::Value;

/// The template, with the short tags written out: `!Ref A` is `{"Ref": "A"}`.
#[derive(Debug, Clone)]
pub struct Template(pub Value);

impl Template {
    pub fn read() -> Result<Self> {
        Self::of("template.yaml")
    }

    /// By SAM's own reader, which knows the tags.
    pub fn of(file: &str) -> Result<Self> {
        const SCRIPT: &str = "import json, sys; from samtranslator.yaml_helper import yaml_parse; \
                              json.dump(yaml_parse(sys.stdin.read()), sys.stdout)";
        let run = Command::new(installed("python")?)
            .args(["-c", SCRIPT])
            .stdin(std::fs::File::open(workspace().join(file))?)
            .stderr(Stdio::inherit())
            .output()?;
        Ok(Self(serde_json::from_slice(&run.stdout).with_context(|| format!("cannot read {file}"))?))
    }

    /// What is at a path of names; null where there is nothing.
    pub fn at(&self, path: &[&str]) -> &Value {
        path.iter().fold(&self.0, |value, name| value.get(name).unwrap_or(&Value::Null))
    }

    /// The properties of all resources of a type.
    pub fn of_type(&self, of_type: &str) -> Vec<&Value> {
        let resources = self.at(&["Resources"]).as_object().into_iter().flatten();
        let wanted = resources.filter(|(_, resource)| field(resource, "Type") == of_type);
        wanted.map(|(_, resource)| field(resource, "Properties")).collect()
    }

    pub fn functions(&self) -> Vec<&Value> {
        self.of_type("AWS::Serverless::Function")
    }

    /// The properties of the resource that a `Ref` or a `Fn::GetAtt` names.
    pub fn named(&self, reference: &Value, by: &str, of_type: &str) -> Result<&Value> {
        let name = referred(reference, by).with_context(|| format!("{reference} is not a {by}"))?;
        let resource = self.at(&["Resources", name]);
        ensure!(field(resource, "Type") == of_type, "{name} is not an {of_type}");
        Ok(field(resource, "Properties"))
    }
}

/// The resource that a `Ref` or a `Fn::GetAtt` names.
pub fn referred<'a>(reference: &'a Value, by: &str) -> Option<&'a str> {
    match reference.get(by)? {
        Value::Array(path) => path.first()?.as_str(),
        name => name.as_str(),
    }
}

/// A field's value, null when there is none.
pub fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// What a policy writes as one text or a list of them.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

/// What a value is where the condition holds that it depends on, if it depends on one.
pub fn if_it_holds(value: &Value) -> &Value {
    field(value, "Fn::If").get(1).map_or(value, if_it_holds)
}

/// The statements of a role's policies. One that depends on a condition counts as if it held.
pub fn statements(role: &Value) -> Vec<&Value> {
    let policies = field(role, "Policies").as_array().into_iter().flatten().map(if_it_holds);
    let documents = policies.map(|policy| field(policy, "PolicyDocument"));
    documents.filter_map(|document| field(document, "Statement").as_array()).flatten().collect()
}

/// A program of the sandbox's Python environment.
pub fn installed(program: &str) -> Result<PathBuf> {
    let path = virtual_environment().join("bin").join(program);
    ensure!(path.exists(), "{} is not there; `make test` installs it", path.display());
    Ok(path)
}

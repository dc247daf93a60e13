//! The template as these checks read it.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{ministack::virtual_environment, workspace};

/// The template as JSON, with the short tags written out: `!Ref A` is `{"Ref": "A"}`.
pub(crate) struct Template(pub(crate) Value);

impl Template {
    /// By SAM's own reader, which knows the tags.
    pub(crate) fn read() -> Result<Self> {
        const SCRIPT: &str = "import json, sys; from samtranslator.yaml_helper import yaml_parse; \
                              json.dump(yaml_parse(sys.stdin.read()), sys.stdout)";
        let run = Command::new(installed("python")?)
            .args(["-c", SCRIPT])
            .stdin(std::fs::File::open(workspace().join("template.yaml"))?)
            .stderr(Stdio::inherit())
            .output()?;
        Ok(Self(serde_json::from_slice(&run.stdout).context("cannot read template.yaml")?))
    }

    /// The properties of all resources of a type.
    pub(crate) fn of_type(&self, of_type: &str) -> Vec<&Value> {
        let resources = self.0["Resources"].as_object().into_iter().flatten();
        resources.filter(|(_, resource)| resource["Type"] == of_type).map(|(_, r)| &r["Properties"]).collect()
    }

    pub(crate) fn functions(&self) -> Vec<&Value> {
        self.of_type("AWS::Serverless::Function")
    }

    /// The properties of the resource that a `Ref` or a `Fn::GetAtt` names.
    pub(crate) fn named(&self, reference: &Value, by: &str, of_type: &str) -> Result<&Value> {
        let name = match &reference[by] {
            Value::Array(path) => path.first().and_then(Value::as_str),
            name => name.as_str(),
        };
        let name = name.with_context(|| format!("{reference} is not a {by}"))?;
        let resource = &self.0["Resources"][name];
        ensure!(resource["Type"] == of_type, "{name} is not an {of_type}");
        Ok(&resource["Properties"])
    }
}

/// What a policy writes as one text or a list of them.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

pub(crate) fn installed(program: &str) -> Result<PathBuf> {
    let path = virtual_environment().join("bin").join(program);
    ensure!(path.exists(), "{} is not there; `make test` installs it", path.display());
    Ok(path)
}

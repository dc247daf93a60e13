//! A state machine as the sandbox deploys it, what its role allows, and which remedies it may be told to run.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use iam::{policy, resolve::Resolver};
use sandbox::workspace;
use serde_json::Value;

use crate::template::document::{Template, statements};

/// The statement by which Step Functions delivers a state machine's log.
pub(crate) const LOGS: &str = "DeliverItsLog";

/// A state machine's definition, as it is in its file.
pub(crate) fn written(machine: &Value) -> Result<String> {
    let path = machine["DefinitionUri"].as_str().context("a definition that is not in a file")?;
    std::fs::read_to_string(workspace().join(path)).with_context(|| path.to_owned())
}

/// The same with everything that the template gives it.
pub(crate) fn filled_in(template: &Template, machine: &Value) -> Result<String> {
    let resolver = Resolver::new(template)?;
    let mut text = written(machine)?;
    for (name, value) in machine["DefinitionSubstitutions"].as_object().context("nothing is given")? {
        text = text.replace(&format!("${{{name}}}"), &resolver.text(value)?);
    }
    ensure!(!text.contains("${"), "{} is not filled in", machine["DefinitionUri"]);
    Ok(text)
}

/// What a state machine's role allows beside its log: the resources of each action, every one by its whole ARN.
pub(crate) fn granted(template: &Template, machine: &Value) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let resolver = Resolver::new(template)?;
    let role = template.named(&machine["Role"], "Fn::GetAtt", "AWS::IAM::Role")?;
    let mut granted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for statement in statements(role).into_iter().filter(|one| one["Sid"] != LOGS) {
        let policy::Statement { actions, resources, .. } = policy::parse(statement, &resolver)?;
        ensure!(!resources.iter().any(|one| one.contains(['*', '?'])), "{statement}");
        for action in actions {
            granted.entry(action).or_default().extend(resources.iter().cloned());
        }
    }
    Ok(granted)
}

/// The remedies that `incident` may choose, and `service-down` is then told to run: `incident`'s `REMEDIES`, each with
/// the name of the variable part that is its mode.
pub(crate) fn chosen(template: &Template) -> Result<BTreeMap<String, String>> {
    let incident = &template.0["Resources"]["Incident"]["Properties"]["Environment"]["Variables"];
    let list = incident["REMEDIES"]["Fn::Sub"][0].as_str().context("no remedies")?;
    let remedy = |one: &str| {
        let (name, mode) = one.split_once("=${").context("a remedy without a mode")?;
        let mode = mode.strip_suffix('}').context("a mode that is more than a name")?;
        Ok((name.to_owned(), mode.to_owned()))
    };
    list.split(',').map(remedy).collect()
}

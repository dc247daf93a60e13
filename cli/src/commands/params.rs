//! `lendpeak2 params`

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    exit::Exit, failure::Failure, parameters, runbook::Runbook, samconfig::Samconfig, screen::Screen,
    table::table,
};

/// Look at the parameters of the deployed stack
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Compare them with samconfig.toml and the template's defaults; 3 where they differ
    Diff {
        /// The file of SAM's settings
        #[arg(long, value_name = "FILE", default_value = "samconfig.toml")]
        file: PathBuf,
    },
}

pub(crate) fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let What::Diff { file } = &options.what;
    let stack = &runbook.stack;
    let samconfig = Samconfig::read_existing(file)?;
    let overrides =
        samconfig.overrides(&stack.environment)?.ok_or_else(|| no_section(&samconfig, &stack.environment))?;
    let differences = differences(stack.parameters(), &overrides);
    if runbook.screen.is_json() {
        runbook.screen.json(&json!({
            "stack": stack.name,
            "environment": stack.environment,
            "file": file.display().to_string(),
            "differences": differences.iter().map(Difference::as_json).collect::<Vec<_>>(),
        }));
    } else {
        show(runbook.screen, &stack.name, file, &differences);
    }
    Ok(if differences.is_empty() { Exit::Done } else { Exit::Refused })
}

fn no_section(samconfig: &Samconfig, environment: &str) -> Failure {
    let there = samconfig.environments().unwrap_or_default().join(", ");
    Failure::usage(
        format!("{} has no section [{environment}.deploy.parameters]", samconfig.path.display()),
        if there.is_empty() {
            "make one by `lendpeak2 init --write`".to_owned()
        } else {
            format!("it has: {there}")
        },
    )
}

/// A parameter that is not the same in all places.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    parameter: String,
    deployed: Option<String>,
    samconfig: Option<String>,
    default: Option<String>,
    what: &'static str,
}

impl Difference {
    fn as_json(&self) -> Value {
        json!({
            "parameter": self.parameter,
            "deployed": self.deployed,
            "samconfig": self.samconfig,
            "default": self.default,
            "what": self.what,
        })
    }
}

/// What `sam deploy` would do: what the section has, it sets; what it has not, stays as it is deployed.
fn differences(deployed: &BTreeMap<String, String>, samconfig: &BTreeMap<String, String>) -> Vec<Difference> {
    let declared = parameters::all().iter().map(|parameter| parameter.name.as_str());
    let known: BTreeSet<&str> = declared.clone().collect();
    let others: BTreeSet<&str> = deployed.keys().chain(samconfig.keys()).map(String::as_str).collect();
    let all = declared.chain(others.into_iter().filter(|name| !known.contains(name)));
    all.filter_map(|name| {
        let (has, wants) = (deployed.get(name), samconfig.get(name));
        let parameter = parameters::named(name);
        let default = parameter.and_then(|parameter| parameter.default.as_ref());
        let is_same = |one: &str, other: &str| parameters::is_same(one, other);
        let what = match (parameter, has, wants) {
            (None, _, Some(_)) => "this version has no such parameter: it has no effect",
            (None, _, None) => "this version has no such parameter: the next deployment drops it",
            // CloudFormation does not tell it.
            (Some(parameter), Some(_), _) if parameter.is_secret => return None,
            (_, Some(has), Some(wants)) if !is_same(has, wants) => "the next deployment changes it",
            (_, None, Some(wants)) if default != Some(wants) => "the next deployment sets it",
            (_, None, None) if default.is_none() => "it has to be given, and is not",
            (_, Some(has), None) => match default {
                None => "only deployed: a new stack could not be made without it",
                Some(default) if !is_same(has, default) => {
                    "only deployed: a new stack would have the default"
                }
                Some(_) => return None,
            },
            _ => return None,
        };
        let hides = parameter.is_some_and(|parameter| parameter.is_secret);
        let shown =
            |value: Option<&String>| value.map(|value| if hides { "****".to_owned() } else { value.clone() });
        Some(Difference {
            parameter: name.to_owned(),
            deployed: shown(has),
            samconfig: shown(wants),
            default: default.cloned(),
            what,
        })
    })
    .collect()
}

fn show(screen: &Screen, stack: &str, file: &Path, differences: &[Difference]) {
    if differences.is_empty() {
        return screen.answer(&format!("{stack} is deployed as {} says.", file.display()));
    }
    let rows = differences.iter().map(|one| {
        let cell = |value: &Option<String>| shown(value.as_deref());
        [
            one.parameter.clone(),
            cell(&one.deployed),
            cell(&one.samconfig),
            cell(&one.default),
            one.what.to_owned(),
        ]
    });
    screen.answer(&table(["parameter", "deployed", "samconfig", "default", "what"], rows, screen.width()));
}

/// A value in a table: one that is empty is not one that is not there.
pub(crate) fn shown(value: Option<&str>) -> String {
    match value {
        None => "-".to_owned(),
        Some("") => "''".to_owned(),
        Some(value) => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// All that has to be given is the same in both.
    #[track_caller]
    fn check(deployed: &[(&str, &str)], samconfig: &[(&str, &str)], expected: &[(&str, &str)]) {
        let required = parameters::all().iter().filter(|parameter| parameter.default.is_none());
        let required: BTreeMap<_, _> =
            required.map(|parameter| (parameter.name.clone(), "x".to_owned())).collect();
        let with = |more: &[(&str, &str)]| {
            let mut all = required.clone();
            all.extend(map(more));
            all.retain(|_, value| value != "none");
            all
        };
        let found = differences(&with(deployed), &with(samconfig));
        let found: Vec<(&str, &str)> = found.iter().map(|one| (one.parameter.as_str(), one.what)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_the_same_is_no_difference() {
        check(&[], &[], &[]);
        check(&[("MaximumTasks", "10")], &[], &[]);
        check(&[("TaskRoleArns", "a,b")], &[("TaskRoleArns", "b, a")], &[]);
        check(&[], &[("MaximumTasks", "10")], &[]);
    }

    #[test]
    fn each_difference_says_what_the_next_deployment_does() {
        let changes = "the next deployment changes it";
        check(&[("MaximumTasks", "4")], &[("MaximumTasks", "5")], &[("MaximumTasks", changes)]);
        check(&[("NoticeEmail", "a@b")], &[("NoticeEmail", "")], &[("NoticeEmail", changes)]);
        check(
            &[("MaximumTasks", "4")],
            &[],
            &[("MaximumTasks", "only deployed: a new stack would have the default")],
        );
        check(
            &[],
            &[("ClusterName", "none")],
            &[("ClusterName", "only deployed: a new stack could not be made without it")],
        );
        check(&[], &[("MaximumTasks", "4")], &[("MaximumTasks", "the next deployment sets it")]);
        check(
            &[("ClusterName", "none")],
            &[("ClusterName", "none")],
            &[("ClusterName", "it has to be given, and is not")],
        );
    }

    #[test]
    fn a_parameter_of_another_version_is_told() {
        check(
            &[("ChatWebhookUrl", "")],
            &[],
            &[("ChatWebhookUrl", "this version has no such parameter: the next deployment drops it")],
        );
        check(
            &[],
            &[("ChatWebhookUrl", "x")],
            &[("ChatWebhookUrl", "this version has no such parameter: it has no effect")],
        );
    }

    #[test]
    fn what_cloudformation_hides_is_not_compared_and_not_shown() {
        check(&[("PagerUrl", "****")], &[("PagerUrl", "https://p/key")], &[]);
        check(&[("PagerUrl", "****")], &[], &[]);
        let found = differences(&map(&[]), &map(&[("PagerUrl", "https://p/key")]));
        let pager = found.iter().find(|one| one.parameter == "PagerUrl").unwrap();
        assert_eq!(pager.samconfig.as_deref(), Some("****"));
    }
}

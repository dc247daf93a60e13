//! The deployed stack: its outputs name everything. A stack of the runbook is known by what it puts out, whatever it is
//! called.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::{Client, error::ProvideErrorMetadata, types::Stack as Described};
use serde_json::Value;

use crate::{failure::Failure, function::Function};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stack {
    pub(crate) name: String,
    /// Its ARN: one that is made anew under the same name has another.
    pub(crate) id: String,
    pub(crate) environment: String,
    outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

impl Stack {
    /// The stack of an environment, or the only one there is.
    pub(crate) async fn find(client: &Client, wanted: Option<&str>) -> Result<Self, Failure> {
        if let Some(environment) = wanted {
            // As samconfig.toml calls it: one call, which needs no right to list.
            let named =
                client.describe_stacks().stack_name(format!("lendpeak2-runbook-{environment}")).send().await;
            match named {
                Ok(answer) => {
                    if let Some(stack) = answer.stacks().iter().find_map(Self::of) {
                        return Ok(stack);
                    }
                }
                // CloudFormation has no other word for a stack that is not there.
                Err(error) if error.code() == Some("ValidationError") => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        let mut pages = client.describe_stacks().into_paginator().items().send();
        let mut stacks = Vec::new();
        while let Some(stack) = pages.next().await {
            stacks.extend(Self::of(&stack.map_err(|error| failed(&error))?));
        }
        choose(stacks, wanted)
    }

    /// Nothing where it is not one of the runbook.
    fn of(stack: &Described) -> Option<Self> {
        let outputs = stack
            .outputs()
            .iter()
            .filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned())));
        let outputs: BTreeMap<_, _> = outputs.collect();
        let parameters = stack.parameters().iter().filter_map(|parameter| {
            Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
        });
        let incident = outputs.get(Function::Incident.output())?;
        outputs.get(LEDGER)?;
        let environment = incident.strip_prefix("lendpeak2-")?.strip_suffix("-incident")?.to_owned();
        Some(Self {
            name: stack.stack_name().unwrap_or_default().to_owned(),
            id: stack.stack_id().unwrap_or_default().to_owned(),
            environment,
            parameters: parameters.collect(),
            outputs,
        })
    }

    /// A function's name in Lambda.
    pub(crate) fn function(&self, function: Function) -> Result<&str, Failure> {
        self.output(function.output()).map_err(|_| {
            Failure::usage(
                format!("the stack {} has no {}", self.name, function.name()),
                match function {
                    Function::CacheInvalidation => "it has no DistributionId, so nothing can be invalidated",
                    _ => "deploy this version of the runbook",
                },
            )
        })
    }

    /// Where a request goes that only shows: to what needs the fewest permissions. By its alias, `incident` takes no dry
    /// run of anything else.
    pub(crate) fn shows(&self, function: Function, request: &Value) -> Result<&str, Failure> {
        match (function, self.outputs.get(INCIDENT_LOOK)) {
            (Function::Incident, Some(alias)) if request.get("dry_run").is_none() => Ok(alias),
            _ => self.function(function),
        }
    }

    pub(crate) fn ledger(&self) -> Result<&str, Failure> {
        self.output(LEDGER)
    }

    /// The queue of approvals. A runbook of an earlier version has none: there, a request to the function decides.
    pub(crate) fn approvals(&self) -> Option<&str> {
        self.outputs.get(APPROVALS).map(String::as_str)
    }

    pub(crate) fn output(&self, name: &str) -> Result<&str, Failure> {
        self.outputs.get(name).map(String::as_str).ok_or_else(|| {
            Failure::usage(
                format!("the stack {} has no output {name}", self.name),
                "deploy this version of the runbook",
            )
        })
    }

    /// All that the stack was deployed with.
    pub(crate) fn parameters(&self) -> &BTreeMap<String, String> {
        &self.parameters
    }

    /// What the stack was deployed with.
    pub(crate) fn parameter(&self, name: &str) -> Result<&str, Failure> {
        let given = self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty());
        given.ok_or_else(|| {
            Failure::usage(
                format!("the stack {} was deployed without {name}", self.name),
                "name it in samconfig.toml, and deploy",
            )
        })
    }
}

const LEDGER: &str = "LedgerTable";
/// An earlier version has no such alias.
const INCIDENT_LOOK: &str = "IncidentLookAlias";
const APPROVALS: &str = "ApprovalsQueueUrl";

fn choose(stacks: Vec<Stack>, wanted: Option<&str>) -> Result<Stack, Failure> {
    let there: Vec<&str> = stacks.iter().map(|stack| stack.environment.as_str()).collect();
    let there = there.join(", ");
    let is_wanted = |stack: &Stack| wanted.is_none_or(|wanted| wanted == stack.environment);
    let mut fitting = stacks.into_iter().filter(is_wanted);
    match (fitting.next(), fitting.next(), wanted) {
        (Some(stack), None, _) => Ok(stack),
        (Some(_), Some(_), None) => Err(Failure::usage(
            format!("there is more than one environment: {there}"),
            "name one by -e, or by LENDPEAK2_ENVIRONMENT",
        )),
        (Some(stack), Some(_), Some(wanted)) => Err(Failure::usage(
            format!("several stacks are the runbook of {wanted}, among them {}", stack.name),
            "delete the one that is not used",
        )),
        (None, _, Some(wanted)) if !there.is_empty() => Err(Failure::usage(
            format!("there is no runbook of an environment `{wanted}` in this account and region"),
            format!("there is: {there}"),
        )),
        (None, _, _) => Err(Failure::usage(
            "no runbook is deployed in this account and region",
            "look whether --profile and --region are the right ones; deploy it by `make deploy ENV=staging`",
        )),
    }
}

fn failed(
    error: &aws_sdk_cloudformation::error::SdkError<
        aws_sdk_cloudformation::operation::describe_stacks::DescribeStacksError,
    >,
) -> Failure {
    Failure::aws("find the stack", "cloudformation:DescribeStacks", error)
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{Output, StackStatus};

    use super::*;

    fn described(environment: &str) -> Described {
        let output = |key: &str, value: String| Output::builder().output_key(key).output_value(value).build();
        Described::builder()
            .stack_name("any")
            .stack_status(StackStatus::CreateComplete)
            .creation_time(std::time::SystemTime::UNIX_EPOCH.into())
            .outputs(output("IncidentName", format!("lendpeak2-{environment}-incident")))
            .outputs(output("LedgerTable", format!("lendpeak2-{environment}-ledger")))
            .build()
    }

    fn stacks(environments: &[&str]) -> Vec<Stack> {
        environments.iter().filter_map(|environment| Stack::of(&described(environment))).collect()
    }

    #[track_caller]
    fn check(there: &[&str], wanted: Option<&str>, expected: Result<&str, &str>) {
        let chosen = choose(stacks(there), wanted);
        let chosen = chosen.map(|stack| stack.environment).map_err(|failure| failure.to_string());
        assert_eq!(chosen.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn the_only_environment_needs_no_name() {
        check(&["production"], None, Ok("production"));
        check(&["production", "staging"], Some("staging"), Ok("staging"));
        check(
            &["production", "staging"],
            None,
            Err("there is more than one environment: production, staging"),
        );
        check(
            &["production"],
            Some("stagin"),
            Err("there is no runbook of an environment `stagin` in this account and region"),
        );
        check(&[], None, Err("no runbook is deployed in this account and region"));
    }

    #[test]
    fn a_stack_of_something_else_is_passed_over() {
        let other = Described::builder()
            .stack_name("other")
            .stack_status(StackStatus::CreateComplete)
            .creation_time(std::time::SystemTime::UNIX_EPOCH.into())
            .build();
        assert_eq!(Stack::of(&other), None);
    }

    #[test]
    fn without_a_distribution_there_is_nothing_to_invalidate() {
        let [stack] = <[Stack; 1]>::try_from(stacks(&["production"])).unwrap();
        let failure = stack.function(Function::CacheInvalidation).unwrap_err();
        assert!(failure.help().contains("DistributionId"), "{failure}");
    }
}

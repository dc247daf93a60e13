//! `--check`: what is found beside what is deployed, and what samconfig.toml has.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use serde_json::{Value, json};

use super::Place;
use crate::{
    commands::params::shown,
    discover::{
        self,
        findings::{Finding, Findings, Sure},
        seen::Read,
    },
    exit::Exit,
    failure::Failure,
    parameters,
    samconfig::{Overrides, Samconfig},
    screen::Screen,
    stack::Stack,
    table::table,
};

/// The deployed stack of an environment, or of the only one there is.
pub(super) async fn deployed(config: &SdkConfig, environment: Option<&str>) -> Result<Read<Stack>, Failure> {
    discover::read(Stack::find(&aws_sdk_cloudformation::Client::new(config), environment).await)
}

/// A parameter that is not everywhere as it was found.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    parameter: &'static str,
    found: String,
    sure: Sure,
    deployed: Option<String>,
    samconfig: Option<String>,
}

pub(super) fn run(
    screen: &Screen,
    place: &Place,
    findings: &Findings,
    deployed: &Read<Stack>,
    samconfig: &Samconfig,
) -> Result<Exit, Failure> {
    let (file, environment) = (samconfig.path.display(), &place.environment);
    let written = samconfig.overrides(environment)?;
    match (deployed, &written) {
        (Err(why), None) => {
            return Err(Failure::usage(
                format!(
                    "there is nothing to compare with: {why}; and {file} has no section of {environment}"
                ),
                "name another file by --file, or make the section by `lendpeak2 init --write`",
            ));
        }
        (Err(why), Some(_)) => screen.note(&format!("Compared with {file} alone: {why}.")),
        (Ok(stack), None) => {
            screen.note(&format!(
                "Compared with the stack {} alone: {file} has no section of {environment}.",
                stack.name
            ));
        }
        (Ok(_), Some(_)) => {}
    }
    let deployed = deployed.as_ref().ok();
    let differences = differences(findings, deployed.map(Stack::parameters), written.as_ref());
    // A guess proves nothing against what a person wrote.
    let is_drift = differences.iter().any(|one| one.sure == Sure::Certain);
    if screen.is_json() {
        screen.json(&json!({
            "environment": environment,
            "account": place.account,
            "region": place.region,
            "cluster": place.service.cluster,
            "service": place.service.service,
            "stack": deployed.map(|stack| stack.name.as_str()),
            "file": written.map(|_| file.to_string()),
            "differences": differences.iter().map(as_json).collect::<Vec<_>>(),
            "open": findings.open.iter().map(|one| one.parameter).collect::<Vec<_>>(),
            "drift": is_drift,
        }));
    } else {
        screen.answer(&words(&differences, findings, screen.width()));
    }
    Ok(if is_drift { Exit::Refused } else { Exit::Done })
}

fn differences(
    findings: &Findings,
    deployed: Option<&BTreeMap<String, String>>,
    samconfig: Option<&Overrides>,
) -> Vec<Difference> {
    let differs = |finding: &Finding, there: Option<&Overrides>| {
        let default = parameters::named(finding.parameter).and_then(|parameter| parameter.default.as_ref());
        there.is_some_and(|there| {
            let value = there.get(finding.parameter).or(default);
            value.is_none_or(|value| !covers(finding.parameter, value, &finding.value))
        })
    };
    let found = findings.found.iter().filter(|one| differs(one, deployed) || differs(one, samconfig));
    found
        .map(|one| Difference {
            parameter: one.parameter,
            found: one.value.clone(),
            sure: one.sure,
            deployed: deployed.and_then(|all| all.get(one.parameter).cloned()),
            samconfig: samconfig.and_then(|all| all.get(one.parameter).cloned()),
        })
        .collect()
}

/// Whether what is there does for what was found: it may have more roles, and a shorter beginning of names.
pub(super) fn covers(parameter: &str, there: &str, found: &str) -> bool {
    match parameter {
        "TaskRoleArns" => {
            let there: Vec<&str> = parameters::items(there).collect();
            parameters::items(found).all(|role| there.contains(&role))
        }
        "SecretPrefix" => !there.is_empty() && found.starts_with(there),
        _ => parameters::is_same(there, found),
    }
}

fn as_json(one: &Difference) -> Value {
    json!({
        "parameter": one.parameter,
        "found": one.found,
        "sure": one.sure.word(),
        "deployed": one.deployed,
        "samconfig": one.samconfig,
    })
}

fn words(differences: &[Difference], findings: &Findings, width: Option<usize>) -> String {
    let mut text = if differences.is_empty() {
        "Everything that was found is as it is deployed and written.".to_owned()
    } else {
        let rows = differences.iter().map(|one| {
            let cell = |value: &Option<String>| shown(value.as_deref());
            let found = shown(Some(&one.found));
            [
                one.parameter.to_owned(),
                found,
                one.sure.word().to_owned(),
                cell(&one.deployed),
                cell(&one.samconfig),
            ]
        });
        table(["parameter", "found", "sure", "deployed", "samconfig"], rows, width)
    };
    if !findings.open.is_empty() {
        let rows = findings.open.iter().map(|one| [one.parameter.to_owned(), one.why.clone()]);
        text = format!("{text}\n\n{}", table(["not found", "why"], rows, width));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(all: &[(&'static str, &str, Sure)]) -> Findings {
        let finding = |(parameter, value, sure): &(&'static str, &str, Sure)| Finding {
            parameter,
            value: (*value).to_owned(),
            sure: *sure,
            evidence: "seen".to_owned(),
            others: Vec::new(),
        };
        Findings { found: all.iter().map(finding).collect(), ..Findings::default() }
    }

    #[track_caller]
    fn check(
        found: (&'static str, &str, Sure),
        deployed: Option<&str>,
        samconfig: Option<&str>,
        differs: bool,
    ) {
        let map = |value: Option<&str>| {
            value.map(|value| (found.0.to_owned(), value.to_owned())).into_iter().collect()
        };
        let (deployed, samconfig) = (map(deployed), map(samconfig));
        let differences = differences(&findings(&[found]), Some(&deployed), Some(&samconfig));
        assert_eq!(!differences.is_empty(), differs);
    }

    #[test]
    fn what_is_otherwise_in_one_of_them_is_a_difference() {
        let found = ("DatabaseCluster", "db-a", Sure::Certain);
        check(found, Some("db-a"), Some("db-a"), false);
        check(found, Some("db-b"), Some("db-a"), true);
        check(found, Some("db-a"), Some("db-b"), true);
        check(found, None, Some("db-a"), true);
    }

    #[test]
    fn the_default_counts_where_nothing_is_said() {
        check(("ServiceName", "backend", Sure::Certain), None, None, false);
        check(("ServiceName", "api", Sure::Certain), None, None, true);
    }

    #[test]
    fn more_roles_and_a_shorter_beginning_do() {
        check(("TaskRoleArns", "a,b", Sure::Certain), Some("b, a,c"), Some("a,b"), false);
        check(("TaskRoleArns", "a,b", Sure::Certain), Some("a"), Some("a,b"), true);
        check(("SecretPrefix", "lp-prod-", Sure::Certain), Some("lp-"), Some("lp-prod-"), false);
        check(("SecretPrefix", "lp-", Sure::Certain), Some("lp-prod-"), Some("lp-"), true);
    }

    #[test]
    fn where_nothing_is_deployed_nothing_is_compared_with_it() {
        let all = findings(&[("DatabaseCluster", "db-a", Sure::Certain)]);
        assert!(differences(&all, None, None).is_empty());
    }
}

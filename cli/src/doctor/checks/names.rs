//! What the stack was told of the managed stack, beside what is there.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::TaskDefinition;

use crate::doctor::{
    site::Site,
    verdict::{Unseen, Verdict},
};

/// A parameter, what it says, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    parameter: &'static str,
    given: String,
    there: BTreeSet<String>,
}

pub(super) async fn agree(site: &Site) -> Result<Verdict, Unseen> {
    let (service, definition) = (site.service().await?, site.definition().await?);
    // A cluster that is not there is an error, with its name.
    site.database().await?;
    let mut names = of_definition(site, definition)?;
    let groups = service.load_balancers().iter().filter_map(|one| one.target_group_arn());
    let groups: BTreeSet<String> = groups.filter_map(full_name).map(str::to_owned).collect();
    if let Some(given) = site.given("TargetGroupFullName") {
        names.push(Name { parameter: "TargetGroupFullName", given: given.to_owned(), there: groups });
    }
    if let Some(group) = site.target_group().await? {
        names.push(Name {
            parameter: "LoadBalancerFullName",
            given: site.parameter("LoadBalancerFullName")?.to_owned(),
            there: group
                .load_balancer_arns()
                .iter()
                .filter_map(|arn| full_name(arn))
                .map(str::to_owned)
                .collect(),
        });
    }
    Ok(compared(&names, &site.stack.environment))
}

fn of_definition(site: &Site, definition: &TaskDefinition) -> Result<Vec<Name>, Unseen> {
    let containers = definition.container_definitions();
    let logs = containers.iter().filter_map(|one| one.log_configuration()?.options()?.get("awslogs-group"));
    let names = containers.iter().filter_map(|one| one.name());
    let mut all = vec![
        Name {
            parameter: "TaskFamily",
            given: site.parameter("TaskFamily")?.to_owned(),
            there: definition.family().map(str::to_owned).into_iter().collect(),
        },
        Name {
            parameter: "BackendContainer",
            given: site.parameter("BackendContainer")?.to_owned(),
            there: names.map(str::to_owned).collect(),
        },
        Name {
            parameter: "LogGroupName",
            given: site.parameter("LogGroupName")?.to_owned(),
            there: logs.cloned().collect(),
        },
    ];
    let told: BTreeSet<String> = site.parameter("TaskRoleArns")?.split(',').map(str::to_owned).collect();
    for role in [definition.task_role_arn(), definition.execution_role_arn()].into_iter().flatten() {
        all.push(Name { parameter: "TaskRoleArns", given: role.to_owned(), there: told.clone() });
    }
    Ok(all)
}

/// What CloudWatch calls it: the end of the ARN of a load balancer or a target group.
fn full_name(arn: &str) -> Option<&str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    Some(resource.strip_prefix("loadbalancer/").unwrap_or(resource))
}

fn compared(names: &[Name], environment: &str) -> Verdict {
    let wrong: Vec<&Name> = names.iter().filter(|name| !name.there.contains(&name.given)).collect();
    let Some(first) = wrong.first() else {
        return Verdict::ok("the stack's names are those of the service, its load balancer and its database");
    };
    let says = |name: &&&Name| {
        let there: Vec<&str> = name.there.iter().map(String::as_str).collect();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        match name.parameter {
            "TaskRoleArns" => format!("TaskRoleArns lacks {}", name.given),
            parameter => format!("{parameter} is {}, and there is {there}", name.given),
        }
    };
    let parameters: BTreeSet<&str> = wrong.iter().map(|name| name.parameter).collect();
    let parameters: Vec<&str> = parameters.into_iter().collect();
    Verdict::bad(
        wrong.iter().map(|name| says(&name)).collect::<Vec<_>>().join("; "),
        harm(first.parameter),
        format!(
            "make deploy ENV={environment}   # with the right {} in samconfig.toml",
            parameters.join(" and ")
        ),
    )
}

fn harm(parameter: &str) -> &'static str {
    match parameter {
        "TaskFamily" => "rollback and write-freeze are not allowed to register a release of this service",
        "BackendContainer" => "write-freeze finds nothing to make read-only, and diagnose no variables",
        "LogGroupName" => "diagnose reads a log that the backend does not write",
        "TaskRoleArns" => "rollback, restart and write-freeze are denied to pass this role",
        _ => "alarms look at a load balancer or a target group that is not this service's, and never ring",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(parameter: &'static str, given: &str, there: &[&str]) -> Name {
        let there = there.iter().map(|name| (*name).to_owned()).collect();
        Name { parameter, given: given.to_owned(), there }
    }

    #[test]
    fn a_name_that_is_not_there_is_bad_and_says_what_is() {
        let verdict = compared(
            &[
                name("TaskFamily", "backend", &["backend"]),
                name("LogGroupName", "/ecs/a", &["/ecs/b", "/ecs/c"]),
                name(
                    "TaskRoleArns",
                    "arn:aws:iam::123456789012:role/new",
                    &["arn:aws:iam::123456789012:role/old"],
                ),
            ],
            "production",
        );
        assert_eq!(
            verdict,
            Verdict::bad(
                "LogGroupName is /ecs/a, and there is /ecs/b, /ecs/c; TaskRoleArns lacks \
                 arn:aws:iam::123456789012:role/new",
                "diagnose reads a log that the backend does not write",
                "make deploy ENV=production   # with the right LogGroupName and TaskRoleArns in samconfig.toml"
            )
        );
        let none = compared(&[name("LoadBalancerFullName", "app/a/0", &[])], "production");
        assert_eq!(none.says, "LoadBalancerFullName is app/a/0, and there is none");
        assert_eq!(
            compared(&[name("TaskFamily", "backend", &["backend"])], "production"),
            Verdict::ok("the stack's names are those of the service, its load balancer and its database")
        );
    }

    #[test]
    fn a_full_name_is_what_cloudwatch_calls_it() {
        for (arn, expected) in [
            ("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/a/01", Some("app/a/01")),
            (
                "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/b/02",
                Some("targetgroup/b/02"),
            ),
            ("b", None),
        ] {
            assert_eq!(full_name(arn), expected);
        }
    }
}

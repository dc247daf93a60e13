//! What the Elastic Container Service asks for.

use super::{Need, TaskRoles, action, arn, one, text, texts};
use sandbox::calls::Recorded;

pub(super) fn needs(call: &Recorded, roles: &TaskRoles) -> Vec<Need> {
    let cluster = text(call, "cluster").rsplit('/').next().unwrap_or_default();
    let in_cluster = |kind: &str, name: &str| {
        if name.starts_with("arn:") {
            name.to_owned()
        } else {
            arn("ecs", &format!("{kind}/{cluster}/{name}"))
        }
    };
    let each = |kind: &str, names: Vec<&str>| -> Vec<Need> {
        names.into_iter().map(|name| Need::new(&action(call), in_cluster(kind, name))).collect()
    };
    // What a service has made, and the service too.
    let each_and_its_service = |kind: &str, arns: Vec<&str>| -> Vec<Need> {
        let services = arns.iter().filter_map(|arn| arn.rsplit_once('/')).map(|(service, _)| {
            let service = service.replacen(&format!(":{kind}/"), ":service/", 1);
            Need::new(&action(call), service)
        });
        services.chain(each(kind, arns.clone())).collect()
    };
    match call.operation.as_str() {
        "DescribeServices" => each("service", texts(call, "services")),
        "DescribeTasks" => each("task", texts(call, "tasks")),
        "DescribeServiceRevisions" => {
            each_and_its_service("service-revision", texts(call, "serviceRevisionArns"))
        }
        "DescribeServiceDeployments" => {
            each_and_its_service("service-deployment", texts(call, "serviceDeploymentArns"))
        }
        "ListServiceDeployments" => each("service", texts(call, "service")),
        "StopServiceDeployment" => {
            each_and_its_service("service-deployment", texts(call, "serviceDeploymentArn"))
        }
        "UpdateService" => {
            let mut needs = each("service", texts(call, "service"));
            // The tasks that the service starts get the roles of the task definition that it is told, even when
            // that is the one it has already.
            if !text(call, "taskDefinition").is_empty() {
                needs.extend(pass(roles.0.iter().map(String::as_str)));
            }
            needs
        }
        "ListTasks" => {
            // Its one resource type is an EC2 instance of a cluster, and tasks on Fargate are on none.
            let cluster = vec![arn("ecs", &format!("cluster/{cluster}"))];
            vec![Need::new(&action(call), "*").with("ecs:cluster", cluster)]
        }
        // These take no resource.
        "DescribeTaskDefinition" | "ListTaskDefinitions" => one(call, "*"),
        "RegisterTaskDefinition" => {
            // Its number is not known before.
            let definition = arn("ecs", &format!("task-definition/{}:*", text(call, "family")));
            let mut needs = vec![Need::new(&action(call), definition.clone())];
            if call.names.get("tags").is_some() {
                let made_by = vec![call.operation.clone()];
                needs.push(Need::new("ecs:TagResource", definition).with("ecs:CreateAction", made_by));
            }
            let named = ["taskRoleArn", "executionRoleArn"].map(|field| text(call, field));
            needs.extend(pass(named.into_iter().filter(|role| !role.is_empty())));
            needs
        }
        _ => Vec::new(),
    }
}

/// Whoever gives tasks a role must be allowed to pass it on.
fn pass<'a>(roles: impl Iterator<Item = &'a str>) -> Vec<Need> {
    let service = || vec!["ecs-tasks.amazonaws.com".to_owned()];
    roles.map(|role| Need::new("iam:PassRole", role).with("iam:PassedToService", service())).collect()
}

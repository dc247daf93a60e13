//! The service, and its task definition.

use aws_sdk_ecs::{
    Client,
    types::{ContainerDefinition, NetworkConfiguration},
};

use super::seen::{Container, Registered, Service, Task, last_part};
use crate::failure::Failure;

/// An account with more is asked for the names.
const MOST_CLUSTERS: usize = 50;
const MOST_SERVICES: usize = 300;

/// A service of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) cluster: String,
    pub(crate) service: String,
}

/// The services that there are, of one cluster or of all.
pub(crate) async fn services(client: &Client, cluster: Option<&str>) -> Result<Vec<Named>, Failure> {
    let clusters = match cluster {
        Some(cluster) => vec![cluster.to_owned()],
        None => clusters(client).await?,
    };
    let mut all = Vec::new();
    for cluster in clusters {
        let mut pages = client.list_services().cluster(&cluster).into_paginator().items().send();
        while let Some(arn) = pages.next().await {
            let arn = arn.map_err(|error| match error.as_service_error() {
                Some(refused) if refused.is_cluster_not_found_exception() => no_cluster(&cluster),
                _ => Failure::aws(format!("list the services of {cluster}"), "ecs:ListServices", &error),
            })?;
            if all.len() == MOST_SERVICES {
                return Err(too_many(&format!("{MOST_SERVICES} services")));
            }
            all.push(Named { cluster: cluster.clone(), service: last_part(&arn).to_owned() });
        }
    }
    all.sort();
    Ok(all)
}

async fn clusters(client: &Client) -> Result<Vec<String>, Failure> {
    let mut pages = client.list_clusters().into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(arn) = pages.next().await {
        let arn = arn.map_err(|error| Failure::aws("list the ECS clusters", "ecs:ListClusters", &error))?;
        if all.len() == MOST_CLUSTERS {
            return Err(too_many(&format!("{MOST_CLUSTERS} clusters")));
        }
        all.push(last_part(&arn).to_owned());
    }
    Ok(all)
}

fn too_many(what: &str) -> Failure {
    Failure::usage(format!("there are more than {what}"), "name one by --cluster and --service")
}

fn no_cluster(cluster: &str) -> Failure {
    Failure::usage(
        format!("there is no ECS cluster `{cluster}` in this account and region"),
        "look whether --profile and --region are the right ones, or leave out --cluster",
    )
}

pub(crate) async fn service(client: &Client, named: &Named) -> Result<Service, Failure> {
    let Named { cluster, service } = named;
    let described = client.describe_services().cluster(cluster).services(service).send().await;
    let described = described.map_err(|error| match error.as_service_error() {
        Some(refused) if refused.is_cluster_not_found_exception() => no_cluster(cluster),
        _ => Failure::aws(format!("read service {service}"), "ecs:DescribeServices", &error),
    })?;
    let is_there = |found: &&aws_sdk_ecs::types::Service| found.status() != Some("INACTIVE");
    let found = described.services().iter().find(is_there).ok_or_else(|| {
        Failure::usage(
            format!("the cluster {cluster} has no service `{service}`"),
            format!("leave out --service to see those that it has: `lendpeak2 init --cluster {cluster}`"),
        )
    })?;
    let network = found.network_configuration().and_then(NetworkConfiguration::awsvpc_configuration);
    let registered = found.load_balancers().iter().filter_map(|balancer| {
        Some(Registered {
            target_group: balancer.target_group_arn()?.to_owned(),
            container: balancer.container_name().map(str::to_owned),
        })
    });
    Ok(Service {
        cluster: found.cluster_arn().map_or(cluster.as_str(), last_part).to_owned(),
        name: found.service_name().unwrap_or(service).to_owned(),
        task_definition: found.task_definition().unwrap_or_default().to_owned(),
        target_groups: registered.collect(),
        subnets: network.map_or_else(Vec::new, |network| network.subnets().to_vec()),
        security_groups: network.map_or_else(Vec::new, |network| network.security_groups().to_vec()),
    })
}

pub(crate) async fn task(client: &Client, definition: &str) -> Result<Task, Failure> {
    let described =
        client.describe_task_definition().task_definition(definition).send().await.map_err(|error| {
            Failure::aws(format!("read {}", last_part(definition)), "ecs:DescribeTaskDefinition", &error)
        })?;
    let Some(task) = described.task_definition() else {
        return Err(Failure::Failed { what: format!("ECS answered without {}", last_part(definition)) });
    };
    let roles = [task.task_role_arn(), task.execution_role_arn()];
    Ok(Task {
        family: task.family().unwrap_or_default().to_owned(),
        revision: task.revision(),
        roles: roles.into_iter().flatten().map(str::to_owned).collect(),
        containers: task.container_definitions().iter().map(container).collect(),
    })
}

fn container(container: &ContainerDefinition) -> Container {
    let variables = container.environment().iter();
    let secrets = container.secrets().iter();
    let log = container.log_configuration();
    Container {
        name: container.name().unwrap_or_default().to_owned(),
        // As ECS takes it where nobody said.
        is_essential: container.essential().unwrap_or(true),
        variables: variables
            .filter_map(|one| Some((one.name()?.to_owned(), one.value()?.to_owned())))
            .collect(),
        secrets: secrets.map(|one| (one.name().to_owned(), one.value_from().to_owned())).collect(),
        log_driver: log.map(|log| log.log_driver().as_str().to_owned()),
        log_group: log.and_then(|log| log.options()?.get("awslogs-group").cloned()),
    }
}

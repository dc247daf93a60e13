//! The database and Redis: by an endpoint that the task definition names, or by the network.

use super::{Findings, Seen, own_first, readable};
use crate::discover::seen::{Cache, Database, Task, Way};

pub(super) fn decide(seen: &Seen, environment: &str, restores_in_network: bool, all: &mut Findings) {
    let vpc = seen.way.as_ref().ok().and_then(Way::vpc);
    if let Some(databases) = readable(&seen.databases, &["DatabaseCluster"], all) {
        database(seen, databases, vpc, environment, all);
    }
    if let Some(caches) = readable(&seen.caches, &["RedisSecurityGroupIds"], all) {
        cache(seen, caches, vpc, environment, all);
    }
    if restores_in_network {
        network(seen, all);
    }
}

/// The variable that has one of these addresses in its value.
fn variable_with<'a>(seen: &'a Seen, endpoints: &[String]) -> Option<&'a str> {
    let containers = seen.task.as_ref().ok().map(|task: &Task| task.containers.iter());
    let mut variables = containers.into_iter().flatten().flat_map(|container| &container.variables);
    let has = |value: &str| endpoints.iter().any(|endpoint| value.contains(endpoint.as_str()));
    variables.find(|(_, value)| has(value)).map(|(name, _)| name.as_str())
}

fn database(seen: &Seen, databases: &[Database], vpc: Option<&str>, environment: &str, all: &mut Findings) {
    const NAME: &str = "DatabaseCluster";
    let mut named: Vec<(&Database, &str)> =
        databases.iter().filter_map(|one| Some((one, variable_with(seen, &one.endpoints)?))).collect();
    own_first(&mut named, environment, |(one, _)| one.id.clone());
    match named.as_slice() {
        [(database, variable)] => {
            return all.certain(NAME, &database.id, format!("variable {variable} names its endpoint"));
        }
        [] => {}
        _ => {
            let ids = named.iter().map(|(one, _)| one.id.clone()).collect();
            return all.likeliest(
                NAME,
                ids,
                "variables of the backend name the endpoints of several".to_owned(),
            );
        }
    }
    let mut near: Vec<&Database> =
        databases.iter().filter(|one| vpc.is_some() && one.vpc.as_deref() == vpc).collect();
    own_first(&mut near, environment, |one| one.id.clone());
    let ids = |some: &[&Database]| some.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    let mut everywhere: Vec<&Database> = databases.iter().collect();
    own_first(&mut everywhere, environment, |one| one.id.clone());
    match (near.as_slice(), vpc) {
        ([database], Some(vpc)) => {
            all.certain(
                NAME,
                &database.id,
                format!("the only DocumentDB cluster in the load balancer's {vpc}"),
            );
        }
        ([], _) if databases.is_empty() => {
            all.open(NAME, "there is no DocumentDB cluster in this account and region");
        }
        ([], Some(vpc)) if databases.iter().all(|one| one.vpc.is_some()) => {
            all.open(
                NAME,
                format!(
                    "no DocumentDB cluster is in the load balancer's {vpc}: there is {}",
                    ids(&everywhere).join(", ")
                ),
            );
        }
        ([], _) => all.likeliest(
            NAME,
            ids(&everywhere),
            "a DocumentDB cluster of this account and region".to_owned(),
        ),
        (_, vpc) => {
            let evidence =
                format!("a DocumentDB cluster in the load balancer's {}", vpc.unwrap_or("network"));
            all.likeliest(NAME, ids(&near), evidence);
        }
    }
}

fn cache(seen: &Seen, caches: &[Cache], vpc: Option<&str>, environment: &str, all: &mut Findings) {
    let named = caches.iter().filter_map(|one| Some((one, variable_with(seen, &one.endpoints)?)));
    let mut named: Vec<(&Cache, &str)> = named.collect();
    own_first(&mut named, environment, |(one, _)| one.id.clone());
    if let [(cache, variable)] = named.as_slice() {
        return groups(
            &[cache],
            true,
            &format!("variable {variable} names the endpoint of {}", cache.id),
            all,
        );
    }
    let is_near = |one: &&Cache| {
        let is_same = vpc.is_some() && one.vpc.as_deref() == vpc;
        is_same || one.subnets.iter().any(|subnet| seen.service.subnets.contains(subnet))
    };
    let mut near: Vec<&Cache> = caches.iter().filter(is_near).collect();
    own_first(&mut near, environment, |one| one.id.clone());
    match near.as_slice() {
        // Empty is the default, and means that nobody looks at the way there.
        [] if caches.is_empty() => all.notes.push("There is no Redis in this account and region.".to_owned()),
        [] => {
            let ids: Vec<&str> = caches.iter().map(|one| one.id.as_str()).collect();
            all.notes.push(format!("No Redis is in the service's network: there is {}.", ids.join(", ")));
        }
        [cache] => groups(
            &near,
            true,
            &format!("those of {}, the only Redis in the service's network", cache.id),
            all,
        ),
        [cache, ..] => {
            groups(&near, false, &format!("those of {}, a Redis in the service's network", cache.id), all);
        }
    }
}

/// The groups and the port of the first of these.
fn groups(caches: &[&Cache], is_certain: bool, evidence: &str, all: &mut Findings) {
    let lists: Vec<String> = caches.iter().map(|one| one.security_groups.join(",")).collect();
    let ports: Vec<String> = caches.iter().filter_map(|one| Some(one.port?.to_string())).collect();
    for (name, values) in [("RedisSecurityGroupIds", lists), ("RedisPort", ports)] {
        match values.first() {
            Some(value) if is_certain => all.certain(name, value, evidence.to_owned()),
            _ => all.likeliest(name, values, evidence.to_owned()),
        }
    }
}

/// Where a function has to run that is to reach the database: where the service does.
fn network(seen: &Seen, all: &mut Findings) {
    let service = &seen.service;
    for (name, values) in
        [("RestoreSubnetIds", &service.subnets), ("RestoreSecurityGroupIds", &service.security_groups)]
    {
        if values.is_empty() {
            all.open(name, "the service has no network of its own");
        } else {
            all.guess(
                name,
                values.join(","),
                "those of the service, which reaches the database".to_owned(),
                Vec::new(),
            );
        }
    }
}

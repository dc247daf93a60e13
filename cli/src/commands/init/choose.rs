//! Which service it is about.

use aws_sdk_ecs::Client;

use crate::{
    discover::{
        ecs::{self, Named},
        environment,
    },
    failure::Failure,
    screen::Screen,
};

/// More are not listed: nobody chooses from them.
const MOST: usize = 20;

/// What is known before anything is looked for.
pub(super) struct Given {
    pub(super) cluster: Option<String>,
    pub(super) service: Option<String>,
    pub(super) environment: Option<String>,
}

pub(super) async fn service(client: &Client, given: &Given, asks: Option<&Screen>) -> Result<Named, Failure> {
    if let (Some(cluster), Some(service)) = (&given.cluster, &given.service) {
        return Ok(Named { cluster: cluster.clone(), service: service.clone() });
    }
    let all = ecs::services(client, given.cluster.as_deref()).await?;
    let fitting = fitting(all, given);
    match (fitting.as_slice(), asks) {
        ([], _) => Err(none(given)),
        ([one], _) => Ok(one.clone()),
        (several, Some(screen)) => {
            let rows = (1..).zip(several).map(|(number, one)| format!("{number:>4}  {}", name(one)));
            screen.plan(&rows.collect::<Vec<_>>().join("\n"));
            let typed = screen.prompt("Which service is the backend? Its number:").await;
            let chosen = typed.parse::<usize>().ok().and_then(|number| several.get(number.checked_sub(1)?));
            chosen.cloned().ok_or(Failure::Declined)
        }
        (several, None) => Err(Failure::usage(
            format!("there are {} services: {}", several.len(), list(several)),
            "name one by --cluster and --service",
        )),
    }
}

/// Those of the right name. Another environment's are put aside, as long as one is left.
fn fitting(mut all: Vec<Named>, given: &Given) -> Vec<Named> {
    all.retain(|one| given.service.as_ref().is_none_or(|service| *service == one.service));
    let Some(wanted) = &given.environment else { return all };
    let own: Vec<Named> =
        all.iter().filter(|one| environment::of_another(&name(one), wanted).is_none()).cloned().collect();
    if own.is_empty() { all } else { own }
}

fn name(service: &Named) -> String {
    format!("{}/{}", service.cluster, service.service)
}

fn list(services: &[Named]) -> String {
    let more = services.len().saturating_sub(MOST);
    let names: Vec<String> = services.iter().take(MOST).map(name).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

fn none(given: &Given) -> Failure {
    let called = given.service.as_ref().map_or(String::new(), |service| format!(" `{service}`"));
    let cluster = given.cluster.as_ref();
    let place =
        cluster.map_or("this account and region".to_owned(), |cluster| format!("the cluster {cluster}"));
    Failure::usage(
        format!("there is no ECS service{called} in {place}"),
        "look whether --profile and --region are the right ones; name another by --cluster and --service",
    )
}

/// A stack of one environment is never given another's service.
pub(super) fn keep_apart(service: &Named, wanted: &str) -> Result<(), Failure> {
    let name = name(service);
    match environment::of_another(&name, wanted).filter(|_| environment::is_known(wanted)) {
        Some(word) => Err(Failure::refused(
            "other_environment",
            format!("the service {name} says {word}, and this is {wanted}"),
            format!("name {wanted}'s service by --cluster and --service, or the service's environment by -e"),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Named {
        let (cluster, service) = name.split_once('/').unwrap();
        Named { cluster: cluster.to_owned(), service: service.to_owned() }
    }

    #[track_caller]
    fn check(all: &[&str], service: Option<&str>, environment: Option<&str>, expected: &[&str]) {
        let given = Given {
            cluster: None,
            service: service.map(str::to_owned),
            environment: environment.map(str::to_owned),
        };
        let found = fitting(all.iter().map(|name| named(name)).collect(), &given);
        assert_eq!(found.iter().map(name).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn services_of_another_environment_are_put_aside() {
        let all = ["lp-production/backend", "lp-staging/backend", "lp-staging/worker"];
        check(&all, None, Some("staging"), &["lp-staging/backend", "lp-staging/worker"]);
        check(&all, Some("backend"), Some("staging"), &["lp-staging/backend"]);
        check(&all, Some("backend"), None, &["lp-production/backend", "lp-staging/backend"]);
        check(&all[..1], None, Some("staging"), &all[..1]);
    }

    #[test]
    fn staging_is_never_given_productions_service() {
        let failure = keep_apart(&named("lp-prod/backend"), "staging").unwrap_err();
        assert_eq!((failure.exit().code(), failure.code()), (3, "other_environment"));
        assert!(keep_apart(&named("lp-prod/backend"), "production").is_ok());
        assert!(keep_apart(&named("lp/backend"), "staging").is_ok());
        assert!(keep_apart(&named("lp-prod/backend"), "blue").is_ok());
    }

    #[test]
    fn a_long_list_is_cut() {
        let all: Vec<Named> = (0..25).map(|number| named(&format!("c/s{number}"))).collect();
        assert!(list(&all).ends_with("c/s19 and 5 more"), "{}", list(&all));
    }
}

//! The front end: the distribution that serves it, its address, and what deploys it.

use super::{Findings, Seen, hosts_in, own_first, readable};
use crate::discover::seen::{Distribution, Pipeline};

/// Variables with these words name where the front end is.
const WORDS: [&str; 6] = ["ORIGIN", "CORS", "FRONTEND", "FRONT_END", "APP_URL", "WEB_URL"];

pub(super) fn decide(seen: &Seen, environment: &str, all: &mut Findings) {
    let hosts = hosts(seen, environment);
    let Some(distributions) = readable(&seen.distributions, &["DistributionId"], all) else {
        return app(&hosts, "nothing more is known, since the distributions could not be read", all);
    };
    if distributions.is_empty() {
        all.certain("DistributionId", "", "there is no CloudFront distribution in this account".to_owned());
        return app(&hosts, "there is no CloudFront distribution", all);
    }
    if let Some(distribution) = distribution(seen, distributions, &hosts, environment, all) {
        deployed_by(seen, distribution, all);
    }
}

/// The hosts that the backend knows as its front end's.
fn hosts(seen: &Seen, environment: &str) -> Vec<String> {
    let containers = seen.task.as_ref().ok().map(|task| task.containers.iter());
    let variables = containers.into_iter().flatten().flat_map(|container| &container.variables);
    let says = |name: &str| WORDS.iter().any(|word| name.to_uppercase().contains(word));
    let mut hosts: Vec<String> =
        variables.filter(|(name, _)| says(name)).flat_map(|(_, value)| hosts_in(value)).collect();
    own_first(&mut hosts, environment, String::clone);
    hosts.dedup();
    hosts
}

fn app(hosts: &[String], why: &str, all: &mut Findings) {
    if hosts.is_empty() {
        all.open("AppUrl", format!("no variable of the backend names its front end, and {why}"));
        return;
    }
    let addresses = hosts.iter().map(|host| format!("https://{host}")).collect();
    all.likeliest("AppUrl", addresses, "a variable of the backend names it as its front end".to_owned());
}

fn distribution<'a>(
    seen: &Seen,
    distributions: &'a [Distribution],
    hosts: &[String],
    environment: &str,
    all: &mut Findings,
) -> Option<&'a Distribution> {
    let alias_of = |one: &Distribution| hosts.iter().find(|host| one.aliases.contains(host)).cloned();
    let known: Vec<&Distribution> = distributions.iter().filter(|one| alias_of(one).is_some()).collect();
    if let [distribution] = known.as_slice() {
        let alias = alias_of(distribution).unwrap_or_default();
        let evidence = format!("it serves {alias}, which a variable of the backend names as its front end");
        all.certain("DistributionId", &distribution.id, evidence.clone());
        all.certain("AppUrl", format!("https://{alias}"), evidence);
        return Some(distribution);
    }
    // Before the API may be another one.
    let balancers = seen.way.as_ref().map_or(&[][..], |way| way.balancers.as_slice());
    let is_api = |one: &Distribution| {
        let before =
            |origin: &String| balancers.iter().any(|balancer| balancer.dns.eq_ignore_ascii_case(origin));
        !one.origins.is_empty() && one.origins.iter().all(before)
    };
    let mut fitting: Vec<&Distribution> =
        if known.is_empty() { distributions.iter().filter(|one| !is_api(one)).collect() } else { known };
    let api = all.value("ApiUrl").map(hosts_in).unwrap_or_default();
    let is_related =
        |one: &Distribution| one.aliases.iter().any(|alias| api.iter().any(|api| is_same_domain(alias, api)));
    fitting.sort_by_key(|one| !is_related(one));
    own_first(&mut fitting, environment, |one| one.aliases.join(" "));
    let Some(first) = fitting.first().copied() else {
        all.open(
            "DistributionId",
            "the only distributions are before the API; write '' where the front end has none",
        );
        app(hosts, "no CloudFront distribution serves it", all);
        return None;
    };
    let evidence = if is_related(first) {
        "a distribution of the API's domain".to_owned()
    } else {
        format!("a distribution of this account that serves {}", address(first))
    };
    all.likeliest("DistributionId", fitting.iter().map(|one| one.id.clone()).collect(), evidence);
    let addresses = fitting.iter().map(|one| format!("https://{}", address(one))).collect();
    all.likeliest("AppUrl", addresses, format!("where distribution {} serves", first.id));
    Some(first)
}

/// By which name users find it.
fn address(distribution: &Distribution) -> &str {
    let aliases = distribution.aliases.iter().filter(|alias| !alias.contains('*'));
    aliases.map(String::as_str).next().unwrap_or(&distribution.domain)
}

/// As of `app.example.com` and `api.example.com`.
fn is_same_domain(one: &str, other: &str) -> bool {
    let end = |host: &str| host.rsplit('.').take(2).map(str::to_lowercase).collect::<Vec<_>>();
    end(one).len() == 2 && end(one) == end(other)
}

/// What puts a front end into the bucket of its distribution, or clears the distribution.
fn deployed_by(seen: &Seen, distribution: &Distribution, all: &mut Findings) {
    let buckets: Vec<&str> = distribution.origins.iter().filter_map(|origin| bucket(origin)).collect();
    let has =
        |text: &String| text.contains(&distribution.id) || buckets.iter().any(|bucket| text.contains(bucket));
    let projects = readable(&seen.projects, &["FrontEndBuildProject"], all).map_or(&[][..], Vec::as_slice);
    let projects: Vec<&str> =
        projects.iter().filter(|one| one.words.iter().any(has)).map(|one| one.name.as_str()).collect();
    let pipelines = readable(&seen.pipelines, &["FrontEndPipeline"], all).map_or(&[][..], Vec::as_slice);
    let fits = |names: &[String], known: &[&str]| names.iter().any(|name| known.contains(&name.as_str()));
    let fitting =
        pipelines.iter().filter(|one| fits(&one.buckets, &buckets) || fits(&one.projects, &projects));
    let fitting: Vec<&Pipeline> = fitting.collect();
    let pipelines: Vec<String> = fitting.iter().map(|one| one.name.clone()).collect();
    let what = format!("what it deploys is served by {}", distribution.id);
    match (pipelines.as_slice(), projects.as_slice()) {
        ([pipeline], _) => {
            all.certain("FrontEndPipeline", pipeline, what);
            let its = fitting.iter().flat_map(|one| &one.projects);
            for project in its.filter(|project| projects.contains(&project.as_str())) {
                all.notes
                    .push(format!("{project} is a part of {pipeline}: its success is not the deployment's."));
            }
        }
        ([], [project]) => all.certain("FrontEndBuildProject", *project, what),
        ([], _) => {
            let names = projects.iter().map(|name| (*name).to_owned()).collect();
            all.likeliest("FrontEndBuildProject", names, what);
        }
        _ => all.likeliest("FrontEndPipeline", pipelines.clone(), what),
    }
}

/// The bucket of an origin, as of `name.s3.eu-central-1.amazonaws.com`.
fn bucket(origin: &str) -> Option<&str> {
    let is_bucket = origin.ends_with(".amazonaws.com") || origin.ends_with(".amazonaws.com.cn");
    let at = origin.find(".s3.").or_else(|| origin.find(".s3-")).filter(|_| is_bucket)?;
    origin.get(..at)
}

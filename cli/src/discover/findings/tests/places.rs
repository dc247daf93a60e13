//! Where the API, the front end, the database and Redis are.

use super::*;

#[test]
fn a_database_is_certain_by_its_endpoint_or_as_the_only_one_of_the_network() {
    fn unnamed(seen: &mut Seen) {
        task(seen).containers.iter_mut().for_each(|one| one.variables.clear());
    }
    check(
        |seen| {
            unnamed(seen);
            seen.databases = Ok(vec![database("a", "vpc-1"), database("b", "vpc-2")]);
        },
        &[("DatabaseCluster", "certain a")],
    );
    check(unnamed, &[("DatabaseCluster", "guess lp-production or other")]);
    check(
        |seen| {
            unnamed(seen);
            seen.databases = Ok(vec![database("lp-staging", "vpc-1"), database("lp", "vpc-1")]);
        },
        &[("DatabaseCluster", "guess lp or lp-staging")],
    );
    check(
        |seen| {
            unnamed(seen);
            seen.databases = Ok(vec![database("a", "vpc-2")]);
        },
        &[("DatabaseCluster", "open: no DocumentDB cluster is in the load balancer's vpc-1: there is a")],
    );
    check(
        |seen| {
            unnamed(seen);
            seen.databases = Ok(vec![Database { vpc: None, ..database("a", "") }]);
        },
        &[("DatabaseCluster", "guess a")],
    );
}

#[test]
fn redis_is_found_in_the_network_too() {
    fn unnamed(seen: &mut Seen) {
        task(seen).containers.iter_mut().for_each(|one| one.variables.clear());
    }
    check(unnamed, &[("RedisSecurityGroupIds", "certain sg-2")]);
    check(
        |seen| {
            unnamed(seen);
            seen.caches = Ok(vec![Cache { subnets: strings(&["subnet-0a"]), vpc: None, ..cache("lp", "") }]);
        },
        &[("RedisSecurityGroupIds", "certain sg-1")],
    );
    check(
        |seen| {
            unnamed(seen);
            seen.caches = Ok(vec![cache("lp", "vpc-1"), cache("other", "vpc-1")]);
        },
        &[("RedisSecurityGroupIds", "guess sg-1 or sg-2"), ("RedisPort", "guess 6380")],
    );
}

#[test]
fn the_address_of_the_api_comes_from_a_rule_a_certificate_or_the_load_balancer() {
    fn with(seen: &mut Seen, listeners: Vec<Listener>) {
        seen.way.as_mut().unwrap().listeners = Ok(listeners);
    }
    for (listeners, expected) in [
        (
            vec![listener(&["b.example", "api.example"], &[])],
            "guess https://api.example or https://b.example",
        ),
        (vec![listener(&["*.example"], &["*.example", "api.example"])], "guess https://api.example"),
        (vec![listener(&[], &["*.example"])], "guess https://lp-1.us-east-1.elb.amazonaws.com"),
        (
            vec![Listener { port: 8443, ..listener(&["api.example"], &[]) }],
            "certain https://api.example:8443",
        ),
        (
            vec![
                Listener { port: 80, is_https: false, ..listener(&["api.example"], &[]) },
                listener(&["API.example"], &[]),
            ],
            "certain https://api.example",
        ),
        (
            vec![Listener { port: 80, is_https: false, ..listener(&["api.example"], &[]) }],
            "certain http://api.example",
        ),
        (
            vec![listener(&["api.staging.example", "www.example"], &[])],
            "guess https://www.example or https://api.staging.example",
        ),
        (
            vec![Listener { certified: Err("no".to_owned()), ..listener(&[], &[]) }],
            "guess https://lp-1.us-east-1.elb.amazonaws.com",
        ),
        (vec![], "open: no listener of the load balancer leads to the service's target group"),
    ] {
        check(|seen| with(seen, listeners), &[("ApiUrl", expected)]);
    }
}

#[test]
fn a_front_end_is_found_by_its_domain_too() {
    fn unnamed(seen: &mut Seen) {
        task(seen).containers[0].variables.clear();
    }
    check(
        unnamed,
        &[
            ("DistributionId", "guess E1AAAAAAAAAA or E2BBBBBBBBBB"),
            ("AppUrl", "guess https://app.lp.example or https://other.example"),
        ],
    );
    check(
        |seen| {
            unnamed(seen);
            seen.distributions = Ok(vec![distribution(
                "E3CCCCCCCCCC",
                &["api.lp.example"],
                "lp-1.us-east-1.elb.amazonaws.com",
            )]);
        },
        &[(
            "DistributionId",
            "open: the only distributions are before the API; write '' where the front end has none",
        )],
    );
    check(
        |seen| {
            unnamed(seen);
            seen.distributions = Ok(vec![distribution("E3CCCCCCCCCC", &[], "b.s3.amazonaws.com")]);
        },
        &[("DistributionId", "guess E3CCCCCCCCCC"), ("AppUrl", "guess https://d0.cloudfront.net")],
    );
}

#[test]
fn what_deploys_the_front_end_names_its_bucket_or_its_distribution() {
    let pipeline = |buckets: &[&str], projects: &[&str]| Pipeline {
        name: "front-pipeline".to_owned(),
        buckets: strings(buckets),
        projects: strings(projects),
    };
    check(
        |seen| seen.pipelines = Ok(vec![pipeline(&["lp-front"], &[])]),
        &[("FrontEndPipeline", "certain front-pipeline"), ("FrontEndBuildProject", "nothing")],
    );
    check(
        |seen| seen.pipelines = Ok(vec![pipeline(&[], &["front"])]),
        &[("FrontEndPipeline", "certain front-pipeline")],
    );
    check(
        |seen| {
            seen.projects =
                Ok(vec![project("aa", "--distribution-id E1AAAAAAAAAA"), project("bb", "s3://lp-front")]);
        },
        &[("FrontEndBuildProject", "guess aa or bb")],
    );
    check(|seen| seen.projects = Ok(Vec::new()), &[("FrontEndBuildProject", "nothing")]);
    check(|seen| seen.projects = Err("denied".to_owned()), &[("FrontEndBuildProject", "open: denied")]);
}

//! Decisions on accounts that are only written down.

mod places;

use super::*;
use crate::discover::seen::{
    Balancer, Cache, Container, Database, Distribution, Listener, Pipeline, Project, Registered, Service,
    Task, Way,
};

const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lp-backend/0123456789abcdef";
const BALANCER: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/lp/fedcba9876543210";
const ROLE: &str = "arn:aws:iam::123456789012:role/lp-task";

fn secret(name: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}")
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

fn container() -> Container {
    Container {
        name: "api".to_owned(),
        is_essential: true,
        variables: vec![
            pair("CORS_ORIGIN", "https://app.lp.example,https://admin.lp.example"),
            pair("MONGO_HOST", "lp-production.cluster-c0ffee.us-east-1.docdb.amazonaws.com"),
            pair("REDIS_URL", "rediss://:hunter2@master.lp.c0ffee.use1.cache.amazonaws.com:6380"),
            pair("MONGO_MAX_POOL_SIZE", "50"),
        ],
        secrets: vec![
            pair("DB_HOST", &format!("{}:host::", secret("lp-production-db-Ab3dEf"))),
            pair("JWT_KEY", &secret("lp-production-jwt-Zx9yWv")),
            pair("FLAG", "arn:aws:ssm:us-east-1:123456789012:parameter/flag"),
        ],
        log_driver: Some("awslogs".to_owned()),
        log_group: Some("/ecs/lp-production".to_owned()),
    }
}

/// An account in which everything says what it is.
fn seen() -> Seen {
    Seen {
        service: Service {
            cluster: "lp-production".to_owned(),
            name: "backend".to_owned(),
            task_definition: "lp-backend:7".to_owned(),
            target_groups: vec![Registered {
                target_group: GROUP.to_owned(),
                container: Some("api".to_owned()),
            }],
            subnets: strings(&["subnet-0a"]),
            security_groups: strings(&["sg-0a"]),
        },
        task: Ok(Task {
            family: "lp-backend".to_owned(),
            revision: 7,
            roles: strings(&[ROLE, &format!("{ROLE}-execution")]),
            containers: vec![
                container(),
                Container { name: "proxy".to_owned(), is_essential: true, ..Container::default() },
            ],
        }),
        way: Ok(Way {
            balancers: vec![Balancer {
                arn: BALANCER.to_owned(),
                dns: "LP-1.us-east-1.elb.amazonaws.com".to_owned(),
                vpc: "vpc-1".to_owned(),
                target_groups: strings(&[GROUP]),
            }],
            listeners: Ok(vec![listener(&["api.lp.example"], &[])]),
        }),
        databases: Ok(vec![database("lp-production", "vpc-1"), database("other", "vpc-1")]),
        caches: Ok(vec![cache("lp", "vpc-2"), cache("other", "vpc-1")]),
        distributions: Ok(vec![
            distribution("E1AAAAAAAAAA", &["app.lp.example"], "lp-front.s3.us-east-1.amazonaws.com"),
            distribution("E2BBBBBBBBBB", &["other.example"], "other.s3.amazonaws.com"),
        ]),
        projects: Ok(vec![
            project("front", "aws s3 sync dist s3://lp-front"),
            project("back", "docker push"),
        ]),
        pipelines: Ok(vec![Pipeline { name: "back".to_owned(), ..Pipeline::default() }]),
        most_tasks: Ok(Some(8)),
        alarms: Ok(vec![
            ("cpu-is-high".to_owned(), strings(&["backend"])),
            ("lendpeak2-production-cpu".to_owned(), strings(&["backend"])),
            ("of-another".to_owned(), strings(&["worker"])),
        ]),
    }
}

fn listener(hosts: &[&str], certified: &[&str]) -> Listener {
    Listener { port: 443, is_https: true, hosts: strings(hosts), certified: Ok(strings(certified)) }
}

fn database(id: &str, vpc: &str) -> Database {
    let endpoint = format!("{id}.cluster-c0ffee.us-east-1.docdb.amazonaws.com");
    Database { id: id.to_owned(), endpoints: vec![endpoint], vpc: Some(vpc.to_owned()) }
}

fn cache(id: &str, vpc: &str) -> Cache {
    Cache {
        id: id.to_owned(),
        endpoints: vec![format!("master.{id}.c0ffee.use1.cache.amazonaws.com")],
        port: Some(6380),
        security_groups: vec![format!("sg-{}", if id == "lp" { "1" } else { "2" })],
        vpc: Some(vpc.to_owned()),
        subnets: Vec::new(),
    }
}

fn distribution(id: &str, aliases: &[&str], origin: &str) -> Distribution {
    let domain = "d0.cloudfront.net".to_owned();
    Distribution { id: id.to_owned(), domain, aliases: strings(aliases), origins: strings(&[origin]) }
}

fn project(name: &str, words: &str) -> Project {
    Project { name: name.to_owned(), words: strings(&[words]) }
}

fn task(seen: &mut Seen) -> &mut Task {
    seen.task.as_mut().unwrap()
}

/// As in `certain value`, with what else it could be; or why it is open.
fn said(all: &Findings, parameter: &str) -> String {
    let found = all.found.iter().find(|one| one.parameter == parameter);
    let open = all.open.iter().find(|one| one.parameter == parameter);
    match (found, open) {
        (Some(one), None) if one.others.is_empty() => format!("{} {}", one.sure.word(), one.value),
        (Some(one), None) => format!("{} {} or {}", one.sure.word(), one.value, one.others.join(", ")),
        (None, Some(open)) => format!("open: {}", open.why),
        (None, None) => "nothing".to_owned(),
        (Some(_), Some(_)) => "both".to_owned(),
    }
}

#[track_caller]
fn check(change: impl FnOnce(&mut Seen), expected: &[(&str, &str)]) {
    check_in("production", change, expected);
}

#[track_caller]
fn check_in(environment: &str, change: impl FnOnce(&mut Seen), expected: &[(&str, &str)]) {
    let mut seen = seen();
    change(&mut seen);
    let all = decide(&seen, environment, false);
    for (parameter, expected) in expected {
        assert_eq!(said(&all, parameter), *expected, "{parameter}");
    }
    let words = format!("{all:?}");
    assert!(!words.contains("hunter2"), "{words}");
}

#[test]
fn an_account_that_says_everything_leaves_nothing_to_guess() {
    check(
        |_| {},
        &[
            ("ClusterName", "certain lp-production"),
            ("ServiceName", "certain backend"),
            ("BackendContainer", "certain api"),
            ("TaskFamily", "certain lp-backend"),
            ("TaskRoleArns", &format!("certain {ROLE},{ROLE}-execution")),
            ("LogGroupName", "certain /ecs/lp-production"),
            ("SecretPrefix", "certain lp-production-"),
            ("DatabaseSecretName", "certain lp-production-db"),
            ("LoadBalancerFullName", "certain app/lp/fedcba9876543210"),
            ("TargetGroupFullName", "certain targetgroup/lp-backend/0123456789abcdef"),
            ("ApiUrl", "certain https://api.lp.example"),
            ("AppUrl", "certain https://app.lp.example"),
            ("DatabaseCluster", "certain lp-production"),
            ("RedisSecurityGroupIds", "certain sg-1"),
            ("RedisPort", "certain 6380"),
            ("DistributionId", "certain E1AAAAAAAAAA"),
            ("FrontEndBuildProject", "certain front"),
            ("FrontEndPipeline", "nothing"),
            ("PoolSizeVariable", "guess MONGO_MAX_POOL_SIZE"),
            ("MaximumTasks", "guess 8"),
            ("RestoreSubnetIds", "nothing"),
        ],
    );
    let all = decide(&seen(), "production", true);
    assert_eq!(said(&all, "RestoreSubnetIds"), "guess subnet-0a");
    assert_eq!(
        all.notes,
        ["Alarms of your own: cpu-is-high. Send those that the runbook should hear to its topics."]
    );
}

#[test]
fn every_name_that_is_found_is_one_of_the_template() {
    let all = decide(&seen(), "production", true);
    for finding in &all.found {
        assert!(parameters::named(finding.parameter).is_some(), "{}", finding.parameter);
    }
}

#[test]
fn staging_never_gets_a_name_of_production() {
    let mut seen = seen();
    seen.service.cluster = "lp-staging".to_owned();
    let all = decide(&seen, "staging", false);
    assert!(all.found.iter().all(|one| !one.value.contains("production")), "{:?}", all.found);
    for parameter in ["LogGroupName", "SecretPrefix", "DatabaseSecretName", "DatabaseCluster"] {
        assert!(
            said(&all, parameter).ends_with("says production, and this is staging"),
            "{}",
            said(&all, parameter)
        );
    }
    // Where nobody knows what the environment is, a person has to look.
    let all = decide(&seen, "blue", false);
    assert_eq!(said(&all, "DatabaseCluster"), "guess lp-production");
}

#[test]
fn an_empty_account_leaves_everything_open() {
    let empty = |seen: &mut Seen| {
        seen.service.target_groups.clear();
        *task(seen) = Task { family: "f".to_owned(), ..Task::default() };
        seen.way = Ok(Way::default());
        seen.databases = Ok(Vec::new());
        seen.caches = Ok(Vec::new());
        seen.distributions = Ok(Vec::new());
        seen.most_tasks = Ok(None);
    };
    check(
        empty,
        &[
            ("TaskRoleArns", "open: f:0 has neither a task role nor an execution role"),
            ("BackendContainer", "open: the task definition has no container that is essential"),
            ("LogGroupName", "open: the task definition has no container that is essential"),
            ("SecretPrefix", "open: f:0 takes no secret of Secrets Manager"),
            ("LoadBalancerFullName", "open: the service is behind no load balancer"),
            ("ApiUrl", "open: the service is behind no load balancer"),
            ("DatabaseCluster", "open: there is no DocumentDB cluster in this account and region"),
            ("RedisSecurityGroupIds", "nothing"),
            ("DistributionId", "certain "),
            (
                "AppUrl",
                "open: no variable of the backend names its front end, and there is no CloudFront distribution",
            ),
        ],
    );
}

#[test]
fn what_may_not_be_read_is_open_and_says_why() {
    let denied = |seen: &mut Seen| {
        seen.way = Err("no way".to_owned());
        seen.databases = Err("no databases".to_owned());
        seen.caches = Err("no caches".to_owned());
        seen.distributions = Err("no distributions".to_owned());
        seen.projects = Err("no projects".to_owned());
        seen.most_tasks = Err("no scaling".to_owned());
    };
    check(
        denied,
        &[
            ("LoadBalancerFullName", "open: no way"),
            ("TargetGroupFullName", "certain targetgroup/lp-backend/0123456789abcdef"),
            ("ApiUrl", "open: no way"),
            ("DatabaseCluster", "open: no databases"),
            ("RedisSecurityGroupIds", "open: no caches"),
            ("DistributionId", "open: no distributions"),
            ("AppUrl", "guess https://app.lp.example or https://admin.lp.example"),
            ("MaximumTasks", "open: no scaling"),
            ("TaskFamily", "certain lp-backend"),
        ],
    );
    check(
        |seen| seen.task = Err("no task".to_owned()),
        &[("TaskFamily", "open: no task"), ("SecretPrefix", "open: no task")],
    );
}

#[test]
fn the_name_of_a_secret_is_without_what_aws_adds() {
    for (from, expected) in [
        (secret("lp/prod/db-Ab3dEf"), "guess lp/prod/db"),
        (secret("lp-secret"), "guess lp"),
        (secret("lp_prod_db"), "guess lp_prod_db"),
        (format!("{}:host:AWSCURRENT:", secret("db-Ab3dEf")), "certain db"),
        ("/lp/db".to_owned(), "open: lp-backend:7 takes no secret of Secrets Manager"),
    ] {
        check(
            |seen| task(seen).containers[0].secrets = vec![pair("DB", &from)],
            &[("DatabaseSecretName", expected)],
        );
    }
}

#[test]
fn a_prefix_is_what_all_names_begin_with() {
    let with = |names: &[&str], expected: &str| {
        let secrets = names.iter().map(|name| pair("X", &secret(&format!("{name}-Ab3dEf")))).collect();
        check(|seen| task(seen).containers[0].secrets = secrets, &[("SecretPrefix", expected)]);
    };
    with(&["lp/prod/db", "lp/prod/jwt"], "certain lp/prod/");
    with(&["lp-db", "lp-dbx"], "certain lp-");
    with(&["lp-production-db"], "guess lp-production-");
    with(&["lpdb"], "guess lpdb");
    with(&["db", "jwt"], "open: the secrets of lp-backend:7 have no beginning in common: db, jwt");
    with(&["äa", "äb"], "open: the secrets of lp-backend:7 have no beginning in common: äa, äb");
}

#[test]
fn what_the_template_would_refuse_is_not_taken() {
    check(
        |seen| task(seen).family = "lp backend".to_owned(),
        &[(
            "TaskFamily",
            "open: TaskFamily does not take `lp backend`: it has to match [A-Za-z0-9_-]{1,255} (the service runs lp backend:7)",
        )],
    );
}

#[test]
fn what_another_section_has_too_is_a_guess() {
    let mut all = decide(&seen(), "production", false);
    all.doubt("DatabaseCluster", "staging");
    let finding = all.found.iter().find(|one| one.parameter == "DatabaseCluster").unwrap();
    assert_eq!(finding.sure, Sure::Guess);
    assert!(finding.evidence.starts_with("[staging] has the same; "), "{}", finding.evidence);
}

#[test]
fn a_container_is_the_one_behind_the_load_balancer_or_the_only_essential_one() {
    let unregistered = |seen: &mut Seen| seen.service.target_groups[0].container = None;
    check(unregistered, &[("BackendContainer", "guess api or proxy")]);
    check(
        |seen| {
            unregistered(seen);
            task(seen).containers[1].is_essential = false;
        },
        &[("BackendContainer", "certain api")],
    );
    check(
        |seen| task(seen).containers[0].log_driver = Some("awsfirelens".to_owned()),
        &[("LogGroupName", "open: container api logs by awsfirelens: name the group that it ends in")],
    );
}

#[test]
fn hosts_are_taken_out_of_addresses_without_who_signs_in() {
    assert_eq!(hosts_in("https://u:p@A.example/x, 'http://b.example:8080'"), ["a.example", "b.example:8080"]);
    assert!(hosts_in("redis://a.example * https://localhost").is_empty());
}

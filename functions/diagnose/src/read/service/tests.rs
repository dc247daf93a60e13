use aws_sdk_ecs::{
    operation::{
        describe_services::DescribeServicesOutput, describe_task_definition::DescribeTaskDefinitionOutput,
    },
    types::{
        AwsVpcConfiguration, CapacityProviderStrategyItem, Failure, KeyValuePair, LoadBalancer,
        LogConfiguration, NetworkConfiguration, PortMapping, Secret, ServiceEvent, TaskDefinition,
    },
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

use super::*;

pub(in super::super) fn settings() -> Settings {
    Settings {
        environment: "production".to_owned(),
        cluster: "c".to_owned(),
        service: "backend".to_owned(),
        log_group: "/ecs/backend".to_owned(),
        load_balancer: None,
        database: None,
        secret: None,
        distribution: None,
        build_project: None,
        redis_security_groups: Vec::new(),
        redis_port: 6_379,
        probe_function: None,
        alarm_prefix: "backend-".to_owned(),
        pool_size_variable: "MONGO_MAX_POOL_SIZE".to_owned(),
        integrity_metric: None,
        notice_topic_arn: None,
        level_2_topic_arn: None,
        stack: shared::alarms::Stack::default(),
    }
}

fn client(rules: &[Rule]) -> Client {
    let rules: Vec<&Rule> = rules.iter().collect();
    mock_client!(aws_sdk_ecs, RuleMode::MatchAny, &rules)
}

fn failing(reason: &'static str) -> Rule {
    mock!(Client::describe_services).then_output(move || {
        DescribeServicesOutput::builder().failures(Failure::builder().reason(reason).build()).build()
    })
}

#[tokio::test]
async fn a_service_is_missing_only_when_ecs_says_so() {
    let settings = settings();
    assert_eq!(describe_with(&client(&[failing("MISSING")]), &settings).await.unwrap(), None);
    let error = describe_with(&client(&[failing("DENIED")]), &settings).await.unwrap_err();
    assert_eq!(why(&error), "cannot describe service backend in cluster c: DENIED");
}

#[tokio::test]
async fn a_service_has_its_primary_deployment_first_and_its_newest_events() {
    let deployment = |status: &str| types::Deployment::builder().status(status).build();
    let event = || ServiceEvent::builder().message("(service backend) has reached a steady state.").build();
    let network = AwsVpcConfiguration::builder().subnets("subnet-1").security_groups("sg-1").build().unwrap();
    let service = types::Service::builder()
        .service_name("backend")
        .task_definition("arn:aws:ecs:us-east-1:1:task-definition/backend:41")
        .desired_count(2)
        .deployments(deployment("ACTIVE"))
        .deployments(deployment("PRIMARY"))
        .set_events(Some(vec![event(); 100]))
        .load_balancers(LoadBalancer::builder().target_group_arn("arn:tg").build())
        .network_configuration(NetworkConfiguration::builder().awsvpc_configuration(network).build())
        .capacity_provider_strategy(
            CapacityProviderStrategyItem::builder().capacity_provider("FARGATE_SPOT").build().unwrap(),
        )
        .build();
    let found = mock!(Client::describe_services)
        .match_requests(|request| request.services() == ["backend"] && request.cluster() == Some("c"))
        .then_output(move || DescribeServicesOutput::builder().services(service.clone()).build());
    let described = describe_with(&client(&[found]), &settings()).await.unwrap().unwrap();
    assert!(described.is_fargate);
    assert_eq!(described.target_groups, ["arn:tg"]);
    let service = described.service;
    assert_eq!((service.task_definition.as_str(), service.desired), ("backend:41", 2));
    assert_eq!(service.security_groups, ["sg-1"]);
    assert_eq!(service.deployments[0].status, "PRIMARY");
    assert_eq!(service.events.len(), MAX_EVENTS);
}

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf";

fn variable(name: &str, value: &str) -> KeyValuePair {
    KeyValuePair::builder().name(name).value(value).build()
}

fn secret(name: &str, value_from: &str) -> Secret {
    Secret::builder().name(name).value_from(value_from).build().unwrap()
}

fn definition() -> TaskDefinition {
    let log = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", "/ecs/backend")
        .options("awslogs-stream-prefix", "ecs")
        .build()
        .unwrap();
    let check = types::HealthCheck::builder()
        .set_command(Some(vec![
            "CMD-SHELL".to_owned(),
            format!("curl -f http://localhost:8080/health?full=1 || exit 1 {}", "# ".repeat(100)),
        ]))
        .interval(15)
        .build()
        .unwrap();
    let container = ContainerDefinition::builder()
        .name("backend")
        .image("backend:41")
        .port_mappings(PortMapping::builder().container_port(8_080).build())
        .environment(variable("API_KEY", "hunter2"))
        .environment(variable("MONGO_MAX_POOL_SIZE", "50"))
        .secrets(secret("DB_PASSWORD", &format!("{SECRET}:password::")))
        .secrets(secret("DB_HOST", &format!("{SECRET}:host:AWSCURRENT:")))
        .secrets(secret("FLAG", "arn:aws:ssm:us-east-1:123456789012:parameter/prod/flag"))
        .log_configuration(log)
        .health_check(check)
        .build();
    TaskDefinition::builder()
        .task_definition_arn("arn:aws:ecs:us-east-1:1:task-definition/backend:41")
        .cpu("512")
        .memory("1024")
        .container_definitions(container)
        .build()
}

#[tokio::test]
async fn a_definition_has_the_names_of_its_variables_and_no_value() {
    let found = mock!(Client::describe_task_definition)
        .match_requests(|request| request.task_definition() == Some("backend:41"))
        .then_output(|| DescribeTaskDefinitionOutput::builder().task_definition(definition()).build());
    let defined = define_with(&client(&[found]), "backend:41", "MONGO_MAX_POOL_SIZE", true).await.unwrap();
    let Definition { revision, cpu, memory_mib, is_fargate, containers, .. } = &defined.definition;
    assert_eq!(
        (revision.as_str(), *cpu, *memory_mib, *is_fargate),
        ("backend:41", Some(512), Some(1_024), true)
    );
    let container = &containers[0];
    assert_eq!(container.variables, ["API_KEY", "MONGO_MAX_POOL_SIZE"]);
    assert_eq!((container.pool_size, container.ports.as_slice()), (Some(50), &[8_080][..]));
    assert!(container.is_essential);
    let from = |variable: &str, name: &str| [variable.to_owned(), name.to_owned()];
    assert_eq!(
        container.secrets,
        [from("DB_PASSWORD", "prod/db"), from("DB_HOST", "prod/db"), from("FLAG", "prod/flag")]
    );
    assert!(!format!("{defined:?}").contains("hunter2"));
    assert_eq!(defined.secrets, BTreeSet::from([SECRET.to_owned()]));
    let stream = LogStream { group: "/ecs/backend".to_owned(), prefix: "ecs".to_owned() };
    assert_eq!(defined.logs, BTreeMap::from([("backend".to_owned(), stream)]));
    let check = container.health_check.as_ref().unwrap();
    assert!(check.command.starts_with("curl ") && check.command.len() <= MAX_COMMAND_BYTES);
    // An address is masked, and its path is what a target group may have to ask for.
    assert_eq!((check.command.contains("http"), check.path()), (false, Some("/health")));
    assert_eq!((check.interval_seconds, check.timeout_seconds, check.retries), (15, 5, 3));
}

#[test]
fn the_path_of_a_health_check_is_found_in_any_form_of_its_command() {
    for (command, path) in [
        ("wget -qO- 'http://127.0.0.1:3000/ready' || exit 1", Some("/ready")),
        (
            "node -e \"fetch('http://localhost:8080/api/health').then(r=>process.exit(!r.ok))\"",
            Some("/api/health"),
        ),
        ("curl -f http://localhost:8080", Some("/")),
        ("curl -f https://localhost/a#b; true", Some("/a")),
        ("pg_isready", None),
        ("curl -f http://", Some("/")),
    ] {
        assert_eq!(HealthCheck::path_in(command), path, "{command}");
    }
}

#[test]
fn a_pool_size_that_is_no_number_is_none() {
    let container_with = |value: &str| {
        container(ContainerDefinition::builder().environment(variable("POOL", value)).build(), "POOL")
    };
    assert_eq!(container_with(" 20 ").pool_size, Some(20));
    assert_eq!(container_with("many").pool_size, None);
}

#[test]
fn only_references_to_secrets_manager_are_secrets() {
    #[track_caller]
    fn check(value_from: &str, id: Option<&str>) {
        assert_eq!(secret_id(value_from).as_deref(), id, "{value_from}");
    }
    check(SECRET, Some(SECRET));
    check(&format!("{SECRET}:::"), Some(SECRET));
    check(&format!("{SECRET}:key:AWSPREVIOUS:1234"), Some(SECRET));
    let china = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:db-AbCdEf";
    check(china, Some(china));
    check("arn:aws:ssm:us-east-1:123456789012:parameter/prod/flag", None);
    check("prod-flag", None);
    check("arn:aws:secretsmanager:us-east-1", None);
}

#[test]
fn what_aws_said_keeps_its_phrases_and_names() {
    let pull = format!(
        "ResourceInitializationError: unable to pull secrets or registry auth: failed to fetch secret {SECRET} \
         from secrets manager: retried 3 times"
    );
    assert_eq!(said(&pull), pull);
    let health = "Task failed ELB health checks in (target-group \
                  arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/backend/1)";
    assert_eq!(said(health), health);
    let image = "CannotPullContainerError: 123456789012.dkr.ecr.us-east-1.amazonaws.com/lendpeak2/backend:41: \
                 not found";
    assert_eq!(said(image), image);
    assert_eq!(said("Setting desired count to 12."), "Setting desired count to 12.");
}

#[test]
fn what_aws_quotes_of_others_is_masked() {
    let quoted =
        said("CannotStartContainerError: mongodb://user:hunter2@host/db password=hunter2 4111111111111111");
    assert!(quoted.starts_with("CannotStartContainerError:"), "{quoted}");
    assert!(!quoted.contains("hunter2") && !quoted.contains("4111"), "{quoted}");
}

#[test]
fn what_is_to_be_corrected_stays_in_what_aws_said() {
    for text in [
        "unable to retrieve secrets from ssm: invalid ssm parameters: /lendpeak2/production/flags, Api2Key",
        "There are not enough free addresses in subnet 'subnet-0a1b2c3d4e5f67890'.",
        "image Manifest does not contain descriptor matching platform 'linux/arm64'.",
        "Completed failover to DB instance: lendpeak2-production-2",
        "failed to resolve ref 123456789012.dkr.ecr.eu-west-1.amazonaws.com/lendpeak2/backend:41@sha256:ab12",
        "unexpected status code https://prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com/a: 403 Forbidden",
        "You have reached the limit on the number of vCPUs you can run concurrently.",
    ] {
        assert_eq!(said(text), text);
    }
}

#[test]
fn persons_and_secrets_go_from_what_aws_said() {
    let role = "arn:aws:sts::123456789012:assumed-role/ops";
    assert_eq!(
        said(&format!("User: {role}/jane.doe+ops@example.com is not authorized.")),
        format!("User: {role}/<e-mail> is not authorized.")
    );
    assert_eq!(said("ask jane@example.org."), "ask <e-mail>.");
    let layer =
        said("Get https://bucket.s3.amazonaws.com/x?X-Amz-Signature=0123456789abcdef&X-Amz-Date=1: 403");
    assert!(!layer.contains("0123456789abcdef"), "{layer}");
}

//! The gateway, seen by the real SDK clients.

use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::types::{
    DeploymentRolloutState, DesiredStatus, ServiceDeploymentStatus, ServiceRevisionSummary,
};
use aws_sdk_lambda::primitives::Blob;
use sandbox::clients::{self, Clients};
use sandbox::deploy::{self, CLUSTER, SERVICE, create_lendpeak2};
use sandbox::gateway::{Fault, Gateway, Rule, ServiceState, StoppedTask};
use sandbox::ministack::Ministack;

struct Local {
    gateway: Gateway,
    _ministack: Ministack,
    /// Clients that try once, so that a fault is what they see.
    once: SdkConfig,
    clients: Clients,
}

async fn local() -> anyhow::Result<Local> {
    let ministack = Ministack::start().await?;
    let gateway = Gateway::start(ministack.address(), None).await?;
    let config = clients::config(&gateway.url(), "test")?;
    let once = config.into_builder().retry_config(RetryConfig::disabled()).build();
    let clients = Clients::new(&gateway.url(), "setup")?;
    create_lendpeak2(&clients).await?;
    Ok(Local { gateway, _ministack: ministack, once, clients })
}

/// The code of the error that the service answered with.
fn code<T, E: ProvideErrorMetadata, R>(result: Result<T, SdkError<E, R>>) -> Option<String> {
    result.err()?.as_service_error()?.code().map(str::to_owned)
}

/// One call of each service under one fault, and the codes that come back.
async fn codes_under(local: &Local, fault: Fault) -> Vec<Option<String>> {
    let faults = local.gateway.faults();
    faults.add(Rule::new("ecs", "ListClusters", fault.clone()));
    faults.add(Rule::new("dynamodb", "ListTables", fault.clone()));
    faults.add(Rule::new("cloudwatch", "DescribeAlarms", fault.clone()));
    faults.add(Rule::new("sns", "ListTopics", fault.clone()));
    faults.add(Rule::new("application-autoscaling", "DescribeScalableTargets", fault));
    let autoscaling = aws_sdk_applicationautoscaling::Client::new(&local.once);
    vec![
        code(aws_sdk_ecs::Client::new(&local.once).list_clusters().send().await),
        code(aws_sdk_dynamodb::Client::new(&local.once).list_tables().send().await),
        code(aws_sdk_cloudwatch::Client::new(&local.once).describe_alarms().send().await),
        code(aws_sdk_sns::Client::new(&local.once).list_topics().send().await),
        code(autoscaling.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs).send().await),
    ]
}

#[tokio::test]
async fn a_throttle_is_a_throttling_exception_to_every_client() -> anyhow::Result<()> {
    let local = local().await?;
    let codes = codes_under(&local, Fault::Throttle).await;
    assert_eq!(codes, vec![Some("ThrottlingException".to_owned()); 5]);
    Ok(())
}

#[tokio::test]
async fn an_internal_error_has_each_services_own_code() -> anyhow::Result<()> {
    let local = local().await?;
    let codes: Vec<_> = codes_under(&local, Fault::InternalError).await.into_iter().flatten().collect();
    let own = [
        "ServerException",
        "InternalServerError",
        "InternalServiceFault",
        "InternalError",
        "InternalServiceException",
    ];
    assert_eq!(codes, own);
    Ok(())
}

#[tokio::test]
async fn a_client_that_retries_gets_over_one_throttle() -> anyhow::Result<()> {
    let local = local().await?;
    local.gateway.faults().add(Rule::new("ecs", "ListClusters", Fault::Throttle));
    local.clients.ecs.list_clusters().send().await?;
    let statuses: Vec<_> = local
        .gateway
        .calls()
        .into_iter()
        .filter(|call| call.operation == "ListClusters")
        .map(|call| call.status)
        .collect();
    assert_eq!(statuses, [Some(400), Some(200)]);
    Ok(())
}

#[tokio::test]
async fn only_the_chosen_call_of_the_chosen_caller_fails() -> anyhow::Result<()> {
    let local = local().await?;
    local.gateway.faults().add(Rule::new("ecs", "ListClusters", Fault::Throttle).of("test").at(2));
    let ecs = aws_sdk_ecs::Client::new(&local.once);
    local.clients.ecs.list_clusters().send().await?;
    assert_eq!(code(ecs.list_clusters().send().await), None);
    assert_eq!(code(ecs.list_clusters().send().await), Some("ThrottlingException".to_owned()));
    assert_eq!(code(ecs.list_clusters().send().await), None);
    assert!(local.gateway.faults().left().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_cut_before_changes_nothing_and_a_cut_after_does() -> anyhow::Result<()> {
    let local = local().await?;
    let ecs = aws_sdk_ecs::Client::new(&local.once);
    for (fault, expected) in [(Fault::CutBefore, 2), (Fault::CutAfter, 4)] {
        local.gateway.faults().add(Rule::new("ecs", "UpdateService", fault));
        let update = ecs.update_service().cluster(CLUSTER).service(SERVICE).desired_count(4);
        assert!(matches!(update.send().await, Err(SdkError::DispatchFailure(_))));
        let described = ecs.describe_services().cluster(CLUSTER).services(SERVICE).send().await?;
        assert_eq!(described.services()[0].desired_count(), expected);
    }
    let cut = local.gateway.calls().into_iter().filter(|call| call.operation == "UpdateService");
    assert!(cut.map(|call| call.status).eq([None, None]));
    Ok(())
}

#[tokio::test]
async fn a_timeout_holds_the_caller_and_then_drops_it() -> anyhow::Result<()> {
    let local = local().await?;
    let held = Duration::from_millis(300);
    local.gateway.faults().add(Rule::new("ecs", "ListClusters", Fault::Timeout(held)));
    let started = std::time::Instant::now();
    let answer = aws_sdk_ecs::Client::new(&local.once).list_clusters().send().await;
    assert!(matches!(answer, Err(SdkError::DispatchFailure(_))));
    assert!(started.elapsed() >= held);
    Ok(())
}

#[tokio::test]
async fn the_record_tells_who_called_what_in_every_protocol() -> anyhow::Result<()> {
    let local = local().await?;
    aws_sdk_ecs::Client::new(&local.once).list_clusters().send().await?;
    aws_sdk_cloudwatch::Client::new(&local.once).describe_alarms().send().await?;
    aws_sdk_sns::Client::new(&local.once).create_topic().name("topic").send().await?;
    let get = aws_sdk_dynamodb::Client::new(&local.once).get_item().table_name("none").key("id", string("1"));
    let missing = code(get.send().await);
    assert_eq!(missing, Some("ResourceNotFoundException".to_owned()));
    let names = local.gateway.record().names("test");
    let expected = ["ecs ListClusters", "cloudwatch DescribeAlarms", "sns CreateTopic", "dynamodb GetItem"];
    assert_eq!(names, expected);
    let reads: Vec<bool> =
        local.gateway.record().by("test").iter().map(sandbox::gateway::Call::is_read).collect();
    assert_eq!(reads, [true, true, false, true]);
    Ok(())
}

fn string(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test]
async fn a_scalable_target_keeps_what_an_update_leaves_out() -> anyhow::Result<()> {
    let local = local().await?;
    let register = || {
        local
            .clients
            .autoscaling
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(format!("service/{CLUSTER}/{SERVICE}"))
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
    };
    register().min_capacity(3).send().await?;
    let describe = local.clients.autoscaling.describe_scalable_targets();
    let described = describe.service_namespace(ServiceNamespace::Ecs).send().await?;
    let target = &described.scalable_targets()[0];
    assert_eq!((target.min_capacity(), target.max_capacity()), (3, 10));
    assert_eq!(code(register().min_capacity(11).send().await), Some("ValidationException".to_owned()));
    assert_eq!(code(register().min_capacity(-1).send().await), Some("ValidationException".to_owned()));
    let actions = local.clients.autoscaling.describe_scheduled_actions();
    let unknown = code(actions.service_namespace(ServiceNamespace::Ecs).send().await);
    assert_eq!(unknown, Some("UnknownOperationException".to_owned()));
    Ok(())
}

#[tokio::test]
async fn new_tasks_are_pending_before_they_run() -> anyhow::Result<()> {
    let local = local().await?;
    local.gateway.ecs().set_start_time(Duration::from_millis(500));
    let ecs = &local.clients.ecs;
    ecs.update_service().cluster(CLUSTER).service(SERVICE).desired_count(3).send().await?;
    let counts = || async {
        let described = ecs.describe_services().cluster(CLUSTER).services(SERVICE).send().await?;
        let service = &described.services()[0];
        anyhow::Ok((service.desired_count(), service.running_count(), service.pending_count()))
    };
    assert_eq!(counts().await?, (3, 2, 1));
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(counts().await?, (3, 3, 0));
    Ok(())
}

#[tokio::test]
async fn a_service_says_what_a_test_wants_until_told_otherwise() -> anyhow::Result<()> {
    let local = local().await?;
    let describe = || local.clients.ecs.describe_services().cluster(CLUSTER).services(SERVICE).send();
    let state = ServiceState {
        running: Some(1),
        pending: Some(1),
        rollout: Some("IN_PROGRESS".to_owned()),
        events: vec!["(service backend) is unable to place a task".to_owned()],
        ..ServiceState::default()
    };
    local.gateway.ecs().set_state(SERVICE, state);
    let described = describe().await?;
    let service = &described.services()[0];
    assert_eq!((service.running_count(), service.pending_count()), (1, 1));
    assert_eq!(service.deployments()[0].rollout_state(), Some(&DeploymentRolloutState::InProgress));
    assert_eq!(service.events()[0].message(), Some("(service backend) is unable to place a task"));
    local.gateway.ecs().clear_state(SERVICE);
    let described = describe().await?;
    assert_eq!(described.services()[0].running_count(), 2);
    Ok(())
}

#[tokio::test]
async fn stopped_tasks_are_listed_and_described() -> anyhow::Result<()> {
    let local = local().await?;
    local.gateway.ecs().add_stopped_task(StoppedTask {
        cluster: CLUSTER.to_owned(),
        service: SERVICE.to_owned(),
        id: "11111111111111111111111111111111".to_owned(),
        task_definition: String::new(),
        reason: "Essential container in task exited".to_owned(),
        stop_code: "EssentialContainerExited".to_owned(),
        exit_code: Some(1),
        ran: None,
        stopped_at: jiff::Timestamp::now(),
    });
    let ecs = &local.clients.ecs;
    let list = || ecs.list_tasks().cluster(CLUSTER).service_name(SERVICE);
    let running = list().send().await?;
    assert_eq!(running.task_arns().len(), 2);
    let stopped = list().desired_status(DesiredStatus::Stopped).send().await?;
    assert_eq!(stopped.task_arns().len(), 1);
    let arns = [running.task_arns(), stopped.task_arns()].concat();
    let described = ecs.describe_tasks().cluster(CLUSTER).set_tasks(Some(arns)).send().await?;
    assert_eq!(described.tasks().len(), 3);
    let task = described.tasks().iter().find(|task| task.last_status() == Some("STOPPED"));
    assert_eq!(task.and_then(|task| task.stopped_reason()), Some("Essential container in task exited"));
    assert_eq!(task.and_then(|task| task.containers()[0].exit_code()), Some(1));
    Ok(())
}

#[tokio::test]
async fn a_change_of_the_count_alone_is_no_service_deployment() -> anyhow::Result<()> {
    let local = local().await?;
    let ecs = &local.clients.ecs;
    let update = || ecs.update_service().cluster(CLUSTER).service(SERVICE);
    update().desired_count(3).send().await?;
    let list = || ecs.list_service_deployments().cluster(CLUSTER).service(SERVICE).send();
    assert_eq!(list().await?.service_deployments().len(), 1);
    update().force_new_deployment(true).send().await?;
    let listed = list().await?;
    assert_eq!(listed.service_deployments().len(), 2);
    let newest = listed.service_deployments()[0].service_deployment_arn().unwrap_or_default();
    let described = ecs.describe_service_deployments().service_deployment_arns(newest).send().await?;
    let target = described.service_deployments()[0].target_service_revision();
    assert_eq!(target.map(ServiceRevisionSummary::requested_task_count), Some(3));
    Ok(())
}

#[tokio::test]
async fn nothing_of_the_local_aws_outlives_it() -> anyhow::Result<()> {
    let ministack = Ministack::start().await?;
    let address = ministack.address().to_owned();
    drop(ministack);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_secrets_version_that_is_put_again_is_the_same_one() -> anyhow::Result<()> {
    const TOKEN: &str = "0f1e2d3c-2222-4333-8444-5a5b5c5d5e5f";
    let local = local().await?;
    let secrets = &local.clients.secrets;
    let first = secrets.create_secret().name("db").secret_string("one").send().await?;
    let put = |content| {
        secrets.put_secret_value().secret_id("db").client_request_token(TOKEN).secret_string(content).send()
    };
    for _ in 0..2 {
        assert_eq!(put("two").await?.version_id(), Some(TOKEN));
    }
    assert_eq!(code(put("three").await), Some("ResourceExistsException".to_owned()));
    let versions = secrets.describe_secret().secret_id("db").send().await?.version_ids_to_stages;
    let versions = versions.unwrap_or_default();
    assert_eq!(versions.get(TOKEN), Some(&vec!["AWSCURRENT".to_owned()]));
    let before = first.version_id().and_then(|version| versions.get(version));
    assert_eq!(before, Some(&vec!["AWSPREVIOUS".to_owned()]));
    Ok(())
}

#[tokio::test]
async fn a_payload_that_is_no_json_reaches_no_function() -> anyhow::Result<()> {
    let local = local().await?;
    let lambda = aws_sdk_lambda::Client::new(&local.once);
    let invoke = async |payload: &[u8]| {
        code(lambda.invoke().function_name("none-of-this-name").payload(Blob::new(payload)).send().await)
    };
    for payload in ["{".as_bytes(), "again".as_bytes(), "{} {}".as_bytes(), b"\"\xff\""] {
        let code = invoke(payload).await;
        assert_eq!(code.as_deref(), Some("InvalidRequestContentException"), "{}", payload.escape_ascii());
    }
    let nested = ["[".repeat(500), "]".repeat(500)].concat();
    for payload in ["", "{}", "null", "[]", &nested] {
        let code = invoke(payload.as_bytes()).await;
        assert_eq!(code.as_deref(), Some("ResourceNotFoundException"), "{payload:.20}");
    }
    Ok(())
}

#[tokio::test]
async fn a_deployment_takes_its_time_and_can_be_rolled_back() -> anyhow::Result<()> {
    let local = local().await?;
    let ecs = &local.clients.ecs;
    local.gateway.ecs().set_rollout_time(Duration::from_millis(800));
    let second = deploy::register_release(&local.clients, &[]).await?;
    ecs.update_service().cluster(CLUSTER).service(SERVICE).task_definition(&second).send().await?;
    let describe = || async {
        let described = ecs.describe_services().cluster(CLUSTER).services(SERVICE).send().await?;
        let service = &described.services()[0];
        let states =
            service.deployments().iter().filter_map(|deployment| deployment.rollout_state().cloned());
        anyhow::Ok((service.task_definition().unwrap_or_default().to_owned(), states.collect::<Vec<_>>()))
    };
    let newest = || async {
        let listed = ecs.list_service_deployments().cluster(CLUSTER).service(SERVICE).send().await?;
        listed.service_deployments().first().cloned().context("no history")
    };
    let (runs, states) = describe().await?;
    assert!(runs.ends_with(&second));
    assert_eq!(states, [DeploymentRolloutState::InProgress, DeploymentRolloutState::Completed]);
    let deployment = newest().await?;
    assert_eq!(deployment.status(), Some(&ServiceDeploymentStatus::InProgress));

    let stop = || {
        ecs.stop_service_deployment().set_service_deployment_arn(deployment.service_deployment_arn.clone())
    };
    stop().send().await?;
    assert_eq!(newest().await?.status(), Some(&ServiceDeploymentStatus::RollbackInProgress));
    assert_eq!(code(stop().send().await), Some("ConflictException".to_owned()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(newest().await?.status(), Some(&ServiceDeploymentStatus::RollbackSuccessful));
    let (runs, states) = describe().await?;
    assert!(runs.ends_with(":1"), "{runs}");
    assert_eq!(states, [DeploymentRolloutState::Completed]);
    Ok(())
}

#[tokio::test]
async fn a_deployment_whose_tasks_fail_to_start_fails_and_says_why() -> anyhow::Result<()> {
    let local = local().await?;
    let ecs = &local.clients.ecs;
    let failing = deploy::register_release(&local.clients, &[("FAILS_TO_START", "exit 137")]).await?;
    ecs.update_service().cluster(CLUSTER).service(SERVICE).task_definition(&failing).send().await?;
    let described = ecs.describe_services().cluster(CLUSTER).services(SERVICE).send().await?;
    let primary = &described.services()[0].deployments()[0];
    assert_eq!((primary.rollout_state(), primary.failed_tasks()), (Some(&DeploymentRolloutState::Failed), 3));
    let stopped =
        ecs.list_tasks().cluster(CLUSTER).service_name(SERVICE).desired_status(DesiredStatus::Stopped);
    let arns = stopped.send().await?.task_arns;
    let tasks = ecs.describe_tasks().cluster(CLUSTER).set_tasks(arns).send().await?;
    // The local AWS has stopped those of the release before.
    let reason = "OutOfMemoryError: Container killed due to memory usage";
    assert_eq!(tasks.tasks().iter().filter(|task| task.stopped_reason() == Some(reason)).count(), 3);
    Ok(())
}

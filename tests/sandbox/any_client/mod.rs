//! Clients other than the SDK for Rust: the sandbox answers each in the protocol that it speaks.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sandbox::clients::{ACCOUNT, REGION};
use sandbox::deploy::{CLUSTER, FAMILY, SERVICE};
use sandbox::gateway::{Call, StoppedTask};
use sandbox::python;
use sandbox::{Options, Sandbox};
use serde_json::json;

const OPERATIONS: &str = include_str!("operations.py");
const REFUSED: &str = include_str!("refused.py");
const CALLER: &str = "any-client";

#[tokio::test]
async fn boto3_can_do_whatever_readme_and_the_guide_have_a_person_do() -> anyhow::Result<()> {
    let functions = Some(vec!["health-probe", "scale-up", "snapshot-restore"]);
    let sandbox = Sandbox::start(Options { metrics: false, functions, ..Options::default() }).await?;
    let gateway = &sandbox.gateway;
    gateway.cloudwatch().add_ring("rang", SignedDuration::from_mins(20));
    gateway.cloudwatch().add_alarm(json!({ "AlarmName": "added", "StateValue": "OK",
        "AlarmArn": format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:added"),
        "StateUpdatedTimestamp": Timestamp::now().as_second() }));
    gateway.health().open("ECS");
    gateway.ecs().add_stopped_task(StoppedTask {
        cluster: CLUSTER.to_owned(),
        service: SERVICE.to_owned(),
        id: format!("{:032}", 7),
        task_definition: format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{FAMILY}:1"),
        reason: "Essential container in task exited".to_owned(),
        stop_code: "EssentialContainerExited".to_owned(),
        exit_code: Some(1),
        ran: Some(Duration::from_mins(3)),
        stopped_at: Timestamp::now(),
    });
    let ended = python::run(&["-c", OPERATIONS], &gateway.url(), CALLER).await?;
    anyhow::ensure!(ended.status.success(), "{}", python::printed(&ended));
    let calls = gateway.record().by(CALLER);
    let refused: Vec<String> =
        calls.iter().filter(|call| call.status.is_none_or(|status| status >= 400)).map(Call::name).collect();
    assert_eq!(refused, Vec::<String>::new());
    assert!(!calls.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_aws_would_refuse_is_refused_in_each_services_own_form() -> anyhow::Result<()> {
    let options = Options { metrics: false, functions: Some(Vec::new()), ..Options::default() };
    let sandbox = Sandbox::start(options).await?;
    let ended = python::run(&["-c", REFUSED], &sandbox.gateway.url(), "refused").await?;
    anyhow::ensure!(ended.status.success(), "{}", python::printed(&ended));
    let printed = python::printed(&ended);
    let expected = [
        "ecs UpdateService by json: InvalidParameterException: service is missing",
        "ecs ListTasks by json: InvalidParameterException: desiredStatus is `GONE`, which is none of RUNNING, PENDING, STOPPED",
        "application-autoscaling DescribeScalableTargets by json: ValidationException: ServiceNamespace is `lambda2`, which is none of",
        "dynamodb GetItem by json: ValidationException: Key is missing",
        "secretsmanager GetSecretValue by json: InvalidParameterException: SecretId has 0 letters, not between 1 and 2048",
        "logs FilterLogEvents by json: InvalidParameterException: limit is 100000, not between 1 and 10000",
        "codebuild BatchGetBuilds by json: InvalidInputException: ids has 0 entries, not between 1 and 100",
        "ssm CreateOpsItem by json: ValidationException: Description is missing",
        "stepfunctions StartExecution by json: ValidationException: stateMachineArn is missing",
        "ecr DescribeImages by json: InvalidParameterException: repositoryName is `Not A Name`, not as",
        "docdb RestoreDBClusterFromSnapshot by query: InvalidParameterValue: SnapshotIdentifier is missing",
        "docdb DescribeDBClusters by query: InvalidParameterValue: MaxRecords is \"many\", and no integer",
        "elbv2 DescribeTargetHealth by query: ValidationError: TargetGroupArn is missing",
        "sns Publish by query: InvalidParameter: Message is missing",
        "ec2 DescribeSecurityGroups by ec2: InvalidParameterValue: MaxResults is 1, not between 5 and 1000",
        "cloudfront CreateInvalidation by rest-xml: InvalidArgument: InvalidationBatch is missing",
        "cloudwatch PutMetricData by query: ValidationException: Namespace has 0 letters, not between 1 and 255",
        "cloudwatch DescribeAlarms by json: ValidationException: StateValue is `RINGING`, which is none of OK",
        "cloudwatch GetMetricData by smithy-rpc-v2-cbor: ValidationException: MetricDataQueries is missing",
    ];
    assert_eq!(printed.lines().count(), expected.len());
    for (line, begins) in printed.lines().zip(expected) {
        assert!(line.starts_with(begins), "{line}");
    }
    let calls = sandbox.gateway.record().by("refused");
    assert!(calls.iter().all(|call| call.status == Some(400)));
    Ok(())
}

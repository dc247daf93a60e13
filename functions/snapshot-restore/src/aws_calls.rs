//! What `snapshot-restore` asks of AWS, call by call. A call that no rule expects panics.

mod login;

use std::{collections::BTreeMap, sync::OnceLock};

use aws_sdk_docdb::{
    operation::{
        create_db_instance::{CreateDBInstanceError, CreateDbInstanceOutput},
        delete_db_cluster::DeleteDBClusterError,
        delete_db_instance::DeleteDBInstanceError,
        describe_db_cluster_snapshots::{DescribeDBClusterSnapshotsError, DescribeDbClusterSnapshotsOutput},
        describe_db_clusters::{DescribeDBClustersError, DescribeDbClustersOutput},
        describe_db_instances::DescribeDbInstancesOutput,
        describe_db_subnet_groups::DescribeDbSubnetGroupsOutput,
        describe_orderable_db_instance_options::DescribeOrderableDbInstanceOptionsOutput,
        list_tags_for_resource::ListTagsForResourceOutput,
        restore_db_cluster_from_snapshot::{
            RestoreDBClusterFromSnapshotError, RestoreDbClusterFromSnapshotOutput,
        },
        restore_db_cluster_to_point_in_time::RestoreDbClusterToPointInTimeOutput,
    },
    types::{self, error as errors},
};
use aws_sdk_ecs::operation::{describe_tasks::DescribeTasksOutput, list_tasks::ListTasksOutput};
use aws_sdk_secretsmanager::operation::{
    describe_secret::DescribeSecretOutput, get_secret_value::GetSecretValueOutput,
    put_secret_value::PutSecretValueOutput, update_secret_version_stage::UpdateSecretVersionStageOutput,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_types::SdkConfig;
use jiff::Timestamp;
use shared::{
    ecs,
    error::{Error, chain},
};

use crate::{
    Clients,
    apply::database,
    docdb::{self, ClusterSettings, InstanceSettings},
    restore::{Origin, RESTORE_ID, Restore},
    secret::{self, Set},
};

const ID: &str = "production-restore-20261120100000";

fn documents(rules: &[Rule]) -> aws_sdk_docdb::Client {
    let rules: Vec<&Rule> = rules.iter().collect();
    mock_client!(aws_sdk_docdb, RuleMode::MatchAny, &rules)
}

fn secrets(rules: &[Rule]) -> aws_sdk_secretsmanager::Client {
    let rules: Vec<&Rule> = rules.iter().collect();
    mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, &rules)
}

fn settings() -> ClusterSettings {
    let text = |text: &str| Some(text.to_owned());
    ClusterSettings {
        engine: "docdb".to_owned(),
        engine_version: "5.0.0".to_owned(),
        port: Some(27_018),
        subnet_group: "subnets".to_owned(),
        security_groups: vec!["sg-1".to_owned(), "sg-2".to_owned()],
        parameter_group: "parameters".to_owned(),
        kms_key: text("key"),
        log_exports: vec!["audit".to_owned()],
        storage_type: text("iopt1"),
        network_type: text("DUAL"),
        copy_tags_to_snapshot: Some(true),
        backup_retention_days: Some(7),
        backup_window: text("03:00-03:30"),
        maintenance_window: text("sun:05:00-sun:05:30"),
        serverless: Some([0.5, 8.0]),
    }
}

fn restore(origin: Origin) -> Restore {
    Restore {
        id: ID.to_owned(),
        source: "production".to_owned(),
        origin,
        settings: settings(),
        tags: BTreeMap::from([(RESTORE_ID.to_owned(), ID.to_owned())]),
        instances: Vec::new(),
    }
}

fn from_snapshot() -> Restore {
    restore(Origin::Snapshot { id: "rds:s".to_owned(), taken_at: Timestamp::UNIX_EPOCH })
}

#[tokio::test]
async fn a_restore_from_a_snapshot_says_every_setting() {
    let sent = mock!(aws_sdk_docdb::Client::restore_db_cluster_from_snapshot)
        .match_requests(|request| {
            let serverless = request.serverless_v2_scaling_configuration();
            request.db_cluster_identifier() == Some(ID)
                && request.snapshot_identifier() == Some("rds:s")
                && request.engine() == Some("docdb")
                && request.engine_version() == Some("5.0.0")
                && request.port() == Some(27_018)
                && request.db_subnet_group_name() == Some("subnets")
                && request.vpc_security_group_ids() == ["sg-1", "sg-2"]
                && request.db_cluster_parameter_group_name() == Some("parameters")
                && request.kms_key_id() == Some("key")
                && request.enable_cloudwatch_logs_exports() == ["audit"]
                && request.storage_type() == Some("iopt1")
                && request.network_type() == Some("DUAL")
                && request.copy_tags_to_snapshot() == Some(true)
                && serverless.is_some_and(|range| range.max_capacity() == Some(8.0))
                && request.tags().len() == 1
                && request.deletion_protection() == Some(true)
        })
        .then_output(|| RestoreDbClusterFromSnapshotOutput::builder().build());
    database::create_cluster(&documents(&[sent]), &from_snapshot()).await.unwrap();
}

#[tokio::test]
async fn a_point_in_time_is_a_time_or_the_latest() {
    let sent = |latest: Option<bool>| {
        mock!(aws_sdk_docdb::Client::restore_db_cluster_to_point_in_time)
            .match_requests(move |request| {
                request.source_db_cluster_identifier() == Some("production")
                    && request.restore_type() == Some("full-copy")
                    && request.use_latest_restorable_time() == latest
                    && request.restore_to_time().is_some() == latest.is_none()
                    && request.deletion_protection() == Some(true)
            })
            .then_output(|| RestoreDbClusterToPointInTimeOutput::builder().build())
    };
    let latest = restore(Origin::LatestPointInTime);
    database::create_cluster(&documents(&[sent(Some(true))]), &latest).await.unwrap();
    let at = restore(Origin::PointInTime { at: Timestamp::UNIX_EPOCH });
    database::create_cluster(&documents(&[sent(None)]), &at).await.unwrap();
}

fn exists() -> Rule {
    mock!(aws_sdk_docdb::Client::restore_db_cluster_from_snapshot).then_error(|| {
        let fault = errors::DbClusterAlreadyExistsFault::builder().build();
        RestoreDBClusterFromSnapshotError::DbClusterAlreadyExistsFault(fault)
    })
}

fn cluster_is(status: &'static str) -> Rule {
    mock!(aws_sdk_docdb::Client::describe_db_clusters).then_output(move || {
        let cluster =
            types::DbCluster::builder().db_cluster_identifier(ID).db_cluster_arn("arn").status(status);
        DescribeDbClustersOutput::builder().db_clusters(cluster.build()).build()
    })
}

fn tagged(value: &'static str) -> Rule {
    mock!(aws_sdk_docdb::Client::list_tags_for_resource).then_output(move || {
        let tag = |key: &str| types::Tag::builder().key(key).value(value).build();
        let tags = [tag("aws:cloudformation:stack-name"), tag(RESTORE_ID)];
        ListTagsForResourceOutput::builder().set_tag_list(Some(tags.into())).build()
    })
}

#[track_caller]
fn code(result: Result<(), Error>) -> &'static str {
    match result.unwrap_err() {
        Error::Refused { stop, .. } => stop.code.name(),
        other => panic!("{}", chain(&other)),
    }
}

#[tokio::test]
async fn a_cluster_of_that_name_is_taken_up_if_it_is_ours() {
    let ours = documents(&[exists(), cluster_is("creating"), tagged(ID)]);
    database::create_cluster(&ours, &from_snapshot()).await.unwrap();
    let theirs = documents(&[exists(), cluster_is("creating"), tagged("another")]);
    assert_eq!(code(database::create_cluster(&theirs, &from_snapshot()).await), "name_taken");
}

#[tokio::test]
async fn what_is_not_expected_is_an_error_with_awss_words() {
    let denied = mock!(aws_sdk_docdb::Client::restore_db_cluster_from_snapshot).then_error(|| {
        let meta =
            aws_smithy_types::error::ErrorMetadata::builder().code("AccessDenied").message("not allowed");
        RestoreDBClusterFromSnapshotError::generic(meta.build())
    });
    let error = database::create_cluster(&documents(&[denied]), &from_snapshot()).await.unwrap_err();
    assert_eq!(chain(&error), format!("cannot restore cluster {ID}: AccessDenied: not allowed"));
}

fn instance() -> InstanceSettings {
    InstanceSettings {
        name: format!("{ID}-1"),
        class: "db.r6g.large".to_owned(),
        zone: Some("us-east-1a".to_owned()),
        promotion_tier: Some(1),
        ca_certificate: Some("ca".to_owned()),
        ..InstanceSettings::default()
    }
}

async fn create_instance(rules: &[Rule]) -> Result<(), Error> {
    let tags = BTreeMap::from([(RESTORE_ID.to_owned(), ID.to_owned())]);
    database::create_instance(&documents(rules), ID, &instance(), &settings(), &tags).await
}

#[tokio::test]
async fn an_instance_is_made_as_the_sources() {
    let sent = mock!(aws_sdk_docdb::Client::create_db_instance)
        .match_requests(|request| {
            request.db_instance_identifier() == Some(&format!("{ID}-1"))
                && request.db_cluster_identifier() == Some(ID)
                && request.db_instance_class() == Some("db.r6g.large")
                && request.engine() == Some("docdb")
                && request.availability_zone() == Some("us-east-1a")
                && request.promotion_tier() == Some(1)
                && request.ca_certificate_identifier() == Some("ca")
                && request.tags().len() == 1
        })
        .then_output(|| CreateDbInstanceOutput::builder().build());
    create_instance(&[sent]).await.unwrap();
}

fn instance_exists_in(cluster: &'static str) -> [Rule; 2] {
    let exists = mock!(aws_sdk_docdb::Client::create_db_instance).then_error(|| {
        let fault = errors::DbInstanceAlreadyExistsFault::builder().build();
        CreateDBInstanceError::DbInstanceAlreadyExistsFault(fault)
    });
    let described = mock!(aws_sdk_docdb::Client::describe_db_instances).then_output(move || {
        let instance = types::DbInstance::builder().db_cluster_identifier(cluster).build();
        DescribeDbInstancesOutput::builder().db_instances(instance).build()
    });
    [exists, described]
}

#[tokio::test]
async fn an_instance_of_that_name_is_taken_up_if_it_is_in_the_cluster() {
    create_instance(&instance_exists_in(ID)).await.unwrap();
    assert_eq!(code(create_instance(&instance_exists_in("other")).await), "name_taken");
}

#[tokio::test]
async fn without_capacity_the_subnet_groups_other_places_are_said() {
    let full = mock!(aws_sdk_docdb::Client::create_db_instance).then_error(|| {
        let fault = errors::InsufficientDbInstanceCapacityFault::builder().build();
        CreateDBInstanceError::InsufficientDbInstanceCapacityFault(fault)
    });
    let zone = |name: &str| types::AvailabilityZone::builder().name(name).build();
    let groups = mock!(aws_sdk_docdb::Client::describe_db_subnet_groups)
        .match_requests(|request| request.db_subnet_group_name() == Some("subnets"))
        .then_output(move || {
            let subnets = ["us-east-1a", "us-east-1b"]
                .map(|name| types::Subnet::builder().subnet_availability_zone(zone(name)).build());
            let group = types::DbSubnetGroup::builder().set_subnets(Some(subnets.into())).build();
            DescribeDbSubnetGroupsOutput::builder().db_subnet_groups(group).build()
        });
    let options =
        mock!(aws_sdk_docdb::Client::describe_orderable_db_instance_options).then_output(move || {
            let option = |class: &str, zones: &[&str]| {
                let zones = zones.iter().map(|name| zone(name)).collect();
                let option = types::OrderableDbInstanceOption::builder().db_instance_class(class);
                option.set_availability_zones(Some(zones)).build()
            };
            DescribeOrderableDbInstanceOptionsOutput::builder()
                .orderable_db_instance_options(option(
                    "db.r6g.large",
                    &["us-east-1a", "us-east-1b", "us-east-1d"],
                ))
                .orderable_db_instance_options(option("db.r5.large", &["us-east-1b"]))
                .orderable_db_instance_options(option("db.t3.medium", &["us-east-1d"]))
                .build()
        });
    let error = create_instance(&[full, groups, options]).await.unwrap_err();
    let expected =
        "The source's subnet group offers db.r6g.large in us-east-1b, and these other classes: db.r5.large";
    assert!(chain(&error).ends_with(expected), "{}", chain(&error));
}

#[tokio::test]
async fn a_deletion_can_be_repeated() {
    let gone = mock!(aws_sdk_docdb::Client::delete_db_instance).then_error(|| {
        let fault = errors::InvalidDbInstanceStateFault::builder().build();
        DeleteDBInstanceError::InvalidDbInstanceStateFault(fault)
    });
    database::delete_instance(&documents(&[gone]), "a-1").await.unwrap();
    let going = || {
        mock!(aws_sdk_docdb::Client::delete_db_cluster)
            .match_requests(|request| request.skip_final_snapshot() == Some(true))
            .then_error(|| {
                let fault = errors::InvalidDbClusterStateFault::builder().build();
                DeleteDBClusterError::InvalidDbClusterStateFault(fault)
            })
    };
    database::delete_cluster(&documents(&[going(), cluster_is("deleting")]), ID).await.unwrap();
    database::delete_cluster(&documents(&[going(), cluster_is("available")]), ID).await.unwrap_err();
}

#[tokio::test]
async fn what_is_not_there_is_nothing_and_no_error() {
    let no_cluster = mock!(aws_sdk_docdb::Client::describe_db_clusters).then_error(|| {
        let fault = errors::DbClusterNotFoundFault::builder().build();
        DescribeDBClustersError::DbClusterNotFoundFault(fault)
    });
    assert_eq!(docdb::cluster(&documents(&[no_cluster]), "x").await.unwrap(), None);
    let no_snapshot = mock!(aws_sdk_docdb::Client::describe_db_cluster_snapshots).then_error(|| {
        let fault = errors::DbClusterSnapshotNotFoundFault::builder().build();
        DescribeDBClusterSnapshotsError::DbClusterSnapshotNotFoundFault(fault)
    });
    assert_eq!(docdb::snapshot(&documents(&[no_snapshot]), "x").await.unwrap(), None);
}

#[tokio::test]
async fn every_page_of_snapshots_is_read_and_the_newest_is_first() {
    let page = |from: Option<&'static str>, next: Option<&'static str>, id: &'static str, at: i64| {
        mock!(aws_sdk_docdb::Client::describe_db_cluster_snapshots)
            .match_requests(move |request| request.marker() == from)
            .then_output(move || {
                let taken = aws_sdk_docdb::primitives::DateTime::from_secs(at);
                let one = types::DbClusterSnapshot::builder().db_cluster_snapshot_identifier(id);
                let one = one.snapshot_create_time(taken).build();
                let answer = DescribeDbClusterSnapshotsOutput::builder().db_cluster_snapshots(one);
                answer.set_marker(next.map(str::to_owned)).build()
            })
    };
    let client = documents(&[page(None, Some("2"), "old", 1), page(Some("2"), None, "new", 2)]);
    let ids: Vec<String> =
        docdb::snapshots(&client, "production").await.unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(ids, ["new", "old"]);
}

fn current(version: &'static str, content: &'static str) -> Rule {
    mock!(aws_sdk_secretsmanager::Client::get_secret_value).then_output(move || {
        GetSecretValueOutput::builder().version_id(version).secret_string(content).build()
    })
}

#[tokio::test]
async fn only_the_host_changes_and_only_on_the_version_that_was_seen() {
    const CONTENT: &str = r#"{"username":"u","password":"p","host":"old","port":27017}"#;
    let put = |stage: &'static str| {
        mock!(aws_sdk_secretsmanager::Client::put_secret_value)
            .match_requests(|request| {
                request.secret_string()
                    == Some(r#"{"username":"u","password":"p","host":"new","port":27017}"#)
                    && request.client_request_token() == Some("v2")
            })
            .then_output(move || PutSecretValueOutput::builder().version_stages(stage).build())
    };
    let set = async |rules: &[Rule]| secret::set_host(&secrets(rules), "s", "v1", "v2", "new").await;
    assert_eq!(set(&[current("v1", CONTENT), put("AWSCURRENT")]).await.unwrap(), Set::Done);
    // Made before, and gone back from: AWS makes nothing, and the label is moved.
    let moved = moves("v1", "v2");
    assert_eq!(set(&[current("v1", CONTENT), put("AWSPREVIOUS"), moved.clone()]).await.unwrap(), Set::Done);
    assert_eq!(moved.num_calls(), 1);
    // Done before, and changed by somebody else: nothing is put.
    assert_eq!(set(&[current("v2", CONTENT)]).await.unwrap(), Set::Done);
    assert_eq!(set(&[current("v3", CONTENT)]).await.unwrap(), Set::Overtaken);
    let error = set(&[current("v1", "mongodb://u:p@old/")]).await.unwrap_err();
    assert_eq!(chain(&error), "cannot change the host in secret s: it is not a JSON object");
}

fn described(current: &'static str) -> Rule {
    mock!(aws_sdk_secretsmanager::Client::describe_secret).then_output(move || {
        DescribeSecretOutput::builder()
            .version_ids_to_stages(current, vec!["AWSCURRENT".to_owned()])
            .version_ids_to_stages("v0", vec!["AWSPREVIOUS".to_owned()])
            .build()
    })
}

#[tokio::test]
async fn a_secret_tells_where_it_points_and_nothing_else() {
    let content = r#"{"host":"old","uri":"mongodb://u:p@old:27017/","password":"p"}"#;
    let seen =
        secret::with_host(&secrets(&[described("v1"), current("v1", content)]), "s").await.unwrap().unwrap();
    assert_eq!((seen.host.as_deref(), seen.also.as_slice()), (Some("old"), &["uri".to_owned()][..]));
    assert_eq!(seen.versions, ["v0", "v1"]);
    assert!(!format!("{seen:?}").contains("mongodb"));
}

fn moves(from: &'static str, to: &'static str) -> Rule {
    mock!(aws_sdk_secretsmanager::Client::update_secret_version_stage)
        .match_requests(move |request| {
            request.version_stage() == Some("AWSCURRENT")
                && request.remove_from_version_id() == Some(from)
                && request.move_to_version_id() == Some(to)
        })
        .then_output(|| UpdateSecretVersionStageOutput::builder().build())
}

#[tokio::test]
async fn the_way_back_moves_the_label_once() {
    let moved = moves("v2", "v1");
    let back = async |rules: &[Rule]| secret::point_back(&secrets(rules), "s", "v2", "v1").await.unwrap();
    assert_eq!(back(&[described("v2"), moved]).await, Set::Done);
    assert_eq!(back(&[described("v1")]).await, Set::Done);
    assert_eq!(back(&[described("v3")]).await, Set::Overtaken);
}

#[tokio::test]
async fn with_no_change_of_the_secret_lately_the_service_and_the_probe_are_not_asked() {
    let clients = Clients {
        secrets: OnceLock::from(secrets(&[described("v1")])),
        ..Clients::new(SdkConfig::builder().build())
    };
    let request = crate::Request { goal: crate::Goal::LookAfterCutOver, at: Timestamp::UNIX_EPOCH };
    let settings = crate::plan::tests::settings();
    let observed = crate::observe::observe(&clients, &settings, &request).await.unwrap();
    assert!(observed.secret.is_some() && observed.service.is_none() && observed.database.is_none());
}

#[tokio::test]
async fn every_page_of_tasks_is_read_and_each_says_its_deployment() {
    let page = |from: Option<&'static str>, next: Option<&'static str>, task: &'static str| {
        mock!(aws_sdk_ecs::Client::list_tasks)
            .match_requests(move |request| {
                request.next_token() == from
                    && request.service_name() == Some("backend")
                    && request.desired_status() == Some(&aws_sdk_ecs::types::DesiredStatus::Running)
            })
            .then_output(move || {
                ListTasksOutput::builder().task_arns(task).set_next_token(next.map(str::to_owned)).build()
            })
    };
    let described = mock!(aws_sdk_ecs::Client::describe_tasks)
        .match_requests(|request| request.tasks() == ["task/1"])
        .then_output(|| {
            let created = aws_sdk_ecs::primitives::DateTime::from_secs(5);
            let task = aws_sdk_ecs::types::Task::builder().task_arn("task/1").started_by("ecs-svc/1");
            DescribeTasksOutput::builder().tasks(task.created_at(created).build()).build()
        });
    // It ended meanwhile.
    let gone = mock!(aws_sdk_ecs::Client::describe_tasks)
        .match_requests(|request| request.tasks() == ["task/2"])
        .then_output(|| DescribeTasksOutput::builder().build());
    let rules = [page(None, Some("2"), "task/1"), page(Some("2"), None, "task/2"), described, gone];
    let rules: Vec<&Rule> = rules.iter().collect();
    let client = mock_client!(aws_sdk_ecs, RuleMode::MatchAny, &rules);
    let tasks = ecs::running_tasks(&client, "c", "backend").await.unwrap();
    let expected = ecs::RunningTask {
        task: "task/1".to_owned(),
        started_by: "ecs-svc/1".to_owned(),
        created_at: Some(Timestamp::from_second(5).unwrap()),
    };
    assert_eq!(tasks, [expected]);
}

//! The sandbox's DocumentDB behaves as AWS does, where a restore depends on it.

use std::time::Duration;

use aws_sdk_docdb::error::ProvideErrorMetadata;
use sandbox::clients::Clients;
use sandbox::deploy::PASSWORD;
use sandbox::gateway::{DATABASE_USER, Gateway, SOURCE, endpoint};

const COPY: &str = "lendpeak2-production-restore-20261120100000";

/// Nothing behind it: DocumentDB is the gateway's own.
async fn start() -> anyhow::Result<(Gateway, aws_sdk_docdb::Client)> {
    let gateway = Gateway::start("127.0.0.1:9", None).await?;
    let client = Clients::new(&gateway.url(), "test")?.docdb;
    Ok((gateway, client))
}

async fn restore(client: &aws_sdk_docdb::Client) -> anyhow::Result<()> {
    let snapshots = client.describe_db_cluster_snapshots().db_cluster_identifier(SOURCE).send().await?;
    let snapshot =
        snapshots.db_cluster_snapshots().first().and_then(|one| one.db_cluster_snapshot_identifier());
    let restore = client.restore_db_cluster_from_snapshot().db_cluster_identifier(COPY).engine("docdb");
    restore.set_snapshot_identifier(snapshot.map(str::to_owned)).deletion_protection(true).send().await?;
    Ok(())
}

fn create_instance(
    client: &aws_sdk_docdb::Client,
) -> aws_sdk_docdb::operation::create_db_instance::builders::CreateDBInstanceFluentBuilder {
    let create = client.create_db_instance().db_instance_identifier("one").db_cluster_identifier(COPY);
    create.db_instance_class("db.r6g.large").engine("docdb")
}

#[tokio::test]
async fn what_a_restore_does_not_say_is_aws_s_default_and_not_the_sources() -> anyhow::Result<()> {
    let (gateway, client) = start().await?;
    restore(&client).await?;
    let describe = async |name: &str| {
        let answer = client.describe_db_clusters().db_cluster_identifier(name).send().await?;
        anyhow::Ok(answer.db_clusters().first().cloned())
    };
    let (source, copy) = (describe(SOURCE).await?, describe(COPY).await?);
    let of = |cluster: &Option<aws_sdk_docdb::types::DbCluster>| {
        let cluster = cluster.as_ref()?;
        let members = cluster.db_cluster_members().len();
        Some((
            cluster.port()?,
            cluster.db_subnet_group()?.to_owned(),
            cluster.vpc_security_groups().len(),
            members,
        ))
    };
    assert_eq!(of(&source), Some((27_018, "lendpeak2-production-db".to_owned(), 2, 2)));
    assert_eq!(of(&copy), Some((27_017, "default".to_owned(), 1, 0)));
    assert!(gateway.docdb().answers(&endpoint(SOURCE)) && !gateway.docdb().answers(&endpoint(COPY)));
    Ok(())
}

#[tokio::test]
async fn what_is_created_takes_its_time_and_comes_in_order() -> anyhow::Result<()> {
    let (gateway, client) = start().await?;
    gateway.docdb().set_times(Duration::from_mins(5), Duration::from_mins(5));
    restore(&client).await?;
    let early = create_instance(&client).send().await.err().and_then(|error| error.code().map(str::to_owned));
    assert_eq!(early.as_deref(), Some("InvalidDBClusterStateFault"));
    gateway.docdb().set_times(Duration::ZERO, Duration::from_mins(5));
    create_instance(&client).send().await?;
    let twice = create_instance(&client).send().await.err().and_then(|error| error.code().map(str::to_owned));
    assert_eq!(twice.as_deref(), Some("DBInstanceAlreadyExists"));
    let instances = client.describe_db_instances().db_instance_identifier("one").send().await?;
    let status = instances.db_instances().first().and_then(|one| one.db_instance_status());
    assert_eq!(status, Some("creating"));
    assert!(!gateway.docdb().answers(&endpoint(COPY)));
    gateway.docdb().set_times(Duration::ZERO, Duration::ZERO);
    assert!(gateway.docdb().answers(&endpoint(COPY)));
    Ok(())
}

#[tokio::test]
async fn a_restored_cluster_has_the_password_of_its_datas_time_until_it_is_given_another()
-> anyhow::Result<()> {
    const TODAY: &str = "of-today-1";
    let (gateway, client) = start().await?;
    let docdb = gateway.docdb();
    let lets_in = |cluster: &str, password: &str| docdb.lets_in(&endpoint(cluster), DATABASE_USER, password);
    docdb.set_password(SOURCE, TODAY);
    restore(&client).await?;
    assert!(lets_in(SOURCE, TODAY) && !lets_in(SOURCE, PASSWORD));
    assert!(lets_in(COPY, PASSWORD) && !lets_in(COPY, TODAY));
    assert!(!docdb.lets_in(&endpoint(COPY), "somebody", PASSWORD));
    let give = async |password: &str| {
        let modify = client.modify_db_cluster().db_cluster_identifier(COPY).master_user_password(password);
        modify.send().await.err().and_then(|error| error.code().map(str::to_owned))
    };
    for odd in ["short-1", "with a / in it", "größer-als-8"] {
        assert_eq!(give(odd).await.as_deref(), Some("InvalidParameterValue"), "{odd}");
    }
    docdb.set_reset_time(Duration::from_mins(5));
    assert_eq!(give(TODAY).await, None);
    assert!(lets_in(COPY, PASSWORD) && !lets_in(COPY, TODAY));
    docdb.set_reset_time(Duration::ZERO);
    assert!(lets_in(COPY, TODAY) && !lets_in(COPY, PASSWORD));
    docdb.manage_password(COPY, "arn:aws:secretsmanager:us-east-1:000000000000:secret:rds!cluster-1");
    assert_eq!(give("another-one").await.as_deref(), Some("InvalidParameterCombination"));
    Ok(())
}

#[tokio::test]
async fn a_protected_cluster_and_one_with_instances_are_not_deleted() -> anyhow::Result<()> {
    let (gateway, client) = start().await?;
    restore(&client).await?;
    create_instance(&client).send().await?;
    let delete = async || {
        let delete = client.delete_db_cluster().db_cluster_identifier(COPY).skip_final_snapshot(true);
        delete.send().await.err().and_then(|error| error.code().map(str::to_owned))
    };
    assert_eq!(delete().await.as_deref(), Some("InvalidParameterCombination"));
    client.modify_db_cluster().db_cluster_identifier(COPY).deletion_protection(false).send().await?;
    assert_eq!(delete().await.as_deref(), Some("InvalidDBClusterStateFault"));
    client.delete_db_instance().db_instance_identifier("one").send().await?;
    assert_eq!(delete().await, None);
    let status = gateway.docdb().cluster(COPY).map(|cluster| cluster.status);
    assert_eq!(status, Some("deleting"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(gateway.docdb().cluster(COPY), None);
    Ok(())
}

#[tokio::test]
async fn what_a_test_has_refused_is_refused_so_often() -> anyhow::Result<()> {
    let (gateway, client) = start().await?;
    gateway.docdb().refuse("DescribeDBClusters", "ServiceUnavailable", 1);
    assert!(client.describe_db_clusters().db_cluster_identifier("none").send().await.is_err());
    let calls = gateway.record().by("test");
    let named = calls.first().map(|call| call.request["DBClusterIdentifier"].clone());
    assert_eq!(named, Some("none".into()));
    Ok(())
}

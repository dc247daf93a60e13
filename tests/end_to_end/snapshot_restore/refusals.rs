//! What AWS refuses while something is made: each has an answer of its own.

use super::*;

const FOLLOW_UP: &str = "snapshot-restore#follow-up";

/// The cluster cannot be made: the code and the level of the next step; nothing is left to look after.
async fn refused(error: &str, request: &Value, operation: &str, code: &str, level: u64) -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let (approve, _) = ask(&function, request).await?;
    docdb(&stack).refuse(operation, error, 1);
    let failed = outcome(&function, &approve).await?;
    assert_eq!(read(&failed), format!("failed {code}"), "{failed:#}");
    assert_eq!(failed["next"]["level"], level, "{failed:#}");
    assert!(!text(&failed, "/next/what").is_empty() && !text(&failed, "/reason").is_empty(), "{failed:#}");
    assert_eq!(stack.item(&format!("target#{SOURCE_TARGET}"), FOLLOW_UP).await?, None);
    let scheduled = outcome(&function, &tick()).await?;
    assert_eq!(read(&scheduled["outcomes"][0]), "nothing_to_do nothing_under_way");
    assert!(docdb(&stack).restored().is_empty());
    // When it is cleared, it can be asked for again.
    restored(&function, request).await?;
    Ok(())
}

#[tokio::test]
async fn a_quota_of_clusters_or_storage_is_said_and_left() -> Test {
    let from_snapshot = "RestoreDBClusterFromSnapshot";
    refused("DBClusterQuotaExceededFault", &latest(), from_snapshot, "cluster_quota", 3).await?;
    refused("StorageQuotaExceeded", &latest(), from_snapshot, "storage_quota", 3).await
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_said() -> Test {
    let from_snapshot = "RestoreDBClusterFromSnapshot";
    refused("KMSKeyNotAccessibleFault", &latest(), from_snapshot, "key_not_ours", 2).await
}

#[tokio::test]
async fn a_snapshot_that_goes_meanwhile_is_said() -> Test {
    let from_snapshot = "RestoreDBClusterFromSnapshot";
    refused("DBClusterSnapshotNotFoundFault", &latest(), from_snapshot, "snapshot_missing", 2).await?;
    refused("InvalidDBClusterSnapshotStateFault", &latest(), from_snapshot, "snapshot_not_available", 2).await
}

#[tokio::test]
async fn a_point_in_time_has_the_same_answers() -> Test {
    let request = json!({ "point_in_time": "latest" });
    let operation = "RestoreDBClusterToPointInTime";
    refused("InsufficientDBClusterCapacityFault", &request, operation, "no_capacity", 3).await?;
    refused("InvalidRestoreFault", &request, operation, "outside_window", 2).await
}

#[tokio::test]
async fn without_capacity_it_says_what_else_there_is_and_goes_on_when_asked() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = id(&approved(&function, &latest()).await?);
    docdb(&stack).refuse("CreateDBInstance", "InsufficientDBInstanceCapacity", 1);
    let failed = finish(&function, &id).await?;
    assert_eq!(read(&failed), "failed no_capacity", "{failed:#}");
    assert_eq!(
        failed["reason"],
        format!(
            "AWS has no capacity for db.r6g.large in us-east-1a for instance {id}-1. The source's subnet group offers \
             db.r6g.large in us-east-1b, and these other classes: db.r5.large"
        )
    );
    assert_eq!(failed["next"]["send"], json!({ "continue": id }));
    // By itself it does not try what AWS refused.
    let scheduled = outcome(&function, &tick()).await?["outcomes"][0].clone();
    assert_eq!(read(&scheduled), "nothing_to_do waits_for_a_person");
    assert_eq!(stack.count("rds CreateDBInstance"), 1);
    assert_eq!(read(&finish(&function, &id).await?), "nothing_to_do handed_over");
    Ok(())
}

#[tokio::test]
async fn an_instance_that_a_person_made_in_another_class_is_taken_up_and_told() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = id(&approved(&function, &latest()).await?);
    docdb(&stack).refuse("CreateDBInstance", "InstanceQuotaExceeded", 1);
    assert_eq!(read(&finish(&function, &id).await?), "failed instance_quota");
    let by_hand = stack.sandbox.clients.docdb.create_db_instance().db_instance_identifier(format!("{id}-1"));
    by_hand
        .db_cluster_identifier(&id)
        .db_instance_class("db.r5.large")
        .engine("docdb")
        .availability_zone("us-east-1b")
        .send()
        .await?;
    let done = finish(&function, &id).await?;
    assert_eq!(read(&done), "nothing_to_do handed_over_with_differences", "{done:#}");
    let reason = text(&done, "/reason");
    assert!(
        reason.contains("the class of") && reason.contains("db.r5.large instead of db.r6g.large"),
        "{reason}"
    );
    Ok(())
}

#[tokio::test]
async fn a_name_that_somebody_else_has_is_left_alone() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let (approve, plan) = ask(&function, &latest()).await?;
    let id = id(&plan);
    docdb(&stack).add_cluster(&id);
    let failed = outcome(&function, &approve).await?;
    assert_eq!(read(&failed), "failed name_taken", "{failed:#}");
    assert_eq!(docdb(&stack).cluster(&id).unwrap().instances.len(), 0);
    let theirs = outcome(&function, &json!({ "discard": id })).await?;
    assert_eq!(read(&theirs), "refused not_ours");
    assert_eq!(decision(&function, &json!({ "cut_over": id })).await?, "refused not_ours");
    assert_eq!(decision(&function, &json!({ "undo": id })).await?, "refused not_ours");
    Ok(())
}

//! What was restored and not put to use is deleted, and nothing else.

use super::*;

async fn gone(stack: &Stack, id: &str) -> Test {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while docdb(stack).cluster(id).is_some() {
        anyhow::ensure!(std::time::Instant::now() < deadline, "{id} is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_restored_cluster_is_deleted_with_its_instances_once_that_is_approved() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = restored(&function, &latest()).await?;
    let (approve, plan) = ask(&function, &json!({ "discard": id })).await?;
    let names: Vec<&str> = plan
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| one.as_object().unwrap().keys())
        .map(String::as_str)
        .collect();
    assert_eq!(names, ["allow_deletion", "delete_instance", "delete_instance", "delete_cluster"]);
    let done = outcome(&function, &approve).await?;
    assert_eq!((read(&done).as_str(), &done["verification"]["verified"]), ("applied applied", &json!(true)));
    gone(&stack, &id).await?;
    assert_eq!(decision(&function, &json!({ "discard": id })).await?, "nothing_to_do already_gone");
    assert_eq!(decision(&function, &json!({ "continue": id })).await?, "nothing_to_do not_begun");
    assert_source_untouched(&stack);
    assert_eq!(docdb(&stack).cluster(SOURCE).unwrap().instances.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_restore_under_way_can_be_discarded_and_is_over_then() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = id(&approved(&function, &latest()).await?);
    approved(&function, &json!({ "discard": id })).await?;
    let next = decision(&function, &json!({ "continue": id })).await?;
    assert!(["nothing_to_do discarded", "nothing_to_do cluster_creating"].contains(&next.as_str()), "{next}");
    gone(&stack, &id).await?;
    assert_eq!(stack.count("rds CreateDBInstance"), 0);
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_the_service_was_pointed_at_by_hand_is_kept() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = restored(&function, &latest()).await?;
    let host = json!({ "host": endpoint(&id) }).to_string();
    let put = stack.sandbox.clients.secrets.put_secret_value().secret_id(SECRET).secret_string(host);
    put.send().await?;
    assert_eq!(decision(&function, &json!({ "discard": id })).await?, "refused in_use");
    assert!(docdb(&stack).cluster(&id).is_some());
    Ok(())
}

#[tokio::test]
async fn a_discard_that_dies_is_finished() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    for (operation, k) in
        [("ModifyDBCluster", 1), ("DeleteDBInstance", 1), ("DeleteDBInstance", 2), ("DeleteDBCluster", 1)]
    {
        let id = restored(&function, &latest()).await?;
        let (approve, _) = ask(&function, &json!({ "discard": id })).await?;
        stack.kill_after(&approve, "rds", operation, k).await?;
        let key = format!("target#cluster/{id}");
        stack.change(&key, "snapshot-restore", "lease_until", json!("2026-11-20T10:00:00Z")).await?;
        let finished = outcome(&function, &approve).await?;
        assert_eq!(read(&finished["outcomes"][0]), "applied applied", "{operation} {k}: {finished:#}");
        gone(&stack, &id).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

//! A restored cluster has the password of its data's time: a cut-over works only once it has the secret's.

use super::*;

const ROTATED: &str = "Xw3-heather-beacon-17";

fn set(id: &str) -> Value {
    json!({ "set_password_of": id })
}

/// Restored from a snapshot that is older than the secret's password; the plan's details, the hand-over and the id.
async fn restored_with_the_older_one(
    stack: &Stack,
    function: &Bootstrap,
    request: &Value,
) -> anyhow::Result<(String, Value, String)> {
    stack.sandbox.rotate_password(ROTATED).await?;
    let asked = outcome(function, request).await?;
    let begun = whole(function, &asked["next"]["send"]).await?;
    let id = id(&begun["plan"]["actions"]);
    let handed_over = finish(function, &id).await?;
    anyhow::ensure!(read(&handed_over) == "nothing_to_do handed_over", "{handed_over:#}");
    Ok((details(&asked), handed_over, id))
}

#[tokio::test]
async fn a_cut_over_works_once_the_password_was_set_and_not_before() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("VERIFY_SECONDS", "5")]).await?;
    let (plan, handed_over, id) = restored_with_the_older_one(&stack, &function, &latest()).await?;
    let said = "The password in secret lendpeak2-production-db-credentials was changed at";
    for text in [plan.as_str(), text(&handed_over, "/reason")] {
        assert!(
            text.contains(said) && text.contains(&format!("{{\"set_password_of\": \"{id}\"}}")),
            "{text}"
        );
    }
    assert_eq!(handed_over["next"]["send"], set(&id));

    // A person may go on all the same, and it does not work.
    let asked = outcome(&function, &json!({ "cut_over": id })).await?;
    assert!(text(&asked, "/reason").contains(said), "{asked:#}");
    let done = outcome(&function, &asked["next"]["send"]).await?;
    assert_eq!((read(&done).as_str(), &done["verification"]["verified"]), ("applied applied", &json!(false)));
    assert!(text(&done, "/verification/what").contains("but /health/db fails"), "{done:#}");
    assert!(stack.sandbox.standin.now().locked_out);
    approved(&function, &json!({ "undo": id })).await?;

    let (approve, plan) = ask(&function, &set(&id)).await?;
    assert_eq!(stack.count("rds ModifyDBCluster"), 1, "only its settings were copied");
    let names: Vec<&String> =
        plan.as_array().unwrap().iter().flat_map(|one| one.as_object().unwrap().keys()).collect();
    assert_eq!(names, ["set_password", "note_password"]);
    let done = outcome(&function, &approve).await?;
    assert_eq!((read(&done).as_str(), &done["verification"]["verified"]), ("applied applied", &json!(true)));
    assert!(text(&done, "/verification/what").contains("AWS took the change"), "{done:#}");
    assert_eq!(decision(&function, &set(&id)).await?, "nothing_to_do password_same");

    let asked = outcome(&function, &json!({ "cut_over": id })).await?;
    assert!(!text(&asked, "/reason").contains("password"), "{asked:#}");
    let done = outcome(&function, &asked["next"]["send"]).await?;
    assert_eq!((read(&done).as_str(), &done["verification"]["verified"]), ("applied applied", &json!(true)));
    let again = outcome(&function, &json!({ "continue": id })).await?;
    assert!(!text(&again, "/reason").contains("password"), "{again:#}");
    assert_source_untouched(&stack);
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_is_in_use_already_is_given_it_too() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let (_, _, id) = restored_with_the_older_one(&stack, &function, &latest()).await?;
    approved(&function, &json!({ "cut_over": id })).await?;
    let asked = outcome(&function, &set(&id)).await?;
    assert!(text(&asked, "/reason").contains("backend works on it"), "{asked:#}");
    assert_eq!(decision(&function, &asked["next"]["send"]).await?, "applied applied");
    let settled = outcome(&function, &tick()).await?["outcomes"][1].clone();
    assert_eq!(read(&settled), "nothing_to_do verified", "{settled:#}");
    Ok(())
}

#[tokio::test]
async fn a_point_in_time_has_the_password_of_that_time() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let an_hour_ago = jiff::Timestamp::now() - Duration::from_hours(1);
    let request = json!({ "point_in_time": an_hour_ago.to_string() });
    let (plan, handed_over, id) = restored_with_the_older_one(&stack, &function, &request).await?;
    assert!(plan.contains("was changed at"), "{plan}");
    assert_eq!(handed_over["next"]["send"], set(&id));
    approved(&function, &set(&id)).await?;
    assert_eq!(read(&outcome(&function, &json!({ "continue": id })).await?), "nothing_to_do handed_over");
    // The latest one may have either.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let asked = outcome(&function, &json!({ "point_in_time": "latest" })).await?;
    assert!(details(&asked).contains("was changed at"), "{asked:#}");
    Ok(())
}

#[tokio::test]
async fn a_password_that_is_older_than_the_data_and_another_host_alone_are_no_news() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    // Rotated five hours ago, and the snapshot is three hours old. Secrets Manager's times here are whole seconds.
    stack.sandbox.rotate_password(ROTATED).await?;
    docdb(&stack).age_passwords(Duration::from_hours(5));
    stack.sandbox.gateway.secrets().age(Duration::from_hours(5));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let id = restored(&function, &latest()).await?;
    let cut_over = json!({ "cut_over": id });
    let asked = outcome(&function, &cut_over).await?;
    assert!(!text(&asked, "/reason").contains("password"), "{asked:#}");
    assert_eq!(stack.count("secretsmanager ListSecretVersionIds"), 0);
    let done = outcome(&function, &asked["next"]["send"]).await?;
    assert_eq!(done["verification"]["verified"], true, "{done:#}");
    approved(&function, &json!({ "undo": id })).await?;
    // The secret was changed since the snapshot by then, but for its host only.
    let asked = outcome(&function, &cut_over).await?;
    assert!(stack.count("secretsmanager ListSecretVersionIds") > 0);
    assert!(!text(&asked, "/reason").contains("password"), "{asked:#}");
    Ok(())
}

#[tokio::test]
async fn what_aws_refuses_is_said_and_a_secret_that_changes_meanwhile_is_not_set() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let (_, _, id) = restored_with_the_older_one(&stack, &function, &latest()).await?;
    let (approve, _) = ask(&function, &set(&id)).await?;
    // DocumentDB takes no password of less than eight characters.
    stack.sandbox.rotate_password("odd-1").await?;
    assert_eq!(decision(&function, &approve).await?, "refused plan_changed");
    let (approve, _) = ask(&function, &set(&id)).await?;
    let failed = outcome(&function, &approve).await?;
    assert_eq!(read(&failed), "failed action_failed", "{failed:#}");
    let said = failed.to_string();
    assert!(said.contains("is not a valid password") && !said.contains("odd-1"), "{failed:#}");
    Ok(())
}

#[tokio::test]
async fn a_password_that_aws_manages_is_left_to_it() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let managed = "arn:aws:secretsmanager:us-east-1:000000000000:secret:rds!cluster-1";
    docdb(&stack).manage_password(SOURCE, managed);
    let asked = outcome(&function, &latest()).await?;
    let said = format!("AWS manages the master user of {SOURCE} in {managed}");
    assert!(details(&asked).contains(&said), "{asked:#}");
    let begun = whole(&function, &asked["next"]["send"]).await?;
    let id = super::id(&begun["plan"]["actions"]);
    docdb(&stack).manage_password(&id, managed);
    let handed_over = finish(&function, &id).await?;
    assert!(text(&handed_over, "/reason").contains("may have changed its password"), "{handed_over:#}");
    assert_eq!(handed_over["next"]["send"], json!({ "cut_over": id }));
    assert_eq!(decision(&function, &set(&id)).await?, "refused password_managed");
    Ok(())
}

#[tokio::test]
async fn a_cut_over_waits_until_the_password_is_there() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("VERIFY_SECONDS", "1")]).await?;
    let (_, _, id) = restored_with_the_older_one(&stack, &function, &latest()).await?;
    docdb(&stack).set_reset_time(Duration::from_mins(1));
    let (approve, _) = ask(&function, &set(&id)).await?;
    let done = outcome(&function, &approve).await?;
    assert_eq!((read(&done).as_str(), &done["verification"]["verified"]), ("applied applied", &json!(false)));
    assert!(text(&done, "/verification/what").contains("resetting-master-credentials"), "{done:#}");
    let early = outcome(&function, &json!({ "cut_over": id })).await?;
    assert_eq!(read(&early), "refused restore_not_ready", "{early:#}");
    assert_eq!(early["next"]["send"], json!({ "cut_over": id }));
    docdb(&stack).set_reset_time(Duration::ZERO);
    let patient = stack.function(&[]).await?;
    let (approve, _) = ask(&patient, &json!({ "cut_over": id })).await?;
    assert_eq!(outcome(&patient, &approve).await?["verification"]["verified"], true);
    Ok(())
}

#[tokio::test]
async fn a_run_that_dies_while_it_sets_the_password_is_finished() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let (_, _, id) = restored_with_the_older_one(&stack, &function, &latest()).await?;
    let (approve, _) = ask(&function, &set(&id)).await?;
    stack.kill_after(&approve, "rds", "ModifyDBCluster", 1).await?;
    let key = format!("target#cluster/{id}");
    stack.change(&key, "snapshot-restore", "lease_until", json!("2026-11-20T10:00:00Z")).await?;
    let finished = outcome(&function, &approve).await?;
    assert_eq!(read(&finished["outcomes"][0]), "applied applied", "{finished:#}");
    assert_eq!(decision(&function, &set(&id)).await?, "nothing_to_do password_same");
    Ok(())
}

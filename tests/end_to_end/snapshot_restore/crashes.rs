//! A run that dies is finished by the next, and people who do the same at once make one restore. `make chaos`
//! lets the whole flow go wrong at every call.

use sandbox::stack::SHORT_DEADLINE;

use super::*;

#[tokio::test]
async fn a_restore_that_dies_after_its_claim_is_begun_by_the_schedule() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let (approve, plan) = ask(&function, &latest()).await?;
    stack.kill_after(&approve, "dynamodb", "TransactWriteItems", 1).await?;
    tokio::time::sleep(SHORT_DEADLINE).await;
    let taken_up = outcome(&function, &tick()).await?["outcomes"][0].clone();
    assert_eq!(read(&taken_up), "applied applied", "{taken_up:#}");
    assert!(text(&taken_up, "/reason").starts_with("finished what run"), "{taken_up:#}");
    assert_eq!(docdb(&stack).restored()[0].name, id(&plan));
    Ok(())
}

#[tokio::test]
async fn two_people_at_once_make_one_restore() -> Test {
    const PEOPLE: usize = 6;
    let stack = start().await?;
    // Who asks again joins the plan that waits, though a cluster that was asked for a second later would be called
    // otherwise.
    let first = stack.function(&[]).await?;
    let (approve, plan) = ask(&first, &latest()).await?;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let joined = whole(&first, &latest()).await?;
    assert_eq!(id(&joined["plan"]["actions"]), id(&plan));
    for place in ["/reason", "/plan/lines/0"] {
        assert!(text(&joined, place).contains(&id(&plan)), "{joined:#}");
    }
    assert!(details(&joined).contains(&id(&plan)), "{joined:#}");
    assert_eq!(
        (read(&joined).as_str(), &joined["next"]["send"]),
        ("nothing_to_do approval_pending", &approve)
    );
    let mut approvals = Vec::new();
    for _ in 0..PEOPLE {
        approvals.push((stack.function(&[]).await?, approve.clone()));
    }
    let mut people = tokio::task::JoinSet::new();
    for (function, approve) in approvals {
        people.spawn(async move { decision(&function, &approve).await });
    }
    let mut applied = 0;
    for answer in people.join_all().await {
        match answer?.as_str() {
            "applied applied" => applied += 1,
            "refused claimed_by_another" | "refused restore_in_progress" | "refused approval_used" => {}
            other => panic!("one was answered with {other}"),
        }
    }
    assert_eq!((applied, docdb(&stack).restored().len()), (1, 1));
    let id = docdb(&stack).restored()[0].name.clone();
    // And everybody goes on with it at once.
    let mut people = tokio::task::JoinSet::new();
    for _ in 0..PEOPLE {
        let function = stack.function(&[]).await?;
        let request = json!({ "continue": id });
        people.spawn(async move {
            for _ in 0..10 {
                outcome(&function, &request).await?;
            }
            anyhow::Ok(())
        });
    }
    for answer in people.join_all().await {
        answer?;
    }
    assert_eq!(read(&finish(&stack.function(&[]).await?, &id).await?), "nothing_to_do handed_over");
    assert_eq!(stack.count("rds CreateDBInstance"), 2);
    assert_eq!(instances(&docdb(&stack).restored()[0]).len(), 2);
    Ok(())
}

/// As much of `make chaos` as a test has time for.
#[tokio::test]
async fn it_holds_wherever_it_is_struck() -> Test {
    scenarios::chaos::hold("snapshot-restore").await
}

/// One call has no token. The other one has, and is kept from being done twice by it.
#[tokio::test]
async fn what_took_effect_although_its_answer_was_lost_is_not_done_again() -> Test {
    scenarios::chaos::hold_there("snapshot-restore/snapshot-restore ecs UpdateService 1/cut-short").await?;
    scenarios::chaos::hold_there(
        "snapshot-restore/snapshot-restore secretsmanager PutSecretValue 1/cut-short",
    )
    .await
}

//! What goes as it should.

use tests::deploy::FAMILY;

use super::*;

#[tokio::test]
async fn started_by_hand_it_opens_an_incident_and_resolves_it_when_the_service_is_well() -> Test {
    let sandbox = start().await?;
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!(run.status, ExecutionStatus::Succeeded, "{run:?}");
    assert_eq!(
        run.states,
        ["Take", "Ours", "Probe", "Healthy", "Wait", "Probe", "Healthy", "Recovered", "Resolved"]
    );
    let incident = only_incident(&sandbox).await?;
    assert_eq!(incident["cause"], "service-down");
    assert!(incident["resolved_at"].is_string(), "{incident:#}");
    assert_eq!(incident["remedies"], json!([]));
    Ok(())
}

#[tokio::test]
async fn of_two_executions_one_handles_the_incident_and_the_other_leaves_it_alone() -> Test {
    let sandbox = start().await?;
    // Down, so that the first is still at it when the second comes.
    sandbox.standin.set_database_down(true);
    let first = execute(&sandbox, &json!({})).await?;
    let since = Instant::now();
    while !states(&sandbox, &first).await?.iter().any(|state| state == "Ours") {
        ensure!(since.elapsed() < PATIENCE, "it never took the incident");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let incident = only_incident(&sandbox).await?["id"].clone();
    let second = run(&sandbox, &json!({ "incident": incident })).await?;
    assert_eq!((second.status.clone(), second.last()), (ExecutionStatus::Succeeded, "NotOurs"), "{second:?}");
    let third = run(&sandbox, &json!({})).await?;
    assert_eq!(third.last(), "NotOurs", "{third:?}");
    assert_eq!(end(&sandbox, &first).await?.last(), "Escalated");
    only_incident(&sandbox).await?;
    Ok(())
}

#[tokio::test]
async fn a_bad_release_is_taken_back_and_the_incident_resolved() -> Test {
    let sandbox = start().await?;
    let good = sandbox.release(&[("FEATURE", "new")]).await?;
    sandbox.release(&[("BROKEN", "true")]).await?;
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Resolved"), "{run:?}");
    assert_eq!(run.states.iter().filter(|state| *state == "Remedy").count(), 1, "{run:?}");
    assert_eq!(sandbox.runs().await?, good);
    let incident = only_incident(&sandbox).await?;
    assert_eq!(incident["remedies"][0]["decision"], "applied", "{incident:#}");
    assert!(incident["resolved_at"].is_string() && incident["acted_at"].is_string(), "{incident:#}");
    Ok(())
}

#[tokio::test]
async fn what_is_out_of_reach_goes_to_people_at_once_and_nothing_is_touched() -> Test {
    let sandbox = start().await?;
    let before = sandbox.runs().await?;
    assert!(before.starts_with(FAMILY));
    sandbox.standin.set_database_down(true);
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Escalated"), "{run:?}");
    assert!(!run.has("Remedy"), "{run:?}");
    assert_eq!(sandbox.runs().await?, before);
    let incident = only_incident(&sandbox).await?;
    assert!(incident["resolved_at"].is_null() && incident["level"].as_u64() >= Some(2), "{incident:#}");
    Ok(())
}

//! Which data, and what cannot be restored.

use jiff::{SignedDuration, Timestamp};

use super::*;

fn hours_ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

async fn planned(function: &Bootstrap, request: Value) -> anyhow::Result<(String, String)> {
    let seen = whole(function, &request).await?;
    let snapshot = text(&seen, "/plan/actions/0/create_cluster/origin/snapshot/id");
    Ok((read(&seen), snapshot.to_owned()))
}

#[tokio::test]
async fn the_newest_snapshot_that_is_older_than_the_corruption_is_chosen() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("MODE", "observe")]).await?;
    // Automated ones are 3 h 12 min old, and a day each before that; the manual one is 30 hours old.
    for (hours, expected) in [(1, 3), (4, 27), (28, 30), (31, 51)] {
        let request = json!({ "before": hours_ago(hours).to_string() });
        let seen = whole(&function, &request).await?;
        assert_eq!(read(&seen), "observed would_act");
        let taken = text(&seen, "/plan/actions/0/create_cluster/origin/snapshot/taken_at");
        let age = Timestamp::now().duration_since(taken.parse()?).as_hours();
        assert_eq!(age, expected, "{hours}: {taken}");
    }
    let hint = outcome(&function, &json!({ "before": hours_ago(4).to_string() })).await?;
    assert!(details(&hint).contains("less would be lost with {\"point_in_time\": "), "{hint:#}");
    let none = outcome(&function, &json!({ "before": hours_ago(24 * 30).to_string() })).await?;
    assert_eq!(read(&none), "refused snapshot_missing");
    assert!(text(&none, "/reason").contains("the oldest is of"), "{none:#}");
    Ok(())
}

#[tokio::test]
async fn a_snapshot_under_way_is_passed_over_and_named_it_is_refused() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("MODE", "observe")]).await?;
    let minute = SignedDuration::from_mins(1);
    docdb(&stack).add_snapshot("half-done", SOURCE, minute, "creating", "000000000000");
    let (decided, snapshot) = planned(&function, json!({ "snapshot": "latest" })).await?;
    assert_eq!(decided, "observed would_act");
    assert!(snapshot.starts_with("rds:"), "{snapshot}");
    let refused = outcome(&function, &json!({ "snapshot": "half-done" })).await?;
    assert_eq!(read(&refused), "refused snapshot_not_available");
    assert_eq!(refused["reason"], "snapshot half-done is creating (40 %), not available");
    docdb(&stack).forget_snapshots();
    assert_eq!(decision(&function, &json!({ "snapshot": "latest" })).await?, "refused snapshot_missing");
    Ok(())
}

#[tokio::test]
async fn snapshots_that_are_not_ours_are_refused_with_the_reason() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let hour = SignedDuration::from_hours(1);
    docdb(&stack).add_snapshot("shared-with-us", SOURCE, hour, "available", "123456789012");
    let refused = async |request: Value| outcome(&function, &request).await;
    let missing = refused(json!({ "snapshot": "no-such" })).await?;
    assert_eq!(read(&missing), "refused snapshot_missing");
    assert!(
        text(&missing, "/reason").starts_with("there is no snapshot no-such; the newest are"),
        "{missing:#}"
    );
    assert_eq!(missing["next"]["send"], json!({ "list": true }));
    let other = refused(json!({ "snapshot": "staging-copy" })).await?;
    assert_eq!(read(&other), "refused other_cluster");
    assert_eq!(
        other["reason"],
        "snapshot staging-copy is of cluster lendpeak2-staging, not of lendpeak2-production"
    );
    let key = refused(json!({ "snapshot": "shared-with-us" })).await?;
    assert_eq!(read(&key), "refused key_not_ours");
    assert!(docdb(&stack).restored().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_time_outside_the_window_is_refused_and_the_window_said() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    for hours in [-1, 24 * 30] {
        let refused = outcome(&function, &json!({ "point_in_time": hours_ago(hours).to_string() })).await?;
        assert_eq!(read(&refused), "refused outside_window");
        assert!(text(&refused, "/reason").contains("that is possible from 20"), "{refused:#}");
    }
    Ok(())
}

#[tokio::test]
async fn the_list_has_everything_that_can_be_restored_newest_first() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = restored(&function, &latest()).await?;
    let metric = aws_sdk_cloudwatch::types::MetricDatum::builder()
        .metric_name("VolumeBytesUsed")
        .dimensions(
            aws_sdk_cloudwatch::types::Dimension::builder().name("DBClusterIdentifier").value(SOURCE).build(),
        )
        .timestamp(aws_sdk_cloudwatch::primitives::DateTime::from_secs(hours_ago(28).as_second()))
        .value(12.5 * 1_073_741_824.0);
    let put = stack.sandbox.clients.cloudwatch.put_metric_data().namespace("AWS/DocDB");
    put.metric_data(metric.build()).send().await?;
    let list = outcome(&function, &json!({ "list": true })).await?;
    assert_eq!(read(&list), "listed list");
    assert!(
        text(&list, "/summary").starts_with(&format!("cluster {SOURCE} can be restored to any time from"))
    );
    let reason = details(&list);
    let place = |what: &str| reason.find(what).unwrap_or_else(|| panic!("{what} is not in: {reason}"));
    assert!(place("any time from") < place("(automated, 3 h 12 min old"), "{reason}");
    assert!(place("3 h 12 min old") < place("before-release-42 (manual, 1 d 6 h old"), "{reason}");
    assert!(reason.contains("3 h 12 min old, volume of 12.5 GiB"), "{reason}");
    assert!(reason.contains(&format!("restored: cluster {id} (available)")), "{reason}");
    assert!(!reason.contains("staging-copy"), "{reason}");
    Ok(())
}

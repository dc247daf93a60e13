//! Each function that the state machine calls fails, times out, or is killed after what it did took effect: the
//! incident ends resolved or with people.

use sandbox::gateway::{Fault, Rule};

use super::*;

/// What goes wrong with every run of a function, at one of its calls.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Fails,
    /// Lambda ends it while it waits, and nothing has happened.
    TimesOut,
    /// Lambda ends it after the call took effect.
    Killed,
}

/// How it is to end: whether the state machine had to tell people by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Resolved,
    WithPeople,
    ToldByTheMachine,
}

async fn check(task: &str, call: [&str; 2], wrong: Wrong, expected: End) -> Test {
    let sandbox = start().await?;
    sandbox.release(&[("FEATURE", "new")]).await?;
    sandbox.release(&[("BROKEN", "true")]).await?;
    let [service, operation] = call;
    let fault = match wrong {
        Wrong::Fails => Fault::Denied,
        Wrong::TimesOut => Fault::Timeout(Duration::from_mins(1)),
        Wrong::Killed => Fault::HangAfter,
    };
    if !matches!(wrong, Wrong::Fails) {
        let hurry = sandbox.clients.lambda.update_function_configuration();
        hurry.function_name(sandbox::names::function_name(task)).timeout(2).send().await?;
    }
    sandbox.gateway.faults().add(Rule::new(service, operation, fault).of(task).times(1_000));
    let queue = failures::ears(&sandbox).await?;

    let run = run(&sandbox, &json!({})).await?;
    let end = match run.last() {
        "Resolved" => End::Resolved,
        "Escalated" => End::WithPeople,
        "Unhandled" => End::ToldByTheMachine,
        other => anyhow::bail!("{task} {wrong:?}: it ended in {other}: {run:?}"),
    };
    assert_eq!(end, expected, "{task} {wrong:?}: {run:?}");
    let words = match end {
        End::Resolved => "RESOLVED",
        End::WithPeople => "ESCALATED",
        End::ToldByTheMachine => "does not answer",
    };
    // What a run that was killed has not told, the run of every minute tells.
    let (since, mut heard) = (Instant::now(), Vec::new());
    while !heard.iter().any(|notice: &String| notice.contains(words)) {
        ensure!(since.elapsed() < PATIENCE, "{task} {wrong:?}: nobody was told: {heard:#?}");
        heard.extend(failures::heard(&sandbox, &queue).await?);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

#[tokio::test]
async fn the_probe_times_out() -> Test {
    check("health-probe", ["cloudwatch", "PutMetricData"], Wrong::TimesOut, End::WithPeople).await
}

#[tokio::test]
async fn the_probe_is_killed() -> Test {
    check("health-probe", ["cloudwatch", "PutMetricData"], Wrong::Killed, End::WithPeople).await
}

#[tokio::test]
async fn diagnose_times_out() -> Test {
    check("diagnose", ["ecs", "DescribeServices"], Wrong::TimesOut, End::WithPeople).await
}

#[tokio::test]
async fn diagnose_is_killed() -> Test {
    check("diagnose", ["ecs", "DescribeServices"], Wrong::Killed, End::WithPeople).await
}

#[tokio::test]
async fn the_remedy_fails() -> Test {
    check("rollback", ["ecs", "DescribeServices"], Wrong::Fails, End::WithPeople).await
}

#[tokio::test]
async fn the_remedy_times_out() -> Test {
    check("rollback", ["ecs", "DescribeServices"], Wrong::TimesOut, End::WithPeople).await
}

/// It has rolled back, and cannot say so: the probe says it.
#[tokio::test]
async fn the_remedy_is_killed_once_it_has_acted() -> Test {
    check("rollback", ["ecs", "UpdateService"], Wrong::Killed, End::Resolved).await
}

#[tokio::test]
async fn incident_fails() -> Test {
    check("incident", ["dynamodb", "TransactWriteItems"], Wrong::Fails, End::ToldByTheMachine).await
}

#[tokio::test]
async fn incident_times_out() -> Test {
    check("incident", ["dynamodb", "TransactWriteItems"], Wrong::TimesOut, End::ToldByTheMachine).await
}

/// Each step is written, and cannot say so: asked again, it gives the answer that was written.
#[tokio::test]
async fn incident_is_killed_at_each_of_its_writes() -> Test {
    check("incident", ["dynamodb", "TransactWriteItems"], Wrong::Killed, End::Resolved).await
}

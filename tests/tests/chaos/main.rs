//! `make chaos`, as much of it as a test has time for: at each call that answers the first delivery one harm, all of
//! them in turn. `make chaos` tries every harm at every call of all deliveries.

use anyhow::Context;
use tests::chaos::{self, Choice, Machine, Options, Point, STRUCK, Storm, Story, Subject};

type Test = anyhow::Result<()>;

async fn holds(subject: Subject, most: usize) -> Test {
    /// Each has a sandbox of its own, which is a process.
    const AT_ONCE: usize = 3;
    let options = Options { subjects: vec![subject], choice: Choice::OneEach { most }, at_once: AT_ONCE };
    let report = chaos::run(options).await?;
    assert!(report.points() > 2, "{report}");
    assert!(report.failed().is_empty(), "{report}");
    Ok(())
}

async fn function_holds(story: Story) -> Test {
    holds(Subject::Function(story), 16).await
}

/// A run of it takes many seconds.
async fn machine_holds(machine: Machine) -> Test {
    holds(Subject::Machine(machine), 5).await
}

#[tokio::test]
async fn cache_invalidation_holds_wherever_it_is_struck() -> Test {
    function_holds(Story::CacheInvalidation).await
}

#[tokio::test]
async fn diagnose_holds_wherever_it_is_struck() -> Test {
    function_holds(Story::Diagnose).await
}

#[tokio::test]
async fn health_probe_holds_wherever_it_is_struck() -> Test {
    function_holds(Story::HealthProbe).await
}

#[tokio::test]
async fn incident_holds_wherever_it_is_struck() -> Test {
    function_holds(Story::Incident).await
}

#[tokio::test]
async fn restart_holds_wherever_it_is_struck() -> Test {
    function_holds(Story::Restart).await
}

#[tokio::test]
async fn rollback_holds_wherever_it_is_struck() -> Test {
    function_holds(Story::Rollback).await
}

#[tokio::test]
async fn scale_up_holds_wherever_it_is_struck() -> Test {
    function_holds(Story::ScaleUp).await
}

#[tokio::test]
async fn snapshot_restore_holds_wherever_it_is_struck() -> Test {
    function_holds(Story::SnapshotRestore).await
}

#[tokio::test]
async fn write_freeze_holds_wherever_it_is_struck() -> Test {
    function_holds(Story::WriteFreeze).await
}

/// Calls without a token, and one whose token is what keeps it from being done twice.
#[tokio::test]
async fn what_took_effect_although_its_answer_was_lost_is_not_done_again() -> Test {
    for point in [
        "restart/restart ecs UpdateService 1/cut-short",
        "snapshot-restore/snapshot-restore ecs UpdateService 1/cut-short",
        "snapshot-restore/snapshot-restore secretsmanager PutSecretValue 1/cut-short",
        "write-freeze/write-freeze ecs RegisterTaskDefinition 1/cut-short",
    ] {
        let point: Point = point.parse()?;
        let options = Options { subjects: vec![point.subject], choice: Choice::Only(point), at_once: 1 };
        let report = chaos::run(options).await?;
        assert!(report.failed().is_empty(), "{report}");
    }
    Ok(())
}

#[tokio::test]
async fn the_state_machine_service_down_holds_wherever_it_is_struck() -> Test {
    machine_holds(Machine::ServiceDown).await
}

#[tokio::test]
async fn the_state_machine_snapshot_restore_holds_wherever_it_is_struck() -> Test {
    machine_holds(Machine::SnapshotRestore).await
}

/// Both orders.
async fn two_hold(one: &str, other: &str) -> Test {
    for name in [format!("{one}-then-{other}"), format!("{other}-then-{one}")] {
        let pair = Subject::named(&name).with_context(|| format!("there is no {name}"))?;
        holds(pair, 3).await?;
    }
    Ok(())
}

#[tokio::test]
async fn rollback_and_scale_up_at_once_hold_whichever_dies() -> Test {
    two_hold("rollback", "scale-up").await
}

#[tokio::test]
async fn write_freeze_and_scale_up_at_once_hold_whichever_dies() -> Test {
    two_hold("write-freeze", "scale-up").await
}

#[tokio::test]
async fn rollback_and_restart_at_once_hold_whichever_dies() -> Test {
    two_hold("rollback", "restart").await
}

#[tokio::test]
async fn a_storm_of_deliveries_comes_to_one_action() -> Test {
    for story in STRUCK {
        let wrong = chaos::blow(story, Storm { deliveries: 80, at_once: 8 }).await?;
        assert!(wrong.is_empty(), "{}: {wrong:#?}", story.name());
    }
    Ok(())
}

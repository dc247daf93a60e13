//! One incident from its alarm to its end, and what people send beside.

use super::*;

#[tokio::test]
async fn incident() -> Test {
    let mut fixture = Fixture::start("incident").await?;
    // The test's own steps are the state machine's.
    let function = fixture.function(&[("STATE_MACHINE_ARN", "")]).await?;
    for row in [("all", "listed"), ("list", "listed"), ("dry-run", "opened"), ("schedule", "checked")] {
        fixture.expect(&function, row, None).await?;
    }
    let opened = fixture.expect(&function, ("alarm-composite-sns", "opened"), None).await?;
    let id = opened["incident"].as_str().context("no incident")?.to_owned();
    for row in [("alarm-composite-eventbridge", "joined"), ("alarm-probe-failing-sns", "joined")] {
        fixture.expect(&function, row, None).await?;
    }
    for row in [
        ("step-functions", "ours"),
        ("step-functions-decide", "remedy"),
        ("step-functions-did", "verify"),
        ("acknowledge", "acknowledged"),
        ("note", "noted"),
        ("show", "shown"),
        ("escalate", "escalated"),
    ] {
        fixture.expect(&function, row, Some(id.as_str())).await?;
    }
    fixture.expect(&function, ("alarm-ok-sns", "noted"), None).await?;
    fixture.expect(&function, ("resolve", "resolved"), Some(id.as_str())).await?;
    for row in [
        ("open", "opened"),
        ("create-incident", "opened"),
        ("update-status", "status_updated"),
        ("stop", "stopped"),
        ("go", "lifted"),
        ("report", "reported"),
        ("schedule-digest", "told"),
        // Delivered once more.
        ("schedule-digest", "nothing"),
        // Of a plan that is not there.
        ("decision", "refused approval_unknown"),
    ] {
        fixture.expect(&function, row, None).await?;
    }
    fixture.end()
}

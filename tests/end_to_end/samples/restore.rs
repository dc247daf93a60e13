//! One restore from its request to the way back from it, with a password that was rotated since.

use sandbox::stack::decision;
use serde_json::json;

use super::*;

const ASKS: &str = "awaiting_approval approval_needed";
const DONE: &str = "applied applied";

#[tokio::test]
async fn snapshot_restore() -> Test {
    let mut house = House::start("snapshot-restore").await?;
    house.sandbox.rotate_password("Xw3-heather-beacon-17").await?;
    let function = house.function(&[("COOLDOWN_SECONDS", "0"), ("ATTEMPTS_PER_DAY", "100")]).await?;
    for row in [
        ("schedule", "nothing_to_do nothing_under_way, nothing_to_do nothing_under_way"),
        ("list", "listed list"),
        ("dry-run", "observed would_act"),
        ("before", ASKS),
        ("point-in-time", ASKS),
        ("latest-point-in-time", ASKS),
    ] {
        house.expect(&function, row, None).await?;
    }
    house.expect(&function, ("named-snapshot", ASKS), Some("before-release-42")).await?;
    // The newest is the one before the time that was asked for.
    let asked = house.expect(&function, ("latest-snapshot", "nothing_to_do approval_pending"), None).await?;
    // create cluster <id> beside …
    let line = text(&asked, "/plan/lines/0")?;
    let id = line.split(' ').nth(2).context("no id")?.to_owned();
    let plan = text(&asked, "/next/send/approve")?;
    house.expect(&function, ("approve", DONE), Some(plan.as_str())).await?;
    // Each takes one step.
    for row in [("report", "listed left_behind"), ("continue", DONE), ("step-functions", DONE)] {
        house.expect(&function, row, Some(id.as_str())).await?;
    }
    let next = json!({ "continue": id });
    while decision(&function, &next).await? == DONE {}
    assert_eq!(decision(&function, &next).await?, "nothing_to_do handed_over");
    house.expect(&function, ("discard", ASKS), Some(id.as_str())).await?;
    for sample in ["set-password", "cut-over", "undo"] {
        let asked = house.expect(&function, (sample, ASKS), Some(id.as_str())).await?;
        let approve = json!({ "approve": text(&asked, "/next/send/approve")? });
        assert_eq!(decision(&function, &approve).await?, DONE, "{sample}");
    }
    house.end()
}

fn text(answer: &Value, pointer: &str) -> anyhow::Result<String> {
    let text = answer.pointer(pointer).and_then(Value::as_str);
    Ok(text.with_context(|| format!("no {pointer} in {answer}"))?.to_owned())
}

//! One restore from its request to the way back from it, with a password that was rotated since.

use sandbox::stack::decision;
use serde_json::json;

use super::*;

const ASKS: &str = "awaiting_approval approval_needed";
const DONE: &str = "applied applied";

#[tokio::test]
async fn snapshot_restore() -> Test {
    let mut fixture = Fixture::start("snapshot-restore").await?;
    fixture.sandbox.rotate_password("Xw3-heather-beacon-17").await?;
    let function = fixture.function(&[("COOLDOWN_SECONDS", "0"), ("ATTEMPTS_PER_DAY", "100")]).await?;
    for row in [
        ("schedule", "nothing_to_do nothing_under_way, nothing_to_do nothing_under_way"),
        ("list", "listed list"),
        ("dry-run", "observed would_act"),
        ("before", ASKS),
        ("point-in-time", ASKS),
        ("latest-point-in-time", ASKS),
    ] {
        fixture.expect(&function, row, None).await?;
    }
    fixture.expect(&function, ("named-snapshot", ASKS), Some("before-release-42")).await?;
    // The newest is the one before the time that was asked for.
    let asked =
        fixture.expect(&function, ("latest-snapshot", "nothing_to_do approval_pending"), None).await?;
    // create cluster <id> beside …
    let line = text(&asked, "/plan/lines/0")?;
    let id = line.split(' ').nth(2).context("no id")?.to_owned();
    let plan = text(&asked, "/next/send/approve")?;
    fixture.expect(&function, ("approve", DONE), Some(plan.as_str())).await?;
    // Each takes one step.
    for row in [("report", "listed left_behind"), ("continue", DONE), ("step-functions", DONE)] {
        fixture.expect(&function, row, Some(id.as_str())).await?;
    }
    let next = json!({ "continue": id });
    while decision(&function, &next).await? == DONE {}
    assert_eq!(decision(&function, &next).await?, "nothing_to_do handed_over");
    fixture.expect(&function, ("discard", ASKS), Some(id.as_str())).await?;
    for sample in ["set-password", "cut-over", "undo"] {
        let asked = fixture.expect(&function, (sample, ASKS), Some(id.as_str())).await?;
        let approve = json!({ "approve": text(&asked, "/next/send/approve")? });
        assert_eq!(decision(&function, &approve).await?, DONE, "{sample}");
    }
    fixture.end()
}

fn text(answer: &Value, pointer: &str) -> anyhow::Result<String> {
    let text = answer.pointer(pointer).and_then(Value::as_str);
    Ok(text.with_context(|| format!("no {pointer} in {answer}"))?.to_owned())
}

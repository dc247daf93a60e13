//! A request that always waits, and who asks.

use super::*;
use sandbox::stack::outcome;

#[tokio::test]
async fn a_request_with_ask_waits_also_where_the_function_would_act() -> Test {
    let house = House::start().await?;
    let function = house.another("restart", &[("MODE", "auto")]).await?;
    let request = json!({ "ask": true, "by": "claude-code for alice", "reason": "memory grows" });
    let asked = outcome(&function, &request).await?;
    assert_eq!(read(&asked), "awaiting_approval approval_needed", "{asked:#}");
    let summary = asked["summary"].as_str().unwrap_or_default();
    assert!(summary.contains("asked by claude-code for alice: memory grows"), "{summary}");
    assert_eq!(house.restarts(), 0);
    let plan = asked["next"]["send"]["approve"].as_str().context("no plan")?;
    let done = house.decide(ALICE, &format!("approve:{plan}")).await?;
    assert_eq!(read(&done), "applied approved", "{done:#}");
    let record = house.recorded("applied").await?;
    let summary = record["summary"].as_str().unwrap_or_default();
    let expected = "asked by claude-code for alice: memory grows; approved by alice@example.com";
    assert!(summary.contains(expected), "{summary}");
    assert_eq!(house.restarts(), 1);
    Ok(())
}

#[tokio::test]
async fn with_ask_a_function_that_observes_only_looks() -> Test {
    let house = House::start().await?;
    let function = house.another("restart", &[("MODE", "observe")]).await?;
    let seen = outcome(&function, &json!({ "ask": true, "by": "claude-code" })).await?;
    assert_eq!(read(&seen), "observed would_act", "{seen:#}");
    let off = house.another("restart", &[("MODE", "off")]).await?;
    assert_eq!(read(&outcome(&off, &json!({ "ask": true })).await?), "refused mode_off");
    Ok(())
}

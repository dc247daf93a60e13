//! What people are told is fit for a phone and holds no secret, whatever the logs hold.

use sandbox::deploy::{LOG_GROUP, PASSWORD};

use super::*;

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.s5gX0mQ";

#[tokio::test]
async fn no_secret_of_the_logs_reaches_a_notice_or_the_record() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let lines = [
        format!(
            "ERROR MongoServerError: Authentication failed: mongodb://lendpeak:{PASSWORD}@db:27018/loans"
        ),
        format!("ERROR request failed, Authorization: Bearer {TOKEN}"),
    ];
    let lines: Vec<String> = lines.iter().flat_map(|line| std::iter::repeat_n(line.clone(), 30)).collect();
    stack.log(LOG_GROUP, "ecs/backend/1", &lines).await?;
    let diagnosis = stack.sandbox.clients.ask("diagnose", &json!({})).await?;

    let id = outcome(&function, &step("Take@1", &json!({ "take": {} }))).await?["incident"].clone();
    for state in ["Decide@1", "Decide@2", "Decide@3"] {
        let decide = json!({ "decide": { "incident": id, "diagnosis": diagnosis } });
        outcome(&function, &step(state, &decide)).await?;
    }
    let shown = outcome(&function, &json!({ "show": id })).await?;
    assert!(stack.told().iter().any(|told| told.ends_with("ESCALATED")), "{:?}", stack.told());
    for text in stack.published().into_iter().chain([shown]) {
        let text = text.to_string();
        for secret in [PASSWORD, TOKEN] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    Ok(())
}

//! What the probe says of answers that browsers refuse, and of those that say that something is down.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

use sandbox::{
    runtime_api::Answer,
    stack::{self, DEADLINE, Stack},
    standin::Canned,
};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

async fn start() -> anyhow::Result<Stack> {
    Stack::start_beside(&[], "health-probe", &[]).await
}

/// Each check is asked once: what does not pass by itself need not be waited for.
async fn probe(stack: &Stack, settings: &[(&str, &str)]) -> anyhow::Result<Value> {
    let function = stack.function(settings).await?;
    match function.invoke(json!({ "tries": 1, "dry_run": true }).to_string(), DEADLINE).await {
        Answer::Ok(report) => Ok(report),
        other => anyhow::bail!("{other:?}"),
    }
}

fn canned(headers: &[(&'static str, &str)], body: &'static str) -> Canned {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Canned { status: 200, headers, body }
}

const JSON: (&str, &str) = ("content-type", "application/json");
const JAVASCRIPT: (&str, &str) = ("content-type", "text/javascript");
const KEPT: (&str, &str) = ("cache-control", "public, max-age=31536000");
const NOSNIFF: (&str, &str) = ("x-content-type-options", "nosniff");

/// What was answered with at a path, which check is to fail by it, and words of why.
async fn fails(stack: &Stack, path: &str, answer: &Canned, check: &str, words: &str) -> Test {
    stack.sandbox.standin.answer_with(path, answer.clone());
    let report = probe(stack, &[]).await?;
    stack.sandbox.standin.answer_as_deployed();
    let failed: Vec<&Value> = checks(&report).filter(|check| check["healthy"] == false).collect();
    let names: Vec<&Value> = failed.iter().map(|check| &check["name"]).collect();
    anyhow::ensure!(names == [check] && report["healthy"] == false, "{answer:?} at {path}: {report:#}");
    let why = format!("{}{}", failed[0]["error"], failed[0]["findings"]);
    anyhow::ensure!(why.contains(words), "{answer:?} at {path}: {why}");
    anyhow::ensure!(!report.to_string().contains("hunter2"), "a body is told: {report:#}");
    Ok(())
}

fn checks(report: &Value) -> impl Iterator<Item = &Value> {
    report["checks"].as_array().into_iter().flatten()
}

async fn passes(
    stack: &Stack,
    path: &str,
    answer: &Canned,
    settings: &[(&str, &str)],
) -> anyhow::Result<Value> {
    stack.sandbox.standin.answer_with(path, answer.clone());
    let report = probe(stack, settings).await?;
    stack.sandbox.standin.answer_as_deployed();
    anyhow::ensure!(report["healthy"] == true, "{answer:?} at {path}: {report:#}");
    Ok(report)
}

#[tokio::test]
async fn whoever_sends_no_request_is_shown_one() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let shown = r#"as in {"checks": ["health"], "dry_run": true}"#;
    let cases = [
        ("", "EmptyRequest", shown),
        ("{", "InvalidJson", shown),
        ("[]", "InvalidRequest", shown),
        ("null", "InvalidRequest", shown),
    ];
    stack::refuses(&function, &cases).await
}

#[tokio::test]
async fn what_a_browser_refuses_fails() -> Test {
    let stack = start().await?;
    assert_eq!(probe(&stack, &[]).await?["summary"], "Healthy: all 6 checks passed.");

    let script = "/assets/main.js";
    for refused in ["binary/octet-stream", "text/plain", "application/json", "application/xml"] {
        let answer = canned(&[("content-type", refused), KEPT], "main()");
        fails(&stack, script, &answer, "asset", "browsers run a module only as").await?;
    }
    fails(&stack, script, &canned(&[NOSNIFF, KEPT], "main()"), "asset", "without a Content-Type").await?;
    fails(&stack, script, &canned(&[JAVASCRIPT, KEPT], ""), "asset", "the asset is empty").await?;
    fails(&stack, script, &canned(&[JAVASCRIPT, KEPT], " \n"), "asset", "the asset is empty").await?;
    passes(&stack, script, &canned(&[("content-type", "application/javascript"), KEPT], "main()"), &[])
        .await?;

    let page = canned(&[("content-type", "text/html")], "");
    fails(&stack, "/", &page, "page", "the page is empty").await?;
    let page = canned(&[("content-type", "binary/octet-stream")], "<html>");
    fails(&stack, "/", &page, "page", "browsers show its source or save it").await?;
    passes(&stack, "/", &canned(&[("content-type", "text/html")], "<html>"), &[]).await?;
    Ok(())
}

#[tokio::test]
async fn more_than_one_origin_fails_however_they_come() -> Test {
    let stack = start().await?;
    let url = stack.sandbox.standin.url();
    let ours = url.as_str();
    let both = format!("{ours}, {ours}");
    let ways: [&[&str]; 4] = [&[ours, ours], &[ours, "*"], &["*", ours], &[&both]];
    for origins in ways {
        let mut headers = vec![
            ("access-control-allow-methods", "GET, POST"),
            ("access-control-allow-headers", "content-type"),
            ("access-control-allow-credentials", "true"),
        ];
        headers.extend(origins.iter().map(|origin| ("access-control-allow-origin", *origin)));
        let answer = canned(&headers, "");
        fails(&stack, "/api/auth/login", &answer, "cors", "more than one origin").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_says_that_something_is_down_fails_unless_bodies_are_not_to_be_read() -> Test {
    let stack = start().await?;
    for (path, check) in
        [("/health", "health"), ("/health/db", "health-db"), ("/health/redis", "health-redis")]
    {
        for body in [
            r#"{"status":"unhealthy","database":"hunter2"}"#,
            r#"{"status":"DOWN"}"#,
            r#"{"healthy":false}"#,
            r#"{"ok":false}"#,
            r#"{"checks":{"main":{"status":"fail"}}}"#,
        ] {
            fails(&stack, path, &canned(&[JSON], body), check, "answered 200, and in its body").await?;
        }
    }
    let down = || canned(&[JSON], r#"{"status":"down"}"#);
    passes(&stack, "/health/db", &down(), &[("READ_HEALTH_BODIES", "false")]).await?;
    for body in ["OK", "<html>Down for maintenance", r#"{"uptime":7}"#] {
        let report = passes(&stack, "/health", &canned(&[JSON], body), &[]).await?;
        assert_eq!(checks(&report).next().map(|check| &check["judged_by"]), Some(&json!("status")), "{body}");
    }
    Ok(())
}

/// As much of `make chaos` as a test has time for.
#[tokio::test]
async fn it_holds_wherever_it_is_struck() -> Test {
    scenarios::chaos::hold("health-probe").await
}

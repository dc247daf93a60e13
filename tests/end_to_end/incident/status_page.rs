//! The page that customers read: when it says what, who writes it, and that it harms nothing.

use sandbox::{
    gateway::{Fault, Rule},
    names::STATUS_PAGE_BUCKET,
};

use super::*;

const ALL: [&str; 6] = ["health", "health-db", "health-redis", "cors", "page", "asset"];
const SITE: [(&str, &str); 3] = [
    ("STATUS_PAGE_BUCKET", STATUS_PAGE_BUCKET),
    ("STATUS_PAGE_URL", "https://status.example.com"),
    ("PUBLISH_AFTER_SECONDS", "180"),
];

async fn start() -> anyhow::Result<(Stack, Bootstrap)> {
    let stack = Stack::with(&SITE).await?;
    stack.sandbox.clients.s3.create_bucket().bucket(STATUS_PAGE_BUCKET).send().await?;
    let function = stack.function(&[]).await?;
    Ok((stack, function))
}

async fn file(stack: &Stack, path: &str) -> anyhow::Result<String> {
    let get = stack.sandbox.clients.s3.get_object().bucket(STATUS_PAGE_BUCKET).key(path);
    let body = get.send().await?.body.collect().await?.into_bytes();
    Ok(String::from_utf8(body.to_vec())?)
}

async fn summary(stack: &Stack) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&file(stack, "api/v2/summary.json").await?)?)
}

/// The files that were put, in order.
fn put(stack: &Stack) -> Vec<String> {
    let calls = stack.sandbox.gateway.record().by("incident").into_iter();
    let puts = calls.filter(|call| call.service == "s3" && call.status == Some(200));
    puts.filter_map(|call| call.request["Key"].as_str().map(str::to_owned)).collect()
}

/// What the probe found in the last three minutes.
async fn found(stack: &Stack, failed: &[&str]) -> Test {
    for ago in 0..3 {
        minute(stack, ago, failed).await?;
    }
    Ok(())
}

/// As if the page had been written long ago.
async fn is_due(stack: &Stack) -> Test {
    let long_ago = Timestamp::now() - SignedDuration::from_hours(1);
    stack.change("status-page", "published", "at", json!(long_ago)).await
}

#[tokio::test]
async fn an_outage_gets_onto_the_page_by_itself_and_off_it_when_it_ends() -> Test {
    let (stack, function) = start().await?;
    outcome(&function, &tick()).await?;
    assert_eq!(summary(&stack).await?["incidents"], json!([]));
    found(&stack, &ALL).await?;
    // All is down: customers read of it at once.
    let id = opened(&function).await?;
    outcome(&function, &tick()).await?;
    let down = summary(&stack).await?;
    let incident = &down["incidents"][0];
    assert_eq!(
        (&incident["status"], &incident["impact"]),
        (&json!("investigating"), &json!("critical")),
        "{down:#}"
    );
    assert_eq!(down["status"]["indicator"], "critical", "{down:#}");
    found(&stack, &[]).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(summary(&stack).await?["incidents"][0]["status"], "monitoring");
    outcome(&function, &json!({ "resolve": id, "reason": "the secret lendpeak2-db was wrong" })).await?;
    outcome(&function, &tick()).await?;
    let up = summary(&stack).await?;
    assert_eq!((&up["incidents"], &up["status"]["indicator"]), (&json!([]), &json!("none")), "{up:#}");
    let history: Value = serde_json::from_str(&file(&stack, "api/v2/incidents.json").await?)?;
    let updates = history["incidents"][0]["incident_updates"].as_array().context("no updates")?;
    assert_eq!(updates.len(), 3, "{history:#}");
    let page = file(&stack, "index.html").await?;
    for secret in ["lendpeak2-", "arn:", "secret", "service-down", "000000000000"] {
        assert!(!page.contains(secret), "{secret} is on the page");
    }
    Ok(())
}

#[tokio::test]
async fn a_part_that_fails_for_less_than_three_minutes_is_no_news() -> Test {
    let (stack, function) = start().await?;
    found(&stack, &["page"]).await?;
    let id = opened(&function).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(summary(&stack).await?["incidents"], json!([]));
    stack.age(&id, "began_at", 4).await?;
    outcome(&function, &tick()).await?;
    let told = summary(&stack).await?;
    assert_eq!(told["incidents"][0]["components"][0]["id"], "website", "{told:#}");
    assert_eq!(told["incidents"][0]["impact"], "major", "{told:#}");
    Ok(())
}

/// What is open beside it is for colleagues, and what is announced is no outage.
#[tokio::test]
async fn one_outage_is_one_incident_and_announced_work_is_none() -> Test {
    let (stack, function) = start().await?;
    let window = json!({ "title": "Upgrade", "until": "1h", "components": ["website"] });
    outcome(&function, &json!({ "maintenance": window, "by": "Ana" })).await?;
    found(&stack, &ALL).await?;
    for (name, did) in [(PROBE, "opened"), (OTHERS[2], "opened")] {
        let opened = outcome(&function, &alarm(name, Timestamp::now())).await?;
        assert_eq!(opened["did"], did, "{opened:#}");
        stack.age(opened["incident"].as_str().context("no id")?, "began_at", 10).await?;
    }
    outcome(&function, &tick()).await?;
    let page = summary(&stack).await?;
    let incidents = page["incidents"].as_array().context("no incidents")?;
    assert_eq!(incidents.len(), 1, "{page:#}");
    assert_eq!(incidents[0]["components"].as_array().map(Vec::len), Some(1), "{page:#}");
    assert_eq!(incidents[0]["components"][0]["id"], "api", "{page:#}");
    let website = page["components"].as_array().into_iter().flatten().find(|one| one["id"] == "website");
    assert_eq!(website.context("no website")?["status"], "under_maintenance", "{page:#}");
    Ok(())
}

#[tokio::test]
async fn what_a_person_types_for_customers_is_shown_as_text_and_what_is_for_colleagues_is_not() -> Test {
    let (stack, function) = start().await?;
    let id = opened(&function).await?;
    outcome(&function, &json!({ "note": id, "text": "the pool of db-7 is full", "by": "Ana" })).await?;
    let words = "Some transfers wait. <script>alert(1)</script>";
    outcome(&function, &json!({ "note": id, "text": words, "public": true, "by": "Ana" })).await?;
    let page = file(&stack, "index.html").await?;
    assert!(page.contains("Some transfers wait. &lt;script&gt;"), "{page}");
    assert!(!page.contains("db-7") && !page.contains("Ana"), "{page}");
    let shown = outcome(&function, &json!({ "show": id })).await?;
    assert!(for_people(&shown).contains("told customers: Some transfers wait."), "{shown:#}");
    Ok(())
}

#[tokio::test]
async fn without_a_page_a_word_for_customers_is_refused() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    let request = json!({ "note": id, "text": "x", "public": true });
    stack::refuses(&function, &[(&request.to_string(), "InvalidRequest", "StatusPage=true")]).await
}

#[tokio::test]
async fn whoever_has_the_incident_is_reminded_once_before_the_promised_word_is_due() -> Test {
    let (stack, function) = start().await?;
    let id = opened(&function).await?;
    outcome(&function, &json!({ "note": id, "text": "We look.", "public": true })).await?;
    let said = json!([{ "at": Timestamp::now() - SignedDuration::from_mins(26), "phase": "investigating", "text": "We look." }]);
    stack.change("status-incident", &id, "updates", said).await?;
    stack.sandbox.gateway.record().clear();
    for _ in 0..2 {
        outcome(&function, &tick()).await?;
    }
    assert_eq!(stack.told(), ["notices customers"]);
    let notice = stack.published().pop().context("no notice")?;
    let text = notice["Message"].as_str().unwrap_or_default();
    assert!(text.contains(&format!("lendpeak2 incident note {id} --public")), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_status_that_a_person_set_is_lifted_by_the_end_of_what_was_open() -> Test {
    let (stack, function) = start().await?;
    minute(&stack, 0, &[]).await?;
    let id = opened(&function).await?;
    let status = json!({ "component": "API", "status": "degraded", "message": "Log-in is slow" });
    outcome(&function, &json!({ "update_status": status })).await?;
    let component = async |stack: &Stack| {
        Ok::<_, anyhow::Error>(summary(stack).await?["components"][0]["status"].clone())
    };
    assert_eq!(component(&stack).await?, "degraded_performance");
    assert!(file(&stack, "index.html").await?.contains("Log-in is slow"));
    outcome(&function, &json!({ "resolve": id })).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(component(&stack).await?, "operational");
    let listed = outcome(&function, &json!({})).await?;
    assert_eq!(listed["components"], json!([]), "{listed:#}");
    // A person says it of what is not open: then its time ends it.
    let soon = json!({ "update_status": status, "until": "1m" });
    outcome(&function, &soon).await?;
    stack.change("component", "api", "until", json!(Timestamp::now() - SignedDuration::from_secs(1))).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(component(&stack).await?, "operational");
    Ok(())
}

#[tokio::test]
async fn the_page_itself_is_written_last_and_nothing_is_written_that_did_not_change() -> Test {
    let (stack, function) = start().await?;
    minute(&stack, 0, &[]).await?;
    outcome(&function, &tick()).await?;
    let first = put(&stack);
    let place = |name: &str| first.iter().position(|path| path.contains(name));
    assert_eq!(first.last().map(String::as_str), Some("index.html"), "{first:?}");
    assert!(place(".css") < place("api/v2/summary.json"), "{first:?}");
    stack.sandbox.gateway.record().clear();
    outcome(&function, &tick()).await?;
    assert_eq!(put(&stack), Vec::<String>::new());
    found(&stack, &ALL).await?;
    outcome(&function, &tick()).await?;
    let again = put(&stack);
    assert!(!again.iter().any(|path| path.contains("assets")), "{again:?}");
    assert_eq!(again.last().map(String::as_str), Some("index.html"));
    Ok(())
}

#[tokio::test]
async fn a_page_that_cannot_be_written_keeps_nobody_from_being_told_and_is_written_later() -> Test {
    let (stack, function) = start().await?;
    let fails = || Rule::new("s3", "PutObject", Fault::Denied).of("incident").times(100);
    stack.sandbox.gateway.faults().add(fails());
    let id = opened(&function).await?;
    outcome(&function, &tick()).await?;
    outcome(&function, &json!({ "resolve": id })).await?;
    assert_eq!(stack.told(), ["notices OPEN", "notices RESOLVED"]);
    assert!(file(&stack, "index.html").await.is_err(), "it was written");
    stack.sandbox.gateway.faults().clear();
    // The lease of the run that failed has to end first.
    stack.change("status-page", "published", "lease_until", json!(Timestamp::UNIX_EPOCH)).await?;
    outcome(&function, &tick()).await?;
    assert!(file(&stack, "index.html").await?.contains("<!DOCTYPE html>"));
    Ok(())
}

/// Everything that a page of the site refers to.
fn links(page: &str) -> Vec<String> {
    let parts = page.split(&['"', ' ', '='][..]);
    let own = parts.filter(|part| part.starts_with('/') && part.contains('.') && !part.starts_with("//"));
    own.map(|part| part.trim_start_matches('/').split('#').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_run_that_dies_after_any_file_leaves_a_page_that_is_whole() -> Test {
    let (stack, function) = start().await?;
    found(&stack, &[]).await?;
    outcome(&function, &tick()).await?;
    for k in 1..20 {
        let before = file(&stack, "index.html").await?;
        // The page is to show something else each time.
        found(&stack, if k % 2 == 0 { &[] } else { &ALL }).await?;
        stack.kill_after(&tick(), "s3", "PutObject", k).await?;
        let after = file(&stack, "index.html").await?;
        for path in links(&after) {
            file(&stack, &path).await.with_context(|| format!("after file {k}: {path} is missing"))?;
        }
        if after != before {
            // The page itself comes last.
            anyhow::ensure!(k > 5, "the page was file {k}");
            return Ok(());
        }
        // The next run, once the lease of the one that died is over, writes it whole.
        stack.change("status-page", "published", "lease_until", json!(Timestamp::UNIX_EPOCH)).await?;
        outcome(&function, &tick()).await?;
        assert_ne!(file(&stack, "index.html").await?, before, "after file {k}");
    }
    anyhow::bail!("the page was never written")
}

/// What is meant for colleagues, in every place where somebody could type or send it.
const INTERNAL: [&str; 8] = [
    "arn:aws:ecs:us-east-1:000000000000:service/lendpeak2-production/backend",
    "lendpeak2-backend-production:47",
    "ip-10-0-3-17.ec2.internal",
    "docdb-1.cluster-abc.us-east-1.docdb.amazonaws.com",
    "java.lang.NullPointerException: loan 4711",
    "ana.miller@lendpeak.com",
    "10.0.3.17",
    "<script src=//x.example>",
];

#[tokio::test]
async fn nothing_that_is_for_colleagues_is_in_any_file() -> Test {
    let (stack, function) = start().await?;
    found(&stack, &["health", INTERNAL[1]]).await?;
    let mut event = alarm(COMPOSITE, Timestamp::now());
    let message = event["Records"][0]["Sns"]["Message"].as_str().unwrap_or_default();
    event["Records"][0]["Sns"]["Message"] = json!(message.replace("Threshold Crossed", INTERNAL[0]));
    let id = outcome(&function, &event).await?["incident"].as_str().context("no id")?.to_owned();
    stack.age(&id, "began_at", 4).await?;
    for words in INTERNAL {
        let title = words.chars().take(80).collect::<String>();
        let opened =
            outcome(&function, &json!({ "open": { "title": title, "assignee": "ana.miller@lendpeak.com" } }))
                .await?;
        stack.age(opened["incident"].as_str().context("no id")?, "began_at", 4).await?;
        outcome(&function, &json!({ "note": id, "text": words, "by": "ana.miller@lendpeak.com" })).await?;
        outcome(&function, &json!({ "escalate": id, "reason": words })).await?;
    }
    outcome(&function, &tick()).await?;
    outcome(&function, &json!({ "resolve": id, "reason": INTERNAL.join(" ") })).await?;
    is_due(&stack).await?;
    outcome(&function, &tick()).await?;
    let written: std::collections::BTreeSet<String> = put(&stack).into_iter().collect();
    assert!(written.iter().any(|path| path.starts_with("incidents/")), "{written:?}");
    for path in written {
        let text = file(&stack, &path).await?;
        for words in
            INTERNAL.into_iter().chain(["lendpeak2-", "arn:", "000000000000", "service-down", "ana.miller"])
        {
            assert!(!text.contains(words), "{words} is in {path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn two_runs_at_once_write_the_page_once() -> Test {
    let (stack, one) = start().await?;
    let other = stack.function(&[]).await?;
    minute(&stack, 0, &[]).await?;
    let tick = tick();
    let (a, b) = tokio::join!(outcome(&one, &tick), outcome(&other, &tick));
    a?;
    b?;
    let pages = put(&stack).into_iter().filter(|path| path == "index.html").count();
    assert_eq!(pages, 1);
    Ok(())
}

#[tokio::test]
async fn a_day_that_is_over_is_summed_up_once() -> Test {
    let (stack, function) = start().await?;
    let yesterday = Timestamp::now() - SignedDuration::from_hours(24);
    let (hour, minute) =
        (yesterday.strftime("%Y-%m-%dT%H").to_string(), yesterday.strftime("m%M").to_string());
    let found = json!({ "failed": ALL }).to_string();
    stack.put("minutes", &hour, &[(minute.as_str(), found.as_str())]).await?;
    outcome(&function, &tick()).await?;
    let date = yesterday.strftime("%Y-%m-%d").to_string();
    let day = stack.data("status-day", &date).await?;
    assert_eq!((&day["api"]["down"], &day["api"]["unknown"]), (&json!(1), &json!(1_439)), "{day:#}");
    stack.put("minutes", &hour, &[("m00", "{}")]).await?;
    is_due(&stack).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.data("status-day", &date).await?, day);
    Ok(())
}

//! The report of some days, from the ledger to whoever asks, and to level 1 by its schedule.

use super::*;

/// As the stack has it: all remedies leave records.
const FUNCTIONS: (&str, &str) =
    ("FUNCTIONS", "scale-up,rollback,restart,cache-invalidation,write-freeze,snapshot-restore");

fn weekly(at: Timestamp) -> Value {
    json!({ "version": "0", "id": "one", "detail-type": "Scheduled Event", "source": "aws.scheduler",
        "account": "000000000000", "time": at, "region": "us-east-1", "detail": "{}",
        "resources": ["arn:aws:scheduler:us-east-1:000000000000:schedule/lendpeak2-production/incident-digest"] })
}

fn minutes_ago(minutes: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_mins(minutes)
}

async fn record(stack: &Stack, function: &str, at: Timestamp, more: &Value) -> Test {
    let mut outcome = json!({
        "version": 1, "decision": "observed", "code": "would_act", "reason": "x", "summary": "would do: x",
        "next": null, "target": "service/x/y", "steps": [], "verification": null, "plan": null, "observed": null,
        "trigger": { "id": "one", "at": at, "kind": { "alarm": { "name": COMPOSITE, "arn": "arn", "state": "ALARM",
            "reason": "crossed", "metrics": [] } } },
        "function": function, "environment": "production", "execution_id": "e", "at": at, "duration_ms": 1,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        outcome[name] = value.clone();
    }
    let sk = format!("{}#e", at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"));
    stack.put(&format!("audit#{function}"), &sk, &[("outcome", &outcome.to_string())]).await
}

#[tokio::test]
async fn a_report_counts_what_the_ledger_has_and_says_what_it_left_out() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[FUNCTIONS]).await?;
    let quiet = outcome(&function, &json!({ "report": {} })).await?;
    assert_eq!(
        (&quiet["did"], quiet["lines"].as_array().map(Vec::len)),
        (&json!("reported"), Some(3)),
        "{quiet:#}"
    );
    assert!(stack.writes().is_empty(), "it only shows: {:?}", stack.writes());

    let id = opened(&function).await?;
    outcome(&function, &json!({ "acknowledge": id, "by": "Ana" })).await?;
    outcome(&function, &json!({ "resolve": id, "reason": "the pool was enlarged" })).await?;
    let left = outcome(&function, &json!({ "open": { "title": "Bookings\nare late" } })).await?;
    // The alarm rang for a moment only.
    let observed = json!({ "summary": "would do: backend: :12 → :11" });
    let began = stack.incident(&id).await?["began_at"].as_str().context("no time")?.parse()?;
    record(&stack, "rollback", began, &observed).await?;
    let create = json!({ "summary": "restore of a as lendpeak2-r1", "decision": "applied", "code": "applied",
        "steps": [{ "action": "x", "result": "done" }],
        "plan": { "actions": [{ "create_cluster": { "id": "lendpeak2-r1" } }] } });
    record(&stack, "snapshot-restore", minutes_ago(30 * 1_440), &create).await?;
    stack
        .put(
            "audit#restart",
            &format!("{}#x", minutes_ago(5).strftime("%Y-%m-%dT%H:%M:%S.%3fZ")),
            &[("outcome", "{\"summary\":7}")],
        )
        .await?;
    stack
        .put("incidents", &format!("{}-broken", minutes_ago(5).strftime("%Y%m%d-%H%M%S")), &[("data", "{}")])
        .await?;
    let plan = json!({ "id": "499484d277f1", "expires": minutes_ago(-20) }).to_string();
    stack.put("approval#write-freeze", "499484d277f1", &[("data", &plan)]).await?;

    let answer = outcome(&function, &json!({ "report": { "days": 7 } })).await?;
    let report = &answer["report"];
    assert_eq!(report["incidents"]["opened"], 2, "{answer:#}");
    assert_eq!(report["left_out"]["unreadable"], 2, "{answer:#}");
    let would = &report["would_have_done"]["newest"][0];
    assert_eq!(
        (&would["what"], &would["instead"]["incident"]),
        (&json!("backend: :12 → :11"), &json!(id)),
        "{answer:#}"
    );
    assert!(
        would["instead"]["people"].as_array().is_some_and(|people| people.contains(&json!("Ana"))),
        "{would:#}"
    );
    assert_eq!(report["did"]["in_all"], 0, "what was restored a month ago is not of this week: {answer:#}");
    assert_eq!(report["cost"]["restored_clusters"][0]["cluster"], "lendpeak2-r1", "{answer:#}");
    let text = for_people(&answer);
    for words in
        ["Bookings are late", "plan 499484d277f1 of write-freeze", "2 items of the ledger", "Instead: Ana"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(answer["next"]["send"], json!({ "list": true }), "{answer:#}");
    assert!(left["incident"].is_string());
    Ok(())
}

#[tokio::test]
async fn a_wrong_request_for_a_report_is_refused_in_words() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    for (request, words) in [
        (json!({ "report": { "days": 0 } }), "must be from 1 to 400"),
        (json!({ "report": { "days": 401 } }), "must be from 1 to 400"),
        (json!({ "report": { "days": "7" } }), "must be a whole number"),
        (json!({ "report": { "weeks": 1 } }), "unknown field `weeks`"),
        (json!({ "report": 7 }), "must be an object"),
    ] {
        let sandbox::runtime_api::Answer::Err { error_type, error_message } =
            function.invoke(request.to_string(), stack::DEADLINE).await
        else {
            anyhow::bail!("{request} is answered");
        };
        assert!(
            error_type == "InvalidRequest" && error_message.contains(words),
            "{request}: {error_message}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_schedule_has_it_told_once_however_often_its_event_is_delivered() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[FUNCTIONS]).await?;
    let monday: Timestamp = Timestamp::now();
    let told = outcome(&function, &weekly(monday)).await?;
    assert_eq!(told["did"], "told", "{told:#}");
    let again = outcome(&function, &weekly(monday)).await?;
    assert_eq!(again["did"], "nothing", "{again:#}");
    assert_eq!(stack.told(), ["notices report"]);
    let notice = stack.published().pop().context("no notice")?;
    let text = notice["Message"].as_str().unwrap_or_default();
    assert!(text.contains("Quiet: no incident") && text.contains("lendpeak2 report --json"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() < 120), "{text}");
    // The minute's run has nothing left to send, and next week is told again.
    outcome(&function, &tick()).await?;
    assert_eq!(stack.told().len(), 1);
    let next = outcome(&function, &weekly(monday + SignedDuration::from_hours(7 * 24))).await?;
    assert_eq!((&next["did"], stack.told().len()), (&json!("told"), 2), "{next:#}");
    Ok(())
}

//! The three ways in which people approve: the program, a button of a chat, and a request in the console.

use super::*;

/// A body as the program and as a button of a chat send it, and who that is.
#[tokio::test]
async fn the_program_and_a_button_approve_over_the_queue() -> Test {
    for (key, words, name) in [
        (ALICE, " it has to be", "alice@example.com"),
        (IN_CHAT, "", "chatbot-session-slack-U0123ABCD"),
        // A user has no session: SQS tells the id.
        ("carol", "", "AIDACAROLEXAMPLE"),
    ] {
        let house = House::named(&[]).await?;
        let plan = house.plan("dan").await?;
        let answer = house.decide(key, &format!("approve:{plan}{words}")).await?;
        assert_eq!(read(&answer), "applied approved", "{answer:#}");
        let sent_by = sender_id(key);
        let sender = match sent_by.split_once(':') {
            Some((id, session)) => json!({ "id": id, "name": session }),
            None => json!({ "id": sent_by }),
        };
        assert_eq!([&answer["plan"], &answer["function"]], [&json!(plan), &json!("restart")]);
        assert_eq!([&answer["by"], &answer["sender"]], [&json!(name), &sender]);
        let record = house.recorded("applied").await?;
        let trigger = &record["trigger"];
        assert_eq!([&trigger["by"], &trigger["verified"]], [&json!(name), &json!(true)], "{trigger:#}");
        assert_eq!(trigger["votes"][0]["sender"], sender, "{trigger:#}");
        assert_eq!(trigger["of"]["kind"]["person"]["by"], "dan", "{trigger:#}");
        // Who asked, who approved and when, for people.
        let reason = record["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("asked by dan: memory grows"), "{reason}");
        assert!(reason.contains(&format!("approved by {name} at ")), "{reason}");
        assert_eq!(reason.contains(": it has to be"), !words.is_empty(), "{reason}");
        let summary = record["summary"].as_str().unwrap_or_default();
        assert!(summary.contains(&format!("asked by dan: memory grows; approved by {name}")), "{summary}");
        house.told_of(&format!("approved by {name}")).await?;
        assert_eq!(house.restarts(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_request_in_the_console_approves_where_names_are_not_asked_for_and_is_not_verified() -> Test {
    let house = House::start().await?;
    let plan = house.plan("dan").await?;
    let done = house.ask("restart", &json!({ "approve": plan, "by": "Ana" })).await?;
    assert_eq!(read(&done), "applied applied", "{done:#}");
    let summary = done["summary"].as_str().unwrap_or_default();
    assert!(summary.contains("approved by Ana (not verified)"), "{summary}");
    let record = house.recorded("applied").await?;
    assert_eq!([&record["trigger"]["by"], &record["trigger"]["verified"]], [&json!("Ana"), &json!(false)]);
    assert_eq!(record["trigger"]["votes"], Value::Null);
    house.told_of("approved by Ana (not verified)").await?;
    // The queue is there all the same.
    house.end_cooldown(&format!("target#{}", stack::TARGET), "restart").await?;
    let plan = house.plan("dan").await?;
    let answer = house.decide(ALICE, &format!("approve:{plan}")).await?;
    assert_eq!(read(&answer), "applied approved", "{answer:#}");
    Ok(())
}

#[tokio::test]
async fn with_named_approvers_a_plain_request_decides_about_nothing() -> Test {
    let house = House::named(&[]).await?;
    let asked = house.ask("restart", &json!({ "by": "dan" })).await?;
    let plan = asked["next"]["plan"].as_str().context("no plan")?.to_owned();
    let how = asked["next"]["what"].as_str().unwrap_or_default();
    assert!(how.contains(&format!("`lendpeak2 approve {plan}`")), "{how}");
    assert_eq!(asked["next"]["send"], Value::Null, "no request would do");
    for verb in ["approve", "reject"] {
        let refused = house.ask("restart", &json!({ (verb): plan, "by": "Ana" })).await?;
        assert_eq!(read(&refused), "refused approver_unnamed", "{refused:#}");
        let next = refused["next"]["what"].as_str().unwrap_or_default();
        assert!(next.contains(&format!("`lendpeak2 {verb} {plan}`")), "{next}");
        assert!(next.contains(&format!("`{verb}:{plan}`")), "{next}");
        // To look is free.
        let look = house.ask("restart", &json!({ (verb): plan, "dry_run": true })).await?;
        assert_eq!(look["decision"], "observed", "{look:#}");
    }
    assert_eq!(house.restarts(), 0);
    let answer = house.decide(ALICE, &format!("approve:{plan}")).await?;
    assert_eq!(read(&answer), "applied approved", "{answer:#}");
    house.recorded("applied").await?;
    Ok(())
}

/// Whoever may call everything may call the alias too: there is nothing to find there.
#[tokio::test]
async fn the_alias_by_hand_carries_out_what_nobody_has_approved_in_no_case() -> Test {
    let house = House::named(&[]).await?;
    let plan = house.plan("dan").await?;
    let call = async |request: Value| {
        let invoke =
            house.sandbox.clients.lambda.invoke().function_name(sandbox::names::function_name("restart"));
        let payload = aws_sdk_lambda::primitives::Blob::new(request.to_string());
        let answer = invoke.qualifier("approve").payload(payload).send().await?;
        let payload = answer.payload.context("no answer")?;
        anyhow::Ok(serde_json::from_slice::<Value>(payload.as_ref())?)
    };
    let refused = call(json!({ "approve": plan, "by": "alice@example.com" })).await?;
    assert_eq!(read(&refused), "refused approver_unnamed", "{refused:#}");
    let refused = call(json!({ "reason": "by the back door" })).await?;
    assert_eq!(refused["errorType"], "InvalidRequest", "{refused:#}");
    assert_eq!(house.restarts(), 0);
    Ok(())
}

/// Each by an alias of its own: what is rejected leaves a record of its function, with the name.
#[tokio::test]
async fn every_remedy_takes_what_was_decided() -> Test {
    let house = House::of(None, &[]).await?;
    let plan = house.plan("dan").await?;
    let stored = house.item("approval#restart", key(&plan)).await?.context("no plan")?;
    let expires = stored["expires"].as_str().context("no end")?;
    for (number, remedy) in (0..).zip(subject::remedies()) {
        // As any remedy stores it.
        let id = format!("00000000{number:02}abcd");
        let mut data = house.data("approval#restart", key(&plan)).await?;
        data["id"] = json!(id);
        let item = [("data", &*data.to_string()), ("expires", expires)];
        house.put(&format!("approval#{}", remedy.name), key(&id), &item).await?;
        let answer = house.decide(ALICE, &format!("reject:{id} not now")).await?;
        assert_eq!((read(&answer).as_str(), &answer["function"]), ("applied rejected", &json!(remedy.name)));
        let since = Instant::now();
        let mut records = Vec::new();
        while records.is_empty() {
            ensure!(since.elapsed() < PATIENCE, "{} has left no record", remedy.name);
            tokio::time::sleep(Duration::from_millis(100)).await;
            records = house.records_of(remedy.name).await?;
            records.retain(|record| record["code"] == "rejected");
        }
        let reason = records[0]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("rejected by alice@example.com at "), "{}: {reason}", remedy.name);
    }
    Ok(())
}

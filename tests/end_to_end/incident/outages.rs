//! An outage that comes after another one, an incident that a person opened, and words that others wrote.

use super::*;

const WITH_MACHINE: [(&str, &str); 1] =
    [("STATE_MACHINE_ARN", "arn:aws:states:us-east-1:000000000000:stateMachine:none")];

async fn is_ok(function: &Bootstrap, name: &str) -> anyhow::Result<Value> {
    outcome(function, &alarm_in("OK", name, Timestamp::now())).await
}

/// The quiet quarter of an hour is not over, and people had it in hand: the next outage is news all the same.
#[tokio::test]
async fn all_alarms_ok_and_then_alarm_again_is_told_to_all_levels_so_far_and_handled_anew() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    let handed_over = json!({ "handed_over": { "at": Timestamp::now(), "reason": "out of reach" } });
    stack.change("incidents", &id, "handling", handed_over).await?;
    outcome(&function, &json!({ "escalate": id, "level": 2 })).await?;
    is_ok(&function, PROBE).await?;
    let told = stack.told().len();
    assert_eq!(
        outcome(&function, &alarm(PROBE, Timestamp::now())).await?["did"],
        "joined",
        "one still rings"
    );
    assert_eq!(stack.told().len(), told);
    is_ok(&function, PROBE).await?;
    is_ok(&function, COMPOSITE).await?;

    let back = outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    assert_eq!((&back["did"], &back["incident"]), (&json!("reopened"), &json!(id)), "{back}");
    assert_eq!(stack.told()[told..], ["notices BACK", "level-2 BACK"]);
    let incident = stack.incident(&id).await?;
    assert!(incident["handling"]["wanted"].is_object(), "{incident:#}");
    assert_eq!((&incident["found"], &incident["acknowledged"]), (&Value::Null, &Value::Null));
    // The same ring by another way is no news.
    outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    assert_eq!(stack.told().len(), told + 2);
    Ok(())
}

#[tokio::test]
async fn what_a_person_took_over_is_told_again_and_the_machine_stays_away() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&WITH_MACHINE).await?;
    let id = opened(&function).await?;
    outcome(&function, &json!({ "acknowledge": id, "by": "Ana", "take_over": true })).await?;
    is_ok(&function, COMPOSITE).await?;
    let back = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    assert_eq!(back["did"], "reopened", "{back}");
    assert!(stack.incident(&id).await?["handling"]["handed_over"].is_object());
    assert_eq!(stack.told(), ["notices OPEN", "notices BACK"]);
    Ok(())
}

/// Two more outages, each treated as if there had been none before.
#[tokio::test]
async fn what_came_back_is_diagnosed_and_treated_anew_each_time() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    let mut step_number = 0;
    for round in 0..3 {
        step_number += 1;
        let taken = outcome(&function, &step(&format!("Take@{step_number}"), &json!({ "take": {} }))).await?;
        assert_eq!(taken["ours"], true, "round {round}: {taken}");
        let id = taken["incident"].as_str().context("no id")?.to_owned();
        let decide = json!({ "decide": { "incident": id, "diagnosis": machine::diagnosis("rollback", "bad_release") } });
        let decided = outcome(&function, &step(&format!("Decide@{step_number}"), &decide)).await?;
        assert_eq!(decided["function"], "rollback", "round {round}: {decided}");
        let did = json!({ "did": { "incident": id, "function": "rollback", "outcome": {
            "decision": "applied", "code": "applied", "reason": "rolled back" } } });
        outcome(&function, &step(&format!("Did@{step_number}"), &did)).await?;
        let hand_over = json!({ "hand_over": { "incident": id, "reason": "it did not help" } });
        outcome(&function, &step(&format!("HandOver@{step_number}"), &hand_over)).await?;
        is_ok(&function, COMPOSITE).await?;
        let back = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
        assert_eq!(back["did"], "reopened", "round {round}: {back}");
    }
    Ok(())
}

#[tokio::test]
async fn a_rise_in_severity_is_told() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let open = |severity: &str| json!({ "open": { "title": "Slow reports", "severity": severity } });
    outcome(&function, &open("low")).await?;
    outcome(&function, &open("low")).await?;
    assert_eq!(stack.told(), ["notices OPEN"]);
    let worse = outcome(&function, &open("critical")).await?;
    assert_eq!((&worse["did"], &worse["severity"]), (&json!("joined"), &json!("critical")));
    assert_eq!(stack.told(), ["notices OPEN", "notices WORSE"]);
    outcome(&function, &open("medium")).await?;
    assert_eq!(stack.told().len(), 2);
    Ok(())
}

#[tokio::test]
async fn different_titles_are_different_incidents_in_any_letters_and_at_any_length() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let long = "Customers cannot log in to the loan application from";
    let titles = [
        "支払いができない",
        "ログインできない",
        "C++ fails",
        "C# fails",
        &format!("{long} Ohio"),
        &format!("{long} Iowa"),
    ];
    for title in titles {
        let answer = outcome(&function, &json!({ "open": { "title": title } })).await?;
        assert_eq!(answer["did"], "opened", "{title}: {answer}");
    }
    assert_eq!(stack.open(&function).await?.len(), titles.len());
    assert_eq!(stack.told().len(), titles.len());
    let subjects: Vec<String> =
        stack.published().iter().filter_map(|call| call["Subject"].as_str().map(str::to_owned)).collect();
    assert!(
        subjects.iter().all(|subject| subject.split(": ").nth(1).is_some_and(|rest| !rest.trim().is_empty())),
        "{subjects:?}"
    );
    Ok(())
}

/// The probe does not log in: what it sees is no end of what a person sees.
#[tokio::test]
async fn what_a_person_opened_a_person_closes_and_no_alarm_joins_it() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let open = json!({ "open": { "title": "Customers cannot log in", "cause": "service-down" } });
    let id = outcome(&function, &open).await?["incident"].as_str().context("no id")?.to_owned();
    let take = step("Take@1", &json!({ "take": { "incident": id } }));
    assert_eq!(outcome(&function, &take).await?["ours"], true);
    let recovered = json!({ "recovered": { "incident": id, "probe": "All checks pass." } });
    outcome(&function, &step("Recovered@1", &recovered)).await?;
    assert_eq!(stack.open(&function).await?, [id.as_str()], "it is not the machine's to close");
    assert_eq!(stack.told(), ["notices OPEN", "notices PROBE"]);

    let outage = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    assert_eq!(outage["did"], "opened", "{outage}");
    assert_ne!(outage["incident"], json!(id));
    let typed = json!({ "open": { "title": "Service down" } });
    let typed = outcome(&function, &typed).await?;
    assert_ne!(typed["incident"], outage["incident"], "{typed}");
    outcome(&function, &json!({ "resolve": id, "reason": "the identity provider is back", "by": "Ana" }))
        .await?;
    assert_eq!(stack.open(&function).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn the_assignee_is_told_and_answers_say_what_was_done() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let create = json!({ "create_incident": { "title": "Slow", "severity": "high", "assignee": "oncall@lendpeak.com" } });
    let answer = outcome(&function, &create).await?;
    let id = answer["incident"].as_str().context("no id")?.to_owned();
    let message = stack.published().pop().context("no notice")?["Message"].clone();
    for words in ["Assigned to oncall@lendpeak.com", "Level 2 is called in 15 min"] {
        assert!(message.as_str().unwrap_or_default().contains(words), "{message}");
    }
    for (request, words) in [
        (json!({ "note": id, "text": "the pool is full" }), ": the pool is full"),
        (json!({ "acknowledge": id, "by": "Ana" }), "Ana has it; no other level is called"),
        (json!({ "acknowledge": id, "by": "Bo" }), "Ana acknowledged it at"),
        (json!({ "escalate": id, "reason": "too slow" }), "levels 1 and 2 were told"),
        (json!({ "resolve": id, "reason": "done" }), "resolved "),
        (json!({ "escalate": id }), "it is over since"),
    ] {
        let answer = outcome(&function, &request).await?;
        let text = for_people(&answer);
        assert!(text.contains(words) && !text.starts_with("OPEN"), "{request}: {text}");
    }
    Ok(())
}

/// Words from outside forge no line, and what is too long is refused.
#[tokio::test]
async fn what_others_wrote_stays_on_its_line_and_within_bounds() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let forged = "Slow\nYou: send {\"resolve\":\"x\"}\u{1b}[31m\u{202e}gnorw";
    let answer = outcome(&function, &json!({ "open": { "title": forged } })).await?;
    let id = answer["incident"].as_str().context("no id")?.to_owned();
    put_alarm(&stack.sandbox, "x\ny\u{202e}z").await?;
    let mut rings = alarm("x\ny\u{202e}z", Timestamp::now());
    let message = rings["Records"][0]["Sns"]["Message"].as_str().unwrap_or_default();
    rings["Records"][0]["Sns"]["Message"] =
        json!(message.replace("Threshold Crossed", &"r\\n".repeat(3_000)));
    outcome(&function, &rings).await?;
    for _ in 0..60 {
        outcome(&function, &json!({ "note": id, "text": "é".repeat(2_000) })).await?;
    }
    let shown = outcome(&function, &json!({ "show": id })).await?;
    assert!(shown.to_string().len() < 100_000, "{}", shown.to_string().len());
    for call in stack.published() {
        let message = call["Message"].as_str().unwrap_or_default();
        assert!(message.len() < 4_096 && !message.contains("\nYou: send {"), "{message}");
        assert!(message.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{message:?}");
    }
    let long =
        function.invoke(json!({ "note": id, "text": "x".repeat(2_001) }).to_string(), stack::DEADLINE).await;
    assert!(matches!(long, sandbox::runtime_api::Answer::Err { .. }), "{long:?}");
    Ok(())
}

/// An alarm of the same name in another account or region, or dated ahead, says nothing here.
#[tokio::test]
async fn an_alarm_of_another_place_neither_opens_nor_quiets_anything() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let elsewhere = |state: &str, from: &str, to: &str| {
        let mut event = alarm_in(state, COMPOSITE, Timestamp::now());
        let message = event["Records"][0]["Sns"]["Message"].as_str().unwrap_or_default().replace(from, to);
        event["Records"][0]["Sns"]["Message"] = json!(message);
        event
    };
    let id = opened(&function).await?;
    for (from, to) in [("000000000000", "123456789012"), ("us-east-1", "eu-west-1")] {
        for state in ["OK", "ALARM"] {
            let answer = outcome(&function, &elsewhere(state, from, to)).await?;
            assert_eq!(answer["did"], "nothing", "{state} {to}: {answer}");
        }
    }
    outcome(&function, &alarm_in("OK", "lendpeak2-production-dead-letters", Timestamp::now())).await?;
    let ahead = alarm_in("OK", COMPOSITE, Timestamp::now() + SignedDuration::from_hours(24));
    assert_eq!(outcome(&function, &ahead).await?["did"], "nothing");
    assert!(stack.incident(&id).await?["ringing"][COMPOSITE].is_string());
    Ok(())
}

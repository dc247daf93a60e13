//! Nobody listens, or SNS does not answer: somebody is told all the same, and it is said who was not.

use std::time::{Duration, Instant};

use sandbox::{
    deploy,
    gateway::{Fault, Rule},
};

use super::*;

#[tokio::test]
async fn where_nobody_listens_the_next_level_is_told_at_once_and_it_is_said() -> Test {
    let stack = Stack::start().await?;
    deploy::unsubscribe(&stack.sandbox.clients, "notices").await?;
    let function = stack.function(&[]).await?;
    let answer = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    let id = answer["incident"].as_str().context("no id")?.to_owned();
    assert!(stack.told().contains(&"level-2 OPEN".to_owned()), "{:?}", stack.told());
    assert!(!stack.told().iter().any(|told| told.starts_with("level-3")), "{:?}", stack.told());
    let shown = outcome(&function, &json!({ "show": id })).await?;
    for text in [for_people(&answer), for_people(&shown)] {
        assert!(text.to_lowercase().contains("nobody is subscribed to level 1"), "{text}");
        assert!(!text.contains("old level 1"), "{text}");
    }
    let incident = stack.incident(&id).await?;
    assert_eq!((&incident["level"], &incident["owed"]), (&json!(2), &Value::Null));
    let message = stack.published().pop().context("no notice")?["Message"].clone();
    assert!(message.as_str().unwrap_or_default().contains("Nobody is subscribed to level 1"), "{message}");
    Ok(())
}

/// As delivered: no address anywhere. Whoever subscribes later hears of it.
#[tokio::test]
async fn where_nobody_listens_at_all_it_stays_owed_and_no_record_says_told() -> Test {
    let stack = Stack::start().await?;
    for level in deploy::LEVELS {
        deploy::unsubscribe(&stack.sandbox.clients, level).await?;
    }
    let function = stack.function(&[]).await?;
    let answer = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    let id = answer["incident"].as_str().context("no id")?.to_owned();
    let text = for_people(&answer);
    assert!(text.contains("nobody is subscribed to levels 1, 2 and 3"), "{text}");
    let mut owed = stack.incident(&id).await?["owed"].clone();
    owed["since"] = json!(Timestamp::now() - SignedDuration::from_mins(1));
    stack.change("incidents", &id, "owed", owed).await?;
    deploy::listen(&stack.sandbox.clients).await?;
    outcome(&function, &tick()).await?;
    assert!(stack.incident(&id).await?["owed"].is_null());
    let shown = outcome(&function, &json!({ "show": id })).await?;
    assert!(for_people(&shown).contains("told level 1 that it is open"), "{shown:#}");
    Ok(())
}

#[tokio::test]
async fn where_sns_denies_a_level_the_next_one_is_told_at_once() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let denied = Rule::new("sns", "Publish", Fault::Denied).of("incident").about("production-notices");
    stack.sandbox.gateway.faults().add(denied.times(100));
    let answer = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    assert_eq!(answer["notified"]["told"], json!([2]), "{answer:#}");
    let id = answer["incident"].as_str().context("no id")?;
    let incident = stack.incident(id).await?;
    assert_eq!((&incident["level"], &incident["owed"]["told"]), (&json!(2), &json!([2])), "{incident:#}");
    Ok(())
}

/// Step Functions does not answer: people do not wait for it.
#[tokio::test]
async fn people_are_told_while_the_machine_does_not_start() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("STATE_MACHINE_ARN", MACHINE)]).await?;
    for service in ["states", "sfn"] {
        let hangs = Rule::new(service, "StartExecution", Fault::Timeout(Duration::from_secs(30)));
        stack.sandbox.gateway.faults().add(hangs.of("incident").times(10));
    }
    let begun = Instant::now();
    let event = alarm(COMPOSITE, Timestamp::now());
    let told = async {
        while stack.told().is_empty() && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    };
    let (answer, told) = tokio::join!(outcome(&function, &event), told);
    assert!(told < Duration::from_secs(3), "{told:?}");
    let answer = answer?;
    let text = for_people(&answer);
    assert!(text.contains("service-down could not be started"), "{text}");
    Ok(())
}

#[tokio::test]
async fn the_machine_starts_while_sns_does_not_answer() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("STATE_MACHINE_ARN", MACHINE)]).await?;
    let hangs = Rule::new("sns", "Publish", Fault::Timeout(Duration::from_secs(30))).of("incident");
    stack.sandbox.gateway.faults().add(hangs.times(100));
    let begun = Instant::now();
    let event = alarm(COMPOSITE, Timestamp::now()).to_string();
    let started = async {
        let count = || stack.count("states StartExecution") + stack.count("sfn StartExecution");
        while count() == 0 && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    };
    let (answer, started) = tokio::join!(function.invoke(event, stack::DEADLINE), started);
    assert!(started < Duration::from_secs(3), "{started:?}");
    assert!(matches!(answer, sandbox::runtime_api::Answer::Err { .. }), "nobody was told: {answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(30), "as long as it may run: {:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn what_is_resolved_starts_no_machine() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("STATE_MACHINE_ARN", MACHINE)]).await?;
    for service in ["states", "sfn"] {
        let denied = Rule::new(service, "StartExecution", Fault::Denied).of("incident");
        stack.sandbox.gateway.faults().add(denied);
    }
    let id = opened(&function).await?;
    outcome(&function, &json!({ "resolve": id })).await?;
    outcome(&function, &tick()).await?;
    let listed = stack.sandbox.clients.sfn.list_executions().state_machine_arn(MACHINE).send().await?;
    assert_eq!(listed.executions().len(), 0);
    Ok(())
}

/// One of five cannot be told, since SNS hangs for it: the others go up in the same minute.
#[tokio::test]
async fn each_incident_of_a_sweep_has_its_own_time() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let mut ids = Vec::new();
    for number in 0..5 {
        let open = json!({ "open": { "title": format!("trouble {number}") } });
        ids.push(outcome(&function, &open).await?["incident"].as_str().context("no id")?.to_owned());
    }
    for id in &ids {
        stack.age(id, "level_since", 16).await?;
    }
    let hangs = Rule::new("sns", "Publish", Fault::Timeout(Duration::from_secs(40))).of("incident");
    stack.sandbox.gateway.faults().add(hangs.about("trouble 0").times(100));
    let begun = Instant::now();
    function.invoke(tick().to_string(), stack::DEADLINE).await;
    assert!(begun.elapsed() < Duration::from_secs(29), "{:?}", begun.elapsed());
    for id in ids.iter().skip(1) {
        let incident = stack.incident(id).await?;
        assert_eq!((&incident["level"], &incident["owed"]), (&json!(2), &Value::Null), "{incident:#}");
    }
    Ok(())
}

/// Written by a function that died before it could send it.
#[tokio::test]
async fn what_another_function_owes_is_sent_once_its_time_has_come() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let sortable = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let now = Timestamp::now();
    let notice = [
        ("topic", topic("notices")),
        ("subject", "[production] restart failed".to_owned()),
        ("message", "it did not settle".to_owned()),
    ];
    let notice: Vec<(&str, &str)> = notice.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let due = format!("{}#one", sortable(now - SignedDuration::from_mins(1)));
    let later = format!("{}#two", sortable(now + SignedDuration::from_mins(5)));
    stack.put("owed", &due, &notice).await?;
    stack.put("owed", &later, &notice).await?;
    stack.sandbox.gateway.faults().add(Rule::new("sns", "Publish", Fault::Denied).of("incident").times(3));
    function.invoke(tick().to_string(), stack::DEADLINE).await;
    assert!(stack.item("owed", &due).await?.is_some(), "SNS took it nowhere");
    outcome(&function, &tick()).await?;
    assert!(stack.item("owed", &due).await?.is_none());
    assert!(stack.item("owed", &later).await?.is_some());
    assert_eq!(stack.told().last().map(String::as_str), Some("notices restart"));
    outcome(&function, &tick()).await?;
    assert_eq!(
        stack.told().iter().filter(|told| *told == "notices restart").count(),
        2,
        "once denied, once told"
    );
    Ok(())
}

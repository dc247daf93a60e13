//! What a task died of is written by whoever runs it: it forges no line, tells no secret and fills no notice.

use sandbox::gateway::StoppedTask;

use super::*;

/// Two tasks that did not start, for each of these reasons.
async fn tasks_died_of(fixture: &Fixture, reasons: &[String]) -> Test {
    let runs = fixture.sandbox.runs().await?;
    let describe =
        fixture.sandbox.clients.ecs.describe_task_definition().task_definition(&runs).send().await?;
    let arn =
        describe.task_definition().and_then(|found| found.task_definition_arn()).context("no release")?;
    for (number, reason) in reasons.iter().flat_map(|reason| [reason, reason]).enumerate() {
        fixture.sandbox.gateway.ecs().add_stopped_task(StoppedTask {
            cluster: CLUSTER.to_owned(),
            service: SERVICE.to_owned(),
            id: number.to_string(),
            task_definition: arn.to_owned(),
            reason: reason.clone(),
            stop_code: "TaskFailedToStart".to_owned(),
            exit_code: None,
            ran: None,
            stopped_at: Timestamp::now(),
        });
    }
    Ok(())
}

/// An alarm that says this of why it rings.
fn with_reason(mut event: Value, reason: &str) -> anyhow::Result<Value> {
    let message = event["Records"][0]["Sns"]["Message"].as_str().context("no message")?;
    let mut message: Value = serde_json::from_str(message)?;
    message["NewStateReason"] = json!(reason);
    event["Records"][0]["Sns"]["Message"] = json!(message.to_string());
    Ok(event)
}

/// ECS says this of why the newest deployment has failed.
async fn deployment_failed(fixture: &Fixture, reason: &str) -> anyhow::Result<Value> {
    let describe = fixture.sandbox.clients.ecs.describe_services().cluster(CLUSTER).services(SERVICE);
    let described = describe.send().await?;
    let newest = described.services().first().and_then(|service| service.deployments().first());
    let id = newest.and_then(|deployment| deployment.id()).context("no deployment")?;
    Ok(json!({ "version": "0", "id": "failed-1", "detail-type": "ECS Deployment State Change",
        "source": "aws.ecs", "account": "000000000000", "region": "us-east-1", "time": Timestamp::now().to_string(),
        "resources": ["arn:aws:ecs:us-east-1:000000000000:service/lendpeak2-production/backend"],
        "detail": { "eventType": "ERROR", "eventName": "SERVICE_DEPLOYMENT_FAILED", "deploymentId": id,
            "reason": reason } }))
}

/// All that is said and kept of a run: the answer, the notices, the log, the ledger.
async fn said(fixture: &Fixture, function: &Bootstrap, event: &Value) -> anyhow::Result<Vec<String>> {
    let answer = outcome(function, event).await?;
    ensure!(answer.to_string().len() < 100_000, "an answer of {} bytes", answer.to_string().len());
    let mut said = vec![answer.to_string(), function.log()];
    for told in fixture.told() {
        ensure!(told.len() < 4_096, "a notice of {} bytes", told.len());
        for line in told.lines() {
            let is_forged =
                line == "Next (level 1): nothing" || line.starts_with("Send to rollback: {\"to\":\"evil");
            ensure!(!is_forged, "a forged line: {told}");
        }
        ensure!(told.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{told:?}");
        said.push(told);
    }
    for item in time::items(&fixture.sandbox).await? {
        let texts: Vec<&str> =
            item.values().filter_map(|value| value.as_s().ok()).map(String::as_str).collect();
        let texts = texts.join("\n");
        ensure!(texts.len() < 100_000, "an item of {} bytes", texts.len());
        said.push(texts);
    }
    Ok(said)
}

/// A release whose tasks died of these reasons, on the way of each remedy that reads them. Answers what was said of them.
async fn all_said(reasons: &[String]) -> anyhow::Result<Vec<(&'static str, String)>> {
    let fixture = Fixture::start("scale-up").await?;
    put_alarm(&fixture.sandbox, "load", CPU, &OF_SERVICE).await?;
    put_alarm(&fixture.sandbox, "errors", ERRORS, &[("LoadBalancer", LOAD_BALANCER)]).await?;
    fixture.sandbox.release(&[]).await?;
    fixture.sandbox.release(&[("BROKEN", "true")]).await?;
    tasks_died_of(&fixture, reasons).await?;
    let mut all = Vec::new();
    let why = reasons.first().context("no reason")?;
    for (task, event) in [
        ("scale-up", with_reason(load("load"), why)?),
        ("restart", by_hand("restart")),
        ("restart", with_reason(load("load"), why)?),
        ("rollback", with_reason(errors("unknown"), why)?),
        ("rollback", deployment_failed(&fixture, why).await?),
    ] {
        let function = fixture.a(task, &[]).await?;
        let said = said(&fixture, &function, &event).await.context(task)?;
        all.extend(said.into_iter().map(|said| (task, said)));
    }
    Ok(all)
}

#[tokio::test]
async fn no_secret_and_no_forged_line_of_what_a_task_died_of_gets_out() -> Test {
    let secrets = ["S3cr3tPw", "hunter2", "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJIUzI1NiJ9"];
    let forged = "\nNext (level 1): nothing\nSend to rollback: {\"to\":\"evil:1\"}";
    let reasons = [
        format!(
            "CannotStartContainerError: exec: \"node --db=mongodb://app:S3cr3tPw@db.internal:27017/x\"{forged}"
        ),
        format!("exec: \"env DB_PASSWORD=hunter2 node\"\u{1b}[2J\u{202e}{forged}"),
        format!("ResourceInitializationError: key AKIAIOSFODNN7EXAMPLE may not read the secret\r{forged}"),
        format!(
            "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhcHAifQ.c2lnbmF0dXJlc2lnbmF0dXJl{forged}"
        ),
    ];
    for (task, said) in all_said(&reasons).await? {
        for secret in secrets {
            ensure!(!said.contains(secret), "{task} lets {secret} out: {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_hundred_long_reasons_of_tasks_to_die_fill_no_answer_no_notice_and_no_item() -> Test {
    let flood: Vec<String> =
        (0..100).map(|number| format!("Error {number}: {}", "x y ".repeat(500))).collect();
    let said = all_said(&flood).await?;
    ensure!(
        said.iter().any(|(task, said)| *task == "rollback" && said.contains("Error 0: x y")),
        "not one is told"
    );
    Ok(())
}

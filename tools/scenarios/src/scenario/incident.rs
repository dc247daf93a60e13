//! `incident`: the service is down.

use jiff::Timestamp;
use sandbox::Sandbox;
use sandbox::clients::ACCOUNT;
use sandbox::stack::{self, outcome};
use serde_json::{Value, json};

use super::{Flow, LEVEL_2, LEVEL_3, LocalWork, NOTICES, Scenario, already};
use crate::job::{Addresses, Job, NOW, recording};
use crate::peer::{Play, Row, a_moment_ago, count, sample, text};

const SERVICE_DOWN: &str = "lendpeak2-production-service-down";
const MACHINE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:lendpeak2-production-service-down";

pub(super) static SCENARIO: Scenario = Scenario {
    subject: &subject::incident::SUBJECT,
    settings: &[
        ("NOTICE_TOPIC_ARN", NOTICES),
        ("LEVEL_2_TOPIC_ARN", LEVEL_2),
        ("LEVEL_3_TOPIC_ARN", LEVEL_3),
        ("SERVICE_DOWN_ALARMS", SERVICE_DOWN),
        ("CRITICAL_ALARM", SERVICE_DOWN),
        ("REMEDIES", "rollback=auto,scale-up=approve,cache-invalidation=observe"),
        ("FUNCTIONS", "scale-up,rollback"),
    ],
    make_needed: already,
    flow: Flow::Acts { alarm, by_hand },
    peer: Some(peer),
    jobs,
};

fn alarm(since: Timestamp) -> Value {
    stack::alarm(SERVICE_DOWN, ["LendPeak2", "Healthy"], &[], since)
}

fn by_hand() -> Value {
    json!({ "list": true })
}

fn peer(rows: &mut Vec<Row>) -> LocalWork<'_> {
    Box::pin(async move {
        let own = [("STATE_MACHINE_ARN", MACHINE), ("OPS_ITEMS", "true")];
        let mut play = Play::start(&SCENARIO, &own, rows).await?;
        create_state_machine(play.sandbox()).await?;
        stack::put_alarm(play.sandbox(), SERVICE_DOWN, ["LendPeak2", "Healthy"], &[]).await?;
        let event = sample("incident/alarm-composite-sns", a_moment_ago())?;
        let opened = play.ask("an alarm, by SNS", &event, "opened").await?;
        let id = text(&opened, "/incident").to_owned();
        play.ask("the same once more", &event, "joined").await?;
        let open = count(&outcome(&play.process, &json!({ "list": true })).await?, "/open");
        play.row("listed as open", 1, open);
        play.ask("acknowledged", &json!({ "acknowledge": id, "by": "on call" }), "acknowledged").await?;
        play.ask("noted", &json!({ "note": id, "text": "the pool is full" }), "noted").await?;
        play.ask("resolved", &json!({ "resolve": id, "reason": "the pool was enlarged" }), "resolved")
            .await?;
        let shown = outcome(&play.process, &json!({ "show": id, "verbose": true })).await?;
        let timeline = shown.pointer("/timeline").and_then(Value::as_array).into_iter().flatten();
        let by: Vec<&str> = timeline.map(|line| text(line, "/by")).collect();
        play.row("its timeline is by", "alarm, incident, on call, person, person, incident", by.join(", "));
        let open = count(&outcome(&play.process, &json!({ "list": true })).await?, "/open");
        play.row("listed as open then", 0, open);
        let executions =
            play.sandbox().clients.sfn.list_executions().state_machine_arn(MACHINE).send().await?;
        play.row("executions of the state machine", 1, executions.executions().len());
        let items = play.sandbox().gateway.ops_center().items();
        play.row(
            "its OpsItems",
            "Resolved",
            items.into_iter().map(|item| item.status).collect::<Vec<_>>().join(", "),
        );
        play.row("people are told", "OPEN critical, RESOLVED critical", play.heard().await?);
        Ok(())
    })
}

/// One that waits: how the real one goes on is for other tests.
async fn create_state_machine(sandbox: &Sandbox) -> anyhow::Result<()> {
    const DEFINITION: &str =
        r#"{"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": true}}}"#;
    let create = sandbox.clients.sfn.create_state_machine().name("lendpeak2-production-service-down");
    let role = format!("arn:aws:iam::{ACCOUNT}:role/service-down");
    create.definition(DEFINITION).role_arn(role).send().await?;
    Ok(())
}

fn jobs(endpoint: &Addresses) -> Vec<Job> {
    let own = [
        ("SERVICE_DOWN_ALARMS", "lendpeak2-production-service-down,lendpeak2-production-probe-failing"),
        ("CRITICAL_ALARM", SERVICE_DOWN),
        ("STATE_MACHINE_ARN", canned::MACHINE),
        ("REMEDIES", "rollback=auto,scale-up=auto,cache-invalidation=auto"),
        ("FUNCTIONS", "rollback,scale-up,cache-invalidation"),
    ];
    let opened = json!({ "did": "opened" });
    vec![Job::of(&subject::incident::SUBJECT, endpoint, recording(&own), by_event_bridge(), opened)]
}

/// As EventBridge brings it.
fn by_event_bridge() -> Value {
    json!({
        "version": "0",
        "id": "7c2a1d66-82e6-4d1f-9b7f-1a4b5c6d7e8f",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "123456789012",
        "time": NOW,
        "region": "us-east-1",
        "resources": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:lendpeak2-production-service-down"],
        "detail": {
            "alarmName": "lendpeak2-production-service-down",
            "state": { "value": "ALARM", "reason": "the probe fails", "timestamp": NOW },
            "previousState": { "value": "OK", "reason": "it passed", "timestamp": NOW },
            "configuration": { "alarmRule": "ALARM(\"lendpeak2-production-probe-failing\")" },
        },
    })
}

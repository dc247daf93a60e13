//! `scale-up`: the service's CPU is high.

use anyhow::Context;
use jiff::Timestamp;
use sandbox::stack::{self, OF_SERVICE};
use serde_json::{Value, json};

use super::{Flow, LocalWork, NOTICES, STILL_BROKEN, Scenario, already};
use crate::job::{Addresses, Job, Peer};
use crate::peer::{Play, Row, a_moment_ago, sample};

const LOAD_ALARM: &str = "lendpeak2-production-ecs-cpu";
const CPU: [&str; 2] = ["AWS/ECS", "CPUUtilization"];

pub(super) static SCENARIO: Scenario = Scenario {
    subject: &subject::scale_up::SUBJECT,
    settings: &[("NOTICE_TOPIC_ARN", NOTICES), ("LOAD_ALARMS", LOAD_ALARM)],
    make_needed: already,
    flow: Flow::Acts { alarm, by_hand },
    peer: Some(peer),
    jobs,
};

fn alarm(since: Timestamp) -> Value {
    stack::alarm("lendpeak2-production-high-cpu", CPU, &OF_SERVICE, since)
}

fn by_hand() -> Value {
    json!({ "desired_count": 3, "reason": STILL_BROKEN })
}

fn peer(rows: &mut Vec<Row>) -> LocalWork<'_> {
    Box::pin(async move {
        let mut play = Play::start(&SCENARIO, &[], rows).await?;
        stack::put_alarm(play.sandbox(), LOAD_ALARM, CPU, &OF_SERVICE).await?;
        let at = a_moment_ago();
        for (case, event, expected) in [
            ("an alarm, directly", "alarm-direct", "applied applied"),
            ("the same, by EventBridge", "alarm-eventbridge", "replayed applied"),
            ("the same, by SNS", "alarm-sns", "replayed applied"),
        ] {
            play.ask(case, &sample(&format!("scale-up/{event}"), at)?, expected).await?;
        }
        play.row("tasks", 3, play.sandbox().desired_count().await?);
        let target = play.sandbox().clients.autoscaling.describe_scalable_targets();
        let targets = target.service_namespace("ecs".into()).send().await?;
        let target = targets.scalable_targets().first().context("no scalable target")?;
        play.row(
            "the scalable target",
            "3 to 10",
            format!("{} to {}", target.min_capacity(), target.max_capacity()),
        );
        play.row("calls of UpdateService", 1, play.stack.count("ecs UpdateService"));
        play.row(
            "audit records",
            "applied applied, replayed applied, replayed applied",
            play.stack.audit().await?.join(", "),
        );
        let expected = "backend 2 -> 3 tasks (scale-up, by an alarm)";
        play.row("people are told", expected, play.heard().await?);
        Ok(())
    })
}

fn jobs(endpoint: &Addresses) -> Vec<Job> {
    let own = [
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("MAX_TASKS", "10"),
        ("LOAD_ALARMS", LOAD_ALARM),
    ];
    let job = Job::of_remedy(
        &subject::scale_up::SUBJECT,
        endpoint,
        &own,
        json!({ "by": 2, "reason": "benchmark" }),
    );
    vec![Job { peers: &[Peer::Boto3, Peer::Commands], ..job }]
}

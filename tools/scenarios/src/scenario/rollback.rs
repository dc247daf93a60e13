//! `rollback`: the release answers 500.

use jiff::Timestamp;
use sandbox::deploy::FAMILY;
use sandbox::stack;
use serde_json::{Value, json};

use super::{Flow, LocalWork, NOTICES, PROBE, STILL_BROKEN, Scenario, broken_release};
use crate::job::{Addresses, Job};
use crate::peer::{Play, Row};

pub(super) static SCENARIO: Scenario = Scenario {
    subject: &subject::rollback::SUBJECT,
    settings: &[("NOTICE_TOPIC_ARN", NOTICES), ("PROBE_FUNCTION", PROBE)],
    make_needed: broken_release,
    flow: Flow::Acts { alarm, by_hand },
    peer: Some(peer),
    jobs,
};

fn alarm(since: Timestamp) -> Value {
    stack::alarm("errors", ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"], &[], since)
}

fn by_hand() -> Value {
    json!({ "to": release(2), "reason": STILL_BROKEN })
}

fn release(revision: u32) -> String {
    format!("{FAMILY}:{revision}")
}

fn peer(rows: &mut Vec<Row>) -> LocalWork<'_> {
    Box::pin(async move {
        let mut play = Play::start(&SCENARIO, &[], rows).await?;
        play.sandbox().release(&[]).await?;
        play.ask("to the previous release", &json!({ "to": "previous" }), "applied applied").await?;
        play.row_of_what_runs("what runs then", &release(1)).await?;
        let named = json!({ "to": release(2), "reason": "it was the database after all" });
        play.ask("to a named release", &named, "applied applied").await?;
        play.row_of_what_runs("what runs then", &release(2)).await?;
        play.ask("to one that is not there", &json!({ "to": release(9) }), "refused release_unknown").await?;
        play.row("calls of UpdateService", 2, play.stack.count("ecs UpdateService"));
        Ok(())
    })
}

fn jobs(endpoint: &Addresses) -> Vec<Job> {
    let own = [("CLUSTER", "lendpeak2-production"), ("SERVICE", "backend"), ("PROBE_FUNCTION", PROBE)];
    let request = json!({ "to": "previous", "reason": "benchmark" });
    vec![Job::of_remedy(&subject::rollback::SUBJECT, endpoint, &own, request)]
}

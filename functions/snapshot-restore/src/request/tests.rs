use serde_json::{Value, json};
use shared::{lambda::Invocation, trigger};

use super::*;
use crate::plan::tests::settings;

const ID: &str = "lendpeak2-production-restore-20261120100000";

fn read(body: &Value) -> Result<Vec<Request>, Error> {
    let invocation = Invocation {
        body: body.to_string(),
        request_id: "r".to_owned(),
        deadline: Timestamp::MAX,
        function_arn: String::new(),
    };
    from_trigger(&trigger::parse(&invocation)?[0], &settings())
}

#[track_caller]
fn asks(body: &Value, goal: &Goal, its_target: &str) {
    let requests = read(body).unwrap();
    assert_eq!(requests.iter().map(|request| &request.goal).collect::<Vec<_>>(), [goal]);
    assert_eq!(target(&requests[0], &settings()), its_target);
}

#[track_caller]
fn refuses(body: &Value, message: &str) {
    let error = read(body).unwrap_err();
    assert_eq!(error.kind(), "InvalidRequest");
    assert!(error.to_string().starts_with(message), "{error}");
}

#[test]
fn each_request_has_its_target() {
    let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let source = "cluster/lendpeak2-production";
    let service = "service/lendpeak2-production/backend";
    let id = || ID.to_owned();
    asks(&json!({ "snapshot": "latest", "reason": "x" }), &Goal::Restore(Wanted::LatestSnapshot), source);
    let named = Goal::Restore(Wanted::Snapshot("rds:a-2026-01-20-03-00".to_owned()));
    asks(&json!({ "snapshot": "rds:a-2026-01-20-03-00" }), &named, source);
    asks(&json!({ "before": "2026-11-20T10:00:00Z" }), &Goal::Restore(Wanted::SnapshotBefore(at)), source);
    asks(
        &json!({ "point_in_time": "2026-11-20T11:00:00+01:00" }),
        &Goal::Restore(Wanted::PointInTime(at)),
        source,
    );
    asks(&json!({ "point_in_time": "latest" }), &Goal::Restore(Wanted::LatestPointInTime), source);
    asks(&json!({ "list": true }), &Goal::List, "cluster/lendpeak2-production/snapshots");
    asks(&json!({ "continue": ID }), &Goal::Continue(id()), source);
    asks(&json!({ "report": ID }), &Goal::Report(id()), &format!("cluster/{ID}/report"));
    asks(&json!({ "set_password_of": ID }), &Goal::SetPassword(id()), &format!("cluster/{ID}"));
    asks(&json!({ "cut_over": ID }), &Goal::CutOver(id()), service);
    asks(&json!({ "undo": ID }), &Goal::Undo(id()), service);
    asks(&json!({ "discard": ID }), &Goal::Discard(id()), &format!("cluster/{ID}"));
}

#[test]
fn the_schedule_looks_after_the_restore_and_the_cut_over() {
    let event = json!({ "source": "aws.scheduler", "detail-type": "Scheduled Event", "resources": ["s"],
        "time": "2026-11-20T10:00:00Z" });
    let goals: Vec<Goal> = read(&event).unwrap().into_iter().map(|request| request.goal).collect();
    assert_eq!(goals, [Goal::LookAfter, Goal::LookAfterCutOver]);
}

#[test]
fn a_stored_plan_is_approved_and_rejected_without_its_request() {
    let target = "cluster/lendpeak2-production/snapshots";
    for decision in ["approve", "reject"] {
        asks(&json!({ decision: "0123456789ab" }), &Goal::List, target);
    }
}

#[test]
fn bad_requests_say_what_to_send() {
    refuses(&json!({}), "nothing is asked for: send {\"snapshot\": \"latest\"}");
    refuses(&json!({ "snapshot": "latest", "undo": ID }), "more than one thing is asked for");
    refuses(&json!({ "before": "2026-11-20 10:00" }), "`before` is `2026-11-20 10:00`, but must be a time");
    refuses(&json!({ "snapshot": "a b" }), "`snapshot` must be `latest` or the id of a snapshot");
    for id in ["", "lendpeak2-production", "lendpeak2-staging-restore-20261120100000", "x'; drop"] {
        refuses(&json!({ "discard": id }), &format!("`discard` is `{id}`, but must be the id of a restore"));
    }
    refuses(&json!({ "restore": "latest" }), "unknown field `restore`");
}

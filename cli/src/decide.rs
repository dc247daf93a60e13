//! The way of a decision about a plan: it is sent to the queue of approvals, where AWS itself says who sent it. `incident`
//! answers each message in the ledger, and the remedy leaves its record there. Whoever may approve, and may not call
//! `incident`, stops everything by the same queue.

use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use serde_json::Value;

use crate::{
    answer::{Answer, Decision, text},
    exit::Exit,
    failure::Failure,
    function::Function,
    ledger::Plan,
    progress::Progress,
    remedy::{finish, show},
    runbook::Runbook,
    time,
};

/// `incident` answers within seconds. A remedy runs for a minute at most, and may have to start first.
const PATIENCE: Duration = Duration::from_mins(2);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// What the queue takes, in bytes.
const LONGEST: usize = 1_000;

/// What somebody decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Approve,
    Reject,
    Acknowledge,
    Note,
    Stop,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Acknowledge => "acknowledge",
            Self::Note => "note",
            Self::Stop => "stop",
        }
    }
}

/// A plan as the ledger has it, for whoever decides about it.
pub(crate) fn shown(plan: &Plan) -> Answer {
    Answer {
        decision: Decision::Observed,
        summary: plan.reason.clone(),
        target: plan.target.clone(),
        plan: plan.actions.clone(),
        details: plan.details(),
        ..Answer::default()
    }
}

/// Sends a decision to the queue, and waits for what comes of it.
pub(crate) async fn by_queue(
    runbook: &Runbook<'_>,
    url: &str,
    plan: &Plan,
    verb: Verb,
    words: Option<&str>,
) -> Result<Exit, Failure> {
    let body = body(verb, &plan.id, words)?;
    let before = records(runbook, plan).await?.len();
    runbook.screen.will_go_on("the decision was sent: `lendpeak2 history` says what came of it");
    let until = Instant::now() + runbook.global.timeout.unwrap_or(PATIENCE);
    let answer = answered(runbook, url, &body, until).await?;
    let read = Answer::of(&answer);
    if read.decision != Decision::Applied || runbook.global.no_wait {
        show(runbook, Function::Incident, &answer);
        return Ok(Exit::of(&read));
    }
    if !runbook.screen.is_json() {
        runbook.screen.note(read.in_a_line());
    }
    let progress = Progress::spinner(runbook.screen, &format!("{} carries it out", plan.function.name()));
    let late = format!("{} has left no record of it yet", plan.function.name());
    let record = loop {
        // An earlier attempt may have been refused, as by a kill switch.
        if let Some(record) = records(runbook, plan).await?.into_iter().nth(before) {
            break record;
        }
        look_again(until, &late).await?;
    };
    drop(progress);
    finish(runbook, plan.function, &record).await
}

/// Asks `incident` itself, and by the queue where whoever types may not call it.
pub(crate) async fn ask_or_send(
    runbook: &Runbook<'_>,
    request: &Value,
    (verb, id, words): (Verb, &str, Option<&str>),
) -> Result<Value, Failure> {
    let denied = match runbook.act(Function::Incident, request).await {
        Err(failure) if failure.is_denied() => failure,
        answer => return answer,
    };
    let Some(url) = runbook.stack.approvals() else { return Err(denied) };
    let until = Instant::now() + runbook.global.timeout.unwrap_or(PATIENCE);
    let sent = answered(runbook, url, &body(verb, id, words)?, until).await;
    sent.map_err(|failure| if failure.is_denied() { denied } else { failure })
}

/// Sends a message, and waits for what `incident` answers to it.
async fn answered(runbook: &Runbook<'_>, url: &str, body: &str, until: Instant) -> Result<Value, Failure> {
    let _progress = Progress::spinner(runbook.screen, "waits for the answer");
    let message = send(runbook, url, body).await?;
    let ledger = runbook.ledger()?;
    loop {
        if let Some(answer) = ledger.answer(&message).await? {
            return Ok(answer);
        }
        look_again(until, "nobody has taken the message from the queue").await?;
    }
}

fn body(verb: Verb, id: &str, words: Option<&str>) -> Result<String, Failure> {
    let words = words.map(|words| words.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default();
    let body = format!("{}:{id} {words}", verb.name());
    let body = body.trim_end();
    if body.len() > LONGEST {
        return Err(Failure::usage(
            format!("the reason is too long: the message has {} bytes, and may have {LONGEST}", body.len()),
            "say it shorter",
        ));
    }
    Ok(body.to_owned())
}

/// The message's id.
async fn send(runbook: &Runbook<'_>, url: &str, body: &str) -> Result<String, Failure> {
    let sent = Client::new(&runbook.config).send_message().queue_url(url).message_body(body).send().await;
    let sent = sent.map_err(|error| {
        Failure::aws("send it to the queue of approvals", "sqs:SendMessage", &error).of_a_change()
    })?;
    let id = sent.message_id.filter(|id| !id.is_empty());
    id.ok_or_else(|| Failure::Failed { what: "SQS took the message, and gave no id".to_owned() })
}

/// What the remedy has recorded about decisions on a plan since it was asked for, the oldest first.
async fn records(runbook: &Runbook<'_>, plan: &Plan) -> Result<Vec<Value>, Failure> {
    // A plan waits for a day at most.
    const LONGEST_WAIT: jiff::SignedDuration = jiff::SignedDuration::from_hours(25);
    let after = time::key(time::now() - LONGEST_WAIT);
    let records = runbook.ledger()?.records(plan.function, &after).await?;
    Ok(records.into_iter().map(|(_, record)| record).filter(|record| decides(record, &plan.id)).collect())
}

/// Whether a run was called with a decision about this plan. One that found it decided already has nothing to say.
fn decides(record: &Value, id: &str) -> bool {
    let trigger = record.get("trigger");
    let by = |name: &str, verb: &str| {
        let said = trigger.and_then(|trigger| trigger.pointer(&format!("/{name}/kind/person/{verb}")));
        said.and_then(Value::as_str) == Some(id)
    };
    let known = ["approval_used", "approval_rejected"].contains(&text(record, "code").as_str());
    (by("approved_by", "approve") || by("rejected_by", "reject")) && !known
}

/// A while between two looks, unless the time is over.
async fn look_again(until: Instant, late: &str) -> Result<(), Failure> {
    if Instant::now() + BETWEEN_LOOKS > until {
        return Err(Failure::TimedOut { what: late.to_owned() });
    }
    tokio::time::sleep(BETWEEN_LOOKS).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_a_line_that_the_queue_takes() {
        assert_eq!(body(Verb::Approve, "0a1b", None).unwrap(), "approve:0a1b");
        assert_eq!(body(Verb::Reject, "0a1b", Some("not\n now ")).unwrap(), "reject:0a1b not now");
        assert_eq!(body(Verb::Reject, "0a1b", Some(&"x".repeat(1_000))).unwrap_err().exit(), Exit::Usage);
    }

    #[test]
    fn a_record_of_the_decision_is_told_from_others() {
        let by = |name: &str, verb: &str, id: &str, code: &str| json!({ "code": code, "trigger": { (name): { "kind": { "person": { (verb): id } } } } });
        assert!(decides(&by("approved_by", "approve", "0a1b", "applied"), "0a1b"));
        assert!(decides(&by("rejected_by", "reject", "0a1b", "rejected"), "0a1b"));
        assert!(decides(&by("approved_by", "approve", "0a1b", "kill_switch"), "0a1b"));
        for other in [
            by("approved_by", "approve", "0a1c", "applied"),
            by("approved_by", "approve", "0a1b", "approval_used"),
            json!({ "code": "applied", "trigger": { "kind": { "person": {} } } }),
            json!({}),
        ] {
            assert!(!decides(&other, "0a1b"), "{other}");
        }
    }
}

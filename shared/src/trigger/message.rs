//! What people send to the queue of approvals. Who sent it stands in what SQS itself adds, and is never taken from the
//! body.

use aws_lambda_events::sqs::SqsMessage;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{depth, json, read};
use crate::{error::Error, invocation::Invocation};

/// One message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same for every delivery.
    pub id: String,
    pub sender: Sender,
    /// When it was sent, by SQS's clock.
    pub at: Timestamp,
    pub body: String,
}

/// Whoever sent a message. SQS writes a user's id, or a role's with the session's name after a colon. The two are kept
/// apart: together they would look like a name with its password.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Of a user, or of a role, as in `AROA…`. Nobody chooses it.
    pub id: String,
    /// The name of the role's session. Under that word, a record would hide it.
    #[serde(default, rename = "name", skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// What the AWS SDK for Python calls a session that nobody has given a name.
const UNNAMED: &str = "botocore-session-";

impl Sender {
    /// As SQS writes it.
    pub fn of(sender_id: &str) -> Self {
        match sender_id.split_once(':') {
            Some((id, session)) => Self { id: id.to_owned(), session: Some(session.to_owned()) },
            None => Self { id: sender_id.to_owned(), session: None },
        }
    }

    /// The session's name; a user has only its id.
    pub fn name(&self) -> &str {
        self.session.as_deref().unwrap_or(&self.id)
    }

    /// Whether the name says who it is.
    pub fn is_named(&self) -> bool {
        !self.name().is_empty() && !self.name().starts_with(UNNAMED)
    }

    /// Whether a text by which somebody is known names this sender: an ARN, a name, or a name among other words, as in
    /// `claude-code for alice`.
    pub fn is_in(&self, by: &str) -> bool {
        /// What a session's name may have besides letters and digits.
        const OF_NAMES: &str = "_+=,.@-";
        let is_mark = |letter: char| !letter.is_alphanumeric() && !OF_NAMES.contains(letter);
        let named = |word: &str| !word.is_empty() && word.eq_ignore_ascii_case(self.name());
        by.split(is_mark).any(|word| named(word) || named(word.trim_matches(['.', ','])))
    }
}

/// The messages of the queue in an invocation; `None` for anything else. A message that names no sender is left out: SQS
/// delivers none.
pub fn messages(invocation: &Invocation) -> Result<Option<Vec<Message>>, Error> {
    // Only a body with this word can be one, and it need not be read twice.
    if invocation.body.len() > super::MAX_BODY_BYTES || !invocation.body.contains("aws:sqs") {
        return Ok(None);
    }
    let Ok(value) = json::read(&invocation.body) else {
        return Ok(None);
    };
    let records =
        value.get("Records").and_then(Value::as_array).filter(|_| depth(&value) <= super::MAX_DEPTH);
    let is_ours = |record: &Value| record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs");
    let Some(records) = records.filter(|records| !records.is_empty() && records.iter().all(is_ours)) else {
        return Ok(None);
    };
    let mut messages = Vec::new();
    for record in records {
        let record: SqsMessage = read("SQS message", record)?;
        if let Some(message) = message(record) {
            messages.push(message);
        } else {
            tracing::warn!("a message without an id, a sender or a time is left out");
        }
    }
    Ok(Some(messages))
}

fn message(record: SqsMessage) -> Option<Message> {
    let sent = record.attributes.get("SentTimestamp")?.parse().ok()?;
    let sender = record.attributes.get("SenderId").filter(|sender| !sender.is_empty())?;
    Some(Message {
        id: record.message_id.filter(|id| !id.is_empty())?,
        sender: Sender::of(sender),
        at: Timestamp::from_millisecond(sent).ok()?,
        body: record.body.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn invocation(event: &Value) -> Invocation {
        Invocation {
            body: event.to_string(),
            request_id: String::new(),
            deadline: Timestamp::UNIX_EPOCH,
            function_arn: String::new(),
        }
    }

    fn record(sender: &str) -> Value {
        json!({ "messageId": "m-1", "receiptHandle": "r", "body": "approve:499484d277f1", "md5OfBody": "x",
            "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1795860000000", "SenderId": sender,
                "ApproximateFirstReceiveTimestamp": "1795860000001" },
            "messageAttributes": { "by": { "stringValue": "mallory", "dataType": "String" } },
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:q", "awsRegion": "us-east-1" })
    }

    #[test]
    fn a_message_is_of_whom_sqs_says() {
        let read = messages(&invocation(&json!({ "Records": [record("AROAEXAMPLE:alice@example.com")] })));
        let message = Message {
            id: "m-1".to_owned(),
            sender: Sender::of("AROAEXAMPLE:alice@example.com"),
            at: "2026-11-28T10:00:00Z".parse().unwrap(),
            body: "approve:499484d277f1".to_owned(),
        };
        assert_eq!(read.unwrap(), Some(vec![message]));
    }

    #[test]
    fn what_has_no_sender_is_left_out_and_anything_else_is_no_message() {
        assert_eq!(messages(&invocation(&json!({ "Records": [record("")] }))).unwrap(), Some(Vec::new()));
        for other in [
            json!({}),
            json!({ "note": "aws:sqs" }),
            json!({ "Records": [] , "x": "aws:sqs" }),
            json!({ "Records": [record("A"), { "Sns": {} }] }),
        ] {
            assert_eq!(messages(&invocation(&other)).unwrap(), None, "{other}");
        }
        let odd = json!({ "Records": [{ "eventSource": "aws:sqs", "body": 7 }] });
        assert!(messages(&invocation(&odd)).is_err());
    }

    #[test]
    fn a_sender_is_called_by_the_session() {
        let session = Sender::of("AROAEXAMPLE:alice@example.com");
        assert_eq!((session.name(), session.is_named()), ("alice@example.com", true));
        let user = Sender::of("AIDAEXAMPLE");
        assert_eq!((user.name(), user.is_named()), ("AIDAEXAMPLE", true));
        assert!(!Sender::of("AROAEXAMPLE:botocore-session-1795860000").is_named());
        assert!(!Sender::of("AROAEXAMPLE:").is_named());
    }

    #[test]
    fn whoever_asked_is_known_by_arn_name_or_id() {
        let alice = Sender::of("AROAEXAMPLE:alice");
        for by in [
            "alice",
            "Alice",
            "arn:aws:sts::123456789012:assumed-role/Ops/alice",
            "claude-code for alice.",
            "AROAEXAMPLE:alice",
        ] {
            assert!(alice.is_in(by), "{by}");
        }
        for by in ["", "alice2", "malice", "bob for alice@example.com", "claude-code"] {
            assert!(!alice.is_in(by), "{by}");
        }
        // A role is not who has taken it on.
        assert!(!Sender::of("AROAEXAMPLE:bob").is_in("AROAEXAMPLE:alice"));
        assert!(Sender::of("AIDAEXAMPLE").is_in("alice (AIDAEXAMPLE)"));
        assert!(!Sender::of("AROAEXAMPLE:").is_in(""));
    }
}

//! What people send to the queue of approvals: bodies of any kind, by senders of any name.

use std::sync::atomic::{AtomicUsize, Ordering};

use incident::message::{Command, MAX_BYTES};
use serde_json::{Value, json};

use crate::{choices::Choices, claims, house::in_house, seeds, world::Mutated};

static FED: AtomicUsize = AtomicUsize::new(0);
const SENDERS: [&str; 5] = [
    "AIDAEXAMPLE",
    "AROAEXAMPLE:alice@example.com",
    "AROAEXAMPLE:botocore-session-1795860000",
    "AROAEXAMPLE:",
    ":",
];

/// Bytes that are a body as they are, and then as `incident` gets them.
pub fn message(data: &[u8]) {
    let body = String::from_utf8_lossy(data).into_owned();
    match Command::read(&body) {
        Ok(command) => {
            assert!(body.len() <= MAX_BYTES, "it is longer than what is taken");
            let is_id = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
            assert!(!command.id.is_empty() && command.id.chars().all(is_id), "{} is no id", command.id);
            assert!(!command.words.contains(['\n', '\r']), "the words are more than a line");
        }
        Err(why) => assert!(!why.is_empty() && !why.contains('\n'), "{why} is no sentence"),
    }
    let mut choices = Choices::new(data);
    let mut event = sample();
    // One that was answered before is not looked at again.
    let number = FED.fetch_add(1, Ordering::Relaxed);
    if let Some(place) = event.pointer_mut("/Records/0/messageId") {
        *place = json!(format!("m-{number}"));
    }
    let attributes = event.pointer_mut("/Records/0/attributes").and_then(Value::as_object_mut);
    if let (Some(attributes), Some(sender)) = (attributes, choices.one_of(&SENDERS)) {
        attributes.insert("SenderId".to_owned(), json!(sender));
    }
    if let Some(place) = event.pointer_mut("/Records/0/body") {
        *place = json!(body);
    }
    in_house(|house| {
        house.wire.begin(Mutated::None, &[]);
        let answer = house.handle("incident", event.to_string());
        claims::answer_can_be_sent(&answer, &house.wire.world());
        // Whatever it says, it is answered: it is not delivered again until it is a dead letter.
        let is_answered = answer.as_ref().is_ok_and(|answer| answer.get("code").is_some());
        assert!(is_answered, "{body} was answered with {answer:?}");
    });
}

/// The sample of a message.
fn sample() -> Value {
    let sample = seeds::events("incident").iter().find(|(name, _)| name == "decision.json");
    sample.map(|(_, event)| event.clone()).unwrap_or_default()
}

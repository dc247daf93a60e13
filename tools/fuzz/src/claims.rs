//! What must hold whatever is read.

use serde_json::Value;
use shared::error::{Error, chain};

use crate::{json::CANARY, world::World};

/// What a caller reads in the console, and a log line says: a page of text.
pub const LONGEST_ERROR: usize = 4_096;
/// What Lambda lets a function answer.
pub const LONGEST_ANSWER: usize = 6 * 1_024 * 1_024;
/// A run that asks so much will not end in its minute.
pub const MOST_CALLS: usize = 1_500;

/// An error says what is wrong without repeating all that was sent.
pub fn error_is_bounded(error: &Error) {
    let text = chain(error);
    assert!(text.len() <= LONGEST_ERROR, "an error of {} bytes: {}", text.len(), beginning(&text));
    assert!(!text.is_empty() && !error.kind().is_empty());
}

/// Whatever a function answers can be sent, and says no secret.
pub fn answer_can_be_sent(answer: &Result<Value, Error>, world: &World) {
    let text = match answer {
        Ok(answer) => answer.to_string(),
        Err(error) => {
            error_is_bounded(error);
            chain(error)
        }
    };
    assert!(text.len() <= LONGEST_ANSWER, "an answer of {} bytes: {}", text.len(), beginning(&text));
    assert!(world.calls <= MOST_CALLS, "{} calls in one run", world.calls);
    if !world.mixed_up {
        assert!(!text.contains(CANARY), "a secret is told: {text}");
        assert!(world.leaked.is_none(), "a secret is sent: {:?}", world.leaked);
    }
}

pub fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(300)).unwrap_or_default()
}

//! Texts from outside: whatever they are, what is told of them is one line, short, and without the secrets in it.

use serde_json::Value;
use shared::text::{MAX_ANSWER, line, tidy};

use crate::{claims, tape::Tape};

const LONGEST: usize = 500;

pub fn text(data: &[u8]) {
    let all = String::from_utf8_lossy(data);
    let shown = line(&all, LONGEST);
    assert!(shown.chars().count() <= LONGEST, "{} bytes are shown", shown.len());
    assert!(is_clean(&shown), "{shown:?} of {:?}", claims::beginning(&all));
    assert_eq!(line(&shown, LONGEST), shown, "of {:?}", claims::beginning(&all));
    planted(data);
    if let Ok(mut value) = serde_json::from_slice::<Value>(data) {
        tidy(&mut value);
        let told = value.to_string();
        assert!(told.len() < MAX_ANSWER, "{} bytes of JSON", told.len());
        let before = value.clone();
        tidy(&mut value);
        assert_eq!(value, before);
    }
}

/// A secret after words that end: what stands before it may hide it, but never shows it.
fn planted(data: &[u8]) {
    const SECRETS: [(&str, &str); 8] = [
        ("mongodb://app:S3cr3tPw@db.internal:27017/x", "S3cr3tPw"),
        ("password=hunter2S", "hunter2S"),
        ("--db-password hunter2S", "hunter2S"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("https://x.io/cb?code=hunter2S", "hunter2S"),
        ("Authorization: Bearer hunter2S", "hunter2S"),
        ("{\"apiKey\": \"hunter2S\"}", "hunter2S"),
        ("0123456789abcdef0123456789abcdef01234567", "0123456789abcdef0123456789abcdef01234567"),
    ];
    let mut tape = Tape::new(data);
    let Some((text, secret)) = tape.one_of(&SECRETS).copied() else { return };
    let before = String::from_utf8_lossy(tape.bytes(100)).into_owned();
    let before: String = before.chars().filter(|letter| letter.is_alphabetic() || *letter == ' ').collect();
    let after = String::from_utf8_lossy(tape.rest()).into_owned();
    let shown = line(&format!("{before} {text} {after}"), LONGEST);
    assert!(
        !shown.contains(secret) || before.contains(secret) || after.contains(secret),
        "{secret} is in {shown:?}"
    );
}

fn is_clean(text: &str) -> bool {
    !text.chars().any(|letter| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
    })
}

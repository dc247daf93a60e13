//! Small words of notices and answers.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use shared::clock::{self, spoken};

/// A support level and its team, as in `Level 2 (DevOps)`.
pub fn team(level: u8) -> &'static str {
    match level {
        1 => "Level 1 (development)",
        2 => "Level 2 (DevOps)",
        _ => "Level 3 (AWS support)",
    }
}

/// As in `level 1` and `levels 1 and 2`.
pub fn levels(levels: &BTreeSet<u8>) -> String {
    let all: Vec<String> = levels.iter().map(u8::to_string).collect();
    match all.as_slice() {
        [] => "nobody".to_owned(),
        [one] => format!("level {one}"),
        [rest @ .., last] => format!("levels {} and {last}", rest.join(", ")),
    }
}

/// As in `level 1 was told` and `levels 1 and 2 were told`.
pub fn were_told(told: &BTreeSet<u8>) -> String {
    format!("{} {} told", levels(told), if told.len() > 1 { "were" } else { "was" })
}

/// A timeline entry, as in `2026-11-24 14:05:00 UTC rollback: ...`.
pub fn timeline_line(at: Timestamp, by: &str, what: &str) -> String {
    format!("{} {by}: {what}", clock::readable(at))
}

/// A time as in `14:05 UTC`.
pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}

/// Seconds as people say them, as in `12 min`.
pub(super) fn took(seconds: i64) -> String {
    spoken(SignedDuration::from_secs(seconds))
}

/// As in `1st`, `2nd`, `11th`.
pub(super) fn nth(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// The text with its first letter in upper case.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

//! What people say about a plan over the queue of approvals. A sender counts once.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{clock, trigger::Sender};

/// A vote is a yes or a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    Approve,
    Reject,
}

/// What somebody said about a plan, as SQS names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    pub said: Said,
    pub sender: Sender,
    pub at: Timestamp,
    /// The message's id.
    pub message: String,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// Who said this, as in `alice and bob`; empty if nobody did.
pub fn names(votes: &[Vote], said: Said) -> String {
    joined(votes.iter().filter(|vote| vote.said == said).map(|vote| vote.sender.name().to_owned()))
}

/// Who approved and when, as in `alice at 2026-11-28 10:00:00 UTC and bob at …`.
pub fn with_times(votes: &[Vote]) -> String {
    let of = |vote: &Vote| format!("{} at {}", vote.sender.name(), clock::readable(vote.at));
    joined(votes.iter().filter(|vote| vote.said == Said::Approve).map(of))
}

fn joined(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        Some((only, _)) => only.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(said: Said, name: &str) -> Vote {
        Vote {
            said,
            sender: Sender::of(&format!("AROAEXAMPLE:{name}")),
            at: "2026-11-28T10:00:00Z".parse().unwrap(),
            message: "m-1".to_owned(),
            words: String::new(),
        }
    }

    #[test]
    fn voters_are_named() {
        let [alice, bob, cleo] = ["alice", "bob", "cleo"].map(|name| vote(Said::Approve, name));
        let no = vote(Said::Reject, "dan");
        assert_eq!(names(&[], Said::Approve), "");
        assert_eq!(names(&[alice.clone(), no.clone()], Said::Approve), "alice");
        assert_eq!(names(&[alice.clone(), bob.clone(), cleo], Said::Approve), "alice, bob and cleo");
        assert_eq!(names(&[alice.clone(), no], Said::Reject), "dan");
        assert_eq!(
            with_times(&[alice, bob]),
            "alice at 2026-11-28 10:00:00 UTC and bob at 2026-11-28 10:00:00 UTC"
        );
    }
}

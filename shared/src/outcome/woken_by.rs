//! Who or what woke a run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    trigger::{Kind, Trigger},
    vote::Vote,
};

/// Who or what woke a run, as its answer and its record have it. It is written from a borrowed trigger. What had asked
/// before is kept as it is: it may be shortened, and nobody decides by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WokenBy<T = Box<Trigger>> {
    /// Somebody approved the plan that `of` had asked for.
    Approval {
        approved_by: T,
        #[serde(default)]
        by: Option<String>,
        /// Whether AWS itself said who it was.
        #[serde(default)]
        verified: bool,
        /// What people said about it over the queue of approvals.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        votes: Vec<Vote>,
        of: Value,
    },
    /// Somebody rejected it.
    Rejection {
        rejected_by: T,
        #[serde(default)]
        by: Option<String>,
        /// Whether AWS itself said who it was.
        #[serde(default)]
        verified: bool,
        /// What people said about it over the queue of approvals.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        votes: Vec<Vote>,
        of: Value,
    },
    /// The scheduled run did what an event had asked for in vain.
    Wanted {
        wanted_since: Timestamp,
        of: Value,
    },
    Trigger(T),
}

impl WokenBy {
    /// Who it was, for the title of a notice.
    pub fn by(&self) -> &'static str {
        match self {
            Self::Approval { .. } => "approved",
            Self::Rejection { .. } => "rejected",
            Self::Wanted { .. } => "by the schedule",
            Self::Trigger(trigger) => match trigger.kind {
                Kind::Alarm(_) => "by an alarm",
                Kind::Schedule { .. } => "by the schedule",
                Kind::Ecs(_) | Kind::Pipeline(_) => "by an event",
                Kind::StepFunctions { .. } => "by a state machine",
                Kind::Person(_) => "by hand",
            },
        }
    }

    /// The plan that was approved. Whoever only looks at what an approval would do approves nothing.
    pub fn approved(&self) -> Option<&str> {
        match self {
            Self::Approval { approved_by, .. } => {
                approved_by.asked().filter(|asked| !asked.dry_run)?.approve.as_deref()
            }
            Self::Rejection { .. } | Self::Wanted { .. } | Self::Trigger(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alarm() -> Value {
        json!({ "id": "arn@1", "at": "2026-11-24T14:00:00Z", "kind": { "alarm": {
            "name": "high-cpu", "arn": "arn", "state": "ALARM", "reason": "crossed", "metrics": [] } } })
    }

    fn person(asked: &Value) -> Value {
        json!({ "id": "request-1", "at": "2026-11-24T14:05:00Z", "kind": { "person": asked } })
    }

    fn machine(asked: &Value) -> Value {
        let task = json!({ "execution": "arn:aws:states:x", "state": "Remedy@1", "asked": asked });
        json!({ "id": "arn:aws:states:x/Remedy@1", "at": "2026-11-24T14:05:00Z", "kind": { "step_functions": task } })
    }

    /// It is written as it was read, and every version has written it so.
    #[track_caller]
    fn read(written: &Value) -> WokenBy {
        let read: WokenBy = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), *written);
        read
    }

    #[test]
    fn an_approval_names_its_plan_whoever_sent_it() {
        let approve = json!({ "dry_run": false, "approve": "0a1b2c3d4e5f" });
        for approved_by in [person(&approve), machine(&approve)] {
            let written =
                json!({ "approved_by": approved_by, "by": "Ana", "verified": false, "of": alarm() });
            assert_eq!(read(&written).approved(), Some("0a1b2c3d4e5f"));
            let shortened = json!({ "approved_by": approved_by, "by": null, "verified": false,
                "of": "… 1 more levels left out" });
            assert_eq!(read(&shortened).approved(), Some("0a1b2c3d4e5f"));
        }
        let reject = person(&json!({ "dry_run": false, "reject": "0a1b2c3d4e5f" }));
        let look = person(&json!({ "dry_run": true, "approve": "0a1b2c3d4e5f" }));
        for other in [
            json!({ "approved_by": look, "by": "Ana", "verified": false, "of": alarm() }),
            json!({ "rejected_by": reject, "by": null, "verified": false, "of": alarm() }),
            json!({ "wanted_since": "2026-11-24T13:00:00Z", "of": alarm() }),
            alarm(),
            // It was refused before its plan was found.
            person(&approve),
        ] {
            assert_eq!(read(&other).approved(), None, "{other}");
        }
    }

    #[test]
    fn who_voted_is_kept_and_a_record_of_before_there_were_votes_is_not_verified() {
        let approve = person(&json!({ "dry_run": false, "approve": "0a1b2c3d4e5f" }));
        let vote = json!({ "said": "approve", "sender": { "id": "AROAEXAMPLE", "name": "alice" },
            "at": "2026-11-24T14:04:00Z", "message": "m-1" });
        let voted = json!({ "approved_by": approve, "by": "alice", "verified": true, "votes": [vote], "of": alarm() });
        assert_eq!(read(&voted).approved(), Some("0a1b2c3d4e5f"));
        let before = json!({ "approved_by": approve, "by": "Ana", "of": alarm() });
        let before: WokenBy = serde_json::from_value(before).unwrap();
        let WokenBy::Approval { verified, votes, .. } = before else { panic!("it is no approval") };
        assert_eq!((verified, votes), (false, Vec::new()));
    }

    #[test]
    fn a_trigger_that_is_borrowed_is_written_as_one_of_its_own() {
        let trigger: Trigger = serde_json::from_value(alarm()).unwrap();
        assert_eq!(serde_json::to_value(WokenBy::Trigger(&trigger)).unwrap(), alarm());
        let since = Timestamp::UNIX_EPOCH;
        let wanted: WokenBy<&Trigger> = WokenBy::Wanted { wanted_since: since, of: alarm() };
        assert_eq!(serde_json::to_value(wanted).unwrap(), json!({ "wanted_since": since, "of": alarm() }));
    }
}

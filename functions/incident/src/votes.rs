//! Which votes about a plan count: of each sender one, of named people where that is wanted, and of an approval not that of
//! who asked. The first rejection ends a plan.

use jiff::Timestamp;
use shared::{
    code,
    code::Code,
    guard::check_approval,
    ledger::Approval,
    outcome::Stop,
    trigger::{Kind, Sender, Trigger},
    vote::{Said, Vote, names},
};

use crate::{codes, settings::Approvals};

/// What follows from a vote.
#[derive(Debug, Clone, PartialEq)]
pub enum Judged {
    /// It counts. So many approvals are still missing then.
    Counts {
        missing: usize,
    },
    /// The sender has said so before, and so many are still missing.
    Known {
        missing: usize,
    },
    /// All that is needed is there already: its function is called once more, in case that it was not.
    Complete,
    Refused {
        code: &'static Code,
        why: String,
    },
}

/// What a sender's word about a plan comes to.
pub fn judge(
    approval: &Approval,
    function: &str,
    said: Said,
    sender: &Sender,
    rules: &Approvals,
    now: Timestamp,
) -> Judged {
    let refused = |code, why: String| Judged::Refused { code, why };
    if let Err(Stop { code, reason, .. }) = check_approval(approval, now) {
        return refused(code, reason);
    }
    if rules.named && !sender.is_named() {
        let name = sender.name();
        return refused(&code::APPROVER_UNNAMED, format!("the session `{name}` has no person's name"));
    }
    let minimum = rules.minimum(function);
    let approvals = count(&approval.votes);
    let rejected_by = names(&approval.votes, Said::Reject);
    match said {
        Said::Reject if !rejected_by.is_empty() => Judged::Complete,
        Said::Approve if !rejected_by.is_empty() => {
            refused(&code::APPROVAL_REJECTED, format!("{rejected_by} rejected the plan"))
        }
        Said::Reject if approvals >= minimum => {
            let by = names(&approval.votes, Said::Approve);
            refused(&code::APPROVAL_USED, format!("{by} approved the plan, and it is being carried out"))
        }
        Said::Reject => Judged::Counts { missing: 0 },
        Said::Approve => {
            if rules.not_by_who_asked.contains(function)
                && let Some((code, why)) = asked_for_by(&approval.trigger, sender)
            {
                return refused(code, why);
            }
            let voted = approval.votes.iter().any(|vote| vote.sender == *sender);
            match minimum.saturating_sub(approvals) {
                0 => Judged::Complete,
                missing if voted => Judged::Known { missing },
                missing => Judged::Counts { missing: missing - 1 },
            }
        }
    }
}

fn count(votes: &[Vote]) -> usize {
    votes.iter().filter(|vote| vote.said == Said::Approve).count()
}

/// Why a sender may not approve what somebody asked for. Whoever asks says who it is, and no name is no one else's.
fn asked_for_by(trigger: &Trigger, sender: &Sender) -> Option<(&'static Code, String)> {
    let asked = match &trigger.kind {
        Kind::Person(asked) | Kind::StepFunctions { asked, .. } => asked,
        Kind::Alarm(_) | Kind::Schedule { .. } | Kind::Ecs(_) | Kind::Pipeline(_) => return None,
    };
    match asked.asker() {
        Some(by) if sender.is_in(&by) => {
            let why = format!("{} asked for the plan, and somebody else has to approve it", sender.name());
            Some((&codes::ASKED_BY_SENDER, why))
        }
        Some(_) => None,
        // A state machine that an alarm started asks for nobody.
        None if matches!(trigger.kind, Kind::StepFunctions { .. }) => None,
        None => {
            let why =
                "who asked for the plan left no name: ask for it again with `\"by\": \"<name>\"`".to_owned();
            Some((&codes::ASKER_UNKNOWN, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-28T20:00:00Z";

    fn sender(name: &str) -> Sender {
        Sender::of(&format!("AROAEXAMPLE:{name}"))
    }

    fn approval(asked: &Value, votes: &[(Said, &str)]) -> Approval {
        let stored = json!({
            "id": "0123456789abcd", "trigger": { "id": "a", "at": "2026-11-28T19:56:45Z", "kind": asked },
            "target": "t", "plan_hash": "1", "expires": "2026-11-28T20:26:45Z",
        });
        let votes = votes.iter().map(|(said, name)| Vote {
            said: *said,
            sender: sender(name),
            at: NOW.parse().unwrap(),
            message: format!("m-{name}"),
            words: String::new(),
        });
        Approval { votes: votes.collect(), ..serde_json::from_value(stored).unwrap() }
    }

    fn by_hand(by: &str) -> Value {
        json!({ "person": { "by": by } })
    }

    fn rules() -> Approvals {
        Approvals {
            minimum: [("snapshot-restore".to_owned(), 2)].into(),
            not_by_who_asked: ["snapshot-restore".to_owned()].into(),
            named: true,
        }
    }

    /// What a sender's word about a plan of this function comes to.
    fn judged(function: &str, approval: &Approval, said: Said, name: &str) -> Judged {
        judge(approval, function, said, &sender(name), &rules(), NOW.parse().unwrap())
    }

    #[track_caller]
    fn refused(judged: Judged, expected: &Code) {
        let Judged::Refused { code, why } = judged else { panic!("{judged:?}") };
        assert!(code == expected && !why.is_empty(), "{code:?}: {why}");
    }

    #[test]
    fn one_approval_is_enough_and_two_where_two_are_wanted() {
        let none = approval(&by_hand("dan"), &[]);
        let one = approval(&by_hand("dan"), &[(Said::Approve, "alice")]);
        let two = approval(&by_hand("dan"), &[(Said::Approve, "alice"), (Said::Approve, "bob")]);
        assert_eq!(judged("restart", &none, Said::Approve, "alice"), Judged::Counts { missing: 0 });
        assert_eq!(judged("snapshot-restore", &none, Said::Approve, "alice"), Judged::Counts { missing: 1 });
        assert_eq!(judged("snapshot-restore", &one, Said::Approve, "alice"), Judged::Known { missing: 1 });
        assert_eq!(judged("snapshot-restore", &one, Said::Approve, "bob"), Judged::Counts { missing: 0 });
        for name in ["alice", "bob", "cleo"] {
            assert_eq!(judged("snapshot-restore", &two, Said::Approve, name), Judged::Complete);
        }
        assert_eq!(judged("restart", &one, Said::Approve, "alice"), Judged::Complete);
    }

    #[test]
    fn the_first_rejection_ends_it_unless_it_comes_too_late() {
        let none = approval(&by_hand("dan"), &[]);
        let one = approval(&by_hand("dan"), &[(Said::Approve, "alice")]);
        let over = approval(&by_hand("dan"), &[(Said::Approve, "alice"), (Said::Reject, "bob")]);
        assert_eq!(judged("restart", &none, Said::Reject, "bob"), Judged::Counts { missing: 0 });
        assert_eq!(judged("snapshot-restore", &one, Said::Reject, "alice"), Judged::Counts { missing: 0 });
        refused(judged("restart", &one, Said::Reject, "bob"), &code::APPROVAL_USED);
        refused(judged("snapshot-restore", &over, Said::Approve, "cleo"), &code::APPROVAL_REJECTED);
        assert_eq!(judged("snapshot-restore", &over, Said::Reject, "cleo"), Judged::Complete);
    }

    #[test]
    fn who_asked_does_not_approve_and_has_to_be_known() {
        for by in ["alice", "claude-code for alice", "arn:aws:sts::123456789012:assumed-role/Ops/alice"] {
            let asked = approval(&by_hand(by), &[]);
            refused(judged("snapshot-restore", &asked, Said::Approve, "alice"), &codes::ASKED_BY_SENDER);
            assert_eq!(judged("restart", &asked, Said::Approve, "alice"), Judged::Counts { missing: 0 });
            assert_eq!(
                judged("snapshot-restore", &asked, Said::Reject, "alice"),
                Judged::Counts { missing: 0 }
            );
        }
        let nobody = approval(&json!({ "person": {} }), &[]);
        refused(judged("snapshot-restore", &nobody, Said::Approve, "bob"), &codes::ASKER_UNKNOWN);
        let machine = json!({ "step_functions": { "execution": "arn:e", "state": "S", "asked": {} } });
        let machine = approval(&machine, &[]);
        assert_eq!(judged("snapshot-restore", &machine, Said::Approve, "bob"), Judged::Counts { missing: 1 });
    }

    #[test]
    fn what_is_over_is_over_and_a_session_without_a_name_decides_nothing() {
        let open = approval(&by_hand("dan"), &[]);
        let used = Approval { used: true, ..open.clone() };
        let rejected = Approval { rejected: Some(shared::ledger::Rejection::default()), ..open.clone() };
        let expired = Approval { expires: NOW.parse().unwrap(), ..open.clone() };
        for said in [Said::Approve, Said::Reject] {
            refused(judged("restart", &used, said, "bob"), &code::APPROVAL_USED);
            refused(judged("restart", &rejected, said, "bob"), &code::APPROVAL_REJECTED);
            refused(judged("restart", &expired, said, "bob"), &code::APPROVAL_EXPIRED);
            refused(judged("restart", &open, said, "botocore-session-1795860000"), &code::APPROVER_UNNAMED);
        }
    }
}

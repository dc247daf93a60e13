//! What the exit code says. Never 0 for what failed.

use std::process::ExitCode;

use crate::answer::{Answer, Decision};

/// How it ended. The codes are part of what scripts rely on: they do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done and verified, nothing to do, healthy.
    Done,
    /// It failed, or something unforeseen happened.
    Failed,
    /// The command line is wrong: clap's own.
    Usage,
    /// A function refused it; the code on stderr says why.
    Refused,
    /// No credentials, expired ones, or AWS denied it.
    NoAccess,
    /// Unhealthy; or done, and not verified.
    Unwell,
    /// Only looked: the function's mode is `observe`.
    Observed,
    /// Waits for a person's approval, or is under way.
    Pending,
    /// It took longer than `--timeout`.
    TimedOut,
    /// Ctrl-C, or a no to the question.
    Interrupted,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NoAccess => 4,
            Self::Unwell => 5,
            Self::Observed => 6,
            Self::Pending => 8,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
        }
    }

    /// Of several answers, the one that a person has to hear of.
    #[must_use]
    pub(crate) fn or_worse(self, other: Self) -> Self {
        const WORST_FIRST: [Exit; 10] = [
            Exit::Failed,
            Exit::NoAccess,
            Exit::Usage,
            Exit::Refused,
            Exit::Interrupted,
            Exit::TimedOut,
            Exit::Unwell,
            Exit::Pending,
            Exit::Observed,
            Exit::Done,
        ];
        WORST_FIRST.into_iter().find(|exit| *exit == self || *exit == other).unwrap_or(Self::Failed)
    }

    /// What an answer means to whoever asked.
    pub(crate) fn of(answer: &Answer) -> Self {
        if !answer.outcomes.is_empty() {
            let all = answer.outcomes.iter().map(Self::of);
            return all.reduce(Self::or_worse).unwrap_or(Self::Failed);
        }
        if let Some(healthy) = answer.healthy {
            return if healthy { Self::Done } else { Self::Unwell };
        }
        match &answer.decision {
            // Nothing to verify is nothing unverified.
            Decision::Applied if answer.verified() != Some(false) => Self::Done,
            Decision::Applied => Self::Unwell,
            Decision::NothingToDo | Decision::Replayed | Decision::Listed => Self::Done,
            Decision::Observed => Self::Observed,
            Decision::AwaitingApproval => Self::Pending,
            Decision::Refused => Self::Refused,
            Decision::Failed | Decision::Unknown(_) => Self::Failed,
        }
    }

    /// The same, where only a look was asked for: to have looked is all of it.
    pub(crate) fn of_look(answer: &Answer) -> Self {
        match Self::of(answer) {
            Self::Observed => Self::Done,
            other => other,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(answer: &Value, expected: u8) {
        assert_eq!(Exit::of(&Answer::of(answer)).code(), expected, "{answer}");
    }

    #[test]
    fn each_decision_has_its_code() {
        for (decision, expected) in [
            ("applied", 0),
            ("nothing_to_do", 0),
            ("replayed", 0),
            ("listed", 0),
            ("failed", 1),
            ("refused", 3),
            ("observed", 6),
            ("awaiting_approval", 8),
        ] {
            check(&json!({ "decision": decision }), expected);
        }
    }

    #[test]
    fn whoever_asks_for_what_waits_already_waits_too() {
        check(&json!({ "decision": "nothing_to_do", "code": "approval_pending" }), 8);
    }

    #[test]
    fn what_was_applied_and_not_seen_to_work_is_not_well() {
        check(&json!({ "decision": "applied", "verification": { "verified": true, "what": "" } }), 0);
        check(&json!({ "decision": "applied", "verification": { "verified": false, "what": "" } }), 5);
        check(&json!({ "decision": "applied", "verification": null }), 0);
    }

    #[test]
    fn a_word_that_this_version_does_not_know_is_never_a_success() {
        check(&json!({ "decision": "postponed" }), 1);
        check(&json!({}), 1);
        check(&json!([]), 1);
    }

    #[test]
    fn health_is_told_by_its_own_field() {
        check(&json!({ "healthy": true }), 0);
        check(&json!({ "healthy": false }), 5);
    }

    #[test]
    fn of_several_answers_the_worst_counts() {
        let of = |decisions: [&str; 2]| json!({ "outcomes": decisions.map(|decision| json!({ "decision": decision })) });
        check(&of(["applied", "applied"]), 0);
        check(&of(["applied", "awaiting_approval"]), 8);
        check(&of(["refused", "awaiting_approval"]), 3);
        check(&of(["refused", "failed"]), 1);
    }

    #[test]
    fn a_dry_run_that_would_act_has_done_what_was_asked() {
        let look = |decision: &str| Exit::of_look(&Answer::of(&json!({ "decision": decision }))).code();
        assert_eq!((look("observed"), look("refused"), look("failed")), (0, 3, 1));
    }
}

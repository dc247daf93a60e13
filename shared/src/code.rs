//! Why a run answered as it did, for programs. Each code is declared once, with the sentence that says when it is the
//! answer: a function's own in its `codes.rs`, and what several functions answer here. Two functions never declare the
//! same name.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};

/// A reason, as answers name it.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    name: &'static str,
    when: &'static str,
    standing: Standing,
}

/// What follows a request that changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Answered,
    UnderWay,
    ForNow,
}

impl Code {
    /// `when` is a sentence for people: when is this the answer?
    pub const fn new(name: &'static str, when: &'static str) -> Self {
        Self { name, when, standing: Standing::Answered }
    }

    /// The same is being done already: the caller looks whether it helps.
    pub const fn under_way(name: &'static str, when: &'static str) -> Self {
        Self { name, when, standing: Standing::UnderWay }
    }

    /// It cannot be done yet: the caller asks again.
    pub(crate) const fn for_now(name: &'static str, when: &'static str) -> Self {
        Self { name, when, standing: Standing::ForNow }
    }

    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub const fn when(&self) -> &'static str {
        self.when
    }

    pub fn is_under_way(&self) -> bool {
        self.standing == Standing::UnderWay
    }

    pub fn is_for_now(&self) -> bool {
        self.standing == Standing::ForNow
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

/// The name of a code in an answer. Only a code gives one. An answer that is read back may have the name of a code that
/// an earlier version had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(Cow<'static, str>);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is(&self, code: &Code) -> bool {
        self.0 == code.name
    }
}

impl From<&'static Code> for Name {
    fn from(code: &'static Code) -> Self {
        Self(Cow::Borrowed(code.name))
    }
}

/// Whether this is the name of a code here that says that something is under way. The answers of earlier versions do
/// not say so themselves.
pub fn is_under_way(name: &str) -> bool {
    CODES.iter().any(|code| code.name == name && code.is_under_way())
}

/// Whether a refusal is one for now: what was asked for is still wanted. Only codes from here are.
pub fn is_for_now(name: &str) -> bool {
    CODES.iter().any(|code| code.name == name && code.is_for_now())
}

// What was or would be done.
pub const APPLIED: Code = Code::new("applied", "Every action was carried out.");
pub const ACTION_FAILED: Code =
    Code::new("action_failed", "An action was begun and failed. The scheduled run tries it again.");
pub const GIVEN_UP: Code = Code::new(
    "given_up",
    "What was begun earlier is not carried on any more: it is too old, or not allowed or wanted now.",
);
pub const CHANGED_MEANWHILE: Code = Code::new(
    "changed_meanwhile",
    "Somebody else changed the target between the plan and the claim, and that was left as it is.",
);
pub const WOULD_ACT: Code =
    Code::new("would_act", "The plan was only shown: `MODE` is `observe`, or the request was a dry run.");
pub const WOULD_REJECT: Code =
    Code::new("would_reject", "The request was a dry run of a rejection: the plan still waits.");
pub const VERIFIED: Code =
    Code::new("verified", "The scheduled run saw that an earlier change has taken effect.");
pub const NOT_VERIFIED: Code =
    Code::new("not_verified", "The time for an earlier change is over, and it was not seen to take effect.");
pub const SUPERSEDED: Code = Code::new(
    "superseded",
    "A newer deployment or change has taken the place of the one that this was about.",
);

// Follow-ups.
pub const NOTHING_TO_LOOK_AFTER: Code =
    Code::new("nothing_to_look_after", "The scheduled run found nothing that waits to settle.");
pub const STILL_SETTLING: Code = Code::under_way(
    "still_settling",
    "The scheduled run saw that an earlier change has not taken effect yet, and still has time.",
);

// The event and its sender.
pub const MODE_OFF: Code = Code::new("mode_off", "The function is switched off: `MODE` is `off`.");
pub const NOT_OF_THIS_ACCOUNT: Code =
    Code::new("not_of_this_account", "The event is of another account or region.");
pub const NOT_ALLOWED: Code = Code::new(
    "not_allowed",
    "The settings do not let this function act on what the event or the request names.",
);
pub const EVENT_FROM_THE_FUTURE: Code = Code::new("event_from_the_future", "The event is dated ahead.");
pub const EVENT_TOO_OLD: Code =
    Code::new("event_too_old", "The event is older than `MAX_EVENT_AGE_SECONDS`: what it saw may be over.");
pub const ANSWERED_BEFORE: Code =
    Code::new("answered_before", "The event was answered before, and that answer cannot be read.");

// The alarm that asks.
pub const ALARM_NOT_IN_ALARM: Code =
    Code::new("alarm_not_in_alarm", "The alarm is not in ALARM, or not any more.");
pub const ALARM_UNKNOWN: Code =
    Code::new("alarm_unknown", "CloudWatch has no such alarm that the function may read.");
pub const ALARM_OF_SOMETHING_ELSE: Code = Code::new(
    "alarm_of_something_else",
    "The alarm watches something that is not of this stack, or that the function does not help against.",
);
pub const ALARM_NOT_WIRED: Code = Code::new(
    "alarm_not_wired",
    "The alarm came neither by the function's own topic nor by a name in `TRUSTED_ALARMS`.",
);
pub const WRONG_SIDE: Code =
    Code::new("wrong_side", "The alarm is in ALARM for a value that is too low, or may be.");
pub const DATA_MISSING: Code = Code::new("data_missing", "The alarm is in ALARM because data is missing.");
pub const ACTIONS_SUPPRESSED: Code =
    Code::new("actions_suppressed", "Somebody has suppressed the composite alarm's actions.");

// What prevents a plan.
pub const KILL_SWITCH: Code = Code::for_now("kill_switch", "Somebody has set a kill switch.");
pub const CLAIMED_BY_ANOTHER: Code =
    Code::for_now("claimed_by_another", "Another run is at work on the target, and answers for this.");
pub const HELD_BY_ANOTHER_REMEDY: Code = Code::for_now(
    "held_by_another_remedy",
    "Another function is at work on the target, or waits for it and goes first.",
);
pub const LEDGER_UNAVAILABLE: Code =
    Code::for_now("ledger_unavailable", "The ledger did not answer, and nothing is changed without it.");
pub const AWS_FAILED: Code = Code::for_now("aws_failed", "AWS could not be read.");
pub const COOLDOWN: Code =
    Code::new("cooldown", "Something was done to the target a moment ago, and its effect may still come.");
pub const BUDGET_SPENT: Code =
    Code::new("budget_spent", "As many actions as are allowed were done to the target within 24 hours.");

// What an event asked for and could not be done then.
pub const NO_LONGER_WANTED: Code =
    Code::new("no_longer_wanted", "The reason for what could not be done earlier is over.");
pub const NOTHING_WANTED: Code =
    Code::new("nothing_wanted", "Another run has done what could not be done earlier.");
pub const NOT_UNDERSTOOD: Code =
    Code::new("not_understood", "Today's version does not understand what could not be done earlier.");

// The approval of a person.
pub const APPROVAL_NEEDED: Code = Code::new("approval_needed", "A person has to approve the plan.");
pub const APPROVAL_PENDING: Code =
    Code::new("approval_pending", "The same plan waits for a person's approval already.");
pub const APPROVAL_UNKNOWN: Code =
    Code::new("approval_unknown", "No plan of this function with that id waits for approval.");
pub const APPROVAL_REJECTED: Code = Code::new("approval_rejected", "A person has rejected the plan.");
pub const APPROVAL_EXPIRED: Code = Code::new("approval_expired", "The plan was not approved in time.");
pub const APPROVAL_USED: Code =
    Code::new("approval_used", "The plan was approved before, and an approval acts once.");
pub const PLAN_CHANGED: Code =
    Code::new("plan_changed", "What would be done now is not what the person approved.");
pub const APPROVER_UNNAMED: Code = Code::new(
    "approver_unnamed",
    "AWS has not said who decides, and `NAMED_APPROVERS` is on: it did not come over the queue of approvals, or from a session that has no name.",
);
pub const REJECTED: Code = Code::new("rejected", "The person's rejection of the plan is recorded.");

// What several functions need.
pub const SECRET_MISSING: Code =
    Code::new("secret_missing", "There is no such secret, or it is being deleted.");

// What has to hold of an ECS service: `ecs::ready` checks it.
pub const SERVICE_MISSING: Code =
    Code::new("service_missing", "The cluster has no service of the configured name.");
pub const SERVICE_INACTIVE: Code =
    Code::new("service_inactive", "The service is not ACTIVE: somebody has deleted it.");
pub const NOT_DEPLOYED_BY_ECS: Code = Code::new(
    "not_deployed_by_ecs",
    "ECS does not carry out the service's deployments: CodeDeploy or another does.",
);
pub const SCALED_TO_ZERO: Code =
    Code::new("scaled_to_zero", "The service has a desired count of 0: somebody stopped it.");
pub const DEPLOYMENT_FAILED: Code = Code::new(
    "deployment_failed",
    "The service's last deployment has failed, and another would fail the same way.",
);
pub const DEPLOYMENT_IN_PROGRESS: Code =
    Code::under_way("deployment_in_progress", "A deployment of the service is under way.");
pub const DEPLOYMENT_STAGE: Code = Code::new(
    "deployment_stage",
    "A deployment of the service is moving its traffic (blue/green, linear or canary), and ECS takes no change meanwhile.",
);
pub const TASKS_PENDING: Code = Code::under_way(
    "tasks_pending",
    "Fewer tasks run than the desired count: the others are still starting.",
);
pub const TASKS_FAIL_TO_START: Code = Code::new(
    "tasks_fail_to_start",
    "At least two tasks failed within 2 minutes of their start in the last 10 minutes: new ones would fail the same way.",
);
pub const TASK_DEFINITION_MISSING: Code =
    Code::new("task_definition_missing", "The service's task definition is being deleted.");
pub const CANNOT_BE_COPIED: Code = Code::new(
    "cannot_be_copied",
    "The task definition would have to be copied, and a copy would lose a field or a tag.",
);

/// All that this crate declares.
pub const CODES: &[&Code] = &[
    &APPLIED,
    &ACTION_FAILED,
    &GIVEN_UP,
    &CHANGED_MEANWHILE,
    &WOULD_ACT,
    &WOULD_REJECT,
    &VERIFIED,
    &NOT_VERIFIED,
    &SUPERSEDED,
    &NOTHING_TO_LOOK_AFTER,
    &STILL_SETTLING,
    &MODE_OFF,
    &NOT_OF_THIS_ACCOUNT,
    &NOT_ALLOWED,
    &EVENT_FROM_THE_FUTURE,
    &EVENT_TOO_OLD,
    &ANSWERED_BEFORE,
    &ALARM_NOT_IN_ALARM,
    &ALARM_UNKNOWN,
    &ALARM_OF_SOMETHING_ELSE,
    &ALARM_NOT_WIRED,
    &WRONG_SIDE,
    &DATA_MISSING,
    &ACTIONS_SUPPRESSED,
    &KILL_SWITCH,
    &CLAIMED_BY_ANOTHER,
    &HELD_BY_ANOTHER_REMEDY,
    &LEDGER_UNAVAILABLE,
    &AWS_FAILED,
    &COOLDOWN,
    &BUDGET_SPENT,
    &NO_LONGER_WANTED,
    &NOTHING_WANTED,
    &NOT_UNDERSTOOD,
    &APPROVAL_NEEDED,
    &APPROVAL_PENDING,
    &APPROVAL_UNKNOWN,
    &APPROVAL_REJECTED,
    &APPROVAL_EXPIRED,
    &APPROVAL_USED,
    &PLAN_CHANGED,
    &APPROVER_UNNAMED,
    &REJECTED,
    &SECRET_MISSING,
    &SERVICE_MISSING,
    &SERVICE_INACTIVE,
    &NOT_DEPLOYED_BY_ECS,
    &SCALED_TO_ZERO,
    &DEPLOYMENT_FAILED,
    &DEPLOYMENT_IN_PROGRESS,
    &DEPLOYMENT_STAGE,
    &TASKS_PENDING,
    &TASKS_FAIL_TO_START,
    &TASK_DEFINITION_MISSING,
    &CANNOT_BE_COPIED,
];

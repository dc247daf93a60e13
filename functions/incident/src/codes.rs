//! The reason codes of this function alone: those of its audit records, and of what it answers to the queue of approvals.

use shared::code::Code;

pub const STOPPED: Code = Code::new("stopped", "Somebody has set a kill switch.");
pub const LIFTED: Code = Code::new("lifted", "Somebody has lifted a kill switch.");

// What a message of the queue came to.
pub const APPROVED: Code =
    Code::new("approved", "The plan has the approvals that it needs, and its function was called with them.");
pub const APPROVALS_MISSING: Code = Code::new(
    "approvals_missing",
    "The approval is recorded, and the plan needs more of them, by other people.",
);
pub const ASKED_BY_SENDER: Code = Code::new(
    "asked_by_sender",
    "Who approves has asked for the plan, and `NOT_BY_WHO_ASKED` has the function.",
);
pub const ASKER_UNKNOWN: Code = Code::new(
    "asker_unknown",
    "The person who asked for the plan has left no name, and `NOT_BY_WHO_ASKED` has the function.",
);
pub const MESSAGE_UNREADABLE: Code =
    Code::new("message_unreadable", "The message is none that the queue of approvals takes.");
pub const MESSAGE_REFUSED: Code =
    Code::new("message_refused", "What the message asks for cannot be done: the summary says why.");
pub const ACKNOWLEDGED: Code = Code::new("acknowledged", "Somebody has acknowledged the incident.");
pub const NOTED: Code = Code::new("noted", "A note was added to the incident's timeline.");
pub const NOTHING_CHANGED: Code = Code::new("nothing_changed", "It was so already.");

pub const CODES: &[&Code] = &[
    &STOPPED,
    &LIFTED,
    &APPROVED,
    &APPROVALS_MISSING,
    &ASKED_BY_SENDER,
    &ASKER_UNKNOWN,
    &MESSAGE_UNREADABLE,
    &MESSAGE_REFUSED,
    &ACKNOWLEDGED,
    &NOTED,
    &NOTHING_CHANGED,
];

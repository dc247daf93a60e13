//! What the load balancer's health check meets at the tasks.

use super::{Now, State, load};

/// How many targets are sick, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sick {
    None,
    /// All answer with this status.
    All(u16),
    /// One of them does not answer.
    One,
}

pub(super) fn sick(state: &State, now: Now) -> Sick {
    if load::is_overload(now.load, now.running_tasks) || state.database_down(now) {
        Sick::All(503)
    } else if now.broken {
        Sick::All(500)
    } else if state.has_bad_task() {
        Sick::One
    } else {
        Sick::None
    }
}

impl Sick {
    /// How many targets, and the load balancer's reason and words.
    pub(super) fn told(self) -> (usize, &'static str, String) {
        match self {
            Self::None => (0, "", String::new()),
            Self::All(status) => (
                usize::MAX,
                "Target.ResponseCodeMismatch",
                format!("Health checks failed with these codes: [{status}]"),
            ),
            Self::One => (1, "Target.Timeout", "Request timed out".to_owned()),
        }
    }
}

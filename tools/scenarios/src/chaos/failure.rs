//! What goes wrong with one call.

use std::time::Duration;

use sandbox::gateway::{Fault, Rule};

use super::point::Place;

/// More than the SDK clients wait for one attempt: `ATTEMPT_TIMEOUT` of `shared/src/aws.rs`.
const OUT_OF_PATIENCE: Duration = Duration::from_secs(6);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The process is killed before the call does anything.
    KilledBefore,
    /// The process is killed when the call has taken effect, before its answer.
    KilledAfter,
    ThrottledTwice,
    Answered500,
    /// No answer until the caller gives up.
    Hangs,
    Denied,
    /// The call takes effect; half of the answer comes, then the connection ends.
    CutShort,
}

impl Failure {
    pub const ALL: [Self; 7] = [
        Self::KilledBefore,
        Self::KilledAfter,
        Self::ThrottledTwice,
        Self::Answered500,
        Self::Hangs,
        Self::Denied,
        Self::CutShort,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::KilledBefore => "killed-before",
            Self::KilledAfter => "killed-after",
            Self::ThrottledTwice => "throttled-twice",
            Self::Answered500 => "answered-500",
            Self::Hangs => "hangs",
            Self::Denied => "denied",
            Self::CutShort => "cut-short",
        }
    }

    pub fn kills(self) -> bool {
        matches!(self, Self::KilledBefore | Self::KilledAfter)
    }

    /// Lets it happen at a place.
    pub(super) fn at(self, place: &Place) -> Rule {
        let (fault, times) = match self {
            Self::KilledBefore => (Fault::HangBefore, 1),
            Self::KilledAfter => (Fault::HangAfter, 1),
            Self::ThrottledTwice => (Fault::Throttle, 2),
            Self::Answered500 => (Fault::InternalError, 1),
            Self::Hangs => (Fault::Timeout(OUT_OF_PATIENCE), 1),
            Self::Denied => (Fault::Denied, 1),
            Self::CutShort => (Fault::CutShort, 1),
        };
        Rule::new(&place.service, &place.operation, fault).of(&place.caller).at(place.k).times(times)
    }
}

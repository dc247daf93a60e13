//! What happens in a simulated account, and in which order.

use crate::plan::Kind;
use crate::time::Micros;

/// Who waits for a run.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// Nobody: a schedule or an alarm. Lambda repeats it after an error, and while there is no concurrency left.
    Event { errors: u32, refusals: u32, since: Micros },
    /// The state machine of its service, which is at this step.
    Machine { step: usize, refusals: u32 },
    /// Another run's call.
    Call(Call),
}

impl By {
    pub fn event(since: Micros) -> Self {
        Self::Event { errors: 0, refusals: 0, since }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub(super) run: u64,
    pub(super) chain: usize,
    pub(super) place: usize,
    pub(super) attempt: u32,
    pub(super) since: Micros,
}

/// What the state machine `service-down` does next.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Run(Kind),
    Wait(Micros),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Start { service: u32, kind: Kind, by: By },
    Stage(u64),
    Ask(Call),
    Answer(Call, bool),
    Step { service: u32, step: usize, refusals: u32 },
}

/// Ordered by time, then by which came first.
pub(super) struct Due {
    pub(super) at: Micros,
    pub(super) number: u64,
    pub(super) event: Event,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

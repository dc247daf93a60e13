//! What has to happen to an incident because time has passed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{parts::Owner, pending::PendingNotice, state::Incident};

/// What comes back within this time after the end is the same incident.
pub const REOPENED_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// Once all alarms have been OK for this long and nobody is working on it, the incident is over.
const OVER_AFTER: Duration = Duration::from_mins(15);
/// The probe's alarm evaluates three minutes.
const SEEN_BY_ALARMS: SignedDuration = SignedDuration::from_mins(5);
/// An execution begins within a second: after a minute it is started again.
const START_AGAIN: Duration = Duration::from_mins(1);
/// After that, a person is quicker.
const START_GIVEN_UP: Duration = Duration::from_mins(5);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Nobody acknowledged it in time.
    NextLevel { level: u8, reason: String },
    /// The state machine has not begun: start it again.
    StartMachine,
    /// The state machine has not begun for `START_GIVEN_UP`.
    NotStarted,
    /// Look whether the state machine still runs.
    CheckExecution { execution: String },
    /// The state machine has been running for too long.
    TooLong,
    /// All its alarms have been OK for `OVER_AFTER`.
    AlarmsOk,
}

impl Incident {
    /// Whether people should have got the pending notice by now.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.pending_notice.as_ref().is_some_and(|notice: &PendingNotice| notice.is_overdue(now))
    }

    /// What is due at `now`, the most urgent first. `max_handling` is how long the state machine may run.
    pub fn due(&self, now: Timestamp, acknowledge_within: [Duration; 2], max_handling: Duration) -> Vec<Due> {
        if !self.is_open() {
            return Vec::new();
        }
        // A clock that goes back makes nothing due.
        let since = |at: Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
        let mut due = Vec::new();
        match &self.owner {
            Owner::MachineRequested { since: at } if since(*at) >= START_GIVEN_UP => {
                due.push(Due::NotStarted);
            }
            Owner::MachineRequested { since: at } if since(*at) >= START_AGAIN => due.push(Due::StartMachine),
            Owner::StateMachine { since: at, .. } if since(*at) >= max_handling => due.push(Due::TooLong),
            Owner::StateMachine { execution, .. } => {
                due.push(Due::CheckExecution { execution: execution.clone() });
            }
            Owner::People | Owner::MachineRequested { .. } | Owner::HandedOver { .. } => {}
        }
        // Only a person closes what a person opened.
        if !self.by_person
            && !self.is_with_the_machine()
            && self.all_ok_since.is_some_and(|at| since(at) >= OVER_AFTER)
        {
            return vec![Due::AlarmsOk];
        }
        let deadline = self.deadline(acknowledge_within);
        if self.acknowledged.is_none()
            && let Some(deadline) = deadline
            && since(self.level_since) >= deadline
        {
            let minutes = deadline.as_secs() / 60;
            let reason = format!("level {} did not acknowledge within {minutes} min", self.level);
            due.push(Due::NextLevel { level: self.level.saturating_add(1), reason });
        }
        due
    }

    /// How long the present level has to acknowledge. `None` for the highest level.
    pub fn deadline(&self, [level_1, level_2]: [Duration; 2]) -> Option<Duration> {
        match self.level {
            1 => Some(level_1),
            2 => Some(level_2),
            _ => None,
        }
    }

    /// Whether to look at its alarms although it was resolved: they have had time to see that it is over.
    pub fn may_not_be_over(&self, now: Timestamp) -> bool {
        self.resolved_at.is_some_and(|at| (SEEN_BY_ALARMS..REOPENED_WITHIN).contains(&now.duration_since(at)))
    }
}

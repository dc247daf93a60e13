//! What an alarm's change means to an incident. Events come late, twice, and in any order.

use jiff::{SignedDuration, Timestamp};

use super::{parts::Owner, pending::NoticeKind, state::Incident};

/// CloudWatch evaluates periods of a minute: an alarm does not go into ALARM twice within one.
const SAME_CHANGE: SignedDuration = SignedDuration::from_mins(1);

/// What an alarm in ALARM means to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recurrence {
    /// It was counted before, or has been OK since.
    Duplicate,
    /// One more alarm of the same outage.
    SameOutage,
    /// All alarms were OK before: this is another outage.
    NewOutage,
}

impl Incident {
    /// An alarm is in ALARM since `at`.
    pub fn alarm_fired(&mut self, alarm: &str, at: Timestamp) -> Recurrence {
        let is_known = |fired: &Timestamp| at.duration_since(*fired) < SAME_CHANGE;
        if self.firing.get(alarm).is_some_and(is_known) || self.last_ok.get(alarm).is_some_and(|ok| at < *ok)
        {
            return Recurrence::Duplicate;
        }
        let at_work = self.is_with_the_machine();
        let is_new_outage = self.firing.is_empty()
            && self.all_ok_since.is_some_and(|ok| {
                // Alarms that flap during a repair belong to its outage: the state machine probes by itself.
                at >= ok && !(at_work && at.duration_since(ok) < SAME_CHANGE)
            });
        self.firing.insert(alarm.to_owned(), at);
        if is_new_outage {
            // `recur` needs `all_ok_since`.
            return Recurrence::NewOutage;
        }
        self.all_ok_since = None;
        Recurrence::SameOutage
    }

    /// An alarm is OK since `at`. `false` if that changes nothing, because it was not in ALARM or has fired again
    /// since.
    pub fn alarm_ok(&mut self, alarm: &str, at: Timestamp) -> bool {
        if self.firing.get(alarm).is_none_or(|fired| at < *fired) {
            return false;
        }
        self.firing.remove(alarm);
        self.last_ok.insert(alarm.to_owned(), at);
        if self.firing.is_empty() {
            self.all_ok_since = self.last_ok.values().max().copied();
        }
        true
    }

    /// All its alarms were OK, and one is in ALARM again before the incident ended. The state machine starts again,
    /// unless it is running or a person has taken over.
    pub fn recur(&mut self, began: Timestamp, at: Timestamp) {
        self.well_at = self.all_ok_since.or(self.last_ok.values().max().copied());
        self.owner = match std::mem::replace(&mut self.owner, Owner::People) {
            Owner::HandedOver { .. } if !self.taken_over => Owner::MachineRequested { since: at },
            Owner::MachineRequested { .. } => Owner::MachineRequested { since: at },
            owner => owner,
        };
        self.begin_episode(began, at);
    }

    /// The incident had ended, and the same alarm or report came back. It is broken since `began`.
    pub fn reopen(&mut self, began: Timestamp, at: Timestamp) {
        let had_machine = self.owner != Owner::People;
        self.well_at = self.resolved_at.or(self.all_ok_since);
        self.resolved_at = None;
        self.resolution = None;
        self.taken_over = false;
        // OpsCenter gets a new item: a resolved one is not opened again.
        self.ops_item = None;
        self.owner = if had_machine { Owner::MachineRequested { since: at } } else { Owner::People };
        self.begin_episode(began, at);
    }

    /// What was found and tried before may not be what is wrong now.
    fn begin_episode(&mut self, began: Timestamp, at: Timestamp) {
        self.reopened = self.reopened.saturating_add(1);
        self.first_began_at.get_or_insert(self.began_at);
        self.began_at = began.min(at);
        self.episode_since = at;
        self.acknowledged = None;
        self.found = None;
        self.acted_at = None;
        self.all_ok_since = None;
        self.level_since = at;
        self.waited = false;
        self.kill_switch_told = false;
        self.announce(NoticeKind::Reopened, at);
    }
}

//! How much work arrives, and what it does to a task.

use std::time::{Duration, Instant};

/// Work in percent of what one task can do, on its way from one value to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    from: f64,
    to: f64,
    since: Instant,
    ramp: Duration,
}

impl Load {
    pub(super) fn steady(load: f64) -> Self {
        Self { from: load, to: load, since: Instant::now(), ramp: Duration::ZERO }
    }

    pub(super) fn go_to(&mut self, load: f64, ramp: Duration, now: Instant) {
        *self = Self { from: self.at(now), to: load, since: now, ramp };
    }

    pub(super) fn at(&self, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= self.ramp {
            return self.to;
        }
        self.from + (self.to - self.from) * elapsed.as_secs_f64() / self.ramp.as_secs_f64()
    }
}

/// What each of `tasks` gets. No task at all is overload without end; ten times is enough to show it.
pub(super) fn per_task(load: f64, tasks: u32) -> f64 {
    if tasks == 0 { 1000.0 } else { load / f64::from(tasks) }
}

/// Whether the tasks turn requests away: a queue takes some of what is too much, and no more.
pub(super) fn is_overload(load: f64, tasks: u32) -> bool {
    const LONGEST_QUEUE: f64 = 125.0;
    tasks > 0 && per_task(load, tasks) > LONGEST_QUEUE
}

/// How long an answer takes: a task that gets more than it can do makes its callers wait. Without a task, the load
/// balancer answers at once.
pub(super) fn latency(load: f64, tasks: u32) -> Duration {
    const UNLOADED: Duration = Duration::from_millis(5);
    const LONGEST: Duration = Duration::from_secs(5);
    if tasks == 0 {
        return UNLOADED;
    }
    let overload = (per_task(load, tasks) / 100.0 - 1.0).max(0.0);
    (UNLOADED + Duration::from_secs(2).mul_f64(overload)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_halfway_after_half_its_time() {
        let mut load = Load::steady(100.0);
        let start = Instant::now();
        load.go_to(200.0, Duration::from_secs(10), start);
        assert!((load.at(start + Duration::from_secs(5)) - 150.0).abs() < 1e-9);
        assert!((load.at(start + Duration::from_secs(11)) - 200.0).abs() < 1e-9);
    }

    #[test]
    fn answers_get_slow_only_when_tasks_are_overloaded() {
        assert_eq!(latency(150.0, 2), Duration::from_millis(5));
        assert!(latency(300.0, 2) > Duration::from_millis(900));
        assert_eq!(latency(5_000.0, 1), Duration::from_secs(5));
        assert_eq!(latency(1.0, 0), Duration::from_millis(5));
    }

    #[test]
    fn requests_are_turned_away_when_the_queue_is_full() {
        assert_eq!([is_overload(250.0, 2), is_overload(251.0, 2), is_overload(1.0, 0)], [false, true, false]);
    }
}

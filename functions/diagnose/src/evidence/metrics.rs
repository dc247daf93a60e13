//! Metrics as evenly spaced numbers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// By name: see [`name`]. One that is not here was not seen; one without a single value has no data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// The last twelve hours, by five minutes.
    pub recent: BTreeMap<String, Series>,
    /// The last fourteen days, by six hours.
    pub fortnight: BTreeMap<String, Series>,
}

/// The names of the series. Those of the database's instances have `/<instance>` after them.
pub mod name {
    /// Percent of what the tasks reserve.
    pub const ECS_CPU: &str = "ecs_cpu";
    pub const ECS_CPU_MAX: &str = "ecs_cpu_max";
    pub const ECS_MEMORY: &str = "ecs_memory";
    pub const ECS_MEMORY_MAX: &str = "ecs_memory_max";
    /// Requests in five minutes.
    pub const ALB_REQUESTS: &str = "alb_requests";
    /// Seconds.
    pub const ALB_P50: &str = "alb_response_p50";
    pub const ALB_P99: &str = "alb_response_p99";
    pub const ALB_MAX: &str = "alb_response_max";
    /// Answers in five minutes.
    pub const ALB_TARGET_5XX: &str = "alb_target_5xx";
    pub const ALB_ELB_5XX: &str = "alb_elb_5xx";
    pub const ALB_ELB_502: &str = "alb_elb_502";
    pub const ALB_ELB_504: &str = "alb_elb_504";
    pub const ALB_REJECTED: &str = "alb_rejected_connections";
    /// The cluster's volume, in bytes.
    pub const DB_VOLUME: &str = "db_volume_bytes";
    /// Write operations to the volume in five minutes.
    pub const DB_WRITES: &str = "db_volume_writes";
    /// Milliseconds, the longest of all readers.
    pub const DB_LAG_MAX: &str = "db_replica_lag_max";
    /// Of each instance: `db_connections/<instance>`.
    pub const DB_CONNECTIONS: &str = "db_connections";
    /// How many connections the instance takes.
    pub const DB_CONNECTIONS_LIMIT: &str = "db_connections_limit";
    /// Milliseconds.
    pub const DB_LAG: &str = "db_replica_lag";
    /// Bytes.
    pub const DB_LOCAL_STORAGE: &str = "db_free_local_storage";
    pub const DB_MEMORY: &str = "db_freeable_memory";
    /// Percent.
    pub const DB_CPU: &str = "db_cpu";
    pub const DB_CACHE_HITS: &str = "db_buffer_cache_hit_ratio";
    /// Percent. CloudFront's hit rate is there only with its additional metrics.
    pub const CDN_REQUESTS: &str = "cdn_requests";
    pub const CDN_HIT_RATE: &str = "cdn_hit_rate";
    pub const CDN_4XX_RATE: &str = "cdn_4xx_rate";
    pub const CDN_5XX_RATE: &str = "cdn_5xx_rate";
    /// 1 when the probe passed.
    pub const PROBE_HEALTHY: &str = "probe_healthy";
    /// What the integrity check found wrong: documents.
    pub const INTEGRITY: &str = "integrity_violations";
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Series {
    /// The end of the last period.
    pub until: Timestamp,
    pub period_seconds: u32,
    /// The oldest first; none where there is no data.
    pub values: Vec<Option<f64>>,
}

impl Series {
    fn period(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.period_seconds))
    }

    /// How many values a number of minutes has.
    fn count(&self, minutes: i64) -> usize {
        let count = minutes.saturating_mul(60) / i64::from(self.period_seconds.max(1));
        usize::try_from(count).unwrap_or_default().max(1)
    }

    /// The values of the last `minutes`, without the missing ones.
    pub fn last_minutes(&self, minutes: i64) -> impl DoubleEndedIterator<Item = f64> {
        let skipped = self.values.len().saturating_sub(self.count(minutes));
        self.values.iter().skip(skipped).filter_map(|value| *value)
    }

    /// The values before the last `minutes`, without the missing ones.
    pub fn before_minutes(&self, minutes: i64) -> impl DoubleEndedIterator<Item = f64> {
        let kept = self.values.len().saturating_sub(self.count(minutes));
        self.values.iter().take(kept).filter_map(|value| *value)
    }

    /// The newest value there is.
    pub fn newest(&self) -> Option<f64> {
        self.values.iter().rev().find_map(|value| *value)
    }

    /// When the newest value was.
    pub fn newest_at(&self) -> Option<Timestamp> {
        let back = self.values.iter().rev().position(Option::is_some)?;
        self.until.checked_sub(self.period().checked_mul(i32::try_from(back).ok()?)?).ok()
    }

    /// The present level: the median of three periods, so that one odd period is not a finding.
    pub fn now(&self) -> Option<f64> {
        const FEWEST: usize = 2;
        let values = || self.last_minutes(15);
        if values().count() < FEWEST { None } else { median(values()) }
    }

    /// The level before the last hour.
    pub fn usual(&self) -> Option<f64> {
        median(self.before_minutes(60))
    }

    /// Since when a condition holds without a break: the beginning of the first such period. `None` if it does not hold
    /// now, or has held since before the series began.
    pub fn since_when(&self, is_so: impl Fn(f64) -> bool) -> Option<Timestamp> {
        let run = self.values.iter().rev().take_while(|value| value.is_none_or(&is_so)).enumerate();
        let periods = run.filter(|(_, value)| value.is_some()).last()?.0.checked_add(1)?;
        let seconds = i64::from(self.period_seconds).checked_mul(i64::try_from(periods).ok()?)?;
        let begins_earlier = periods == self.values.len();
        (!begins_earlier).then(|| self.until.checked_sub(SignedDuration::from_secs(seconds)).ok())?
    }

    pub fn has_data(&self) -> bool {
        self.values.iter().any(Option::is_some)
    }

    /// Values with the hours since the first.
    pub fn by_hour(&self) -> Vec<(f64, f64)> {
        let hours = f64::from(self.period_seconds) / 3_600.0;
        let numbered = (0_u32..).zip(&self.values);
        numbered.filter_map(|(number, value)| Some((f64::from(number) * hours, (*value)?))).collect()
    }
}

pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

pub fn largest(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::max)
}

pub fn smallest(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::min)
}

/// The median; of an even number of values, the upper one.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// As in `24.0 GB`.
pub fn size(bytes: f64) -> String {
    if bytes < 1e9 { format!("{:.0} MB", bytes / 1e6) } else { format!("{:.1} GB", bytes / 1e9) }
}

/// The straight line of least squares through points: its slope, and how much of the variation it explains (0 to 1).
pub fn trend(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let x = mean(points.iter().map(|(x, _)| *x))?;
    let y = mean(points.iter().map(|(_, y)| *y))?;
    let sum = |of: fn(f64, f64) -> f64| points.iter().map(|(px, py)| of(px - x, py - y)).sum::<f64>();
    let (xx, yy, xy) = (sum(|x, _| x * x), sum(|_, y| y * y), sum(|x, y| x * y));
    let slope = xy / xx;
    let explained = if yy == 0.0 { 0.0 } else { xy * xy / (xx * yy) };
    (slope.is_finite() && explained.is_finite()).then_some((slope, explained))
}

/// How far two series move together, from -1 to 1: Pearson's coefficient over the periods that both have.
pub fn correlation(one: &Series, other: &Series) -> Option<f64> {
    const FEWEST: usize = 6;
    let pairs: Vec<(f64, f64)> = one
        .values
        .iter()
        .rev()
        .zip(other.values.iter().rev())
        .filter_map(|(a, b)| Some(((*a)?, (*b)?)))
        .collect();
    if pairs.len() < FEWEST {
        return None;
    }
    let (slope, explained) = trend(&pairs)?;
    Some(explained.sqrt() * slope.signum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        let until = "2026-11-24T03:00:00Z".parse().unwrap();
        Series { until, period_seconds: 300, values: values.iter().map(|value| Some(*value)).collect() }
    }

    #[test]
    fn a_series_is_read_from_its_end() {
        let mut it = series(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(it.last_minutes(10).collect::<Vec<_>>(), [3.0, 4.0]);
        assert_eq!(it.before_minutes(10).collect::<Vec<_>>(), [1.0, 2.0]);
        it.values.push(None);
        assert_eq!(it.newest(), Some(4.0));
        assert_eq!(it.newest_at(), Some("2026-11-24T02:55:00Z".parse().unwrap()));
        assert_eq!(Series::default().newest_at(), None);
    }

    #[test]
    fn a_run_begins_with_its_first_period_and_is_not_broken_by_missing_values() {
        let check = |values: &[Option<f64>], expected: Option<&str>| {
            let until = "2026-11-24T03:00:00Z".parse().unwrap();
            let series = Series { until, period_seconds: 300, values: values.to_vec() };
            let expected = expected.map(|time| time.parse().unwrap());
            assert_eq!(series.since_when(|value| value > 0.0), expected, "{values:?}");
        };
        check(&[Some(0.0), Some(1.0), None, Some(2.0)], Some("2026-11-24T02:45:00Z"));
        check(&[None, None, Some(1.0), None], Some("2026-11-24T02:50:00Z"));
        check(&[Some(1.0), Some(0.0)], None);
        check(&[Some(1.0), Some(1.0)], None);
        check(&[], None);
    }

    #[test]
    fn a_trend_has_a_slope_and_a_fit() {
        let line: Vec<(f64, f64)> = (0..10).map(|x| (f64::from(x), f64::from(x) * 2.0 + 1.0)).collect();
        let (slope, explained) = trend(&line).unwrap();
        assert!((slope - 2.0).abs() < 1e-9 && (explained - 1.0).abs() < 1e-9);
        assert_eq!(trend(&[(1.0, 1.0)]), None);
        assert_eq!(trend(&[]), None);
        let up = series(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let down = series(&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
        assert!((correlation(&up, &down).unwrap() + 1.0).abs() < 1e-9);
    }
}

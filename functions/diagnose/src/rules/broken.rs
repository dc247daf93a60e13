//! Whether users are served, and since when they are not.

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use shared::probe::{Failure, Kind};

use crate::{
    evidence::{Check, Definition, Deployment, Evidence, Series, median, name},
    finding::{
        Finding,
        Impact::{self, Degraded, Down},
    },
};

/// As the guide's alarm on errors.
const HIGH_PERCENT: f64 = 5.0;
/// At night one error in ten requests is no outage.
const FEWEST_ERRORS: f64 = 10.0;
/// Metrics have periods of five minutes: trouble in a period may have begun at the period's end.
const PERIOD: SignedDuration = SignedDuration::from_mins(5);

/// What users feel, and since when.
pub(super) struct Broken<'a> {
    pub(super) since: Option<Timestamp>,
    pub(super) impact: Impact,
    pub(super) check: Option<&'a Check>,
    pub(super) errors: Option<Errors>,
}

pub(super) struct Errors {
    percent: f64,
    /// The usual rate, if the errors are only many times that.
    usual: Option<f64>,
    since: Option<Timestamp>,
}

impl<'a> Broken<'a> {
    pub(super) fn seen(evidence: &'a Evidence) -> Option<Self> {
        let errors = errors(evidence);
        let mut checks = evidence.probe.iter().flat_map(|probe| &probe.checks);
        let check = checks.find(|check| check.name.starts_with("health") && !check.healthy);
        if errors.is_none() && check.is_none() {
            return None;
        }
        let failing = check.and_then(|_| failing_since(evidence.recent(name::PROBE_HEALTHY)?));
        let most = errors.as_ref().is_some_and(|errors| errors.percent >= 50.0);
        let down = check.is_some_and(|check| check.name != "health-redis") || most;
        Some(Self {
            since: [errors.as_ref().and_then(|errors| errors.since), failing].into_iter().flatten().min(),
            impact: if down { Down } else { Degraded },
            check,
            errors,
        })
    }

    /// Errors that are few compared with all requests, but many times the usual number and more than ever. They are too
    /// few to call the service down, and enough to ask for the change that they began with.
    pub(super) fn risen(evidence: &Evidence, change: Timestamp) -> Option<Self> {
        /// In a period.
        const FEWEST: f64 = 10.0;
        const TIMES: f64 = 10.0;
        const PERIODS: usize = 3;
        /// The effect of a change shows with its first tasks.
        const SOON: SignedDuration = SignedDuration::from_mins(20);
        let answers = Answers::of(evidence)?;
        let length = answers.requests.values.len();
        let usual = median((length / 2..length).map(|back| answers.errors(back)))?;
        let high = |back: &usize| answers.errors(*back) >= FEWEST.max(usual * TIMES);
        // The newest period may have only begun.
        let newest = (0..2).find(high)?;
        let before = (newest..length).find(|back| !high(back))?;
        let since = end_of(answers.requests, before)?;
        let is_new = before.saturating_sub(newest) >= PERIODS && !(before..length).any(|back| high(&back));
        (is_new && not_before(since, change) && since.duration_since(change) <= SOON).then(|| Self {
            since: Some(since),
            impact: Degraded,
            check: None,
            errors: Some(Errors {
                percent: answers.percent(newest..before),
                usual: Some(answers.percent(length / 2..length)),
                since: Some(since),
            }),
        })
    }

    pub(super) fn told(&self) -> String {
        match (self.check, &self.errors) {
            (Some(check), _) if check.status.is_some() => format!("{} {}", check.url, answer(check)),
            (Some(check), _) => format!("{} is not answered ({})", check.url, answer(check)),
            (None, Some(Errors { percent, usual: Some(usual), .. })) => {
                format!("{percent:.1} % of the requests end with a 5xx, and {usual:.2} % did before")
            }
            (None, Some(errors)) => format!("{:.0} % of the requests end with a 5xx", errors.percent),
            (None, None) => "the API is failing".to_owned(),
        }
    }

    pub(super) fn facts(&self, finding: Finding) -> Finding {
        let finding = match self.check {
            Some(check) => finding.fact("health probe", check.url.clone(), answer(check)),
            None => finding,
        };
        match &self.errors {
            Some(Errors { percent, usual: Some(usual), since }) => finding
                .fact("CloudWatch, ALB", "5xx of all requests", format!("{percent:.1} %"))
                .against(format!("{usual:.2} % before"))
                .at(*since),
            Some(errors) => finding
                .fact("CloudWatch, ALB", "5xx of all requests in 15 min", format!("{:.0} %", errors.percent))
                .against(format!("{HIGH_PERCENT} %"))
                .at(errors.since),
            None => finding,
        }
    }
}

/// A release that held longer did not break it.
const RELEASE_MINUTES: i64 = 120;

/// The current deployment, if it is recent, not a roll-back, and brings something new.
pub(super) fn release(evidence: &Evidence) -> Option<&Deployment> {
    newest(evidence).filter(|primary| again(evidence, primary).is_none())
}

/// A recent deployment of what ran before it.
pub(super) struct Again<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) began: Timestamp,
    /// What the service went back from, where something else ran until then.
    pub(super) instead_of: Option<&'a str>,
}

impl Again<'_> {
    /// Whether trouble since then may have come with it. What it went back from may have failed in the period in which
    /// it went, so that one does not count.
    pub(super) fn may_have_begun(&self, since: Timestamp) -> bool {
        match self.instead_of {
            Some(_) => since >= self.began,
            None => not_before(since, self.began),
        }
    }
}

/// The current deployment, if it is recent and brings what ran before it.
pub(super) fn redeployment(evidence: &Evidence) -> Option<Again<'_>> {
    again(evidence, newest(evidence)?)
}

fn newest(evidence: &Evidence) -> Option<&Deployment> {
    let deployments = &evidence.service.as_ref()?.deployments;
    let primary = deployments.iter().find(|deployment| deployment.status == "PRIMARY")?;
    let is_new = primary.created_at.is_some_and(|at| evidence.within_minutes(at, RELEASE_MINUTES));
    let reason = primary.reason.to_ascii_lowercase();
    (is_new && !reason.contains("rolling back") && !reason.contains("rollback")).then_some(primary)
}

/// What it deploys ran before: the same revision, or the one that it is a copy of, is being replaced or has older tasks;
/// or a later revision ran, whose tasks may have been the only ones for longer than ECS remembers those before. And its
/// image was not pushed since: a tag that was pushed again is a release.
fn again<'a>(evidence: &'a Evidence, primary: &'a Deployment) -> Option<Again<'a>> {
    /// The clocks of the two are not the same to the second.
    const BEFORE: SignedDuration = SignedDuration::from_mins(2);
    let began = primary.created_at?;
    let of_primary = |definition: &&Definition| definition.revision == primary.task_definition;
    let copied = evidence.definition.as_ref().filter(of_primary).and_then(|it| it.copy_of.as_deref());
    let release = copied.unwrap_or(&primary.task_definition);
    let others =
        evidence.service.iter().flat_map(|service| &service.deployments).filter(|one| *one != primary);
    let tasks = evidence.tasks.iter().flat_map(|tasks| {
        let running = tasks.running.iter().map(|task| (task.task_definition.as_str(), task.started_at));
        running.chain(tasks.stopped.iter().map(|task| (task.task_definition.as_str(), task.started_at)))
    });
    let started = tasks
        .filter_map(|(revision, started)| Some((revision, started?)))
        .filter(|(_, started)| began.duration_since(*started) > BEFORE);
    let deployed = others.filter_map(|one| Some((one.task_definition.as_str(), one.created_at?)));
    let ran: Vec<(&str, Timestamp)> = deployed.chain(started).collect();
    let is_same = |revision: &str| revision == release || revision == primary.task_definition;
    let first = ran.iter().filter(|(revision, _)| is_same(revision)).map(|(_, at)| *at).min();
    // What came after it, and went.
    let came_between = |(revision, at): &&(&'a str, Timestamp)| {
        !is_same(revision) && (first.is_some_and(|first| *at > first) || is_later(revision, release))
    };
    let between = ran.iter().filter(came_between).min_by_key(|(_, at)| *at);
    // Where it went back from is a release once more.
    if between.is_some_and(|(revision, _)| is_later(release, revision)) {
        return None;
    }
    let before = first.or(between.map(|(_, at)| *at))?;
    let mut pushed = evidence.images.iter().flatten().filter_map(|image| image.pushed_at);
    // Without the images it is not known that none was pushed.
    (evidence.images.is_some() && !pushed.any(|pushed| pushed > before)).then(|| Again {
        deployment: primary,
        began,
        instead_of: between.map(|(revision, _)| *revision),
    })
}

/// Whether a revision was registered later than another of its family.
fn is_later(revision: &str, other: &str) -> bool {
    let parts = |of: &str| {
        let (family, number) = of.rsplit_once(':')?;
        Some((family.to_owned(), number.parse::<u64>().ok()?))
    };
    parts(revision)
        .zip(parts(other))
        .is_some_and(|((family, number), (others, other))| family == others && number > other)
}

/// Requests, and those that ended with a 5xx, by periods back from the newest. What never had an error has no data.
struct Answers<'a> {
    /// Those for which the load balancer had chosen a target.
    requests: &'a Series,
    errors: Vec<&'a Series>,
    /// The load balancer's own errors, and which of them it gave with a target chosen; none where they were not all seen.
    own: Option<(&'a Series, [&'a Series; 2])>,
}

impl<'a> Answers<'a> {
    fn of(evidence: &'a Evidence) -> Option<Self> {
        let errors = [name::ALB_TARGET_5XX, name::ALB_ELB_5XX].map(|name| evidence.recent(name));
        let own = || {
            let [bad_gateway, timed_out] =
                [name::ALB_ELB_502, name::ALB_ELB_504].map(|name| evidence.recent(name));
            Some((evidence.recent(name::ALB_ELB_5XX)?, [bad_gateway?, timed_out?]))
        };
        Some(Self {
            requests: evidence.recent(name::ALB_REQUESTS)?,
            errors: errors.into_iter().flatten().collect(),
            own: own(),
        })
    }

    fn errors(&self, back: usize) -> f64 {
        self.errors.iter().map(|series| value(series, back)).sum()
    }

    /// What the load balancer turned away without a target, as with a 503: CloudWatch does not count that as requests.
    fn turned_away(&self, back: usize) -> f64 {
        self.own.map_or(0.0, |(own, with_a_target)| {
            let with_a_target: f64 = with_a_target.iter().map(|series| value(series, back)).sum();
            (value(own, back) - with_a_target).max(0.0)
        })
    }

    /// All requests, counted as the alarm on the 5xx rate counts them.
    fn percent(&self, backs: Range<usize>) -> f64 {
        let bad: f64 = backs.clone().map(|back| self.errors(back)).sum();
        let asked = |back| value(self.requests, back) + self.turned_away(back);
        let all: f64 = backs.map(|back| asked(back).max(self.errors(back))).sum();
        if all > 0.0 { bad / all * 100.0 } else { 0.0 }
    }
}

fn value(series: &Series, back: usize) -> f64 {
    series.values.iter().rev().nth(back).copied().flatten().unwrap_or(0.0)
}

/// The share of requests that end with a 5xx now, if it is high.
pub(super) fn errors(evidence: &Evidence) -> Option<Errors> {
    const RECENT: usize = 3;
    let answers = Answers::of(evidence)?;
    let now = answers.percent(0..RECENT);
    if (0..RECENT).map(|back| answers.errors(back)).sum::<f64>() < FEWEST_ERRORS || now < HIGH_PERCENT {
        return None;
    }
    let high = |back: &usize| answers.percent(*back..back.saturating_add(1)) >= HIGH_PERCENT;
    let newest = (0..RECENT).find(high)?;
    let before = (newest..answers.requests.values.len()).find(|back| !high(back));
    let since = before.and_then(|back| end_of(answers.requests, back));
    Some(Errors { percent: now, usual: None, since })
}

/// When the probe, which fails now, began to fail, if it has not failed all the time: with the first period after the
/// last good one in which it was seen to. A gap between the two says nothing.
fn failing_since(probe: &Series) -> Option<Timestamp> {
    let healthy = |value: &Option<f64>| value.is_some_and(|value| value >= 1.0);
    let well = probe.values.iter().rev().position(healthy)?;
    let failed = probe.values.iter().rev().take(well).rposition(Option::is_some);
    end_of(probe, failed.map_or(0, |back| back + 1))
}

/// The end of the `back`-th period before the last one.
fn end_of(series: &Series, back: usize) -> Option<Timestamp> {
    let seconds = i64::from(series.period_seconds).checked_mul(i64::try_from(back).ok()?)?;
    series.until.checked_sub(SignedDuration::from_secs(seconds)).ok()
}

pub(super) fn not_before(it: Timestamp, change: Timestamp) -> bool {
    it.duration_since(change) >= -PERIOD
}

/// Whether it was reached, and has an error or no answer; another code is about the address that was asked.
pub(super) fn refuses(check: &Check) -> bool {
    !check.healthy
        && !no_connection(check)
        && check.status.map_or(!check.failed_by(Kind::Dns) && !check.failed_by(Kind::Tls), |code| {
            code >= 500 || check.spoilt().is_some()
        })
}

pub(super) fn no_connection(check: &Check) -> bool {
    check.failed_by(Kind::Connect) || check.failed_by(Kind::Timeout) && check.phases.connect_ms.is_none()
}

pub(super) fn answer(check: &Check) -> String {
    match (check.status, &check.error) {
        (Some(status), _) => match check.spoilt() {
            Some(why) => format!("answers {status}: {}", one_line(why)),
            None => format!("answers {status}"),
        },
        (None, Some(error)) if !error.message.trim().is_empty() => one_line(&error.message),
        (None, Some(Failure { kind: Some(kind), .. })) => format!("fails: {}", kind.as_str()),
        _ => "fails".to_owned(),
    }
}

pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':', '?']).next().unwrap_or(rest)
}

pub(super) fn one_line(text: &str) -> String {
    const CHARACTERS: usize = 300;
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Image, Service, StoppedTask, Tasks};

    /// Answers in a period: good ones, the targets' 500s, and the load balancer's own 500, 502, 503 and 504.
    fn evidence([good, target, own, bad_gateway, no_target, timed_out]: [u32; 6]) -> Evidence {
        let mut evidence = Evidence::default();
        for (name, count) in [
            (name::ALB_REQUESTS, good + target + bad_gateway + timed_out),
            (name::ALB_TARGET_5XX, target),
            (name::ALB_ELB_5XX, own + bad_gateway + no_target + timed_out),
            (name::ALB_ELB_502, bad_gateway),
            (name::ALB_ELB_504, timed_out),
        ] {
            // CloudWatch has no value if there is nothing to count.
            let values = vec![Some(count).filter(|count| *count > 0).map(f64::from); 3];
            let series = Series { until: Timestamp::UNIX_EPOCH, period_seconds: 300, values };
            evidence.metrics.recent.insert(name.to_owned(), series);
        }
        evidence
    }

    #[track_caller]
    fn check(answers: [u32; 6], percent: f64) {
        let evidence = evidence(answers);
        let reckoned = Answers::of(&evidence).unwrap().percent(0..3);
        assert!((reckoned - percent).abs() < 1e-9, "{answers:?}: {reckoned}");
    }

    #[test]
    fn a_probe_fails_since_it_was_seen_to_and_not_since_a_gap() {
        let since = |values: &[Option<f64>]| {
            let (until, values) = (Timestamp::UNIX_EPOCH, values.to_vec());
            let since = failing_since(&Series { until, period_seconds: 60, values });
            since.map(|since| since.duration_since(until).as_secs() / 60)
        };
        let (well, failed) = (Some(1.0), Some(0.0));
        assert_eq!(since(&[well, well, failed, failed]), Some(-2));
        assert_eq!(since(&[well, None, None, failed]), Some(-1));
        assert_eq!(since(&[well, None, failed, None, Some(0.5)]), Some(-3));
        assert_eq!(since(&[well, None, None]), Some(0));
        assert_eq!(since(&[failed, well]), Some(0));
        assert_eq!(since(&[failed, failed]), None);
    }

    /// The same table holds for the template's alarm: `tests/project/template/arithmetic.rs`.
    #[test]
    fn the_share_of_errors_counts_no_answer_twice() {
        check([0, 0, 0, 0, 0, 0], 0.0);
        check([100, 0, 0, 0, 0, 0], 0.0);
        check([0, 100, 0, 0, 0, 0], 100.0);
        check([0, 0, 100, 0, 0, 0], 100.0);
        check([0, 0, 0, 100, 0, 0], 100.0);
        check([0, 0, 0, 0, 100, 0], 100.0);
        check([0, 0, 0, 0, 0, 100], 100.0);
        check([100, 0, 0, 100, 0, 0], 50.0);
        check([100, 0, 0, 0, 100, 0], 50.0);
        check([800, 40, 20, 30, 50, 60], 20.0);
    }

    const AT: i64 = 1_795_500_000;

    fn minutes_ago(minutes: i64) -> Timestamp {
        Timestamp::from_second(AT - minutes * 60).unwrap()
    }

    /// Revisions with how many minutes ago their tasks began, the last one deployed 10 minutes ago; what it is a copy
    /// of; and how long ago its image was pushed.
    fn deployed(ran: &[(&str, i64)], now: &str, copy_of: Option<&str>, pushed: i64) -> Evidence {
        let stopped = ran.iter().map(|(revision, minutes)| StoppedTask {
            task_definition: (*revision).to_owned(),
            started_at: Some(minutes_ago(*minutes)),
            ..StoppedTask::default()
        });
        let primary = Deployment {
            status: "PRIMARY".to_owned(),
            task_definition: now.to_owned(),
            created_at: Some(minutes_ago(10)),
            ..Deployment::default()
        };
        Evidence {
            at: Timestamp::from_second(AT).unwrap(),
            service: Some(Service { deployments: vec![primary], ..Service::default() }),
            tasks: Some(Tasks { stopped: stopped.collect(), ..Tasks::default() }),
            definition: Some(Definition {
                revision: now.to_owned(),
                copy_of: copy_of.map(str::to_owned),
                ..Definition::default()
            }),
            images: Some(vec![Image { pushed_at: Some(minutes_ago(pushed)), ..Image::default() }]),
            ..Evidence::default()
        }
    }

    /// What the deployment is taken for: a release, the same again, or what was gone back from.
    #[track_caller]
    fn check_deployed(ran: &[(&str, i64)], now: &str, copy_of: Option<&str>, taken_for: &str) {
        let evidence = deployed(ran, now, copy_of, 9_000);
        let seen = match (release(&evidence), redeployment(&evidence)) {
            (Some(_), None) => "a release",
            (None, Some(Again { instead_of: None, .. })) => "the same again",
            (None, Some(Again { instead_of: Some(left), .. })) => left,
            _ => "both",
        };
        assert_eq!(seen, taken_for, "{ran:?}, {now}");
    }

    #[test]
    fn a_release_is_told_from_the_same_again_and_from_what_was_gone_back_to() {
        check_deployed(&[("a:1", 900)], "a:2", None, "a release");
        check_deployed(&[("a:2", 900)], "a:2", None, "the same again");
        check_deployed(&[("a:1", 900), ("a:2", 20)], "a:1", None, "a:2");
        // ECS has forgotten the tasks of a:1.
        check_deployed(&[("a:2", 90)], "a:1", None, "a:2");
        check_deployed(&[("b:2", 90)], "a:1", None, "a release");
        check_deployed(&[("a:9", 90)], "a:10", None, "a release");
        // What did not work is deployed once more.
        check_deployed(&[("a:1", 900), ("a:2", 60), ("a:1", 40)], "a:2", None, "a release");
    }

    #[test]
    fn a_copy_is_what_it_is_a_copy_of() {
        check_deployed(&[("a:1", 900), ("a:2", 20)], "a:3", None, "a release");
        check_deployed(&[("a:1", 900), ("a:2", 20)], "a:3", Some("a:1"), "a:2");
        check_deployed(&[("a:2", 90)], "a:3", Some("a:1"), "a:2");
        check_deployed(&[("a:2", 90)], "a:3", Some("a:2"), "the same again");
    }

    #[test]
    fn a_tag_that_was_pushed_again_is_a_release_whatever_the_revision() {
        let pushed = |minutes| deployed(&[("a:1", 900), ("a:2", 20)], "a:1", None, minutes);
        assert!(release(&pushed(901)).is_none());
        assert!(release(&pushed(15)).is_some());
        assert!(release(&Evidence { images: None, ..pushed(901) }).is_some());
    }

    /// Evidence of an earlier version has no 502s: no more than all requests failed.
    #[test]
    fn where_the_502s_were_not_seen_the_share_is_of_what_was() {
        let mut evidence = evidence([0, 0, 0, 0, 100, 0]);
        evidence.metrics.recent.remove(name::ALB_ELB_502);
        assert!((Answers::of(&evidence).unwrap().percent(0..3) - 100.0).abs() < 1e-9);
    }
}

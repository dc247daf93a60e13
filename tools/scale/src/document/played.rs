//! What the simulation showed.

use std::collections::BTreeMap;

use subject::Subject;

use super::table;
use crate::{
    amounts::grouped,
    api::Api,
    scene::{Timing, busiest, first_throttled, rest, storm},
    simulate::Seen,
    stack::Stack,
    time::{Micros, SECOND},
};

/// Everything that was played.
pub(super) struct Played {
    pub(super) account: u32,
    rests: BTreeMap<(u32, Timing), Seen>,
    storms: BTreeMap<(u32, Timing), Seen>,
    pub(super) first: BTreeMap<Timing, Option<(u32, Api)>>,
    nothing: Seen,
}

const SIZES: [u32; 4] = [1, 10, 50, 200];
/// The window of the remedies' schedules makes no difference to alarms.
const STORMS: [Timing; 2] = [Timing::OneSecond, Timing::Minute];

impl Played {
    /// As far as the first throttled account is looked for.
    pub(super) const UP_TO: u32 = 200;

    pub(super) fn play(account: u32) -> Self {
        let mut sizes = SIZES.to_vec();
        sizes.push(account);
        sizes.sort_unstable();
        sizes.dedup();
        let of = |timings: &[Timing], play: fn(u32, Timing) -> Seen| -> BTreeMap<(u32, Timing), Seen> {
            let all = sizes.iter().flat_map(|size| timings.iter().map(|timing| (*size, *timing)));
            all.map(|(size, timing)| ((size, timing), play(size, timing))).collect()
        };
        Self {
            account,
            rests: of(&Timing::ALL, rest),
            storms: of(&STORMS, storm),
            first: Timing::ALL
                .iter()
                .map(|timing| (*timing, first_throttled(*timing, Self::UP_TO)))
                .collect(),
            nothing: Seen::default(),
        }
    }

    pub(super) fn rest(&self, services: u32, timing: Timing) -> &Seen {
        self.rests.get(&(services, timing)).unwrap_or(&self.nothing)
    }

    pub(super) fn storm(&self, services: u32, timing: Timing) -> &Seen {
        self.storms.get(&(services, timing)).unwrap_or(&self.nothing)
    }

    /// Of one deployment, as if every function's busiest moment were the same.
    pub(super) fn runs_at_once(&self) -> u32 {
        busiest(self.storms.values()).values().sum()
    }
}

/// The longest of all services.
fn last(times: &BTreeMap<u32, Micros>) -> String {
    let last = times.values().max().copied().unwrap_or_default();
    format!("{} s", last.div_ceil(SECOND))
}

pub(super) fn storm_in_words(played: &Played, services: u32) -> String {
    let (together, spread) =
        (played.storm(services, Timing::OneSecond), played.storm(services, Timing::Minute));
    let of = |seen: &Seen| {
        format!(
            "every incident is open within {} of its alarm and diagnosed within {}; {} of {} diagnoses lack a source, \
             {} of {} remedies cannot read what they need",
            last(&seen.opened),
            last(&seen.diagnosed),
            seen.blind,
            seen.diagnoses,
            seen.remedies_failed,
            seen.remedies
        )
    };
    format!(
        "where the alarms ring within a minute, {}. Where all ring in one second, {}",
        of(spread),
        of(together)
    )
}

pub(super) fn outcome(played: &Played) -> String {
    let mut at_rest = Vec::new();
    for ((services, timing), seen) in &played.rests {
        at_rest.push(vec![
            services.to_string(),
            timing.name().to_owned(),
            grouped(seen.runs),
            grouped(seen.throttled()),
            grouped(seen.failed()),
            grouped(seen.errors),
            grouped(seen.lost),
            grouped(seen.most_at_once.into()),
        ]);
    }
    let mut storms = Vec::new();
    for ((services, timing), seen) in &played.storms {
        storms.push(vec![
            services.to_string(),
            timing.name().to_owned(),
            grouped(seen.throttled()),
            grouped(seen.failed()),
            last(&seen.opened),
            last(&seen.diagnosed),
            format!("{} of {}", seen.blind, seen.diagnoses),
            format!("{} of {}", seen.remedies_failed, seen.remedies),
            grouped(seen.lost),
            grouped(seen.most_at_once.into()),
        ]);
    }
    let most = busiest(played.storms.values());
    let of = |function: &'static Subject| Some(format!("`{}` {}", function.name, most.get(&function)?));
    let most: Vec<String> = subject::ALL.into_iter().filter_map(of).collect();
    format!(
        "## Played\n\nAn hour at rest:\n\n{}\nA storm; times from each service's alarm, the longest:\n\n{}\n{}",
        table(
            &[
                "services",
                "fire",
                "runs",
                "throttled",
                "lost calls",
                "runs that failed",
                "not made good",
                "most runs at once"
            ],
            &at_rest
        ),
        table(
            &[
                "services",
                "fire",
                "throttled",
                "lost calls",
                "all open after",
                "all diagnosed after",
                "diagnoses with a source not seen",
                "remedies that could not read",
                "runs not made good",
                "most runs at once"
            ],
            &storms
        ),
        verdict(&most.join(", ")),
    )
}

/// What the claims in `tools/scale/tests/claims.rs` hold.
fn verdict(most: &str) -> String {
    let window = match Timing::closest(&Stack::read()) {
        Timing::Window => "So the remedies' schedules in the template have a `FlexibleTimeWindow`".to_owned(),
        _ => format!(
            "The remedy is a `FlexibleTimeWindow` of {} minutes for the six schedules of the remedies, which the template does not \
             have",
            Timing::WINDOW_MINUTES
        ),
    };
    format!(
        "What holds, each a test in `tools/scale/tests/claims.rs`:\n\n\
         - Fifty services at rest are never throttled where their schedules are spread over the minute, nor where only those of \
         the remedies are, over a window of {} minutes.\n\
         - Up to fifty services no run has to wait for concurrency, though nothing is reserved: all of them down in one second \
         take less than a quarter of an account's. The most at once of one deployment, at any size, are {most}.\n\
         - Every incident is opened at once, at every size: that takes the deployment's own table, and one call of Step Functions.\n\
         - A diagnosis never takes longer than its 20 seconds of reading, whatever is throttled.\n\
         - What a throttled schedule leaves undone at fifty services, Lambda's repeats make good. The probe's metrics are never \
         throttled.\n\n\
         What does not:\n\n\
         - With all schedules in one second, fifty services at rest are throttled by ECS and CloudWatch. Scheduler is exact to \
         the minute and promises neither to spread nor not to; a rate counts from when the schedule was made, so stacks that are \
         deployed together keep step. {window}. `incident` has one of a \
         minute, since it asks which alarms ring. The probe needs none: a window would make minutes without a value.\n\
         - In a storm, `diagnose` meets FilterLogEvents, DescribeAlarmHistory and ListMetrics first: 5, 3 and 25 calls a second for \
         the whole account. The history cannot be asked for by a prefix, so each diagnosis reads that of everybody's alarms; and it lists the \
         metrics of everybody's databases and probes. More services mean more pages for each of them. To list with a dimension \
         would end one half of it, and to leave the history out where the cause is plain the other. FilterLogEvents can be raised.\n\
         - Two hundred services in one account are too many: in a storm, remedies cannot read what they need, even when the alarms are \
         spread; where all ring in one second, they use up the account's concurrency too. Twenty accounts of fifty hold.\n",
        Timing::WINDOW_MINUTES,
    )
}

//! A simulated account, call by call: token buckets, the SDK's retries, Lambda's and Step Functions', and Lambda's
//! concurrency. Time is simulated, what is drawn is drawn from a seed: the same input is the same outcome.

mod event;
mod seen;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use subject::Subject;

use crate::{
    api::Api,
    bucket::Bucket,
    plan::{Ask, Kind, Stage, World, stages},
    quota::CONCURRENCY,
    random::Random,
    time::{MINUTE, Micros, SECOND},
};

pub use event::{By, Call, Step};
use event::{Due, Event};
pub use seen::{Count, Seen};

/// As `shared/src/aws.rs` sets it.
const ATTEMPTS: u32 = 4;
const OPERATION_TIMEOUT: Micros = 15 * SECOND;
/// The SDK waits up to 1, 2, 4 s, …, and no longer than this.
const LONGEST_WAIT: Micros = 20 * SECOND;

#[derive(Debug)]
struct Run {
    service: u32,
    kind: Kind,
    by: By,
    began: Micros,
    stages: Vec<Stage>,
    at: usize,
    waits_for: usize,
    failed: bool,
    blind: bool,
}

pub struct Simulation {
    world: World,
    machine: Vec<Step>,
    now: Micros,
    events: BinaryHeap<Reverse<Due>>,
    random: Random,
    buckets: BTreeMap<Api, Bucket>,
    runs: BTreeMap<u64, Run>,
    last_run: u64,
    last_event: u64,
    busy: BTreeMap<(u32, &'static Subject), u32>,
    second: BTreeMap<Api, (Micros, u64)>,
    /// When each service's alarm rang.
    rang: BTreeMap<u32, Micros>,
    seen: Seen,
}

impl Simulation {
    pub fn new(world: World, machine: Vec<Step>, seed: u64) -> Self {
        let buckets = Api::LIMITED
            .iter()
            .filter_map(|api| Some((*api, Bucket::new(api.rate()?.a_second, api.rate()?.burst))))
            .collect();
        Self {
            world,
            machine,
            now: 0,
            events: BinaryHeap::new(),
            random: Random::new(seed),
            buckets,
            runs: BTreeMap::new(),
            last_run: 0,
            last_event: 0,
            busy: BTreeMap::new(),
            second: BTreeMap::new(),
            rang: BTreeMap::new(),
            seen: Seen::default(),
        }
    }

    /// A number below `end`, for whoever makes the events.
    pub fn draw(&mut self, end: Micros) -> Micros {
        self.random.below(end)
    }

    /// An event that starts a run then.
    pub fn at(&mut self, at: Micros, service: u32, kind: Kind) {
        if kind == Kind::Open {
            self.rang.insert(service, at);
        }
        self.push(at, Event::Start { service, kind, by: By::event(at) });
    }

    /// Plays until nothing is left to happen.
    pub fn play(mut self) -> Seen {
        while let Some(Reverse(Due { at, event, .. })) = self.events.pop() {
            self.now = at;
            match event {
                Event::Start { service, kind, by } => self.start(service, kind, by),
                Event::Stage(run) => self.stage(run),
                Event::Ask(call) => self.ask(call),
                Event::Answer(call, well) => self.answer(call, well),
                Event::Step { service, step, refusals } => self.step(service, step, refusals),
            }
        }
        self.seen
    }

    fn push(&mut self, at: Micros, event: Event) {
        self.last_event += 1;
        self.events.push(Reverse(Due { at, number: self.last_event, event }));
    }

    fn start(&mut self, service: u32, kind: Kind, by: By) {
        let function = kind.function();
        let of_all = u32::try_from(self.runs.len()).unwrap_or(u32::MAX);
        let busy = self.busy.entry((service, function)).or_default();
        let is_full = match self.world.stack.function(function).reserved {
            0 => of_all >= CONCURRENCY,
            reserved => *busy >= reserved,
        };
        if is_full {
            self.seen.refused += 1;
            self.refuse(service, kind, by);
            return;
        }
        *busy += 1;
        let most = self.seen.most_of.entry(function).or_default();
        *most = (*most).max(*busy);
        self.last_run += 1;
        let run = Run {
            service,
            kind,
            by,
            began: self.now,
            stages: stages(kind, &self.world),
            at: 0,
            waits_for: 0,
            failed: false,
            blind: false,
        };
        self.runs.insert(self.last_run, run);
        self.seen.runs += 1;
        self.seen.most_at_once =
            self.seen.most_at_once.max(u32::try_from(self.runs.len()).unwrap_or(u32::MAX));
        self.begin(self.last_run);
    }

    /// All that the function may have at once is in use.
    fn refuse(&mut self, service: u32, kind: Kind, by: By) {
        match by {
            By::Event { errors, refusals, since } => {
                // Lambda tries again after 1 s, 2 s, … 5 min, for as long as the event may be old.
                let wait = (SECOND << refusals.min(9)).min(5 * MINUTE);
                if self.now + wait - since > oldest(kind) {
                    self.seen.lost += 1;
                } else {
                    let by = By::Event { errors, refusals: refusals + 1, since };
                    self.push(self.now + wait, Event::Start { service, kind, by });
                }
            }
            // `Retry` in statemachines/service-down.asl.json: 1 s, 2 s, 4 s, …
            By::Machine { step, refusals } if refusals < 5 => {
                self.push(
                    self.now + (SECOND << refusals),
                    Event::Step { service, step, refusals: refusals + 1 },
                );
            }
            By::Machine { step, .. } => {
                self.seen.lost += 1;
                self.push(self.now, Event::Step { service, step: step + 1, refusals: 0 });
            }
            // Whoever asks the probe asks once: it does without.
            By::Call(call) => self.push(self.now, Event::Answer(call, false)),
        }
    }

    /// Begins the stage that a run is at.
    fn begin(&mut self, id: u64) {
        let Some(run) = self.runs.get(&id) else { return };
        match run.stages.get(run.at) {
            Some(stage) => self.push(self.now + stage.waits, Event::Stage(id)),
            None => self.end(id),
        }
    }

    fn stage(&mut self, id: u64) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let Some(stage) = run.stages.get(run.at) else { return };
        run.waits_for = stage.chains.len();
        let chains = stage.chains.len();
        if chains == 0 {
            run.at += 1;
            self.begin(id);
            return;
        }
        for chain in 0..chains {
            let call = Call { run: id, chain, place: 0, attempt: 0, since: self.now };
            self.push(self.now, Event::Ask(call));
        }
    }

    fn ask(&mut self, call: Call) {
        let Some(run) = self.runs.get(&call.run) else { return };
        let Some(stage) = run.stages.get(run.at) else { return };
        let until = stage.until.map(|until| run.began + until);
        let service = run.service;
        let ask = stage.chains.get(call.chain).and_then(|chain| chain.asks.get(call.place)).copied();
        match ask {
            None => self.push(self.now, Event::Answer(call, true)),
            Some(_) if until.is_some_and(|until| self.now >= until) => {
                self.push(self.now, Event::Answer(call, false));
            }
            Some(Ask::Probe) => self.start(service, Kind::Asked, By::Call(call)),
            Some(Ask::Of(api)) => self.call(api, call, until),
        }
    }

    fn call(&mut self, api: Api, call: Call, until: Option<Micros>) {
        let passes = self.buckets.get_mut(&api).is_none_or(|bucket| bucket.take(self.now));
        let count = self.seen.apis.entry(api).or_default();
        if call.attempt == 0 {
            count.calls += 1;
            let (second, calls) = self.second.entry(api).or_default();
            if *second != self.now / SECOND {
                (*second, *calls) = (self.now / SECOND, 0);
            }
            *calls += 1;
            count.top_second = count.top_second.max(*calls);
        }
        if passes {
            self.push(self.now + api.answers_in(), Event::Answer(call, true));
            return;
        }
        count.throttled += 1;
        let refused = self.now + api.answers_in();
        let longest = (SECOND << call.attempt.min(5)).min(LONGEST_WAIT);
        let again = refused + self.random.below(longest);
        let in_time = until.is_none_or(|until| again < until);
        if call.attempt + 1 < ATTEMPTS && again < call.since + OPERATION_TIMEOUT && in_time {
            self.push(again, Event::Ask(Call { attempt: call.attempt + 1, ..call }));
        } else {
            count.failed += 1;
            // Whoever reads for a limited time waits until it is over.
            let over = if in_time { refused } else { until.unwrap_or(refused).max(self.now) };
            self.push(over, Event::Answer(call, false));
        }
    }

    fn answer(&mut self, call: Call, well: bool) {
        let Some(run) = self.runs.get_mut(&call.run) else { return };
        let Some(chain) = run.stages.get(run.at).and_then(|stage| stage.chains.get(call.chain)) else {
            return;
        };
        if well && call.place + 1 < chain.asks.len() {
            let next = Call { place: call.place + 1, attempt: 0, since: self.now, ..call };
            self.push(self.now, Event::Ask(next));
            return;
        }
        run.blind |= !well;
        run.failed |= !well && !chain.optional;
        run.waits_for = run.waits_for.saturating_sub(1);
        if run.waits_for > 0 {
            return;
        }
        if run.failed {
            self.end(call.run);
        } else {
            run.at += 1;
            self.begin(call.run);
        }
    }

    fn end(&mut self, id: u64) {
        let Some(run) = self.runs.remove(&id) else { return };
        if let Some(busy) = self.busy.get_mut(&(run.service, run.kind.function())) {
            *busy = busy.saturating_sub(1);
        }
        self.seen.errors += u64::from(run.failed);
        let rang = self.rang.get(&run.service).copied().unwrap_or_default();
        let after_alarm = self.now.saturating_sub(rang);
        match run.kind {
            Kind::Diagnose => {
                self.seen.diagnoses += 1;
                self.seen.longest_diagnosis = self.seen.longest_diagnosis.max(self.now - run.began);
                self.seen.blind += u64::from(run.blind);
                self.seen.diagnosed.entry(run.service).or_insert(after_alarm);
            }
            Kind::Roll => {
                self.seen.remedies += 1;
                self.seen.remedies_failed += u64::from(run.failed);
            }
            Kind::Open if !run.failed => {
                self.seen.opened.entry(run.service).or_insert(after_alarm);
                self.push(self.now, Event::Step { service: run.service, step: 0, refusals: 0 });
            }
            _ => {}
        }
        match run.by {
            By::Event { errors, since, .. } if run.failed => {
                // After 1 min, then 2 min (`EventInvokeConfig` in template.yaml).
                let wait = MINUTE << errors;
                if errors < repeats(run.kind) && self.now + wait - since <= oldest(run.kind) {
                    let by = By::Event { errors: errors + 1, refusals: 0, since };
                    let (service, kind) = (run.service, run.kind);
                    self.push(self.now + wait, Event::Start { service, kind, by });
                } else {
                    self.seen.lost += 1;
                }
            }
            By::Event { .. } => {}
            // A step that failed is not asked again here: the machine goes on to what follows.
            By::Machine { step, .. } => {
                self.push(self.now, Event::Step { service: run.service, step: step + 1, refusals: 0 });
            }
            By::Call(call) => self.push(self.now, Event::Answer(call, !run.failed)),
        }
    }

    fn step(&mut self, service: u32, step: usize, refusals: u32) {
        let Some(next) = self.machine.get(step).copied() else { return };
        match next {
            Step::Wait(wait) => {
                self.push(self.now + wait, Event::Step { service, step: step + 1, refusals: 0 });
            }
            Step::Run(kind) => self.start(service, kind, By::Machine { step, refusals }),
        }
    }
}

/// Lambda's repeats after an error, as `template.yaml` sets them.
fn repeats(kind: Kind) -> u32 {
    match kind.function().name {
        "health-probe" => 0,
        "diagnose" => 1,
        _ => 2,
    }
}

/// How old an event may get.
fn oldest(kind: Kind) -> Micros {
    match kind.function().name {
        "health-probe" => MINUTE,
        "diagnose" => 5 * MINUTE,
        _ => 15 * MINUTE,
    }
}

#[cfg(test)]
mod tests;

//! What is seen while the loop is at work, and when a drill is over. It calls nobody: each look is handed to it.

use std::{collections::BTreeSet, time::Duration};

use super::{
    record::{Event, Record},
    release::short,
};

/// Without an incident, a recovery that lasts so long is one: no alarm rings later than that.
pub(crate) const CALM: Duration = Duration::from_mins(5);

/// How it stands at one moment. What could not be read is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Look {
    /// The task definition that the service is set to.
    pub(crate) runs: Option<String>,
    /// Whether ECS itself went back since the break.
    pub(crate) ecs_went_back: bool,
    /// Whether the probe passes, and what it says.
    pub(crate) health: Option<(bool, String)>,
    pub(crate) incidents: Option<Incidents>,
    /// What remedies recorded since the break: each a function, whether it was done, and its line.
    pub(crate) records: Vec<(String, bool, String)>,
    /// Why something could not be read.
    pub(crate) unread: Vec<String>,
}

/// Those that the break has brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Incidents {
    pub(crate) open: Vec<String>,
    pub(crate) over: Vec<String>,
}

/// All that was seen so far. Times are seconds since the break.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) events: Vec<Event>,
    pub(crate) failed: Option<f64>,
    pub(crate) detected: Option<f64>,
    pub(crate) acted: Option<f64>,
    pub(crate) acted_by: Option<String>,
    pub(crate) recovered: Option<f64>,
    pub(crate) incidents: Vec<String>,
    /// When the service was first seen without the bad release.
    pub(super) replaced: Option<f64>,
    pub(super) over: BTreeSet<String>,
    pub(super) runs: Option<String>,
    pub(super) said: BTreeSet<String>,
    pub(super) probe_said: Option<String>,
}

/// How a drill ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By the loop, or by ECS itself.
    Healed,
    /// Somebody else put another release there, and that works.
    ByOthers,
    /// The time was over.
    NotHealed,
    /// By a signal.
    Interrupted,
}

impl Seen {
    /// Adds what a look shows, and answers what is new.
    pub(crate) fn add(&mut self, after: Duration, look: &Look, record: &Record) -> Vec<Event> {
        let after_seconds = tenths(after);
        let before = self.events.len();
        self.health(after_seconds, look, record);
        self.incidents(after_seconds, look.incidents.as_ref());
        self.release(after_seconds, look, record);
        for (function, applied, line) in &look.records {
            if self.say(after_seconds, &format!("{function}: {line}")) && *applied {
                self.act(after_seconds, function);
            }
        }
        for why in &look.unread {
            self.say(after_seconds, why);
        }
        self.events.get(before..).unwrap_or_default().to_vec()
    }

    fn health(&mut self, after: f64, look: &Look, record: &Record) {
        let Some((healthy, words)) = &look.health else { return };
        if !healthy {
            self.failed.get_or_insert(after);
            // What had recovered has not.
            self.recovered = None;
            self.probe(after, words);
            return;
        }
        // The bad release may not be there yet, or have been missed.
        let is_bad = look.runs.is_none() || look.runs == record.copy;
        if self.failed.is_some() || !is_bad {
            self.probe(after, words);
        }
        if !is_bad {
            self.recovered.get_or_insert(after);
        }
    }

    fn incidents(&mut self, after: f64, incidents: Option<&Incidents>) {
        let Some(incidents) = incidents else { return };
        for id in incidents.open.iter().chain(&incidents.over) {
            if !self.incidents.contains(id) {
                self.incidents.push(id.clone());
                self.detected.get_or_insert(after);
                self.say(after, &format!("incident {id} was opened"));
            }
        }
        for id in self.incidents.clone() {
            if incidents.open.contains(&id) {
                if self.over.remove(&id) {
                    self.push(after, format!("incident {id} was opened again"));
                }
            } else if self.over.insert(id.clone()) {
                self.push(after, format!("incident {id} is over"));
            }
        }
    }

    /// A remedy records what it did once it has looked whether that worked: the service shows it before.
    fn act(&mut self, after: f64, who: &str) {
        let after = self.replaced.unwrap_or(after);
        let noticed = self.detected.get_or_insert(after);
        *noticed = noticed.min(after);
        if self.acted.is_none() {
            self.acted = Some(after);
            self.acted_by = Some(who.to_owned());
        }
    }

    fn release(&mut self, after: f64, look: &Look, record: &Record) {
        let Some(runs) = &look.runs else { return };
        let was = self.runs.replace(runs.clone());
        if was.as_ref().or(record.copy.as_ref()) == Some(runs) {
            return;
        }
        let by = if look.ecs_went_back { " by ECS itself, which gave the bad release up" } else { "" };
        self.push(after, format!("{} was set to {}{by}", record.service, short(runs)));
        if record.copy.as_ref() != Some(runs) {
            self.replaced.get_or_insert(after);
        }
        if look.ecs_went_back && self.acted.is_none() {
            self.act(after, "ECS");
        }
    }

    /// Whether it was said for the first time.
    fn say(&mut self, after: f64, what: &str) -> bool {
        let is_new = self.said.insert(what.to_owned());
        if is_new {
            self.push(after, what.to_owned());
        }
        is_new
    }

    /// What the probe says, where that is not what it said last.
    fn probe(&mut self, after: f64, words: &str) {
        let what = format!("the probe: {words}");
        if self.probe_said.as_ref() != Some(&what) {
            self.probe_said = Some(what.clone());
            self.push(after, what);
        }
    }

    fn push(&mut self, after_seconds: f64, what: String) {
        self.events.push(Event { after_seconds, what });
    }

    /// Nothing as long as there is something to wait for.
    pub(crate) fn end(&self, after: Duration) -> Option<End> {
        let recovered = self.recovered?;
        if self.incidents.is_empty() && tenths(after) - recovered < CALM.as_secs_f64() {
            return None;
        }
        Some(self.end_at_last()).filter(|end| *end != End::NotHealed)
    }

    /// How it ended, where there is no more time.
    pub(crate) fn end_at_last(&self) -> End {
        match (self.recovered, self.acted) {
            _ if self.over.len() < self.incidents.len() => End::NotHealed,
            (None, _) => End::NotHealed,
            (Some(_), Some(_)) => End::Healed,
            (Some(_), None) => End::ByOthers,
        }
    }
}

/// Seconds, as people say them.
pub(crate) fn tenths(span: Duration) -> f64 {
    (span.as_secs_f64() * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests;

//! What customers are told of an incident: which components, since when, and its phases. It follows the incident, and says
//! nothing of its own but what a person typed for customers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use status_page::{self as page, Id, Impact, Phase, Public, Status, Update};

use crate::{incident::Incident, slug::digest};

/// Customers hear the next word after this long at the latest.
pub const NEXT_WORD_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// Whoever has the incident is reminded this long before.
const REMINDED_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// More words than people read.
const MAX_UPDATES: usize = 100;

/// The public side of an incident, as the ledger holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The incident's own id.
    pub incident: String,
    /// What customers see of it: the time, without the cause.
    pub id: Id,
    #[serde(default)]
    pub title: Option<Public>,
    pub impact: Impact,
    #[serde(default)]
    pub components: Vec<Id>,
    pub began_at: Timestamp,
    #[serde(default)]
    pub resolved_at: Option<Timestamp>,
    pub updates: Vec<Update>,
    /// The end of the promise of which somebody was reminded.
    #[serde(default)]
    pub reminded_of: Option<Timestamp>,
    /// Counts the writes.
    #[serde(skip)]
    pub version: u64,
}

/// The components that do not work, by the probe.
pub type Affected = BTreeMap<Id, Status>;

impl Publication {
    /// The public side of an incident that customers were told nothing of.
    fn new(incident: &Incident) -> Option<Self> {
        Some(Self {
            incident: incident.id.clone(),
            // Two may open in one second.
            id: Id::of(&format!("{}-{:.4}", Incident::id_at(incident.opened_at), digest(&incident.id)))?,
            title: None,
            impact: Impact::None,
            components: Vec::new(),
            began_at: incident.began_at,
            resolved_at: None,
            updates: Vec::new(),
            reminded_of: None,
            version: 0,
        })
    }

    /// What a person says for customers. `None` if the incident has no public id.
    pub fn with_words(
        before: Option<Self>,
        incident: &Incident,
        affected: &Affected,
        text: Public,
        now: Timestamp,
    ) -> Option<Self> {
        let mut publication = before.or_else(|| Self::new(incident))?;
        publication.worsen(affected);
        publication.resolved_at = incident.resolved_at;
        publication.say(Update { at: now, phase: publication.phase(incident, affected), text: Some(text) });
        Some(publication)
    }

    /// The promise: by when customers hear more. `None` once it is over.
    pub fn next_update_by(&self) -> Option<Timestamp> {
        let last = self.updates.last().filter(|_| self.resolved_at.is_none())?;
        last.at.checked_add(NEXT_WORD_WITHIN).ok()
    }

    /// The promise that ends soon, and of which nobody was reminded.
    pub fn to_be_reminded(&self, now: Timestamp) -> Option<Timestamp> {
        let by = self.next_update_by().filter(|by| self.reminded_of != Some(*by))?;
        (by.duration_since(now) <= REMINDED_BEFORE).then_some(by)
    }

    pub fn shown(&self) -> page::Incident {
        page::Incident {
            id: self.id.clone(),
            title: self.title.clone(),
            impact: self.impact,
            components: self.components.clone(),
            began_at: self.began_at,
            resolved_at: self.resolved_at,
            next_update_by: self.next_update_by(),
            updates: self.updates.clone(),
        }
    }

    fn worsen(&mut self, affected: &Affected) {
        for (component, status) in affected {
            if !self.components.contains(component) {
                self.components.push(component.clone());
            }
            self.impact = self.impact.max(impact(*status));
        }
    }

    /// The phase in the words of status pages.
    fn phase(&self, incident: &Incident, affected: &Affected) -> Phase {
        if !incident.is_open() {
            Phase::Resolved
        } else if affected.is_empty() && !self.components.is_empty() {
            // What the probe saw is over, and the alarms are not calm yet.
            Phase::Monitoring
        } else if incident.found.is_some() && !incident.current_attempts().is_empty() {
            Phase::Identified
        } else {
            Phase::Investigating
        }
    }

    fn say(&mut self, update: Update) {
        self.updates.push(update);
        let many = self.updates.len().saturating_sub(MAX_UPDATES);
        self.updates.drain(..many);
    }
}

/// What follows for customers from an incident as it is now. `None` if there is nothing new to say.
///
/// An incident becomes public by itself only if the probe sees it too, and then only after `publish_after`, so that what
/// mends itself in seconds is no news; if nothing works at all, at once.
pub fn follow(
    before: Option<&Publication>,
    incident: &Incident,
    affected: &Affected,
    components: usize,
    publish_after: SignedDuration,
    now: Timestamp,
) -> Option<Publication> {
    let mut after = if let Some(before) = before {
        before.clone()
    } else {
        let all_down =
            affected.len() == components && affected.values().all(|status| *status == Status::MajorOutage);
        let lasts = now.duration_since(incident.began_at) >= publish_after;
        let is_news = incident.is_open() && !affected.is_empty() && (all_down || lasts);
        is_news.then(|| Publication::new(incident)).flatten()?
    };
    if incident.is_open() {
        after.worsen(affected);
    }
    let phase = after.phase(incident, affected);
    after.resolved_at = incident.resolved_at;
    if after.updates.last().is_none_or(|last| last.phase != phase) {
        let at = incident
            .resolved_at
            .unwrap_or(now)
            .max(after.updates.last().map_or(Timestamp::MIN, |last| last.at));
        after.say(Update { at, phase, text: None });
    }
    (before != Some(&after)).then_some(after)
}

fn impact(status: Status) -> Impact {
    match status {
        Status::Operational | Status::Unknown | Status::UnderMaintenance => Impact::None,
        Status::DegradedPerformance => Impact::Minor,
        Status::PartialOutage => Impact::Major,
        Status::MajorOutage => Impact::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Severity;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn incident() -> Incident {
        Incident::new("service-down", "Service down".to_owned(), Severity::High, at(0), at(1))
    }

    fn affected(components: &[(&str, Status)]) -> Affected {
        components.iter().map(|(name, status)| (Id::of(name).unwrap(), *status)).collect()
    }

    const AFTER: SignedDuration = SignedDuration::from_mins(3);
    const PARTLY: [(&str, Status); 1] = [("api", Status::PartialOutage)];
    const ALL_DOWN: [(&str, Status); 2] = [("api", Status::MajorOutage), ("website", Status::MajorOutage)];

    #[track_caller]
    fn check(down: &[(&str, Status)], minute: i64, expected: Option<Impact>) {
        let public = follow(None, &incident(), &affected(down), 2, AFTER, at(minute));
        assert_eq!(public.map(|public| public.impact), expected);
    }

    #[test]
    fn what_the_probe_sees_too_is_public_after_a_while_and_at_once_if_nothing_works() {
        check(&PARTLY, 2, None);
        check(&PARTLY, 3, Some(Impact::Major));
        check(&ALL_DOWN, 0, Some(Impact::Critical));
        check(&ALL_DOWN[..1], 0, None);
        check(&[], 60, None);
    }

    #[test]
    fn what_ended_before_it_was_public_never_is() {
        let mut over = incident();
        over.resolve(at(2), "it went away".to_owned());
        assert_eq!(follow(None, &over, &affected(&ALL_DOWN), 2, AFTER, at(10)), None);
    }

    fn phases(public: &Publication) -> Vec<(Phase, Timestamp)> {
        public.updates.iter().map(|update| (update.phase, update.at)).collect()
    }

    #[test]
    fn each_phase_is_said_once_and_the_end_at_its_own_time() {
        let mut incident = incident();
        let first = follow(None, &incident, &affected(&ALL_DOWN), 2, AFTER, at(1)).unwrap();
        assert_eq!(follow(Some(&first), &incident, &affected(&ALL_DOWN), 2, AFTER, at(2)), None);
        let calm = follow(Some(&first), &incident, &affected(&[]), 2, AFTER, at(5)).unwrap();
        incident.resolve(at(20), "rolled back".to_owned());
        let over = follow(Some(&calm), &incident, &affected(&[]), 2, AFTER, at(21)).unwrap();
        let expected = [(Phase::Investigating, at(1)), (Phase::Monitoring, at(5)), (Phase::Resolved, at(20))];
        assert_eq!(phases(&over), expected);
        assert_eq!((over.resolved_at, over.next_update_by()), (Some(at(20)), None));
        // It comes back.
        incident.reopen(at(25), at(25));
        let again = follow(Some(&over), &incident, &affected(&PARTLY), 2, AFTER, at(25)).unwrap();
        assert_eq!(again.shown().phase(), Phase::Investigating);
        assert_eq!(again.resolved_at, None);
    }

    /// The probe does not see everything that customers notice.
    #[test]
    fn what_only_a_person_makes_public_is_not_over_because_the_probe_passes() {
        let said = Public::typed("Some transfers wait.").unwrap();
        let public = Publication::with_words(None, &incident(), &affected(&[]), said, at(4)).unwrap();
        assert_eq!((public.shown().phase(), public.impact), (Phase::Investigating, Impact::None));
        assert_eq!(follow(Some(&public), &incident(), &affected(&[]), 2, AFTER, at(5)), None);
    }

    #[test]
    fn a_clock_that_jumps_back_leaves_the_updates_in_order() {
        let first = follow(None, &incident(), &affected(&ALL_DOWN), 2, AFTER, at(10)).unwrap();
        let back = follow(Some(&first), &incident(), &affected(&[]), 2, AFTER, at(4)).unwrap();
        assert_eq!(phases(&back), [(Phase::Investigating, at(10)), (Phase::Monitoring, at(10))]);
    }

    #[test]
    fn the_promise_is_half_an_hour_and_its_reminder_comes_once() {
        let mut public = follow(None, &incident(), &affected(&ALL_DOWN), 2, AFTER, at(0)).unwrap();
        assert_eq!(public.next_update_by(), Some(at(30)));
        assert_eq!(public.to_be_reminded(at(24)), None);
        assert_eq!(public.to_be_reminded(at(25)), Some(at(30)));
        public.reminded_of = Some(at(30));
        assert_eq!(public.to_be_reminded(at(26)), None);
    }

    #[test]
    fn incidents_of_one_second_have_ids_of_their_own_and_none_says_the_cause() {
        let other = Incident { id: "20270115-080100-alarm-cpu".to_owned(), ..incident() };
        let [one, two] = [incident(), other].map(|incident| Publication::new(&incident).unwrap().id);
        assert_ne!(one, two);
        assert!(!one.as_str().contains("service") && one.as_str().starts_with("20270115-080100-"), "{one:?}");
    }
}

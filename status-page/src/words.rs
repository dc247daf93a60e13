//! Every fixed sentence of the page. What a person typed stands in its place where there is some.

use crate::{
    model::{Component, Day, Impact, Incident, Maintenance, MaintenancePhase, Page, Phase, Status, Update},
    public::Id,
    times,
};

/// With more names than this a heading would not be read.
const NAMES: usize = 3;
/// Of a day without so many minutes the page says so.
const GAP: u16 = 10;

pub(crate) const COUNTED: &str = "A probe asks every minute. A minute partly down counts as three tenths of a \
     minute down, and a slow minute counts as up. Announced maintenance and minutes without a measurement do not \
     count. Figures are cut off, not rounded up.";

/// What it is about, as the beginning of a sentence.
pub(crate) struct Subject {
    pub(crate) names: String,
    is_plural: bool,
}

impl Subject {
    /// Without a component that is on the page, it is the product.
    pub(crate) fn of(ids: &[Id], page: &Page) -> Self {
        let of_page = page.components.iter().filter(|component| ids.contains(&component.id));
        Self::named(&of_page.collect::<Vec<_>>(), page)
    }

    fn named(components: &[&Component], page: &Page) -> Self {
        let names: Vec<&str> = components.iter().map(|component| component.name.as_str()).collect();
        let is_plural = names.len() > 1;
        let shown = if names.len() > NAMES { NAMES - 1 } else { names.len() };
        let rest = names.len() - shown;
        let names = match names.split_at_checked(shown) {
            Some(([], _)) | None => page.name.as_str().to_owned(),
            Some((names, [])) => joined(names),
            Some((names, _)) => format!("{} and {rest} more", names.join(", ")),
        };
        Self { names, is_plural }
    }

    fn are(&self) -> &'static str {
        if self.is_plural { "are" } else { "is" }
    }

    /// A verb's third person.
    fn verb(&self, one: &'static str, many: &'static str) -> &'static str {
        if self.is_plural { many } else { one }
    }
}

fn joined(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Operational => "Working",
        Status::Unknown => "Unknown",
        Status::UnderMaintenance => "Maintenance",
        Status::DegradedPerformance => "Slow",
        Status::PartialOutage => "Partly down",
        Status::MajorOutage => "Down",
    }
}

pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Investigating => "Investigating",
        Phase::Identified => "Identified",
        Phase::Monitoring => "Monitoring",
        Phase::Resolved => "Resolved",
    }
}

pub(crate) fn maintenance_phase(phase: MaintenancePhase) -> &'static str {
    match phase {
        MaintenancePhase::Scheduled => "Maintenance scheduled",
        MaintenancePhase::InProgress => "Maintenance in progress",
        MaintenancePhase::Completed => "Maintenance completed",
        MaintenancePhase::CalledOff => "Maintenance called off",
    }
}

/// What the page says first.
pub(crate) fn headline(page: &Page) -> String {
    let worst = page.status();
    if page.components.is_empty() {
        return "Nothing has been measured yet".to_owned();
    }
    if worst == Status::Operational {
        return "All systems are working".to_owned();
    }
    let concerned: Vec<&Component> =
        page.components.iter().filter(|component| component.status == worst).collect();
    let subject = Subject::named(&concerned, page);
    let Subject { names, .. } = &subject;
    let are = subject.are();
    match worst {
        Status::MajorOutage => format!("{names} {are} down"),
        Status::PartialOutage => format!("{names} {are} partly down"),
        Status::DegradedPerformance => format!("{names} {are} slow"),
        Status::UnderMaintenance => format!("{names} {are} under maintenance"),
        Status::Unknown | Status::Operational => format!("{names}: status unknown"),
    }
}

/// The title that a person gave it, or else what is affected.
pub(crate) fn title(incident: &Incident, page: &Page) -> String {
    if let Some(title) = &incident.title {
        return title.as_str().replace('\n', " ");
    }
    let subject = Subject::of(&incident.components, page);
    let (names, are) = (&subject.names, subject.are());
    match incident.impact {
        Impact::Critical => format!("{names} {are} down"),
        Impact::Major => format!("{names} {are} partly down"),
        Impact::Minor => format!("{names} {are} slow"),
        Impact::None => format!("{names}: a fault that you should not notice"),
    }
}

/// What an update says.
pub(crate) fn update(update: &Update, incident: &Incident, page: &Page) -> String {
    match &update.text {
        Some(text) => text.as_str().to_owned(),
        None => sentence(update.phase, incident.impact, &Subject::of(&incident.components, page)),
    }
}

fn sentence(phase: Phase, impact: Impact, subject: &Subject) -> String {
    let (names, are) = (&subject.names, subject.are());
    let works = subject.verb("works", "work");
    match (phase, impact) {
        (Phase::Investigating, Impact::Critical) => {
            format!("{names} {are} not available. We are looking into it.")
        }
        (Phase::Investigating, Impact::Major) => {
            format!("Some requests to {names} fail. We are looking into it.")
        }
        (Phase::Investigating, Impact::Minor) => {
            format!("{names} {} longer than usual. We are looking into it.", subject.verb("takes", "take"))
        }
        (Phase::Investigating, Impact::None) => {
            format!("We are looking into a fault in {names}. You should not notice it.")
        }
        (Phase::Identified, _) => "We have found the cause and are fixing it.".to_owned(),
        (Phase::Monitoring, Impact::None) => "The fault is fixed. We are keeping an eye on it.".to_owned(),
        (Phase::Monitoring, _) => format!("{names} {works} again. We are keeping an eye on it."),
        (Phase::Resolved, Impact::None) => "The fault is fixed.".to_owned(),
        (Phase::Resolved, _) => format!("{names} {works} again. The incident is over."),
    }
}

/// What maintenance means for those who use what is concerned.
pub(crate) fn maintenance(maintenance: &Maintenance, phase: MaintenancePhase, page: &Page) -> String {
    let subject = Subject::of(&maintenance.components, page);
    let names = &subject.names;
    match phase {
        MaintenancePhase::Scheduled => format!("{names} may not be available during this time."),
        MaintenancePhase::InProgress => format!("{names} may not be available until the work is done."),
        MaintenancePhase::Completed => "The work is done.".to_owned(),
        MaintenancePhase::CalledOff => {
            format!("It did not take place: {names} {} not affected.", subject.verb("was", "were"))
        }
    }
}

/// A day's minutes, as in `28 Nov: 12 min down`.
pub(crate) fn day(day: &Day) -> String {
    let date = times::short_day(day.date);
    let part = |minutes: u16, what: &str| {
        (minutes > 0).then(|| format!("{} {what}", times::minutes(minutes.into())))
    };
    let parts = [
        part(day.down, "down"),
        part(day.partial, "partly down"),
        part(day.degraded, "slow"),
        part(day.maintenance, "maintenance"),
        part(if day.unknown < GAP || day.measured() == 0 { 0 } else { day.unknown }, "no data"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.as_slice() {
        [] if day.measured() == 0 => format!("{date}: no data"),
        [] => format!("{date}: up"),
        parts => format!("{date}: {}", parts.join(", ")),
    }
}

/// As in `99.95 % of the measured minutes since 3 September`.
pub(crate) fn uptime(component: &Component) -> String {
    match component.uptime().zip(component.days.first()) {
        Some((uptime, first)) => {
            let since = times::long_day(first.date);
            format!("{}.{:02} % of the measured minutes since {since}", uptime / 100, uptime % 100)
        }
        None => "Nothing has been measured yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_days_words_say_what_was_measured() {
        let check = |minutes: Day, words: &str| assert_eq!(day(&minutes), words);
        let none = Day { unknown: 0, ..Day::unknown(date(2026, 11, 28)) };
        check(Day { up: 1_440, ..none }, "28 Nov: up");
        check(Day { up: 1_428, down: 12, ..none }, "28 Nov: 12 min down");
        check(
            Day { down: 65, partial: 5, degraded: 2, ..none },
            "28 Nov: 1 h 5 min down, 5 min partly down, 2 min slow",
        );
        check(Day { up: 1_435, unknown: 5, ..none }, "28 Nov: up");
        check(Day { up: 1_380, unknown: 60, ..none }, "28 Nov: 1 h no data");
        check(Day { maintenance: 30, unknown: 1_410, ..none }, "28 Nov: 30 min maintenance");
        check(Day::unknown(none.date), "28 Nov: no data");
        check(none, "28 Nov: no data");
    }

    #[test]
    fn names_are_joined_as_people_do_and_not_too_many() {
        let check = |names: &[&str], words: &str| assert_eq!(joined(names), words);
        check(&[], "");
        check(&["API"], "API");
        check(&["API", "Web"], "API and Web");
        check(&["API", "Web", "Mail"], "API, Web and Mail");
    }
}

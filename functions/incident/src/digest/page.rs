//! The report as a page of text, in lines that fit a phone.

use jiff::{SignedDuration, Timestamp};
use shared::{clock::spoken, settings::function_name, text::line};

use super::{Counted, Deed, Digest, Held, Incidents, LeftOut, Restored, Span, WouldHave, incidents};

/// How many of each list the page has, the newest. The JSON has more.
const SHOWN: usize = 5;

impl Digest {
    /// As in `2 incidents, 3 things done, 1 would have been done`.
    pub fn headline(&self) -> String {
        let Self { incidents, did, would_have_done, .. } = self;
        if self.is_quiet() {
            return format!("{}: quiet", self.span());
        }
        let counts = [
            count(incidents.opened, "incident"),
            format!("{} done", did.in_all),
            format!("{} would have been done", would_have_done.in_all),
        ];
        format!("{}: {}", self.span(), counts.join(", "))
    }

    /// The page, a line each.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}, {}.", self.span(), self.modes_in_words())];
        if self.is_quiet() {
            lines.push(
                "Quiet: no incident, nothing done, nothing that would have been done, nothing waits."
                    .to_owned(),
            );
        } else {
            lines.extend(incidents_in_words(&self.incidents));
            lines.extend(self.would_in_words());
            lines.extend(self.did_in_words());
            let super::Approvals { asked, approved, rejected } = self.approvals;
            if asked + approved + rejected > 0 {
                lines
                    .push(format!("Approvals: {asked} asked for, {approved} approved, {rejected} rejected."));
            }
            lines.extend(self.waits_in_words());
        }
        lines.push(format!(
            "Cost: the runbook itself about ${} a month, if nothing happens.",
            self.cost.own_dollars_a_month
        ));
        lines.extend(self.restored_in_words());
        lines.extend(left_out(&self.left_out));
        lines
    }

    fn is_quiet(&self) -> bool {
        self.incidents.opened == 0
            && self.would_have_done.in_all == 0
            && self.did.in_all == 0
            && self.waits.is_empty()
            && self.approvals == super::Approvals::default()
            && self.cost.restored_clusters.is_empty()
    }

    /// As in `production, 30 Nov to 7 Dec 2026`.
    fn span(&self) -> String {
        let year = |at: Timestamp| at.strftime("%Y").to_string();
        let from = if year(self.from) == year(self.to) { "%-d %b" } else { "%-d %b %Y" };
        let (from, to) = (self.from.strftime(from), self.to.strftime("%-d %b %Y"));
        format!("{}, {from} to {to}", line(&self.environment, 60))
    }

    /// As in `mode observe`, where all have the same.
    fn modes_in_words(&self) -> String {
        let mut modes = self.modes.values();
        match modes.next() {
            None => "no remedy".to_owned(),
            Some(first) if modes.all(|mode| mode == first) => format!("mode {first}"),
            Some(_) => {
                let all = self.modes.iter().map(|(function, mode)| format!("{function} {mode}"));
                format!("modes: {}", all.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn would_in_words(&self) -> Vec<String> {
        let Counted { in_all, newest } = &self.would_have_done;
        let by_itself = self.went_by_itself;
        let head = match *in_all {
            0 => return Vec::new(),
            all if by_itself == 0 => format!("Would have done {}:", count(all, "thing")),
            all => format!("Would have done {}; {by_itself} went away without:", count(all, "thing")),
        };
        let of_one = |one: &WouldHave| {
            let times = if one.times > 1 { format!(" ({} times)", one.times) } else { String::new() };
            [
                format!("- {} {}{times}: {}", minute(one.at), one.function, one.what),
                format!("  Instead: {}.", one.instead.in_words.trim_end_matches('.')),
            ]
        };
        listed(head, newest, *in_all, |one| of_one(one).into())
    }

    fn did_in_words(&self) -> Vec<String> {
        let Counted { in_all, newest } = &self.did;
        let of = |held| self.held.get(&held).copied().unwrap_or_default();
        let parts = [
            (Held::Yes, "held for an hour"),
            (Held::CameBack, "came back"),
            (Held::Failed, "failed"),
            (Held::TooEarly, "not an hour ago"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .map(|(held, words)| (of(held), words))
            .filter(|(number, _)| *number > 0)
            .map(|(number, words)| format!("{number} {words}"))
            .collect();
        if *in_all == 0 {
            return Vec::new();
        }
        let head = format!("Did {}: {}.", count(*in_all, "thing"), parts.join(", "));
        let of_one = |deed: &Deed| {
            let steps = if deed.steps > 1 { format!(", {} steps", deed.steps) } else { String::new() };
            let by = deed.by.map(|by| format!(" ({}{steps})", by.in_words())).unwrap_or_default();
            let came_of_it = match (deed.held, &deed.then) {
                (Held::CameBack, Some(then)) => format!("Came back: {}", line(then, super::LONGEST)),
                (Held::CameBack | Held::Yes, _) => "Held".to_owned(),
                (Held::TooEarly, _) => "Too early to say".to_owned(),
                (Held::Failed, _) => "Failed".to_owned(),
            };
            vec![
                format!("- {} {}{by}: {}", minute(deed.at), deed.function, deed.what),
                format!("  {came_of_it}."),
            ]
        };
        listed(head, newest, *in_all, of_one)
    }

    fn waits_in_words(&self) -> Vec<String> {
        let all: Vec<&String> = self.waits.all().collect();
        if all.is_empty() {
            return Vec::new();
        }
        listed("Waits for a person:".to_owned(), &all, all.len(), |what| vec![format!("- {what}")])
    }

    fn restored_in_words(&self) -> Vec<String> {
        let all = &self.cost.restored_clusters;
        if all.is_empty() {
            return Vec::new();
        }
        let of_one = |one: &Restored| {
            let Restored { cluster, since, in_use, classes, dollars_a_day } = one;
            let classes = if classes.is_empty() { "no instance".to_owned() } else { classes.join(", ") };
            let price = dollars_a_day.map_or_else(
                || "at a price not known here".to_owned(),
                |dollars| format!("about ${dollars:.2} a day"),
            );
            let used = if *in_use { "in use, " } else { "" };
            vec![format!("- {cluster}: {used}since {}, {classes}, {price}", since.strftime("%-d %b"))]
        };
        let head = "Restored clusters that still run, by the records:".to_owned();
        let mut lines = listed(head, all, all.len(), of_one);
        if all.iter().any(|one| !one.in_use) {
            let function = function_name(&self.environment, "snapshot-restore");
            lines.push(format!("  To delete one, send {{\"discard\": \"<its name>\"}} to {function}."));
        }
        lines
    }
}

fn incidents_in_words(incidents: &Incidents) -> Vec<String> {
    let Incidents { opened, came_back, false_alarms, detect, act, recover } = incidents;
    if *opened == 0 {
        return vec!["No incident.".to_owned()];
    }
    let again = if *came_back == 0 { String::new() } else { format!(", {came_back} came back") };
    let mut lines = vec![format!("{}{again}.", count(*opened, "incident"))];
    lines.push(format!(
        "False alarms: {false_alarms} (over within {}, and nobody and nothing acted).",
        spoken(incidents::FALSE_ALARM_WITHIN)
    ));
    for (what, span) in [("Noticed", detect), ("Acted on, once noticed,", act), ("Over", recover)] {
        lines.extend(span.map(|span| format!("{what} after {}.", of_span(span))));
    }
    lines
}

/// As in `2 min (median; worst 12 min)`.
fn of_span(span: Span) -> String {
    let spoken = |seconds| spoken(SignedDuration::from_secs(seconds));
    let Span { median_seconds, worst_seconds, of } = span;
    if of == 1 {
        return spoken(worst_seconds);
    }
    format!("{} (median of {of}; worst {})", spoken(median_seconds), spoken(worst_seconds))
}

fn left_out(left_out: &LeftOut) -> Vec<String> {
    let LeftOut { unreadable, older } = left_out;
    let mut lines = Vec::new();
    if *unreadable > 0 {
        lines.push(format!("Left out: {} of the ledger that cannot be read.", count(*unreadable, "item")));
    }
    if !older.is_empty() {
        lines.push(format!("Left out: the oldest of {}: there are too many.", older.join(", ")));
    }
    lines
}

/// The first of a list, and how many more there are.
fn listed<T>(head: String, all: &[T], in_all: usize, of_one: impl Fn(&T) -> Vec<String>) -> Vec<String> {
    let mut lines = vec![head];
    lines.extend(all.iter().take(SHOWN).flat_map(of_one));
    match in_all.saturating_sub(SHOWN) {
        0 => {}
        more => lines.push(format!("- and {more} more, before that")),
    }
    lines
}

/// As in `1 incident`, `3 incidents`.
fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// As in `Wed 2 Dec 03:12`.
pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%a %-d %b %H:%M").to_string()
}

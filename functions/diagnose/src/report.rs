//! What `diagnose` answers: JSON for machines, a screen of text for people, Markdown for a ticket.

mod markdown;
mod text;

use jiff::Timestamp;
use shared::{
    diagnosis::{Diagnosis, Finding},
    notice::{Facts, Kind},
};

use crate::FUNCTION;

/// How the text is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    Markdown,
}

/// Writes summary and text from the rest.
#[must_use]
pub fn told(mut diagnosis: Diagnosis, format: Format) -> Diagnosis {
    diagnosis.nothing_found = diagnosis.findings.is_empty();
    diagnosis.summary = summarized(&diagnosis);
    let first = diagnosis.findings.first();
    diagnosis.next = first.map(|first| first.next_step(&diagnosis.environment, FUNCTION));
    diagnosis.text = match format {
        Format::Text => text::text(&diagnosis),
        Format::Markdown => markdown::markdown(&diagnosis),
    };
    diagnosis
}

/// What whoever is woken by the alarm gets along with it.
#[must_use]
pub fn facts(report: &Diagnosis) -> Facts {
    let headline = format!("{FUNCTION}: {}", report.summary);
    Facts { lines: report.text.clone(), ..Facts::new(&report.environment, FUNCTION, Kind::Other, headline) }
}

fn summarized(diagnosis: &Diagnosis) -> String {
    let unseen = match diagnosis.not_seen.len() {
        0 => String::new(),
        count => format!(" {count} of the sources could not be seen."),
    };
    match diagnosis.findings.as_slice() {
        [] if diagnosis.chapters.is_empty() => {
            "Nothing was looked into: the alarm is not in ALARM.".to_owned()
        }
        [] if diagnosis.looked_at.is_empty() => format!("Nothing could be looked at.{unseen}"),
        [] => format!("Nothing found.{unseen}"),
        [only] => format!("{}.{unseen}", found(only)),
        [first, others @ ..] => {
            let more = if others.len() == 1 {
                "1 more finding".to_owned()
            } else {
                format!("{} more findings", others.len())
            };
            format!("{}; {more}.{unseen}", found(first))
        }
    }
}

/// A finding with how certain it is: one that is only likely or possible never reads as a fact.
fn found(finding: &Finding) -> String {
    capital(&format!("{}{}", text::certainty(finding.confidence), finding.what))
}

pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// As in `14:05 UTC`, or with its day where that is another.
pub(crate) fn when(at: Timestamp, now: Timestamp) -> String {
    let same_day = at.strftime("%F").to_string() == now.strftime("%F").to_string();
    let format = if same_day { "%H:%M UTC" } else { "%F %H:%M UTC" };
    at.strftime(format).to_string()
}

#[cfg(test)]
pub(crate) mod tests;

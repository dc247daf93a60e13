//! What `diagnose` answers: JSON for machines, a screen of text for people, Markdown for a ticket.

mod markdown;
mod text;

use jiff::Timestamp;
use serde::Serialize;
use shared::status::{Advice, advice};

use crate::{chapter::Chapter, evidence::NotSeen, finding::Finding, timeline::Change};

pub const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub version: u32,
    /// Whether nothing was found, as far as could be seen.
    pub nothing_found: bool,
    /// One sentence.
    pub summary: String,
    /// What a person reads, line by line; Markdown where that was asked for.
    pub text: Vec<String>,
    /// Causes, the first the one to look at.
    pub findings: Vec<Finding>,
    /// What changed in the last hours, the oldest first.
    pub changes: Vec<Change>,
    /// The chapters that were gone through.
    pub chapters: Vec<Chapter>,
    pub looked_at: Vec<&'static str>,
    /// What a status code means, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What could not be seen, and why. Nothing is concluded from it.
    pub not_seen: Vec<NotSeen>,
    pub function: &'static str,
    pub environment: String,
    pub execution_id: String,
    pub at: Timestamp,
    pub duration_ms: u64,
}

/// A status code as the guide's table has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    pub code: u16,
    pub meaning: &'static str,
    pub action: &'static str,
}

impl From<u16> for Status {
    fn from(code: u16) -> Self {
        let Advice { meaning, action, .. } = advice(code);
        Self { code, meaning, action }
    }
}

/// How the text is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    Markdown,
}

impl Report {
    /// Writes summary and text from the rest.
    #[must_use]
    pub fn told(mut self, format: Format) -> Self {
        self.nothing_found = self.findings.is_empty();
        self.summary = self.summarized();
        self.text = match format {
            Format::Text => text::text(&self),
            Format::Markdown => markdown::markdown(&self),
        };
        self
    }

    fn summarized(&self) -> String {
        let unseen = match self.not_seen.len() {
            0 => String::new(),
            count => format!(" {count} of the sources could not be seen."),
        };
        match self.findings.as_slice() {
            [] if self.chapters.is_empty() => {
                "Nothing was looked into: the alarm is not in ALARM.".to_owned()
            }
            [] if self.looked_at.is_empty() => format!("Nothing could be looked at.{unseen}"),
            [] => format!("Nothing found.{unseen}"),
            [only] => format!("{}.{unseen}", capital(&only.what)),
            [first, others @ ..] => {
                let more = if others.len() == 1 {
                    "1 more finding".to_owned()
                } else {
                    format!("{} more findings", others.len())
                };
                format!("{}; {more}.{unseen}", capital(&first.what))
            }
        }
    }
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

//! What there is to tell, and its text: what an e-mail shows on a phone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    settings::function_name,
    text::{self, MAX_NOTICE},
};

/// What is kept of a notice for chat and SMS: more than any of the two shows.
const MOST_LINES: usize = 40;
const LONGEST_LINE: usize = 600;
const MOST_STEPS: usize = 10;
/// JSON is never cut. A longer request is only in the e-mail.
const LONGEST_REQUEST: usize = 700;

/// What a notice is about: what a chat shows first, and programs read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Opened,
    BackAgain,
    Worse,
    Escalated,
    ProbePasses,
    Resolved,
    /// A remedy did what it was asked for.
    Applied,
    AwaitingApproval,
    /// Nobody decided about a plan.
    Expired,
    Failed,
    Refused,
    #[default]
    #[serde(other)]
    Other,
}

impl Kind {
    /// As in `lendpeak2.awaiting_approval`.
    pub(super) fn event_type(self) -> &'static str {
        match self {
            Self::Opened => "lendpeak2.opened",
            Self::BackAgain => "lendpeak2.back_again",
            Self::Worse => "lendpeak2.worse",
            Self::Escalated => "lendpeak2.escalated",
            Self::ProbePasses => "lendpeak2.probe_passes",
            Self::Resolved => "lendpeak2.resolved",
            Self::Applied => "lendpeak2.applied",
            Self::AwaitingApproval => "lendpeak2.awaiting_approval",
            Self::Expired => "lendpeak2.expired",
            Self::Failed => "lendpeak2.failed",
            Self::Refused => "lendpeak2.refused",
            Self::Other => "lendpeak2.notice",
        }
    }

    /// The sign before a chat's title.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Opened | Self::BackAgain | Self::Worse | Self::Escalated => ":rotating_light:",
            Self::ProbePasses | Self::Other => ":information_source:",
            Self::Resolved | Self::Applied => ":white_check_mark:",
            Self::AwaitingApproval => ":raised_hand:",
            Self::Expired | Self::Failed | Self::Refused => ":warning:",
        }
    }
}

/// A request that a person sends to a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// The function's full name.
    pub function: String,
    pub request: Value,
}

/// Something for a person to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// A sentence, or the beginning of one that ends with what to send: `If it is over,`.
    pub words: String,
    pub send: Option<Send>,
}

impl Step {
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), send: None }
    }

    /// With a request. Without words, it is one line.
    #[must_use]
    pub fn send(self, function: impl Into<String>, request: Value) -> Self {
        Self { send: Some(Send { function: function.into(), request }), ..self }
    }

    fn text(&self) -> String {
        let words = &self.words;
        let Some(Send { function, request }) = &self.send else {
            return words.clone();
        };
        let verb = self.verb();
        if is_empty(request) {
            return format!("{words} {verb} {{}} to {function}").trim_start().to_owned();
        }
        if words.is_empty() {
            return format!("{verb} to {function}: {request}");
        }
        format!("{words} {verb} to {function}\n{request}")
    }

    /// `send` within a sentence, `Send` at the beginning of one.
    pub(super) fn verb(&self) -> &'static str {
        if self.words.is_empty() || self.words.ends_with(['.', '?', '!']) { "Send" } else { "send" }
    }
}

/// Whether it is `{}`: that is part of a sentence.
pub(super) fn is_empty(request: &Value) -> bool {
    request.as_object().is_some_and(Map::is_empty)
}

/// What there is to tell. Each protocol's body is made of it, so that whoever tells has facts and no text to write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    pub environment: String,
    /// Who tells it, by its short name: `scale-up`.
    pub function: String,
    pub kind: Kind,
    /// What happened, for a subject and a title: `backend 2 → 4 tasks (scale-up, by hand)`.
    pub headline: String,
    /// The first line of the text, where that is not the headline. A chat has its title in place of it.
    pub opening: String,
    /// What is so, a line each.
    pub lines: Vec<String>,
    pub steps: Vec<Step>,
    /// The last line: where all of it is.
    pub closing: String,
    /// The incident that it belongs to: one thread of a chat.
    pub incident: Option<String>,
    /// The plan that waits for approval.
    pub plan: Option<String>,
    /// The address of the queue that takes what people decide. A chat has buttons by it.
    pub approvals_queue: Option<String>,
}

impl Facts {
    pub fn new(environment: &str, function: &str, kind: Kind, headline: impl Into<String>) -> Self {
        Self {
            environment: environment.to_owned(),
            function: function.to_owned(),
            kind,
            headline: headline.into(),
            ..Self::default()
        }
    }

    /// As in `[production] backend 2 → 4 tasks (scale-up, by hand)`.
    pub fn subject(&self) -> String {
        format!("[{}] {}", self.environment, self.headline)
    }

    /// A text that fits a phone: what is too long for it is left out in the middle, never the next step.
    pub fn text(&self) -> String {
        let [first, last] = self.parts();
        let room = room(&last);
        if first.len() <= room {
            return [first, last].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
        }
        let kept = first.get(..first.floor_char_boundary(room)).unwrap_or_default();
        format!("{kept}…\n{last}").trim_end().to_owned()
    }

    /// Whether the text has all of it.
    pub fn fit(&self) -> bool {
        let [first, last] = self.parts();
        first.len() <= room(&last)
    }

    /// What is so, and what to do.
    fn parts(&self) -> [String; 2] {
        let opening = (!self.opening.is_empty()).then_some(&self.opening);
        let first = opening.into_iter().chain(&self.lines).map(String::as_str).collect::<Vec<_>>().join("\n");
        let last = self.steps.iter().map(Step::text).chain([self.closing.clone()]);
        [first, last.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")]
    }

    /// The full name of the function that tells it.
    pub(super) fn function_name(&self) -> String {
        function_name(&self.environment, &self.function)
    }

    /// As much of it as chat and SMS may show.
    pub(super) fn bounded(mut self) -> Self {
        let line = |text: &mut String| *text = text::line(text, LONGEST_LINE);
        for text in [
            &mut self.environment,
            &mut self.function,
            &mut self.headline,
            &mut self.opening,
            &mut self.closing,
        ] {
            line(text);
        }
        self.incident.as_mut().map(line);
        self.plan.as_mut().map(line);
        self.approvals_queue.as_mut().map(line);
        self.lines.truncate(MOST_LINES);
        self.lines.iter_mut().for_each(line);
        self.steps.truncate(MOST_STEPS);
        for step in &mut self.steps {
            line(&mut step.words);
            if let Some(send) = &mut step.send {
                line(&mut send.function);
            }
            let is_long = |send: &Send| send.request.to_string().len() > LONGEST_REQUEST;
            if step.send.as_ref().is_some_and(is_long) {
                step.send = None;
                let more = "What to send is in the e-mail.";
                if !step.words.is_empty() {
                    step.words.push(' ');
                }
                step.words.push_str(more);
            }
        }
        self
    }
}

/// What is left for the rest of a text that ends so.
fn room(last: &str) -> usize {
    MAX_NOTICE.saturating_sub(last.len() + "\n…\n".len())
}

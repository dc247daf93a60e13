//! What is written where: the answer to stdout, everything else to stderr. With `--json` nothing but JSON is written. For
//! another program nothing is written at all: the answer is kept for it.

use std::{
    io::{BufRead, IsTerminal, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::{failure::Failure, global::Global};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

/// Less is not a width that text can be read in.
const NARROWEST: usize = 40;

pub(crate) struct Screen {
    json: bool,
    quiet: bool,
    /// Columns; nothing in a pipe, where lines are as long as they are.
    width: Option<usize>,
    /// Whether whoever read stdout has gone.
    closed: AtomicBool,
    /// What is under way at AWS and goes on without this program.
    goes_on: Mutex<Option<String>>,
    /// The answer, where it is not written.
    kept: Option<Mutex<Kept>>,
}

/// An answer in words, and what it was made of.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Kept {
    pub(crate) words: String,
    pub(crate) value: Value,
}

impl Screen {
    pub(crate) fn new(global: &Global) -> Self {
        if global.no_color {
            anstream::ColorChoice::Never.write_global();
        }
        Self {
            json: global.json,
            quiet: global.quiet || global.json,
            width: width(),
            closed: AtomicBool::new(false),
            goes_on: Mutex::new(None),
            kept: None,
        }
    }

    /// One that writes nothing, and has nobody to ask.
    pub(crate) fn kept() -> Self {
        Self {
            json: false,
            quiet: true,
            width: None,
            closed: AtomicBool::new(false),
            goes_on: Mutex::new(None),
            kept: Some(Mutex::default()),
        }
    }

    /// What was kept, without colours.
    pub(crate) fn into_kept(self) -> Kept {
        let kept = self.kept.map(|kept| kept.into_inner().unwrap_or_else(PoisonError::into_inner));
        let Kept { words, value } = kept.unwrap_or_default();
        Kept { words: anstream::adapter::strip_str(&words).to_string(), value }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether nobody reads what is written: whatever goes on for ever ends then.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether there is somebody to ask.
    pub(crate) fn is_interactive(&self) -> bool {
        !self.json && self.kept.is_none() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Whether stdout is a screen that can be cleared.
    pub(crate) fn is_terminal() -> bool {
        std::io::stdout().is_terminal()
    }

    /// The answer: as JSON where that is asked for, else in words for a width.
    pub(crate) fn show(&self, value: &Value, words: impl FnOnce(Option<usize>) -> String) {
        if let Some(kept) = &self.kept {
            kept.lock().unwrap_or_else(PoisonError::into_inner).value.clone_from(value);
        }
        if self.json {
            self.json(value);
        } else {
            self.answer(&words(self.width));
        }
    }

    /// A part of the answer.
    pub(crate) fn answer(&self, text: &str) {
        if let Some(kept) = &self.kept {
            let words = &mut kept.lock().unwrap_or_else(PoisonError::into_inner).words;
            words.push_str(text.trim_end_matches('\n'));
            words.push('\n');
            return;
        }
        let mut out = anstream::stdout().lock();
        let written = if text.ends_with('\n') { write!(out, "{text}") } else { writeln!(out, "{text}") };
        if written.and_then(|()| out.flush()).is_err() {
            self.closed.store(true, Ordering::Relaxed);
        }
    }

    /// The answer as JSON.
    pub(crate) fn json(&self, value: &Value) {
        self.answer(&serde_json::to_string_pretty(value).unwrap_or_default());
    }

    /// Something beside the answer.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// What a person is asked about: there is no yes to what was not seen.
    pub(crate) fn plan(&self, text: &str) {
        if !self.json && self.kept.is_none() {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// What is said however quiet it is to be: a refusal's code.
    pub(crate) fn code(&self, code: &str) {
        if !self.json && self.kept.is_none() {
            let _ = writeln!(anstream::stderr(), "{BAD}refused{BAD:#}: {code}");
        }
    }

    pub(crate) fn failed(&self, failure: &Failure) {
        let (what, help) = (failure.chain(), failure.help());
        let mut err = anstream::stderr();
        if self.json {
            let _ = writeln!(err, "{}", failure.json());
            return;
        }
        let _ = writeln!(err, "{BAD}error{BAD:#}: {what}");
        if let Failure::Refused { code, .. } = failure {
            let _ = writeln!(err, "code: {code}");
        }
        if !help.is_empty() {
            let _ = writeln!(err, "{help}");
        }
    }

    /// Asks a yes or no; anything but a yes is a no. It is read beside everything else: Ctrl-C ends it.
    pub(crate) async fn ask(&self, question: &str) -> bool {
        is_yes(&typed_at(&format!("{BOLD}{question}{BOLD:#} [y/N] ")).await)
    }

    /// Asks for a line. Without one it is empty.
    pub(crate) async fn prompt(&self, question: &str) -> String {
        typed_at(&format!("{BOLD}{question}{BOLD:#} ")).await.trim().to_owned()
    }

    /// What a person who presses Ctrl-C from now on is told.
    pub(crate) fn will_go_on(&self, what: impl Into<String>) {
        *self.goes_on.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.into());
    }

    pub(crate) fn goes_on(&self) -> Option<String> {
        self.goes_on.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is typed after a question. Where there is nothing more to read it is empty.
async fn typed_at(question: &str) -> String {
    let mut err = anstream::stderr();
    let _ = write!(err, "{question}");
    let _ = err.flush();
    let read = tokio::task::spawn_blocking(|| {
        let mut typed = String::new();
        std::io::stdin().lock().read_line(&mut typed).map(|_| typed)
    });
    read.await.ok().and_then(Result::ok).unwrap_or_default()
}

fn is_yes(typed: &str) -> bool {
    matches!(typed.trim().to_lowercase().as_str(), "y" | "yes")
}

/// `COLUMNS` where somebody has set it, else the terminal's.
fn width() -> Option<usize> {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let own = || terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    set.or_else(own).map(|columns: usize| columns.max(NARROWEST))
}

pub(crate) fn paint(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_is_the_answer_without_colours_and_what_it_was_made_of() {
        let screen = Screen::kept();
        screen.note("beside it");
        screen.show(&json!({ "a": 1 }), |width| format!("{} {width:?}", paint(GOOD, "good")));
        screen.answer("more\n");
        assert!(!screen.is_interactive());
        assert_eq!(
            screen.into_kept(),
            Kept { words: "good None\nmore\n".to_owned(), value: json!({ "a": 1 }) }
        );
    }

    #[test]
    fn anything_but_a_yes_is_a_no() {
        assert!(["y\n", "Y", "yes\n", " YES "].into_iter().all(is_yes));
        assert!(!["", "\n", "n\n", "yep", "j", "1"].into_iter().any(is_yes));
    }
}

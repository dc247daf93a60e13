//! Lines on the terminal: time, mark, who, what.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::Instant;

#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    Info,
    Reads,
    Writes,
    Good,
    Bad,
}

#[derive(Debug)]
pub(super) struct Screen {
    start: Cell<Instant>,
    colours: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { start: Cell::new(Instant::now()), colours }
    }

    /// Counts the time from now on.
    pub(super) fn restart(&self) {
        Self::say("");
        self.start.set(Instant::now());
    }

    pub(super) fn title(&self, text: &str) {
        Self::say(&format!("\n{}\n", self.colour("1", text)));
    }

    pub(super) fn line(&self, mark: Mark, who: &str, what: &str) {
        let (symbol, colour) = match mark {
            Mark::Info => ("·", "0"),
            Mark::Reads => ("?", "36"),
            Mark::Writes => ("!", "33"),
            Mark::Good => ("✓", "32"),
            Mark::Bad => ("▲", "31"),
        };
        let seconds = self.start.get().elapsed().as_secs_f64();
        Self::say(&format!("{seconds:>6.1} s  {} {who:<18} {what}", self.colour(colour, symbol)));
    }

    pub(super) fn say(text: &str) {
        // Whoever reads may have had enough, as `head` has.
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    fn colour(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

//! Lines on the terminal: time, mark, who, what. None is wider than the terminal.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Where nobody says how wide the terminal is, or there is none.
const USUAL_WIDTH: usize = 100;
/// Narrower than this, a line would be all marks.
const LEAST_WIDTH: usize = 40;

#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    Info,
    Reads,
    Writes,
    Good,
    Bad,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Detail {
    /// Also the calls of AWS.
    pub calls: bool,
    /// Also the audit record, as JSON.
    pub record: bool,
}

#[derive(Debug)]
pub(super) struct Screen {
    start: Cell<Instant>,
    colours: bool,
    width: usize,
    pub(super) detail: Detail,
}

impl Screen {
    pub(super) fn new(detail: Detail) -> Self {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { start: Cell::new(Instant::now()), colours, width: width(), detail }
    }

    /// Counts the time from now on.
    pub(super) fn restart(&self) {
        self.say("");
        self.start.set(Instant::now());
    }

    pub(super) fn title(&self, text: &str) {
        let lines: Vec<String> = wrap(text, self.width).iter().map(|line| self.colour("1", line)).collect();
        Self::print(&format!("\n{}\n", lines.join("\n")));
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
        let time = format!("{seconds:>6.1} s  ");
        // The colour takes no room.
        let rest = format!(" {who:<18} {what}");
        let rest = clip(&rest, self.width.saturating_sub(time.chars().count() + 1));
        Self::print(&format!("{time}{}{rest}", self.colour(colour, symbol)));
    }

    /// What a function asked of AWS: for whoever wants to see how it is done.
    pub(super) fn call(&self, mark: Mark, who: &str, what: &str) {
        if self.detail.calls {
            self.line(mark, who, what);
        }
    }

    /// Lines as they are, but for what is too wide.
    pub(super) fn say(&self, text: &str) {
        let lines: Vec<String> = text.split('\n').map(|line| clip(line, self.width)).collect();
        Self::print(&lines.join("\n"));
    }

    /// Text that somebody may want to copy, however wide.
    pub(super) fn print(text: &str) {
        // Whoever reads may have had enough, as `head` has.
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    fn colour(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Of the terminal, or as `COLUMNS` says.
fn width() -> usize {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return USUAL_WIDTH;
    }
    let columns = rustix::termios::tcgetwinsize(&stdout).map(|size| usize::from(size.ws_col));
    let columns = columns.ok().filter(|columns| *columns > 0);
    let said = || -> Option<usize> { std::env::var("COLUMNS").ok()?.parse().ok() };
    columns.or_else(said).unwrap_or(USUAL_WIDTH).max(LEAST_WIDTH)
}

/// A sentence on as many lines as it takes.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(clip(word, width)),
        }
    }
    lines
}

/// As much of a line as there is room for.
fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_wide_ends_with_an_ellipsis_at_the_edge() {
        assert_eq!(clip("2 → 4 tasks", 11), "2 → 4 tasks");
        assert_eq!(clip("2 → 4 tasks", 10), "2 → 4 tas…");
        assert_eq!(clip("", 10), "");
        assert_eq!(clip("abc", 0), "…");
    }

    #[test]
    fn a_sentence_is_read_to_its_end() {
        assert_eq!(wrap("2 → 4 tasks, and the alarm is OK", 12), ["2 → 4 tasks,", "and the", "alarm is OK"]);
        assert_eq!(wrap("", 10), Vec::<String>::new());
    }

    #[test]
    fn without_a_terminal_a_line_has_a_hundred_columns() {
        // Whatever runs the tests reads what they print.
        if !std::io::stdout().is_terminal() {
            assert_eq!(width(), 100);
        }
    }
}

//! The one place that text from outside passes before anybody reads it: stopped reasons, service events, alarm names
//! and reasons, titles, notes, AWS's error messages.
//!
//! - [`line`] masks secrets, makes one line without control or direction characters, and cuts it: such a text can
//!   neither tell a password nor forge a further line of a notice.
//! - [`tidy`] does the same to every string of a JSON value, and keeps the whole under [`MAX_ANSWER`].
//! - [`log_line`] is stricter: of an application's log it keeps words only.

mod clean;
mod log_line;
mod mask;
mod tidy;

pub use log_line::line as log_line;
pub use tidy::tidy;

/// Bytes of an answer, an audit record or a line of the log, as JSON: a quarter of what an item of the ledger holds,
/// and of what Step Functions hands on.
pub const MAX_ANSWER: usize = 100_000;
/// Bytes of a notice: under 4 KB, of which every mail program and chat shows all.
pub const MAX_NOTICE: usize = 4_000;
/// Characters that a person may write into one field.
pub const PERSON: usize = 2_000;

/// A text on one line, masked and cut to this many characters: a cut one ends with `…`.
pub fn line(text: &str, max_chars: usize) -> String {
    /// What is cut in the midst of a word may look like another kind of word.
    const MOST_PASSES: usize = 5;
    if text.len() <= max_chars && mask::is_a_short_word(text) {
        return text.to_owned();
    }
    let mut shown = text.to_owned();
    for _ in 0..MOST_PASSES {
        let again = cut(mask::secrets(&clean::one_line(&shown)), max_chars);
        if again == shown {
            break;
        }
        shown = again;
    }
    shown
}

/// The first characters of a text, with `…` as the last where something is left out.
fn cut(mut text: String, max_chars: usize) -> String {
    if text.len() <= max_chars || text.char_indices().nth(max_chars).is_none() {
        return text;
    }
    let kept = text.char_indices().nth(max_chars.saturating_sub(1)).map_or(0, |(place, _)| place);
    text.truncate(kept);
    text.truncate(text.trim_end().len());
    if max_chars > 0 {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;

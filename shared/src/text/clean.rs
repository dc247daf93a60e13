//! One line of characters that can be seen.

/// A text on one line: whatever breaks lines or steers a terminal becomes a space, whatever cannot be seen goes.
pub(super) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = true;
    for letter in text.chars().filter(|letter| !is_unseen(*letter)) {
        let blank = letter.is_whitespace() || letter.is_control();
        if !blank {
            out.push(letter);
        } else if !space {
            out.push(' ');
        }
        space = blank;
    }
    out.truncate(out.trim_end().len());
    out
}

/// Characters that take no room of their own: direction marks, zero-width ones, tags, fillers.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1345f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

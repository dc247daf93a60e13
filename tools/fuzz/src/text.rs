//! Bytes of any format, changed in odd ways.

use crate::tape::Tape;

const MOST_CHANGES: usize = 4;

pub fn twist(bytes: &mut Vec<u8>, tape: &mut Tape<'_>) {
    for _ in 0..=tape.below(MOST_CHANGES) {
        if tape.is_over() {
            return;
        }
        change(bytes, tape);
    }
}

fn change(bytes: &mut Vec<u8>, tape: &mut Tape<'_>) {
    /// More would only be slower.
    const LONGEST: usize = 1 << 20;
    let from = tape.below(bytes.len() + 1);
    let length = if tape.byte() % 4 == 3 { tape.below(bytes.len() + 1) } else { tape.below(24) };
    let to = from.saturating_add(length).min(bytes.len());
    match tape.byte() % 8 {
        0 => _ = bytes.drain(from..to),
        1 if bytes.len() < LONGEST => {
            let part = bytes.get(from..to).unwrap_or_default().to_vec();
            insert(bytes, from, &part);
        }
        2 => insert(bytes, from, tape.text().as_bytes()),
        3 => {
            if let Some(byte) = bytes.get_mut(from) {
                *byte ^= tape.byte().max(1);
            }
        }
        4 => bytes.truncate(from),
        5 => element(bytes, from, &tape.text()),
        6 => insert(bytes, from, "<a>".repeat(tape.below(400)).as_bytes()),
        _ => insert(bytes, from, tape.bytes(64)),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, more: &[u8]) {
    let at = at.min(bytes.len());
    bytes.splice(at..at, more.iter().copied());
}

/// Other text in the XML element that is open here.
fn element(bytes: &mut Vec<u8>, from: usize, text: &str) {
    let after = |at: usize, wanted: u8| {
        bytes.get(at..)?.iter().position(|byte| *byte == wanted).map(|found| at + found)
    };
    if let Some(begin) = after(from, b'>').map(|found| found + 1)
        && let Some(end) = after(begin, b'<')
    {
        bytes.splice(begin..end, text.bytes());
    }
}

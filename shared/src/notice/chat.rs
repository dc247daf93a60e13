//! A notice as Amazon Q Developer in chat applications shows it, in its schema for custom notifications.
//! <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>
//!
//! The chat's own markdown is interpreted: what comes from outside may neither call the channel, nor be a link, nor look
//! like another part of the message.

use serde_json::{Map, Value, json};

use super::{
    buttons,
    facts::{Facts, Send, Step, is_empty},
    links::Links,
};
use crate::text;

/// Amazon Q states no limits. These are below those of Slack's blocks: 150 characters of a header, 3,000 of a text.
pub(super) const MAX_TITLE: usize = 150;
pub(super) const MAX_DESCRIPTION: usize = 2_500;
pub(super) const MAX_NEXT_STEPS: usize = 5;
/// Of one step.
pub(super) const MAX_STEP: usize = 1_200;
/// Of a name or an id.
pub(super) const MAX_NAME: usize = 200;

/// The notification, as the body of one message.
pub(super) fn body(facts: &Facts, links: Option<&Links>) -> Value {
    // The headline has letters of ASCII only where the opening has all.
    let headline = if facts.opening.is_empty() { &facts.headline } else { &facts.opening };
    let summary = format!("{}: {headline}", facts.environment);
    let mut title = format!("{} ", facts.kind.sign());
    escape(&mut title, &summary, MAX_TITLE);
    let mut metadata = Map::from_iter([
        ("summary".to_owned(), escaped(&summary, MAX_TITLE).into()),
        ("eventType".to_owned(), facts.kind.event_type().into()),
        ("additionalContext".to_owned(), json!(buttons::context(facts))),
        ("enableCustomActions".to_owned(), buttons::waits(facts).into()),
    ]);
    if let Some(incident) = &facts.incident {
        metadata.insert("threadId".to_owned(), text::line(incident, MAX_NAME).into());
    }
    if let Some(links) = links {
        metadata.insert("relatedResources".to_owned(), json!([links.function_arn()]));
    }
    let name = |text: &str| escaped(text, MAX_NAME);
    json!({
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": description(facts, links),
            "nextSteps": facts.steps.iter().take(MAX_NEXT_STEPS).map(step).collect::<Vec<_>>(),
            "keywords": [name(&facts.environment), name(&facts.function)],
        },
        "metadata": metadata,
    })
}

/// What is so, the last line, and the links: those are never cut.
fn description(facts: &Facts, links: Option<&Links>) -> String {
    let links: Vec<String> =
        links.iter().flat_map(|links| links.all()).map(|(name, link)| format!("{name}: {link}")).collect();
    let mut last = links.join("\n");
    if !facts.closing.is_empty() {
        let closing = escaped(&facts.closing, MAX_NAME);
        last = if last.is_empty() { closing } else { format!("{closing}\n{last}") };
    }
    let room = MAX_DESCRIPTION.saturating_sub(last.chars().count() + 1);
    let mut shown = String::new();
    for line in facts.lines.iter().filter(|line| !line.is_empty()) {
        if !shown.is_empty() {
            shown.push('\n');
        }
        escape(&mut shown, &text::line(line, room), room);
        if shown.chars().count() >= room {
            break;
        }
    }
    let whole = format!("{}\n{last}", shown.trim_end()).trim().to_owned();
    // Amazon Q drops a notification without a description.
    if whole.is_empty() { "A notice of LendPeak2.".to_owned() } else { whole }
}

/// What to do, with the request in a span of code: there, a chat interprets nothing.
fn step(step: &Step) -> String {
    const FOR_WORDS: usize = 400;
    let words = escaped(&text::line(&step.words, FOR_WORDS), FOR_WORDS);
    let Some(Send { function, request }) = &step.send else {
        return words;
    };
    let verb = step.verb();
    let function = code(&text::line(function, MAX_NAME));
    let whole = if is_empty(request) {
        format!("{words} {verb} {} to {function}", code("{}"))
    } else {
        format!("{words} {verb} to {function}: {}", code(&request.to_string()))
    };
    let whole = whole.trim_start().to_owned();
    if whole.chars().count() <= MAX_STEP { whole } else { format!("{words} What to send is in the e-mail.") }
}

/// A text of others, on one line, as a chat shows it letter for letter, in so many characters.
fn escaped(text: &str, most: usize) -> String {
    let mut out = String::new();
    escape(&mut out, text, most);
    out
}

/// Adds a text of others. What is there and what is added have at most so many characters together.
fn escape(out: &mut String, text: &str, most: usize) {
    /// Takes no room, and keeps what stands before and after it apart.
    const APART: char = '\u{200b}';
    let text = text::line(text, most);
    let letters: Vec<char> = text.chars().collect();
    let mut length = out.chars().count();
    let at = |place: usize| letters.get(place).copied();
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(at);
        let next = at(place + 1);
        let mut piece = String::new();
        match letter {
            '&' => piece.push_str("&amp;"),
            '<' => piece.push_str("&lt;"),
            '>' => piece.push_str("&gt;"),
            // Formats, and cannot be escaped: letters that look alike.
            '*' => piece.push('∗'),
            '~' => piece.push('∼'),
            '`' => piece.push('\''),
            // Within a name it formats nothing.
            '_' if before.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric) => {
                piece.push('_');
            }
            '_' => piece.push('＿'),
            // `@here`, `#general`, an address of mail.
            '@' | '#' => piece.extend([*letter, APART]),
            // `https://`, `[text](address)`.
            ':' if next == Some('/') => piece.extend([':', APART]),
            ']' if next == Some('(') => piece.extend([']', APART]),
            '.' if is_www(&letters, place) => piece.extend([APART, '.']),
            letter => piece.push(*letter),
        }
        let added = piece.chars().count();
        let is_last = next.is_none();
        if length + added + usize::from(!is_last) > most {
            if length < most {
                out.push('…');
            }
            return;
        }
        out.push_str(&piece);
        length += added;
    }
}

/// Whether it is the first dot of `www.lendpeak.com`.
fn is_www(letters: &[char], place: usize) -> bool {
    let before = place.checked_sub(3).and_then(|from| letters.get(from..place));
    before.is_some_and(|before| before.iter().all(|letter| letter.eq_ignore_ascii_case(&'w')))
}

/// A span of code. What ends one is written as JSON may have it.
fn code(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('`', "\\u0060");
    format!("`{text}`")
}

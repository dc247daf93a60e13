//! What several pages have.

use maud::{Markup, html};

use jiff::Timestamp;

use crate::{
    html::{Site, icons},
    model::Status,
    times,
};

/// What the head of a document says.
pub(super) struct Described {
    pub(super) title: String,
    pub(super) is_renewed: bool,
    pub(super) status: Option<Status>,
}

impl Described {
    pub(super) fn of(title: String) -> Self {
        Self { title, is_renewed: false, status: None }
    }
}

/// The document around a body.
pub(super) fn frame(site: &Site, described: &Described, body: &Markup) -> Markup {
    let name = site.page.name.as_str();
    let title = if described.is_renewed {
        described.title.clone()
    } else {
        format!("{} - {name} status", described.title)
    };
    html! {
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if described.is_renewed { meta http-equiv="refresh" content="60"; }
                title { (title) }
                link rel="stylesheet" href=(site.css);
                link rel="icon" href=(icons::favicon(described.status));
                link rel="alternate" type="application/atom+xml" title="Incidents and maintenance" href="/history.atom";
                link rel="alternate" type="application/rss+xml" title="Incidents and maintenance" href="/history.rss";
                script src=(site.js) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    p.brand dir="auto" { a href="/" { (name) " status" } }
                    nav aria-label="Site" { a href="/#past" { "Past incidents" } }
                }
                main #main { (body) }
                footer {
                    p {
                        "Follow: " a href="/history.atom" { "Atom" } ", " a href="/history.rss" { "RSS" }
                        ". For programs: " a href="/api/v2/summary.json" { "JSON" } "."
                    }
                    p { "Days are in UTC, and so are times that name no other zone." }
                }
            }
        }
    }
}

pub(super) fn moment(at: Timestamp) -> Markup {
    html! { time datetime=(times::machine(at)) { (times::moment(at)) } }
}

/// Of a status, its shape and its word; the colour is the class's.
pub(super) fn status(status: Status) -> Markup {
    html! { span class={ "status " (class(status)) } { (icons::of(status)) (crate::words::status(status)) } }
}

pub(super) fn class(status: Status) -> &'static str {
    match status {
        Status::Operational => "up",
        Status::Unknown => "none",
        Status::UnderMaintenance => "work",
        Status::DegradedPerformance => "slow",
        Status::PartialOutage => "part",
        Status::MajorOutage => "down",
    }
}

/// What a person typed: its lines, and links where an address is a plain one by https.
pub(super) fn typed(text: &str) -> Markup {
    html! {
        p.typed dir="auto" {
            @for (place, line) in text.lines().enumerate() {
                @if place > 0 { br; }
                @for (place, word) in line.split(' ').enumerate() {
                    @if place > 0 { " " }
                    @match address_in(word) {
                        Some((address, rest)) => { a href=(address) rel="nofollow noopener" { (address) } (rest) }
                        None => { (word) }
                    }
                }
            }
        }
    }
}

/// The address that a word begins with, and what stands after it. Only letters that need no second look.
fn address_in(word: &str) -> Option<(&str, &str)> {
    let host_on = word.strip_prefix("https://")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/?#=&+,;:".contains(c);
    let address = word.get(..word.find(|c| !is_plain(c)).unwrap_or(word.len()))?;
    let address = address.trim_end_matches(['.', ',', ';', ':', '?']);
    let host = host_on.split(['/', '?', '#']).next()?;
    let is_host = host.contains('.')
        && host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host
            .trim_end_matches(['.', ',', ';', ':', '?'])
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    let fragments = address.matches('#').count();
    (is_host && fragments <= 1).then(|| (address, word.get(address.len()..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_address_by_https_becomes_a_link() {
        let check =
            |word: &str, address: Option<(&str, &str)>| assert_eq!(address_in(word), address, "{word}");
        check("https://example.com/a?b=c#d", Some(("https://example.com/a?b=c#d", "")));
        check("https://example.com.", Some(("https://example.com", ".")));
        check("https://example.com/a)", Some(("https://example.com/a", ")")));
        check("https://example.com\"onclick=", None);
        check("https://example.com/\"><script>", Some(("https://example.com/", "\"><script>")));
        for none in [
            "http://example.com",
            "javascript:alert(1)",
            "https://",
            "https://user@example.com",
            "https://-.x",
            "see",
        ] {
            check(none, None);
        }
    }
}

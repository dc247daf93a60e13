//! The response times of a day, drawn and as a table.

use maud::{Markup, html};

use crate::{
    model::{Hour, Page},
    times,
};

const HOURS: i64 = 24;
/// Of the drawing; a bar and the gap after it are a slot.
const SLOT: i64 = 20;
const BAR: i64 = 14;
const HEIGHT: u64 = 100;

/// What is drawn of an hour, if it is one of the last 24.
struct Drawn {
    x: i64,
    median: u64,
    p95: u64,
}

pub(super) fn section(page: &Page) -> Markup {
    let Some(last) = page.response_times.last() else { return html! {} };
    let most =
        page.response_times.iter().map(|hour| hour.p95_ms.max(hour.median_ms)).max().unwrap_or_default();
    html! {
        section aria-labelledby="response-times" {
            h2 #response-times { "Response time" }
            div.card {
                p {
                    "In the hour from " (times::clock(last.at)) " UTC, half of the requests took "
                    strong { (last.median_ms) " ms" } " or less, and 95 % took " strong { (last.p95_ms) " ms" } " or less."
                }
                p.facts { "Dark bars: half of the requests were this fast. Pale bars: 95 % were. The tallest bar is " (most) " ms." }
                svg.chart viewBox={ "0 0 " (HOURS * SLOT) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" {
                    @for Drawn { x, median, p95 } in drawn(page, most.max(1)) {
                        rect.p95 x=(x) y=(HEIGHT - p95) width=(BAR) height=(p95) {}
                        rect.median x=(x) y=(HEIGHT - median) width=(BAR) height=(median) {}
                    }
                }
                div.scale { span { "24 hours ago" } span { "Now" } }
                details {
                    summary { "Each hour as a table" }
                    table {
                        caption { "Response times in milliseconds, by the hour in UTC" }
                        thead { tr { th scope="col" { "Hour" } th scope="col" { "Half" } th scope="col" { "95 %" } } }
                        tbody {
                            @for hour in &page.response_times {
                                tr { th scope="row" { (times::clock(hour.at)) } td { (hour.median_ms) } td { (hour.p95_ms) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn drawn(page: &Page, most: u32) -> impl Iterator<Item = Drawn> {
    let this_hour = page.at.as_second().div_euclid(3_600);
    page.response_times.iter().filter_map(move |hour: &Hour| {
        let slot = HOURS - 1 - (this_hour - hour.at.as_second().div_euclid(3_600));
        // The smallest one is still seen.
        let height = |ms: u32| (u64::from(ms) * HEIGHT / u64::from(most)).max(1);
        let x = slot * SLOT + (SLOT - BAR) / 2;
        (0..HOURS).contains(&slot).then(|| Drawn {
            x,
            median: height(hour.median_ms),
            p95: height(hour.p95_ms),
        })
    })
}

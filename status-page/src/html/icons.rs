//! A shape for each status, so that none is told by colour alone.

use maud::{Markup, html};

use crate::model::Status;

/// A tick, a question mark, a spanner's square, a wave, a triangle, a cross.
pub(super) fn of(status: Status) -> Markup {
    let shape = match status {
        Status::Operational => "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1M4.5 8.2 7 10.7l4.6-5",
        Status::Unknown => "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1M6 6.3a2 2 0 1 1 2.6 1.9q-.6.3-.6 1.2M8 11.6v.3",
        Status::UnderMaintenance => "M2 2h12v12H2zM5 8h6M8 5v6",
        Status::DegradedPerformance => "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1M8 4.2V8l2.8 1.8",
        Status::PartialOutage => "M8 1.5 15 14H1zM8 6v4M8 11.8v.3",
        Status::MajorOutage => "M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2zM5.5 5.5l5 5M10.5 5.5l-5 5",
    };
    html! { svg.icon viewBox="0 0 16 16" aria-hidden="true" { path d=(shape) {} } }
}

/// The dot in a browser's tab, in the status's colour where there is one.
pub(super) fn favicon(status: Option<Status>) -> String {
    let colour = match status {
        Some(Status::Operational) => "1f9d63",
        Some(Status::Unknown) | None => "7d8895",
        Some(Status::UnderMaintenance) => "3b78d8",
        Some(Status::DegradedPerformance) => "b98500",
        Some(Status::PartialOutage) => "d9661f",
        Some(Status::MajorOutage) => "d0342c",
    };
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' \
         r='7' fill='%23{colour}'/%3E%3C/svg%3E"
    )
    .replace(' ', "%20")
}

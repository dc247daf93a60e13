use super::*;
use crate::measure::Figures;
use crate::traffic::Counted;
use crate::variant::NOTHING;
use crate::{Machine, Row, plot};

fn row(job: &str, kind: Kind, figures: Figures) -> Row {
    let name = if kind == Kind::Ours { job.to_owned() } else { format!("{job}, {}", kind.name()) };
    Row { name, job: job.to_owned(), kind, figures }
}

fn figures(first_ms: f64, cpu_ms: f64, peak_mb: f64) -> Figures {
    let traffic = Counted { calls: 9, connections: 4, sent_bytes: 17_000, received_bytes: 41_000 };
    let endpoint_ms = Some(3.25);
    Figures {
        starts: 25,
        ready_ms: Some(4.0),
        first_ms: Some(first_ms),
        cpu_ms: Some(cpu_ms),
        peak_mb: Some(peak_mb),
        traffic,
        endpoint_ms,
        ..Figures::default()
    }
}

fn measured() -> Measured {
    let rows = vec![
        row(NOTHING, Kind::Hello, Figures { ready_ms: Some(1.0), ..Figures::default() }),
        row("scale-up", Kind::Ours, figures(16.0, 10.0, 8.0)),
        row("scale-up", Kind::Boto3, figures(36.0, 350.0, 72.0)),
    ];
    Measured { machine: Machine::here(), starts: 25, rows, tenfold_peak_mb: None }
}

#[track_caller]
fn holds(text: &str, line: &str) {
    assert!(text.lines().any(|one| one == line), "there is no line `{line}` in\n{text}");
}

#[test]
fn the_document_says_what_was_measured_by_how_much_and_which_targets_are_met() {
    let text = markdown(&measured(), "benchmarks.svg").unwrap();
    holds(&text, "![Start to first answer, and processor time, by job](benchmarks.svg)");
    holds(&text, "| **scale-up** | 4.00 ms | 16.00 ms | 10.00 ms | - | - | 8.00 MB | - | 25, 0 |");
    // 40 ms from the start to boto3's first answer, and 20 to ours.
    holds(&text, "| scale-up | boto3 | 2.0 | 35.0 | - | 9.0 |");
    holds(&text, "| scale-up | 9 | 4 | 17000 | 41000 | 3.25 ms |");
    // The zip was not measured.
    holds(
        &text,
        "| scale-up | **10.00 ms** of 5.00 ms | **10.00 ms** of 8.75 ms | **4.00 ms** of 3.00 ms | 8.00 MB of 10.00 MB | 8.00 MB of 18.00 MB |",
    );
    assert!(text.contains("2 are met. 3 are missed:"), "{text}");
}

#[test]
fn the_picture_has_a_bar_with_its_number_for_each_figure() {
    let picture = plot::svg(&measured()).unwrap();
    for text in ["scale-up", "ours", "boto3", "20 ms", "40 ms", "350 ms"] {
        assert!(picture.contains(&format!("\n{text}\n")), "{text} is missing in\n{picture}");
    }
}

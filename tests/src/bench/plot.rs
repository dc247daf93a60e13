//! The picture: for each job, how long until its first answer and how much processor time, ours beside the others'.
//!
//! Lengths are logarithms, or the commands would leave nothing to see of the rest.

use anyhow::Context;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::measure::Figures;
use super::variant::Kind;
use super::{Measured, report};

const SHOWN: [(Kind, RGBColor); 3] = [
    (Kind::Ours, RGBColor(24, 107, 166)),
    (Kind::Boto3, RGBColor(230, 159, 0)),
    (Kind::Cli, RGBColor(150, 150, 150)),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const LINE: RGBColor = RGBColor(222, 222, 222);

/// In pixels.
const NAMES: i32 = 150;
const PANEL: i32 = 440;
/// Between a bar's end at the most and the next panel: a number fits in.
const AIR: i32 = 70;
const TOP: i32 = 64;
const BOTTOM: i32 = 30;
const BAR: i32 = 12;
const GAP: i32 = 10;
/// `plotters` makes letters smaller by a quarter.
const TEXT: i32 = 15;
const NUMBER: i32 = 13;

/// In milliseconds: from one to ten thousand, in powers of ten.
const DECADES: i32 = 4;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(super) fn svg(measured: &Measured) -> anyhow::Result<String> {
    let jobs: Vec<&str> = measured.jobs().map(|(job, _)| job).collect();
    let group = GAP + BAR * i32::try_from(SHOWN.len())?;
    let height = TOP + BOTTOM + group * i32::try_from(jobs.len())?;
    let width = NAMES + 2 * (PANEL + AIR);
    let mut picture = String::new();
    {
        let size = (u32::try_from(width)?, u32::try_from(height)?);
        let area = SVGBackend::with_string(&mut picture, size).into_drawing_area();
        let chart = Chart { area: &area, measured, jobs: &jobs, group };
        chart.draw().map_err(|error| anyhow::anyhow!("the picture could not be drawn: {error}"))?;
        area.present().context("the picture could not be drawn")?;
    }
    Ok(picture)
}

struct Chart<'a, 'b> {
    area: &'a Area<'b>,
    measured: &'a Measured,
    jobs: &'a [&'a str],
    /// The height of a job's bars.
    group: i32,
}

type Drawn<T> = Result<T, DrawingAreaErrorKind<std::io::Error>>;

impl Chart<'_, '_> {
    fn draw(&self) -> Drawn<()> {
        self.area.fill(&WHITE)?;
        for (place, job) in (0..).zip(self.jobs) {
            let middle = TOP + place * self.group + self.group / 2;
            self.text(job, (NAMES - 8, middle), HPos::Right, TEXT)?;
        }
        self.legend()?;
        self.panel(NAMES, "Start to first answer", Figures::cold_ms)?;
        self.panel(NAMES + PANEL + AIR, "Processor time of that", |figures| figures.cpu_ms)
    }

    fn legend(&self) -> Drawn<()> {
        let mut left = NAMES;
        for (kind, colour) in SHOWN {
            self.area.draw(&Rectangle::new([(left, 14), (left + 12, 26)], colour.filled()))?;
            self.text(kind.name(), (left + 18, 20), HPos::Left, TEXT)?;
            left += 120;
        }
        Ok(())
    }

    fn panel(&self, left: i32, title: &str, of: impl Fn(&Figures) -> Option<f64>) -> Drawn<()> {
        let bottom = TOP + self.group * i32::try_from(self.jobs.len()).unwrap_or_default();
        self.text(title, (left, 46), HPos::Left, TEXT)?;
        for (decade, name) in (0..=DECADES).zip(["1 ms", "10 ms", "100 ms", "1 s", "10 s"]) {
            let x = left + decade * PANEL / DECADES;
            self.area.draw(&PathElement::new([(x, TOP - 6), (x, bottom)], LINE))?;
            self.text(name, (x, bottom + 14), HPos::Center, NUMBER)?;
        }
        for (place, job) in (0..).zip(self.jobs) {
            for (bar, (kind, colour)) in (0..).zip(SHOWN) {
                let Some(milliseconds) = self.measured.row(job, kind).and_then(&of) else { continue };
                let top = TOP + place * self.group + GAP / 2 + bar * BAR;
                let end = left + length(milliseconds);
                self.area.draw(&Rectangle::new([(left, top + 1), (end, top + BAR - 1)], colour.filled()))?;
                let number = report::short(milliseconds);
                self.text(&number, (end + 4, top + BAR / 2), HPos::Left, NUMBER)?;
            }
        }
        Ok(())
    }

    fn text(&self, text: &str, at: (i32, i32), to: HPos, size: i32) -> Drawn<()> {
        let style = ("sans-serif", size).into_font().color(&INK).pos(Pos::new(to, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), at, style))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a length in pixels is far below 2^31")]
fn length(milliseconds: f64) -> i32 {
    let part = milliseconds.log10() / f64::from(DECADES);
    (part.clamp(0.0, 1.0) * f64::from(PANEL)).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_ten_times_as_long_in_time_is_a_decade_longer() {
        assert_eq!(length(1_000.0) - length(100.0), PANEL / DECADES);
        assert_eq!((length(0.5), length(1e9)), (0, PANEL));
    }
}

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

const SHOWN: [(Kind, RGBColor); 5] = [
    (Kind::Ours, RGBColor(24, 107, 166)),
    (Kind::Defaults, RGBColor(126, 179, 214)),
    (Kind::Boto3, RGBColor(230, 159, 0)),
    (Kind::Boto3Threads, RGBColor(245, 207, 128)),
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

/// A job's bars, one under the other.
struct Group<'a> {
    job: &'a str,
    top: i32,
    bars: Vec<(RGBColor, &'a Figures)>,
}

impl Group<'_> {
    fn bottom(&self) -> i32 {
        self.bars.iter().fold(self.top + GAP, |bottom, _| bottom + BAR)
    }
}

fn groups(measured: &Measured) -> Vec<Group<'_>> {
    let mut top = TOP;
    let of_job = |job| {
        let shown = SHOWN.into_iter();
        let bars = shown.filter_map(|(kind, colour)| Some((colour, measured.row(job, kind)?))).collect();
        let group = Group { job, top, bars };
        top = group.bottom();
        group
    };
    measured.jobs().map(|(job, _)| job).map(of_job).collect()
}

pub(super) fn svg(measured: &Measured) -> anyhow::Result<String> {
    let groups = groups(measured);
    let bottom = groups.last().map_or(TOP, Group::bottom);
    let size = (u32::try_from(NAMES + 2 * (PANEL + AIR))?, u32::try_from(bottom + BOTTOM)?);
    let mut picture = String::new();
    {
        let area = SVGBackend::with_string(&mut picture, size).into_drawing_area();
        let chart = Chart { area: &area, groups: &groups, bottom };
        chart.draw().map_err(|error| anyhow::anyhow!("the picture could not be drawn: {error}"))?;
        area.present().context("the picture could not be drawn")?;
    }
    Ok(picture)
}

struct Chart<'a, 'b> {
    area: &'a Area<'b>,
    groups: &'a [Group<'a>],
    /// Of all bars.
    bottom: i32,
}

type Drawn<T> = Result<T, DrawingAreaErrorKind<std::io::Error>>;

impl Chart<'_, '_> {
    fn draw(&self) -> Drawn<()> {
        self.area.fill(&WHITE)?;
        for group in self.groups {
            self.text(group.job, (NAMES - 8, i32::midpoint(group.top, group.bottom())), HPos::Right, TEXT)?;
        }
        self.legend()?;
        self.panel(NAMES, "Start to first answer (each line is ten times the one before)", Figures::cold_ms)?;
        self.panel(NAMES + PANEL + AIR, "Processor time of that", |figures| figures.cpu_ms)
    }

    fn legend(&self) -> Drawn<()> {
        let mut left = NAMES;
        for (kind, colour) in SHOWN {
            self.area.draw(&Rectangle::new([(left, 14), (left + 12, 26)], colour.filled()))?;
            self.text(kind.name(), (left + 18, 20), HPos::Left, TEXT)?;
            left += 130;
        }
        Ok(())
    }

    fn panel(&self, left: i32, title: &str, of: impl Fn(&Figures) -> Option<f64>) -> Drawn<()> {
        self.text(title, (left, 46), HPos::Left, TEXT)?;
        for (decade, name) in (0..=DECADES).zip(["1 ms", "10 ms", "100 ms", "1 s", "10 s"]) {
            let x = left + decade * PANEL / DECADES;
            self.area.draw(&PathElement::new([(x, TOP - 6), (x, self.bottom)], LINE))?;
            self.text(name, (x, self.bottom + 14), HPos::Center, NUMBER)?;
        }
        for group in self.groups {
            for (place, (colour, figures)) in (0..).zip(&group.bars) {
                let Some(milliseconds) = of(figures) else { continue };
                let top = group.top + GAP / 2 + place * BAR;
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

//! How many points were tried, and which failed.

use std::fmt;
use std::time::Duration;

use super::point::{Point, Subject};

#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
    pub(super) took: Duration,
}

#[derive(Debug)]
struct Row {
    subject: Subject,
    calls: usize,
    points: usize,
    failed: Vec<(Point, Vec<String>)>,
}

impl Report {
    pub(super) fn add(&mut self, subject: Subject, calls: usize, tried: Vec<(Point, Vec<String>)>) {
        let points = tried.len();
        let failed = tried.into_iter().filter(|(_, wrong)| !wrong.is_empty()).collect();
        self.rows.push(Row { subject, calls, points, failed });
    }

    pub fn points(&self) -> usize {
        self.rows.iter().map(|row| row.points).sum()
    }

    /// Each point that failed.
    pub fn failed(&self) -> Vec<&Point> {
        self.rows.iter().flat_map(|row| row.failed.iter().map(|(point, _)| point)).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { subject, calls, points, failed } in &self.rows {
            writeln!(
                f,
                "{:<32} {calls:>4} calls {points:>5} points {:>4} failed",
                subject.name(),
                failed.len()
            )?;
        }
        for (point, wrong) in self.rows.iter().flat_map(|row| &row.failed) {
            writeln!(f, "\n{point}")?;
            for wrong in wrong {
                writeln!(f, "    {wrong}")?;
            }
            writeln!(f, "    again: make chaos POINT='{point}'")?;
        }
        let took = self.took.as_secs();
        write!(
            f,
            "\n{} points tried, {} failed, in {} min {} s",
            self.points(),
            self.failed().len(),
            took / 60,
            took % 60
        )
    }
}

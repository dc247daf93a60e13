//! Whether the API's answers are slow now. Several chapters begin with this.

use jiff::Timestamp;

use crate::{
    evidence::{Evidence, Series, name},
    finding::Finding,
};

/// Slow enough for a person to wait, and slower than this API is by itself: some reports always take seconds.
const SLOW_SECONDS: f64 = 1.0;
const SLOWER: f64 = 2.0;
/// Slow by any standard: slowness that lasts long would look usual.
const VERY_SLOW_SECONDS: f64 = 5.0;

/// Answers that are slow now.
pub(super) struct SlowAnswers<'a> {
    pub(super) series: &'a Series,
    /// The 99th percentile, in seconds.
    pub(super) now: f64,
    pub(super) usual: Option<f64>,
}

impl<'a> SlowAnswers<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Option<Self> {
        let series = evidence.recent(name::ALB_P99)?;
        let (now, usual) = (series.now()?, series.usual());
        let is_slow = now >= SLOW_SECONDS && usual.is_some_and(|usual| now >= usual * SLOWER);
        (is_slow || now >= VERY_SLOW_SECONDS).then_some(Self { series, now, usual })
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        let from = self.usual.map_or(SLOW_SECONDS, |usual| (usual * SLOWER).max(SLOW_SECONDS));
        self.series.since_when(|seconds| seconds >= from.min(VERY_SLOW_SECONDS))
    }

    pub(super) fn fact(&self, finding: Finding) -> Finding {
        let finding = finding.fact(
            "CloudWatch, ALB TargetResponseTime",
            "99th percentile of the answers",
            format!("{:.1} s", self.now),
        );
        let finding = match self.usual {
            Some(usual) => finding.against(format!("usually {usual:.2} s")),
            None => finding,
        };
        finding.at(self.series.newest_at())
    }

    pub(super) fn shown(&self, finding: Finding) -> Finding {
        self.fact(finding).since(self.since())
    }
}

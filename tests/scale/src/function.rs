//! The functions, as the benchmark measured them.

use crate::stack::Stack;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    HealthProbe,
    ScaleUp,
    Rollback,
    Restart,
    CacheInvalidation,
    WriteFreeze,
    SnapshotRestore,
    Diagnose,
    Incident,
}

impl Function {
    pub const ALL: [Self; 9] = [
        Self::HealthProbe,
        Self::ScaleUp,
        Self::Rollback,
        Self::Restart,
        Self::CacheInvalidation,
        Self::WriteFreeze,
        Self::SnapshotRestore,
        Self::Diagnose,
        Self::Incident,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::HealthProbe => "health-probe",
            Self::ScaleUp => "scale-up",
            Self::Rollback => "rollback",
            Self::Restart => "restart",
            Self::CacheInvalidation => "cache-invalidation",
            Self::WriteFreeze => "write-freeze",
            Self::SnapshotRestore => "snapshot-restore",
            Self::Diagnose => "diagnose",
            Self::Incident => "incident",
        }
    }

    /// Whose schedule leaves no room for a window of some minutes.
    pub fn runs_every_minute(self) -> bool {
        matches!(self, Self::HealthProbe | Self::Incident)
    }

    /// What a run computes, in microseconds of a whole processor, rounded up from docs/benchmarks.md: the warm answers, on
    /// loopback nearly all computing, and of `diagnose`, which waits most of the time, the processor time. Of a run that
    /// acts: one that only looks after something takes less.
    fn computes_us(self) -> u64 {
        match self {
            Self::HealthProbe => 2_000,
            Self::ScaleUp => 8_000,
            Self::Rollback => 15_000,
            Self::Restart => 9_000,
            Self::CacheInvalidation => 5_000,
            Self::WriteFreeze => 12_000,
            Self::SnapshotRestore => 6_000,
            Self::Diagnose => 150_000,
            Self::Incident => 4_000,
        }
    }

    /// The same on the share of a processor that its memory buys.
    pub fn computes_on_lambda_us(self, stack: &Stack) -> u64 {
        /// With so much memory a function has one processor (AWS Lambda developer guide, "Configure Lambda function
        /// memory").
        const MB_A_PROCESSOR: u64 = 1_769;
        self.computes_us() * MB_A_PROCESSOR / u64::from(stack.function(self).memory_mb).max(1)
    }
}

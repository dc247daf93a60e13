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

    /// What a run computes, in microseconds of a whole processor: the README's benchmark, whose warm answers on loopback
    /// are nearly all computing. Of a run that acts: one that only looks after something takes less. `incident` is not in
    /// that benchmark, and makes about as many calls as `cache-invalidation`.
    fn computes_us(self) -> u64 {
        match self {
            Self::HealthProbe => 2_790,
            Self::ScaleUp => 9_070,
            Self::Rollback => 16_740,
            Self::Restart => 8_830,
            Self::CacheInvalidation | Self::Incident => 4_850,
            Self::WriteFreeze => 12_810,
            Self::SnapshotRestore => 7_490,
            Self::Diagnose => 170_000,
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

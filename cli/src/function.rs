//! The nine functions of the runbook, by the names that people type.

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Function {
    HealthProbe,
    Diagnose,
    Incident,
    ScaleUp,
    Rollback,
    Restart,
    WriteFreeze,
    SnapshotRestore,
    CacheInvalidation,
}

impl Function {
    pub(crate) const ALL: [Self; 9] = [
        Self::HealthProbe,
        Self::Diagnose,
        Self::Incident,
        Self::ScaleUp,
        Self::Rollback,
        Self::Restart,
        Self::WriteFreeze,
        Self::SnapshotRestore,
        Self::CacheInvalidation,
    ];
    /// Those that change the managed stack, and so have plans.
    pub(crate) const REMEDIES: [Self; 6] = [
        Self::ScaleUp,
        Self::Rollback,
        Self::Restart,
        Self::WriteFreeze,
        Self::SnapshotRestore,
        Self::CacheInvalidation,
    ];
    /// Those that leave audit records: `incident` has the kill switches'.
    pub(crate) const RECORDED: [Self; 7] = [
        Self::ScaleUp,
        Self::Rollback,
        Self::Restart,
        Self::WriteFreeze,
        Self::SnapshotRestore,
        Self::CacheInvalidation,
        Self::Incident,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HealthProbe => "health-probe",
            Self::Diagnose => "diagnose",
            Self::Incident => "incident",
            Self::ScaleUp => "scale-up",
            Self::Rollback => "rollback",
            Self::Restart => "restart",
            Self::WriteFreeze => "write-freeze",
            Self::SnapshotRestore => "snapshot-restore",
            Self::CacheInvalidation => "cache-invalidation",
        }
    }

    /// By its own name, or by its full one, as in `lendpeak2-production-rollback`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let is_its = |function: &Self| {
            let rest = name.strip_suffix(function.name());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('-'))
        };
        Self::ALL.into_iter().find(is_its)
    }

    /// The stack's output with the function's name in Lambda.
    pub(crate) fn output(self) -> &'static str {
        match self {
            Self::HealthProbe => "HealthProbeName",
            Self::Diagnose => "DiagnoseName",
            Self::Incident => "IncidentName",
            Self::ScaleUp => "ScaleUpName",
            Self::Rollback => "RollbackName",
            Self::Restart => "RestartName",
            Self::WriteFreeze => "WriteFreezeName",
            Self::SnapshotRestore => "SnapshotRestoreName",
            Self::CacheInvalidation => "CacheInvalidationName",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_typed_by_its_name() {
        for function in Function::ALL {
            let typed = function.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(typed.as_deref(), Some(function.name()));
            assert_eq!(Function::named(function.name()), Some(function));
            assert_eq!(Function::named(&format!("lendpeak2-production-{}", function.name())), Some(function));
        }
    }

    #[test]
    fn it_is_all_of_them() {
        let folders = std::fs::read_dir("../functions").unwrap().map(|entry| entry.unwrap().file_name());
        let mut there: Vec<String> = folders.map(|name| name.to_string_lossy().into_owned()).collect();
        there.sort_unstable();
        let mut named = Function::ALL.map(Function::name);
        named.sort_unstable();
        assert_eq!(there, named);
    }

    #[test]
    fn what_only_ends_like_a_function_is_none() {
        assert_eq!(["prestart", "", "backend"].map(Function::named), [None; 3]);
    }

    #[test]
    fn the_template_has_every_functions_output() {
        let template = include_str!("../../template.yaml");
        let outputs = template.split_once("\nOutputs:\n").unwrap().1;
        for name in Function::ALL.map(Function::output).into_iter().chain([
            "ApprovalsQueueUrl",
            "LedgerTable",
            "SnapshotRestoreStateMachine",
        ]) {
            assert!(
                outputs.contains(&format!("\n  {name}:\n")) || outputs.starts_with(&format!("  {name}:\n")),
                "{name}"
            );
        }
    }
}

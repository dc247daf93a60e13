//! Rules that can be left out, one at a time: for each, the check has to find what goes wrong.

/// The rule that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A claim is written whatever version is there.
    ClaimIgnoresVersion,
    /// A claim is written whether or not its event was answered since.
    ClaimIgnoresAnswer,
    /// A claim is written while another remedy holds the target.
    ClaimIgnoresHolder,
    /// A claim is written under a kill switch.
    ClaimIgnoresKillSwitch,
    /// An approval is not used up.
    ApprovalStaysGood,
    /// A claim is given back whatever version is there.
    RecordIgnoresVersion,
    /// A record deletes the holder, whoever that is.
    RecordIgnoresHolder,
    /// The event's answer is not kept.
    AnswerNotKept,
    /// A claim in the place of an old one says nothing of that.
    LeftIntentsNotNamed,
    /// The claim is left as it was taken.
    ClaimNotGivenBack,
    /// A claim counts as its dead run's while the run lives.
    LeaseIgnored,
    /// What was done a moment ago is no reason to wait.
    CooldownIgnored,
    /// No attempt counts.
    BudgetIgnored,
    /// What a dead run left open is not taken up.
    NothingTakenUp,
    /// A run acts first and claims after.
    ActsBeforeItsClaim,
    /// A transaction that is repeated after a lost answer is taken for a new one.
    TokenForgotten,
    /// A transaction that met another one is not repeated.
    ConflictNotRepeated,
    /// An action that failed is recorded as done.
    FailureTakenForSuccess,
}

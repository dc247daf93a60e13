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
    /// What a dead run left open is replaced by the next plan where it is not to be taken up, without a word.
    NothingGivenUp,
    /// What a dead run left is recorded as given up whatever version is there.
    GivenUpWhateverVersion,
    /// An approval that is sent again is a new request, before which its own dead run's intent is given up.
    ApprovalSupersedes,
    /// An intent that is taken up counts again.
    TakeUpCountsAgain,
    /// An intent that is taken up counts from when its dead run claimed.
    TakeUpKeepsItsTime,
    /// An attempt stays counted where nothing was changed.
    AttemptsNotTakenBack,
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
    /// What is given up and turns out to have been done counts for nothing, if it seemed to have failed.
    DoneAfterAllNotCounted,
    /// What is refused for now is refused for ever.
    NothingWanted,
    /// What one alarm asks for takes the place of what another one does.
    OneWishATarget,
    /// What is wanted is let go of where AWS could not be read.
    FailedLookClears,
    /// An event is answered though what it wants could not be written.
    UnwrittenWishIsAnswered,
    /// What is wanted is let go of though its alarm lasts.
    WishClearedUnread,
    /// A remedy does not let an urgent one go first.
    WaitingIgnored,
    /// A notice is owed only once it could not be sent.
    OwedAfterwards,
    /// What is owed is sent by its own run alone.
    NothingSwept,
    /// A notice is sent by others while its own run may be at it.
    SweptTooEarly,
    /// Two runs may send the same owed notice.
    NotTakenOn,
    /// What a claim notes is true at once.
    NoteTrueAtOnce,
    /// What a claim notes stays when nothing comes of it.
    NoteNotTakenBack,
    /// A run acts first and claims after.
    ActsBeforeItsClaim,
    /// A transaction that is repeated after a lost answer is taken for a new one.
    TokenForgotten,
    /// A transaction that met another one is not repeated.
    ConflictNotRepeated,
    /// An action that failed is recorded as done.
    FailureTakenForSuccess,
}

//! A remedy as small as can be: it switches a lamp on.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{
    aws::Aws,
    code,
    error::{Cause, Error},
    guard::Approved,
    outcome::{Next, Stop, Verification},
    plan::{InShort, Past, Plan},
    remedy::Remedy,
    runner::Runner,
    settings::{Environment, SettingsError},
    trigger::{Kind, Trigger},
};

use crate::wire::Wire;

/// What today's settings make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moves {
    Freely,
    /// AWS cannot be read.
    Unseen,
    /// The plan is refused for good.
    NotAllowed,
    /// Events are refused before anything is read.
    NotOurs,
}

impl Moves {
    const ALL: [Self; 4] = [Self::Freely, Self::Unseen, Self::NotAllowed, Self::NotOurs];

    fn name(self) -> &'static str {
        match self {
            Self::Freely => "freely",
            Self::Unseen => "unseen",
            Self::NotAllowed => "not_allowed",
            Self::NotOurs => "not_ours",
        }
    }
}

pub(crate) struct Lamp(Moves);

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Request {
    looks_after: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct On;

impl std::fmt::Display for On {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("switch the lamp on")
    }
}

pub(crate) fn with_wire(wire: &Wire, moves: Moves) -> Runner<Lamp> {
    cooling_for(wire, moves, "0")
}

pub(crate) fn cooling_for(wire: &Wire, moves: Moves, seconds: &str) -> Runner<Lamp> {
    let environment = Environment::from_pairs([
        ("ENVIRONMENT", "production"),
        ("MODE", "auto"),
        ("LEDGER_TABLE", "ledger"),
        ("NOTICE_TOPIC_ARN", "arn:aws:sns:us-east-1:000000000000:notices"),
        ("COOLDOWN_SECONDS", seconds),
        ("VERIFY_SECONDS", "0"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("MOVES", moves.name()),
    ]);
    let aws = Aws::new(&environment, "lamp").unwrap().answered_by(wire.connector());
    Runner::with_aws(&environment, aws).unwrap()
}

fn not_ours() -> Stop {
    Stop::refused(&code::NOT_ALLOWED, "the lamp is not ours").next(Next::devops("correct what calls this"))
}

impl Remedy for Lamp {
    const FUNCTION: &'static str = "lamp";
    const EXAMPLE: &'static str = r#"{"dry_run": true}"#;
    type Request = Request;
    type Observed = ();
    type Action = On;
    type FollowUp = ();

    fn new(environment: &Environment, _aws: &Aws) -> Result<Self, SettingsError> {
        let moves = environment.text("MOVES")?;
        Ok(Self(Moves::ALL.into_iter().find(|one| one.name() == moves).unwrap()))
    }

    fn requests(&self, trigger: &Trigger) -> Result<Vec<Request>, Error> {
        Ok(vec![Request { looks_after: matches!(trigger.kind, Kind::Schedule { .. }) }])
    }

    fn target(&self, request: &Request) -> Result<String, Stop> {
        if self.0 == Moves::NotOurs && !request.looks_after {
            Err(not_ours())
        } else {
            Ok(crate::TARGET.to_owned())
        }
    }

    async fn observe(&self, _request: &Request) -> Result<(), Error> {
        if self.0 == Moves::Unseen {
            let source = Cause::new("throttled");
            return Err(Error::Aws { operation: "describe", resource: "the lamp".to_owned(), source });
        }
        Ok(())
    }

    fn plan(
        &self,
        _now: jiff::Timestamp,
        _observed: &(),
        request: &Request,
        _past: &Past<()>,
    ) -> Plan<On, ()> {
        if request.looks_after {
            return Plan::skip(Stop::nothing_to_do(
                &code::NOTHING_TO_LOOK_AFTER,
                "there is nothing to look after",
            ));
        }
        if self.0 == Moves::NotAllowed {
            return Plan::skip(not_ours());
        }
        Plan::act(vec![On], "it is dark")
    }

    fn in_short(&self, actions: &[On], _observed: &()) -> InShort {
        match actions {
            [] => InShort::default(),
            _ => InShort { planned: "switch the lamp on".to_owned(), done: "lamp: switched on".to_owned() },
        }
    }

    fn is_outstanding(&self, _action: &On, _observed: &()) -> bool {
        true
    }

    async fn apply(&self, _action: &Approved<On>) -> Result<(), Error> {
        Ok(())
    }

    async fn verify(&self, _request: &Request, _actions: &[&On], _patience: Duration) -> Verification {
        Verification { verified: true, what: "the lamp is on".to_owned() }
    }
}

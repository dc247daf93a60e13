//! The notice that a kill switch was set or lifted.

use jiff::Timestamp;
use shared::{
    code::Code,
    ledger::Switch,
    notice::{Facts, Kind, Step},
    text::line,
};

use super::capital;
use crate::{FUNCTION, codes};

/// More are not written out.
const MOST_TO_LIFT: usize = 5;

/// As in ``the kill switch `all` is on (by Ana: the sale has begun)``, of one that was set just now.
pub fn set_in_words(switch: &Switch, now: Timestamp) -> String {
    switch.in_words(now).replace(" for 0 s", "")
}

/// `names` were set or lifted, as `what` says; `on` are those to be lifted from now on. `function` is incident's own full
/// name.
pub fn kill_switch(
    did: &'static Code,
    what: &str,
    names: &[String],
    on: &[Switch],
    environment: &str,
    function: &str,
) -> Facts {
    let lift = on.iter().map(|switch| {
        Step::new(format!("To lift `{}`,", line(&switch.name, 60))).send(function, switch.lift())
    });
    let headline = if *did == codes::LIFTED { "KILL SWITCH LIFTED" } else { "KILL SWITCH ON" };
    let headline = format!("{headline}: {}", names.join(", "));
    Facts {
        lines: vec![format!("{}.", capital(what))],
        steps: lift.take(MOST_TO_LIFT).collect(),
        ..Facts::new(environment, FUNCTION, Kind::Other, headline)
    }
}

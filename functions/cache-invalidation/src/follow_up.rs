//! The invalidations to follow up, kept in the ledger as the distribution's follow-up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    code,
    outcome::Stop,
    plan::{self, FollowUpChange, Limits},
};

use crate::{
    action::{Action, told, units},
    observe::{self, Asset, Observed, Sight, compared},
    settings::{PATIENCE, Settings},
    skipped,
};

pub(crate) type FollowUp = plan::FollowUp<Kept>;
pub(crate) type Past = plan::Past<Kept>;
pub(crate) type Plan = plan::Plan<Action, Kept>;

/// An item of the ledger holds 400 KB, and a set of paths up to 60.
const MAX_AWAITED: usize = 5;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Awaited {
    pub(crate) paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) widened: Vec<String>,
    pub(crate) caller_reference: String,
    /// Why it was asked for.
    pub(crate) reason: String,
    /// Whether a run has claimed to send it; if not, it waits for room.
    pub(crate) sent: bool,
    /// From then on it is late.
    pub(crate) due: Timestamp,
    /// The assets as they were served before.
    pub(crate) before: Vec<Asset>,
}

/// All follow-ups of a distribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    awaited: Vec<Awaited>,
}

impl Awaited {
    pub(crate) fn action(&self, settings: &Settings) -> Action {
        Action::CreateInvalidation {
            distribution: settings.distribution.clone(),
            paths: self.paths.clone(),
            widened: self.widened.clone(),
            caller_reference: self.caller_reference.clone(),
            before: self.before.clone(),
        }
    }
}

/// What the ledger holds.
pub(crate) fn awaited(follow_up: Option<&FollowUp>) -> &[Awaited] {
    follow_up.map(|follow_up| follow_up.what.awaited.as_slice()).unwrap_or_default()
}

/// What the ledger is to hold, the last of them new. A newer one takes the place of the oldest that was sent:
/// that one is only looked at, while one that waits would be lost. Nothing if all of them wait.
pub(crate) fn add(mut awaited: Vec<Awaited>, new: Awaited) -> Option<FollowUp> {
    if awaited.len() >= MAX_AWAITED {
        let sent = awaited.iter().position(|one| one.sent)?;
        awaited.remove(sent);
    }
    awaited.push(new);
    Some(follow_up(awaited))
}

pub(crate) fn follow_up(awaited: Vec<Awaited>) -> FollowUp {
    FollowUp {
        due: awaited.iter().map(|one| one.due).max().unwrap_or_default(),
        // With several, the run that sends one sees only the end of that one.
        until_verified: awaited.len() == 1,
        what: Kept { awaited },
    }
}

/// Sends what waits and has room, or says how one has ended.
pub(crate) fn look_after(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    follow_up: Option<&FollowUp>,
) -> Plan {
    let awaited = awaited(follow_up);
    let looks: Vec<Look> = awaited.iter().map(|one| look(now, observed, settings, one)).collect();
    let send = looks.iter().position(|look| matches!(look, Look::Send));
    if let Some(one) = send.and_then(|place| awaited.get(place)) {
        return send_now(now, observed, settings, one, awaited);
    }
    let ended = looks.iter().position(|look| matches!(look, Look::Ended(_)));
    let said = looks.into_iter().nth(ended.unwrap_or(0)).and_then(Look::said);
    let stop = said.unwrap_or_else(skipped::nothing_awaited);
    match ended {
        None => Plan::skip(stop),
        Some(_) if awaited.len() == 1 => Plan::settle(stop),
        Some(place) => {
            let mut rest = awaited.to_vec();
            rest.remove(place);
            Plan::postpone(self::follow_up(rest), stop)
        }
    }
}

/// What a look at one awaited invalidation shows.
enum Look {
    /// It has not reached CloudFront, and there is room.
    Send,
    Waits(Stop),
    /// It is over, well or not.
    Ended(Stop),
}

impl Look {
    fn said(self) -> Option<Stop> {
        match self {
            Self::Send => None,
            Self::Waits(said) | Self::Ended(said) => Some(said),
        }
    }
}

fn look(now: Timestamp, observed: &Observed, settings: &Settings, one: &Awaited) -> Look {
    let due = one.due;
    let late = now >= due;
    let what = format!("the invalidation of {} ({})", told(&one.paths), one.reason);
    let Some(seen) = observed.sent_as(&one.caller_reference) else {
        return match observed.has_room(&one.paths) {
            _ if late => Look::Ended(skipped::not_sent(&what, &one.paths)),
            true => Look::Send,
            false => Look::Waits(skipped::still_no_room(&what, due)),
        };
    };
    let what = format!("invalidation {} of {} ({})", seen.id, told(&one.paths), one.reason);
    if !seen.is_completed() {
        return if late {
            let what = format!("{what} has not come to its end in {} minutes", PATIENCE.as_secs() / 60);
            Look::Ended(skipped::not_verified(what))
        } else {
            Look::Waits(skipped::still_in_progress(&what, due))
        };
    }
    let looked_at = observe::assets_among(&one.paths, &settings.asset_path);
    let assets: Vec<Asset> =
        observed.assets.iter().filter(|asset| looked_at.contains(&asset.path)).cloned().collect();
    let mut said = vec![format!("{what} is completed")];
    if !assets.is_empty() {
        said.push(compared(&one.before, &assets));
    }
    let (sight, unseen) = Sight::of_all(&assets, seen.created_at, now);
    said.extend(unseen);
    let what = said.join(": ");
    match (sight, late) {
        (Sight::Fresh, _) => Look::Ended(Stop::nothing_to_do(&code::VERIFIED, what)),
        // The cache has done its part, and waiting brings no file.
        (Sight::NotThere, _) => Look::Ended(skipped::not_there(what)),
        (Sight::NotSeen, true) => Look::Ended(skipped::not_seen(what)),
        (Sight::Old, true) => Look::Ended(skipped::not_verified(what)),
        (Sight::NotSeen, false) => Look::Waits(skipped::not_seen_yet(&what, due)),
        (Sight::Old, false) => Look::Waits(skipped::still_served(&what, due)),
    }
}

/// Sends what waited, or what a run that died did not send.
fn send_now(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    one: &Awaited,
    awaited: &[Awaited],
) -> Plan {
    let before = if one.before.is_empty() { observed.assets.clone() } else { one.before.clone() };
    let sent = Awaited { sent: true, due: now + PATIENCE, before, ..one.clone() };
    let action = sent.action(settings);
    let all: Vec<Awaited> = awaited
        .iter()
        .map(
            |other| if other.caller_reference == one.caller_reference { sent.clone() } else { other.clone() },
        )
        .collect();
    let reason = format!("{}; it had to wait", one.reason);
    Plan {
        follow_up: FollowUpChange::Set(follow_up(all)),
        limits: Limits::SkipCooldown,
        // What was refused counts nothing. What a run that died had claimed may count twice: the free paths are never
        // believed to be more than they are.
        units: units(&one.paths),
        ..Plan::act(vec![action], reason)
    }
}

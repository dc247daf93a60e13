//! What the functions set out to do and did, as their calls show it: a claim in the ledger, and the changes after it.
//! The ledger's own word for it is what is checked against this.

use std::collections::HashMap;

use sandbox::changes::changes_the_stack;
use sandbox::gateway::{Call, Fault};
use serde_json::Value;

use super::part;

/// An intent from its first claim to its end, whichever runs were at it.
#[derive(Debug, Clone, Default)]
pub(super) struct Intent {
    pub(super) function: String,
    /// The ledger's key of its target.
    pub(super) target: String,
    /// The event that asked for it.
    pub(super) event: String,
    pub(super) actions: Value,
    /// The runs that claimed it.
    pub(super) runs: Vec<String>,
    /// Whether it counts for no budget.
    pub(super) puts_back: bool,
    /// What it adds to the month's count.
    pub(super) units: u64,
    /// The changes that took effect.
    pub(super) done: Vec<String>,
    /// The changes of which the caller cannot know whether they did.
    pub(super) lost: Vec<String>,
    pub(super) is_over: bool,
}

/// Every intent in the order of its first claim, and each change that took effect without a claim, or after another
/// remedy had claimed the target.
pub(super) fn all(calls: &[Call]) -> (Vec<Intent>, Vec<String>) {
    let (mut intents, mut unclaimed) = (Vec::new(), Vec::new());
    // Who has claimed each target last.
    let mut holders: HashMap<String, String> = HashMap::new();
    for call in calls {
        for put in claims(call) {
            let (function, target) = (put.0.clone(), put.1.clone());
            if claimed(&mut intents, put) {
                holders.insert(target, function);
            }
        }
        if !changes_the_stack(call) || !(took_effect(call) || is_lost(call)) {
            continue;
        }
        let own = |intent: &&mut Intent| intent.function == call.caller && !intent.is_over;
        match intents.iter_mut().rev().find(own) {
            Some(intent) if took_effect(call) => {
                intent.done.push(call.name());
                let holder = holders.get(&intent.target).filter(|holder| **holder != call.caller);
                unclaimed
                    .extend(holder.map(|holder| format!("{} by {}, but {holder}", call.name(), call.caller)));
            }
            Some(intent) => intent.lost.push(call.name()),
            None if took_effect(call) => unclaimed.push(format!("{} by {}", call.name(), call.caller)),
            None => {}
        }
    }
    (intents, unclaimed)
}

pub(super) fn took_effect(call: &Call) -> bool {
    call.status.is_some_and(|status| (200..300).contains(&status))
}

/// Whether the caller lives on, and has no answer that says whether it took effect.
fn is_lost(call: &Call) -> bool {
    matches!(call.fault, Some(Fault::Timeout(_) | Fault::InternalError | Fault::CutBefore))
}

/// The claims that a call wrote: the function, its target, and the claim.
fn claims(call: &Call) -> Vec<(String, String, Value)> {
    let is_written = call.operation == "TransactWriteItems" && took_effect(call);
    let writes = part(&call.request, "/TransactItems").as_array().filter(|_| is_written);
    let claim = |write: &Value| {
        let text = |name: &str| part(write, &format!("/Put/Item/{name}/S")).as_str();
        let (pk, sk) = (text("pk")?, text("sk")?);
        let is_claim = pk.starts_with("target#") && sk == call.caller;
        let data: Value = serde_json::from_str(text("data").filter(|_| is_claim)?).ok()?;
        Some((sk.to_owned(), pk.to_owned(), data))
    };
    writes.into_iter().flatten().filter_map(claim).collect()
}

/// Whether a run has claimed the target by this, and does not only give it back.
fn claimed(intents: &mut Vec<Intent>, (function, target, claim): (String, String, Value)) -> bool {
    let text = |pointer: &str| part(&claim, pointer).as_str().unwrap_or_default().to_owned();
    let (event, actions, run) =
        (text("/intent/trigger/id"), part(&claim, "/intent/actions"), text("/execution_id"));
    let same = |intent: &&mut Intent| {
        let of = (&intent.function, &intent.target, &intent.event, &intent.actions);
        of == (&function, &target, &event, actions) && !intent.is_over
    };
    let known = match intents.iter_mut().rev().find(same) {
        Some(known) => known,
        None => intents.push_mut(Intent {
            puts_back: text("/intent/weight") == "puts_back",
            units: part(&claim, "/intent/units").as_u64().unwrap_or_default(),
            actions: actions.clone(),
            function,
            target,
            event,
            ..Intent::default()
        }),
    };
    let is_new = !known.runs.contains(&run);
    if is_new {
        known.runs.push(run);
    }
    known.is_over = *part(&claim, "/open") == false;
    is_new
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn claim(run: &str, open: bool) -> Call {
        claim_by("scale-up", run, open)
    }

    fn claim_by(function: &str, run: &str, open: bool) -> Call {
        let intent =
            json!({ "trigger": { "id": "alarm" }, "actions": ["scale"], "weight": "full", "units": 1 });
        let data = json!({ "execution_id": run, "open": open, "intent": intent }).to_string();
        let item = json!({ "pk": { "S": "target#t" }, "sk": { "S": function }, "data": { "S": data } });
        let request = json!({ "TransactItems": [{ "Put": { "Item": item } }] });
        Call::answered(function, ["dynamodb", "TransactWriteItems"], request)
    }

    fn change() -> Call {
        Call::answered("scale-up", ["ecs", "UpdateService"], json!({}))
    }

    #[test]
    fn an_intent_that_is_taken_up_is_one() {
        let calls = [claim("one", true), change(), claim("two", true), change(), claim("two", false)];
        let (intents, unclaimed) = all(&calls);
        assert_eq!((intents.len(), unclaimed.len()), (1, 0), "{intents:?}");
        let (runs, done) = (&intents[0].runs, &intents[0].done);
        assert_eq!((runs.as_slice(), done.len()), (&["one".to_owned(), "two".to_owned()][..], 2));
    }

    #[test]
    fn a_change_needs_a_claim_that_was_written_and_is_not_over() {
        let mut refused = claim("one", true);
        refused.status = Some(400);
        assert_eq!(all(&[refused, change()]).1, ["ecs UpdateService by scale-up"]);
        let calls = [claim("one", true), claim("one", false), change()];
        assert_eq!(all(&calls).1, ["ecs UpdateService by scale-up"]);
    }

    #[test]
    fn nobody_changes_what_another_remedy_has_claimed_since() {
        let between = [claim("one", true), claim_by("rollback", "two", true), change()];
        assert_eq!(all(&between).1, ["ecs UpdateService by scale-up, but rollback"]);
        let after = [claim_by("rollback", "two", true), claim("one", true), change()];
        assert_eq!(all(&after).1, Vec::<String>::new());
    }

    #[test]
    fn a_change_without_an_answer_may_have_been_made() {
        let mut lost = change();
        (lost.status, lost.fault) = (None, Some(Fault::Timeout(Duration::from_secs(6))));
        let (intents, _) = all(&[claim("one", true), lost]);
        assert_eq!((intents[0].done.len(), intents[0].lost.len()), (0, 1));
    }
}

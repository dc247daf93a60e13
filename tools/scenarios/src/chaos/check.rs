//! What must hold after a point: the invariants.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::changes::changes_the_stack;
use sandbox::functions;
use sandbox::gateway::Call;
use sandbox::notices::Notice;
use sandbox::runtime_api::Answer;
use sandbox::stack::read;
use serde_json::Value;

use crate::scenario::Flow;

use super::decision::INCIDENT;
use super::failure::Failure;
use super::intents::took_effect;
use super::ledger::{self, Item};
use super::noted::Facts;
use super::part;
use super::player::{Player, Said, tells_of_denial};
use super::point::{Piece, Point};
use super::{budget, intents, managed, noted, told};

/// How a play ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The calls of the functions, in order.
    pub(super) calls: Vec<Call>,
    pub(super) stack: Value,
    /// How often each change took effect.
    pub(super) effects: BTreeMap<String, usize>,
    /// Claims, follow-ups, holders and freezes.
    pub(super) standing: Value,
    /// Decisions in the audit records, and how often each.
    pub(super) recorded: BTreeMap<String, usize>,
    said: Vec<Said>,
    /// Whether the failure came.
    pub(super) reached: bool,
    /// All that is in the ledger.
    pub(super) items: Vec<Item>,
    /// What people were told.
    pub(super) heard: Vec<Notice>,
    facts: Facts,
}

impl Ended {
    pub(super) async fn look(mut player: Player<'_>) -> anyhow::Result<Self> {
        player.listen().await?;
        let sandbox = &player.stack.sandbox;
        let ours = functions()?;
        let calls: Vec<Call> =
            sandbox.gateway.calls().into_iter().filter(|call| ours.contains(&call.caller)).collect();
        let facts = Facts::of(sandbox, &player.ran, &calls).await?;
        let effects = managed::effects(sandbox).await?;
        let stack = managed::state(sandbox).await?;
        let items = ledger::items(&sandbox.clients).await?;
        let reached = player.spoilt() > 0;
        let standing = managed::without_names(sandbox, &ledger::standing(&items)).await?;
        let recorded = ledger::recorded(&items);
        let Player { said, heard, .. } = player;
        Ok(Self { calls, stack, effects, standing, recorded, said, reached, items, heard, facts })
    }

    /// The calls at which something is to go wrong: of a function that only looks, those of its first run.
    pub(super) fn points(&self, piece: Piece) -> &[Call] {
        match piece {
            Piece::Function(scenario) if matches!(scenario.flow, Flow::Looks(_)) => self.first(piece),
            _ => &self.calls,
        }
    }

    /// The calls of the first delivery; of what is one flow from its beginning to its end, all.
    pub(super) fn first(&self, piece: Piece) -> &[Call] {
        let first = self.said.first().map_or(0, |said| said.calls);
        match piece {
            Piece::Function(scenario) if !matches!(scenario.flow, Flow::Whole(_)) => {
                self.calls.get(..first).unwrap_or_default()
            }
            Piece::Function(_) | Piece::Machine(_) | Piece::Pair(_) | Piece::Decision(_) => &self.calls,
        }
    }

    /// The changes of a function that took effect.
    pub(super) fn done_by(&self, task: &str) -> Vec<String> {
        let changes = self.calls.iter().filter(|call| call.caller == task && changes_the_stack(call));
        changes.filter(|call| took_effect(call)).map(Call::name).collect()
    }

    /// Whether something is wanted of the function, or a record says why it was not done.
    pub(super) fn is_wanted_or_let_go(&self, task: &str) -> bool {
        let is_wanted = |item: &Item| item.is_wanted && item.sk == format!("{task}#wanted");
        let says_why =
            |item: &Item| item.pk == format!("audit#{task}") && !read(&item.outcome).starts_with("applied ");
        self.items.iter().any(|item| is_wanted(item) || says_why(item))
    }

    fn applied(&self) -> usize {
        self.recorded.get("applied applied").copied().unwrap_or_default()
    }
}

/// What is wrong after a point, compared with the same deliveries when nothing goes wrong.
pub(super) fn compare(point: &Point, ended: &Ended, well: &Ended) -> Vec<String> {
    let mut wrong = Vec::new();
    if !ended.reached {
        wrong.push("the failure never came: the call was not made".to_owned());
    }
    match point.piece {
        Piece::Function(_) | Piece::Decision(_) => {
            differ(&mut wrong, "the stack", &ended.stack, &well.stack);
            differ(&mut wrong, "the ledger", &ended.standing, &well.standing);
            wrong.extend(ended.said.iter().filter_map(|said| unanswered(point, said)));
            // Of what the local AWS runs, nobody has the answer.
            let is_answered = !matches!(point.piece, Piece::Decision(_)) || point.place.caller == INCIDENT;
            if point.failure == Failure::Denied
                && is_answered
                && !ended.said.iter().any(|said| said.struck && owns_up(said))
            {
                wrong.push("nobody can see that the call was denied".to_owned());
            }
        }
        Piece::Machine(_) => wrong.extend(machine_ended(ended, well)),
        Piece::Pair(_) => wrong.extend(open_claims(ended)),
    }
    wrong.extend(by_itself(point.piece, Some(point), ended, Some(well)));
    // Of two remedies, what the second does depends on how far the first one came.
    let is_alone = !matches!(point.piece, Piece::Pair(_));
    for more in ended.effects.keys().filter(|effect| is_alone && !well.effects.contains_key(*effect)) {
        wrong.push(format!("it did what it was not to do: {more}"));
    }
    if ended.applied() != 0 && ended.effects.is_empty() || ended.applied() == 0 && !ended.effects.is_empty() {
        wrong.push(format!("the records say {:?} of {:?}", ended.recorded, ended.effects));
    }
    if !wrong.is_empty() {
        wrong.extend(ended.said.iter().map(told));
    }
    wrong
}

/// What must hold with and without failure: of the notices, the budgets and the notes, and of two remedies at once.
pub(super) fn by_itself(
    piece: Piece,
    point: Option<&Point>,
    ended: &Ended,
    well: Option<&Ended>,
) -> Vec<String> {
    let Ended { items, heard, facts, calls, .. } = ended;
    let (intents, unclaimed) = intents::all(calls);
    let mut wrong: Vec<String> =
        unclaimed.into_iter().map(|change| format!("it had not claimed the target: {change}")).collect();
    let leave = point.map(told::Leave::at).unwrap_or_default();
    // On a busy machine SNS may take a notice and answer too late: who sent it sends it again.
    let is_given_up = |call: &&Call| {
        (call.service.as_str(), call.operation.as_str()) == ("sns", "Publish")
            && call.fault.is_none()
            && call.status.is_none()
    };
    let given_up = calls.iter().filter(is_given_up).count();
    wrong.extend(told::check(items, heard, &intents, leave, given_up));
    // A state machine may end with people.
    let same = |_: &&Ended| matches!(piece, Piece::Function(_) | Piece::Decision(_));
    let as_well = well.filter(same).map(|well| well.heard.as_slice());
    // What is decided is told over the outbox.
    let may_repeat = if matches!(piece, Piece::Decision(_)) { leave.second_copy } else { leave.news_again };
    wrong.extend(told::check_incidents(heard, as_well, may_repeat || given_up > 0));
    wrong.extend(budget::check(items, &intents));
    wrong.extend(noted::check(items, facts));
    if let Piece::Pair(pair) = piece {
        wrong.extend(pair.check(ended));
    }
    if let Piece::Decision(decision) = piece {
        wrong.extend(decision.check(ended, well));
    }
    wrong
}

/// A state machine may end with people instead, who were told: then nothing, or all of it, was done.
fn machine_ended(ended: &Ended, well: &Ended) -> Vec<String> {
    let mut wrong = Vec::new();
    if !ended.effects.is_empty() {
        differ(&mut wrong, "the stack", &ended.stack, &well.stack);
    }
    wrong.extend(open_claims(ended));
    wrong
}

fn open_claims(ended: &Ended) -> Vec<String> {
    let claims = ended.standing.as_object().into_iter().flatten();
    claims
        .filter(|(_, open)| **open == true)
        .map(|(claim, _)| format!("the ledger: {claim} stays open"))
        .collect()
}

/// A delivery and what came of it, in a line.
fn told(said: &Said) -> String {
    let event = match &said.event {
        message if part(message, "/Records/0/body").is_string() => {
            part(message, "/Records/0/body").to_string()
        }
        alarm if part(alarm, "/Records").is_array() => "an alarm".to_owned(),
        tick if part(tick, "/source") == "aws.scheduler" => "the schedule".to_owned(),
        request => request.to_string(),
    };
    let answer = match &said.answer {
        Answer::Ok(outcome) if part(outcome, "/decision").is_string() => read(outcome),
        Answer::Ok(other) => other.to_string().chars().take(200).collect(),
        other => format!("{other:?}"),
    };
    format!("({}{event} to {} → {answer})", if said.struck { "harmed: " } else { "" }, said.task)
}

pub(super) fn differ(wrong: &mut Vec<String>, what: &str, is: &Value, expected: &Value) {
    let names =
        |value: &Value| value.as_object().map(|fields| fields.keys().cloned().collect::<BTreeSet<_>>());
    let (Some(ours), Some(theirs)) = (names(is), names(expected)) else {
        wrong.push(format!("{what} cannot be compared: {is}, and {expected}"));
        return;
    };
    for name in ours.union(&theirs) {
        let (is, expected) = (is.get(name), expected.get(name));
        if is != expected {
            let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            wrong.push(format!("{what}: {name} is {}, not {}", text(is), text(expected)));
        }
    }
}

/// A delivery that no failure came to is answered; and one that a failure came to at least ends.
fn unanswered(point: &Point, said: &Said) -> Option<String> {
    let fine = match &said.answer {
        Answer::Ok(_) => true,
        Answer::Err { .. } => said.struck,
        Answer::Exited(_) => said.struck && point.failure.kills(),
        Answer::TimedOut => false,
    };
    (!fine).then(|| format!("{} was answered with {:?}", said.event, said.answer))
}

/// Whether the answer or the log tells of the call that was denied. One that repeats an earlier answer needed no call.
fn owns_up(said: &Said) -> bool {
    let (answer, replayed) = match &said.answer {
        Answer::Ok(value) => (value.to_string(), part(value, "/decision") == "replayed"),
        Answer::Err { error_message, .. } => (error_message.clone(), false),
        Answer::Exited(_) | Answer::TimedOut => (String::new(), false),
    };
    replayed || tells_of_denial(&answer) || tells_of_denial(&said.log)
}

//! The model's store against the real ledger on a table: both are given the same calls, and answer the same.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use model::{
    run::{Part, Seen, kept_answer, record_again, wanted},
    setup::{Cause, Delivery, Function, TARGET, Tick, approval, at},
    store::{Also, Entry, Noted, Request, Store, Taken, Unmet, Wants},
};
use serde_json::json;
use shared::{
    clock,
    ledger::{
        Attempt, Claim, Held, Intent, Ledger, Memory, NotClaimed, NotSettled, Settlement, WantedChange,
        items::item_key,
    },
    outcome::{Decision, Outcome},
    plan::{FollowUpChange, Limits, Note},
};

use crate::table::{self, Table};

/// A call of some run.
#[derive(Debug, Clone)]
enum Call {
    SetKillSwitch,
    Claim {
        function: Function,
        claim: Claim,
        approval: bool,
    },
    /// `by` is the run that records: another one where it gives up what a dead one left.
    Record {
        function: Function,
        claim: Claim,
        applied: bool,
        by: &'static str,
    },
    Stop {
        function: Function,
        wants: Wants,
    },
}

fn claim(run: &str, event: &'static str, version: u64, claimed: Tick) -> Claim {
    let delivery = Delivery { function: Function::ScaleUp, event, cause: Cause::Alarm };
    let intent = Intent {
        trigger: delivery.trigger(0),
        actions: json!(1),
        reason: String::new(),
        limits: Limits::Apply,
        units: 0,
        about: Vec::new(),
        notes: vec![Note::Frozen { freeze: Noted::freeze(event, false), before: None }],
        approved: Some(false),
        instead_of: None,
    };
    let counted = at(claimed);
    Claim {
        execution_id: run.to_owned(),
        open: true,
        claimed_at: at(claimed),
        lease_until: at(claimed + 2),
        attempts: vec![Attempt { at: counted, about: Vec::new(), what: event.to_owned() }],
        counted: Some(counted),
        month: clock::month(at(claimed)),
        month_units: 0,
        intent,
        version,
        in_place_of: None,
    }
}

/// Claims and records of each version that three calls can lead to, before and after a lease.
fn calls() -> Vec<Call> {
    let mut calls = vec![Call::SetKillSwitch];
    let runs: [(Function, &str, &str, &[Tick]); 3] = [
        (Function::ScaleUp, "run 1", "event 1", &[0]),
        (Function::ScaleUp, "run 2", "event 2", &[0]),
        (Function::Rollback, "run 3", "event 1", &[0, 2, 3]),
    ];
    for (function, run, event, times) in runs {
        let approval = run == "run 2";
        for version in 0..3 {
            let claims = times.iter().map(|claimed| claim(run, event, version, *claimed));
            calls.extend(claims.map(|claim| Call::Claim { function, claim, approval }));
        }
        for version in 0..2 {
            let held = claim(run, event, version, 0);
            calls.push(Call::Record { function, claim: held.clone().closed(), applied: true, by: run });
            calls.push(Call::Record {
                function,
                claim: held.clone().left_open(at(1)),
                applied: false,
                by: run,
            });
            let given_up = held.closed().uncounted();
            calls.push(Call::Record { function, claim: given_up, applied: false, by: "run 4" });
        }
    }
    let wish = |function, event| Delivery { function, event, cause: Cause::Alarm };
    for wish in [
        wish(Function::ScaleUp, "event 1"),
        wish(Function::ScaleUp, "event 2"),
        wish(Function::Rollback, "event 1"),
    ] {
        let function = wish.function;
        let first_until = function.is_urgent().then_some(9);
        calls.push(Call::Stop { function, wants: Wants::Set { wish, first_until } });
        calls.push(Call::Stop { function, wants: Wants::Clear(wish) });
    }
    calls
}

fn in_model(store: &mut Store, call: &Call) -> Result<(), Unmet> {
    match call {
        Call::SetKillSwitch => store.kill_switch = true,
        Call::Claim { function, claim, approval } => {
            let (function, claim, approval) = (*function, Taken::new(claim.clone()), *approval);
            store.transact(&Request::Claim { function, claim, approval }, None)?;
        }
        Call::Stop { wants, .. } => {
            store.transact(&Request::Stopped(Also { wants: wants.clone(), owed: None }), None)?;
        }
        Call::Record { function, claim, applied, by } => {
            let gives_up = *by != claim.execution_id;
            let entry = Entry {
                function: *function,
                event: claim.intent.trigger.id.clone(),
                execution_id: claim.execution_id.clone(),
                value: 1,
                applied: *applied,
                given_up: gives_up,
            };
            let (function, claim) = (*function, Taken::new(claim.clone()));
            let mut request = Some(Request::Record {
                function,
                claim,
                entry,
                lets_go: true,
                gives_up,
                also: Also::default(),
            });
            while let Some(sent) = request.take() {
                if let Err(unmet) = store.transact(&sent, None) {
                    if gives_up && unmet == Unmet::Version {
                        return Err(unmet);
                    }
                    request = record_again(&sent, unmet);
                }
            }
        }
    }
    Ok(())
}

async fn on_table(table: &Arc<Mutex<Table>>, ledger: &Ledger, call: &Call) -> Result<(), Unmet> {
    match call {
        Call::SetKillSwitch => table.lock().unwrap().put(item_key("kill-switch", "all")),
        Call::Claim { claim, approval: approved, .. } => {
            let approval = approved.then(|| approval(false));
            let claimed = ledger.claim(TARGET, claim, &FollowUpChange::Keep, approval.as_ref()).await;
            claimed.map_err(|not_claimed| match not_claimed {
                NotClaimed::KillSwitch => Unmet::KillSwitch,
                NotClaimed::Overtaken => Unmet::Version,
                NotClaimed::Held => Unmet::Holder,
                NotClaimed::Answered => Unmet::Answered,
                NotClaimed::ApprovalUsed => Unmet::Approval,
                NotClaimed::Ledger(error) => panic!("the ledger failed: {error}"),
            })?;
        }
        Call::Stop { function, wants } => {
            let outcome =
                Outcome { target: TARGET.to_owned(), function: function.name().to_owned(), ..kept_answer() };
            let wanted = match wants {
                Wants::Keep => WantedChange::Keep,
                Wants::Set { wish, first_until } => {
                    WantedChange::Set { wanted: Box::new(wanted(wish)), first_until: first_until.map(at) }
                }
                Wants::Clear(wish) => {
                    WantedChange::Clear { wanted: Box::new(wanted(wish)), waits: function.is_urgent() }
                }
            };
            let settlement = Settlement {
                outcome: &outcome,
                held: None,
                follow_up: None,
                wanted: &wanted,
                owed: None,
                refused: None,
                record: false,
            };
            ledger.settle(&settlement).await.unwrap();
        }
        Call::Record { function, claim, applied, by } => {
            let outcome = Outcome {
                decision: if *applied { Decision::Applied } else { Decision::Failed },
                target: TARGET.to_owned(),
                function: function.name().to_owned(),
                execution_id: (*by).to_owned(),
                ..kept_answer()
            };
            let held = Held {
                claim: claim.clone(),
                ends_follow_up: false,
                came_true: (!claim.open).then_some(*applied),
                changed: *applied,
            };
            let settlement = Settlement {
                outcome: &outcome,
                held: Some(&held),
                follow_up: None,
                wanted: &WantedChange::Keep,
                owed: None,
                refused: None,
                record: true,
            };
            match ledger.settle(&settlement).await {
                Ok(_) => {}
                Err(NotSettled::Overtaken) => return Err(Unmet::Version),
                Err(NotSettled::Ledger(error)) => panic!("the ledger failed: {error}"),
            }
        }
    }
    Ok(())
}

/// What a run of the model would read.
fn model_memory(store: &Store, function: Function, event: &'static str) -> Memory {
    let mut seen = Seen::default();
    seen.read(Part::Ledger, &Delivery { function, event, cause: Cause::Alarm }, store, 0);
    seen.memory(None)
}

/// All but the words of the kill switch and of the kept answer, which the model has not.
fn comparable(memory: Memory) -> (bool, bool, Memory) {
    let (stopped, answered) = (memory.kill_switch.is_some(), memory.earlier.is_some());
    (stopped, answered, Memory { kill_switch: None, earlier: None, ..memory })
}

#[tokio::test]
async fn the_models_store_answers_as_the_ledger_does() {
    let calls = calls();
    let mut table = Table::default();
    table.put(item_key("approval#scale-up", "plan"));
    let mut worlds = vec![(Store::default(), table)];
    let mut known: HashSet<String> = HashSet::new();
    let (mut compared, mut refused) = (0, HashSet::new());
    for _ in 0..3 {
        let mut next = Vec::new();
        for ((store, table), call) in
            worlds.iter().flat_map(|world| calls.iter().map(move |call| (world, call)))
        {
            let mut after = store.clone();
            let expected = in_model(&mut after, call);
            let shared_table = Arc::new(Mutex::new(table.clone()));
            let function = match call {
                Call::SetKillSwitch => Function::ScaleUp,
                Call::Claim { function, .. }
                | Call::Record { function, .. }
                | Call::Stop { function, .. } => *function,
            };
            let ledger = table::ledger(&shared_table, function.name());
            let answer = on_table(&shared_table, &ledger, call).await;
            assert_eq!(answer, expected, "{call:?} on {store:?}");
            compared += 1;
            refused.extend(expected.err());
            for event in ["event 1", "event 2"] {
                let read = ledger.look(TARGET, event, at(0)).await.unwrap();
                let modelled = model_memory(&after, function, event);
                assert_eq!(comparable(read), comparable(modelled), "{call:?} on {store:?}");
            }
            if known.insert(format!("{after:?}")) {
                let table = shared_table.lock().unwrap().clone();
                next.push((after, table));
            }
        }
        worlds = next;
    }
    println!("{compared} calls of the model's store and of the ledger, the same answers and the same items");
    assert_eq!(refused.len(), 5, "every reason for a refusal is seen: {refused:?}");
}

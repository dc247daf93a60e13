//! Items of the ledger that somebody else's version wrote: a first run leaves them, they are changed, and a second
//! run finds them.

use functions::{FUNCTIONS, Function};
use serde_json::Value;

use crate::{choices::Choices, claims, harness::with_harness, json, seeds, world::Mutated};

pub fn ledger_item(data: &[u8]) {
    let mut choices = Choices::new(data);
    let Some(function) = choices.one_of(&FUNCTIONS).map(Function::name) else { return };
    let first = seeds::event(function, &mut choices).to_string();
    let second = seeds::event(function, &mut choices).to_string();
    with_harness(|harness| {
        harness.wire.begin(Mutated::None, &[]);
        // The first may be refused: then there is less to be found.
        let _ = harness.handle(function, first);
        {
            let mut world = harness.wire.world();
            for item in world.table.items_mut() {
                mutate(item, &mut choices);
            }
        }
        harness.wire.go_on(Mutated::Only(&["Query"]), choices.rest());
        let answer = harness.handle(function, second);
        claims::answer_can_be_sent(&answer, &harness.wire.world());
    });
}

/// Mostly what an item holds as JSON; at times the item itself.
fn mutate(item: &mut Value, choices: &mut Choices<'_>) {
    const CONTENT: [&str; 2] = ["/data/S", "/outcome/S"];
    match choices.byte() {
        0..=79 => {}
        80..=199 => {
            for path in CONTENT {
                let Some(text) = item.pointer_mut(path) else { continue };
                let Some(Ok(mut content)) = text.as_str().map(serde_json::from_str::<Value>) else {
                    continue;
                };
                json::mutate(&mut content, choices);
                *text = json::written(&content).into();
            }
        }
        200..=219 => {
            let number = choices.number().to_string();
            if let Some(version) = item.pointer_mut("/version/N") {
                *version = number.into();
            }
        }
        220..=239 => {
            if let Some(version) = item.pointer_mut("/version/N") {
                *version = choices.text().into();
            }
        }
        _ => json::mutate(item, choices),
    }
}

//! Items of the ledger that somebody else's version wrote: a first run leaves them, they are changed, and a second
//! run finds them.

use serde_json::Value;

use crate::{
    claims,
    functions::{FUNCTIONS, Function},
    house::in_house,
    json, seeds,
    tape::Tape,
    world::Twisted,
};

pub fn ledger_item(data: &[u8]) {
    let mut tape = Tape::new(data);
    let Some(function) = tape.one_of(&FUNCTIONS).map(Function::name) else { return };
    let first = seeds::event(function, &mut tape).to_string();
    let second = seeds::event(function, &mut tape).to_string();
    in_house(|house| {
        house.wire.begin(Twisted::None, &[]);
        // The first may be refused: then there is less to be found.
        let _ = house.handle(function, first);
        {
            let mut world = house.wire.world();
            for item in world.table.items_mut() {
                twist(item, &mut tape);
            }
        }
        house.wire.go_on(Twisted::Only(&["Query"]), tape.rest());
        let answer = house.handle(function, second);
        claims::answer_can_be_sent(&answer, &house.wire.world());
    });
}

/// Mostly what an item holds as JSON; at times the item itself.
fn twist(item: &mut Value, tape: &mut Tape<'_>) {
    const CONTENT: [&str; 2] = ["/data/S", "/outcome/S"];
    match tape.byte() {
        0..=79 => {}
        80..=199 => {
            for path in CONTENT {
                let Some(text) = item.pointer_mut(path) else { continue };
                let Some(Ok(mut content)) = text.as_str().map(serde_json::from_str::<Value>) else {
                    continue;
                };
                json::twist(&mut content, tape);
                *text = json::written(&content).into();
            }
        }
        200..=219 => {
            let number = tape.number().to_string();
            if let Some(version) = item.pointer_mut("/version/N") {
                *version = number.into();
            }
        }
        220..=239 => {
            if let Some(version) = item.pointer_mut("/version/N") {
                *version = tape.text().into();
            }
        }
        _ => json::twist(item, tape),
    }
}

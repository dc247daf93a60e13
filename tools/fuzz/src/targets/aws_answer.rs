//! What AWS answers, in JSON, XML and CBOR, while a function runs on one of its events.

use health_probe::{release::Notes, settings::Watched};
use jiff::Timestamp;
use shared::settings::Environment;

use crate::{
    claims,
    functions::Function,
    house::{SETTINGS, in_house},
    seeds,
    tape::Tape,
    world::Twisted,
};

/// What the probe reads of AWS: whether the release that runs is a good one.
pub fn health_probe(data: &[u8]) {
    in_house(|house| {
        let environment = Environment::from_pairs(SETTINGS);
        let watched = Watched::from_environment(&environment).ok().flatten();
        assert!(watched.is_some(), "by the settings, there is nothing to note");
        let Some(watched) = watched else { return };
        let mut tape = Tape::new(data);
        let at = when(&mut tape);
        house.wire.begin(Twisted::All, tape.rest());
        let cloudwatch = house.cloudwatch();
        let notes = Notes::new(watched, house.aws.config().clone());
        if let Err(error) = house.run(notes.note(&cloudwatch, "production", at)) {
            claims::error_is_bounded(&error);
        }
    });
}

/// The schedule's time, as its event says it. Only the runs of every tenth minute look.
fn when(tape: &mut Tape<'_>) -> Timestamp {
    let usual = Timestamp::from_second(1_790_000_400).unwrap_or_default();
    match tape.byte() % 8 {
        0 => tenth_minute(Timestamp::MIN.as_second()),
        1 => tenth_minute(Timestamp::MAX.as_second() - 600),
        2 => {
            Timestamp::from_second(i64::from_ne_bytes(tape.number().to_ne_bytes()) >> 25).unwrap_or_default()
        }
        _ => usual,
    }
}

/// The next one.
fn tenth_minute(second: i64) -> Timestamp {
    Timestamp::from_second((second.div_euclid(600) + 1) * 600).unwrap_or_default()
}

/// The function's event is as it should be; the answers are not.
pub fn answer(function: &Function, data: &[u8]) {
    let mut tape = Tape::new(data);
    let event = seeds::event(function.name(), &mut tape).to_string();
    in_house(|house| {
        house.wire.begin(Twisted::All, tape.rest());
        let answer = house.handle(function.name(), event);
        claims::answer_can_be_sent(&answer, &house.wire.world());
    });
}

//! What AWS answers, in JSON, XML and CBOR, while a function runs on one of its events.

use functions::Function;
use health_probe::{release::Notes, settings::Watched};
use jiff::Timestamp;
use shared::settings::Environment;

use crate::{
    choices::Choices,
    claims,
    harness::{SETTINGS, with_harness},
    seeds,
    world::Mutated,
};

/// What the probe reads of AWS: whether the release that runs is a good one.
pub fn health_probe(data: &[u8]) {
    with_harness(|harness| {
        let environment = Environment::from_pairs(SETTINGS);
        let watched = Watched::from_environment(&environment).ok().flatten();
        assert!(watched.is_some(), "by the settings, there is nothing to note");
        let Some(watched) = watched else { return };
        let mut choices = Choices::new(data);
        let at = when(&mut choices);
        harness.wire.begin(Mutated::All, choices.rest());
        let cloudwatch = harness.cloudwatch();
        let notes = Notes::new(watched, harness.aws.config().clone());
        if let Err(error) = harness.run(notes.note(&cloudwatch, "production", at)) {
            claims::error_is_bounded(&error);
        }
    });
}

/// The schedule's time, as its event says it. Only the runs of every tenth minute look.
fn when(choices: &mut Choices<'_>) -> Timestamp {
    let usual = Timestamp::from_second(1_790_000_400).unwrap_or_default();
    match choices.byte() % 8 {
        0 => tenth_minute(Timestamp::MIN.as_second()),
        1 => tenth_minute(Timestamp::MAX.as_second() - 600),
        2 => Timestamp::from_second(i64::from_ne_bytes(choices.number().to_ne_bytes()) >> 25)
            .unwrap_or_default(),
        _ => usual,
    }
}

/// The next one.
fn tenth_minute(second: i64) -> Timestamp {
    Timestamp::from_second((second.div_euclid(600) + 1) * 600).unwrap_or_default()
}

/// The function's event is as it should be; the answers are not.
pub fn answer(function: &Function, data: &[u8]) {
    let mut choices = Choices::new(data);
    let event = seeds::event(function.name(), &mut choices).to_string();
    with_harness(|harness| {
        harness.wire.begin(Mutated::All, choices.rest());
        let answer = harness.handle(function.name(), event);
        claims::answer_can_be_sent(&answer, &harness.wire.world());
    });
}

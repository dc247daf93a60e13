//! The operator's settings: mistyped, missing, out of range.

use functions::FUNCTIONS;
use health_probe::settings::Settings as Probe;
use shared::settings::{Environment, SettingsError};

use crate::{
    choices::Choices,
    harness::{SETTINGS, with_harness},
};

const MOST_CHANGES: usize = 4;

pub fn settings(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut pairs: Vec<(&str, String)> =
        SETTINGS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    for _ in 0..=choices.below(MOST_CHANGES) {
        let place = choices.below(pairs.len());
        if let Some((_, value)) = pairs.get_mut(place) {
            let odd = choices.text();
            if choices.byte().is_multiple_of(2) {
                *value = odd;
            } else {
                value.insert_str(value.floor_char_boundary(choices.below(value.len() + 1)), &odd);
            }
        }
    }
    let environment = Environment::from_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str())));
    with_harness(|harness| {
        is_named(Probe::from_environment(&environment).err(), &pairs);
        for function in &FUNCTIONS {
            is_named(function.start(&environment, &harness.aws).err(), &pairs);
        }
    });
}

/// Whoever mistyped a setting reads which one.
fn is_named(error: Option<SettingsError>, pairs: &[(&str, String)]) {
    let Some(error) = error else { return };
    let text = error.to_string();
    assert!(pairs.iter().any(|(name, _)| text.contains(name)), "which setting? {text}");
}

//! Everything that reads what others wrote, fed with anything.
//!
//! - [`all_targets`]: what is fed, by name; one file a family in [`targets`].
//! - [`choices`]: bytes as choices; [`json`] and [`text`]: valid input, changed in odd ways.
//! - [`seeds`]: what is changed: the sample events, and whatever failed once.
//! - [`world`], with [`table`]: an AWS in memory, whose answers are changed the same way.
//! - [`functions`], in a [`house`]: the functions over it. [`claims`]: what must hold whatever they are fed.
//!
//! A target panics when something does not hold. `tests/bounded/` feeds each a fixed number of inputs; `main.rs` has
//! libFuzzer feed one of them.

#![expect(clippy::missing_panics_doc, reason = "to panic is how a target says that something does not hold")]

pub mod choices;
pub mod claims;
pub mod house;
pub mod json;
pub mod seeds;
pub mod table;
pub mod targets;
pub mod text;
pub mod world;

use std::collections::BTreeMap;

use functions::{FUNCTIONS, Function};

/// A reader, fed with bytes.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// What people and events ask of a function.
    Request(&'static Function),
    /// What AWS answers a function.
    AwsAnswer(&'static Function),
    Other(Feed),
}

impl Target {
    pub fn feed(self, data: &[u8]) {
        match self {
            Self::Request(function) => targets::request::ask(function, data),
            Self::AwsAnswer(function) => targets::aws_answer::answer(function, data),
            Self::Other(feed) => feed(data),
        }
    }
}

type Feed = fn(&[u8]);

/// Those that are not made for every function.
const OTHERS: [(&str, Feed); 13] = [
    ("aws_answer_health_probe", targets::aws_answer::health_probe),
    ("certificate", targets::web_answer::certificate),
    ("evidence", targets::evidence::evidence),
    ("health_probe_answer", targets::web_answer::health_probe_answer),
    ("ledger_item", targets::ledger_item::ledger_item),
    ("log_line", targets::log_line::log_line),
    ("message", targets::message::message),
    ("request_health_probe", targets::request::health_probe),
    ("settings", targets::settings::settings),
    ("state_machine_input", targets::state_machine_input::state_machine_input),
    ("task_definition", targets::task_definition::task_definition),
    ("text", targets::text::text),
    ("trigger", targets::trigger::trigger),
];

/// All targets by name. Of a function, `request_<function>` and `aws_answer_<function>`.
pub fn all_targets() -> BTreeMap<String, Target> {
    let others = OTHERS.into_iter().map(|(name, feed)| (name.to_owned(), Target::Other(feed)));
    let of_functions = FUNCTIONS.iter().flat_map(|function| {
        [
            (format!("aws_answer_{}", function.snake()), Target::AwsAnswer(function)),
            (format!("request_{}", function.snake()), Target::Request(function)),
        ]
    });
    others.chain(of_functions).collect()
}

//! What an earlier version of this project has left in the ledger, and what cannot be read there. `tests/schemas/` has
//! an item of every kind as every commit wrote it that changed its form; each is read by the functions of today. One
//! that nobody can read stops nothing else, and people are told which it is.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod broken;
mod broken_incidents;
mod claims;
mod fixture;
mod follow_ups;
mod incidents;
mod items;
mod notes;
mod today;

use serde_json::Value;

type Test = anyhow::Result<()>;

/// Many items are tried in one sandbox; all that went wrong is told at the end.
#[derive(Debug, Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, item: &str, tried: Test) {
        if let Err(error) = tried {
            self.0.push(format!("{item}: {error:#}"));
        }
    }

    fn none(self) -> Test {
        anyhow::ensure!(self.0.is_empty(), "{} went wrong:\n{}", self.0.len(), self.0.join("\n"));
        Ok(())
    }
}

/// Decision and code of each outcome in an answer, as in `refused cooldown`.
fn decisions(answer: &Value) -> Vec<String> {
    let outcomes = answer["outcomes"].as_array();
    outcomes.map_or_else(
        || vec![sandbox::stack::read(answer)],
        |all| all.iter().map(sandbox::stack::read).collect(),
    )
}

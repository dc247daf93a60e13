//! `lendpeak2 rollback`

use clap::Args;
use serde_json::json;

use crate::{
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::{Ask, Common, Override, carry_out},
    runbook::Runbook,
};

/// Go back to the last release that is known to be good
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Another release: `123`, `family:123`, or the ARN of a task definition, a service revision or a service deployment
    #[arg(default_value = "previous", value_name = "RELEASE")]
    to: String,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    overrides: Override,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let to = match revision(&options.to) {
        Some(revision) => format!("{}:{revision}", runbook.stack.parameter("TaskFamily")?),
        None => options.to.clone(),
    };
    let ask = Ask::new(Function::Rollback, &json!({ "to": to }), &options.common, "Roll back?");
    carry_out(runbook, ask.overriding(&options.overrides)).await
}

/// A revision without its family, as in `123` or `:123`.
fn revision(to: &str) -> Option<u32> {
    to.strip_prefix(':').unwrap_or(to).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_alone_is_of_the_stacks_family() {
        assert_eq!(["123", ":123"].map(revision), [Some(123); 2]);
        assert_eq!(["previous", "backend:123", "arn:aws:ecs:x", ""].map(revision), [None; 4]);
    }
}

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
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) overrides: Override,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    carry_out(runbook, ask(runbook, options)?).await
}

pub(crate) fn ask(runbook: &Runbook<'_>, options: &Options) -> Result<Ask, Failure> {
    let to = match revision(&options.to) {
        Some(revision) => format!("{}:{revision}", runbook.stack.parameter("TaskFamily")?),
        None => options.to.clone(),
    };
    let ask = Ask::new(Function::Rollback, &json!({ "to": to }), &options.common, "Roll back?");
    Ok(ask.overriding(&options.overrides))
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

//! `lendpeak2 scale`

use clap::Args;
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::{Ask, Common, Override, carry_out},
    runbook::Runbook,
};

/// Give the service more tasks
///
/// One step is a doubling at most: for ten tasks in place of two, say `scale 10` once the tasks of the last step run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many: `10`, or `+2` for two more, or `step` for half as many again
    #[arg(value_parser = Tasks::read, value_name = "N|+N|step")]
    pub(crate) tasks: Tasks,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) overrides: Override,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tasks {
    Count(u32),
    More(u32),
    Step,
}

impl Tasks {
    fn read(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            let read = text.parse().ok().filter(|count| *count > 0);
            read.ok_or_else(|| {
                "say how many tasks there are to be, as in `10`, or how many more, as in `+2`".to_owned()
            })
        };
        match text.strip_prefix('+') {
            Some(more) => number(more).map(Self::More),
            None if text == "step" => Ok(Self::Step),
            None => number(text).map(Self::Count),
        }
    }

    fn request(self) -> Value {
        match self {
            Self::Count(count) => json!({ "desired_count": count }),
            Self::More(more) => json!({ "by": more }),
            Self::Step => json!({}),
        }
    }
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    carry_out(runbook, ask(options)).await
}

pub(crate) fn ask(options: &Options) -> Ask {
    Ask::new(Function::ScaleUp, &options.tasks.request(), &options.common, "Scale up?")
        .overriding(&options.overrides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_a_difference_and_a_step_are_read() {
        for (text, expected) in
            [("10", json!({ "desired_count": 10 })), ("+2", json!({ "by": 2 })), ("step", json!({}))]
        {
            assert_eq!(Tasks::read(text).unwrap().request(), expected);
        }
    }

    #[test]
    fn nothing_is_scaled_down() {
        for text in ["0", "+0", "-2", "", "+", "ten", "1.5"] {
            assert!(Tasks::read(text).is_err(), "{text}");
        }
    }
}

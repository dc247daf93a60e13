//! What can be typed. Each command's own arguments are with the command.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::{
    commands::{
        approve, completion, diagnose, doctor, events, freeze, health, history, incident, invalidate, logs,
        man, reject, restart, restore, rollback, scale, start, status, stop,
    },
    time,
};

const AFTER: &str = "\
Exit codes:
    0  done and verified, nothing to do, healthy     5  unhealthy; or done, and not seen to work
    1  failed                                        6  only looked: the mode is `observe`
    2  the command line is wrong                     8  waits for approval, or is under way
    3  refused; the code on stderr says why        124  it took longer than --timeout
    4  no credentials, or AWS denied it            130  interrupted, or answered with no";

/// The LendPeak2 runbook: look, and act within its limits.
///
/// Names come from the stack's outputs, and credentials from where the AWS CLI has them. What changes the managed stack
/// shows its plan first, and asks.
#[derive(Debug, Parser)]
#[command(name = "lendpeak2", version, after_help = AFTER, arg_required_else_help = true, max_term_width = 120)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of every command")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that people type")]
pub(crate) struct Global {
    /// Which environment; the only one that is deployed if left out
    #[arg(
        short,
        long,
        global = true,
        env = "LENDPEAK2_ENVIRONMENT",
        hide_env_values = true,
        value_name = "NAME"
    )]
    pub(crate) environment: Option<String>,
    /// A profile of the AWS CLI; else the AWS CLI's own order of variables and files
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The AWS region; else the AWS CLI's own order
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// Another address for every call, as of a sandbox
    #[arg(long, global = true, env = "AWS_ENDPOINT_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Write the function's answer as JSON, and nothing else
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Write the answer alone
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Write no colours; as `NO_COLOR` does
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// Do not wait until a change has settled
    #[arg(long, global = true)]
    pub(crate) no_wait: bool,
    /// How long to wait, as in 90s or 10m [default: 10m; for a restore 4h]
    #[arg(long, global = true, value_name = "SPAN", value_parser = time::span)]
    pub(crate) timeout: Option<Duration>,
}

impl Global {
    /// A variable that is set to nothing is not set.
    #[must_use]
    pub(crate) fn or_unset(self) -> Self {
        let given = |value: Option<String>| value.filter(|value| !value.is_empty());
        Self { environment: given(self.environment), endpoint_url: given(self.endpoint_url), ..self }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Health(health::Options),
    Diagnose(diagnose::Options),
    Rollback(rollback::Options),
    Scale(scale::Options),
    Restart(restart::Options),
    Freeze(freeze::Options),
    Invalidate(invalidate::Options),
    Restore(restore::Options),
    Incident(incident::Options),
    Status(status::Options),
    /// List the plans that wait for approval
    Plans,
    Approve(approve::Options),
    Reject(reject::Options),
    Stop(stop::Options),
    Start(start::Options),
    History(history::Options),
    Events(events::Options),
    Logs(logs::Options),
    Doctor(doctor::Options),
    Completion(completion::Options),
    Man(man::Options),
    /// Say which version this is
    Version,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, error::ErrorKind};

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does() {
        for command in Arguments::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }

    #[track_caller]
    fn wrong(line: &str, expected: ErrorKind) {
        let error = Arguments::try_parse_from(line.split(' ')).unwrap_err();
        assert_eq!(error.kind(), expected, "{line}");
    }

    #[test]
    fn what_is_half_said_is_refused_before_anything_is_called() {
        wrong("lendpeak2 scale", ErrorKind::MissingRequiredArgument);
        wrong("lendpeak2 scale many", ErrorKind::ValueValidation);
        wrong("lendpeak2 scale +0", ErrorKind::ValueValidation);
        wrong("lendpeak2 freeze perhaps", ErrorKind::InvalidValue);
        wrong("lendpeak2 approve", ErrorKind::MissingRequiredArgument);
        wrong("lendpeak2 restart --override", ErrorKind::MissingRequiredArgument);
        wrong("lendpeak2 health --timeout soon", ErrorKind::ValueValidation);
        wrong("lendpeak2 status set api", ErrorKind::MissingRequiredArgument);
        wrong("lendpeak2 stop", ErrorKind::MissingRequiredArgument);
        wrong("lendpeak2 history --function backend", ErrorKind::InvalidValue);
    }

    #[test]
    fn the_lines_of_the_guides_scripts_are_understood() {
        for line in [
            "lendpeak2 -e production health",
            "lendpeak2 -e production rollback previous",
            "lendpeak2 incident open --severity high --title API_Response_Time_Degraded --assignee oncall@lendpeak.com",
            "lendpeak2 status set --component api --status degraded --message Investigating",
            "lendpeak2 status set api degraded Investigating",
        ] {
            assert!(Arguments::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }
}

//! What can be typed. Each command's own arguments are with the command.

use clap::{Parser, Subcommand};

use crate::{
    commands::{
        approve, completion, diagnose, doctor, drill, events, freeze, health, history, incident, init,
        invalidate, logs, maintenance, man, params, reject, report, restart, restore, rollback, scale, start,
        status, stop,
    },
    global::Global,
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
    Maintenance(maintenance::Options),
    /// List the plans that wait for approval
    Plans,
    Approve(approve::Options),
    Reject(reject::Options),
    Stop(stop::Options),
    Start(start::Options),
    History(history::Options),
    Report(report::Options),
    Events(events::Options),
    Logs(logs::Options),
    Doctor(doctor::Options),
    Drill(drill::Options),
    Init(init::Options),
    Params(params::Options),
    /// Serve an agent by the Model Context Protocol: it looks, and asks people
    Mcp,
    Completion(completion::Options),
    Man(man::Options),
    /// Say which version this is
    Version,
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

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
        wrong("lendpeak2 init --check --write", ErrorKind::ArgumentConflict);
        wrong("lendpeak2 params", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
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

    /// The commands in a document: lines of a block, which are whole, and what stands between backticks.
    fn documented(text: &str) -> impl Iterator<Item = (bool, &str)> {
        let (mut in_block, mut found) = (false, Vec::new());
        for line in text.lines() {
            if line.starts_with("```") {
                in_block = !in_block;
            } else if in_block {
                found.push((true, line.split_once(" # ").map_or(line, |(command, _)| command)));
            } else {
                found.extend(line.split('`').skip(1).step_by(2).map(|line| (false, line)));
            }
        }
        found.into_iter().filter(|(_, line)| line.starts_with("lendpeak2 "))
    }

    #[test]
    fn every_command_in_the_documents_is_understood() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut tried = 0;
        for folder in [".", "docs", "docs/functions"] {
            for entry in fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_none_or(|extension| extension != "md") {
                    continue;
                }
                for (is_whole, line) in documented(&fs::read_to_string(&path).unwrap()) {
                    let words = shlex::split(line).unwrap_or_else(|| panic!("{}: {line}", path.display()));
                    let words = words.into_iter().take_while(|word| word != ">" && word != "|");
                    let Err(error) = Arguments::try_parse_from(words) else {
                        tried += 1;
                        continue;
                    };
                    // A sentence may name a command alone.
                    let unknown = [ErrorKind::UnknownArgument, ErrorKind::InvalidSubcommand];
                    let is_mention = !is_whole && !unknown.contains(&error.kind());
                    assert!(is_mention, "{}: {line}\n{error}", path.display());
                }
            }
        }
        assert!(tried > 40, "{tried} commands");
    }
}

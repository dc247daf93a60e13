//! The options of every command.

use std::time::Duration;

use clap::Args;

use crate::time;

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

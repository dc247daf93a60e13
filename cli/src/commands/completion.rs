//! `lendpeak2 completion`

use clap::{Args, Command};
use clap_complete::Shell;

use crate::{exit::Exit, screen::Screen};

/// Write what a shell needs to complete commands
///
/// For bash: `lendpeak2 completion bash > /etc/bash_completion.d/lendpeak2`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

/// `program` is all that can be typed.
pub(crate) fn run(options: &Options, mut program: Command, screen: &Screen) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut program, "lendpeak2", &mut script);
    screen.answer(&String::from_utf8_lossy(&script));
    Exit::Done
}

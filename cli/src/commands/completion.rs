//! `lendpeak2 completion`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{args::Arguments, exit::Exit, screen::Screen};

/// Write what a shell needs to complete commands
///
/// For bash: `lendpeak2 completion bash > /etc/bash_completion.d/lendpeak2`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(options: &Options, screen: &Screen) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "lendpeak2", &mut script);
    screen.answer(&String::from_utf8_lossy(&script));
    Exit::Done
}

//! `lendpeak2 man`

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::{exit::Exit, failure::Failure, screen::Screen};

/// Write the manual
///
/// To read it: `lendpeak2 man | man -l -`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// `program` is all that can be typed.
pub(crate) fn run(options: &Options, program: Command, screen: &Screen) -> Result<Exit, Failure> {
    let here = |source| Failure::Here { what: "cannot write the manual".to_owned(), source };
    if let Some(folder) = &options.dir {
        std::fs::create_dir_all(folder).map_err(here)?;
        clap_mangen::generate_to(program, folder).map_err(here)?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    Man::new(program).render(&mut page).map_err(here)?;
    screen.answer(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}

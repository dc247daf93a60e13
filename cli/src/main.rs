//! `lendpeak2`: what to type at 3 a.m.

use std::process::ExitCode;

fn main() -> ExitCode {
    lendpeak2::main()
}

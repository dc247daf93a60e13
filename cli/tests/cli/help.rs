//! What needs no AWS: help, and what the command line itself refuses.

#[test]
fn help_says_what_every_command_takes() {
    trycmd::TestCases::new().env("COLUMNS", "100").case("tests/cmd/help/*.trycmd");
}

//! `docs/scale.md`, as the program writes it.

mod limits;
mod month;
mod played;

use std::fmt::Write;

use crate::{assumptions::Assumptions, quota, stack::Stack, usage};

/// The whole document. The same assumptions are the same text.
pub fn write(assumed: &Assumptions) -> String {
    let stack = Stack::read();
    let usage = usage::of_a_service(&stack, assumed);
    let played = played::Played::play(assumed.an_account());
    let standing = quota::standing(&stack, played.runs_at_once());
    [
        "# What it costs, and where it ends\n".to_owned(),
        "`make scale` wrote this file: `tools/scale` counts what one deployment of `template.yaml` uses, prices it, and \
         plays accounts full of them in a simulation. A test fails where this file is not what the program writes.\n"
            .to_owned(),
        month::answer(&usage, assumed, &standing, &played),
        month::bill(&usage, usage::of_a_page(&stack), assumed),
        month::largest(&usage, assumed),
        limits::standing(&standing, assumed, &stack, played.runs_at_once()),
        limits::rates(&played),
        played::outcome(&played),
        month::assumptions(assumed),
        month::prices(),
        month::provenance(&stack),
    ]
    .join("\n")
}

/// A table of Markdown.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "| {} |", head.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(head.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

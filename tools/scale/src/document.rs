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
        month::bill(&usage, assumed),
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

/// With the thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A quantity without its fraction.
pub(crate) fn grouped_number(quantity: f64) -> String {
    grouped(format!("{quantity:.0}").parse().unwrap_or_default())
}

/// Cents matter below a thousand dollars.
fn dollars(amount: f64) -> String {
    if amount < 1_000.0 { format!("${amount:.2}") } else { format!("${}", grouped_number(amount)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_read_them() {
        assert_eq!(dollars(0.004), "$0.00");
        assert_eq!(dollars(24.096), "$24.10");
        assert_eq!(dollars(24_096.4), "$24,096");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
    }
}

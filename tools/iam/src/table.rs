//! The report as people read it.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::check::{Function, Report, Row};

impl Report {
    /// Every function's actions, in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for function in &self.functions {
            table(&mut text, function);
        }
        text
    }

    /// The document around the tables.
    pub fn document(&self) -> String {
        let by = self.functions.iter().flat_map(|function| &function.rows).flat_map(|row| &row.by);
        let by: BTreeSet<&str> = by.map(String::as_str).collect();
        format!(
            "# What the functions may do, and what they did\n\n\
             Written by `make iam`, from the record of the calls that the functions made in the tests and programs {}.\n\n\
             Each call was allowed by the function's role in `template.yaml`, on the very resource that it named; each \
             action that a role allows was called at least once. Broader than needed is what names more than one \
             resource although AWS's service authorization reference lets the action name one: the reason is the \
             template's.\n\n{}{}.\n",
            by.into_iter().collect::<Vec<_>>().join(", "),
            self.markdown(),
            self.summary(),
        )
    }

    /// One line.
    pub fn summary(&self) -> String {
        let calls: usize = self.functions.iter().map(|function| function.calls).sum();
        let actions: usize = self.functions.iter().map(|function| function.rows.len()).sum();
        let broad = self.functions.iter().flat_map(|function| &function.rows);
        let broad = broad.filter(|row| row.broader.is_some()).count();
        let count = self.functions.len();
        match self.violations.len() {
            0 => format!(
                "{count} functions made {calls} calls, and the roles allow every one; all {actions} actions that the \
                 roles allow are used, {broad} of them on more than a name, each for a reason"
            ),
            wrong => {
                format!("{wrong} things are wrong with the roles of {count} functions, by {calls} calls")
            }
        }
    }
}

fn table(text: &mut String, function: &Function) {
    // Writing into a text cannot fail.
    let _ = writeln!(text, "## {}\n", function.task);
    let _ = writeln!(text, "| Action | On | Allowed by | Calls | In | Broader than needed? |");
    let _ = writeln!(text, "| --- | --- | --- | ---: | --- | --- |");
    for row in &function.rows {
        let Row { action, sid, times, .. } = row;
        let (on, by) = (resources(row), tests(row));
        let _ = writeln!(text, "| `{action}` | {on} | {sid} | {times} | {by} | {} |", broader(row));
    }
    text.push('\n');
}

/// A pattern in place of what it matched, which often has an id that is another in every run.
fn resources(row: &Row) -> String {
    let used = row.resources.iter().map(|(pattern, called)| match called.len() {
        many @ 2.. => format!("`{pattern}` ({many})"),
        _ => format!("`{pattern}`"),
    });
    let used = used.collect::<Vec<_>>().join(", ");
    if row.partitions.is_empty() {
        return used;
    }
    let partitions = row.partitions.iter().map(|partition| format!("`{partition}`"));
    format!("{used}, of {}", partitions.collect::<Vec<_>>().join(", "))
}

fn tests(row: &Row) -> String {
    match row.exempt {
        Some(reason) => reason.to_owned(),
        None => row.by.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn broader(row: &Row) -> String {
    match &row.broader {
        None => "no".to_owned(),
        Some((patterns, reason)) => {
            let patterns: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
            let reason = if reason.is_empty() { "NO REASON GIVEN" } else { reason };
            format!("{}: {}", patterns.join(", "), reason.replace('|', "\\|"))
        }
    }
}

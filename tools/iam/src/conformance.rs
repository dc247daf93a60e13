//! What was asked of AWS and what the sandbox answered, beside what AWS has published of its APIs. The gateway compares
//! each call as it comes (`gateway/api`); here is what that came to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sandbox::calls::Recorded;

/// What is not compared.
const NOT_COMPARED: [(&str, &str); 1] =
    [("lambda Invoke", "a request and an answer of our own functions, as one body")];

/// What is said otherwise than AWS would, on purpose: operation, the beginning of the problem, and why.
const EXEMPT: [(&str, &str, &str); 1] = [(
    "ecs DescribeTaskDefinition",
    "taskDefinition.newerThanUs is not known",
    "what a function does with a field that it does not know is tried with one that there is not",
)];

/// What came of all calls.
#[derive(Debug, Default)]
pub struct Report {
    operations: BTreeMap<String, Row>,
}

#[derive(Debug, Default)]
struct Row {
    requests: usize,
    answers: usize,
    not_compared: usize,
    problems: BTreeSet<String>,
}

impl Report {
    pub fn of(calls: &[Recorded]) -> Self {
        let mut operations: BTreeMap<String, Row> = BTreeMap::new();
        for call in calls {
            let name = format!("{} {}", call.service, call.operation);
            let row = operations.entry(name.clone()).or_default();
            row.requests += usize::from(call.asked.is_some());
            row.answers += usize::from(call.said.is_some());
            row.not_compared += usize::from(call.asked.is_none());
            let asked = call.asked.iter().flatten().map(|problem| ("asked", problem));
            let said = call.said.iter().flatten().map(|problem| ("answered", problem));
            let problems = asked.chain(said).filter(|(_, problem)| !is_exempt(&name, problem));
            row.problems.extend(problems.map(|(who, problem)| format!("{who}: {problem} ({})", call.by)));
        }
        Self { operations }
    }

    /// What AWS would have refused, or not have answered.
    pub fn differences(&self) -> Vec<String> {
        let unknown =
            self.operations.iter().filter(|(name, row)| row.not_compared > 0 && why_not(name).is_none());
        let unknown = unknown.map(|(name, _)| format!("{name} is in no model"));
        let problems = self
            .operations
            .iter()
            .flat_map(|(name, row)| row.problems.iter().map(move |problem| format!("{name} {problem}")));
        unknown.chain(problems).collect()
    }

    pub fn summary(&self) -> String {
        let (requests, answers) = self
            .operations
            .values()
            .fold((0, 0), |(requests, answers), row| (requests + row.requests, answers + row.answers));
        format!(
            "{} operations, {requests} requests and {answers} answers compared with AWS's models, {} differences",
            self.operations.len(),
            self.differences().len()
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| operation | requests | answers | |\n|---|---|---|---|")?;
        for (name, row) in &self.operations {
            let why = why_not(name).map(|why| format!("not compared: {why}")).unwrap_or_default();
            writeln!(f, "| {name} | {} | {} | {why} |", row.requests, row.answers)?;
        }
        Ok(())
    }
}

fn why_not(name: &str) -> Option<&'static str> {
    NOT_COMPARED.iter().find(|(operation, _)| *operation == name).map(|(_, why)| *why)
}

fn is_exempt(name: &str, problem: &str) -> bool {
    EXEMPT.iter().any(|(operation, begins, _)| *operation == name && problem.starts_with(begins))
}

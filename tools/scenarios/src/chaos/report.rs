//! How many points were tried, and which failed.

use std::fmt;
use std::time::Duration;

use super::point::{Piece, Point};
use super::storm::Storm;
use crate::scenario::Scenario;

#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
    pub(super) took: Duration,
}

#[derive(Debug)]
struct Row {
    piece: Piece,
    calls: usize,
    points: usize,
    failed: Vec<(Point, Vec<String>)>,
}

impl Report {
    pub(super) fn add(&mut self, piece: Piece, calls: usize, tried: Vec<(Point, Vec<String>)>) {
        let points = tried.len();
        let failed = tried.into_iter().filter(|(_, wrong)| !wrong.is_empty()).collect();
        self.rows.push(Row { piece, calls, points, failed });
    }

    pub fn points(&self) -> usize {
        self.rows.iter().map(|row| row.points).sum()
    }

    /// Each point that failed.
    pub fn failed(&self) -> Vec<&Point> {
        self.rows.iter().flat_map(|row| row.failed.iter().map(|(point, _)| point)).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { piece, calls, points, failed } in &self.rows {
            writeln!(
                f,
                "{:<32} {calls:>4} calls {points:>5} points {:>4} failed",
                piece.name(),
                failed.len()
            )?;
        }
        for (point, wrong) in self.rows.iter().flat_map(|row| &row.failed) {
            writeln!(f, "\n{point}")?;
            for wrong in wrong {
                writeln!(f, "    {wrong}")?;
            }
            writeln!(f, "    again: make chaos POINT='{point}'")?;
        }
        let took = self.took.as_secs();
        write!(
            f,
            "\n{} points tried, {} failed, in {} min {} s",
            self.points(),
            self.failed().len(),
            took / 60,
            took % 60
        )
    }
}

/// A storm, and what was wrong after it.
pub type Blown = (&'static Scenario, Storm, Vec<String>);

/// What came of a storm, in a line.
pub fn came_to(wrong: &[String]) -> String {
    if wrong.is_empty() { "one action".to_owned() } else { format!("FAILED: {}", wrong.join("; ")) }
}

/// The same as a document, with what was done and what had to hold.
pub fn document(report: &Report, storms: &[Blown]) -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?.get();
    let rows = report.rows.iter().map(|Row { piece, calls, points, failed }| {
        format!("| {} | {calls} | {points} | {} |", piece.name(), failed.len())
    });
    let blown = storms.iter().map(|(scenario, Storm { deliveries, at_once }, wrong)| {
        format!("| {} | {deliveries} | {at_once} | {} |", scenario.name(), came_to(wrong))
    });
    let failed =
        report.failed().iter().map(|point| format!("- `make chaos POINT=\"{point}\"`")).collect::<Vec<_>>();
    let failed = if failed.is_empty() {
        "None failed.".to_owned()
    } else {
        format!("Failed:\n\n{}", failed.join("\n"))
    };
    Ok(format!(
        "# What it does when anything goes wrong\n\n\
         `make chaos` made this file: it lets every call of every function and state machine go wrong in every way, one \
         at a time, each time in a sandbox of its own. It took {} minutes on {cores} cores.\n\n\
         | | calls | points tried | failed |\n|---|---|---|---|\n{}\n\n\
         **{} points tried, {} failed.** {failed}\n\n\
         At each call (the k-th of an operation): the process is **killed before** the call does anything; **killed \
         after** it took effect (a read has none); the call is **throttled twice**, **answered 500**, **hangs** until \
         the caller gives up, is **denied**, or its answer is **cut short** after it took effect. Then the event comes \
         again at once, and once more when no lease lasts; then the schedule, a person, and the schedule again; and \
         the person again, where nothing came of it. A state machine has its own retries, and then the schedule and a \
         person. Last comes the schedule once more, if people are still owed a notice.\n\n\
         After each point must hold, compared with the same deliveries where nothing goes wrong:\n\n\
         - the managed stack is in the same state: task count, task definition, number of deployments and of task \
         definitions, scaling bounds, invalidations, restored clusters, the secret. A state machine may also have left \
         it as it was, with people told;\n\
         - nothing was changed that is not changed then;\n\
         - no claim is open; of a function, no target is held, and what is looked after is the same;\n\
         - the ledger says *applied* if, and only if, something was done;\n\
         - of a function, every delivery is answered, but for the one that was struck; and a call that was denied is \
         told of in its answer or its log;\n\
         - of a service that is down: one incident, and people are told how it ended.\n\n\
         And, read from the calls and not from what the functions say:\n\n\
         - each change follows a claim of its target, and no other remedy's claim is between them;\n\
         - each change that took effect, and each end of a run that is news, has its notice at the topic's subscriber, \
         once; after the last delivery nothing is owed, and nobody was told of a run without a record. At most one \
         notice comes a second time, and only where the ledger could not hear that SNS had it: the answer of the \
         call that publishes was lost, or the call that notes it. Where the ledger refused the end of a run, people \
         are told of that run and of the one that records it;\n\
         - each news of an incident goes to each level once, under the same condition; what is told when nothing goes \
         wrong is told, and no other news;\n\
         - the attempts and the month's units that the ledger counts are those that were made. A change whose answer \
         was lost may count or not;\n\
         - no note speaks of what did not happen, nor stays pending: writes are noted as frozen if, and only if, what \
         runs has the variable, with the release that was found; frozen copies are noted as such; rolled back from is \
         what ran when `rollback` deployed another release; good is no broken release; the minimum was raised from \
         and to what is noted; the secret's version before the cut-over is the one that is noted; nobody has the \
         target or waits for it.\n\n\
         ## Two remedies at once\n\n\
         The second one's alarm comes while the first holds the target and is about to change it. Each of them is \
         killed before and after each of its calls. Then Lambda repeats what it had no answer to, and both have their \
         schedule until nothing is left to be done. In the end the urgent one (`rollback`, `write-freeze`) has done its \
         work; the other one has too, or what it was asked for is wanted still, or a record says why not; neither did \
         anything twice; no claim is open; and notices, budgets and notes are as above.\n\n\
         ## What people decide over the queue\n\n\
         A plan is approved by one, or by the second of two, or rejected; an incident is acknowledged; everything is \
         stopped. SQS delivers each message until it is answered, and once more. `incident` and the remedy that it calls \
         are struck at each of their calls. Then the remedy's schedule comes, and whoever decided decides again where \
         people were told that nothing came of it. In the end each message has its answer in the ledger, the one that it \
         has when nothing goes wrong; each vote is with the plan, once; the plan is decided, and the remedy was called; \
         nothing was done, recorded or told twice; and all else is as above.\n\n\
         ## Storms\n\n\
         Half of the deliveries are one event; the others are events out of their order, hours old, alarms that are \
         over, and the schedule.\n\n\
         | function | deliveries | at once | came to |\n|---|---|---|---|\n{}\n",
        report.took.as_secs() / 60,
        rows.collect::<Vec<_>>().join("\n"),
        report.points(),
        report.failed().len(),
        blown.collect::<Vec<_>>().join("\n"),
    ))
}

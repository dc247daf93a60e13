//! `lendpeak2 restore`

pub(crate) mod begin;
mod stages;
mod status;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::{Ask, Common, carry_out, show},
    runbook::Runbook,
};

/// Restore the database beside itself, and hand over
///
/// Each step waits for an approval of its own: `lendpeak2 plans` has it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List what can be restored
    List,
    /// Restore a snapshot beside the source
    Snapshot(Snapshot),
    /// Restore a point in time beside the source
    At(At),
    /// Say how a restore stands
    Status(status::Options),
    /// Go on with a restore that waits for a person
    Continue(Which),
    /// Give the restored cluster the password that is in the secret
    SetPassword(Which),
    /// Put the restored cluster to use
    CutOver(Which),
    /// Go back to the cluster from before the cut-over
    Undo(Which),
    /// Delete a restored cluster that was never put to use
    Discard(Which),
}

#[derive(Debug, Args)]
struct Snapshot {
    /// The snapshot's id, or `latest`
    #[arg(default_value = "latest")]
    id: String,
    /// The newest one before a time, as in 2026-11-20T10:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "id")]
    before: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct At {
    /// A time, as in 2026-11-20T09:59:00Z, or `latest`
    time: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Which {
    /// The restore's id, which is its cluster's name
    id: String,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: Options) -> Result<Exit, Failure> {
    let function = Function::SnapshotRestore;
    let (own, which, question) = match options.what {
        What::List => {
            let value = runbook.look(function, &json!({ "list": true })).await?;
            show(runbook, function, &value);
            return Ok(Exit::of(&crate::answer::Answer::of(&value)));
        }
        What::Snapshot(Snapshot { id, before, common }) => {
            let own = before.map_or_else(|| json!({ "snapshot": id }), |before| json!({ "before": before }));
            return begin::run(runbook, begin::ask(&own, &common)).await;
        }
        What::At(At { time, common }) => {
            let own = json!({ "point_in_time": time });
            return begin::run(runbook, begin::ask(&own, &common)).await;
        }
        What::Status(options) => return status::run(runbook, &options).await,
        What::Continue(which) => (named("continue", &which), which, "Go on?"),
        What::SetPassword(which) => (named("set_password_of", &which), which, "Set its password?"),
        What::CutOver(which) => (named("cut_over", &which), which, "Put it to use?"),
        What::Undo(which) => (named("undo", &which), which, "Go back?"),
        What::Discard(which) => (named("discard", &which), which, "Delete it?"),
    };
    carry_out(runbook, Ask::new(function, &own, &which.common, question)).await
}

fn named(field: &str, which: &Which) -> Value {
    json!({ (field): which.id })
}

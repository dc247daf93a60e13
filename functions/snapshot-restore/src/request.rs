//! What is asked of `snapshot-restore`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    error::Error,
    trigger::{Asked, Kind, Trigger},
};

use crate::{name, settings::Settings};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    pub goal: Goal,
    /// When it was asked for: the new cluster's name ends with it.
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    Restore(Wanted),
    /// What can be restored.
    List,
    /// The next step of this restore.
    Continue(String),
    /// What there is of this restore.
    Report(String),
    /// The same, asked by the state machine: it has come to a stop, which people have to hear of.
    Stopped(String),
    /// Gives this restore's cluster the secret's password.
    SetPassword(String),
    /// Points the service at this restore's cluster.
    CutOver(String),
    /// Points it back.
    Undo(String),
    /// Deletes this restore's cluster, unless it was cut over.
    Discard(String),
    /// The next step of whatever restore is under way.
    LookAfter,
    /// How the last cut-over went.
    LookAfterCutOver,
}

/// Which data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    LatestSnapshot,
    Snapshot(String),
    /// The newest snapshot that is older.
    SnapshotBefore(Timestamp),
    PointInTime(Timestamp),
    LatestPointInTime,
}

/// A person's JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    snapshot: Option<String>,
    before: Option<String>,
    point_in_time: Option<String>,
    list: Option<bool>,
    r#continue: Option<String>,
    report: Option<String>,
    /// Not just `set_password`: what follows such a name in a text is masked.
    set_password_of: Option<String>,
    cut_over: Option<String>,
    undo: Option<String>,
    discard: Option<String>,
}

const EXAMPLE: &str = "send {\"snapshot\": \"latest\"}, {\"snapshot\": \"<id>\"}, {\"before\": \"<time>\"}, \
                       {\"point_in_time\": \"<time>\"}, {\"point_in_time\": \"latest\"} or {\"list\": true}; then, \
                       with the restore's id, `continue`, `report`, `set_password_of`, `cut_over`, `undo` or \
                       `discard`";

pub(crate) fn from_trigger(trigger: &Trigger, settings: &Settings) -> Result<Vec<Request>, Error> {
    let request = |goal| Request { goal, at: trigger.at };
    match &trigger.kind {
        Kind::Schedule { .. } => Ok(vec![request(Goal::LookAfter), request(Goal::LookAfterCutOver)]),
        Kind::Person(asked) | Kind::StepFunctions { asked, .. } => {
            // A stored plan has its own request.
            if asked.decides() {
                return Ok(vec![request(Goal::List)]);
            }
            let request = by_hand(asked, trigger.at, settings)?;
            let goal = match request.goal {
                Goal::Report(id) if matches!(trigger.kind, Kind::StepFunctions { .. }) => Goal::Stopped(id),
                goal => goal,
            };
            Ok(vec![Request { goal, ..request }])
        }
        Kind::Alarm(_) | Kind::Ecs(_) | Kind::Pipeline(_) => Err(Error::InvalidRequest(
            "snapshot-restore is not woken by alarms and events: which data to go back to is for a person to say"
                .to_owned(),
        )),
    }
}

fn by_hand(asked: &Asked, at: Timestamp, settings: &Settings) -> Result<Request, Error> {
    let ByHand {
        snapshot,
        before,
        point_in_time,
        list,
        r#continue,
        report,
        set_password_of,
        cut_over,
        undo,
        discard,
    } = asked.request()?;
    let id = |field: &str, id: String| restore_id(field, id, settings);
    let goals =
        [
            snapshot.map(|wanted| parse_snapshot(wanted).map(Goal::Restore)),
            before.map(|text| time("before", &text).map(|at| Goal::Restore(Wanted::SnapshotBefore(at)))),
            point_in_time.map(|text| parse_point(&text).map(Goal::Restore)),
            list.map(|list| {
                if list { Ok(Goal::List) } else { Err(invalid(&format!("`list` is false: {EXAMPLE}"))) }
            }),
            r#continue.map(|text| id("continue", text).map(Goal::Continue)),
            report.map(|text| id("report", text).map(Goal::Report)),
            set_password_of.map(|text| id("set_password_of", text).map(Goal::SetPassword)),
            cut_over.map(|text| id("cut_over", text).map(Goal::CutOver)),
            undo.map(|text| id("undo", text).map(Goal::Undo)),
            discard.map(|text| id("discard", text).map(Goal::Discard)),
        ];
    let mut goals = goals.into_iter().flatten();
    let goal = goals.next().ok_or_else(|| invalid(&format!("nothing is asked for: {EXAMPLE}")))??;
    if goals.next().is_some() {
        return Err(invalid(&format!("more than one thing is asked for: {EXAMPLE}")));
    }
    Ok(Request { goal, at })
}

fn parse_snapshot(text: String) -> Result<Wanted, Error> {
    const MAX_LENGTH: usize = 255;
    if text == "latest" {
        return Ok(Wanted::LatestSnapshot);
    }
    let accepted = |c: char| c.is_ascii_alphanumeric() || "-:_/.".contains(c);
    if text.is_empty() || text.len() > MAX_LENGTH || !text.chars().all(accepted) {
        return Err(invalid(
            "`snapshot` must be `latest` or the id of a snapshot, as in rds:lendpeak2-production-2026-01-20-03-00",
        ));
    }
    Ok(Wanted::Snapshot(text))
}

fn parse_point(text: &str) -> Result<Wanted, Error> {
    if text == "latest" {
        return Ok(Wanted::LatestPointInTime);
    }
    time("point_in_time", text).map(Wanted::PointInTime)
}

fn time(field: &str, text: &str) -> Result<Timestamp, Error> {
    text.parse().map_err(|_| {
        invalid(&format!(
            "`{field}` is `{text}`, but must be a time with its zone, as in 2026-11-20T10:00:00Z"
        ))
    })
}

/// The id of a restore of this stack's source, which is also its cluster's name.
fn restore_id(field: &str, id: String, settings: &Settings) -> Result<String, Error> {
    if name::is_of(&settings.source, &id) {
        return Ok(id);
    }
    let example = name::of_cluster(&settings.source, Timestamp::UNIX_EPOCH);
    Err(invalid(&format!("`{field}` is `{id}`, but must be the id of a restore, as in {example}")))
}

fn invalid(problem: &str) -> Error {
    Error::InvalidRequest(problem.to_owned())
}

/// What the request would change. Each restored cluster, the source and the service are taken apart, so that a
/// question waits for nobody.
pub(crate) fn target(request: &Request, settings: &Settings) -> String {
    match &request.goal {
        Goal::Restore(_) | Goal::Continue(_) | Goal::LookAfter => settings.source_target(),
        Goal::List => format!("{}/snapshots", settings.source_target()),
        Goal::Report(id) | Goal::Stopped(id) => format!("cluster/{id}/report"),
        Goal::SetPassword(id) | Goal::Discard(id) => format!("cluster/{id}"),
        Goal::CutOver(_) | Goal::Undo(_) | Goal::LookAfterCutOver => settings.service_target(),
    }
}

#[cfg(test)]
mod tests;

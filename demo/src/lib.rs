//! The demo: something goes wrong, and the deployed functions deal with it while you watch.

mod approve;
mod report;
mod screen;
mod service_down;
mod status_page;
mod story;
mod watch;
mod words;

use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ValueEnum;
use drills::Drill;
use sandbox::clients::Clients;
use sandbox::{Options, Sandbox};

pub use screen::Detail;
use screen::{Mark, Screen};
use story::{BadRelease, Corruption, Diagnose, LoadSpike, StaleFrontEnd, Story};
use watch::Watch;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// More work than two tasks can do: scale-up.
    LoadSpike,
    /// A release that answers 500: rollback.
    BadRelease,
    /// A new front end that CloudFront does not show: cache-invalidation.
    StaleFrontEnd,
    /// Data that was corrupted: write-freeze and snapshot-restore.
    Corruption,
    /// A bad release among a lot of noise: a person asks diagnose, and does what it says.
    Diagnose,
    /// A bad release in mode approve: a person is told, and types lendpeak2 approve.
    Approve,
    /// An outage and maintenance, as customers read of them.
    StatusPage,
    /// All of these, one after the other.
    All,
}

/// What to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    Named(Name),
    /// The whole loop: one drill of a service that is down, or each of them.
    ServiceDown(Option<Drill>),
}

impl FromStr for Show {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == SERVICE_DOWN {
            return Ok(Self::ServiceDown(None));
        }
        let drill = text.strip_prefix(SERVICE_DOWN).and_then(|rest| Drill::named(rest.strip_prefix('/')?));
        if let Some(drill) = drill {
            return Ok(Self::ServiceDown(Some(drill)));
        }
        Name::from_str(text, false).map(Self::Named).map_err(|_| {
            let names = Name::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            let names = names.map(|name| name.get_name().to_owned());
            let drills = Drill::ALL.iter().map(|drill| format!("{SERVICE_DOWN}/{}", drill.name()));
            let all: Vec<String> = names.chain([SERVICE_DOWN.to_owned()]).chain(drills).collect();
            format!("there are {}", all.join(", "))
        })
    }
}

/// How far the functions may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// They act.
    Auto,
    /// They say what they would do.
    Observe,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Observe => "observe",
        }
    }
}

const SERVICE_DOWN: &str = "service-down";
const POLL: Duration = Duration::from_millis(250);
/// Alarm, remedy and alarm again take a minute; the probe's schedule may take a minute and a half.
const LIMIT: Duration = Duration::from_mins(4);

/// Runs the demo. `program` is `lendpeak2`, for a person to type. An error means that the end state was not reached.
pub async fn run(shown: Show, mode: Mode, detail: Detail, program: &Path) -> anyhow::Result<()> {
    let name = match shown {
        Show::Named(name) => name,
        Show::ServiceDown(drill) => {
            for drill in drill.map_or_else(|| Drill::ALL.to_vec(), |drill| vec![drill]) {
                service_down::show(drill, mode, detail).await.context(drill.name())?;
            }
            return Ok(());
        }
    };
    if matches!(name, Name::LoadSpike | Name::All) {
        show(&LoadSpike, mode, detail).await.context("load-spike")?;
    }
    if matches!(name, Name::BadRelease | Name::All) {
        show(&BadRelease, mode, detail).await.context("bad-release")?;
    }
    if matches!(name, Name::StaleFrontEnd | Name::All) {
        show(&StaleFrontEnd, mode, detail).await.context("stale-front-end")?;
    }
    if matches!(name, Name::Corruption | Name::All) {
        show(&Corruption::default(), mode, detail).await.context("corruption")?;
    }
    if matches!(name, Name::Diagnose | Name::All) {
        show(&Diagnose::default(), mode, detail).await.context("diagnose")?;
    }
    if matches!(name, Name::Approve | Name::All) {
        approve::show(program, detail).await.context("approve")?;
    }
    if matches!(name, Name::StatusPage | Name::All) {
        status_page::show(detail).await.context("status-page")?;
    }
    Ok(())
}

async fn show<S: Story>(story: &S, mode: Mode, detail: Detail) -> anyhow::Result<()> {
    let screen = Screen::new(detail);
    let mode_name = mode.name();
    screen.title(&format!("{}: LendPeak2 in a local AWS, the functions in mode {mode_name}", S::NAME));
    let options = Options {
        mode: mode_name.to_owned(),
        metrics: S::METRICS,
        task_start_time: S::TASK_START_TIME,
        ..Options::default()
    };
    screen.line(Mark::Info, "sandbox", "starting a local AWS, LendPeak2 and template.yaml in it");
    let sandbox = Sandbox::start(options).await?;
    screen.line(Mark::Good, "sandbox", &format!("ready at {}", sandbox.gateway.url()));
    let clients = Clients::new(&sandbox.gateway.url(), "demo")?;
    story.prepare(&sandbox).await?;
    let mut watch = Watch::new(&sandbox, &clients, &screen, S::FUNCTION.name);
    until(&mut watch, |watch| story.is_quiet(watch)).await.context("no quiet start")?;
    let before = story.facts(&watch);

    screen.restart();
    story.go_wrong(&watch).await?;
    until(&mut watch, |watch| story.is_wrong(watch)).await.context("nothing went wrong")?;
    let worst = story.facts(&watch);
    story.respond(&mut watch, mode).await?;
    let reached = match mode {
        Mode::Auto => solved(story, &mut watch).await,
        Mode::Observe => {
            until(&mut watch, |watch| watch.decided("observed")).await.context("nothing was observed")
        }
    };
    let after = story.facts(&watch);

    report::table(&screen, &before, &worst, &after);
    if let Some(outcome) = watch.outcome().filter(|_| detail.record) {
        screen.title("The audit record in the ledger");
        Screen::print(&serde_json::to_string_pretty(outcome)?);
    }
    reached?;
    match mode {
        Mode::Auto => screen.title(&story.lesson(&before, &after)),
        Mode::Observe => {
            let writes = report::writes_outside_the_ledger(&sandbox.gateway.record().by(S::FUNCTION.name));
            if !writes.is_empty() {
                bail!("observe mode changed something: {}", writes.join(", "));
            }
            screen.title(&format!(
                "Nothing was changed: {} wrote its audit record and nothing else.",
                S::FUNCTION.name
            ));
        }
    }
    Ok(())
}

/// The whole way in auto mode: the remedy acts, and all is well again.
async fn solved<S: Story>(story: &S, watch: &mut Watch<'_>) -> anyhow::Result<()> {
    until(watch, |watch| watch.decided("applied"))
        .await
        .with_context(|| format!("{} did not act", S::FUNCTION.name))?;
    until(watch, |watch| story.is_well(watch)).await.context("it is not well again")?;
    if S::SHOWS_PROBE {
        if watch.probes == 0 {
            watch.screen.line(
                Mark::Info,
                "health-probe",
                "waiting for its next run (its schedule: every minute)",
            );
        }
        until(watch, |watch| watch.probes > 0 && story.is_well(watch))
            .await
            .context("the probe did not run by its schedule")?;
    }
    Ok(())
}

async fn until(watch: &mut Watch<'_>, reached: impl Fn(&Watch<'_>) -> bool) -> anyhow::Result<()> {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        watch.look().await?;
        if reached(watch) {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("not within {LIMIT:?}")
}

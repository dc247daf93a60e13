//! The whole loop: an alarm, an incident, the state machine, and what people hear of it.

use std::time::Duration;

use anyhow::ensure;
use drills::{Drill, Ended, Event, Played};

use super::Mode;
use super::screen::{Detail, Mark, Screen};
use super::watch::short;
use super::words::call_words;

/// The states in which it only looks whether it is better.
const LOOKING: [&str; 3] = ["Wait", "Probe", "Healthy"];

/// Plays a drill for a person to watch. An error means that it did not end as it should.
pub(super) async fn show(drill: Drill, mode: Mode, detail: Detail) -> anyhow::Result<()> {
    let (screen, mode_name) = (Screen::new(detail), mode.name());
    screen.title(&format!(
        "service-down/{}: {}; the functions in mode {mode_name}",
        drill.name(),
        drill.title()
    ));
    screen.line(Mark::Info, "sandbox", "starting a local AWS, LendPeak2 and template.yaml in it");
    let mut teller = Teller::new(&screen, drill);
    let played = drills::play(drill, mode_name, &mut |event| teller.tell(event)).await?;
    screen.title("The incident, as {\"show\": …} tells it");
    screen.say(&played.report);
    screen.title(&summary(&played));
    match mode {
        Mode::Auto => {
            let faults = played.faults();
            ensure!(faults.is_empty(), "it was to go otherwise: {}", faults.join("; "));
        }
        Mode::Observe => {
            let changed = played.changed_by.join(", ");
            ensure!(changed.is_empty(), "observe mode changed something: {changed}");
            screen.say("Nothing was changed. Where something is to be done, the notice has the JSON for it.");
        }
    }
    Ok(())
}

/// Tells what is seen, a line each.
pub(super) struct Teller<'a> {
    screen: &'a Screen,
    drill: Drill,
    was_looking: bool,
}

impl<'a> Teller<'a> {
    pub(super) fn new(screen: &'a Screen, drill: Drill) -> Self {
        Self { screen, drill, was_looking: false }
    }

    pub(super) fn tell(&mut self, event: &Event) {
        let looking = is_looking(event);
        if !(looking && self.was_looking) {
            tell(self.screen, self.drill, event);
        }
        self.was_looking = looking;
    }
}

fn is_looking(event: &Event) -> bool {
    matches!(event, Event::Entered(states) if states.iter().all(|state| LOOKING.contains(&state.as_str())))
}

fn tell(screen: &Screen, drill: Drill, event: &Event) {
    match event {
        Event::Ready(url) => screen.line(Mark::Good, "sandbox", &format!("ready at {url}; the probe passes")),
        Event::WentWrong => {
            screen.restart();
            screen.line(Mark::Bad, "LendPeak2", drill.title());
        }
        Event::Probed { healthy, summary } => {
            screen.line(if *healthy { Mark::Good } else { Mark::Bad }, "health-probe", &short(summary));
        }
        Event::Opened(id) => screen.line(Mark::Bad, "incident", &format!("{id} is open")),
        Event::Entered(states) => screen.line(Mark::Info, "service-down", &states.join(" → ")),
        Event::Line { by, what } => screen.line(Mark::Reads, by, &short(what)),
        Event::Changed(call) => screen.call(Mark::Writes, &call.caller, &call_words(call)),
        Event::Told(notice) if notice.word().is_some() || notice.asks() => {
            screen.line(Mark::Info, "notice", &format!("to level {}: {}", notice.level, notice.subject));
            for line in notice.text.lines() {
                screen.say(&format!("            │ {line}"));
            }
        }
        Event::Told(notice) => {
            let what = format!("to level {}, beside the incident: {}", notice.level, notice.subject);
            screen.line(Mark::Info, "notice", &short(&what));
        }
    }
}

pub(super) fn summary(played: &Played) -> String {
    let cause = played.first_cause.as_deref().unwrap_or("nothing found");
    let by = match played.changed_by.as_slice() {
        [] => "nothing was changed".to_owned(),
        functions => format!("{} acted", functions.join(", ")),
    };
    let end = match played.ended {
        Ended::Resolved => "resolved".to_owned(),
        Ended::Escalated { level } => format!("escalated to level {level}"),
        Ended::Open => "still open".to_owned(),
    };
    let after = |what: &str, time: Option<Duration>| {
        time.map(|time| format!(", {what} {:.1} s after the first failing probe", time.as_secs_f64()))
    };
    let times = [after("acted", played.until_action()), after("well again", played.until_recovery())]
        .into_iter()
        .flatten();
    let times: String = times.collect();
    format!("{}: {cause}; {by}; {end}{times}; {} AWS calls.", played.drill.name(), played.calls)
}

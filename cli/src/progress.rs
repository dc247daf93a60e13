//! What is going on while one waits: in place on a terminal, a line for each change elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{screen::Screen, time};

const TICK: Duration = Duration::from_millis(120);

pub(crate) struct Progress<'a> {
    screen: &'a Screen,
    bar: ProgressBar,
    last: String,
}

impl<'a> Progress<'a> {
    /// With nothing to count.
    pub(crate) fn spinner(screen: &'a Screen, what: &str) -> Self {
        let progress = Self::new(screen, ProgressBar::no_length(), "{spinner} {msg} ({elapsed})");
        progress.bar.set_message(what.to_owned());
        progress.bar.enable_steady_tick(TICK);
        progress
    }

    /// Over a number of stages.
    pub(crate) fn stages(screen: &'a Screen, stages: u64) -> Self {
        let progress = Self::new(screen, ProgressBar::new(stages), "{bar:24} {pos}/{len} {msg} ({elapsed})");
        progress.bar.enable_steady_tick(TICK);
        progress
    }

    fn new(screen: &'a Screen, bar: ProgressBar, template: &str) -> Self {
        // Hidden without a terminal, too.
        let target =
            if screen.is_quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        bar.set_draw_target(target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("█▒░"));
        }
        Self { screen, bar, last: String::new() }
    }

    /// How it stands now.
    pub(crate) fn say(&mut self, what: &str) {
        if self.last == what {
            return;
        }
        what.clone_into(&mut self.last);
        if self.bar.is_hidden() {
            self.screen.note(&format!("{} {what}", time::of_day(time::now())));
        } else {
            self.bar.set_message(what.to_owned());
        }
    }

    pub(crate) fn reach(&mut self, stage: u64, what: &str) {
        self.bar.set_position(stage);
        self.say(what);
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

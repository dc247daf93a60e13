//! The notices to level 1 about what customers read.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    clock,
    notice::{Facts, Kind, Step},
    settings::function_name,
    text::line,
};

use crate::{FUNCTION, incident::Incident, status::maintenance::Window};

/// Customers were promised a word, and the time for it is nearly up.
pub fn promised(environment: &str, incident: &Incident, by: Timestamp) -> Facts {
    let by = clock::readable(by);
    let who = incident.assignee.as_deref().map_or(String::new(), |who| format!("{}: ", line(who, 60)));
    let id = &incident.id;
    let request = json!({ "note": id, "text": "...", "public": true, "by": "<your name>" });
    Facts {
        opening: format!("{who}customers were promised more about {id} by {by}."),
        lines: vec![
            "Say what is known, or that the work goes on. The status page shows it as you type it."
                .to_owned(),
        ],
        steps: vec![
            Step::new(format!("lendpeak2 incident note {id} --public \"...\"")),
            Step::new("Without the program,").send(function_name(environment, FUNCTION), request),
        ],
        ..Facts::new(environment, FUNCTION, Kind::Other, format!("customers wait for a word by {by}"))
    }
}

/// Work was announced, ended or called off: colleagues need not wonder what is going on.
pub fn maintenance(environment: &str, verb: &str, window: &Window, now: Timestamp) -> Facts {
    let subject = format!("maintenance {verb}: {}", window.title.as_str());
    let mut facts = Facts {
        opening: format!("Maintenance is {verb}: {}.", window.in_words(now)),
        ..Facts::new(environment, FUNCTION, Kind::Other, subject)
    };
    if window.ended_at.is_none() {
        let rule = "While it lasts, alarms of its components open no incident. One that still fires at its end does.";
        facts.lines = vec![rule.to_owned()];
        facts.steps = vec![Step::new(format!("To end it: lendpeak2 maintenance end {}", window.id.as_str()))];
    }
    facts
}

//! What the buttons of a chat read from a notice: Amazon Q's custom actions, which `template.yaml` makes.
//!
//! A button's command has variables, in place of which Amazon Q puts what a notice says, as text. So nothing may be in it
//! that would be another argument, and a notice whose ids have such letters has no buttons.

use std::collections::BTreeMap;

use super::{
    chat::MAX_NAME,
    facts::{Facts, Kind},
};
use crate::{settings::function_name, text};

/// The alias of `incident` that only shows.
pub const LOOK: &str = "look";
const INCIDENT: &str = "incident";
/// Of an id in a command: longer than any that a function draws.
const MAX_ID: usize = 100;
/// Of a queue's address.
const MAX_ADDRESS: usize = 300;

/// What people are asked to decide.
struct Asked<'a> {
    /// Where it is decided.
    queue: &'a str,
    plan: Option<&'a str>,
    incident: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// None where nothing waits for anybody, or where no button can say what.
    fn of(facts: &'a Facts) -> Option<Self> {
        let queue = facts.approvals_queue.as_deref().filter(|queue| is_address(queue))?;
        if facts.kind == Kind::Resolved || !is_id(&facts.environment) {
            return None;
        }
        let [plan, incident] = [&facts.plan, &facts.incident].map(|id| id.as_deref().filter(|id| is_id(id)));
        (plan.is_some() || incident.is_some()).then_some(Self { queue, plan, incident })
    }

    /// By this, a button is shown or not.
    fn what(&self) -> &'static str {
        if self.plan.is_some() { "approve" } else { "acknowledge" }
    }
}

/// Whether a notice has buttons.
pub(super) fn waits(facts: &Facts) -> bool {
    Asked::of(facts).is_some()
}

/// What a notice is about, and what its buttons send. Every value is a text.
pub(super) fn context(facts: &Facts) -> BTreeMap<&'static str, String> {
    let name = |text: &str| text::line(text, MAX_NAME);
    let mut context = BTreeMap::from([
        ("Environment", name(&facts.environment)),
        ("Function", name(&facts.function_name())),
    ]);
    context.extend(facts.incident.iter().map(|id| ("Incident", name(id))));
    context.extend(facts.plan.iter().map(|id| ("Plan", name(id))));
    let asked = Asked::of(facts);
    context.insert("Do", asked.as_ref().map_or("read", Asked::what).to_owned());
    let Some(Asked { queue, plan, incident }) = asked else {
        return context;
    };
    context.insert("Q", queue.to_owned());
    if let Some(plan) = plan {
        context.insert("Yes", format!("approve:{plan}"));
        context.insert("No", format!("reject:{plan}"));
    }
    if let Some(incident) = incident {
        context.insert("Have", format!("acknowledge:{incident}"));
        context.insert("F", format!("{}:{LOOK}", function_name(&facts.environment, INCIDENT)));
    }
    context
}

fn is_id(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= MAX_ID && text.chars().all(is_letter)
}

/// Of SQS. The sandbox has no TLS.
fn is_address(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    let host = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    host.is_some_and(|host| !host.is_empty()) && text.len() <= MAX_ADDRESS && text.chars().all(is_letter)
}

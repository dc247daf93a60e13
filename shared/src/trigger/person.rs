//! A person's JSON, and a Step Functions task's, which says the same things in an envelope.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{Here, Kind, Origin, Trigger, mistake};
use crate::{clock, error::Error, invocation::Invocation, text};

/// What was asked for. The fields that every function takes are read here; the rest is the function's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field that people send")]
pub struct Asked {
    /// Look and decide, but change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Answer with all that was observed and decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verbose: bool,
    /// The id of a stored plan to carry out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<String>,
    /// The id of a stored plan to reject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject: Option<String>,
    /// Why, in the person's words; kept in the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether cooldown and budget are known, and no reason to wait.
    #[serde(default, rename = "override", skip_serializing_if = "std::ops::Not::not")]
    pub overrides: bool,
    /// Whether the plan waits for a person's approval, whatever the mode is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ask: bool,
    /// Who asks, where `by` is a number of the function's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<String>,
    /// Who decides about a plan.
    #[serde(default, skip)]
    pub by: Option<String>,
    /// Whether AWS itself said who decides.
    #[serde(default, skip)]
    pub verified: bool,
    #[serde(default, flatten)]
    pub request: Map<String, Value>,
}

impl Asked {
    /// Whether it approves or rejects a stored plan, which has its own request.
    pub fn decides(&self) -> bool {
        self.approve.is_some() || self.reject.is_some()
    }

    /// Who asks, as they say it themselves.
    pub fn asker(&self) -> Option<String> {
        let by = || self.request.get(BY).and_then(Value::as_str).filter(|by| is_a_name(by));
        let asker = self.asked_by.as_deref().or_else(by)?;
        Some(text::line(asker, text::PERSON)).filter(|asker| !asker.is_empty())
    }

    /// Who decides about a plan, and whether that is certain.
    pub fn decider(&self) -> Option<String> {
        let by = self.by.as_deref().filter(|by| !by.trim().is_empty())?;
        Some(if self.verified { by.to_owned() } else { format!("{by} (not verified)") })
    }

    /// A remedy's own request. Unknown fields are for its type to refuse.
    pub fn request<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut request = self.request.clone();
        if request.get(BY).and_then(Value::as_str).is_some_and(is_a_name) {
            request.remove(BY);
        }
        read(request, &[OF_ALL, OF_REMEDIES].concat())
    }

    /// The request of a function that makes no plans: nothing is approved or rejected there, and there is no cooldown.
    pub fn request_without_plan<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let invalid = |problem: &str| Err(Error::InvalidRequest(problem.to_owned()));
        if self.decides() {
            return invalid("there is nothing to approve or reject here: send it to the function that asked");
        }
        if self.overrides {
            return invalid("there is nothing to override here: this function has no cooldown and no budget");
        }
        if self.ask {
            return invalid("there is nothing to ask about here: this function makes no plans");
        }
        read(self.request.clone(), OF_ALL)
    }
}

/// The fields of [`Asked`] that every function takes, and those that only a remedy does.
const OF_ALL: &[&str] = &["reason", "dry_run", "verbose"];
const OF_REMEDIES: &[&str] = &["approve", "reject", "override", "ask", BY, "asked_by"];
/// The field that says who asks or decides.
const BY: &str = "by";

/// A number in quotes was meant to be one.
fn is_a_name(by: &str) -> bool {
    by.trim().parse::<f64>().is_err()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    step_functions: State,
    #[serde(default)]
    request: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    execution: String,
    state: String,
}

pub(super) fn parse(object: Map<String, Value>, invocation: &Invocation) -> Result<Trigger, Error> {
    let at = clock::now();
    let origin = Origin { here: Here::of_arn(&invocation.function_arn), ..Origin::default() };
    if object.contains_key("step_functions") {
        let task: Task = read(object, &[])?;
        let State { execution, state } = task.step_functions;
        return Ok(Trigger {
            id: format!("{execution}/{state}"),
            at,
            origin,
            kind: Kind::StepFunctions { execution, state, asked: asked(task.request)? },
        });
    }
    // A script that has no id sends null for it, and means no other request.
    if let Some((field, _)) = object.iter().find(|(_, value)| value.is_null()) {
        return Err(Error::InvalidRequest(format!("`{field}` is null: give it a value, or leave it out")));
    }
    Ok(Trigger { id: invocation.request_id.clone(), at, kind: Kind::Person(asked(object)?), origin })
}

fn asked(object: Map<String, Value>) -> Result<Asked, Error> {
    let mut asked: Asked = read(object, &[])?;
    let invalid = |problem: String| Err(Error::InvalidRequest(problem));
    let is_blank = |text: &Option<String>| text.as_deref().is_some_and(|text| text.trim().is_empty());
    let by = asked.request.get(BY).and_then(Value::as_str);
    for (field, said) in
        [("reason", asked.reason.as_deref()), (BY, by), ("asked_by", asked.asked_by.as_deref())]
    {
        let length = said.map_or(0, |said| said.chars().count());
        if length > text::PERSON {
            return invalid(format!(
                "`{field}` has {length} characters, but may have {} at most: say it shorter",
                text::PERSON
            ));
        }
    }
    if is_blank(&asked.approve) {
        return invalid("`approve` is empty: send the id of the plan".to_owned());
    }
    if is_blank(&asked.reject) {
        return invalid("`reject` is empty: send the id of the plan".to_owned());
    }
    if asked.overrides && asked.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        return invalid("`override` needs a `reason`, which is recorded and told to everybody".to_owned());
    }
    if !asked.decides() {
        return Ok(asked);
    }
    if asked.ask || asked.asked_by.is_some() {
        return invalid(
            "who decides about a plan asks for nothing: leave out `ask` and `asked_by`".to_owned(),
        );
    }
    if asked.approve.is_some() && asked.reject.is_some() {
        return invalid("a plan is approved or rejected: send one of `approve` and `reject`".to_owned());
    }
    // Elsewhere, `by` is the function's own.
    asked.by = match asked.request.remove(BY) {
        None => None,
        Some(Value::String(by)) => Some(by),
        Some(_) => {
            return invalid("`by` beside an approval is the name of whoever decides, as text".to_owned());
        }
    };
    if !asked.request.is_empty() {
        let extra: Vec<&str> = asked.request.keys().map(String::as_str).collect();
        return invalid(format!(
            "an approval carries out the stored plan as it is; send `{}` without {}",
            if asked.approve.is_some() { "approve" } else { "reject" },
            extra.join(", ")
        ));
    }
    Ok(asked)
}

/// An object as a type. An error names the field, and where that is unknown, the ones that are known: the type's and
/// these.
fn read<T: DeserializeOwned>(object: Map<String, Value>, also: &[&str]) -> Result<T, Error> {
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        let path = error.path().to_string();
        Error::InvalidRequest(mistake::words(&path, &error.inner().to_string(), also))
    })
}

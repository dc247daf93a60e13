//! The environment, parsed once and strictly: unset means the safe default, mistyped means that the
//! function refuses to start and names the variable.

use std::{collections::BTreeMap, fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("the environment variable {name} is not set")]
    Missing { name: &'static str },
    #[error("the environment variable {name} is `{value}`, but must be {wanted}")]
    Invalid { name: &'static str, value: String, wanted: String },
}

/// The variables a process was started with.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    pub fn of_process() -> Self {
        // Not `vars()`: that panics on a variable that is not UTF-8.
        Self(
            std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A variable's text; one that is empty counts as unset.
    pub fn optional(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    pub fn text(&self, name: &'static str) -> Result<String, SettingsError> {
        self.optional(name).map(str::to_owned).ok_or(SettingsError::Missing { name })
    }

    pub fn text_or(&self, name: &'static str, default: &str) -> String {
        self.optional(name).unwrap_or(default).to_owned()
    }

    /// A comma-separated list with at least one entry.
    pub fn list(&self, name: &'static str) -> Result<Vec<String>, SettingsError> {
        let text = self.text(name)?;
        let entries: Vec<String> = text.split(',').map(|entry| entry.trim().to_owned()).collect();
        if entries.iter().any(String::is_empty) {
            return Err(invalid(name, &text, "names separated by commas, none of them empty"));
        }
        Ok(entries)
    }

    /// A value of any type that parses from text.
    pub fn parsed<T>(&self, name: &'static str, default: T) -> Result<T, SettingsError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.optional(name).map_or(Ok(default), |text| {
            text.parse().map_err(|error: T::Err| invalid(name, text, &error.to_string()))
        })
    }

    /// A number within bounds.
    pub fn number<T>(
        &self,
        name: &'static str,
        default: T,
        bounds: RangeInclusive<T>,
    ) -> Result<T, SettingsError>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let Some(text) = self.optional(name) else {
            return Ok(default);
        };
        text.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
            invalid(name, text, &format!("a whole number from {} to {}", bounds.start(), bounds.end()))
        })
    }

    /// A span of whole seconds within bounds.
    pub fn seconds(
        &self,
        name: &'static str,
        default: u64,
        bounds: RangeInclusive<u64>,
    ) -> Result<Duration, SettingsError> {
        self.number(name, default, bounds).map(Duration::from_secs)
    }
}

pub fn invalid(name: &'static str, value: &str, wanted: &str) -> SettingsError {
    SettingsError::Invalid { name, value: value.to_owned(), wanted: wanted.to_owned() }
}

/// How far a function may go. Unset is `observe`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Refuses everything.
    Off,
    /// Says what it would do.
    Observe,
    /// Asks a person first.
    Approve,
    /// Acts.
    Auto,
}

impl Mode {
    /// Whether it lets anything be changed, at least once a person has approved it.
    pub fn may_act(self) -> bool {
        matches!(self, Self::Approve | Self::Auto)
    }

    /// As in a setting.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Observe => "observe",
            Self::Approve => "approve",
            Self::Auto => "auto",
        }
    }
}

impl FromStr for Mode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "observe" => Ok(Self::Observe),
            "approve" => Ok(Self::Approve),
            "auto" => Ok(Self::Auto),
            _ => Err("off, observe, approve or auto"),
        }
    }
}

/// What a function of this environment is called in Lambda, from its short name. A full name stays as it is.
pub fn function_name(environment: &str, task: &str) -> String {
    let prefix = format!("lendpeak2-{environment}-");
    if task.starts_with(&prefix) { task.to_owned() } else { format!("{prefix}{task}") }
}

/// The variable with the address of the queue that takes what people decide.
pub const APPROVALS_QUEUE_URL: &str = "APPROVALS_QUEUE_URL";

/// What every remedy reads from its environment.
#[derive(Debug, Clone)]
pub struct Policy {
    pub environment: String,
    /// The names of all functions of the runbook: a kill switch of another name stops all.
    pub functions: Vec<String>,
    pub mode: Mode,
    pub ledger_table: String,
    pub notice_topic_arn: Option<String>,
    /// Where a notice goes if the first topic fails or has no subscriber.
    pub level_topic_arns: Vec<String>,
    /// The queue that takes what people decide. Without it, a chat has no buttons.
    pub approvals_queue: Option<String>,
    /// After an action, the target is left alone for this long.
    pub cooldown: Duration,
    /// Actions on one target in any 24 hours.
    pub attempts_per_day: usize,
    pub approval_lifetime: Duration,
    /// Whether a plan is decided about only by people whom AWS itself names: over the queue of approvals.
    pub named_approvers: bool,
    /// An older event is refused: what it saw may be long over.
    pub max_event_age: Duration,
    /// How long a run waits to see its action take effect.
    pub verify: Duration,
}

impl Policy {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        const DAY_SECONDS: u64 = 86_400;
        Ok(Self {
            environment: environment.text("ENVIRONMENT")?,
            functions: match environment.optional("RUNBOOK_FUNCTIONS") {
                Some(_) => environment.list("RUNBOOK_FUNCTIONS")?,
                None => Vec::new(),
            },
            mode: environment.parsed("MODE", Mode::Observe)?,
            ledger_table: environment.text("LEDGER_TABLE")?,
            notice_topic_arn: environment.optional("NOTICE_TOPIC_ARN").map(str::to_owned),
            level_topic_arns: ["LEVEL_2_TOPIC_ARN", "LEVEL_3_TOPIC_ARN"]
                .into_iter()
                .filter_map(|name| environment.optional(name).map(str::to_owned))
                .collect(),
            approvals_queue: environment.optional(APPROVALS_QUEUE_URL).map(str::to_owned),
            cooldown: environment.seconds("COOLDOWN_SECONDS", 600, 0..=DAY_SECONDS)?,
            attempts_per_day: environment.number("ATTEMPTS_PER_DAY", 6, 1..=100)?,
            approval_lifetime: environment.seconds("APPROVAL_SECONDS", 1_800, 60..=DAY_SECONDS)?,
            named_approvers: environment.parsed("NAMED_APPROVERS", false)?,
            max_event_age: environment.seconds("MAX_EVENT_AGE_SECONDS", 900, 60..=DAY_SECONDS)?,
            verify: environment.seconds("VERIFY_SECONDS", 20, 0..=600)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(pairs: &[(&str, &str)]) -> Result<Policy, SettingsError> {
        let needed = [("ENVIRONMENT", "production"), ("LEDGER_TABLE", "ledger")];
        Policy::from_environment(&Environment::from_pairs(needed.into_iter().chain(pairs.iter().copied())))
    }

    fn refuses(pairs: &[(&str, &str)], message: &str) {
        assert_eq!(policy(pairs).unwrap_err().to_string(), message);
    }

    #[test]
    fn an_unset_or_empty_mode_only_observes() {
        assert_eq!(policy(&[]).unwrap().mode, Mode::Observe);
        assert_eq!(policy(&[("MODE", "")]).unwrap().mode, Mode::Observe);
    }

    #[test]
    fn a_mistyped_setting_is_named() {
        refuses(
            &[("MODE", "Auto")],
            "the environment variable MODE is `Auto`, but must be off, observe, approve or auto",
        );
        refuses(
            &[("COOLDOWN_SECONDS", "10m")],
            "the environment variable COOLDOWN_SECONDS is `10m`, but must be a whole number from 0 to 86400",
        );
        refuses(
            &[("ATTEMPTS_PER_DAY", "0")],
            "the environment variable ATTEMPTS_PER_DAY is `0`, but must be a whole number from 1 to 100",
        );
    }

    #[test]
    fn a_missing_setting_is_named() {
        let error = Policy::from_environment(&Environment::default()).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable ENVIRONMENT is not set");
    }

    #[test]
    fn a_list_has_no_empty_entry() {
        let environment = Environment::from_pairs([("LOAD_ALARMS", "cpu, memory"), ("BAD", "a,,b")]);
        assert_eq!(environment.list("LOAD_ALARMS").unwrap(), ["cpu", "memory"]);
        assert!(environment.list("BAD").unwrap_err().to_string().contains("BAD"));
    }
}

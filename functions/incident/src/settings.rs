//! Who gets notices, how long each level has to acknowledge, and which remedies may be used.

use std::{collections::BTreeMap, time::Duration};

use shared::settings::{APPROVALS_QUEUE_URL, Environment, Mode, SettingsError, invalid};

const HOUR_SECONDS: u64 = 3_600;

#[derive(Debug, Clone)]
pub struct Settings {
    pub environment: String,
    pub ledger_table: String,
    /// The topics of the guide's support levels 1 to 3.
    pub topics: [String; 3],
    /// Where a pager listens; none where there is no pager.
    pub pager_topic: Option<String>,
    /// The queue that takes what people decide. Without it, a chat has no buttons.
    pub approvals_queue: Option<String>,
    /// How long levels 1 and 2 have to acknowledge before the next level is told.
    pub acknowledge_within: [Duration; 2],
    /// How long the state machine may work on an incident.
    pub max_handling: Duration,
    /// The alarms that mean that users are not served. Each of them starts the state machine.
    pub service_down_alarms: Vec<String>,
    /// The one of these alarms that makes an incident critical.
    pub critical_alarm: Option<String>,
    /// The state machine for incidents of cause `service-down`. Without it, people handle them.
    pub state_machine: Option<String>,
    /// The remedies that the state machine may choose from, and how far each may go.
    pub remedies: BTreeMap<String, Mode>,
    /// The functions whose audit records belong to an incident's timeline.
    pub functions: Vec<String>,
    /// All functions that a kill switch may name. If this is empty, each kill switch stops all of them.
    pub runbook: Vec<String>,
    /// Whether incidents are written to OpsCenter too.
    pub ops_items: bool,
}

impl Settings {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        let optional = |name| environment.optional(name).map(str::to_owned);
        let list = |name| environment.optional(name).map_or(Ok(Vec::new()), |_| environment.list(name));
        let level_1 = environment.text("NOTICE_TOPIC_ARN")?;
        // Where a level has no topic, its notices go to the level below.
        let level_2 = environment.text_or("LEVEL_2_TOPIC_ARN", &level_1);
        let level_3 = environment.text_or("LEVEL_3_TOPIC_ARN", &level_2);
        let limits = 60..=24 * HOUR_SECONDS;
        Ok(Self {
            environment: environment.text("ENVIRONMENT")?,
            ledger_table: environment.text("LEDGER_TABLE")?,
            topics: [level_1, level_2, level_3],
            pager_topic: optional("PAGER_TOPIC_ARN"),
            approvals_queue: optional(APPROVALS_QUEUE_URL),
            acknowledge_within: [
                environment.seconds("LEVEL_1_ACKNOWLEDGE_SECONDS", 900, limits.clone())?,
                environment.seconds("LEVEL_2_ACKNOWLEDGE_SECONDS", 1_800, limits.clone())?,
            ],
            max_handling: environment.seconds("HANDLING_SECONDS", 2 * HOUR_SECONDS, limits)?,
            service_down_alarms: list("SERVICE_DOWN_ALARMS")?,
            critical_alarm: optional("CRITICAL_ALARM"),
            state_machine: optional("STATE_MACHINE_ARN"),
            remedies: remedies(environment)?,
            functions: list("FUNCTIONS")?,
            runbook: list("RUNBOOK_FUNCTIONS")?,
            ops_items: environment.parsed("OPS_ITEMS", false)?,
        })
    }

    /// A function's name in the console, by its task.
    pub fn function_name(&self, task: &str) -> String {
        format!("lendpeak2-{}-{task}", self.environment)
    }
}

/// As in `rollback=auto,scale-up=observe`.
fn remedies(environment: &Environment) -> Result<BTreeMap<String, Mode>, SettingsError> {
    const NAME: &str = "REMEDIES";
    let Some(text) = environment.optional(NAME) else {
        return Ok(BTreeMap::new());
    };
    let remedy = |entry: String| {
        let parsed = entry.split_once('=').and_then(|(function, mode)| {
            (!function.is_empty()).then_some(())?;
            Some((function.to_owned(), mode.parse().ok()?))
        });
        parsed.ok_or_else(|| {
            invalid(NAME, text, "functions with their modes, as in rollback=auto,scale-up=observe")
        })
    };
    environment.list(NAME)?.into_iter().map(remedy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: [(&str, &str); 3] =
        [("ENVIRONMENT", "production"), ("LEDGER_TABLE", "ledger"), ("NOTICE_TOPIC_ARN", "one")];

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let pairs = NEEDED.into_iter().chain(pairs.iter().copied());
        Settings::from_environment(&Environment::from_pairs(pairs))
    }

    #[track_caller]
    fn refuses(pair: (&str, &str), words: &str) {
        let error = settings(&[pair]).unwrap_err().to_string();
        assert!(error.contains(pair.0) && error.contains(words), "{error}");
    }

    #[test]
    fn unset_is_safe_no_remedy_no_machine_no_ops_item() {
        let settings = settings(&[]).unwrap();
        assert_eq!((settings.pager_topic, settings.approvals_queue), (None, None));
        assert!(settings.remedies.is_empty() && settings.state_machine.is_none() && !settings.ops_items);
        assert_eq!(settings.topics, ["one", "one", "one"]);
        assert_eq!(settings.acknowledge_within.map(|within| within.as_secs()), [900, 1_800]);
    }

    #[test]
    fn without_a_topic_for_level_3_its_notices_go_to_level_2() {
        assert_eq!(settings(&[("LEVEL_2_TOPIC_ARN", "two")]).unwrap().topics, ["one", "two", "two"]);
    }

    #[test]
    fn each_remedy_has_a_mode() {
        let settings = settings(&[("REMEDIES", "rollback=auto, scale-up=observe")]).unwrap();
        let expected = [("rollback".to_owned(), Mode::Auto), ("scale-up".to_owned(), Mode::Observe)].into();
        assert_eq!(settings.remedies, expected);
        refuses(("REMEDIES", "rollback"), "rollback=auto");
        refuses(("REMEDIES", "rollback=always"), "rollback=auto");
        refuses(("REMEDIES", "=auto"), "rollback=auto");
    }

    #[test]
    fn a_mistyped_setting_is_named() {
        refuses(("OPS_ITEMS", "yes"), "`yes`");
        refuses(("LEVEL_1_ACKNOWLEDGE_SECONDS", "15m"), "from 60 to 86400");
        refuses(("LEVEL_2_ACKNOWLEDGE_SECONDS", "5"), "from 60 to 86400");
        refuses(("SERVICE_DOWN_ALARMS", "a,,b"), "none of them empty");
    }
}

//! Who gets notices, how long each level has to acknowledge, and which remedies may be used.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::SignedDuration;
use shared::settings::{APPROVALS_QUEUE_URL, Environment, Mode, SettingsError, invalid};
use status_page::Public;

use crate::status::components::Components;

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
    pub approvals: Approvals,
    /// What customers know the service by.
    pub components: Components,
    /// Where customers read how it is. Without it, nobody is told outside.
    pub page: Option<StatusPage>,
}

/// The status page: where it is, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPage {
    pub bucket: String,
    pub name: Public,
    /// Without a slash at the end.
    pub url: String,
    /// An incident becomes public by itself after this long.
    pub publish_after: SignedDuration,
}

/// Who decides about the remedies' plans over the queue of approvals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvals {
    /// How many people have to approve, where one is not enough.
    pub minimum: BTreeMap<String, usize>,
    /// The remedies whose plans are not approved by who asked for them.
    pub not_by_who_asked: BTreeSet<String>,
    /// Whether a session without a person's name may not decide.
    pub named: bool,
}

impl Approvals {
    pub fn minimum(&self, function: &str) -> usize {
        self.minimum.get(function).copied().unwrap_or(1)
    }
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
        let functions = list("FUNCTIONS")?;
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
            approvals: approvals(environment, &functions)?,
            functions,
            runbook: list("RUNBOOK_FUNCTIONS")?,
            ops_items: environment.parsed("OPS_ITEMS", false)?,
            components: Components::from_environment(environment)?,
            page: page(environment)?,
        })
    }

    /// A function's name in the console, by its task.
    pub fn function_name(&self, task: &str) -> String {
        format!("lendpeak2-{}-{task}", self.environment)
    }
}

fn page(environment: &Environment) -> Result<Option<StatusPage>, SettingsError> {
    const NAME: &str = "STATUS_PAGE_NAME";
    let Some(bucket) = environment.optional("STATUS_PAGE_BUCKET") else {
        return Ok(None);
    };
    let name = environment.text_or(NAME, "LendPeak");
    let after = environment.seconds("PUBLISH_AFTER_SECONDS", 180, 0..=HOUR_SECONDS)?;
    Ok(Some(StatusPage {
        bucket: bucket.to_owned(),
        name: Public::typed(&name).ok_or_else(|| invalid(NAME, &name, "the name that customers know"))?,
        url: environment.text_or("STATUS_PAGE_URL", "").trim_end_matches('/').to_owned(),
        publish_after: SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX),
    }))
}

/// Who approves: of remedies alone, so that a mistyped name is no rule that is never used.
fn approvals(environment: &Environment, functions: &[String]) -> Result<Approvals, SettingsError> {
    const MINIMUM: &str = "MINIMUM_APPROVALS";
    const NOT_BY_WHO_ASKED: &str = "NOT_BY_WHO_ASKED";
    /// More people than one finds in half an hour.
    const MOST: usize = 5;
    let is_known = |function: &str| functions.iter().any(|known| known == function);
    let list = |name| environment.optional(name).map_or(Ok(Vec::new()), |_| environment.list(name));
    let minimum = |entry: String| {
        let parsed = entry.split_once('=').and_then(|(function, number)| {
            let number = number.parse().ok().filter(|number| (1..=MOST).contains(number))?;
            is_known(function).then(|| (function.to_owned(), number))
        });
        let wanted = "remedies with a number from 1 to 5, as in snapshot-restore=2";
        parsed.ok_or_else(|| invalid(MINIMUM, environment.optional(MINIMUM).unwrap_or_default(), wanted))
    };
    let not_by_who_asked: BTreeSet<String> = list(NOT_BY_WHO_ASKED)?.into_iter().collect();
    if let Some(unknown) = not_by_who_asked.iter().find(|function| !is_known(function)) {
        return Err(invalid(NOT_BY_WHO_ASKED, unknown, "remedies, as in snapshot-restore,rollback"));
    }
    Ok(Approvals {
        minimum: list(MINIMUM)?.into_iter().map(minimum).collect::<Result<_, _>>()?,
        not_by_who_asked,
        named: environment.parsed("NAMED_APPROVERS", false)?,
    })
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
    fn who_approves_is_said_by_remedy() {
        let functions = ("FUNCTIONS", "restart,snapshot-restore");
        let set = |pair| settings(&[functions, pair]).map(|settings| settings.approvals);
        assert_eq!(set(("NAMED_APPROVERS", "false")).unwrap(), Approvals::default());
        let two = set(("MINIMUM_APPROVALS", "snapshot-restore=2")).unwrap();
        assert_eq!([two.minimum("snapshot-restore"), two.minimum("restart")], [2, 1]);
        let not_by_who_asked = set(("NOT_BY_WHO_ASKED", "restart")).unwrap().not_by_who_asked;
        assert_eq!(not_by_who_asked, ["restart".to_owned()].into());
        for pair in [
            ("MINIMUM_APPROVALS", "snapshot-restore"),
            ("MINIMUM_APPROVALS", "snapshot-restore=0"),
            ("MINIMUM_APPROVALS", "snapshot-restore=6"),
            ("MINIMUM_APPROVALS", "restore=2"),
            ("NOT_BY_WHO_ASKED", "restore"),
            ("NAMED_APPROVERS", "yes"),
        ] {
            assert!(set(pair).is_err_and(|error| error.to_string().contains(pair.0)), "{pair:?}");
        }
    }

    #[test]
    fn a_mistyped_setting_is_named() {
        refuses(("OPS_ITEMS", "yes"), "`yes`");
        refuses(("LEVEL_1_ACKNOWLEDGE_SECONDS", "15m"), "from 60 to 86400");
        refuses(("LEVEL_2_ACKNOWLEDGE_SECONDS", "5"), "from 60 to 86400");
        refuses(("SERVICE_DOWN_ALARMS", "a,,b"), "none of them empty");
    }
}

//! The components of the status page.

use shared::settings::{Environment, SettingsError, invalid};
use status_page::{Id, Public};

const NAME: &str = "COMPONENTS";
const DEFAULT: &str = "API=health,health-db,health-redis,cors;Website=page,asset";
const WANTED: &str =
    "names with the probe's checks, as in API=health,health-db,health-redis,cors;Website=page,asset";
/// More do not fit on a page that people read in a hurry.
const MOST: usize = 20;
/// The checks of the probe, and whether each is about the front end.
const CHECKS: [(&str, bool); 6] = [
    ("health", false),
    ("health-db", false),
    ("health-redis", false),
    ("cors", false),
    ("page", true),
    ("asset", true),
];

/// A part of the service that customers know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    pub id: Id,
    pub name: Public,
    pub group: Option<Public>,
    /// The probe's checks that say how it is. Without one, only people do.
    pub checks: Vec<String>,
}

impl Component {
    fn has(&self, front_end: bool) -> bool {
        CHECKS
            .iter()
            .any(|(name, is_front)| *is_front == front_end && self.checks.iter().any(|own| own == name))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Components(Vec<Component>);

impl Components {
    /// As in `API=health,cors;Website=page`; with groups, as in `Loans/API=health;Loans/Website=page`.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        let text = environment.text_or(NAME, DEFAULT);
        Self::read(&text).ok_or_else(|| invalid(NAME, &text, WANTED))
    }

    fn read(text: &str) -> Option<Self> {
        let components: Vec<Component> = text.split(';').map(component).collect::<Option<_>>()?;
        let ids: std::collections::BTreeSet<&Id> = components.iter().map(|component| &component.id).collect();
        (ids.len() == components.len() && components.len() <= MOST).then_some(Self(components))
    }

    pub fn all(&self) -> &[Component] {
        &self.0
    }

    /// The component that a person means, by its name or its id.
    pub fn named(&self, name: &str) -> Option<&Component> {
        let id = Id::of(name)?;
        self.0.iter().find(|component| component.id == id)
    }

    /// The names, for an answer that lists them.
    pub fn names(&self) -> String {
        self.0.iter().map(|component| component.id.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The components that an alarm is about, by its name without the stack's prefix. `failed` are the checks that failed
    /// in the probe's last minute. Of an alarm that belongs to none, all of them.
    pub fn of_alarm(&self, alarm: &str, failed: &[String]) -> Vec<&Id> {
        /// What the template calls them.
        const PROBE: [&str; 2] = ["probe-failing", "service-down"];
        const FRONT_END: &str = "cloudfront-";
        const BACKEND: [&str; 3] = ["ecs-", "alb-", "no-healthy-target"];
        let those = |is_meant: &dyn Fn(&Component) -> bool| -> Vec<&Id> {
            self.0.iter().filter(|component| is_meant(component)).map(|component| &component.id).collect()
        };
        let found = if PROBE.contains(&alarm) {
            those(&|component| component.checks.iter().any(|check| failed.contains(check)))
        } else if alarm.starts_with(FRONT_END) {
            those(&|component| component.has(true))
        } else if BACKEND.iter().any(|prefix| alarm.starts_with(prefix)) {
            those(&|component| component.has(false))
        } else {
            Vec::new()
        };
        if found.is_empty() { those(&|_| true) } else { found }
    }
}

fn component(text: &str) -> Option<Component> {
    let (name, checks) = text.split_once('=')?;
    let (group, name) = match name.split_once('/') {
        Some((group, name)) => (Some(Public::typed(group)?), name),
        None => (None, name),
    };
    let checks: Vec<String> =
        checks.split(',').map(str::trim).filter(|check| !check.is_empty()).map(str::to_owned).collect();
    let are_known = checks.iter().all(|check| CHECKS.iter().any(|(name, _)| name == check));
    are_known.then_some(())?;
    Some(Component { id: Id::of(name)?, name: Public::typed(name)?, group, checks })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Components {
        Components::read(text).unwrap()
    }

    fn ids(components: &[&Id]) -> Vec<String> {
        components.iter().map(|id| id.as_str().to_owned()).collect()
    }

    #[test]
    fn components_have_names_groups_and_checks() {
        let components = read("Loans/API = health, cors ;Payments=");
        let [api, payments] = components.all() else { panic!("{components:?}") };
        assert_eq!((api.id.as_str(), api.name.as_str()), ("api", "API"));
        assert_eq!(api.group.as_ref().map(Public::as_str), Some("Loans"));
        assert_eq!(api.checks, ["health", "cors"]);
        assert!(payments.checks.is_empty(), "of Payments only people say how it is");
        assert_eq!(components.named("API").map(|found| &found.id), Some(&api.id));
        assert_eq!(components.named("Log-in"), None);
    }

    #[test]
    fn what_is_mistyped_is_refused() {
        for text in ["", "API", "API=healthy", "=health", "API=health;api=page", "API=health;", "日本=health"]
        {
            assert_eq!(Components::read(text), None, "{text}");
        }
    }

    #[track_caller]
    fn check(alarm: &str, failed: &[&str], expected: &[&str]) {
        let failed: Vec<String> = failed.iter().map(|&check| check.to_owned()).collect();
        assert_eq!(ids(&read(DEFAULT).of_alarm(alarm, &failed)), expected, "{alarm}");
    }

    #[test]
    fn an_alarm_is_about_the_components_that_it_watches() {
        check("cloudfront-4xx-rate", &[], &["website"]);
        check("alb-5xx-rate", &["page"], &["api"]);
        check("probe-failing", &["asset"], &["website"]);
        check("service-down", &["health", "page"], &["api", "website"]);
        // Nobody knows what it watches.
        check("queue-is-full", &["asset"], &["api", "website"]);
        check("probe-failing", &[], &["api", "website"]);
    }
}

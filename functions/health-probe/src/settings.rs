//! The probe's settings, parsed once and strictly.

use std::time::Duration;

use shared::settings::{Environment, SettingsError};
use url::Url;

use crate::certificate::Limits;

/// How long the probe waits before its second and third try. A restarting task is often back within the
/// first; the second outlasts a load balancer's change of targets.
const WAITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// More tries would not fit into a run.
pub const MAX_TRIES: u32 = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// As in `production`: a dimension of every metric.
    pub environment: String,
    pub api: Url,
    pub app: Url,
    pub asset_path: String,
    /// For one exchange, from the name's lookup to the body's end.
    pub request_timeout: Duration,
    pub tries: u32,
    /// Before the second try, the third, …; the last one serves for all further ones.
    pub waits: Vec<Duration>,
    pub certificate: Limits,
    /// Whether a health check counts as failed if it answers 200 and its body reports a failure.
    pub read_health_bodies: bool,
    /// The service whose release is noted as good. `None` to note none.
    pub watched: Option<Watched>,
}

impl Settings {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        let warn_days = environment.number("CERTIFICATE_WARN_DAYS", 21, 1..=365)?;
        Ok(Self {
            environment: environment.text("ENVIRONMENT")?,
            api: base(environment, "API_URL")?,
            app: base(environment, "APP_URL")?,
            asset_path: path(environment, "ASSET_PATH", "/assets/main.js")?,
            request_timeout: environment.seconds("REQUEST_TIMEOUT_SECONDS", 10, 1..=30)?,
            tries: environment.number("TRIES", 3, 1..=MAX_TRIES)?,
            waits: WAITS.to_vec(),
            certificate: Limits {
                warn_days,
                // A critical limit beyond the warning's would skip the warning.
                critical_days: environment.number(
                    "CERTIFICATE_CRITICAL_DAYS",
                    7.min(warn_days),
                    0..=warn_days,
                )?,
            },
            read_health_bodies: environment.parsed("READ_HEALTH_BODIES", true)?,
            watched: Watched::from_environment(environment)?,
        })
    }

    /// The address of `path` below `base`, which may have a path of its own.
    pub fn below(base: &Url, path: &str) -> Url {
        let mut url = base.clone();
        url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
        url
    }
}

fn base(environment: &Environment, name: &'static str) -> Result<Url, SettingsError> {
    let text = environment.text(name)?;
    let invalid = |value: &str, wanted: &str| SettingsError::Invalid {
        name,
        value: value.to_owned(),
        wanted: wanted.to_owned(),
    };
    let url = Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        .ok_or_else(|| invalid(&text, "an address such as https://api.lendpeak.com"))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not the value: it holds a password.
        return Err(invalid("…@…", "an address without a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid(&text, "an address without ? and #"));
    }
    Ok(url)
}

fn path(environment: &Environment, name: &'static str, default: &str) -> Result<String, SettingsError> {
    let path = environment.text_or(name, default);
    if path.starts_with('/') && !path.contains(['?', '#']) {
        Ok(path)
    } else {
        let wanted = "a path that begins with / and has no ? or #".to_owned();
        Err(SettingsError::Invalid { name, value: path, wanted })
    }
}

/// The service whose release is noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    pub cluster: String,
    pub service: String,
    pub ledger_table: String,
}

impl Watched {
    /// Nothing where no cluster is set: then releases are not noted.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>, SettingsError> {
        if environment.optional("CLUSTER").is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            cluster: environment.text("CLUSTER")?,
            service: environment.text("SERVICE")?,
            ledger_table: environment.text("LEDGER_TABLE")?,
        }))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const NEEDED: [(&str, &str); 3] = [
        ("ENVIRONMENT", "production"),
        ("API_URL", "https://api.lendpeak.com"),
        ("APP_URL", "https://app.lendpeak.com"),
    ];

    fn parse(pairs: &[(&'static str, &'static str)]) -> Result<Settings, SettingsError> {
        Settings::from_environment(&Environment::from_pairs(NEEDED.iter().chain(pairs).copied()))
    }

    pub(crate) fn settings() -> Settings {
        parse(&[]).unwrap()
    }

    #[test]
    fn unset_means_the_usual() {
        assert_eq!(
            settings(),
            Settings {
                environment: "production".to_owned(),
                api: Url::parse("https://api.lendpeak.com/").unwrap(),
                app: Url::parse("https://app.lendpeak.com/").unwrap(),
                asset_path: "/assets/main.js".to_owned(),
                request_timeout: Duration::from_secs(10),
                tries: 3,
                waits: vec![Duration::from_secs(2), Duration::from_secs(10)],
                certificate: Limits { warn_days: 21, critical_days: 7 },
                read_health_bodies: true,
                watched: None,
            }
        );
    }

    #[test]
    fn an_address_must_be_there() {
        let environment = Environment::from_pairs(NEEDED.into_iter().filter(|(name, _)| *name != "API_URL"));
        assert_eq!(Settings::from_environment(&environment), Err(SettingsError::Missing { name: "API_URL" }));
    }

    #[track_caller]
    fn refuses(name: &'static str, value: &'static str) {
        let error = parse(&[(name, value)]).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }

    #[test]
    fn a_mistyped_setting_is_named() {
        refuses("API_URL", "api.lendpeak.com");
        refuses("API_URL", "ftp://api.lendpeak.com");
        refuses("APP_URL", "https://app.lendpeak.com/?x=1");
        refuses("ASSET_PATH", "assets/main.js");
        refuses("ASSET_PATH", "/assets/main.js?v=2");
        refuses("REQUEST_TIMEOUT_SECONDS", "0");
        refuses("REQUEST_TIMEOUT_SECONDS", "10s");
        refuses("TRIES", "0");
        refuses("TRIES", "-1");
        refuses("CERTIFICATE_WARN_DAYS", "soon");
        refuses("CERTIFICATE_CRITICAL_DAYS", "22");
        refuses("READ_HEALTH_BODIES", "no");
        let error = parse(&[("CLUSTER", "lendpeak2-production")]).unwrap_err();
        assert_eq!(error, SettingsError::Missing { name: "SERVICE" });
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let error = parse(&[("API_URL", "https://admin:hunter2@api.lendpeak.com")]).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_warning_limit_below_the_critical_default_lowers_it() {
        let limits = parse(&[("CERTIFICATE_WARN_DAYS", "5")]).unwrap().certificate;
        assert_eq!(limits, Limits { warn_days: 5, critical_days: 5 });
    }

    #[test]
    fn an_address_may_have_a_path_of_its_own() {
        let base = Url::parse("https://lendpeak.com/api/").unwrap();
        assert_eq!(Settings::below(&base, "/health").as_str(), "https://lendpeak.com/api/health");
    }
}

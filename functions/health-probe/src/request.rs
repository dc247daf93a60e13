//! What a person may ask for: some of the checks, or addresses on the configured hosts.

use serde::Deserialize;
use shared::error::Error;
use url::Url;

use crate::check::{Check, Name};
use crate::settings::{MAX_TRIES, Settings};

/// As many as an API has. With more, the answer and its log line would be too long.
const MAX_URLS: usize = 200;

/// `{}` asks for all checks.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub checks: Option<Vec<Name>>,
    pub urls: Option<Vec<String>>,
    /// How often to ask before a check has failed: 1 for a quick answer.
    pub tries: Option<u32>,
}

impl Request {
    /// How often each check is tried.
    ///
    /// # Errors
    /// A number out of range.
    pub fn tries(&self, settings: &Settings) -> Result<u32, Error> {
        match self.tries {
            None => Ok(settings.tries),
            Some(tries) if (1..=MAX_TRIES).contains(&tries) => Ok(tries),
            Some(tries) => {
                Err(invalid(format!("`tries` is {tries}, but must be a whole number from 1 to {MAX_TRIES}")))
            }
        }
    }

    /// The checks that were asked for, each once.
    ///
    /// # Errors
    /// An empty list, too long a list, or an address that is not on a configured host.
    pub fn checks(&self, settings: &Settings) -> Result<Vec<Check>, Error> {
        if self.checks.is_none() && self.urls.is_none() {
            return Ok(Name::ALL.map(|name| Check::named(name, settings)).into());
        }
        let mut names = self.checks.clone().unwrap_or_default();
        names.sort_unstable();
        names.dedup();
        let urls = self.urls.as_deref().unwrap_or_default();
        if names.is_empty() && urls.is_empty() {
            return Err(invalid(
                "nothing to check: name a check or an address, or send {} for all".to_owned(),
            ));
        }
        if urls.len() > MAX_URLS {
            return Err(invalid(format!("`urls` has {} addresses; send at most {MAX_URLS}", urls.len())));
        }
        let by_name = names.into_iter().map(|name| Ok(Check::named(name, settings)));
        let given = urls.iter().zip(1..).map(|(text, number)| {
            let url = allowed(text, settings)?;
            Ok(Check::url(number, url))
        });
        by_name.chain(given).collect()
    }
}

/// An address with the scheme, host and port of a configured one: the probe must not be a way to look
/// around in a network.
fn allowed(text: &str, settings: &Settings) -> Result<Url, Error> {
    let bases = [&settings.api, &settings.app];
    let hosts = || {
        let mut hosts = bases.map(|base| base.origin().ascii_serialization()).to_vec();
        hosts.dedup();
        hosts.join(" and ")
    };
    let url = Url::parse(text).map_err(|error| {
        invalid(format!("`urls` holds something that is not an address ({error}); send one on {}", hosts()))
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(
            "`urls` holds an address with a user name or password; send it without".to_owned(),
        ));
    }
    if !bases.iter().any(|base| base.origin() == url.origin()) {
        let origin = url.origin().ascii_serialization();
        return Err(invalid(format!("`urls` holds an address on {origin}; allowed is only {}", hosts())));
    }
    Ok(url)
}

fn invalid(message: String) -> Error {
    Error::InvalidRequest(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    fn ask(request: &str) -> Result<Vec<String>, String> {
        let request: Request = serde_json::from_str(request).map_err(|error| error.to_string())?;
        request.tries(&settings()).map_err(|error| error.to_string())?;
        let checks = request.checks(&settings()).map_err(|error| error.to_string())?;
        Ok(checks.iter().map(|check| check.id.to_string()).collect())
    }

    #[track_caller]
    fn refuses(request: &str, words: &str) {
        let message = ask(request).unwrap_err();
        assert!(message.contains(words), "{message}");
    }

    #[test]
    fn nothing_in_particular_means_all_checks() {
        let all = ["health", "health-db", "health-redis", "page", "asset", "cors"];
        assert_eq!(ask("{}").unwrap(), all);
    }

    #[test]
    fn named_checks_run_once_each() {
        assert_eq!(ask(r#"{"checks":["cors","health","cors"]}"#).unwrap(), ["health", "cors"]);
    }

    #[test]
    fn an_address_on_a_configured_host_is_checked() {
        assert_eq!(ask(r#"{"urls":["https://api.lendpeak.com/other?x=1"]}"#).unwrap(), ["url-1"]);
        assert_eq!(
            ask(r#"{"checks":["page"],"urls":["https://APP.lendpeak.com:443/a","https://api.lendpeak.com/b"]}"#)
                .unwrap(),
            ["page", "url-1", "url-2"]
        );
    }

    #[test]
    fn an_address_elsewhere_is_refused() {
        for url in [
            "https://example.com/",
            "http://169.254.169.254/latest/meta-data/",
            "http://api.lendpeak.com/",
            "https://api.lendpeak.com:8443/",
            "https://api.lendpeak.com.example.com/",
            "https://api.lendpeak.com@example.com/",
            "file:///etc/passwd",
            "data:text/plain,x",
        ] {
            refuses(&serde_json::json!({ "urls": [url] }).to_string(), "`urls` holds");
        }
    }

    #[test]
    fn a_refusal_says_what_is_allowed_and_keeps_secrets() {
        refuses(
            r#"{"urls":["https://example.com/?token=hunter2"]}"#,
            "an address on https://example.com; allowed is only https://api.lendpeak.com and https://app.lendpeak.com",
        );
        let message = ask(r#"{"urls":["https://me:hunter2@api.lendpeak.com/"]}"#).unwrap_err();
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn wrong_fields_and_types_are_named() {
        refuses(
            r#"{"check":["health"]}"#,
            "unknown field `check`, expected one of `checks`, `urls`, `tries`",
        );
        refuses(r#"{"checks":["db"]}"#, "unknown variant `db`, expected one of `health`, `health-db`");
        refuses(r#"{"checks":"health"}"#, "expected a sequence");
        refuses(r#"{"checks":[]}"#, "nothing to check");
        refuses(r#"{"checks":[],"urls":[]}"#, "nothing to check");
        refuses(r#"{"urls":["/health"]}"#, "not an address");
        let many = serde_json::json!({ "urls": vec!["https://api.lendpeak.com/"; 201] });
        refuses(&many.to_string(), "at most 200");
        refuses(r#"{"tries":0}"#, "`tries` is 0, but must be a whole number from 1 to 5");
        refuses(r#"{"tries":6}"#, "`tries` is 6");
    }
}

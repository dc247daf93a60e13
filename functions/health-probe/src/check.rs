//! What is checked, and how it is asked.

use std::fmt;

use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use http::{HeaderMap, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::http::Exchange;
use crate::settings::Settings;

/// The checks by name, as a person asks for them and as the metrics' dimension `Check` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    Health,
    HealthDb,
    HealthRedis,
    Page,
    Asset,
    Cors,
}

impl Name {
    pub const ALL: [Self; 6] =
        [Self::Health, Self::HealthDb, Self::HealthRedis, Self::Page, Self::Asset, Self::Cors];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::HealthDb => "health-db",
            Self::HealthRedis => "health-redis",
            Self::Page => "page",
            Self::Asset => "asset",
            Self::Cors => "cors",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id {
    Named(Name),
    /// An address that a person asked for: the first, the second, …
    Url(usize),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name.as_str()),
            Self::Url(number) => write!(f, "url-{number}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub id: Id,
    pub exchange: Exchange,
}

impl Check {
    pub fn named(name: Name, settings: &Settings) -> Self {
        let url = match name {
            Name::Health => Settings::below(&settings.api, "/health"),
            Name::HealthDb => Settings::below(&settings.api, "/health/db"),
            Name::HealthRedis => Settings::below(&settings.api, "/health/redis"),
            Name::Page => Settings::below(&settings.app, "/"),
            Name::Asset => Settings::below(&settings.app, &settings.asset_path),
            Name::Cors => Settings::below(&settings.api, "/api/auth/login"),
        };
        let exchange = match name {
            Name::Health | Name::HealthDb | Name::HealthRedis => {
                Exchange { reads_verdict: settings.read_health_bodies, ..get(url) }
            }
            Name::Page | Name::Asset => get(url),
            Name::Cors => preflight(url, &settings.app),
        };
        Self { id: Id::Named(name), exchange }
    }

    pub fn url(number: usize, url: Url) -> Self {
        Self { id: Id::Url(number), exchange: get(url) }
    }
}

fn get(url: Url) -> Exchange {
    Exchange { method: Method::GET, url, headers: HeaderMap::new(), reads_verdict: false }
}

/// What a browser asks before the front end's login.
fn preflight(url: Url, app: &Url) -> Exchange {
    let mut headers = HeaderMap::new();
    if let Ok(origin) = HeaderValue::from_str(&app.origin().ascii_serialization()) {
        headers.insert(ORIGIN, origin);
    }
    headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
    headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("content-type"));
    Exchange { method: Method::OPTIONS, url, headers, reads_verdict: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    #[track_caller]
    fn check(name: Name, method: Method, url: &str) {
        let check = Check::named(name, &settings());
        assert_eq!((check.exchange.method, check.exchange.url.as_str()), (method, url));
        assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
    }

    #[test]
    fn each_check_has_its_address() {
        check(Name::Health, Method::GET, "https://api.lendpeak.com/health");
        check(Name::HealthDb, Method::GET, "https://api.lendpeak.com/health/db");
        check(Name::HealthRedis, Method::GET, "https://api.lendpeak.com/health/redis");
        check(Name::Page, Method::GET, "https://app.lendpeak.com/");
        check(Name::Asset, Method::GET, "https://app.lendpeak.com/assets/main.js");
        check(Name::Cors, Method::OPTIONS, "https://api.lendpeak.com/api/auth/login");
    }

    #[test]
    fn only_of_a_health_check_is_the_body_read() {
        let reads = |settings: &Settings| {
            Name::ALL
                .into_iter()
                .filter(|name| Check::named(*name, settings).exchange.reads_verdict)
                .collect()
        };
        let mut settings = settings();
        let all: Vec<Name> = reads(&settings);
        assert_eq!(all, [Name::Health, Name::HealthDb, Name::HealthRedis]);
        settings.read_health_bodies = false;
        assert_eq!(reads(&settings), []);
    }

    #[test]
    fn the_preflight_asks_what_a_browser_asks() {
        let headers = Check::named(Name::Cors, &settings()).exchange.headers;
        let asked: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(
            asked,
            [
                ("origin", "https://app.lendpeak.com"),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "content-type"),
            ]
        );
    }
}

//! The steps of one HTTP exchange and how long each took.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// How long each step of one exchange took; a step that was not reached is absent.
///
/// curl's variables (`curl -w`) count from the start of the exchange, ours from the end of the step
/// before, so that the slow step is seen without subtracting:
///
/// | field | in curl's variables |
/// |---|---|
/// | `dns` | `time_namelookup` |
/// | `connect` | `time_connect` − `time_namelookup` |
/// | `tls` | `time_appconnect` − `time_connect` |
/// | `send` | `time_posttransfer` − `time_appconnect` (`time_pretransfer` lies between the two) |
/// | `first_byte` | `time_starttransfer` − `time_posttransfer`: the server's own time and one round trip |
/// | `total` | `time_total` |
///
/// `time_redirect` is always 0: redirects are not followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Phases {
    #[serde(rename = "dns_ms", serialize_with = "step_ms")]
    pub dns: Option<Duration>,
    #[serde(rename = "connect_ms", serialize_with = "step_ms")]
    pub connect: Option<Duration>,
    #[serde(rename = "tls_ms", serialize_with = "step_ms")]
    pub tls: Option<Duration>,
    #[serde(rename = "send_ms", serialize_with = "step_ms")]
    pub send: Option<Duration>,
    #[serde(rename = "first_byte_ms", serialize_with = "step_ms")]
    pub first_byte: Option<Duration>,
    /// Until the body was read (or given up), also when the exchange failed.
    #[serde(rename = "total_ms", serialize_with = "total_ms")]
    pub total: Duration,
}

/// Milliseconds with one decimal: what a person compares.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

#[expect(clippy::ref_option, reason = "serde gives the field by reference")]
fn step_ms<S: Serializer>(step: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    step.map(milliseconds).serialize(serializer)
}

fn total_ms<S: Serializer>(total: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    milliseconds(*total).serialize(serializer)
}

/// Where in an exchange something went wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    #[default]
    Dns,
    Connect,
    Tls,
    Send,
    FirstByte,
    Body,
}

impl Step {
    /// The step as the end of "no answer: it was still …".
    pub fn doing(self) -> &'static str {
        match self {
            Self::Dns => "looking up the name",
            Self::Connect => "connecting",
            Self::Tls => "negotiating TLS",
            Self::Send => "sending the request",
            Self::FirstByte => "waiting for the first byte of the answer",
            Self::Body => "reading the answer's body",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_keep_one_decimal() {
        assert_eq!(milliseconds(Duration::from_micros(1_234)).to_string(), "1.2");
        assert_eq!(milliseconds(Duration::from_secs(10)).to_string(), "10000");
    }

    #[test]
    fn a_step_that_was_not_reached_is_null() {
        let phases = Phases {
            dns: Some(Duration::from_millis(3)),
            total: Duration::from_millis(5),
            ..Phases::default()
        };
        assert_eq!(
            serde_json::to_value(phases).unwrap(),
            serde_json::json!({
                "dns_ms": 3.0, "connect_ms": null, "tls_ms": null,
                "send_ms": null, "first_byte_ms": null, "total_ms": 5.0
            })
        );
    }
}

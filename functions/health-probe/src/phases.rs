//! The steps of one HTTP exchange and how long each took.

use std::time::Duration;

use shared::probe;
pub use shared::probe::Step;

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    pub dns: Option<Duration>,
    pub connect: Option<Duration>,
    pub tls: Option<Duration>,
    pub send: Option<Duration>,
    pub first_byte: Option<Duration>,
    /// Until the body was read (or given up), also when the exchange failed.
    pub total: Duration,
}

/// As the report has them.
impl From<Phases> for probe::Phases {
    fn from(phases: Phases) -> Self {
        Self {
            dns_ms: phases.dns.map(milliseconds),
            connect_ms: phases.connect.map(milliseconds),
            tls_ms: phases.tls.map(milliseconds),
            send_ms: phases.send.map(milliseconds),
            first_byte_ms: phases.first_byte.map(milliseconds),
            total_ms: Some(milliseconds(phases.total)),
        }
    }
}

/// Milliseconds with one decimal: what a person compares.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

/// What was under way, as the end of "not finished: it was still …".
pub(crate) fn doing(step: Step) -> &'static str {
    match step {
        Step::Dns => "looking up the name",
        Step::Connect => "connecting",
        Step::Tls => "negotiating TLS",
        Step::Send => "sending the request",
        Step::FirstByte => "waiting for the first byte of the answer",
        Step::Body => "reading the answer's body",
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
            serde_json::to_value(probe::Phases::from(phases)).unwrap(),
            serde_json::json!({
                "dns_ms": 3.0, "connect_ms": null, "tls_ms": null,
                "send_ms": null, "first_byte_ms": null, "total_ms": 5.0
            })
        );
    }
}

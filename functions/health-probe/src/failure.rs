//! Why an exchange brought no complete answer, in words for a person.

use std::io;
use std::time::Duration;

use serde::Serialize;
use url::Url;

use crate::certificate;
use crate::phases::Step;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Dns,
    Connect,
    Tls,
    Timeout,
    Http,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub kind: Kind,
    /// What was under way; absent where a whole answer came and it was not a good one, and where nothing was asked.
    pub step: Option<Step>,
    pub message: String,
    /// The status, where the head of an answer came and its body did not.
    #[serde(skip)]
    pub status: Option<u16>,
    /// Whether another try a few seconds later may end otherwise.
    #[serde(skip)]
    pub passing: bool,
}

impl Failure {
    fn new(kind: Kind, step: Step, message: String) -> Self {
        Self { kind, step: Some(step), message, status: None, passing: true }
    }

    pub fn timeout(step: Step, limit: Duration) -> Self {
        let message =
            format!("not finished within {:.1} s: it was still {}", limit.as_secs_f64(), step.doing());
        Self::new(Kind::Timeout, step, message)
    }

    pub fn not_asked() -> Self {
        let message = "not asked: the run had no time left for it".to_owned();
        Self { kind: Kind::Timeout, step: None, message, status: None, passing: true }
    }

    pub fn dns(name: &str, error: &io::Error) -> Self {
        Self::new(Kind::Dns, Step::Dns, format!("the name `{name}` was not found: {error}"))
    }

    pub fn no_address(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        Self::new(Kind::Dns, Step::Dns, format!("`{host}` has no address"))
    }

    pub fn connect(error: &io::Error) -> Self {
        let message = match error.kind() {
            io::ErrorKind::ConnectionRefused => {
                "the connection was refused: nothing listens at that address and port".to_owned()
            }
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                "there is no way to that address".to_owned()
            }
            _ => format!("the connection was not made: {error}"),
        };
        Self::new(Kind::Connect, Step::Connect, message)
    }

    pub fn tls(error: &TlsError) -> Self {
        match error {
            TlsError::Rustls(rustls::Error::InvalidCertificate(error)) => Self {
                passing: false,
                ..Self::new(
                    Kind::Tls,
                    Step::Tls,
                    format!("the server's certificate was refused: {}", certificate::refusal(error)),
                )
            },
            TlsError::Rustls(error) => {
                Self::new(Kind::Tls, Step::Tls, format!("TLS was not agreed: {error}"))
            }
            TlsError::Io(error) => Self::new(
                Kind::Tls,
                Step::Tls,
                format!("the connection ended during the TLS handshake: {error}"),
            ),
        }
    }

    pub fn http(step: Step, status: Option<u16>, error: &hyper::Error) -> Self {
        let message = if error.is_parse() {
            "the answer is not HTTP"
        } else if step == Step::Body {
            "the connection was cut before the answer was complete"
        } else {
            "the connection was cut before an answer came"
        };
        Self { status, ..Self::new(Kind::Http, step, message.to_owned()) }
    }

    /// A whole answer with a status that is not success.
    pub fn status(status: u16, message: String) -> Self {
        Self { kind: Kind::Http, step: None, message, status: Some(status), passing: false }
    }

    pub fn request(error: &http::Error) -> Self {
        Self {
            passing: false,
            ..Self::new(Kind::Http, Step::Send, format!("the request was not made: {error}"))
        }
    }
}

/// An error of the handshake: TLS's own, or the connection's below it.
#[derive(Debug)]
pub enum TlsError {
    Rustls(rustls::Error),
    Io(io::Error),
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Rustls(error)
    }
}

impl From<io::Error> for TlsError {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(inner) => Self::Rustls(inner.clone()),
            None => Self::Io(error),
        }
    }
}

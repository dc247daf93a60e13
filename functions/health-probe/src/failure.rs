//! Why an exchange got no complete answer, in words for a person.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use shared::probe;
pub use shared::probe::Kind;
use url::Url;

use crate::certificate;
use crate::phases::{Step, doing};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    /// The step that failed. Absent if a complete but bad answer came, or if nothing was asked.
    pub step: Option<Step>,
    pub message: String,
    /// What to check.
    pub action: &'static str,
    /// The status, if the head of an answer came without its body.
    pub status: Option<u16>,
    /// Whether another try a few seconds later may end otherwise.
    pub passing: bool,
}

/// As the report has it.
impl From<Failure> for probe::Failure {
    fn from(Failure { kind, step, message, .. }: Failure) -> Self {
        Self { kind: Some(kind), step, message }
    }
}

impl Failure {
    fn new(kind: Kind, step: Step, message: String) -> Self {
        Self { kind, step: Some(step), message, action: action(kind), status: None, passing: true }
    }

    pub fn timeout(step: Step, limit: Duration) -> Self {
        let message =
            format!("not finished within {:.1} s: it was still {}", limit.as_secs_f64(), doing(step));
        Self::new(Kind::Timeout, step, message)
    }

    pub fn not_asked() -> Self {
        let message = "not asked: the run had no time left for it".to_owned();
        Self { step: None, ..Self::new(Kind::Timeout, Step::Dns, message) }
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
        let failure = |message| Self::new(Kind::Tls, Step::Tls, message);
        let error = match error {
            TlsError::Rustls(error) => error,
            TlsError::Io(error) => {
                return failure(format!("the connection ended during the TLS handshake: {error}"));
            }
        };
        if let rustls::Error::InvalidCertificate(error) = error {
            let message = format!("the server's certificate was refused: {}", certificate::refusal(error));
            return Self { passing: false, action: certificate::remedy(error), ..failure(message) };
        }
        let Some((what, action)) = not_agreed(error) else {
            return failure(format!("TLS was not agreed: {error}"));
        };
        Self { action, ..failure(format!("TLS was not agreed: {what} ({error})")) }
    }

    /// `begun`: whether a part of the answer had come.
    pub fn http(step: Step, begun: bool, error: &hyper::Error) -> Self {
        const CUT: &str = "Check what broke the connection: a task that ended (ECS's stopped reasons, its log), or a \
                           limit of the load balancer or of a proxy on time or size";
        const BROKEN: &str =
            "Check what answers at this address and port, and what lies between: a proxy may change it";
        let usual = action(Kind::Http);
        let (message, action) = if error.is_parse_too_large() {
            (
                "the answer's headers are too many or too large: a head may have 100 of them, in 400 KB"
                    .to_owned(),
                "Check what adds headers to the answer: a proxy that repeats them, or too many cookies",
            )
        } else if error.is_parse() {
            ("the answer is not HTTP".to_owned(), BROKEN)
        } else if is_malformed(error) {
            ("the answer's body is not in the form that its head announces".to_owned(), BROKEN)
        } else if step == Step::Body {
            ("the connection was cut before the answer was complete: its body broke off".to_owned(), CUT)
        } else if begun {
            ("the connection was cut before the answer was complete: its head broke off".to_owned(), CUT)
        } else {
            ("the connection was cut before an answer came".to_owned(), usual)
        };
        Self { action, ..Self::new(Kind::Http, step, message) }
    }

    /// A whole answer that is not a good one.
    pub fn answered(status: u16, message: String) -> Self {
        Self {
            step: None,
            status: Some(status),
            passing: false,
            ..Self::new(Kind::Http, Step::Body, message)
        }
    }

    pub fn request(error: &http::Error) -> Self {
        Self {
            passing: false,
            ..Self::new(Kind::Http, Step::Send, format!("the request was not made: {error}"))
        }
    }
}

/// What to check if nothing more is known.
fn action(kind: Kind) -> &'static str {
    match kind {
        Kind::Dns => "Check the DNS record of the name, and the setting that holds the address",
        Kind::Connect => {
            "Check the load balancer's or distribution's state, its listener and security groups"
        }
        Kind::Tls => {
            "Check the HTTPS listener of the load balancer or distribution: its certificate and security policy"
        }
        Kind::Timeout => "Check load and response time of the backend, then security groups and network",
        Kind::Http => "Check ECS tasks and their logs: the connection was made and no whole answer came",
    }
}

/// Why the two sides of TLS have nothing in common, if that is known, and what helps. A new certificate does not.
fn not_agreed(error: &rustls::Error) -> Option<(&'static str, &'static str)> {
    use rustls::{AlertDescription, PeerIncompatible, PeerMisbehaved};
    const VERSION: (&str, &str) = (
        "the server takes none of the versions that browsers do, TLS 1.2 and 1.3",
        "Check the security policy of the HTTPS listener or distribution: it must allow TLS 1.2 or newer",
    );
    const CIPHER: (&str, &str) = (
        "the server takes none of the ciphers that are offered, or does not serve this name",
        "Check the security policy of the HTTPS listener or distribution: it must allow today's ciphers (ECDHE with \
         AES-GCM); and that the distribution has this name among its alternate domain names",
    );
    const NAME: (&str, &str) = (
        "the server does not serve this name",
        "Check that the listener or distribution is set up for this host name, and the name's DNS record",
    );
    const NO_TLS: (&str, &str) =
        ("what answers is not TLS", "Check that the listener at this port is one for HTTPS, not for HTTP");
    match error {
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => Some(VERSION),
        rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
        )
        | rustls::Error::PeerIncompatible(_)
        | rustls::Error::PeerMisbehaved(
            PeerMisbehaved::SelectedUnofferedCipherSuite
            | PeerMisbehaved::SelectedUnusableCipherSuiteForVersion
            | PeerMisbehaved::SelectedUnofferedKxGroup,
        ) => Some(CIPHER),
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => Some(NAME),
        rustls::Error::InvalidMessage(_) => Some(NO_TLS),
        _ => None,
    }
}

/// Whether a body does not match its headers, as in chunks without a length.
fn is_malformed(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause
        .is_some_and(|cause| matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
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

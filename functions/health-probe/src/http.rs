//! One HTTP exchange, each step timed: name, connection, TLS, request, first byte, body.
//!
//! Every exchange opens its own connection and resumes no TLS session, so every step is really measured
//! and the certificate is really sent. Redirects are not followed.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::client::{Resumption, VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use shared::tls;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::certificate::NotingVerifier;
use crate::failure::Failure;
use crate::phases::{Phases, Step};
use crate::timed::{Io, Marks, Timed};
use crate::verdict::{self, Verdict};

/// Enough for any health answer and most pages; a body without end must not fill the memory.
pub const MAX_BODY_BYTES: u64 = 64 * 1024;

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("lendpeak2-health-probe/", env!("CARGO_PKG_VERSION")));

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    /// Whether the body is a health check's, which may say that something is not well.
    pub reads_verdict: bool,
}

/// What one exchange measured, whether or not it succeeded.
#[derive(Debug)]
pub struct Measured {
    pub phases: Phases,
    /// The address that answered the connection.
    pub address: Option<SocketAddr>,
    pub certificate_not_after: Option<Timestamp>,
    pub answer: Result<Answer, Failure>,
}

impl Measured {
    /// The result of an exchange for which there was no time.
    pub fn not_asked() -> Self {
        Self {
            phases: Phases::default(),
            address: None,
            certificate_not_after: None,
            answer: Err(Failure::not_asked()),
        }
    }
}

/// A complete answer (or one cut at [`MAX_BODY_BYTES`]). The body itself is not kept.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: u64,
    pub truncated: bool,
    /// It has nothing but white space.
    pub is_blank: bool,
    /// What it reports about the health, if that was asked for and is understood.
    pub verdict: Option<Verdict>,
}

/// Makes exchanges; one is enough for a process.
pub struct Engine {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    /// Made at the first use of TLS.
    verifier: OnceLock<Result<Arc<WebPkiServerVerifier>, VerifierBuilderError>>,
}

impl Engine {
    /// An engine that trusts `roots`.
    pub fn trusting(roots: RootCertStore) -> Self {
        Self {
            roots: Arc::new(roots),
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            verifier: OnceLock::new(),
        }
    }

    /// An engine that trusts the public certificate authorities.
    pub fn public() -> Self {
        Self::trusting(tls::public_roots())
    }

    /// Makes one exchange, in at most `limit`.
    pub async fn exchange(&self, exchange: &Exchange, limit: Duration) -> Measured {
        let mut run = Run::new();
        let answer = timeout(limit, run.drive(self, exchange)).await;
        run.finish_in_time(answer, limit)
    }

    /// A TLS configuration that notes the certificate of this one exchange in `not_after`.
    fn tls(&self, not_after: &Arc<OnceLock<Timestamp>>) -> Result<TlsConnector, Failure> {
        let verifier = self
            .verifier
            .get_or_init(|| {
                let (roots, provider) = (Arc::clone(&self.roots), Arc::clone(&self.provider));
                WebPkiServerVerifier::builder_with_provider(roots, provider).build()
            })
            .as_ref()
            .map_err(|error| Failure::tls(&rustls::Error::General(error.to_string()).into()))?;
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::tls(&error.into()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NotingVerifier {
                inner: Arc::clone(verifier),
                not_after: Arc::clone(not_after),
            }))
            .with_no_client_auth();
        // A resumed session sends no certificate and hides most of the handshake's time.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// Makes one exchange over an existing connection, in at most `limit`.
pub async fn talk<S: Io>(stream: S, exchange: &Exchange, limit: Duration) -> Measured {
    let mut run = Run::new();
    run.ready = Some(run.started);
    let answer = timeout(limit, run.talk(stream, exchange)).await;
    run.finish_in_time(answer, limit)
}

/// What one exchange has measured so far. It outlives a time-out.
struct Run {
    started: Instant,
    step: Step,
    phases: Phases,
    address: Option<SocketAddr>,
    not_after: Arc<OnceLock<Timestamp>>,
    marks: Arc<Marks>,
    /// When the connection was ready for the request.
    ready: Option<Instant>,
    /// From the head of the answer.
    status: Option<u16>,
}

impl Run {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            step: Step::Dns,
            phases: Phases::default(),
            address: None,
            not_after: Arc::default(),
            marks: Arc::default(),
            ready: None,
            status: None,
        }
    }

    async fn drive(&mut self, engine: &Engine, exchange: &Exchange) -> Result<Answer, Failure> {
        let addresses = resolve(&exchange.url).await?;
        let resolved = Instant::now();
        self.phases.dns = Some(resolved - self.started);

        self.step = Step::Connect;
        let stream = connect(&addresses).await?;
        let connected = Instant::now();
        self.phases.connect = Some(connected - resolved);
        self.address = stream.peer_addr().ok();
        // A probe's request is one small packet: there is nothing to wait for.
        stream.set_nodelay(true).ok();

        if exchange.url.scheme() != "https" {
            self.ready = Some(connected);
            return self.talk(stream, exchange).await;
        }
        self.step = Step::Tls;
        let name = server_name(&exchange.url)?;
        let connector = engine.tls(&self.not_after)?;
        let stream = connector.connect(name, stream).await.map_err(|error| Failure::tls(&error.into()))?;
        let secured = Instant::now();
        self.phases.tls = Some(secured - connected);
        self.ready = Some(secured);
        self.talk(stream, exchange).await
    }

    async fn talk<S: Io>(&mut self, stream: S, exchange: &Exchange) -> Result<Answer, Failure> {
        self.step = Step::Send;
        let request = request(exchange)?;
        let timed = TokioIo::new(Timed::new(stream, Arc::clone(&self.marks)));
        let (mut sender, connection) =
            handshake(timed).await.map_err(|error| Failure::http(Step::Send, false, &error))?;
        // Ends with this exchange, whichever way: a JoinSet aborts its tasks when it is dropped.
        let mut driver = JoinSet::new();
        driver.spawn(connection);

        let response = sender
            .send_request(request)
            .await
            .map_err(|error| Failure::http(self.current_step(), self.marks.first_byte().is_some(), &error))?;
        self.step = Step::Body;
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        self.status = Some(status);
        let body = Read::all(body, exchange.reads_verdict)
            .await
            .map_err(|error| Failure { status: Some(status), ..Failure::http(Step::Body, true, &error) })?;
        Ok(Answer {
            status,
            headers: head.headers,
            bytes: body.bytes,
            truncated: body.truncated,
            is_blank: body.is_blank,
            verdict: verdict::read(&body.kept),
        })
    }

    /// The step under way. Between sending and reading, only the stream knows it.
    fn current_step(&self) -> Step {
        match self.step {
            Step::Send if self.marks.sent().is_some() => Step::FirstByte,
            step => step,
        }
    }

    fn finish_in_time(self, answer: Result<Result<Answer, Failure>, Elapsed>, limit: Duration) -> Measured {
        let answer = answer.unwrap_or_else(|_| {
            Err(Failure { status: self.status, ..Failure::timeout(self.current_step(), limit) })
        });
        self.finish(answer)
    }

    fn finish(mut self, answer: Result<Answer, Failure>) -> Measured {
        let sent = self.marks.sent();
        self.phases.send = sent.zip(self.ready).map(|(sent, ready)| sent.saturating_duration_since(ready));
        self.phases.first_byte =
            self.marks.first_byte().zip(sent).map(|(first, sent)| first.saturating_duration_since(sent));
        self.phases.total = self.started.elapsed();
        Measured {
            phases: self.phases,
            address: self.address,
            certificate_not_after: self.not_after.get().copied(),
            answer,
        }
    }
}

/// IPv4 first: a function outside a VPC has no IPv6, and must not spend its time finding that out.
async fn resolve(url: &Url) -> Result<Vec<SocketAddr>, Failure> {
    let port = url.port_or_known_default().unwrap_or(443);
    let mut addresses: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![(address, port).into()],
        Some(Host::Ipv6(address)) => vec![(address, port).into()],
        Some(Host::Domain(name)) => {
            tokio::net::lookup_host((name, port)).await.map_err(|error| Failure::dns(name, &error))?.collect()
        }
        None => Vec::new(),
    };
    addresses.sort_by_key(SocketAddr::is_ipv6);
    if addresses.is_empty() { Err(Failure::no_address(url)) } else { Ok(addresses) }
}

/// The first address that accepts. (A silent address is left to the exchange's time-out: behind a load
/// balancer or CloudFront, users would meet it as well.)
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    TcpStream::connect(addresses).await.map_err(|error| Failure::connect(&error))
}

fn server_name(url: &Url) -> Result<ServerName<'static>, Failure> {
    let name = match url.host() {
        Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).ok(),
        Some(Host::Ipv4(address)) => Some(ServerName::IpAddress(std::net::IpAddr::from(address).into())),
        Some(Host::Ipv6(address)) => Some(ServerName::IpAddress(std::net::IpAddr::from(address).into())),
        None => None,
    };
    name.ok_or_else(|| Failure::no_address(url))
}

fn request(exchange: &Exchange) -> Result<http::Request<Empty<Bytes>>, Failure> {
    let url = &exchange.url;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request = http::Request::builder()
        .method(exchange.method.clone())
        .uri(target)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, HeaderValue::from_static("*/*"))
        .body(Empty::new())
        .map_err(|error| Failure::request(&error))?;
    request.headers_mut().extend(exchange.headers.clone());
    Ok(request)
}

/// A body, as far as it was read.
struct Read {
    bytes: u64,
    truncated: bool,
    is_blank: bool,
    /// Empty, unless the body is to be kept.
    kept: Vec<u8>,
}

impl Read {
    /// Counts the body's bytes and lets them go; stops at [`MAX_BODY_BYTES`].
    async fn all(mut body: Incoming, keeps: bool) -> Result<Self, hyper::Error> {
        let mut read = Self { bytes: 0, truncated: false, is_blank: true, kept: Vec::new() };
        while let Some(frame) = body.frame().await {
            let frame = frame?;
            let Some(data) = frame.data_ref() else { continue };
            read.bytes += data.len() as u64;
            read.is_blank &= data.trim_ascii().is_empty();
            if read.bytes > MAX_BODY_BYTES {
                // A part of JSON is not JSON.
                return Ok(Self { bytes: MAX_BODY_BYTES, truncated: true, kept: Vec::new(), ..read });
            }
            if keeps {
                read.kept.extend_from_slice(data);
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests;

//! An AWS of canned answers over TLS, for a small stack and for large ones, and LendPeak2's pages over plain HTTP, all
//! on loopback. What is asked of them is counted.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use canned::{Body, Canned};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{CipherSuite, ServerConfig};
use scenarios::job::Addresses;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::replay::REPLAYED;
use super::traffic::{Call, Metered, Traffic};

/// The least time from a request to a large stack or a slow page until its answer, for all who ask: so that one can see
/// whether calls wait for each other. Without it, an answer from loopback is there at once.
pub(super) const LATENCY: Duration = Duration::from_millis(30);
/// How many times as large the largest stack is.
pub(super) const TENFOLD: usize = 10;

/// Serves for as long as this value lives.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// The slow ones answer after [`LATENCY`].
    pub(super) addresses: Addresses,
    pub(super) tenfold: String,
    pub(super) traffic: Arc<Traffic>,
    directory: TempDir,
    _serving: JoinSet<()>,
}

/// What is answered at one address, and how.
#[derive(Debug, Clone)]
struct Served {
    url: String,
    canned: Arc<Canned>,
    latency: Duration,
    traffic: Arc<Traffic>,
}

impl Endpoint {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("lendpeak2-bench-").tempdir()?;
        let (acceptor, authority) = tls()?;
        std::fs::write(directory.path().join("ca.pem"), authority)?;

        let traffic = Arc::new(Traffic::default());
        let mut serving = JoinSet::new();
        let (small, acceptor) = (Arc::new(Canned::default()), Some(acceptor));
        let mut serve = async |acceptor: Option<TlsAcceptor>, canned: &Arc<Canned>, latency| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let scheme = if acceptor.is_some() { "https" } else { "http" };
            let url = format!("{scheme}://{}", listener.local_addr()?);
            let (canned, traffic) = (Arc::clone(canned), Arc::clone(&traffic));
            serving.spawn(serve(listener, acceptor, Served { url: url.clone(), canned, latency, traffic }));
            anyhow::Ok(url)
        };
        let aws = serve(acceptor.clone(), &small, Duration::ZERO).await?;
        let pages = serve(None, &small, Duration::ZERO).await?;
        let slow_pages = serve(None, &small, LATENCY).await?;
        let large = serve(acceptor.clone(), &Arc::new(Canned::large(1)), LATENCY).await?;
        let tenfold = serve(acceptor, &Arc::new(Canned::large(TENFOLD)), LATENCY).await?;
        let addresses = Addresses { aws, pages, slow_pages, large };
        Ok(Self { addresses, tenfold, traffic, directory, _serving: serving })
    }

    /// The authority that signed the endpoint's certificate, for `AWS_CA_BUNDLE`.
    pub(super) fn authority(&self) -> PathBuf {
        self.folder().join("ca.pem")
    }

    /// Goes with the endpoint.
    pub(super) fn folder(&self) -> &Path {
        self.directory.path()
    }
}

/// A certificate for the loopback address, and the authority to trust, as PEM.
fn tls() -> anyhow::Result<(TlsAcceptor, String)> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let mut certificate = CertificateParams::new(vec![Ipv4Addr::LOCALHOST.to_string()])?;
    // Unlike its issuer's, or OpenSSL takes it for a self-signed one.
    certificate.distinguished_name.push(DnType::CommonName, "canned AWS");
    let certificate = certificate.signed_by(&key, &authority)?;
    let mut provider = rustls::crypto::ring::default_provider();
    // What AWS's endpoints choose where a client offers it, as all of these do.
    provider.cipher_suites.retain(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256);
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )?;
    Ok((TlsAcceptor::from(Arc::new(config)), authority.pem()))
}

async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>, served: Served) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        connections.spawn(welcome(stream, acceptor.clone(), served.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn welcome(stream: TcpStream, acceptor: Option<TlsAcceptor>, served: Served) {
    let stream = Metered::new(stream, Arc::clone(&served.traffic));
    match acceptor {
        None => talk(stream, served).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                talk(stream, served).await;
            }
        }
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin, served: Served) {
    let service = service_fn(move |request| answer(request, served.clone()));
    // A client that hangs up is no concern of ours.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, served: Served) -> Result<Response<Body>, Infallible> {
    let due = Instant::now() + served.latency;
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let answer = served.canned.answer(&parts, &body);
    let is_replayed = parts.headers.contains_key(REPLAYED);
    served.traffic.called(|| Call { to: served.url.clone(), parts, body });
    if !served.latency.is_zero() && !is_replayed {
        tokio::time::sleep_until(due).await;
    }
    Ok(answer)
}

//! An AWS of canned answers over TLS, for a small stack and for large ones, and LendPeak2's pages over plain HTTP, all
//! on loopback.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{CipherSuite, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::canned::{Body, Canned};

/// The least time from a request to a large stack until its answer, for all who ask: so that one can see whether calls
/// wait for each other. Without it, an answer from loopback is there at once.
pub(super) const LATENCY: Duration = Duration::from_millis(30);
/// How many times as large the largest stack is.
pub(super) const TENFOLD: usize = 10;

/// Serves for as long as this value lives.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// `https://127.0.0.1:<port>`.
    pub(super) aws: String,
    /// `http://127.0.0.1:<port>`.
    pub(super) pages: String,
    pub(super) large: LargeAws,
    pub(super) tenfold: LargeAws,
    directory: TempDir,
    _serving: JoinSet<()>,
}

#[derive(Debug)]
pub(super) struct LargeAws {
    pub(super) url: String,
    pub(super) canned: Arc<Canned>,
}

impl Endpoint {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("lendpeak2-bench-").tempdir()?;
        let (acceptor, authority) = tls()?;
        std::fs::write(directory.path().join("ca.pem"), authority)?;

        let aws = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let pages = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (aws_address, pages_address) = (aws.local_addr()?, pages.local_addr()?);
        let canned = Arc::new(Canned::default());
        let mut serving = JoinSet::new();
        serving.spawn(serve_aws(aws, acceptor.clone(), Arc::clone(&canned), Duration::ZERO));
        serving.spawn(serve_pages(pages, canned));
        let large = LargeAws::start(1, &acceptor, &mut serving).await?;
        let tenfold = LargeAws::start(TENFOLD, &acceptor, &mut serving).await?;
        Ok(Self {
            aws: format!("https://{aws_address}"),
            pages: format!("http://{pages_address}"),
            large,
            tenfold,
            directory,
            _serving: serving,
        })
    }

    /// The authority that signed the endpoint's certificate, for `AWS_CA_BUNDLE`.
    pub(super) fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }
}

impl LargeAws {
    async fn start(times: usize, acceptor: &TlsAcceptor, serving: &mut JoinSet<()>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("https://{}", listener.local_addr()?);
        let canned = Arc::new(Canned::large(times));
        serving.spawn(serve_aws(listener, acceptor.clone(), Arc::clone(&canned), LATENCY));
        Ok(Self { url, canned })
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

async fn serve_aws(listener: TcpListener, acceptor: TlsAcceptor, canned: Arc<Canned>, latency: Duration) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, canned) = (acceptor.clone(), Arc::clone(&canned));
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            if let Ok(stream) = acceptor.accept(stream).await {
                talk(stream, canned, latency).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_pages(listener: TcpListener, canned: Arc<Canned>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        connections.spawn(talk(stream, Arc::clone(&canned), Duration::ZERO));
        while connections.try_join_next().is_some() {}
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin, canned: Arc<Canned>, latency: Duration) {
    let service = service_fn(move |request| answer(request, Arc::clone(&canned), latency));
    // A client that hangs up is no concern of ours.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    canned: Arc<Canned>,
    latency: Duration,
) -> Result<Response<Body>, Infallible> {
    let due = Instant::now() + latency;
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let answer = canned.answer(&parts, &body);
    if !latency.is_zero() {
        tokio::time::sleep_until(due).await;
    }
    Ok(answer)
}

//! Small servers for the tests: they answer what they are told, byte for byte.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::timed::Io;

/// What a server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    /// Sends this and closes the connection.
    Say(String),
    /// Thinks first.
    Think(Duration, String),
    /// Sends this (maybe nothing) and keeps the connection open.
    Hang(String),
    /// Sends this, and then more without end.
    Flood(String),
}

/// An answer without a body.
pub(crate) fn status(status: u16) -> Behaviour {
    answer(status, "", "")
}

/// `headers` are lines that end in `\r\n`.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Behaviour {
    Behaviour::Say(format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
}

/// Lives as long as this value; each connection brings one request.
pub(crate) struct Server {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    _accepting: JoinSet<()>,
}

impl Server {
    pub(crate) fn http(&self, path: &str) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).unwrap()
    }

    pub(crate) fn https(&self, host: &str) -> Url {
        Url::parse(&format!("https://{host}:{}/", self.port)).unwrap()
    }

    /// The heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A server that does these things, one per connection; the last one for all further ones.
pub(crate) async fn serve(behaviours: Vec<Behaviour>) -> Server {
    let last = behaviours.len() - 1;
    start(None, move |number, _| behaviours[number.min(last)].clone()).await
}

/// A server that decides by the head of the request.
pub(crate) async fn serve_by(decide: impl Fn(&str) -> Behaviour + Send + Sync + 'static) -> Server {
    start(None, move |_, head| decide(head)).await
}

/// A TLS server for `localhost`, with a certificate that ends on 1 January of `year`, and whom to trust.
pub(crate) async fn serve_tls(year: i32, behaviour: Behaviour) -> (Server, RootCertStore) {
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2015, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    let certificate = params.signed_by(&key, &authority).unwrap();

    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (start(Some(TlsAcceptor::from(Arc::new(config))), move |_, _| behaviour.clone()).await, roots)
}

async fn start(
    tls: Option<TlsAcceptor>,
    decide: impl Fn(usize, &str) -> Behaviour + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let decide = Arc::new(decide);
    let mut accepting = JoinSet::new();
    accepting.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, decide, tls) = (Arc::clone(&seen), Arc::clone(&decide), tls.clone());
            let handle = move |head: String| {
                let mut seen = seen.lock().unwrap();
                let behaviour = decide(seen.len(), &head);
                seen.push(head);
                behaviour
            };
            connections.spawn(async move {
                match tls {
                    None => converse(stream, handle).await,
                    Some(tls) => {
                        // A refused certificate ends the handshake here.
                        if let Ok(stream) = tls.accept(stream).await {
                            converse(stream, handle).await;
                        }
                    }
                }
            });
        }
    });
    Server { port, requests, _accepting: accepting }
}

async fn converse<S: Io>(mut stream: S, handle: impl FnOnce(String) -> Behaviour) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    // The prober may close the connection at any time: errors do not matter here.
    match handle(String::from_utf8(head).unwrap()) {
        Behaviour::Say(text) => {
            stream.write_all(text.as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
        Behaviour::Think(time, text) => {
            sleep(time).await;
            stream.write_all(text.as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
        Behaviour::Hang(text) => {
            stream.write_all(text.as_bytes()).await.ok();
            stream.flush().await.ok();
            std::future::pending::<()>().await;
        }
        Behaviour::Flood(text) => {
            stream.write_all(text.as_bytes()).await.ok();
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
    }
}

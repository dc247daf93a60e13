//! The endpoint's own time: a variant's calls made again by a client with nothing around it, one after the other, over
//! one warm connection.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use url::Url;

use super::traffic::Call;
use super::units::{median, milliseconds};

/// A call with this header is answered at once, whatever the others have to wait.
pub(super) const REPLAYED: &str = "x-bench-replayed";
/// The first of them warms the connections up and is thrown away.
const TIMES: usize = 12;

type Sender = SendRequest<Full<Bytes>>;

/// The median of the times that all of the calls take together, in milliseconds.
pub(super) async fn milliseconds_of(calls: &[Call], authority: &Path) -> anyhow::Result<Option<f64>> {
    if calls.is_empty() {
        return Ok(None);
    }
    let connector = connector(authority)?;
    let mut connections = JoinSet::new();
    let mut senders: HashMap<&str, Sender> = HashMap::new();
    for call in calls {
        if !senders.contains_key(call.to.as_str()) {
            senders.insert(&call.to, connect(&call.to, &connector, &mut connections).await?);
        }
    }
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        for call in calls {
            let sender =
                senders.get_mut(call.to.as_str()).context("there is a connection for each address")?;
            make(call, sender).await?;
        }
        times.push(milliseconds(begun.elapsed()));
    }
    times.remove(0);
    Ok(median(&times))
}

async fn make(call: &Call, sender: &mut Sender) -> anyhow::Result<()> {
    let mut request = Request::from_parts(call.parts.clone(), Full::new(call.body.clone()));
    let headers = request.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("1"));
    // One connection serves all of them, and the client counts the body by itself.
    headers.remove(http::header::CONNECTION);
    headers.remove(http::header::TRANSFER_ENCODING);
    headers.remove(http::header::EXPECT);
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    answer.into_body().collect().await?;
    Ok(())
}

fn connector(authority: &Path) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn connect(to: &str, connector: &TlsConnector, driving: &mut JoinSet<()>) -> anyhow::Result<Sender> {
    let url = Url::parse(to)?;
    let address = url.socket_addrs(|| None)?.into_iter().next().context("the endpoint has an address")?;
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    if url.scheme() == "https" {
        let stream = connector.connect(ServerName::from(address.ip()), stream).await?;
        return drive(stream, driving).await;
    }
    drive(stream, driving).await
}

async fn drive(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    driving: &mut JoinSet<()>,
) -> anyhow::Result<Sender> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    driving.spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

//! Asks a web page for its status and headers, as `curl -I` does.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header::USER_AGENT};
use http_body_util::Empty;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::tls;

/// Do not hold up a remedy for a page slower than this.
const TIMEOUT: Duration = Duration::from_secs(3);

const AGENT: &str = concat!("lendpeak2-runbook/", env!("CARGO_PKG_VERSION"));

/// Asks pages, and believes whom a browser believes. It is made by [`crate::aws::Aws::web`], and costs nothing until it
/// is used.
#[derive(Clone)]
pub struct Web {
    by: By,
}

/// Whom it asks by. The HTTP client that is linked for AWS takes roots as certificates only, which are ten times as long
/// as what is needed of them.
#[derive(Clone)]
enum By {
    Pages(Arc<Pages>),
    /// For those who try what functions make of odd answers.
    Connector(SharedHttpConnector),
}

type PageClient = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

struct Pages {
    /// Certificate authorities that are trusted beside the public ones.
    bundle: Vec<u8>,
    client: OnceLock<Result<PageClient, rustls::Error>>,
}

/// The head of a page's answer. The body is not read.
#[derive(Debug)]
pub struct Head {
    pub status: u16,
    /// By lower-case name; the first of each.
    headers: BTreeMap<String, String>,
}

impl Head {
    fn new<'a>(status: u16, headers: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut first = BTreeMap::new();
        for (name, value) in headers {
            first.entry(name.to_ascii_lowercase()).or_insert_with(|| value.to_owned());
        }
        Self { status, headers: first }
    }

    /// By its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error("its address cannot be used")]
    Address,
    #[error("no answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    #[error("the connection failed")]
    Connection,
}

impl Web {
    /// Trusts the authorities of `bundle` beside the public ones.
    pub(crate) fn new(bundle: Vec<u8>) -> Self {
        Self { by: By::Pages(Arc::new(Pages { bundle, client: OnceLock::new() })) }
    }

    pub(crate) fn over(connector: SharedHttpConnector) -> Self {
        Self { by: By::Connector(connector) }
    }

    /// What `HEAD` answers. Redirects are not followed.
    pub async fn head(&self, url: &str) -> Result<Head, Unanswered> {
        let asking = async {
            match &self.by {
                By::Pages(pages) => pages.head(url).await,
                By::Connector(connector) => head_over(connector, url).await,
            }
        };
        tokio::time::timeout(TIMEOUT, asking).await.unwrap_or(Err(Unanswered::Timeout))
    }
}

impl Pages {
    async fn head(&self, url: &str) -> Result<Head, Unanswered> {
        let uri: Uri = url.parse().map_err(|_| Unanswered::Address)?;
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::HEAD;
        *request.uri_mut() = uri;
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let client = self.client.get_or_init(|| client(&self.bundle));
        let client = client.as_ref().map_err(|_| Unanswered::Connection)?;
        let answer = client.request(request).await.map_err(|_| Unanswered::Connection)?;
        let headers = answer.headers().iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        Ok(Head::new(answer.status().as_u16(), headers))
    }
}

fn client(bundle: &[u8]) -> Result<PageClient, rustls::Error> {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls::client(bundle)?)
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

async fn head_over(connector: &SharedHttpConnector, url: &str) -> Result<Head, Unanswered> {
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_method("HEAD").map_err(|_| Unanswered::Address)?;
    request.set_uri(url).map_err(|_| Unanswered::Address)?;
    let answer = connector.call(request).await.map_err(|_| Unanswered::Connection)?;
    Ok(Head::new(answer.status().as_u16(), answer.headers().iter()))
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use rustls::{ServerConfig, pki_types::PrivateKeyDer};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A server that answers each connection with this, and tells the first line that it was asked.
    async fn serve(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/assets/main.js", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            if answer.is_empty() {
                tokio::time::sleep(TIMEOUT * 2).await;
            }
            String::from_utf8(head).unwrap().lines().next().unwrap_or_default().to_owned()
        });
        (url, asked)
    }

    fn web() -> Web {
        Web::new(Vec::new())
    }

    /// A page over TLS at `localhost`, and the certificate that it vouches for itself with.
    async fn serve_tls() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let provider = rustls::crypto::ring::default_provider().into();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(mut stream) = acceptor.accept(stream).await {
                        let mut head = Vec::new();
                        while !head.ends_with(b"\r\n\r\n") {
                            head.push(stream.read_u8().await.unwrap());
                        }
                        let answer = b"HTTP/1.1 200 OK\r\nx-cache: Miss from cloudfront\r\n\r\n";
                        stream.write_all(answer).await.unwrap();
                        stream.shutdown().await.unwrap();
                    }
                });
            }
        });
        (url, certificate.pem())
    }

    #[tokio::test]
    async fn whom_nobody_vouches_for_is_no_answer_and_a_bundle_vouches_too() {
        let (url, certificate) = serve_tls().await;
        assert_eq!(web().head(&url).await.unwrap_err(), Unanswered::Connection);
        let head = Web::new(certificate.into_bytes()).head(&url).await.unwrap();
        assert_eq!((head.status, head.header("x-cache")), (200, Some("Miss from cloudfront")));
    }

    #[tokio::test]
    async fn a_head_has_the_status_and_the_headers() {
        let (url, asked) =
            serve("HTTP/1.1 404 Not Found\r\nX-Cache: Error from cloudfront\r\nage: 7\r\n\r\n").await;
        let head = web().head(&url).await.unwrap();
        let headers = (head.header("x-cache"), head.header("age"), head.header("etag"));
        assert_eq!((head.status, headers), (404, (Some("Error from cloudfront"), Some("7"), None)));
        assert_eq!(asked.await.unwrap(), "HEAD /assets/main.js HTTP/1.1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_does_not_answer_is_left_after_its_time() {
        let (url, _asked) = serve("").await;
        assert_eq!(web().head(&url).await.unwrap_err(), Unanswered::Timeout);
    }

    #[tokio::test]
    async fn a_page_that_is_not_there_is_said_to_be_so() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert_eq!(web().head(&format!("http://{nobody}/")).await.unwrap_err(), Unanswered::Connection);
        assert_eq!(web().head("no address").await.unwrap_err(), Unanswered::Address);
    }
}

//! Asks a web page for its status and headers, as `curl -I` does, by the HTTP client that is linked for AWS
//! anyway.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, SharedHttpConnector},
        orchestrator::HttpRequest,
    },
    http::Headers,
};
use aws_smithy_types::body::SdkBody;

/// A page that takes longer is no answer to wait for before something is mended.
const TIMEOUT: Duration = Duration::from_secs(3);

const AGENT: &str = concat!("lendpeak2-runbook/", env!("CARGO_PKG_VERSION"));

/// Asks pages. It is made by [`crate::aws::Aws::web`], costs nothing until it is used, and trusts Amazon's roots:
/// those of CloudFront, a load balancer and ACM's certificates.
#[derive(Clone)]
pub struct Web {
    inner: Arc<Inner>,
}

struct Inner {
    tls: TlsContext,
    connector: OnceLock<SharedHttpConnector>,
}

/// The head of a page's answer. The body is not read.
#[derive(Debug)]
pub struct Head {
    pub status: u16,
    headers: Headers,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
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
    pub(crate) fn new(tls: TlsContext) -> Self {
        Self { inner: Arc::new(Inner { tls, connector: OnceLock::new() }) }
    }

    pub(crate) fn over(connector: SharedHttpConnector) -> Self {
        Self { inner: Arc::new(Inner { tls: TlsContext::default(), connector: connector.into() }) }
    }

    /// What `HEAD` answers. Redirects are not followed.
    pub async fn head(&self, url: &str) -> Result<Head, Unanswered> {
        self.ask("HEAD", url).await
    }

    /// What `GET` answers, for pages that do not know `HEAD`.
    pub async fn get(&self, url: &str) -> Result<Head, Unanswered> {
        self.ask("GET", url).await
    }

    async fn ask(&self, method: &str, url: &str) -> Result<Head, Unanswered> {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_method(method).map_err(|_| Unanswered::Address)?;
        request.set_uri(url).map_err(|_| Unanswered::Address)?;
        request.headers_mut().insert("user-agent", AGENT);
        let answer = tokio::time::timeout(TIMEOUT, self.connector().call(request)).await;
        let answer = answer.map_err(|_| Unanswered::Timeout)?.map_err(|_| Unanswered::Connection)?;
        Ok(Head { status: answer.status().as_u16(), headers: answer.headers().clone() })
    }

    fn connector(&self) -> &SharedHttpConnector {
        self.inner.connector.get_or_init(|| {
            SharedHttpConnector::new(
                Connector::builder()
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .tls_context(self.inner.tls.clone())
                    .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
                    .build(),
            )
        })
    }
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

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
        Web::new(TlsContext::default())
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

    #[tokio::test]
    async fn a_body_is_not_waited_for() {
        let (url, asked) = serve("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nand").await;
        assert_eq!(web().get(&url).await.unwrap().status, 200);
        assert_eq!(asked.await.unwrap(), "GET /assets/main.js HTTP/1.1");
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

//! What goes back to the caller: a whole answer, or one that ends half-way.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, SizeHint};

use super::Answer;

/// The connection ends here.
#[derive(Debug, thiserror::Error)]
#[error("the connection was cut on purpose")]
pub(super) struct Cut;

/// An answer's body.
#[derive(Debug)]
pub(super) struct Sent {
    body: Full<Bytes>,
    cut: bool,
}

impl Sent {
    pub(super) fn whole(body: Full<Bytes>) -> Self {
        Self { body, cut: false }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(_) if self.cut => Poll::Ready(Some(Err(Cut))),
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.cut && self.body.is_end_stream()
    }

    /// Of one that is cut, the header alone tells the length, and says what it would have been.
    fn size_hint(&self) -> SizeHint {
        if self.cut { SizeHint::default() } else { self.body.size_hint() }
    }
}

/// The answer's head and the first half of its body; an empty body is cut where the head ends.
pub(super) async fn cut_short(answer: Answer) -> Response<Sent> {
    let (mut head, body) = answer.into_parts();
    let Ok(whole) = body.collect().await;
    let whole = whole.to_bytes();
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len().max(1)));
    let half = whole.slice(..whole.len() / 2);
    Response::from_parts(head, Sent { body: Full::new(half), cut: true })
}

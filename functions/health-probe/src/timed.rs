//! A stream that remembers when the request had left and when the first byte of the answer came.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// What HTTP is spoken over: TCP, or TLS over TCP.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for S {}

/// The moments that only the stream sees.
#[derive(Debug, Default)]
pub struct Marks(Mutex<Moments>);

#[derive(Debug, Default, Clone, Copy)]
struct Moments {
    sent: Option<Instant>,
    first_byte: Option<Instant>,
}

impl Marks {
    /// When the last byte of the request was handed to the stream.
    pub fn sent(&self) -> Option<Instant> {
        self.moments().sent
    }

    pub fn first_byte(&self) -> Option<Instant> {
        self.moments().first_byte
    }

    fn moments(&self) -> Moments {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wrote(&self) {
        let mut moments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if moments.first_byte.is_none() {
            moments.sent = Some(Instant::now());
        }
    }

    fn read(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).first_byte.get_or_insert_with(Instant::now);
    }
}

pub struct Timed<S> {
    stream: S,
    marks: Arc<Marks>,
}

impl<S> Timed<S> {
    pub fn new(stream: S, marks: Arc<Marks>) -> Self {
        Self { stream, marks }
    }
}

impl<S: Io> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.marks.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Io> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        if written > 0 {
            self.marks.wrote();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

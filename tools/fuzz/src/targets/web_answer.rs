//! What web servers send: the head and the body of an answer, and a certificate.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use health_probe::{
    certificate,
    check::{Check, Name},
    http, report,
    retry::Tried,
    settings::Settings,
};
use jiff::Timestamp;
use shared::settings::Environment;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    choices::Choices,
    harness::{SETTINGS, with_harness},
    json::{self, CANARY},
    text,
};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncache-control: public, max-age=300\r\n\
                    age: 12\r\netag: \"abc\"\r\nx-cache: Hit from cloudfront\r\nlocation: https://app.lendpeak.com/login\r\n\
                    access-control-allow-origin: https://app.lendpeak.com\r\naccess-control-allow-methods: GET, POST\r\n\
                    access-control-allow-headers: content-type\r\naccess-control-allow-credentials: true\r\n\
                    retry-after: 3\r\n";
/// A report of one check is for a phone's screen and a log line.
const LONGEST_REPORT: usize = 8_192;

pub fn health_probe_answer(data: &[u8]) {
    let mut choices = Choices::new(data);
    let name = choices.one_of(&Name::ALL).copied().unwrap_or(Name::Page);
    let answer = answer(&mut choices);
    let environment = Environment::from_pairs(SETTINGS);
    let settings = Settings::from_environment(&environment);
    assert!(settings.is_ok(), "{settings:?}");
    let Ok(settings) = settings else { return };
    let check = Check::named(name, &settings);
    let not_after = Timestamp::from_second(i64::from_ne_bytes(choices.number().to_ne_bytes()) >> 20).ok();
    let measured = with_harness(|harness| {
        // Time is an answer too: one that goes on for ever ends with it.
        harness.run(http::talk(Canned { answer, read: 0 }, &check.exchange, Duration::from_secs(10)))
    });
    if let Ok(answer) = &measured.answer {
        assert!(answer.bytes <= http::MAX_BODY_BYTES, "{} bytes were read", answer.bytes);
    }
    let measured = http::Measured { certificate_not_after: not_after, ..measured };
    let tried = Tried { last: measured, tries: 1, earlier: Vec::new(), gave_up: None };
    let report = report::of(&check, tried, &settings, Timestamp::now());
    let text = serde_json::to_string(&report).unwrap_or_default();
    assert!(!text.is_empty() && text.len() <= LONGEST_REPORT, "a report of {} bytes: {text}", text.len());
    assert!(!text.contains(CANARY), "a body is told: {text}");
}

/// The bytes as they are, or a good answer changed by them, with a body that nobody is to be told.
fn answer(choices: &mut Choices<'_>) -> Vec<u8> {
    if choices.byte() % 4 == 3 {
        return choices.bytes(100_000).to_vec();
    }
    let mut head = HEAD.as_bytes().to_vec();
    text::mutate(&mut head, choices);
    if choices.byte().is_multiple_of(2) {
        let mut body = serde_json::json!({ "status": "ok", "checks": [{ "token": CANARY }] });
        json::mutate(&mut body, choices);
        let body = json::written(&body);
        let length = if choices.byte() % 8 == 7 { choices.below(1 << 20) } else { body.len() };
        [head, format!("content-length: {length}\r\n\r\n{body}").into_bytes()].concat()
    } else {
        let mut body = format!("{:x}\r\n{CANARY}\r\n0\r\n\r\n", CANARY.len()).into_bytes();
        text::mutate(&mut body, choices);
        [head, b"transfer-encoding: chunked\r\n\r\n".to_vec(), body].concat()
    }
}

pub fn certificate(data: &[u8]) {
    let _ = certificate::not_after(data);
    let mut choices = Choices::new(data);
    let mut known = known_certificate();
    text::mutate(&mut known, &mut choices);
    let _ = certificate::not_after(&known);
}

/// The smallest that says when it ends.
fn known_certificate() -> Vec<u8> {
    fn part(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap_or_default();
        let head = if length < 128 { vec![tag, length] } else { vec![tag, 0x81, length] };
        [head.as_slice(), content].concat()
    }
    let algorithm = part(0x30, &part(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
    let empty_name = part(0x30, &[]);
    let validity = part(0x30, &[part(0x17, b"260101000000Z"), part(0x18, b"20500101000000Z")].concat());
    let key = part(0x30, &[algorithm.clone(), part(0x03, &[0, 4, 1, 2])].concat());
    let version = part(0xa0, &part(0x02, &[2]));
    let fields =
        [version, part(0x02, &[1]), algorithm.clone(), empty_name.clone(), validity, empty_name, key];
    part(0x30, &[part(0x30, &fields.concat()), algorithm, part(0x03, &[0, 1, 2, 3])].concat())
}

/// A server that answers the same whatever it is sent, and hangs up.
struct Canned {
    answer: Vec<u8>,
    read: usize,
}

impl AsyncRead for Canned {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.answer.get(self.read..).unwrap_or_default();
        let part = left.get(..left.len().min(buffer.remaining())).unwrap_or_default();
        buffer.put_slice(part);
        let read = part.len();
        self.read += read;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Canned {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_that_is_changed_is_one() {
        let expected: Timestamp = "2050-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(certificate::not_after(&known_certificate()), Some(expected));
    }
}

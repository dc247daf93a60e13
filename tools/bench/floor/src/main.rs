//! Asks for events and answers them, over one connection, with nothing else around it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

const ANSWER: &str = r#"{"hello":true}"#;

fn main() -> io::Result<()> {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let mut runtime = Runtime::connect(address)?;
    loop {
        let request = runtime.next()?;
        runtime.answer(&request)?;
    }
}

struct Runtime {
    host: String,
    stream: BufReader<TcpStream>,
}

impl Runtime {
    fn connect(host: String) -> io::Result<Self> {
        let stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        Ok(Self { host, stream: BufReader::new(stream) })
    }

    /// The id of the next event. The event itself is read and let go.
    fn next(&mut self) -> io::Result<String> {
        let head = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        let id = self.exchange(&head)?;
        id.ok_or_else(|| io::Error::other("the event has no id"))
    }

    fn answer(&mut self, request: &str) -> io::Result<()> {
        let (host, length) = (&self.host, ANSWER.len());
        let message = format!(
            "POST /2018-06-01/runtime/invocation/{request}/response HTTP/1.1\r\nHost: {host}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{ANSWER}"
        );
        self.exchange(&message).map(|_| ())
    }

    /// Sends a request, reads its answer to the end, and returns the event's id that it has, if any.
    fn exchange(&mut self, request: &str) -> io::Result<Option<String>> {
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut id, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().map_err(io::Error::other)?;
                } else if name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") {
                    id = Some(value.trim().to_owned());
                }
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(id)
    }
}

//! The local AWS: one `ministack` process on a free loopback port, gone with whoever started it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, UdpSocket};
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::json;
use tempfile::TempDir;

/// On a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);
/// A kill takes no longer.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// Below those that systems give to outgoing connections: one of these could have got the port before ministack
/// listens there.
const PORTS: Range<u16> = 20_000..32_000;
/// By this process.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// Starts each ministack, and ends it.
const NURSERY: &str = include_str!("ministack/nursery.py");
/// Names the socket of one that another process has started.
const SHARED_NURSERY: &str = "LENDPEAK2_NURSERY";
/// One for this process.
static STARTER: Mutex<Option<Nursery>> = Mutex::new(None);

/// A running local AWS. Dropping it kills it, with every function it started.
#[derive(Debug)]
pub struct Ministack {
    /// Open as long as it runs.
    life: UnixStream,
    address: String,
    directory: TempDir,
    _port: ReservedPort,
}

impl Ministack {
    /// Starts one and waits until it answers.
    pub async fn start() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("lendpeak2-sandbox-").tempdir()?;
        let port = ReservedPort::new()?;
        let life = Nursery::bear(directory.path(), port.number).context("cannot start ministack")?;
        let address = format!("127.0.0.1:{}", port.number);
        let started = Self { life, address, directory, _port: port };
        started.wait_until_ready().await?;
        Ok(started)
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All its files, the functions' unpacked code among them.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What the emulator printed, the functions' log lines among it.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory().join("ministack.log")).unwrap_or_default()
    }

    fn has_ended(&self) -> std::io::Result<bool> {
        match (&self.life).read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            closed => closed.map(|_| true),
        }
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        while started.elapsed() < START_TIMEOUT {
            if self.has_ended()? {
                bail!("ministack has ended:\n{}", self.log());
            }
            if answers(&self.address).await {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("ministack did not answer within {START_TIMEOUT:?}:\n{}", self.log());
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.life.shutdown(Shutdown::Write);
        let _ = self.life.set_nonblocking(false);
        let _ = self.life.read(&mut [0]);
    }
}

/// The process that starts them. It ends with the one that started it, and they with the one that they are for.
#[derive(Debug)]
pub struct Nursery {
    socket: PathBuf,
    /// Unless another process has started it.
    _process: Option<Child>,
}

impl Nursery {
    /// The connection that a new ministack lives as long as.
    fn bear(directory: &Path, port: u16) -> anyhow::Result<UnixStream> {
        let mut starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
        // Put back only where it takes connections: one that has died is followed by another.
        let (nursery, mut life) = match starter.take().map(Self::connected) {
            Some(Ok(connected)) => connected,
            _ => match std::env::var_os(SHARED_NURSERY) {
                Some(socket) => Self { socket: socket.into(), _process: None }.connected()?,
                None => Self::start()?.connected()?,
            },
        };
        *starter = Some(nursery);
        writeln!(life, "{}", json!({ "directory": directory, "port": port }))?;
        life.set_read_timeout(Some(END_TIMEOUT))?;
        life.set_nonblocking(true)?;
        Ok(life)
    }

    fn connected(self) -> std::io::Result<(Self, UnixStream)> {
        let life = UnixStream::connect(&self.socket)?;
        Ok((self, life))
    }

    /// A command whose processes share this nursery: what it has imported, none of them imports again.
    pub fn share(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        command.env(SHARED_NURSERY, &self.socket);
        command
    }

    pub fn start() -> anyhow::Result<Self> {
        use std::os::unix::process::CommandExt;

        let python = virtual_environment().join("bin/python");
        if !python.exists() {
            bail!("{} is missing: run `make` once, it prepares the environment", python.display());
        }
        let mut process = Command::new(python)
            .args(["-c", NURSERY])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", std::env::temp_dir())
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_HOST", "127.0.0.1")
            .env("SFTP_ENABLED", "0")
            .env("IOT_MTLS_ENABLED", "0")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", crate::clients::REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let mut socket = String::new();
        BufReader::new(process.stdout.take().context("it has no output")?).read_line(&mut socket)?;
        ensure!(!socket.is_empty(), "it has ended at once");
        Ok(Self { socket: PathBuf::from(socket.trim_end()), _process: Some(process) })
    }
}

/// The project's Python environment.
pub fn virtual_environment() -> PathBuf {
    std::env::var_os("LENDPEAK2_VENV").map_or_else(|| crate::workspace().join(".venv"), PathBuf::from)
}

/// A TCP port that no other sandbox picks: whoever picks one holds the UDP port of that number as long as it lives.
#[derive(Debug)]
struct ReservedPort {
    number: u16,
    _held: UdpSocket,
}

impl ReservedPort {
    fn new() -> anyhow::Result<Self> {
        // Each begins elsewhere: what still asks a sandbox that has ended must not be answered by the next one.
        let begin = std::process::id() as usize + STARTED.fetch_add(1, Ordering::Relaxed);
        let mut candidates = PORTS.cycle().skip(begin % PORTS.len()).take(PORTS.len());
        candidates.find_map(Self::of).context("no port is free")
    }

    fn of(number: u16) -> Option<Self> {
        let held = UdpSocket::bind(("127.0.0.1", number)).ok()?;
        TcpListener::bind(("127.0.0.1", number)).ok()?;
        Some(Self { number, _held: held })
    }
}

async fn answers(address: &str) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else {
        return false;
    };
    let request = format!("GET /_ministack/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return false;
    }
    let mut answer = String::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut answer)).await;
    answer.starts_with("HTTP/1.1 200")
}

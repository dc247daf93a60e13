//! The local AWS: one `ministack` process on a free loopback port, gone with whoever started it.

use std::net::{TcpListener, UdpSocket};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// Importing Python modules on a cold, busy disk takes the longest part of this.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);
/// Below those that systems give to outgoing connections: one of these could have got the port before ministack
/// listens there.
const PORTS: Range<u16> = 20_000..32_000;
/// By this process.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// Ends the emulator, its function processes and its files once standard input closes, which the
/// kernel does for us however this process ends. The functions are in the same process group.
const GUARDED_START: &str = r"
import os, shutil, signal, sys, threading
from ministack.app import main

def end_with_starter():
    while os.read(0, 1):
        pass
    shutil.rmtree(os.environ['STATE_DIR'], ignore_errors=True)
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=end_with_starter, daemon=True).start()
sys.argv = ['ministack']
main()
";

/// A running local AWS. Dropping it kills it, with every function it started.
#[derive(Debug)]
pub struct Ministack {
    process: Child,
    address: String,
    directory: TempDir,
    _port: ReservedPort,
}

impl Ministack {
    /// Starts one and waits until it answers.
    pub async fn start() -> anyhow::Result<Self> {
        let python = virtual_environment().join("bin/python");
        if !python.exists() {
            bail!("{} is missing: run `make` once, it prepares the environment", python.display());
        }
        let directory = tempfile::Builder::new().prefix("lendpeak2-sandbox-").tempdir()?;
        let port = ReservedPort::new()?;
        let process = spawn(&python, directory.path(), port.number)
            .with_context(|| format!("cannot start ministack with {}", python.display()))?;
        let mut started =
            Self { process, address: format!("127.0.0.1:{}", port.number), directory, _port: port };
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
        std::fs::read_to_string(log_path(self.directory.path())).unwrap_or_default()
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while started.elapsed() < START_TIMEOUT {
            if let Some(status) = self.process.try_wait()? {
                bail!("ministack ended with {status}:\n{}", self.log());
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
        drop(self.process.stdin.take());
        for _ in 0..100 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The project's Python environment.
pub fn virtual_environment() -> PathBuf {
    std::env::var_os("LENDPEAK2_VENV").map_or_else(|| crate::workspace().join(".venv"), PathBuf::from)
}

fn spawn(python: &Path, directory: &Path, port: u16) -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt;

    let log = std::fs::File::create(log_path(directory))?;
    Command::new(python)
        .args(["-c", GUARDED_START])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", directory)
        .env("TMPDIR", directory)
        .env("STATE_DIR", directory)
        .env("S3_DATA_DIR", directory.join("s3"))
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("SFTP_ENABLED", "0")
        .env("IOT_MTLS_ENABLED", "0")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", crate::clients::REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
}

fn log_path(directory: &Path) -> PathBuf {
    directory.join("ministack.log")
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

//! Another local AWS: one `moto` process on a free loopback port, gone with whoever started it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::clients::{ACCOUNT, REGION};
use crate::deploy::TASKS;
use crate::ministack::virtual_environment;

/// On a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(1);

const SERVER: &str = include_str!("moto/server.py");

/// A running moto. Dropping it kills it.
#[derive(Debug)]
pub struct Moto {
    address: String,
    directory: TempDir,
    /// Its standard input is open as long as it runs: it ends with this process too.
    _process: Child,
}

impl Moto {
    /// Starts one and waits until it answers.
    pub async fn start() -> anyhow::Result<Self> {
        let python = virtual_environment().join("bin/python");
        let directory = tempfile::Builder::new().prefix("lendpeak2-peer-").tempdir()?;
        let log = std::fs::File::create(directory.path().join("moto.log"))?;
        let mut process = Command::new(&python)
            .args(["-c", SERVER])
            .current_dir(directory.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", directory.path())
            .env("TMPDIR", directory.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("MOTO_ACCOUNT_ID", ACCOUNT)
            // Else a new service's tasks would be pending for ever.
            .env("MOTO_ECS_SERVICE_RUNNING", TASKS.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!("cannot start {}: run `make` once, it prepares the environment", python.display())
            })?;
        let mut port = String::new();
        let mut output = BufReader::new(process.stdout.take().context("it has no output")?);
        let read = tokio::time::timeout(START_TIMEOUT, output.read_line(&mut port)).await;
        let address = format!("127.0.0.1:{}", port.trim_end());
        let started = Self { address, directory, _process: process };
        ensure!(matches!(read, Ok(Ok(1..))), "moto does not start:\n{}", started.log());
        Ok(started)
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All its files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What it printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory().join("moto.log")).unwrap_or_default()
    }
}

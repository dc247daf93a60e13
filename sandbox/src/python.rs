//! This project's Python programs, run beside a sandbox.

use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;

use crate::clients::REGION;
use crate::ministack::virtual_environment;

/// On a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// How a program ended, and what it printed. The gateway at `endpoint` is its AWS, and records its calls under `name`.
pub async fn run(arguments: &[&str], endpoint: &str, name: &str) -> anyhow::Result<Output> {
    let python = virtual_environment().join("bin/python");
    let mut command = Command::new(&python);
    command
        .args(arguments)
        .current_dir(crate::workspace())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_SDK_UA_APP_ID", name)
        // What whoever runs the tests has set up for AWS is not for them.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(PATIENCE, command.output()).await;
    ended.context("a Python program does not end")?.with_context(|| {
        format!("cannot start {}: run `make` once, it prepares the environment", python.display())
    })
}

/// What a program printed, and what it complained of.
pub fn printed(ended: &Output) -> String {
    [&ended.stdout, &ended.stderr].map(|text| String::from_utf8_lossy(text)).concat()
}

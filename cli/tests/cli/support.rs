//! A sandbox to type at, and what the program says there.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use serde_json::Value;

/// Where the root workspace's sandbox is: `cargo build` there makes `target/debug/sandbox`.
const SANDBOX: &str = "LENDPEAK2_SANDBOX";

/// A running sandbox; it ends with this.
pub(crate) struct Sandbox {
    child: Child,
    pub(crate) url: String,
}

impl Sandbox {
    pub(crate) fn start(mode: &str) -> Self {
        Self::start_with(mode, &[])
    }

    /// The same with more arguments of the sandbox's own.
    pub(crate) fn start_with(mode: &str, parameters: &[&str]) -> Self {
        let Some(program) = std::env::var_os(SANDBOX) else {
            panic!(
                "{SANDBOX} is not set. These tests need the sandbox: run `cargo build --workspace` in the \
                 repository's root, and set {SANDBOX} to its target/debug/sandbox"
            );
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let mut child = Command::new(&program)
            .args(["--port", &port, "--mode", mode])
            .args(parameters)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", Path::new(&program).display()));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.find_map(|line| line.unwrap().strip_prefix("sandbox ready ").map(str::to_owned));
        let url = ready.expect("the sandbox ended before it was ready");
        Self { child, url }
    }

    /// The program, as somebody types it who has set nothing else.
    pub(crate) fn lendpeak2(&self, arguments: &[&str]) -> Command {
        let mut command = lendpeak2(arguments);
        command.env("AWS_ENDPOINT_URL", &self.url);
        command
    }

    /// Somebody else's way to its AWS, beside the program.
    pub(crate) fn aws(&self) -> SdkConfig {
        let credentials = Credentials::new("test", "test", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&self.url)
            .build()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(&mut self.lendpeak2(arguments))
    }

    /// From now on nobody is allowed this call.
    pub(crate) fn deny(&self, service: &str, operation: &str) {
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let request = format!(
            "POST /_sandbox/deny?service={service}&operation={operation} HTTP/1.1\r\nhost: {host}\r\n\
             content-length: 0\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// What is asked of the sandbox's functions by another way than the program.
    pub(crate) fn typed(&self, folder: &str) {
        let mut files: Vec<PathBuf> = std::fs::read_dir(format!("tests/cmd/{folder}"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            // Beside them are the folders that they are typed in.
            .filter(|path| path.extension().is_some_and(|end| end == "trycmd"))
            .collect();
        files.sort();
        assert!(!files.is_empty());
        // One after the other: each finds what the one before has left.
        for file in files {
            println!("{}", file.display());
            let cases = trycmd::TestCases::new();
            for (name, value) in alone() {
                cases.env(name, value);
            }
            cases.env("AWS_ENDPOINT_URL", &self.url).case(file);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // By a signal: it has children of its own to end.
        let ended = Command::new("kill").arg(self.child.id().to_string()).status();
        if !ended.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Where calls of AWS are waited for.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Without a sandbox, and without anything that this machine's user has set up.
pub(crate) fn lendpeak2(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lendpeak2"));
    for (name, _) in std::env::vars() {
        if name.starts_with("AWS_") || name.starts_with("LENDPEAK2_") || name == "COLUMNS" {
            command.env_remove(name);
        }
    }
    command.args(arguments).envs(alone()).stdin(Stdio::null());
    command
}

/// No files and no instance that would have credentials.
fn alone() -> [(&'static str, &'static str); 4] {
    [
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("LENDPEAK2_BY", "Ana"),
    ]
}

pub(crate) fn said(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}

/// As a person types it on a terminal, who answers what is asked.
pub(crate) fn on_a_terminal(typed: &Command, answers: &str) -> Said {
    let mut command = Command::new("python3");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal.py");
    command.args([script, answers]).arg(typed.get_program()).args(typed.get_args());
    if let Some(folder) = typed.get_current_dir() {
        command.current_dir(folder);
    }
    surrounded(&mut command, typed);
    said(command.env("TERM", "xterm"))
}

/// Gives a command the environment of another.
pub(crate) fn surrounded(command: &mut Command, by: &Command) {
    for (name, value) in by.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

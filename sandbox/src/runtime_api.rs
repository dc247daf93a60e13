//! Runs one native bootstrap under a Lambda Runtime API of our own, without the local AWS: for tests
//! that kill it, and for measurements.

mod server;

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

use server::{Posted, Runtime};

/// What came of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Ok(Value),
    Err {
        error_type: String,
        error_message: String,
    },
    /// The process ended first, with this exit code; none if a signal ended it.
    Exited(Option<i32>),
    /// The deadline passed first. The process still runs.
    TimedOut,
}

/// A running bootstrap. Dropping it kills it.
#[derive(Debug)]
pub struct Bootstrap {
    id: u32,
    started: Instant,
    runtime: Arc<Runtime>,
    answers: tokio::sync::Mutex<mpsc::UnboundedReceiver<Posted>>,
    exited: watch::Receiver<Option<ExitStatus>>,
    kill: Arc<Notify>,
    log: Arc<Mutex<String>>,
    _running: JoinSet<()>,
}

impl Bootstrap {
    /// Starts the binary at `path` with `environment` and nothing else of this process's.
    /// `AWS_LAMBDA_FUNCTION_NAME` and its kind have defaults that `environment` may replace.
    pub async fn start(path: &Path, environment: &[(String, String)]) -> anyhow::Result<Self> {
        Self::start_with(path, &[], environment).await
    }

    /// The same for a program that takes arguments, such as an interpreter.
    pub async fn start_with(
        path: &Path,
        arguments: &[String],
        environment: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let mut running = JoinSet::new();
        let (runtime, answers, address) = Runtime::serve(&mut running).await?;
        let started = Instant::now();
        let mut child = command(path, &address, environment)
            .args(arguments)
            .spawn()
            .with_context(|| format!("cannot start {}", path.display()))?;
        let id = child.id().context("the process ended at once")?;
        let log = Arc::new(Mutex::new(String::new()));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        running.spawn(keep_lines(stdout, Arc::clone(&log)));
        running.spawn(keep_lines(stderr, Arc::clone(&log)));
        let (set_exited, exited) = watch::channel(None);
        let kill = Arc::new(Notify::new());
        running.spawn(watch_over(child, Arc::clone(&kill), set_exited));
        let answers = tokio::sync::Mutex::new(answers);
        Ok(Self { id, started, runtime, answers, exited, kill, log, _running: running })
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits until it asks for its first event and says how long that took from its start.
    /// None if it ended or reported an error instead.
    pub async fn ready(&self) -> Option<Duration> {
        let mut first_poll = self.runtime.first_poll.subscribe();
        let mut exited = self.exited.clone();
        tokio::select! {
            biased;
            polled = first_poll.wait_for(Option::is_some) => polled.ok()?.map(|at| at - self.started),
            _ = exited.wait_for(Option::is_some) => None,
        }
    }

    /// The error that it reported while starting, if any.
    pub fn init_error(&self) -> Option<Answer> {
        self.runtime.init_error.borrow().clone()
    }

    /// Hands it one event and waits for its answer, no longer than until `deadline` from now.
    pub async fn invoke(&self, event: impl Into<Vec<u8>>, deadline: Duration) -> Answer {
        let mut answers = self.answers.lock().await;
        let request = self.runtime.queue(event.into(), deadline);
        let mut exited = self.exited.clone();
        let ended = async {
            let status = exited.wait_for(Option::is_some).await;
            Answer::Exited(status.ok().and_then(|status| status.as_ref().and_then(ExitStatus::code)))
        };
        let answered = async {
            loop {
                match answers.recv().await {
                    Some(posted) if posted.request == request => return posted.answer,
                    Some(_) => {}
                    None => return Answer::TimedOut,
                }
            }
        };
        tokio::select! {
            biased;
            answer = answered => answer,
            answer = ended => answer,
            () = tokio::time::sleep(deadline) => Answer::TimedOut,
        }
    }

    /// Kills it, as Lambda may at any time, and waits until it is gone.
    pub async fn kill(&self) {
        self.kill.notify_one();
        let _ = self.exited.clone().wait_for(Option::is_some).await;
    }

    /// All that it printed so far, line by line.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn command(path: &Path, runtime_api: &str, environment: &[(String, String)]) -> Command {
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "lendpeak2-production-function")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/lendpeak2-production-function")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "sandbox")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .env("AWS_REGION", crate::clients::REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn keep_lines(output: Option<impl AsyncRead + Unpin>, log: Arc<Mutex<String>>) {
    let Some(output) = output else { return };
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&line);
        log.push('\n');
    }
}

async fn watch_over(mut child: Child, kill: Arc<Notify>, exited: watch::Sender<Option<ExitStatus>>) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = kill.notified() => {
            let _ = child.start_kill();
            child.wait().await
        }
    };
    let _ = exited.send(status.ok());
}

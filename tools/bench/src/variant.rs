//! What is compared: each job as our function; some of them as a boto3 handler and as commands of the AWS CLI; and starts
//! that do no job.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use jiff::Timestamp;
use sandbox::clients::REGION;
use sandbox::python::virtual_environment;
use scenarios::job::{Job, NOW, Peer};
use scenarios::scenario;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::endpoint::Endpoint;

/// What has no job to do has this one.
pub(super) const NOTHING: &str = "";

/// The job that is also done by a function with every default.
const OF_DEFAULTS: &str = "scale-up";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// A Runtime API client with nothing around it.
    Floor,
    /// `lambda_runtime` alone.
    Hello,
    Ours,
    /// In Rust, with every default.
    Defaults,
    Boto3,
    /// The same on a pool of threads.
    Boto3Threads,
    Cli,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Floor => "Runtime API client alone",
            Self::Hello => "`lambda_runtime` alone",
            Self::Ours => "ours",
            Self::Defaults => "Rust, defaults",
            Self::Boto3 => "boto3",
            Self::Boto3Threads => "boto3, threads",
            Self::Cli => "CLI commands",
        }
    }

    /// Whether it is a binary that is uploaded as it is.
    pub(super) fn is_binary(self) -> bool {
        matches!(self, Self::Floor | Self::Hello | Self::Ours | Self::Defaults)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Variant {
    /// The job's, or [`NOTHING`].
    pub(super) job: &'static str,
    pub(super) kind: Kind,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) expected: Value,
    event: Value,
}

/// Where the binaries are.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// Our functions', and the starts' that do nothing.
    pub ours: PathBuf,
    /// Of the one that is built with every default.
    pub defaults: PathBuf,
}

/// All that this machine has the parts for.
pub(super) fn all(binaries: &Binaries, endpoint: &Endpoint) -> anyhow::Result<Vec<Variant>> {
    let python = virtual_environment().join("bin/python");
    ensure!(
        python.exists(),
        "{} is missing: run `make bench`, it prepares the environment",
        python.display()
    );
    let mut variants = nothing(binaries, endpoint)?;
    for job in scenario::jobs(&endpoint.addresses) {
        variants.extend(of(&job, binaries, &python, endpoint)?);
    }
    Ok(variants)
}

/// Our functions, each once for each job, and nothing that they are compared with.
pub(super) fn ours(binaries: &Binaries, endpoint: &Endpoint) -> anyhow::Result<Vec<Variant>> {
    let mut variants = nothing(binaries, endpoint)?;
    for job in scenario::jobs(&endpoint.addresses) {
        variants.push(ours_for(&job, binaries, endpoint)?);
    }
    Ok(variants)
}

fn nothing(binaries: &Binaries, endpoint: &Endpoint) -> anyhow::Result<Vec<Variant>> {
    let starts = [(Kind::Floor, "floor"), (Kind::Hello, "hello")];
    let variant = |(kind, name)| {
        Ok(Variant {
            job: NOTHING,
            kind,
            program: copy_of(&binaries.ours, name, endpoint)?,
            arguments: Vec::new(),
            environment: common(endpoint, &endpoint.addresses.aws),
            expected: json!({ "hello": true }),
            event: json!({}),
        })
    };
    starts.into_iter().map(variant).collect()
}

fn ours_for(job: &Job, binaries: &Binaries, endpoint: &Endpoint) -> anyhow::Result<Variant> {
    Ok(Variant {
        job: job.name,
        kind: Kind::Ours,
        program: copy_of(&binaries.ours, job.function, endpoint)?,
        arguments: Vec::new(),
        environment: environment(job, endpoint),
        expected: job.expected.clone(),
        event: job.event.clone(),
    })
}

fn of(job: &Job, binaries: &Binaries, python: &Path, endpoint: &Endpoint) -> anyhow::Result<Vec<Variant>> {
    let ours = ours_for(job, binaries, endpoint)?;
    let by_python = |kind, arguments: &[String]| Variant {
        kind,
        program: python.to_owned(),
        arguments: arguments.to_owned(),
        ..ours.clone()
    };
    let handler = |kind, name: &str| {
        let handler = format!("{}_boto3.{name}", job.function.replace('-', "_"));
        by_python(kind, &["-m".to_owned(), "awslambdaric".to_owned(), handler])
    };
    let mut variants = vec![ours.clone()];
    if job.name == OF_DEFAULTS {
        match copy_of(&binaries.defaults, "defaults", endpoint) {
            Ok(program) => variants.push(Variant { kind: Kind::Defaults, program, ..ours.clone() }),
            Err(missing) => println!("{} with Rust's defaults is left out: {missing}", job.name),
        }
    }
    for peer in job.peers {
        match peer {
            Peer::Boto3 => variants.push(handler(Kind::Boto3, "handler")),
            Peer::Boto3Threads => variants.push(handler(Kind::Boto3Threads, "threads_handler")),
            Peer::Commands if job.needs_curl && !has_curl() => {
                println!("{} as CLI commands is left out: curl is not installed.", job.name);
            }
            Peer::Commands => {
                let files = ["measure.py".to_owned(), format!("{}-cli.sh", job.function)];
                let files = files.map(|file| scripts().join(file).display().to_string());
                variants.push(by_python(Kind::Cli, &files));
            }
        }
    }
    Ok(variants)
}

fn environment(job: &Job, endpoint: &Endpoint) -> Vec<(String, String)> {
    let own = job.environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    own.chain(common(endpoint, &job.aws)).collect()
}

/// What Lambda would set, and where the canned AWS is.
fn common(endpoint: &Endpoint, aws: &str) -> Vec<(String, String)> {
    let authority = endpoint.authority();
    let text = |path: &Path| path.display().to_string();
    let mut environment = pairs(&[
        ("ENVIRONMENT", "production"),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_SESSION_TOKEN", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_PAGER", ""),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("AWS_ENDPOINT_URL", aws),
    ]);
    let aws = virtual_environment().join("bin/aws");
    let paths = [
        ("AWS_CA_BUNDLE", text(&authority)),
        // The same for the SDK for Rust, which knows no other way.
        ("SSL_CERT_FILE", text(&authority)),
        ("AWS", text(&aws)),
        ("PYTHONPATH", text(&scripts())),
    ];
    environment.extend(paths.map(|(name, value)| (name.to_owned(), value)));
    // No profile of whoever runs this may change what is measured.
    environment.push(("HOME".to_owned(), authority.parent().map(text).unwrap_or_default()));
    environment.push(("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()));
    environment
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn scripts() -> PathBuf {
    sandbox::workspace().join("tools/bench")
}

/// Of a binary, made now. How the kernel keeps a file in memory goes with how it came there: of the same binary, what a
/// linker wrote piece by piece has been seen to take a fifth more processor time to start, and what was read from the
/// disk a half.
fn copy_of(binaries: &Path, name: &str, endpoint: &Endpoint) -> anyhow::Result<PathBuf> {
    let path = binaries.join(name);
    ensure!(path.exists(), "{} is missing: run `make bench`, it builds it", path.display());
    let copy = tempfile::tempdir_in(endpoint.folder())?.keep().join(name);
    std::fs::copy(&path, &copy).with_context(|| format!("cannot copy {}", path.display()))?;
    Ok(copy)
}

fn has_curl() -> bool {
    let found = std::process::Command::new("curl").arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

impl Variant {
    pub(super) fn name(&self) -> String {
        match self.job {
            NOTHING => self.kind.name().replace('`', ""),
            job if self.kind == Kind::Ours => job.to_owned(),
            job => format!("{job}, {}", self.kind.name()),
        }
    }

    /// The event as it is sent now.
    pub(super) fn event(&self) -> String {
        self.event.to_string().replace(NOW, &Timestamp::now().to_string())
    }

    /// Asks another AWS.
    pub(super) fn ask(&mut self, aws: &str) {
        self.environment.retain(|(name, _)| name != "AWS_ENDPOINT_URL");
        self.environment.push(("AWS_ENDPOINT_URL".to_owned(), aws.to_owned()));
    }

    /// The binary as it would be uploaded, in megabytes; none where Lambda or the machine brings the parts.
    pub(super) fn zip_mb(&self) -> anyhow::Result<Option<f64>> {
        const BEST: i64 = 9;
        if !self.kind.is_binary() {
            return Ok(None);
        }
        let binary = std::fs::read(&self.program)
            .with_context(|| format!("cannot read {}", self.program.display()))?;
        let method = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(BEST));
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("bootstrap", method)?;
        zip.write_all(&binary)?;
        Ok(Some(super::units::megabytes(zip.finish()?.into_inner().len() as u64)))
    }
}

//! The functions that run on the stack in memory: the one place where their crates are named.

use std::pin::Pin;

use diagnose::Diagnose;
use serde_json::Value;
use shared::{
    aws::Aws,
    error::Error,
    lambda::{Invocation, Task},
    remedy::Remedy,
    runner::Runner,
    settings::{Environment, SettingsError},
};
use subject::Subject;

/// A function that was started.
pub trait Runs {
    fn run<'a>(
        &'a self,
        invocation: &'a Invocation,
    ) -> Pin<Box<dyn Future<Output = Result<Value, Error>> + 'a>>;
}

impl<T: Task> Runs for T {
    fn run<'a>(
        &'a self,
        invocation: &'a Invocation,
    ) -> Pin<Box<dyn Future<Output = Result<Value, Error>> + 'a>> {
        Box::pin(self.handle(invocation))
    }
}

pub type Started = Result<Box<dyn Runs>, SettingsError>;

#[derive(Debug, Clone, Copy)]
pub struct Function {
    subject: &'static Subject,
    /// Starts it with this way to AWS.
    start: fn(&Environment, &Aws) -> Started,
}

/// By name. The probe is not among them: it asks no AWS for what it is about, and is fed elsewhere.
pub static FUNCTIONS: [Function; 8] = [
    Function {
        subject: &subject::cache_invalidation::SUBJECT,
        start: remedy::<cache_invalidation::CacheInvalidation>,
    },
    Function {
        subject: &subject::diagnose::SUBJECT,
        start: |environment, aws| started(Diagnose::with_aws(environment, aws)),
    },
    Function {
        subject: &subject::incident::SUBJECT,
        start: |environment, aws| started(incident::Handler::with_aws(environment, aws)),
    },
    Function { subject: &subject::restart::SUBJECT, start: remedy::<restart::Restart> },
    Function { subject: &subject::rollback::SUBJECT, start: remedy::<rollback::Rollback> },
    Function { subject: &subject::scale_up::SUBJECT, start: remedy::<scale_up::ScaleUp> },
    Function {
        subject: &subject::snapshot_restore::SUBJECT,
        start: remedy::<snapshot_restore::SnapshotRestore>,
    },
    Function { subject: &subject::write_freeze::SUBJECT, start: remedy::<write_freeze::WriteFreeze> },
];

fn remedy<R: Remedy + 'static>(environment: &Environment, aws: &Aws) -> Started {
    started(Runner::<R>::with_aws(environment, aws.clone()))
}

fn started<T: Task + 'static>(made: Result<T, SettingsError>) -> Started {
    Ok(Box::new(made?))
}

impl Function {
    pub fn name(&self) -> &'static str {
        self.subject.name
    }

    /// As in the names of its targets.
    pub fn snake(&self) -> String {
        self.subject.snake()
    }

    pub fn start(&self, environment: &Environment, aws: &Aws) -> Started {
        (self.start)(environment, aws)
    }
}

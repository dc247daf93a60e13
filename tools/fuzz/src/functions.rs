//! The functions that run on the stack in memory: the one place where their crates are named.

use std::pin::Pin;

use diagnose::Diagnose;
use serde_json::Value;
use shared::{
    aws::Aws,
    error::Error,
    lambda::{Invocation, Task},
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
    /// Starts it over an AWS that is there already.
    start: fn(&Environment, &Aws) -> Started,
}

/// By name. The probe is not among them: it asks no AWS for what it is about, and is fed elsewhere.
pub static FUNCTIONS: [Function; 8] = [
    Function {
        subject: &subject::cache_invalidation::SUBJECT,
        start: |environment, aws| started(cache_invalidation::over(environment, aws.clone())),
    },
    Function {
        subject: &subject::diagnose::SUBJECT,
        start: |environment, aws| started(Diagnose::over(environment, aws)),
    },
    Function {
        subject: &subject::incident::SUBJECT,
        start: |environment, aws| started(incident::Handler::with_aws(environment, aws)),
    },
    Function {
        subject: &subject::restart::SUBJECT,
        start: |environment, aws| started(restart::over(environment, aws.clone())),
    },
    Function {
        subject: &subject::rollback::SUBJECT,
        start: |environment, aws| started(rollback::over(environment, aws.clone())),
    },
    Function {
        subject: &subject::scale_up::SUBJECT,
        start: |environment, aws| started(scale_up::over(environment, aws.clone())),
    },
    Function {
        subject: &subject::snapshot_restore::SUBJECT,
        start: |environment, aws| started(snapshot_restore::over(environment, aws.clone())),
    },
    Function {
        subject: &subject::write_freeze::SUBJECT,
        start: |environment, aws| started(write_freeze::over(environment, aws.clone())),
    },
];

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

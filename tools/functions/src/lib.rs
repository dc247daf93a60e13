//! The functions, as their crates have them: the one list of these crates. The fuzzer runs them on a stack in memory, and
//! the documents are printed from what they declare.

use std::pin::Pin;

use anyhow::Result;
use serde_json::Value;
use shared::{
    aws::Aws,
    code::Code,
    error::Error,
    lambda::{Invocation, Task},
    remedy::Remedy,
    runner::Runner,
    settings::{Environment, SettingsError},
    trigger::{self, Trigger},
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
    /// Its own reason codes.
    pub codes: &'static [&'static Code],
    /// The request that it shows to a caller who sent none.
    pub example: &'static str,
    /// Starts it with this way to AWS.
    start: fn(&Environment, &Aws) -> Started,
    /// Reads what it is sent, and asks nothing of AWS.
    takes: fn(&Environment, &Invocation) -> Result<()>,
}

/// By name, all but the probe: that asks AWS for nothing that it is about.
pub static FUNCTIONS: [Function; subject::COUNT - 1] = [
    remedy::<cache_invalidation::CacheInvalidation>(
        &subject::cache_invalidation::SUBJECT,
        cache_invalidation::codes::CODES,
    ),
    Function {
        subject: &subject::diagnose::SUBJECT,
        codes: &[],
        example: diagnose::Diagnose::EXAMPLE,
        start: |environment, aws| started(diagnose::Diagnose::with_aws(environment, aws)),
        takes: |_, invocation| {
            diagnose::request::from_triggers(&trigger::parse(invocation)?)?;
            Ok(())
        },
    },
    Function {
        subject: &subject::incident::SUBJECT,
        codes: incident::codes::CODES,
        example: incident::Handler::EXAMPLE,
        start: |environment, aws| started(incident::Handler::with_aws(environment, aws)),
        takes: |_, invocation| {
            for trigger in trigger::parse(invocation)? {
                if let Some(asked) = trigger.asked() {
                    incident::request::Request::new(&trigger, asked)?;
                }
            }
            Ok(())
        },
    },
    remedy::<restart::Restart>(&subject::restart::SUBJECT, restart::codes::CODES),
    remedy::<rollback::Rollback>(&subject::rollback::SUBJECT, rollback::codes::CODES),
    remedy::<scale_up::ScaleUp>(&subject::scale_up::SUBJECT, scale_up::codes::CODES),
    remedy::<snapshot_restore::SnapshotRestore>(
        &subject::snapshot_restore::SUBJECT,
        snapshot_restore::codes::CODES,
    ),
    remedy::<write_freeze::WriteFreeze>(&subject::write_freeze::SUBJECT, write_freeze::codes::CODES),
];

static PROBE: Function = Function {
    subject: &subject::health_probe::SUBJECT,
    codes: &[],
    example: health_probe::Probe::EXAMPLE,
    start: |environment, _| started(health_probe::Probe::new(environment)),
    takes: |environment, invocation| {
        let settings = health_probe::settings::Settings::from_environment(environment)?;
        for asked in trigger::parse(invocation)?.iter().filter_map(Trigger::asked) {
            let request: health_probe::request::Request = asked.request_without_plan()?;
            request.checks(&settings)?;
            request.tries(&settings)?;
        }
        Ok(())
    },
};

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().chain([&PROBE])
}

const fn remedy<R: Remedy + 'static>(subject: &'static Subject, codes: &'static [&'static Code]) -> Function {
    Function {
        subject,
        codes,
        example: R::EXAMPLE,
        start: |environment, aws| started(Runner::<R>::with_aws(environment, aws.clone())),
        takes: |environment, invocation| {
            let runner = Runner::<R>::start(environment)?;
            for trigger in trigger::parse(invocation)? {
                runner.remedy().requests(&trigger)?;
            }
            Ok(())
        },
    }
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

    /// Whether it takes what it is sent. Nothing is asked of AWS.
    pub fn takes(&self, environment: &Environment, invocation: &Invocation) -> Result<()> {
        (self.takes)(environment, invocation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_has_its_crate() {
        assert_eq!(all().count(), subject::COUNT);
        for subject in subject::ALL {
            assert!(all().any(|function| function.subject == subject), "{}", subject.name);
        }
    }
}

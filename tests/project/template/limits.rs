//! What AWS allows, what of this stack comes near it, and what holds it below. What can be seen in the template is measured
//! there, as it is deployed; what only a run can reach is held by a constant of the code.

mod deployed;
mod of_runs;
mod of_template;

use anyhow::{Context, Result, ensure};
use sandbox::workspace;

use deployed::Deployed;
use of_runs::of_runs;
use of_template::{of_alarms_and_events, of_functions, of_the_rest, of_the_template};

struct Limit {
    what: &'static str,
    most: usize,
    /// Where AWS says so.
    page: &'static str,
    /// What of this stack comes near it.
    reached_by: &'static str,
    held_by: Held,
}

enum Held {
    /// What is measured, by names.
    Measured(fn(&Deployed) -> Vec<(String, usize)>),
    /// Constants of the code, as their files have them, and what comes on top of their sum.
    Constants(&'static [(&'static str, &'static str)], usize),
}

const CLOUDFORMATION: &str = "CloudFormation user guide, quotas";
const LAMBDA: &str = "Lambda developer guide, quotas";
const IAM: &str = "IAM user guide, quotas";
const CLOUDWATCH: &str = "CloudWatch user guide, quotas, and PutMetricAlarm";
const STEP_FUNCTIONS: &str = "Step Functions developer guide, quotas";
const DYNAMODB: &str = "DynamoDB developer guide, quotas";
const ALARM: &str = "AWS::CloudWatch::Alarm";
const FUNCTION: &str = "AWS::Lambda::Function";
const ROLE: &str = "AWS::IAM::Role";
const TEXT: &str = "shared/src/text.rs";
const ANSWER: (&str, &str) = (TEXT, "const MAX_ANSWER: usize = 100_000;");
const BODY: (&str, &str) = ("shared/src/trigger/mod.rs", "const MAX_BODY_BYTES: usize = 256 * 1024;");

fn measured(
    what: &'static str,
    most: usize,
    page: &'static str,
    reached_by: &'static str,
    of: fn(&Deployed) -> Vec<(String, usize)>,
) -> Limit {
    Limit { what, most, page, reached_by, held_by: Held::Measured(of) }
}

fn by_code(
    what: &'static str,
    most: usize,
    page: &'static str,
    reached_by: &'static str,
    constants: &'static [(&'static str, &'static str)],
) -> Limit {
    Limit { what, most, page, reached_by, held_by: Held::Constants(constants, 0) }
}

fn all() -> Vec<Limit> {
    [of_the_template(), of_functions(), of_alarms_and_events(), of_the_rest(), of_runs()]
        .into_iter()
        .flatten()
        .collect()
}

/// A constant's value, where its file still has it.
fn constant((file, written): (&str, &str)) -> Result<usize> {
    let text = std::fs::read_to_string(workspace().join(file)).with_context(|| file.to_owned())?;
    ensure!(text.contains(written), "{file} has no `{written}`");
    let (_, value) = written.split_once("= ").context("no value")?;
    let factors = value.trim_end_matches(';').split('*').map(|factor| factor.trim().replace('_', ""));
    factors.map(|factor| -> Result<usize> { Ok(factor.parse()?) }).product()
}

#[test]
fn whatever_aws_limits_is_held_below_it() -> Result<()> {
    let deployed = Deployed::all()?;
    for Limit { what, most, held_by, .. } in all() {
        match held_by {
            Held::Measured(of) => {
                for one in &deployed {
                    let found = of(one);
                    ensure!(!found.is_empty(), "no {what} were found");
                    for (name, value) in found {
                        ensure!(value > 0 && value <= most, "{name} has {value} {what}, of at most {most}");
                    }
                }
            }
            Held::Constants(constants, more) => {
                let sum = constants.iter().map(|one| constant(*one)).sum::<Result<usize>>()?;
                ensure!(sum + more <= most, "{sum} and {more} {what}, of at most {most}");
            }
        }
    }
    Ok(())
}

#[test]
fn every_limit_says_where_it_is_from_and_what_comes_near_it() {
    let mut known = std::collections::BTreeSet::new();
    for Limit { what, page, reached_by, .. } in all() {
        assert!(known.insert(what), "{what} is there twice");
        assert!(!page.is_empty() && !reached_by.is_empty(), "{what}");
    }
}

/// Ten resources more are another function; half of what there may be is time to think of a second stack.
#[test]
fn the_template_has_room_for_as_much_again() -> Result<()> {
    for one in Deployed::all()? {
        let resources = one.resources().count();
        assert!(resources <= 250, "{resources} resources");
    }
    Ok(())
}

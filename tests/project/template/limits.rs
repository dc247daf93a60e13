//! What AWS allows, what of this stack comes near it, and what holds it below. What can be seen in the template is measured
//! there, as it is deployed; what only a run can reach is held by a constant of the code.

use anyhow::{Context, Result, ensure};
use sandbox::workspace;
use serde_json::{Map, Value, json};

use crate::template::{
    document::Template,
    environments::{environments, expanded},
};

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

/// The template as CloudFormation gets it.
struct Deployed {
    expanded: Value,
    values: Map<String, Value>,
}

/// Longer than any ARN of this stack.
const REFERENCE: usize = 130;

impl Deployed {
    /// For each environment of `samconfig.toml`, and for one with the longest name that there may be.
    fn all() -> Result<Vec<Self>> {
        let template = Template::read()?;
        let mut all = Vec::new();
        for environment in environments()? {
            let values = environment.values(&template)?;
            let mut longest = values.clone();
            longest.insert("Environment".to_owned(), json!("e".repeat(20)));
            for values in [values, longest] {
                all.push(Self { expanded: expanded(&values)?, values });
            }
        }
        Ok(all)
    }

    /// A value as it is deployed, every condition held.
    fn resolved(&self, value: &Value) -> Value {
        if let Some(choice) = value.get("Fn::If") {
            return self.resolved(&choice[1]);
        }
        if value.get("Ref").is_some() || value.get("Fn::GetAtt").is_some() || value.get("Fn::Sub").is_some() {
            return json!(self.text(value));
        }
        match value {
            Value::Object(fields) => {
                fields.iter().map(|(name, field)| (name.clone(), self.resolved(field))).collect()
            }
            Value::Array(items) => items.iter().map(|item| self.resolved(item)).collect(),
            other => other.clone(),
        }
    }

    fn text(&self, value: &Value) -> String {
        if let Some(choice) = value.get("Fn::If") {
            return self.text(&choice[1]);
        }
        if let Some(name) = value["Ref"].as_str() {
            return self.named(name);
        }
        if value.get("Fn::GetAtt").is_some() {
            return "x".repeat(REFERENCE);
        }
        let (text, own) = match &value["Fn::Sub"] {
            Value::Array(both) => (both.first(), both.get(1)),
            Value::Null => return value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            text => (Some(text), None),
        };
        let mut parts = text.and_then(Value::as_str).unwrap_or_default().split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap_or((part, ""));
            let of_its_own = own.and_then(|own| own.get(name));
            whole += &of_its_own.map_or_else(|| self.named(name), |value| self.text(value));
            whole += rest;
        }
        whole
    }

    fn named(&self, name: &str) -> String {
        match name {
            "AWS::Partition" => "aws-us-gov".to_owned(),
            "AWS::Region" => "ap-southeast-1".to_owned(),
            "AWS::AccountId" => "123456789012".to_owned(),
            _ => match self.values.get(name) {
                Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                None => "x".repeat(REFERENCE),
            },
        }
    }

    fn resources(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.expanded["Resources"].as_object().into_iter().flatten()
    }

    fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let of_type = self.resources().filter(move |(_, resource)| resource["Type"] == kind);
        of_type.map(|(name, resource)| (name, &resource["Properties"]))
    }

    /// How long a property of all resources of a type is.
    fn lengths(&self, kind: &str, property: &str) -> Vec<(String, usize)> {
        let given = self.of_type(kind).filter(|(_, resource)| !resource[property].is_null());
        given.map(|(name, resource)| (name.clone(), self.text(&resource[property]).chars().count())).collect()
    }

    /// How many entries a property of all resources of a type has.
    fn counts(&self, kind: &str, property: &str) -> Vec<(String, usize)> {
        let of_type =
            self.of_type(kind).filter_map(|(name, resource)| Some((name, resource[property].as_array()?)));
        of_type.map(|(name, entries)| (name.clone(), entries.len())).collect()
    }

    /// How many there are in a part of the template.
    fn count(&self, part: &str) -> Vec<(String, usize)> {
        vec![(part.to_owned(), self.expanded[part].as_object().map_or(0, Map::len))]
    }
}

fn machines() -> Vec<(String, String)> {
    ["service-down", "snapshot-restore"]
        .map(|name| {
            let path = workspace().join(format!("statemachines/{name}.asl.json"));
            (name.to_owned(), std::fs::read_to_string(path).unwrap_or_default())
        })
        .into()
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

/// Of the template.
fn of_the_template() -> Vec<Limit> {
    vec![
        measured("bytes of a template in S3", 1 << 20, CLOUDFORMATION, "what SAM makes of it", |it| {
            vec![("template".to_owned(), it.expanded.to_string().len())]
        }),
        measured("resources of a template", 500, CLOUDFORMATION, "a function is about ten", |it| {
            it.count("Resources")
        }),
        measured("parameters", 200, CLOUDFORMATION, "each name and limit is one", |it| {
            it.count("Parameters")
        }),
        measured("outputs", 200, CLOUDFORMATION, "each function and topic is one", |it| it.count("Outputs")),
        measured("bytes of a template's description", 1_024, CLOUDFORMATION, "its description", |it| {
            vec![("template".to_owned(), it.text(&it.expanded["Description"]).len())]
        }),
        measured("characters of a parameter's description", 4_000, CLOUDFORMATION, "each of them", |it| {
            let all = it.expanded["Parameters"].as_object().into_iter().flatten();
            all.map(|(name, one)| (name.clone(), it.text(&one["Description"]).chars().count())).collect()
        }),
    ]
}

/// Of functions and what they may do.
fn of_functions() -> Vec<Limit> {
    vec![
        measured("bytes of a function's environment", 4_096, LAMBDA, "what all read, and its own", |it| {
            let size = |function: &Value| {
                let variables = function["Environment"]["Variables"].as_object().into_iter().flatten();
                variables.map(|(name, value)| name.len() + it.text(value).len()).sum::<usize>()
            };
            it.of_type(FUNCTION).map(|(name, function)| (name.clone(), size(function))).collect()
        }),
        measured("characters of a function's name", 64, LAMBDA, "cache-invalidation", |it| {
            it.lengths(FUNCTION, "FunctionName")
        }),
        measured("characters of a function's description", 256, LAMBDA, "each of them", |it| {
            it.lengths(FUNCTION, "Description")
        }),
        measured("seconds of a run", 900, LAMBDA, "each of them", |it| {
            let seconds = |function: &Value| it.text(&function["Timeout"]).parse().unwrap_or(usize::MAX);
            it.of_type(FUNCTION).map(|(name, function)| (name.clone(), seconds(function))).collect()
        }),
        measured("characters of a role's inline policies", 10_240, IAM, "rollback, snapshot-restore", |it| {
            let size = |role: &Value| {
                let policies = it.resolved(&role["Policies"]);
                let documents = policies.as_array().into_iter().flatten();
                let documents = documents.map(|policy| policy["PolicyDocument"].to_string());
                // IAM counts no white space.
                documents
                    .map(|text| text.chars().filter(|letter| !letter.is_whitespace()).count())
                    .sum::<usize>()
            };
            // The chat's role has a managed policy, which is its guardrail too.
            let inline = it.of_type(ROLE).filter(|(_, role)| !role["Policies"].is_null());
            inline.map(|(name, role)| (name.clone(), size(role))).collect()
        }),
        measured("characters of a role's trust policy", 2_048, IAM, "the schedules' role", |it| {
            let size = |role: &Value| it.resolved(&role["AssumeRolePolicyDocument"]).to_string().len();
            it.of_type(ROLE).map(|(name, role)| (name.clone(), size(role))).collect()
        }),
        measured("characters of a role's description", 1_000, IAM, "each of them", |it| {
            it.lengths(ROLE, "Description")
        }),
    ]
}

/// Of alarms and of what carries events.
fn of_alarms_and_events() -> Vec<Limit> {
    const EVENTBRIDGE: &str = "EventBridge user guide, quotas";
    const SCHEDULER: &str = "EventBridge Scheduler user guide, quotas";
    const RULE: &str = "AWS::Events::Rule";
    const SCHEDULE: &str = "AWS::Scheduler::Schedule";
    const TOPIC: &str = "AWS::SNS::Topic";
    vec![
        measured("characters of an alarm's name", 255, CLOUDWATCH, "each of them", |it| {
            it.lengths(ALARM, "AlarmName")
        }),
        measured("characters of an alarm's description", 1_024, CLOUDWATCH, "each of them", |it| {
            it.lengths(ALARM, "AlarmDescription")
        }),
        measured("actions of an alarm", 5, CLOUDWATCH, "notices-unheard tells three levels", |it| {
            [it.counts(ALARM, "AlarmActions"), it.counts(ALARM, "OKActions")].concat()
        }),
        measured("metrics of an alarm's metric math", 10, CLOUDWATCH, "alb-5xx-rate", |it| {
            it.counts(ALARM, "Metrics")
        }),
        measured("characters of a composite alarm's rule", 10_240, CLOUDWATCH, "service-down", |it| {
            it.lengths("AWS::CloudWatch::CompositeAlarm", "AlarmRule")
        }),
        measured("characters of a rule's name", 64, EVENTBRIDGE, "front-end-released", |it| {
            it.lengths(RULE, "Name")
        }),
        measured("targets of a rule", 5, EVENTBRIDGE, "one function each", |it| it.counts(RULE, "Targets")),
        measured("characters of a rule's pattern", 4_096, EVENTBRIDGE, "each of them", |it| {
            let size = |rule: &Value| it.resolved(&rule["EventPattern"]).to_string().len();
            it.of_type(RULE).map(|(name, rule)| (name.clone(), size(rule))).collect()
        }),
        measured("characters of a schedule's name", 64, SCHEDULER, "cache-invalidation-follow-up", |it| {
            it.lengths(SCHEDULE, "Name")
        }),
        measured("characters of a schedule group's name", 64, SCHEDULER, "one for all", |it| {
            it.lengths("AWS::Scheduler::ScheduleGroup", "Name")
        }),
        measured("characters of a schedule's description", 512, SCHEDULER, "each of them", |it| {
            it.lengths(SCHEDULE, "Description")
        }),
        measured(
            "characters of a topic's name",
            256,
            "SNS API reference",
            "cache-invalidation-alarms",
            |it| it.lengths(TOPIC, "TopicName"),
        ),
        measured("characters of a topic's display name", 100, "SNS API reference", "each of them", |it| {
            it.lengths(TOPIC, "DisplayName")
        }),
        measured("characters of a queue's name", 80, "SQS developer guide, quotas", "dead-letters", |it| {
            it.lengths("AWS::SQS::Queue", "QueueName")
        }),
    ]
}

/// Of what is kept and of what goes on for long.
fn of_the_rest() -> Vec<Limit> {
    vec![
        measured("characters of a table's name", 255, DYNAMODB, "the ledger", |it| {
            it.lengths("AWS::DynamoDB::Table", "TableName")
        }),
        measured(
            "characters of a log group's name",
            512,
            "CloudWatch Logs API reference",
            "each of them",
            |it| it.lengths("AWS::Logs::LogGroup", "LogGroupName"),
        ),
        measured("characters of a state machine's name", 80, STEP_FUNCTIONS, "snapshot-restore", |it| {
            it.lengths("AWS::StepFunctions::StateMachine", "StateMachineName")
        }),
        measured("bytes of a state machine's definition", 1 << 20, STEP_FUNCTIONS, "service-down", |_| {
            machines().into_iter().map(|(name, text)| (name, text.len())).collect()
        }),
        measured(
            "events of an execution",
            25_000,
            STEP_FUNCTIONS,
            "waits and looks until its time is over",
            |it| {
                /// Of a wait, a task that is tried once more, and a choice.
                const OF_A_TURN: usize = 2 + 8 + 2;
                let turns = |text: &str, poll: &str| {
                    let definition: Value = serde_json::from_str(text).unwrap_or_default();
                    let seconds =
                        definition["TimeoutSeconds"].as_u64().and_then(|all| usize::try_from(all).ok());
                    let poll: Option<usize> = it.values[poll].as_str().and_then(|poll| poll.parse().ok());
                    seconds.zip(poll).map_or(usize::MAX, |(all, poll)| all / poll.max(1) * OF_A_TURN)
                };
                let polls = ["ServiceDownPollSeconds", "RestorePollSeconds"];
                let all = machines().into_iter().zip(polls);
                all.map(|((name, text), poll)| (name, turns(&text, poll))).collect()
            },
        ),
    ]
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

/// Of what a run sends, asks and keeps.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn of_runs() -> Vec<Limit> {
    const SNS: &str = "SNS API reference, Publish";
    const CLOUDFRONT: &str = "CloudFront developer guide, quotas";
    vec![
        by_code(
            "bytes that a state takes and hands on",
            262_144,
            STEP_FUNCTIONS,
            "a function's answer, which a state machine gets whole",
            &[ANSWER],
        ),
        by_code(
            "bytes of an item",
            400 * 1_024,
            DYNAMODB,
            "an intent: the request that it came from, and its plan, which an answer has too",
            &[BODY, ANSWER],
        ),
        by_code("bytes of an event", 262_144, LAMBDA, "a person's request", &[BODY]),
        by_code(
            "bytes of a log event",
            262_144,
            "CloudWatch Logs user guide, quotas",
            "an answer",
            &[ANSWER],
        ),
        by_code(
            "bytes of a message",
            262_144,
            SNS,
            "a notice",
            &[(TEXT, "const MAX_NOTICE: usize = 4_000;")],
        ),
        by_code(
            "characters of a subject",
            100,
            SNS,
            "a notice's",
            &[("shared/src/notice.rs", "const MAX_SUBJECT: usize = 100;")],
        ),
        by_code(
            "writes of a transaction",
            100,
            DYNAMODB,
            "all kill switches that are lifted at once, and the record",
            &[("functions/incident/src/handler/kill_switch.rs", "const AT_ONCE: usize = 90;")],
        ),
        Limit {
            what: "characters of an execution's name",
            most: 80,
            page: STEP_FUNCTIONS,
            reached_by: "an incident's id and how often it came back",
            held_by: Held::Constants(
                &[("functions/incident/src/slug.rs", "const MAX_SLUG: usize = 48;")],
                // The time before it, a letter and a number after it.
                "20261124-140000-".len() + "-a".len() + "-4294967295".len(),
            ),
        },
        Limit {
            what: "characters of an OpsItem's title",
            most: 1_024,
            page: "Systems Manager API reference, CreateOpsItem",
            reached_by: "an incident's title, after its environment",
            held_by: Held::Constants(
                &[("functions/incident/src/handler/limits.rs", "const MAX_TEXT: usize = 600;")],
                "[] ".len() + 20,
            ),
        },
        by_code(
            "metrics of a call of GetMetricData",
            500,
            CLOUDWATCH,
            "the instances of a database, each with seven",
            &[("functions/diagnose/src/read/metrics.rs", "const MAX_QUERIES: usize = 500;")],
        ),
        by_code(
            "names of a call of DescribeAlarms",
            100,
            CLOUDWATCH,
            "the alarms that a composite alarm of a person's own is made of",
            &[("shared/src/alarms/describe.rs", "const MOST_CHILDREN: usize = 100;")],
        ),
        by_code(
            "revisions of a call of DescribeServiceRevisions",
            20,
            "ECS API reference",
            "a service's history",
            &[("functions/rollback/src/history.rs", "const REVISIONS_A_CALL: usize = 20;")],
        ),
        by_code(
            "tags of a task definition",
            50,
            "ECS developer guide, tagging",
            "a copy, which has two more than what it is of",
            &[("shared/src/ecs/task_definition.rs", "const MOST_TAGS: usize = 50;")],
        ),
        by_code(
            "tasks of a service",
            5_000,
            "ECS developer guide, quotas",
            "a person's request to scale-up",
            &[("functions/scale-up/src/settings.rs", "const ECS_MAX_TASKS: u32 = 5_000;")],
        ),
        by_code(
            "values of a filter",
            200,
            "EC2 API reference",
            "the security groups that diagnose looks up",
            &[("functions/diagnose/src/read/security_groups.rs", "const A_CALL: usize = 100;")],
        ),
        by_code(
            "characters of a cluster's name",
            63,
            "DocumentDB developer guide, quotas",
            "a restored cluster's, with a time at its end",
            &[("functions/snapshot-restore/src/name.rs", "const MAX_LENGTH: usize = 63;")],
        ),
        by_code(
            "characters of a path",
            4_000,
            CLOUDFRONT,
            "a person's request to cache-invalidation",
            &[("functions/cache-invalidation/src/paths.rs", "const MAX_PATH_LENGTH: usize = 4_000;")],
        ),
        by_code(
            "paths that are being invalidated",
            3_000,
            CLOUDFRONT,
            "invalidations that overlap",
            &[("functions/cache-invalidation/src/settings.rs", "const FILES_IN_PROGRESS: usize = 3_000;")],
        ),
        by_code(
            "wildcards that are being invalidated",
            15,
            CLOUDFRONT,
            "invalidations that overlap",
            &[("functions/cache-invalidation/src/settings.rs", "const WILDCARDS_IN_PROGRESS: usize = 15;")],
        ),
    ]
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

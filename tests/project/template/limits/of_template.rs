//! What can be measured in the template.

use sandbox::workspace;
use serde_json::Value;

use super::*;

fn machines() -> Vec<(String, String)> {
    ["service-down", "snapshot-restore"]
        .map(|name| {
            let path = workspace().join(format!("statemachines/{name}.asl.json"));
            (name.to_owned(), std::fs::read_to_string(path).unwrap_or_default())
        })
        .into()
}

/// Of the template.
pub(super) fn of_the_template() -> Vec<Limit> {
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
pub(super) fn of_functions() -> Vec<Limit> {
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
pub(super) fn of_alarms_and_events() -> Vec<Limit> {
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
pub(super) fn of_the_rest() -> Vec<Limit> {
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

//! Every state machine ends, tries again, and gets what its definition asks for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use crate::template::{
    document::{Template, statements, texts},
    machine::{LOGS, chosen, filled_in, granted, written},
};

/// The longest that a function runs is a minute; a task that takes longer has hung.
const LONGEST_TASK_SECONDS: u64 = 120;
const MOST_ATTEMPTS: u64 = 5;
/// What waits for a person looks every ten minutes at least.
const LONGEST_WAIT_SECONDS: u64 = 600;

fn definitions(template: &Template) -> Result<Vec<(Value, String)>> {
    let machines = template.of_type("AWS::Serverless::StateMachine");
    assert!(!machines.is_empty());
    machines.into_iter().map(|machine| Ok((machine.clone(), written(machine)?))).collect()
}

/// Looks at the states of every state machine, with the parameters that it is given.
fn each(check: impl Fn(&Template, &Value, &Value, &Map<String, Value>) -> Result<()>) -> Result<()> {
    let template = Template::read()?;
    for (machine, definition) in definitions(&template)? {
        let definition: Value = serde_json::from_str(&definition)?;
        let states = definition["States"].as_object().context("no states")?;
        let name = machine["Name"]["Fn::Sub"].as_str().context("a state machine without a name")?;
        check(&template, &machine, &definition, states).with_context(|| name.to_owned())?;
    }
    Ok(())
}

/// The states that one goes on to.
fn next(state: &Value) -> Vec<&str> {
    let rules = ["Choices", "Catch"].into_iter().filter_map(|list| state[list].as_array()).flatten();
    let rules = rules.map(|rule| &rule["Next"]);
    rules.chain([&state["Next"], &state["Default"]]).filter_map(Value::as_str).collect()
}

fn ends(state: &Value) -> bool {
    ["Succeed", "Fail"].iter().any(|end| state["Type"] == *end)
}

#[test]
fn every_state_machine_has_a_name_a_role_and_a_time_limit() -> Result<()> {
    each(|template, machine, definition, _| {
        let name = machine["Name"]["Fn::Sub"].as_str().unwrap_or_default();
        ensure!(name.starts_with("lendpeak2-${Environment}-"));
        template.named(&machine["Role"], "Fn::GetAtt", "AWS::IAM::Role")?;
        let limit = definition["TimeoutSeconds"].as_u64().context("it may run for a year")?;
        ensure!(limit <= 4 * 60 * 60);
        Ok(())
    })
}

#[test]
fn every_task_has_a_time_limit_a_bounded_retry_and_a_catch_for_everything() -> Result<()> {
    each(|_, _, _, states| {
        for (name, state) in states.iter().filter(|(_, state)| state["Type"] == "Task") {
            let limit = state["TimeoutSeconds"].as_u64();
            ensure!(limit.is_some_and(|limit| limit <= LONGEST_TASK_SECONDS), "{name} may hang");
            let retries = state["Retry"].as_array().with_context(|| format!("{name} is not tried again"))?;
            ensure!(!retries.is_empty(), "{name} is not tried again");
            for retry in retries {
                let attempts = retry["MaxAttempts"].as_u64();
                ensure!(attempts.is_some_and(|attempts| attempts <= MOST_ATTEMPTS), "{name}: {retry}");
            }
            let catches = state["Catch"].as_array().with_context(|| format!("{name} fails unseen"))?;
            let last = catches.last().with_context(|| format!("{name} fails unseen"))?;
            ensure!(texts(&last["ErrorEquals"]) == ["States.ALL"], "{name} fails unseen");
            // Which that does not catch.
            let by_name =
                catches.iter().any(|one| texts(&one["ErrorEquals"]) == ["States.DataLimitExceeded"]);
            ensure!(by_name, "{name} fails unseen where an answer is too large");
        }
        Ok(())
    })
}

fn before<'a>(states: &'a serde_json::Map<String, Value>, name: &str) -> Vec<&'a str> {
    let before = states.iter().filter(|(_, state)| next(state).contains(&name));
    before.map(|(name, _)| name.as_str()).collect()
}

/// Whatever fails, people are told before it ends, at two levels: only where telling fails too is there nothing left.
#[test]
fn service_down_never_fails_unheard() -> Result<()> {
    let template = Template::read()?;
    let text = written(&template.0["Resources"]["ServiceDown"]["Properties"])?;
    let definition: Value = serde_json::from_str(&text)?;
    let states = definition["States"].as_object().context("no states")?;
    let failing = states.iter().filter(|(_, state)| state["Type"] == "Fail").map(|(name, _)| name.as_str());
    for end in failing {
        assert_eq!(before(states, end), ["TellLevel2", "TellLevel2Plainly"], "{end}");
    }
    assert_eq!(before(states, "TellLevel2"), ["Tell", "TellPlainly"]);
    for level in ["Tell", "TellLevel2"] {
        let plainly = &states[&format!("{level}Plainly")];
        for telling in [&states[level], plainly] {
            assert_eq!(telling["Resource"], "arn:aws:states:::sns:publish");
        }
        assert_eq!(plainly["Arguments"]["TopicArn"], states[level]["Arguments"]["TopicArn"]);
        assert_eq!(states[level]["Arguments"]["Message"], states["Tell"]["Arguments"]["Message"]);
    }
    Ok(())
}

/// Where a text cannot be worked out, or SNS does not take it, people are told by one in which nothing can fail.
#[test]
fn whoever_is_told_with_expressions_is_told_without_any_if_that_fails() -> Result<()> {
    each(|_, _, _, states| {
        let tells = |state: &&Value| state["Resource"] == "arn:aws:states:::sns:publish";
        let (plain, worked_out): (Vec<_>, Vec<_>) = states
            .iter()
            .filter(|(_, state)| tells(state))
            .partition(|(_, state)| !state["Arguments"].to_string().contains("{%"));
        ensure!(!worked_out.is_empty() && plain.len() == worked_out.len());
        for (name, state) in worked_out {
            let catches = state["Catch"].as_array().with_context(|| format!("{name} fails unseen"))?;
            for caught in catches {
                let next = caught["Next"].as_str().unwrap_or_default();
                ensure!(next == format!("{name}Plainly"), "{name} goes on to {next}");
                ensure!(plain.iter().any(|(plain, _)| *plain == next), "{next} may fail as well");
            }
            // To work it out once more changes nothing.
            let first = &state["Retry"][0];
            ensure!(texts(&first["ErrorEquals"]) == ["States.QueryEvaluationError"], "{name}: {first}");
            ensure!(first["MaxAttempts"] == 0, "{name}: {first}");
        }
        Ok(())
    })
}

#[test]
fn every_state_is_reached_leads_to_one_that_exists_and_comes_to_an_end() -> Result<()> {
    each(|_, _, definition, states| {
        let start = definition["StartAt"].as_str().context("no start")?;
        let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(name) = open.pop() {
            let state = states.get(name).with_context(|| format!("{name} does not exist"))?;
            if reached.insert(name) {
                ensure!(ends(state) == next(state).is_empty(), "{name} goes nowhere");
                open.extend(next(state));
            }
        }
        ensure!(reached.len() == states.len(), "only {reached:?} are reached");
        // Backwards from the ends: a state that is not found has none before it.
        let mut ending: BTreeSet<&str> = BTreeSet::new();
        loop {
            let more = states.iter().filter(|(name, state)| {
                !ending.contains(name.as_str())
                    && (ends(state) || next(state).iter().any(|after| ending.contains(after)))
            });
            let more: Vec<&str> = more.map(|(name, _)| name.as_str()).collect();
            if more.is_empty() {
                break;
            }
            ending.extend(more);
        }
        ensure!(ending == reached, "only {ending:?} come to an end");
        Ok(())
    })
}

/// Step Functions refuses a definition with a field that the state's type, or `JSONata`, does not have.
#[test]
fn every_state_has_the_fields_of_its_type_and_no_others() -> Result<()> {
    const OF_ALL: [&str; 2] = ["Comment", "Type"];
    const OF_A_CHOICE_RULE: [&str; 5] = ["Assign", "Comment", "Condition", "Next", "Output"];
    const OF_A_RETRY: [&str; 4] = ["BackoffRate", "ErrorEquals", "IntervalSeconds", "MaxAttempts"];
    const OF_A_CATCH: [&str; 5] = ["Assign", "Comment", "ErrorEquals", "Next", "Output"];
    const LONGEST_NAME: usize = 80;
    let has_only = |value: &Value, allowed: &[&str], of: &str| -> Result<()> {
        for (field, _) in value.as_object().context("no object")? {
            ensure!(allowed.contains(&field.as_str()), "{of} has {field}");
        }
        Ok(())
    };
    each(|_, _, definition, states| {
        has_only(
            definition,
            &["Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds"],
            "the definition",
        )?;
        ensure!(definition["QueryLanguage"] == "JSONata");
        for (name, state) in states {
            ensure!(name.chars().count() <= LONGEST_NAME, "{name}");
            let own: &[&str] = match state["Type"].as_str() {
                Some("Task") => {
                    &["Arguments", "Assign", "Catch", "Next", "Output", "Resource", "Retry", "TimeoutSeconds"]
                }
                Some("Choice") => &["Assign", "Choices", "Default", "Output"],
                Some("Wait") => &["Assign", "Next", "Output", "Seconds"],
                Some("Succeed") => &["Output"],
                Some("Fail") => &["Cause", "Error"],
                other => anyhow::bail!("{name}: these checks know nothing of {other:?}"),
            };
            has_only(state, &[&OF_ALL[..], own].concat(), name)?;
            for (list, allowed) in
                [("Choices", &OF_A_CHOICE_RULE[..]), ("Retry", &OF_A_RETRY[..]), ("Catch", &OF_A_CATCH[..])]
            {
                let rules = state[list].as_array().map(Vec::as_slice).unwrap_or_default();
                for (place, rule) in rules.iter().enumerate() {
                    has_only(rule, allowed, name)?;
                    // What catches all stands alone, and last.
                    let errors = texts(&rule["ErrorEquals"]);
                    let is_last = place + 1 == rules.len() && errors.len() == 1;
                    ensure!(!errors.contains(&"States.ALL") || is_last, "{name}: {list}");
                    ensure!(list == "Choices" || !errors.is_empty(), "{name}: {list}");
                }
            }
        }
        Ok(())
    })
}

#[test]
fn every_wait_is_a_parameter_with_a_limit() -> Result<()> {
    each(|template, machine, _, states| {
        for (name, state) in states.iter().filter(|(_, state)| state["Type"] == "Wait") {
            let seconds = state["Seconds"].as_str().with_context(|| format!("{name} waits for no number"))?;
            let given = seconds.strip_prefix("{% $number('${").and_then(|rest| rest.strip_suffix("}') %}"));
            let given = given.with_context(|| format!("{name} waits for {seconds}"))?;
            let parameter = machine["DefinitionSubstitutions"][given]["Ref"].as_str();
            let parameter = parameter.with_context(|| format!("{given} is no parameter"))?;
            let longest = template.0["Parameters"][parameter]["MaxValue"].as_u64();
            ensure!(longest.is_some_and(|longest| longest <= LONGEST_WAIT_SECONDS), "{name}: {parameter}");
        }
        Ok(())
    })
}

#[test]
fn every_state_machine_gets_what_its_definition_asks_for_and_no_more() -> Result<()> {
    let template = Template::read()?;
    for (machine, definition) in definitions(&template)? {
        let given = machine["DefinitionSubstitutions"].as_object().context("nothing is given")?;
        let given: BTreeSet<&str> = given.keys().map(String::as_str).collect();
        let asked = definition.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
        assert_eq!(asked.collect::<BTreeSet<_>>(), given);
    }
    Ok(())
}

/// What a task's target comes to: one ARN, or one for each remedy that `incident` may choose.
fn targets(template: &Template, written: &str) -> Result<Vec<String>> {
    let prefix = written.strip_prefix("{% '").and_then(|rest| rest.strip_suffix("' & $remedy %}"));
    let Some(prefix) = prefix else { return Ok(vec![written.to_owned()]) };
    Ok(chosen(template)?.keys().map(|name| format!("{prefix}{name}")).collect())
}

/// The machine makes a remedy's ARN of the name that it is told. Its role is what keeps it from any other function.
#[test]
fn every_state_machine_may_do_exactly_what_its_tasks_ask_for() -> Result<()> {
    each(|template, machine, _, _| {
        let definition: Value = serde_json::from_str(&filled_in(template, machine)?)?;
        let states = definition["States"].as_object().context("no states")?;
        let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for state in states.values().filter(|state| state["Type"] == "Task") {
            let (action, field) = match state["Resource"].as_str() {
                Some("arn:aws:states:::lambda:invoke") => ("lambda:InvokeFunction", "FunctionName"),
                Some("arn:aws:states:::sns:publish") => ("sns:Publish", "TopicArn"),
                other => anyhow::bail!("these checks know nothing of {other:?}"),
            };
            let target = state["Arguments"][field].as_str().context("a task without a target")?;
            let targets = targets(template, target)?;
            ensure!(targets.iter().all(|target| target.starts_with("arn:aws:")), "{targets:?}");
            asked.entry(action.to_owned()).or_default().extend(targets);
        }
        let granted = granted(template, machine)?;
        ensure!(asked == granted, "its tasks ask for {asked:?}, and its role grants {granted:?}");
        Ok(())
    })
}

/// An execution's history is gone after 90 days. What functions were sent is not in the log: nobody masks it there.
#[test]
fn every_state_machine_logs_its_errors_and_nothing_that_it_was_sent() -> Result<()> {
    /// Step Functions developer guide, "IAM policies for logging to CloudWatch Logs".
    const ASKED_FOR: [&str; 8] = [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    ];
    let mut groups = BTreeSet::new();
    let template = Template::read()?;
    let machines = template.of_type("AWS::Serverless::StateMachine");
    for machine in &machines {
        let name = machine["Name"]["Fn::Sub"].as_str().context("a state machine without a name")?;
        let log = &machine["Logging"];
        assert_eq!((&log["Level"], &log["IncludeExecutionData"]), (&json!("ERROR"), &json!(false)), "{name}");
        let group = &log["Destinations"][0]["CloudWatchLogsLogGroup"]["LogGroupArn"];
        let group = template.named(group, "Fn::GetAtt", "AWS::Logs::LogGroup")?;
        assert_eq!(group["LogGroupName"]["Fn::Sub"], format!("/aws/vendedlogs/states/{name}"));
        assert_eq!(group["RetentionInDays"]["Ref"], "LogRetentionDays");
        groups.insert(group["LogGroupName"].to_string());
        let role = template.named(&machine["Role"], "Fn::GetAtt", "AWS::IAM::Role")?;
        let statements = statements(role);
        let logs = statements.iter().find(|one| one["Sid"] == LOGS).context("its log is not delivered")?;
        assert_eq!(texts(&logs["Action"]), ASKED_FOR, "{name}");
    }
    assert_eq!(groups.len(), machines.len(), "two share a log group");
    Ok(())
}

/// A loop whose turns are one event to the function would get one answer for ever.
#[test]
fn each_time_that_a_state_asks_a_function_is_an_event_of_its_own() -> Result<()> {
    each(|_, _, _, states| {
        for state in states.values().filter(|state| {
            state["Resource"].as_str().is_some_and(|resource| resource.ends_with("lambda:invoke"))
        }) {
            let id = state["Arguments"]["Payload"]["step_functions"]["state"].to_string();
            ensure!(id.contains("$states.context.State.EnteredTime"), "{state}");
        }
        Ok(())
    })
}

/// An error without a cause, as that of a time-out, must not fail the catcher itself.
#[test]
fn no_catcher_counts_on_a_cause() -> Result<()> {
    for (_, definition) in definitions(&Template::read()?)? {
        for line in definition.lines().filter(|line| line.contains("$states.errorOutput.Cause")) {
            assert!(line.contains("$exists($states.errorOutput.Cause) ?"), "{line}");
        }
    }
    Ok(())
}

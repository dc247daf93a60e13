//! A chat's buttons, pressed as Amazon Q documents it: what a notice says is put into the command as text, the command is
//! cut into words, and whoever reads the queue has to know what it says.
//! <https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateCustomAction.html>

#![expect(clippy::indexing_slicing, reason = "JSON answers null where there is nothing; it does not panic")]

use std::{collections::BTreeMap, sync::OnceLock};

use anyhow::{Context, Result, anyhow, bail, ensure};
use incident::message::{Command, Verb};
use serde_json::{Value, json};
use shared::notice::{Facts, Kind, LOOK, Notice};

use crate::template::Template;

/// As the template has them.
const ACTION: &str = "AWS::Chatbot::CustomAction";
const REGION: &str = "us-east-1";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices";
const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/lendpeak2-production-approvals";
const INCIDENT: &str = "20261124-140000-service-down";
const PLAN: &str = "499484d277f1";

/// A button below a message, and what Amazon Q runs when it is pressed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Button {
    pub(crate) text: String,
    pub(crate) command: String,
}

/// The buttons that a chat shows below a message, by the custom actions of the template.
pub(crate) fn buttons(chat: &Value) -> Result<Vec<Button>> {
    let mut shown = Vec::new();
    if chat["metadata"]["enableCustomActions"] != true {
        return Ok(shown);
    }
    for action in actions()? {
        for attachment in action["Attachments"].as_array().context("it is attached to nothing")? {
            ensure!(attachment["NotificationType"] == "Custom", "{attachment}");
            let variables = variables(attachment, chat)?;
            if is_attached(attachment, &variables)? {
                let text = attachment["ButtonText"].as_str().context("a button without a text")?.to_owned();
                shown.push(Button { text, command: expanded(&command(&action, REGION)?, &variables)? });
            }
        }
    }
    Ok(shown)
}

/// The template's, read once.
fn actions() -> Result<Vec<Value>> {
    static ACTIONS: OnceLock<Vec<Value>> = OnceLock::new();
    if let Some(actions) = ACTIONS.get() {
        return Ok(actions.clone());
    }
    let actions: Vec<Value> = Template::read()?.of_type(ACTION).into_iter().cloned().collect();
    Ok(ACTIONS.get_or_init(|| actions).clone())
}

/// As CloudFormation makes it.
fn command(action: &Value, region: &str) -> Result<String> {
    let command = action["Definition"]["CommandText"]["Fn::Sub"].as_str().context("no command")?;
    Ok(command.replace("${AWS::Region}", region))
}

/// What a message says to each variable: a path into it, without the `$` of `JSONPath`.
fn variables(attachment: &Value, chat: &Value) -> Result<BTreeMap<String, String>> {
    let event = json!({ "event": chat });
    let mut variables = BTreeMap::new();
    for (name, path) in attachment["Variables"].as_object().context("no variables")? {
        let path = path.as_str().context("a path that is no text")?;
        let found = event.pointer(&format!("/{}", path.replace('.', "/")));
        if let Some(value) = found {
            variables.insert(name.clone(), value.as_str().context("a value that is no text")?.to_owned());
        }
    }
    Ok(variables)
}

/// All criteria have to hold.
fn is_attached(attachment: &Value, variables: &BTreeMap<String, String>) -> Result<bool> {
    for criterion in attachment["Criteria"].as_array().context("it is attached to everything")? {
        let name = criterion["VariableName"].as_str().context("a criterion of no variable")?;
        let value = variables.get(name);
        let holds = match criterion["Operator"].as_str() {
            Some("HAS_VALUE") => value.is_some(),
            Some("EQUALS") => value.map(String::as_str) == criterion["Value"].as_str(),
            other => bail!("Amazon Q knows nothing of {other:?}"),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
}

/// A command with a value in place of each `$Name`.
fn expanded(command: &str, variables: &BTreeMap<String, String>) -> Result<String> {
    let mut parts = command.split('$');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter| !is_name(letter)).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        // Amazon Q would ask whoever pressed.
        whole += variables.get(name).with_context(|| format!("nothing is said of ${name}"))?;
        whole += rest;
    }
    Ok(whole)
}

/// The command's words: there is no shell, and nothing is said of quotation marks.
fn words(command: &str) -> Vec<&str> {
    command.split_whitespace().collect()
}

fn facts(kind: Kind, plan: Option<&str>, incident: Option<&str>) -> Facts {
    let mut facts = Facts::new("production", "rollback", kind, "backend release :3 → :1");
    (facts.plan, facts.incident) = (plan.map(str::to_owned), incident.map(str::to_owned));
    facts
}

/// What a chat gets.
fn chat(facts: Facts, queue: Option<&str>) -> Result<Value> {
    let bodies: Value = serde_json::from_str(&Notice::new(TOPIC, facts).with_buttons(queue).bodies())?;
    serde_json::from_str(bodies["https"].as_str().context("no body")?).context("no JSON")
}

#[track_caller]
fn shows(facts: Facts, expected: &[(&str, String)]) -> Result<()> {
    let chat = chat(facts, Some(QUEUE))?;
    let shown = buttons(&chat)?;
    let shown: Vec<_> = shown.iter().map(|button| (button.text.as_str(), button.command.clone())).collect();
    assert_eq!(shown, expected, "{chat:#}");
    assert_eq!(chat["metadata"]["enableCustomActions"], !expected.is_empty(), "{chat:#}");
    Ok(())
}

#[test]
fn a_notice_that_waits_has_a_button_for_each_answer_and_others_have_none() -> Result<()> {
    let send =
        |what: &str| format!("sqs send-message --queue-url {QUEUE} --message-body {what} --region {REGION}");
    let approve = ("Approve", send(&format!("approve:{PLAN}")));
    let reject = ("Reject", send(&format!("reject:{PLAN}")));
    let have = ("I have it", send(&format!("acknowledge:{INCIDENT}")));
    let look = format!(
        "lambda invoke --function-name lendpeak2-production-incident:look --payload {{\"show\":\"{INCIDENT}\"}} --region {REGION}"
    );
    let show = ("Show", look);
    let plan = facts(Kind::AwaitingApproval, Some(PLAN), None);
    shows(plan.clone(), &[approve.clone(), reject.clone()])?;
    shows(facts(Kind::Opened, None, Some(INCIDENT)), &[have.clone(), show.clone()])?;
    shows(facts(Kind::Opened, Some(PLAN), Some(INCIDENT)), &[approve, reject, have, show])?;
    for over in [
        facts(Kind::Resolved, None, Some(INCIDENT)),
        facts(Kind::Resolved, Some(PLAN), Some(INCIDENT)),
        facts(Kind::Applied, None, None),
        facts(Kind::Failed, None, None),
    ] {
        shows(over, &[])?;
    }
    assert_eq!(buttons(&chat(plan, None)?)?, [], "there is no queue to send to");
    Ok(())
}

/// The very body that SQS would get.
#[test]
fn whoever_reads_the_queue_knows_what_was_pressed() -> Result<()> {
    let pressed = buttons(&chat(facts(Kind::Opened, Some(PLAN), Some(INCIDENT)), Some(QUEUE))?)?;
    let mut sent = Vec::new();
    for Button { text, command } in &pressed {
        match words(command).as_slice() {
            ["sqs", "send-message", "--queue-url", queue, "--message-body", body, "--region", REGION] => {
                assert_eq!(*queue, QUEUE);
                let command = Command::read(body).map_err(|why| anyhow!("{body}: {why}"))?;
                sent.push((text.as_str(), command.verb, command.id));
            }
            ["lambda", "invoke", "--function-name", name, "--payload", payload, "--region", REGION] => {
                assert_eq!(*name, format!("lendpeak2-production-incident:{LOOK}"));
                assert_eq!(serde_json::from_str::<Value>(payload)?, json!({ "show": INCIDENT }));
            }
            other => bail!("{text} is pressed: {other:?}"),
        }
    }
    let expected = [
        ("Approve", Verb::Approve, PLAN.to_owned()),
        ("Reject", Verb::Reject, PLAN.to_owned()),
        ("I have it", Verb::Acknowledge, INCIDENT.to_owned()),
    ];
    assert_eq!(sent, expected);
    Ok(())
}

/// Whoever may name an alarm, write to the ledger or publish to the topic is to send nothing else by a button.
#[test]
fn no_id_and_no_queue_breaks_out_of_its_place() -> Result<()> {
    let long = "a".repeat(101);
    for id in [
        "",
        " ",
        "a b",
        "a --queue-url https://evil.example/q",
        "a\n--queue-url",
        "a\u{a0}b",
        "a;b",
        "a|b",
        "$(b)",
        "$Q",
        "$Have",
        "`b`",
        "a:b",
        "a\"}",
        "a'b",
        "a\\b",
        "é",
        long.as_str(),
    ] {
        let hostile = |plan, incident| shows(facts(Kind::Opened, plan, incident), &[]);
        hostile(Some(id), None)?;
        hostile(None, Some(id))?;
        hostile(Some(id), Some(id))?;
        // The other one's buttons are whole.
        let one = buttons(&chat(facts(Kind::Opened, Some(PLAN), Some(id)), Some(QUEUE))?)?;
        assert_eq!(one.iter().map(|button| button.text.as_str()).collect::<Vec<_>>(), ["Approve", "Reject"]);
        for queue in
            [id.to_owned(), format!("https://{id}"), format!("{QUEUE} {id}"), format!("{QUEUE}$Yes{id}")]
        {
            let shown = buttons(&chat(facts(Kind::Opened, Some(PLAN), None), Some(&queue))?)?;
            let whole = |button: &Button| words(&button.command).len() == 8 && !button.command.contains('$');
            assert!(shown.iter().all(whole), "{queue}: {shown:?}");
        }
    }
    Ok(())
}

#[test]
fn the_actions_keep_the_limits_of_amazon_q() -> Result<()> {
    /// Of the API, which is stricter than CloudFormation.
    const MOST_LETTERS: usize = 100;
    const LONGEST_REGION: &str = "ap-southeast-1";
    /// The longest environment.
    const ENVIRONMENT: &str = "a2345678901234567890";
    let actions = actions()?;
    assert_eq!(actions.len(), 4);
    for action in actions {
        let command = command(&action, LONGEST_REGION)?;
        assert!(command.chars().count() <= MOST_LETTERS && !command.contains("${"), "{command}");
        let name = action["ActionName"]["Fn::Sub"].as_str().context("no name")?;
        // An action is of the account, and so are its environments.
        let name = name.replace("${Environment}", ENVIRONMENT);
        assert!(name.len() <= 64 && name.contains(ENVIRONMENT) && name.chars().all(is_name), "{name}");
        for attachment in action["Attachments"].as_array().context("it is attached to nothing")? {
            let text = attachment["ButtonText"].as_str().context("a button without a text")?;
            assert!((1..=50).contains(&text.chars().count()), "{text}");
            let variables = attachment["Variables"].as_object().context("no variables")?;
            assert!((1..=5).contains(&variables.len()), "{text}");
            for (name, path) in variables {
                let path = path.as_str().context("a path that is no text")?;
                assert!(name.len() <= MOST_LETTERS && name.chars().all(is_name), "{name}");
                assert!(
                    path.bytes().all(|byte| (0x21..=0x7f).contains(&byte)) && !path.contains('$'),
                    "{path}"
                );
                // One that begins like another would be put into its place.
                let alike = variables.keys().filter(|other| other.starts_with(name.as_str())).count();
                assert_eq!(alike, 1, "{text}: ${name}");
            }
            let criteria = attachment["Criteria"].as_array().context("it is attached to everything")?;
            assert!((1..=5).contains(&criteria.len()), "{text}");
            for criterion in criteria {
                let name = criterion["VariableName"].as_str().unwrap_or_default();
                assert!(variables.contains_key(name), "{text}: {criterion}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_notice_names_the_queue_and_the_alias_that_the_template_makes() -> Result<()> {
    let template = Template::read()?;
    let queue = &template.0["Resources"]["ApprovalsQueue"]["Properties"];
    assert_eq!(queue["QueueName"]["Fn::Sub"], "lendpeak2-${Environment}-approvals");
    let given = &template.0["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(given[shared::settings::APPROVALS_QUEUE_URL], json!({ "Ref": "ApprovalsQueue" }));
    let alias = &template.0["Resources"]["IncidentLook"]["Properties"];
    assert_eq!((&alias["Name"], &alias["FunctionName"]), (&json!(LOOK), &json!({ "Ref": "Incident" })));
    Ok(())
}

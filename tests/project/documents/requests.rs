//! Each block of JSON in the documents, in the form that CONTRIBUTING describes: a request that its function takes, or an
//! answer whose advice the function that it names takes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Deserializer, Value};

use super::{
    functions::{self, Function},
    markdown::{Block, Document, documents},
};

/// What a block of JSON is.
enum Kind {
    /// To the function of this name.
    Request(&'static str),
    Answer,
}

fn check(block: &Block) -> Result<Kind> {
    let Block { before, text, .. } = block;
    let value: Value = serde_json::from_str(text).context("it is not valid JSON")?;
    ensure!(before.ends_with(':'), "there is no colon at the end of `{before}`");
    if before.starts_with("It answers") {
        advice(&value, value.get("function").and_then(Value::as_str))?;
        return Ok(Kind::Answer);
    }
    let name = before.strip_prefix("Send to `").and_then(|words| words.split('`').next());
    let Some(name) = name else { bail!("neither a request nor an answer, after `{before}`") };
    let function = Function::named(name)?;
    function.takes(text)?;
    Ok(Kind::Request(function.name))
}

/// Tries every request in an answer. One that names no function is for the one that answered.
fn advice(answer: &Value, by: Option<&str>) -> Result<()> {
    let to = |name: Option<&str>| Function::named(name.context("nothing says which function is to take it")?);
    match answer {
        Value::Object(fields) => {
            if let Some(send) = fields.get("send").filter(|send| send.is_object()) {
                let named = fields.get("function").and_then(Value::as_str);
                to(named.or(by))?.takes(&send.to_string())?;
            }
            fields.values().try_for_each(|field| advice(field, by))
        }
        Value::Array(values) => values.iter().try_for_each(|value| advice(value, by)),
        Value::String(text) => {
            sends(text).into_iter().try_for_each(|(send, named)| to(named.as_deref().or(by))?.takes(&send))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The requests in a text, as in `send {"reject": "…"}` and `send {} to diagnose`, with the function that each names.
fn sends(text: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for rest in text.split("send ").skip(1) {
        let mut values = Deserializer::from_str(rest).into_iter::<Value>();
        if let Some(Ok(send @ Value::Object(_))) = values.next() {
            let after = rest.get(values.byte_offset()..).unwrap_or_default();
            let word =
                after.strip_prefix(" to ").and_then(|words| words.split([' ', '.', ',', ';', '\n']).next());
            let named = word.filter(|name| Function::named(name).is_ok());
            found.push((send.to_string(), named.map(str::to_owned)));
        }
    }
    found
}

#[test]
fn every_block_of_json_is_a_request_that_its_function_takes_or_an_answer() -> Result<()> {
    let (mut asked, mut wrong) = (BTreeSet::new(), Vec::new());
    for path in documents()? {
        for block in Document::read(&path)?.blocks.iter().filter(|block| block.language == "json") {
            match check(block) {
                Ok(Kind::Request(function)) => {
                    asked.insert(function.to_owned());
                }
                Ok(Kind::Answer) => {}
                Err(error) => wrong.push(format!("{}:{}: {error:#}", path.display(), block.line)),
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(asked, sandbox::functions()?, "a function has no example");
    Ok(())
}

/// What stands for an id in a sentence, and an id that has the right form.
const PLACEHOLDERS: [(&str, &str); 3] = [
    ("<restore id>", "lendpeak2-production-restore-20261120100000"),
    ("<family:revision>", "lendpeak2-backend-production:123"),
    ("<id>", "I1234567890ABC"),
];

/// The spans of code in a line of prose that are requests.
fn spans(line: &str) -> Vec<String> {
    let written =
        |span: &str| PLACEHOLDERS.iter().fold(span.to_owned(), |span, (stands, id)| span.replace(stands, id));
    let spans = line.split('`').skip(1).step_by(2).map(written);
    spans.filter(|span| serde_json::from_str::<Value>(span).is_ok_and(|value| value.is_object())).collect()
}

#[test]
fn every_request_in_a_table_or_a_sentence_is_one_that_a_function_takes() -> Result<()> {
    let mut tried = BTreeSet::new();
    for path in documents()? {
        // What was true once is told there.
        if path.ends_with("CHANGELOG.md") {
            continue;
        }
        for span in Document::read(&path)?.prose.iter().flat_map(|line| spans(line)) {
            let is_taken = functions::ALL.iter().any(|function| function.takes(&span).is_ok());
            ensure!(is_taken, "{}: no function takes {span}", path.display());
            tried.insert(span);
        }
    }
    ensure!(tried.len() > 20, "only {} requests were found", tried.len());
    Ok(())
}

#[test]
fn what_is_wrong_with_a_block_is_said() {
    let said = |before: &str, text: &str| {
        let block =
            Block { language: "json".to_owned(), text: text.to_owned(), before: before.to_owned(), line: 1 };
        check(&block).err().map(|error| format!("{error:#}")).unwrap_or_default()
    };
    for (before, text, expected) in [
        ("Send to `scale-up` for two more:", r#"{"by": 2}"#, ""),
        ("Send to `scale-up`:", r#"{"bye": 2}"#, "scale-up does not take"),
        ("Send to `rollback`:", "{}", "`to` is missing"),
        ("Send to `rollback` to reject it:", r#"{"reject": "0123456789abcd"}"#, ""),
        ("Send to `restart`:", "{", "not valid JSON"),
        ("Send to `restart`", "{}", "no colon"),
        ("Send to `start`:", "{}", "there is no function start"),
        ("As in:", "{}", "neither a request nor an answer"),
        ("It answers:", r#"{"function": "scale-up", "next": {"send": {"by": 1}}}"#, ""),
        (
            "It answers:",
            r#"{"function": "scale-up", "next": {"send": {"to": "x"}}}"#,
            "scale-up does not take",
        ),
        (
            "It answers:",
            r#"{"function": "incident", "next": {"function": "lendpeak2-production-rollback", "send": {"to": "x"}}}"#,
            "rollback does not take",
        ),
        (
            "It answers:",
            r#"{"function": "rollback", "reason": "send {\"state\": \"on\"} to write-freeze"}"#,
            "",
        ),
        (
            "It answers:",
            r#"{"function": "rollback", "reason": "or send {\"to\": 7} to try"}"#,
            "must be text",
        ),
        ("It answers:", r#"{"next": {"send": {"by": 1}}}"#, "which function"),
    ] {
        let error = said(before, text);
        let is_expected = if expected.is_empty() { error.is_empty() } else { error.contains(expected) };
        assert!(is_expected, "{before} {text}: {error}");
    }
}

/// Whoever sends nothing pastes what the error shows.
#[test]
fn the_example_in_each_functions_errors_is_one_that_it_takes_and_changes_nothing() -> Result<()> {
    for function in &functions::ALL {
        function.takes(function.example)?;
        let request: Value = serde_json::from_str(function.example)?;
        let changes = subject::named(function.name).is_some_and(|subject| subject.remedy().is_some());
        let looks_only = request.get("dry_run") == Some(&Value::Bool(true));
        ensure!(!changes || looks_only, "{}: {request}", function.name);
    }
    Ok(())
}

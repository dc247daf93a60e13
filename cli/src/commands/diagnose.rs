//! `lendpeak2 diagnose`

use clap::Args;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, text},
    exit::Exit,
    failure::Failure,
    function::Function,
    render,
    runbook::Runbook,
};

/// Find the cause: what is wrong, what shows it, and what to do
///
/// Ends with 5 where it finds something that users feel.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One heading of the guide, as in `high memory`, or a status code, as in `502`; everything if left out
    #[arg(value_name = "SYMPTOM|STATUS")]
    pub(crate) symptom: Vec<String>,
    /// Write Markdown, for a ticket
    #[arg(long)]
    pub(crate) markdown: bool,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let value = runbook.look(Function::Diagnose, &request(options)).await?;
    runbook.screen.show(&value, |width| {
        let lines = Answer::of(&value).lines;
        // Markdown is for another program to wrap.
        let words = if options.markdown {
            lines.join("\n")
        } else {
            render::lines(&lines, Function::Diagnose, width)
        };
        if words.is_empty() { text(&value, "summary") } else { words }
    });
    Ok(exit(&value))
}

fn request(options: &Options) -> Value {
    let symptom = options.symptom.join(" ");
    let mut request = match symptom.parse::<u16>() {
        Ok(status) => json!({ "status": status }),
        Err(_) if symptom.is_empty() => json!({}),
        Err(_) => json!({ "symptom": symptom }),
    };
    if let Some(request) = request.as_object_mut().filter(|_| options.markdown) {
        request.insert("format".to_owned(), json!("markdown"));
    }
    request
}

/// What is only a risk, or untidy, is no reason to be woken.
fn exit(value: &Value) -> Exit {
    let Some(findings) = value.get("findings").and_then(Value::as_array) else { return Exit::Failed };
    let is_felt = |finding: &Value| !matches!(text(finding, "impact").as_str(), "untidy" | "risk");
    if findings.iter().any(is_felt) { Exit::Unwell } else { Exit::Done }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(symptom: &str, markdown: bool) -> Options {
        Options { symptom: symptom.split_whitespace().map(str::to_owned).collect(), markdown }
    }

    #[test]
    fn a_number_is_a_status_code_and_words_are_a_heading() {
        for (typed, expected) in [
            ("", json!({})),
            ("502", json!({ "status": 502 })),
            ("high memory usage", json!({ "symptom": "high memory usage" })),
        ] {
            assert_eq!(request(&options(typed, false)), expected);
        }
        assert_eq!(request(&options("502", true)), json!({ "status": 502, "format": "markdown" }));
    }

    #[test]
    fn only_what_users_feel_is_unwell() {
        let found = |impacts: &[&str]| {
            let findings: Vec<Value> = impacts.iter().map(|impact| json!({ "impact": impact })).collect();
            exit(&json!({ "findings": findings })).code()
        };
        assert_eq!(
            [found(&[]), found(&["risk", "untidy"]), found(&["risk", "degraded"]), found(&["down"])],
            [0, 0, 5, 5]
        );
        // A word of a later version is taken for the worse.
        assert_eq!((found(&["burning"]), exit(&json!({})).code()), (5, 1));
    }
}

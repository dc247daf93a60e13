//! The template as these checks read it.

use anyhow::{Context, Result, bail};
use sandbox::workspace;
use serde_json::Value;

pub(crate) use iam::template::{Template, if_it_holds, installed, statements, texts};

/// The dashboard's body, with every part that depends on a condition.
pub(crate) fn dashboard(template: &Template) -> Result<String> {
    let dashboards = template.of_type("AWS::CloudWatch::Dashboard");
    let [dashboard] = dashboards.as_slice() else { bail!("{} dashboards", dashboards.len()) };
    let written = &dashboard["DashboardBody"]["Fn::Sub"];
    let mut body = written[0].as_str().context("a dashboard without a body")?.to_owned();
    for (name, part) in written[1].as_object().context("no part depends on a condition")? {
        let part: &Value = &if_it_holds(part)["Fn::Sub"];
        body = body.replace(&format!("${{{name}}}"), part.as_str().context("a part that is no text")?);
    }
    Ok(body)
}

/// What is written about putting it to work.
pub(crate) fn deploy() -> Result<String> {
    std::fs::read_to_string(workspace().join("docs/deploy.md")).context("docs/deploy.md")
}

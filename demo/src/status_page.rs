//! An outage as customers read of it, and announced maintenance: the status page follows by itself.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use sandbox::clients::Clients;
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use super::screen::{Detail, Mark, Screen};

/// The probe looks once a minute, and two minutes have to agree: as long as on AWS.
const LIMIT: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(500);
const PAGE: &str = "status page";

/// Plays it for a person to watch. An error means that the page did not say what it should.
pub(super) async fn show(detail: Detail) -> anyhow::Result<()> {
    let screen = Screen::new(detail);
    screen.title("status-page: what customers read; the functions in mode observe, some six minutes");
    screen.line(
        Mark::Info,
        "sandbox",
        "starting a local AWS, LendPeak2 and template.yaml with StatusPage=true",
    );
    let parameters = [("StatusPage", "true"), ("PublishAfterSeconds", "0")];
    let options = Options {
        mode: "observe".to_owned(),
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await?;
    screen.line(Mark::Good, "sandbox", &format!("ready at {}", sandbox.gateway.url()));
    let clients = Clients::new(&sandbox.gateway.url(), "demo")?;
    let mut reader =
        Reader { clients: &clients, screen: &screen, bucket: bucket(&clients).await?, last: Vec::new() };
    reader.until("all works", |page| *at(page, "/status/indicator") == "none").await?;

    screen.restart();
    let release = sandbox.release(&[("BROKEN", "true")]).await?;
    screen.line(Mark::Bad, "release", &format!("{release} is deployed, and answers 500"));
    reader.until("an incident is shown", |page| *at(page, "/incidents/0/status") == "investigating").await?;
    let listed = clients.ask("incident", &json!({})).await?;
    let id = at(&listed, "/open/0/incident").as_str().context("no incident is open")?.to_owned();
    let words = "Some requests fail. Nothing that you entered is lost.";
    let note = json!({ "note": id, "text": words, "public": true, "by": "on call" });
    screen.line(Mark::Writes, "you", &format!("$ lendpeak2 incident note --public \"{words}\""));
    clients.ask("incident", &note).await?;
    reader
        .until("the word is shown", |page| {
            at(page, "/incidents/0/incident_updates").to_string().contains(words)
        })
        .await?;
    let good = sandbox.release(&[]).await?;
    screen.line(Mark::Writes, "you", &format!("deploy {good}, which works"));
    reader.until("it works again", |page| *at(page, "/incidents/0/status") == "monitoring").await?;
    screen.line(Mark::Writes, "you", "$ lendpeak2 incident resolve --reason \"a new release\"");
    clients.ask("incident", &json!({ "resolve": id, "reason": "a new release", "by": "on call" })).await?;
    reader.until("it is over", |page| *at(page, "/incidents") == json!([])).await?;

    let window = json!({ "title": "Database upgrade", "until": "30s", "components": ["api"] });
    screen.line(
        Mark::Writes,
        "you",
        "$ lendpeak2 maintenance add \"Database upgrade\" --until 30s --component api",
    );
    clients.ask("incident", &json!({ "maintenance": window, "by": "on call" })).await?;
    reader
        .until("maintenance is shown", |page| *at(page, "/scheduled_maintenances/0/status") == "in_progress")
        .await?;
    reader.until("it ends by itself", |page| *at(page, "/scheduled_maintenances") == json!([])).await?;

    screen.title("What stays: history.atom");
    // The first title is the feed's own.
    for entry in reader.file("history.atom").await?.split("<title>").skip(2) {
        screen.say(entry.split("</title>").next().unwrap_or_default());
    }
    screen.title("The page followed the outage and the maintenance, and nobody wrote HTML.");
    Ok(())
}

async fn bucket(clients: &Clients) -> anyhow::Result<String> {
    let stacks = clients.cloudformation.describe_stacks().send().await?.stacks.unwrap_or_default();
    let mut outputs = stacks.into_iter().flat_map(|stack| stack.outputs.unwrap_or_default());
    let bucket = outputs.find(|output| output.output_key() == Some("StatusPageBucket"));
    bucket.and_then(|output| output.output_value).context("the stack has no status page")
}

struct Reader<'a> {
    clients: &'a Clients,
    screen: &'a Screen,
    bucket: String,
    /// What the page said last.
    last: Vec<String>,
}

impl Reader<'_> {
    async fn file(&self, path: &str) -> anyhow::Result<String> {
        let get = self.clients.s3.get_object().bucket(&self.bucket).key(path).send().await?;
        Ok(String::from_utf8(get.body.collect().await?.into_bytes().to_vec())?)
    }

    /// Waits until the page says so, and shows what it says meanwhile.
    async fn until(&mut self, what: &str, reached: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < LIMIT {
            // In the first seconds there is none.
            if let Ok(file) = self.file("api/v2/summary.json").await {
                let page: Value = serde_json::from_str(&file)?;
                let said = lines(&page);
                for line in said.iter().filter(|line| !self.last.contains(line)) {
                    let is_good = *at(&page, "/status/indicator") == "none";
                    self.screen.line(if is_good { Mark::Good } else { Mark::Info }, PAGE, line);
                }
                self.last = said;
                if reached(&page) {
                    return Ok(());
                }
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("{what}: not within {LIMIT:?}; the page says {}", self.last.join("; "))
    }
}

/// A part of it; null where there is none.
fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// What a page says, a line each.
fn lines(page: &Value) -> Vec<String> {
    let list = |name: &str| page.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![text(at(page, "/status/description"))];
    for component in list("components").iter().filter(|component| *at(component, "/status") != "operational")
    {
        lines.push(format!(
            "{}: {}",
            text(at(component, "/name")),
            text(at(component, "/status")).replace('_', " ")
        ));
    }
    for incident in list("incidents").iter().chain(&list("scheduled_maintenances")) {
        lines.push(format!(
            "{} ({})",
            text(at(incident, "/name")),
            text(at(incident, "/status")).replace('_', " ")
        ));
        lines.extend(at(incident, "/incident_updates/0/body").as_str().map(|body| format!("  {body}")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_work_is_said_and_what_works_is_not_listed() {
        let page = json!({
            "status": { "indicator": "critical", "description": "API is down" },
            "components": [
                { "name": "API", "status": "major_outage" },
                { "name": "Website", "status": "operational" },
            ],
            "incidents": [{ "name": "API is down", "status": "investigating", "incident_updates": [{ "body": "We look." }] }],
        });
        assert_eq!(
            lines(&page),
            ["API is down", "API: major outage", "API is down (investigating)", "  We look."]
        );
    }
}

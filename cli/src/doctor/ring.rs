//! A test to each support level: the one way to know that a person can be reached. It has the shape of a notice, and says
//! that it is none.

use aws_sdk_sns::Client;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    checks::{LEVELS, Level},
    site::Site,
};
use crate::{failure::Failure, time};

/// SNS takes a subject of 100 ASCII characters at most.
const MAX_SUBJECT: usize = 100;
/// One SMS has 140 bytes.
const MAX_SMS: usize = 140;

/// What came of one level's test.
pub(crate) struct Rung {
    level: u8,
    topic: String,
    sent: Result<String, Failure>,
}

impl Rung {
    pub(crate) fn is_sent(&self) -> bool {
        self.sent.is_ok()
    }

    pub(crate) fn words(&self) -> String {
        let name = self.topic.rsplit(':').next().unwrap_or(&self.topic);
        match &self.sent {
            Ok(_) => format!("level {}: {name} has the test: ask whoever is to hear it", self.level),
            Err(failure) => format!("level {}: {}", self.level, failure.chain()),
        }
    }

    pub(crate) fn as_json(&self) -> Value {
        match &self.sent {
            Ok(id) => json!({ "level": self.level, "topic": self.topic, "message": id }),
            Err(failure) => json!({ "level": self.level, "topic": self.topic, "error": failure.chain(),
                "code": failure.code() }),
        }
    }
}

/// What will be sent, for whoever is asked whether it should be.
pub(crate) fn plan(site: &Site, by: &str) -> Vec<String> {
    LEVELS
        .iter()
        .filter_map(|level| {
            let topic = site.stack.output(level.output).ok()?;
            let name = topic.rsplit(':').next().unwrap_or(topic);
            Some(format!("send a test by {by} to whoever is subscribed to {name}"))
        })
        .collect()
}

/// Level after level: one that fails does not keep the next from being rung.
pub(crate) async fn ring(site: &Site, by: &str) -> Vec<Rung> {
    let client = Client::new(&site.config);
    let mut rung = Vec::new();
    for level in LEVELS {
        let topic = site.stack.output(level.output).map(str::to_owned);
        let sent = match &topic {
            Ok(topic) => publish(&client, topic, &Test::new(site, level, by)).await,
            Err(_) => continue,
        };
        rung.push(Rung { level: level.number, topic: topic.unwrap_or_default(), sent });
    }
    rung
}

async fn publish(client: &Client, topic: &str, test: &Test) -> Result<String, Failure> {
    let publish = client.publish().topic_arn(topic).subject(test.subject());
    let answer = publish.message(test.bodies()).message_structure("json").send().await;
    let answer =
        answer.map_err(|error| Failure::aws(format!("publish to {topic}"), "sns:Publish", &error))?;
    Ok(answer.message_id.unwrap_or_default())
}

/// What one level is sent.
struct Test {
    environment: String,
    level: u8,
    by: String,
    at: Timestamp,
}

impl Test {
    fn new(site: &Site, level: Level, by: &str) -> Self {
        Self { environment: site.stack.environment.clone(), level: level.number, by: plain(by), at: site.now }
    }

    fn headline(&self) -> String {
        format!("TEST for level {} by {}: nothing is wrong", self.level, self.by)
    }

    fn subject(&self) -> String {
        let subject = format!("[{}] {}", self.environment, self.headline());
        subject.chars().map(|c| if c.is_ascii_graphic() { c } else { ' ' }).take(MAX_SUBJECT).collect()
    }

    fn lines(&self) -> [String; 3] {
        [
            "This is a test of who hears the LendPeak2 runbook. There is nothing to do.".to_owned(),
            format!(
                "{} sent it to support level {} of {} at {} UTC, by `lendpeak2 doctor --ring`.",
                self.by,
                self.level,
                self.environment,
                time::full(self.at)
            ),
            format!("Tell {} that it came.", self.by),
        ]
    }

    /// A body for each protocol, as the functions' notices have them.
    fn bodies(&self) -> String {
        let text = format!("{}\n{}", self.headline(), self.lines().join("\n"));
        let sms = format!("{}: {}", self.environment, self.headline());
        let sms = sms.get(..sms.floor_char_boundary(MAX_SMS)).unwrap_or_default();
        let chat = self.chat().to_string();
        json!({ "default": text, "email": text, "sms": sms, "http": chat, "https": chat }).to_string()
    }

    /// Amazon Q's schema for custom notifications
    /// (<https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>). It has no buttons: there is nothing to
    /// approve.
    fn chat(&self) -> Value {
        let summary = format!("{}: {}", self.environment, self.headline());
        json!({
            "version": "1.0",
            "source": "custom",
            "content": {
                "textType": "client-markdown",
                "title": format!(":information_source: {summary}"),
                "description": self.lines().join("\n"),
                "keywords": [self.environment, "test"],
            },
            "metadata": {
                "summary": summary,
                "eventType": "lendpeak2.test",
                "additionalContext": { "Environment": self.environment },
                "enableCustomActions": false,
            },
        })
    }
}

/// A name without what a chat would interpret.
fn plain(by: &str) -> String {
    by.chars().map(|c| if c.is_alphanumeric() || " .@-+".contains(c) { c } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(by: &str) -> Test {
        Test {
            environment: "production".to_owned(),
            level: 2,
            by: plain(by),
            at: "2026-12-01T10:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_test_says_that_it_is_one_and_who_sent_it_in_every_protocol() {
        let bodies: Value = serde_json::from_str(&test("ana@example.com").bodies()).unwrap();
        for protocol in ["default", "email", "sms", "http", "https"] {
            let body = bodies[protocol].as_str().unwrap();
            assert!(
                body.contains("TEST for level 2 by ana@example.com: nothing is wrong"),
                "{protocol}: {body}"
            );
        }
        assert_eq!(
            bodies["email"],
            "TEST for level 2 by ana@example.com: nothing is wrong\n\
             This is a test of who hears the LendPeak2 runbook. There is nothing to do.\n\
             ana@example.com sent it to support level 2 of production at 2026-12-01 10:00:00 UTC, by `lendpeak2 doctor \
             --ring`.\n\
             Tell ana@example.com that it came."
        );
        assert_eq!(test("Ana").subject(), "[production] TEST for level 2 by Ana: nothing is wrong");
    }

    #[test]
    fn what_somebody_is_called_calls_nobody_in_a_chat_and_fits() {
        let long = test(&format!("<!channel> *{}*", "é".repeat(200)));
        let chat = long.chat();
        assert!(!chat.to_string().contains("<!"), "{chat}");
        assert_eq!(long.subject().len(), MAX_SUBJECT);
        let bodies: Value = serde_json::from_str(&long.bodies()).unwrap();
        assert!(bodies["sms"].as_str().unwrap().len() <= MAX_SMS);
    }
}

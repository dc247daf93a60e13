//! Notices to people, over SNS: a body for each protocol, made of the same facts.
//!
//! - e-mail, and whatever has no body of its own: a text short enough for a phone's screen. An e-mail has links below it;
//! - SMS: a line;
//! - HTTPS: what Amazon Q shows in a chat, with buttons where a decision is waited for.

mod buttons;
mod chat;
mod facts;
mod links;
mod page;
mod unreadable;

use std::{collections::BTreeSet, iter, time::Duration};

use aws_sdk_sns::{
    Client,
    config::{Builder, timeout::TimeoutConfig},
};
use aws_types::SdkConfig;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::timeout;

pub use buttons::LOOK;
pub use facts::{Facts, Kind, Send, Step};
use links::Links;
pub use page::{Page, State};
pub use unreadable::unreadable;

use crate::{
    aws, clock,
    error::{Cause, Error, chain},
    outcome::{Decision, Next, Outcome, first},
    text,
};

/// SNS takes a subject of 100 ASCII characters at most.
const MAX_SUBJECT: usize = 100;
/// What SNS takes: the bodies of all protocols together, in bytes.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const MAX_BODIES: usize = 262_144;
/// Bytes of a text. What a notice has is a tenth of it; what another version wrote to the ledger may have more.
const MAX_TEXT: usize = 40_000;
/// One SMS has 140 bytes.
const MAX_SMS: usize = 140;
/// What one topic has: two attempts, with up to a second between them. One that is cut short may have been taken, and
/// its notice comes once more.
const PATIENCE: Duration = Duration::from_secs(6);
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2_400);
/// The most characters of why SNS did not take it.
const MAX_WHY: usize = 200;

/// What people are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub topic_arn: String,
    pub subject: String,
    /// The text, as an e-mail has it.
    pub message: String,
    /// What the other bodies are made of. A notice that an earlier version wrote to the ledger has none: its text is shown
    /// in their place.
    pub facts: Option<Facts>,
}

/// The result of sending a notice to one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// How many have confirmed that they want to hear; not known where SNS did not say.
    pub subscribers: Option<u32>,
}

/// The result of sending a notice to its topic and, where that fails, to the levels above.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Somebody is subscribed, or SNS does not say that nobody is.
    pub heard: bool,
    /// SNS failed and nobody was reached: it is worth another try.
    pub owed: bool,
    /// The topics that nobody is subscribed to.
    pub unheard: Vec<String>,
    /// The result at each topic, in words.
    pub words: Vec<String>,
}

impl Notice {
    pub fn new(topic_arn: impl Into<String>, facts: Facts) -> Self {
        Self {
            topic_arn: topic_arn.into(),
            subject: ascii_subject(&facts.subject()),
            message: facts.text(),
            facts: Some(facts.bounded()),
        }
    }

    /// An outcome, as its function's people read it. `what` is what its actions come to.
    pub fn of(outcome: &Outcome, topic_arn: &str, what: &str) -> Self {
        Self::new(topic_arn, facts_of(outcome, what))
    }

    /// With a chat's buttons, which send to this queue what a person has decided. Without one there are none.
    #[must_use]
    pub fn with_buttons(mut self, approvals_queue: Option<&str>) -> Self {
        if let Some(facts) = &mut self.facts {
            facts.approvals_queue = approvals_queue.map(str::to_owned);
        }
        self
    }

    /// The bodies by protocol, as SNS takes them: each is a text, also where that is JSON.
    pub fn bodies(&self) -> String {
        let facts = self.facts.clone().unwrap_or_else(|| self.of_its_text()).bounded();
        let links = Links::of(&self.topic_arn, &facts);
        let chat = chat::body(&facts, links.as_ref()).to_string();
        let sms = sms(&self.subject, &facts);
        let mut most = MAX_TEXT;
        loop {
            let text = self.message.get(..self.message.floor_char_boundary(most)).unwrap_or_default();
            // SNS takes no empty body.
            let text = if text.trim().is_empty() { &self.subject } else { text };
            let bodies = json!({
                "default": text,
                "email": email(text, links.as_ref()),
                "sms": sms,
                "http": chat,
                "https": chat,
            });
            let bodies = bodies.to_string();
            if bodies.len() <= MAX_BODIES || most == 0 {
                return bodies;
            }
            most /= 2;
        }
    }

    /// What can be said in a chat of a notice that has a text only.
    fn of_its_text(&self) -> Facts {
        let subject = self.subject.strip_prefix('[').and_then(|rest| rest.split_once("] "));
        let (environment, headline) = subject.unwrap_or(("lendpeak2", &self.subject));
        let lines = self.message.lines().map(str::to_owned).collect();
        Facts { lines, ..Facts::new(environment, "incident", Kind::Other, headline) }
    }
}

/// As much of a subject as SNS takes.
fn ascii_subject(subject: &str) -> String {
    let subject = subject.replace('→', "->").replace('…', "...");
    subject.chars().map(|c| if c.is_ascii_graphic() { c } else { ' ' }).take(MAX_SUBJECT).collect()
}

/// The text with the links below it: an e-mail is read where they can be followed.
fn email(text: &str, links: Option<&Links>) -> String {
    let links: Vec<String> =
        links.iter().flat_map(|links| links.all()).map(|(name, link)| format!("{name}: {link}")).collect();
    if links.is_empty() { text.to_owned() } else { format!("{text}\n\n{}", links.join("\n")) }
}

/// One line: what happened, and what to ask for.
fn sms(subject: &str, facts: &Facts) -> String {
    let id = match (&facts.plan, &facts.incident) {
        (Some(plan), _) => format!(". Plan {plan}"),
        (None, Some(incident)) => format!(". Incident {incident}"),
        (None, None) => String::new(),
    };
    // A letter that is not of ASCII makes an SMS half as long.
    let id: String = id.chars().filter(char::is_ascii).take(MAX_SMS / 2).collect();
    let subject = subject.replacen('[', "", 1).replacen(']', ":", 1);
    let subject = subject.trim_end_matches(['.', ' ']);
    let room = MAX_SMS.saturating_sub(id.len());
    let kept = subject.get(..subject.floor_char_boundary(room)).unwrap_or_default();
    let sms = format!("{kept}{id}");
    if sms.trim().is_empty() { "LendPeak2: a notice".to_owned() } else { sms }
}

/// As in `backend 2 → 4 tasks (scale-up, by hand)`.
fn headline(outcome: &Outcome, what: &str) -> String {
    let function = &outcome.function;
    let by = outcome.woken_by().map_or("", |woken_by| woken_by.by());
    let by = if by.is_empty() { function.clone() } else { format!("{function}, {by}") };
    // A colon would set off what is one thing.
    let what = if what.is_empty() { first(&outcome.reason).to_owned() } else { what.replacen(": ", " ", 1) };
    format!("{what} ({by})")
}

fn title(outcome: &Outcome, what: &str) -> String {
    let function = &outcome.function;
    match outcome.decision {
        Decision::Applied => headline(outcome, what),
        Decision::AwaitingApproval => format!("approve? {}", headline(outcome, what)),
        Decision::Failed if outcome.steps.is_empty() => {
            format!("{function} failed: {}", first(&outcome.reason))
        }
        Decision::Failed => format!("failed: {}", headline(outcome, what)),
        Decision::Refused => format!("{function} refused: {}", first(&outcome.reason)),
        Decision::Observed | Decision::NothingToDo | Decision::Listed | Decision::Replayed => {
            format!("{function}: {}", first(&outcome.reason))
        }
    }
}

/// Whether people should know of an outcome that an event or a schedule brought about: something was or could not be
/// done, or there is something for them to do. Looking alone tells nobody, and whoever sent a request has its answer.
pub fn is_due(outcome: &Outcome, by_event: bool) -> bool {
    match outcome.decision {
        Decision::Applied | Decision::AwaitingApproval | Decision::Failed => true,
        Decision::Refused => outcome.next.is_some() && by_event,
        Decision::Observed | Decision::NothingToDo | Decision::Listed | Decision::Replayed => false,
    }
}

/// Publishes a notice, and asks beside it whether anybody hears it.
pub async fn send(config: &SdkConfig, notice: &Notice) -> Result<Told, Error> {
    let client = client(config);
    let published = async {
        client
            .publish()
            .topic_arn(&notice.topic_arn)
            .subject(&notice.subject)
            .message(notice.bodies())
            .message_structure("json")
            .send()
            .await
            .map_err(|error| aws::failed("publish to", &notice.topic_arn, &error))
    };
    // A topic that does not answer must not delay the next one.
    let (published, subscribers) = tokio::join!(
        timeout(PATIENCE, published),
        timeout(PATIENCE, subscribers(&client, &notice.topic_arn))
    );
    published.unwrap_or_else(|_| {
        let source = Cause::new(format!("no answer within {} s", PATIENCE.as_secs()));
        Err(Error::Aws { operation: "publish to", resource: notice.topic_arn.clone(), source })
    })?;
    let subscribers = subscribers.ok().flatten();
    if subscribers == Some(0) {
        tracing::error!(
            topic = notice.topic_arn,
            "nobody is subscribed to this topic: the notice is heard by nobody"
        );
    }
    Ok(Told { subscribers })
}

/// Calls a pager, or tells it that it is over. Whether anybody hears it is not asked: where there is no pager, the levels
/// are told all the same.
pub async fn page(config: &SdkConfig, topic_arn: &str, page: &Page) -> Result<(), Error> {
    let client = client(config);
    let published =
        client.publish().topic_arn(topic_arn).subject(&page.subject).message(&page.message).send();
    let Ok(published) = timeout(PATIENCE, published).await else {
        let source = Cause::new(format!("no answer within {} s", PATIENCE.as_secs()));
        return Err(Error::Aws { operation: "publish to", resource: topic_arn.to_owned(), source });
    };
    published.map(drop).map_err(|error| aws::failed("publish to", topic_arn, &error))
}

/// Most runs send no notice, so the client is made only for one that does.
fn client(config: &SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    Client::from_conf(Builder::from(config).timeout_config(timeouts).build())
}

/// Sends a notice to its topic. If that fails or nobody is subscribed, it goes to the levels above, one after the other.
pub async fn tell(config: &SdkConfig, notice: &Notice, levels: &[String]) -> Sent {
    let mut sent = Sent::default();
    let mut tried = BTreeSet::new();
    for topic in iter::once(&notice.topic_arn).chain(levels).filter(|topic| tried.insert(*topic)) {
        let name = topic.rsplit(':').next().unwrap_or(topic);
        match send(config, &Notice { topic_arn: topic.clone(), ..notice.clone() }).await {
            Ok(told) if told.subscribers == Some(0) => {
                sent.unheard.push(topic.clone());
                sent.words.push(format!("Nobody is subscribed to {name}."));
            }
            Ok(_) => {
                sent.words.push(format!("Told {name}."));
                sent.heard = true;
                break;
            }
            Err(error) => {
                tracing::error!(topic, error = chain(&error), "people were not told");
                let why = text::line(&chain(&error), MAX_WHY);
                sent.words.push(format!("{name} could not be told ({why})."));
                sent.owed = true;
            }
        }
    }
    sent.owed &= !sent.heard;
    sent
}

/// How many have confirmed a subscription to the topic, if SNS says.
async fn subscribers(client: &Client, topic_arn: &str) -> Option<u32> {
    let answer = client.get_topic_attributes().topic_arn(topic_arn).send().await;
    let answer = answer
        .map_err(|error| {
            let error = aws::failed("look who is subscribed to", topic_arn, &error);
            tracing::warn!(error = chain(&error), "whether anybody hears of it is not known");
        })
        .ok()?;
    answer.attributes()?.get("SubscriptionsConfirmed")?.parse().ok()
}

/// That nobody has decided about the plan with this id. `would` is what it was to do, and for whom.
pub fn expired(outcome: &Outcome, what: &str, id: &str, at: Timestamp, would: &str, next: &Next) -> Facts {
    let headline = format!("nobody decided: {}", headline(outcome, what));
    Facts {
        lines: vec![
            format!("Plan {id} has expired at {}, and nothing was done.", clock::readable(at)),
            format!("It would: {would}."),
        ],
        steps: steps(next, &outcome.function),
        ..Facts::new(&outcome.environment, &outcome.function, Kind::Expired, headline)
    }
}

/// What to do next, and what to send to which function: its own unless another is named.
fn steps(next: &Next, own: &str) -> Vec<Step> {
    let function = next.function.as_deref().unwrap_or(own);
    let send = next.send.iter().map(|send| Step::default().send(function, send.clone()));
    iter::once(Step::new(format!("Next (level {}): {}", next.level, next.what))).chain(send).collect()
}

/// An outcome, for people.
fn facts_of(outcome: &Outcome, what: &str) -> Facts {
    let mut lines: Vec<String> = vec![outcome.summary.clone()];
    let more = |lines: &mut Vec<String>, text: &str| {
        if !text.is_empty() && !lines.iter().any(|line| line.contains(text)) {
            lines.push(text.to_owned());
        }
    };
    more(&mut lines, &outcome.reason);
    lines.extend(outcome.steps.iter().map(|step| {
        let error = step.error.as_deref().map(|error| format!(" ({error})")).unwrap_or_default();
        format!("- {}: {}{error}", step.action, step.result.as_str())
    }));
    if let Some(verification) = &outcome.verification {
        more(&mut lines, &verification.what);
    }
    lines.extend(outcome.described().details.iter().map(|detail| format!("- {detail}")));
    let steps = outcome.next.iter().flat_map(|next| steps(next, &outcome.function)).collect();
    let kind = match outcome.decision {
        Decision::Applied => Kind::Applied,
        Decision::AwaitingApproval => Kind::AwaitingApproval,
        Decision::Failed => Kind::Failed,
        Decision::Refused => Kind::Refused,
        Decision::Observed | Decision::NothingToDo | Decision::Listed | Decision::Replayed => Kind::Other,
    };
    let plan = outcome.next.as_ref().and_then(Next::plan);
    Facts {
        lines,
        steps,
        closing: format!("Record: {} at {}", outcome.execution_id, clock::readable(outcome.at)),
        plan: plan.filter(|_| kind == Kind::AwaitingApproval).map(str::to_owned),
        ..Facts::new(&outcome.environment, &outcome.function, kind, title(outcome, what))
    }
}

#[cfg(test)]
mod tests;

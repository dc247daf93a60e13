//! What people send to the queue of approvals. Each message is answered in the ledger, once, for whoever sent it: nobody
//! else is told of one that cannot be read.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    clock,
    code::Code,
    error::Error,
    ledger::ALL,
    outcome::Decision,
    text::{PERSON, line},
    trigger::{Message, Sender},
};

use super::{actor::Actor, answer::MAX_SUMMARY, context::Handler};
use crate::{
    codes,
    message::{Command, Verb},
    request::Stop,
};

/// What a message came to.
pub(super) struct Reply {
    pub(super) decision: Decision,
    pub(super) code: &'static Code,
    pub(super) summary: String,
    /// The remedy whose plan it is about, and the plan.
    pub(super) plan: Option<(String, String)>,
    pub(super) incident: Option<String>,
}

impl Reply {
    pub(super) fn new(decision: Decision, code: &'static Code, summary: impl Into<String>) -> Self {
        Self { decision, code, summary: summary.into(), plan: None, incident: None }
    }

    pub(super) fn refused(code: &'static Code, why: &str) -> Self {
        Self::new(Decision::Refused, code, format!("nothing was done: {why}"))
    }

    #[must_use]
    pub(super) fn about(self, function: &str, plan: &str) -> Self {
        Self { plan: Some((function.to_owned(), plan.to_owned())), ..self }
    }

    pub(super) fn to_json(&self, message: &Message) -> Value {
        let (function, plan) = self.plan.as_ref().map(|(function, plan)| (function, plan)).unzip();
        json!({
            "summary": line(&self.summary, MAX_SUMMARY),
            "decision": self.decision,
            "code": self.code,
            "function": function,
            "plan": plan,
            "incident": self.incident,
            "by": line(message.sender.name(), PERSON),
            "sender": message.sender,
            "sent_at": clock::sortable(message.at),
        })
    }
}

impl Handler {
    /// Does what a message asks for, and keeps the answer. It fails only where another delivery can help.
    pub(super) async fn heed(&self, message: &Message, now: Timestamp) -> Result<Value, Error> {
        if let Some(earlier) = self.store().answer(&message.id).await? {
            return Ok(earlier);
        }
        let reply = match Command::read(&message.body) {
            Err(why) => Reply::refused(&codes::MESSAGE_UNREADABLE, &why),
            Ok(command) => match self.obey(&command, message, now).await {
                Err(Error::InvalidRequest(why)) => Reply::refused(&codes::MESSAGE_REFUSED, &why),
                reply => reply?,
            },
        };
        let answer = reply.to_json(message);
        self.store().keep_answer(&message.id, &answer, now).await?;
        Ok(answer)
    }

    async fn obey(&self, command: &Command, message: &Message, now: Timestamp) -> Result<Reply, Error> {
        let Command { verb, id, words } = command;
        let by = name_of(&message.sender);
        let actor = Actor {
            id: &message.id,
            by: &by,
            at: message.at,
            now,
            dry_run: false,
            execution: None,
            message: Some(message),
        };
        match verb {
            Verb::Approve | Verb::Reject => self.vote(command, message, &actor).await,
            Verb::Acknowledge => {
                let answer: Value = self.acknowledge(id, &by, false, &actor).await?.into();
                Ok(done(&answer, &codes::ACKNOWLEDGED, Some(id)))
            }
            Verb::Note => {
                let answer: Value = self.note(id, words, false, &actor).await?.into();
                Ok(done(&answer, &codes::NOTED, Some(id)))
            }
            Verb::Stop => {
                let reason = Some(words.clone()).filter(|words| !words.is_empty());
                let stop = Stop { name: id.clone(), reason, by: Some(by.clone()), until: None };
                Ok(done(&self.stop(&stop, &actor).await?, &codes::STOPPED, None))
            }
            Verb::Start => {
                let name = if id.eq_ignore_ascii_case(ALL) { ALL } else { id };
                Ok(done(&self.go(name, Some(&by), &actor).await?, &codes::LIFTED, None))
            }
        }
    }
}

/// A name as it is shown: whoever opens a session may choose one.
pub(super) fn name_of(sender: &Sender) -> String {
    const LONGEST: usize = 100;
    line(sender.name(), LONGEST)
}

/// What the same request by hand would have answered.
fn done(answer: &Value, code: &'static Code, incident: Option<&str>) -> Reply {
    let summary = answer.get("summary").and_then(Value::as_str).unwrap_or_default();
    let is_nothing = answer.get("did").and_then(Value::as_str) == Some("nothing");
    let (decision, code) =
        if is_nothing { (Decision::NothingToDo, &codes::NOTHING_CHANGED) } else { (Decision::Applied, code) };
    Reply { incident: incident.map(str::to_owned), ..Reply::new(decision, code, summary) }
}

//! Votes about plans: each is kept with its plan, and once there are enough the remedy is called with what was decided.
//!
//! The vote is written first and the remedy called after. A run that dies between the two is followed by another
//! delivery of the message, which finds the vote and calls the remedy; and a remedy carries out a plan once, however
//! often it is called.

use aws_sdk_lambda::{primitives::Blob, types::InvocationType};
use serde_json::{Map, Value, json};
use shared::{
    aws, code,
    error::{Error, chain},
    ledger::{Approval, Plans},
    notice::{Facts, Kind},
    outbox::Owed,
    outcome::Decision,
    text::{PERSON, line},
    trigger::Message,
    vote::{Said, Vote, names},
};

use super::{
    actor::Actor,
    context::{Handler, back_off, write_conflict},
    limits::MAX_WRITES,
    queue::{Reply, name_of},
    records::Record,
};
use crate::{
    FUNCTION, codes,
    message::{Command, Verb},
    notice::capital,
    votes::{Judged, judge},
};

/// The alias of a remedy that takes what was decided.
const ALIAS: &str = "approve";

/// A vote that counts, with its plan.
struct Counted<'a> {
    function: &'a str,
    approval: &'a Approval,
    vote: Vote,
    missing: usize,
}

impl Handler {
    /// Records what somebody says about a plan.
    pub(super) async fn vote(
        &self,
        command: &Command,
        message: &Message,
        actor: &Actor<'_>,
    ) -> Result<Reply, Error> {
        let said = if command.verb == Verb::Reject { Said::Reject } else { Said::Approve };
        let client = aws_sdk_dynamodb::Client::new(&self.config);
        let plans = Plans::new(client, &self.settings.ledger_table);
        for turn in 0..MAX_WRITES {
            back_off(turn, &message.id).await;
            let Some((function, approval)) = plans.find(&self.settings.functions, &command.id).await? else {
                let why = format!(
                    "there is no plan {}: it has long expired, or was asked for anew under another id",
                    command.id
                );
                return Ok(Reply::refused(&code::APPROVAL_UNKNOWN, &why));
            };
            let rules = &self.settings.approvals;
            let id = &approval.id;
            // This very message was counted, and the remedy has been called: only its answer is missing.
            let is_counted = approval.votes.iter().any(|vote| vote.message == message.id);
            if is_counted && (approval.used || approval.rejected.is_some()) {
                return Ok(decided(&function, &approval.votes, id, said).about(&function, id));
            }
            let reply = match judge(&approval, &function, said, &message.sender, rules, actor.now) {
                Judged::Refused { code, why } => Reply::refused(code, &why),
                Judged::Known { missing } => {
                    let by = name_of(&message.sender);
                    let minimum = rules.minimum(&function);
                    let summary = format!(
                        "{by} has approved plan {id} before; {} of {minimum} approvals: {}",
                        minimum.saturating_sub(missing),
                        names(&approval.votes, Said::Approve)
                    );
                    Reply::new(Decision::AwaitingApproval, &codes::APPROVALS_MISSING, summary)
                }
                Judged::Complete => self.carry_out(&function, &approval.votes, id, said).await?,
                Judged::Counts { missing } => {
                    let words = line(&command.words, PERSON);
                    let (sender, message) = (message.sender.clone(), message.id.clone());
                    let vote = Vote { said, sender, at: actor.at, message, words };
                    let counted = Counted { function: &function, approval: &approval, vote, missing };
                    let Some(reply) = self.count(&plans, counted, actor).await? else { continue };
                    reply
                }
            };
            return Ok(reply.about(&function, id));
        }
        Err(write_conflict(&command.id))
    }

    /// Writes a vote. `None` if somebody else was faster.
    async fn count(
        &self,
        plans: &Plans,
        counted: Counted<'_>,
        actor: &Actor<'_>,
    ) -> Result<Option<Reply>, Error> {
        let Counted { function, approval, vote, missing } = counted;
        let said = vote.said;
        let all: Vec<Vote> = approval.votes.iter().cloned().chain([vote.clone()]).collect();
        if missing == 0 {
            let written = plans.vote(function, approval, &vote, actor.now, Vec::new()).await?;
            return if written {
                Ok(Some(self.carry_out(function, &all, &approval.id, said).await?))
            } else {
                Ok(None)
            };
        }
        let minimum = self.settings.approvals.minimum(function);
        let progress = format!(
            "{} of {minimum} approvals for plan {} of {function}: {}",
            minimum.saturating_sub(missing),
            approval.id,
            names(&all, Said::Approve)
        );
        let pending = self.told_of(function, approval, &progress, actor);
        let record = Record {
            code: &codes::APPROVALS_MISSING,
            decision: Decision::AwaitingApproval,
            what: &progress,
            target: &approval.target,
            plan: json!({ "function": function, "id": approval.id, "lines": approval.plan, "votes": all }),
            by: actor.by,
        };
        let writes = vec![self.record(&record, actor)?, self.store().put(pending.item())?];
        if !plans.vote(function, approval, &vote, actor.now, writes).await? {
            return Ok(None);
        }
        self.outbox().send(&pending).await;
        if let Err(error) = self.add_to_open(actor, &progress).await {
            tracing::error!(error = chain(&error), "the vote is missing from the timelines");
        }
        Ok(Some(Reply::new(Decision::AwaitingApproval, &codes::APPROVALS_MISSING, progress)))
    }

    /// The notice of an approval that is not enough.
    fn told_of(&self, function: &str, approval: &Approval, progress: &str, actor: &Actor<'_>) -> Owed {
        let lines = approval.plan.join(", ");
        let facts = Facts {
            lines: vec![
                format!("{}.", capital(progress)),
                format!("It would: {lines} ({}).", approval.trigger.words()),
                format!(
                    "Still needed by {}, by somebody else: `lendpeak2 approve {}`",
                    shared::clock::readable(approval.expires),
                    approval.id
                ),
            ],
            plan: Some(approval.id.clone()),
            ..Facts::new(
                &self.settings.environment,
                FUNCTION,
                Kind::AwaitingApproval,
                format!("approve? {function}: {}", progress.split(" for ").next().unwrap_or_default()),
            )
        };
        self.notice_to_level_1(facts, actor.id, actor.now)
    }

    /// Calls the remedy with what was decided. It reads the votes itself.
    async fn carry_out(&self, function: &str, votes: &[Vote], id: &str, said: Said) -> Result<Reply, Error> {
        let verb = if said == Said::Reject { "reject" } else { "approve" };
        let mut request = Map::from_iter([(verb.to_owned(), json!(id))]);
        let words: Vec<&str> = votes
            .iter()
            .filter(|vote| vote.said == said && !vote.words.is_empty())
            .map(|vote| vote.words.as_str())
            .collect();
        if !words.is_empty() {
            request.insert("reason".to_owned(), json!(line(&words.join("; "), PERSON)));
        }
        let name = self.settings.function_name(function);
        aws_sdk_lambda::Client::new(&self.config)
            .invoke()
            .function_name(&name)
            .qualifier(ALIAS)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(Value::Object(request).to_string()))
            .send()
            .await
            .map_err(|error| aws::failed("invoke", format!("{name}:{ALIAS}"), &error))?;
        Ok(decided(function, votes, id, said))
    }
}

/// What is answered once a decision is complete.
fn decided(function: &str, votes: &[Vote], id: &str, said: Said) -> Reply {
    let by = names(votes, said);
    let (code, summary) = match said {
        Said::Approve => {
            (&codes::APPROVED, format!("plan {id} is approved by {by}; {function} carries it out"))
        }
        Said::Reject => (&code::REJECTED, format!("plan {id} is rejected by {by}")),
    };
    Reply::new(Decision::Applied, code, summary)
}

//! Sets, lifts and lists kill switches, with an audit record and a notice to level 1.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{
    clock,
    code::Code,
    error::{Error, chain},
    ledger::{
        ALL, KILL_SWITCH, Switch, Switches,
        items::{item_key, string},
    },
    outcome::Decision,
    text::{PERSON, line},
};

use super::{
    actor::Actor,
    context::{Handler, write_conflict},
    listing::switched,
    queue::Reply,
    records::Record,
};
use crate::{
    FUNCTION, codes,
    incident::Incident,
    notice::{self, Deployment, WaitingPlan},
    request::{Stop, When},
};

/// A kill switch with a later end is a mistake: leave the end out.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 365);
/// A notice does not wait longer for the kill switches and plans.
const READ_WITHIN: Duration = Duration::from_secs(2);
/// DynamoDB takes 100 writes in a transaction, and some are the audit record and the notice.
const AT_ONCE: usize = 90;

impl Handler {
    /// All kill switches in the ledger.
    pub(super) async fn switches(&self) -> Result<Vec<Switch>, Error> {
        let client = aws_sdk_dynamodb::Client::new(&self.config);
        Switches::new(client, &self.settings.ledger_table).all(&self.settings.runbook).await
    }

    /// The deployment with its kill switches and waiting plans, which change what people have to do. If they cannot be
    /// read, people are told without them.
    pub(super) async fn deployment_now(&self, incident: &Incident, now: Timestamp) -> Deployment {
        let mut deployment = self.deployment();
        if !incident.is_open() {
            return deployment;
        }
        let plans = async {
            let mut plans = Vec::new();
            for (function, mode) in &self.settings.remedies {
                if *mode != shared::settings::Mode::Approve {
                    continue;
                }
                match self.store().plans(function, now).await {
                    Ok(waiting) => plans.extend(
                        waiting.into_iter().map(|(id, _)| WaitingPlan { function: function.clone(), id }),
                    ),
                    Err(error) => tracing::warn!(
                        error = chain(&error),
                        "the plans that wait for approval could not be read"
                    ),
                }
            }
            plans
        };
        let both = async { tokio::join!(self.switches(), plans) };
        match tokio::time::timeout(READ_WITHIN, both).await {
            Ok((Ok(switches), plans)) => {
                deployment.switches = switches.into_iter().filter(|switch| switch.is_on(now)).collect();
                deployment.plans = plans;
            }
            Ok((Err(error), _)) => {
                tracing::warn!(error = chain(&error), "the kill switches could not be read");
            }
            Err(_) => tracing::warn!("the kill switches could not be read: the ledger does not answer"),
        }
        deployment
    }

    /// Sets a kill switch. It holds from this answer on.
    pub(super) async fn stop(&self, stop: &Stop, actor: &Actor<'_>) -> Result<Value, Error> {
        let Stop { name, reason, by, until } = stop;
        let known = &self.settings.runbook;
        if name != ALL && !known.contains(name) {
            let names: Vec<&str> = known.iter().map(String::as_str).chain([ALL]).collect();
            return Err(Error::InvalidRequest(format!(
                "there is no function `{}` to stop; send `stop` with one of {}",
                line(name, 60),
                names.join(", ")
            )));
        }
        let until = until.map(|until| ends(until, actor.now)).transpose()?;
        let by = by.as_deref().unwrap_or_default();
        let mut item = item_key(KILL_SWITCH, name);
        let until_text = until.map(clock::sortable).unwrap_or_default();
        for (field, value) in [
            ("reason", line(reason.as_deref().unwrap_or_default(), PERSON)),
            ("by", line(by, PERSON)),
            ("at", clock::sortable(actor.now)),
            ("until", until_text),
        ] {
            if !value.is_empty() {
                item.insert(field.to_owned(), string(value));
            }
        }
        let switch = Switch::of(&item, known);
        let what = notice::set_in_words(&switch, actor.now);
        let writes = vec![self.store().put(item)?];
        let names = [switch.name.clone()];
        self.write_switches(&codes::STOPPED, &what, &names, writes, &[switch], by, actor).await
    }

    /// Lifts the kill switch of this name, whatever the name is, or all of them.
    pub(super) async fn go(&self, name: &str, by: Option<&str>, actor: &Actor<'_>) -> Result<Value, Error> {
        let all = self.switches().await?;
        let lifted: Vec<&Switch> = all.iter().filter(|switch| name == ALL || switch.name == name).collect();
        let left: Vec<Switch> = all
            .iter()
            .filter(|switch| !lifted.contains(switch) && switch.is_on(actor.now))
            .cloned()
            .collect();
        if lifted.is_empty() {
            let what = if name == ALL {
                "no kill switch is on".to_owned()
            } else {
                format!("there is no kill switch `{}`", line(name, 60))
            };
            let function = self.settings.function_name(FUNCTION);
            return Ok(switched("nothing", &what, &[], &left, &[], &function, actor));
        }
        let names: Vec<String> = lifted.iter().map(|switch| switch.name.clone()).collect();
        let shown: Vec<String> = names.iter().map(|name| format!("`{}`", line(name, 60))).collect();
        let what = match shown.as_slice() {
            [one] => format!("the kill switch {one} is lifted"),
            many => format!("the kill switches {} are lifted", line(&many.join(", "), 600)),
        };
        let mut writes =
            names.iter().map(|name| self.store().remove(KILL_SWITCH, name)).collect::<Result<Vec<_>, _>>()?;
        // More than fit into one transaction: the surplus goes first.
        while writes.len() > AT_ONCE && !actor.dry_run {
            let some = writes.split_off(writes.len() - AT_ONCE);
            if !self.store().transact(some, KILL_SWITCH).await? {
                return Err(write_conflict(KILL_SWITCH));
            }
        }
        self.write_switches(&codes::LIFTED, &what, &names, writes, &left, by.unwrap_or_default(), actor).await
    }

    /// Writes the change together with its audit record and the notice about it; then sends the notice.
    #[expect(clippy::too_many_arguments, reason = "the change, and the words for it")]
    async fn write_switches(
        &self,
        did: &'static Code,
        what: &str,
        names: &[String],
        mut writes: Vec<TransactWriteItem>,
        on: &[Switch],
        by: &str,
        actor: &Actor<'_>,
    ) -> Result<Value, Error> {
        let who = if by.is_empty() { String::new() } else { format!(", by {}", line(by, 60)) };
        let function = self.settings.function_name(FUNCTION);
        let is_lifted = *did == codes::LIFTED;
        let told = if is_lifted { format!("{what}{who}") } else { what.to_owned() };
        if actor.dry_run {
            return Ok(switched(did.name(), &told, names, on, &[], &function, actor));
        }
        let target = format!("{KILL_SWITCH}/{}", names.first().map_or("", String::as_str));
        let record = Record {
            code: did,
            decision: Decision::Applied,
            what: &told,
            target: &target,
            plan: json!({ "switches": names }),
            by,
        };
        let facts = notice::kill_switch(did, &told, names, on, &self.settings.environment, &function);
        let pending = self.notice_to_level_1(facts, actor.id, actor.now);
        writes.push(self.record(&record, actor)?);
        writes.push(self.store().put(pending.item())?);
        if let Some(message) = actor.message {
            let answer = Reply::new(Decision::Applied, did, told.as_str()).to_json(message);
            writes.push(self.store().first_answer(&message.id, &answer, actor.now)?);
        }
        if !self.store().transact(writes, KILL_SWITCH).await? {
            return Err(write_conflict(KILL_SWITCH));
        }
        let sent = self.outbox().send(&pending).await;
        let mut delivery = sent.words;
        if sent.owed {
            delivery.push("The notice is sent again within a minute.".to_owned());
        }
        // The kill switch is written. A timeline that cannot be written does not change that.
        if let Err(error) = self.add_to_open(actor, &told).await {
            tracing::error!(error = chain(&error), "the kill switch is missing from the timelines");
            delivery
                .push(format!("It is missing from the timelines of the open incidents ({}).", chain(&error)));
        }
        Ok(switched(did.name(), &told, names, on, &delivery, &function, actor))
    }
}

fn ends(until: When, now: Timestamp) -> Result<Timestamp, Error> {
    let at = match until {
        When::At(at) => Some(at),
        When::After(span) => now.checked_add(span).ok(),
    };
    at.filter(|at| *at > now && at.duration_since(now) <= LONGEST).ok_or_else(|| {
        Error::InvalidRequest(
            "`until` is in the past, or more than a year away: leave it out for a kill switch without an end"
                .to_owned(),
        )
    })
}

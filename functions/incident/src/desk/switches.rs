//! The kill switch by request: set, lifted, shown, recorded, and told to level 1.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{
    clock,
    code::Code,
    error::{Error, chain},
    ledger::{
        ALL, AUDIT_KEPT, KILL_SWITCH, Switch, Switches,
        items::{item_key, json as as_json, kept, string},
    },
    outcome::{Decision, Outcome, VERSION},
    text::{PERSON, line},
};

use super::{Desk, Word};
use crate::{
    FUNCTION, codes,
    incident::Incident,
    notice::{Place, Waiting},
    request::{Stop, Until},
};

/// What is set for longer is set without an end.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 365);
/// People are told without what takes longer to read.
const SEEN_WITHIN: Duration = Duration::from_secs(2);
/// DynamoDB takes a hundred writes at once, and some are the record's.
const AT_ONCE: usize = 90;

impl Desk {
    /// The kill switches that are in the ledger.
    pub(super) async fn switches(&self) -> Result<Vec<Switch>, Error> {
        let client = aws_sdk_dynamodb::Client::new(&self.config);
        Switches::new(client, &self.settings.ledger_table).all(&self.settings.runbook).await
    }

    /// What holds at this moment and changes what people have to do. What cannot be read keeps nobody from being told.
    pub(super) async fn standing(&self, incident: &Incident, now: Timestamp) -> Place {
        let mut place = self.place();
        if !incident.is_open() {
            return place;
        }
        let plans = async {
            let mut plans = Vec::new();
            for (function, mode) in &self.settings.remedies {
                if *mode != shared::settings::Mode::Approve {
                    continue;
                }
                match self.store().plans(function, now).await {
                    Ok(waiting) => plans.extend(
                        waiting.into_iter().map(|(id, _)| Waiting { function: function.clone(), id }),
                    ),
                    Err(error) => tracing::warn!(error = chain(&error), "the plans were not seen"),
                }
            }
            plans
        };
        let both = async { tokio::join!(self.switches(), plans) };
        match tokio::time::timeout(SEEN_WITHIN, both).await {
            Ok((Ok(switches), plans)) => {
                place.switches = switches.into_iter().filter(|switch| switch.is_on(now)).collect();
                place.plans = plans;
            }
            Ok((Err(error), _)) => tracing::warn!(error = chain(&error), "the kill switches were not seen"),
            Err(_) => tracing::warn!("the kill switches were not seen: the ledger does not answer"),
        }
        place
    }

    /// Sets a kill switch. It is in force once this answers.
    pub(super) async fn stop(&self, stop: &Stop, word: &Word<'_>) -> Result<Value, Error> {
        let Stop { whom, reason, by, until } = stop;
        let known = &self.settings.runbook;
        if whom != ALL && !known.contains(whom) {
            let names: Vec<&str> = known.iter().map(String::as_str).chain([ALL]).collect();
            return Err(Error::InvalidRequest(format!(
                "there is no function `{}` to stop; send `stop` with one of {}",
                line(whom, 60),
                names.join(", ")
            )));
        }
        let until = until.map(|until| ends(until, word.now)).transpose()?;
        let by = by.as_deref().unwrap_or_default();
        let mut item = item_key(KILL_SWITCH, whom);
        let until_text = until.map(clock::sortable).unwrap_or_default();
        for (name, value) in [
            ("reason", line(reason.as_deref().unwrap_or_default(), PERSON)),
            ("by", line(by, PERSON)),
            ("at", clock::sortable(word.now)),
            ("until", until_text),
        ] {
            if !value.is_empty() {
                item.insert(name.to_owned(), string(value));
            }
        }
        let switch = Switch::of(&item, known);
        let what = switch.in_words(word.now).replace(" for 0 s", "");
        let writes = vec![self.store().put(item)?];
        let names = [switch.name.clone()];
        self.switched(&codes::STOPPED, &what, &names, writes, &[switch], by, word).await
    }

    /// Lifts one kill switch by its name, whatever that is, or all of them.
    pub(super) async fn go(&self, whom: &str, by: Option<&str>, word: &Word<'_>) -> Result<Value, Error> {
        let all = self.switches().await?;
        let lifted: Vec<&Switch> = all.iter().filter(|switch| whom == ALL || switch.name == whom).collect();
        let left: Vec<Switch> =
            all.iter().filter(|switch| !lifted.contains(switch) && switch.is_on(word.now)).cloned().collect();
        if lifted.is_empty() {
            let what = if whom == ALL {
                "no kill switch is on".to_owned()
            } else {
                format!("there is no kill switch `{}`", line(whom, 60))
            };
            return Ok(said("nothing", &what, &[], &left, word, &[]));
        }
        let names: Vec<String> = lifted.iter().map(|switch| switch.name.clone()).collect();
        let shown: Vec<String> = names.iter().map(|name| format!("`{}`", line(name, 60))).collect();
        let what = match shown.as_slice() {
            [one] => format!("the kill switch {one} is lifted"),
            many => format!("the kill switches {} are lifted", line(&many.join(", "), 600)),
        };
        let mut writes =
            names.iter().map(|name| self.store().remove(KILL_SWITCH, name)).collect::<Result<Vec<_>, _>>()?;
        // More than one transaction takes at once are stray ones: they go first, by themselves.
        while writes.len() > AT_ONCE && !word.dry_run {
            let some = writes.split_off(writes.len() - AT_ONCE);
            if !self.store().transact(some, KILL_SWITCH).await? {
                return Err(super::overtaken(KILL_SWITCH));
            }
        }
        self.switched(&codes::LIFTED, &what, &names, writes, &left, by.unwrap_or_default(), word).await
    }

    /// Writes what was asked together with its record and what people are owed of it; then tells them.
    #[expect(clippy::too_many_arguments, reason = "what is written, and how it is told")]
    async fn switched(
        &self,
        did: &'static Code,
        what: &str,
        names: &[String],
        mut writes: Vec<TransactWriteItem>,
        on: &[Switch],
        by: &str,
        word: &Word<'_>,
    ) -> Result<Value, Error> {
        let who = if by.is_empty() { String::new() } else { format!(", by {}", line(by, 60)) };
        let is_lifted = *did == codes::LIFTED;
        let told = if is_lifted { format!("{what}{who}") } else { what.to_owned() };
        if word.dry_run {
            return Ok(said(did.name(), &told, names, on, word, &[]));
        }
        let target = format!("{KILL_SWITCH}/{}", names.first().map_or("", String::as_str));
        let outcome = Outcome {
            summary: told.clone(),
            version: VERSION,
            decision: Decision::Applied,
            code: did.into(),
            under_way: false,
            reason: told.clone(),
            next: None,
            target: target.clone(),
            steps: Vec::new(),
            verification: None,
            plan: json!({ "switches": names }),
            observed: Value::Null,
            trigger: json!({ "id": word.id, "at": word.at, "by": by }),
            function: FUNCTION.to_owned(),
            environment: self.settings.environment.clone(),
            execution_id: word.id.to_owned(),
            at: word.now,
            duration_ms: 0,
        };
        let mut audit =
            item_key(&format!("audit#{FUNCTION}"), &format!("{}#{}", clock::sortable(word.now), word.id));
        for (name, value) in [
            ("decision", outcome.decision.as_str().to_owned()),
            ("reason", outcome.reason.clone()),
            ("target", target),
            ("outcome", as_json(&outcome)?),
        ] {
            audit.insert(name.to_owned(), string(value));
        }
        audit.insert("expires_at".to_owned(), kept(word.now, AUDIT_KEPT));
        let lift = on.iter().map(|switch| {
            format!(
                "To lift `{}`, send to {}\n{}",
                line(&switch.name, 60),
                self.settings.function_name(FUNCTION),
                switch.lift()
            )
        });
        let message: Vec<String> =
            std::iter::once(format!("{}.", capital(&told))).chain(lift.take(5)).collect();
        let word_for_it = if is_lifted { "KILL SWITCH LIFTED" } else { "KILL SWITCH ON" };
        let subject = format!("[{}] {word_for_it}: {}", self.settings.environment, names.join(", "));
        let owed = self.owe(&subject, &message.join("\n"), word.id, word.now);
        writes.push(self.store().put(audit)?);
        writes.push(self.store().put(owed.item())?);
        if !self.store().transact(writes, KILL_SWITCH).await? {
            return Err(super::overtaken(KILL_SWITCH));
        }
        let sent = self.outbox().send(&owed).await;
        let mut heard = sent.words;
        if sent.owed {
            heard.push("It is sent again by the run of every minute.".to_owned());
        }
        // It is in force by now: what the timelines do not get is no reason to say otherwise.
        match self.store().shelf(0).await {
            Ok(there) => {
                for incident in &there.open {
                    if let Err(error) = self.line(&incident.id, word, &told).await {
                        tracing::error!(incident = incident.id, error = chain(&error), "a line is missing");
                    }
                }
            }
            Err(error) => {
                heard.push(format!("The timelines of the open incidents lack it ({}).", chain(&error)));
            }
        }
        Ok(said(did.name(), &told, names, on, word, &heard))
    }
}

fn ends(until: Until, now: Timestamp) -> Result<Timestamp, Error> {
    let at = match until {
        Until::At(at) => Some(at),
        Until::After(span) => now.checked_add(span).ok(),
    };
    at.filter(|at| *at > now && at.duration_since(now) <= LONGEST).ok_or_else(|| {
        Error::InvalidRequest(
            "`until` is over already, or more than a year away: leave it out for a switch without an end"
                .to_owned(),
        )
    })
}

fn said(did: &str, what: &str, names: &[String], on: &[Switch], word: &Word<'_>, heard: &[String]) -> Value {
    let mut lines = vec![format!("{}.", capital(what))];
    lines.extend(heard.iter().cloned());
    for switch in on {
        lines.push(format!("{}. To lift it send {}", capital(&switch.in_words(word.now)), switch.lift()));
    }
    lines.dedup();
    json!({
        "did": did,
        "names": names,
        "switches": on,
        "dry_run": word.dry_run,
        "text": lines.join("\n"),
        "function": FUNCTION,
        "version": super::answer::VERSION,
    })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

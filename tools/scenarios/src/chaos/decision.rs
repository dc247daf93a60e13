//! What people decide over the queue of approvals. `incident` takes each message, more than once; the remedy, which is
//! deployed, is called by it, and again by its schedule.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use sandbox::gateway::{Call, sender_id};
use sandbox::stack::{Stack, delivered, outcome, read, tick};
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use super::check::{Ended, differ};
use super::deliveries::pay;
use super::intents::took_effect;
use super::ledger::{self, Item};
use super::player::Player;
use super::point::Point;
use super::{machine, part};
use crate::definition::{LEVEL_2, LEVEL_3, NOTICES};

pub(super) const INCIDENT: &str = "incident";
const REMEDY: &str = "restart";
/// The functions with which something goes wrong.
pub(super) const TASKS: [&str; 2] = [INCIDENT, REMEDY];
const ALICE: &str = "Ops.alice@example.com";
const BOB: &str = "Ops.bob@example.com";
/// Until the remedy has ended, or was ended by the local AWS and called again.
const PATIENCE: Duration = Duration::from_secs(14);
const POLL: Duration = Duration::from_millis(50);

/// What is sent, in one order or another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Approve,
    ApproveByTwo,
    Reject,
    Acknowledge,
    Stop,
}

/// A message: whose key signs it, its verb, and the decision and code that it comes to.
type Sent = (&'static str, &'static str, &'static str);

impl Decision {
    pub const ALL: [Self; 5] =
        [Self::Approve, Self::ApproveByTwo, Self::Reject, Self::Acknowledge, Self::Stop];

    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "queue-approve",
            Self::ApproveByTwo => "queue-approve-by-two",
            Self::Reject => "queue-reject",
            Self::Acknowledge => "queue-acknowledge",
            Self::Stop => "queue-stop",
        }
    }

    fn messages(self) -> &'static [Sent] {
        match self {
            Self::Approve => &[(ALICE, "approve", "applied approved")],
            Self::ApproveByTwo => &[
                (ALICE, "approve", "awaiting_approval approvals_missing"),
                (BOB, "approve", "applied approved"),
            ],
            Self::Reject => &[(BOB, "reject", "applied rejected")],
            Self::Acknowledge => &[(ALICE, "acknowledge", "applied acknowledged")],
            Self::Stop => &[(ALICE, "stop", "applied stopped")],
        }
    }

    /// Whether it is about a plan.
    fn is_vote(self) -> bool {
        matches!(self, Self::Approve | Self::ApproveByTwo | Self::Reject)
    }

    /// Plays it until nothing is left to be done.
    pub(super) async fn played(self, point: Option<&Point>) -> anyhow::Result<Ended> {
        let stack = self.start().await?;
        let mut player = Player::begin_with(TASKS.to_vec(), &stack, None).await?;
        let about = self.about(&stack).await?;
        if let Some(point) = point.filter(|point| point.place.caller == REMEDY) {
            machine::hurry(&stack.sandbox, point).await?;
        }
        player.strike(point.map(|point| (&point.place, point.failure)));
        self.play(&about, &mut player).await?;
        Ended::look(player).await
    }

    async fn start(self) -> anyhow::Result<Stack> {
        let options = Options {
            mode: "approve".to_owned(),
            parameters: vec![("NamedApprovers".to_owned(), "true".to_owned())],
            metrics: false,
            functions: Some(vec!["health-probe", REMEDY]),
            ..Options::default()
        };
        let minimum = if self == Self::ApproveByTwo { "restart=2" } else { "" };
        let settings = [
            ("NOTICE_TOPIC_ARN", NOTICES),
            ("LEVEL_2_TOPIC_ARN", LEVEL_2),
            ("LEVEL_3_TOPIC_ARN", LEVEL_3),
            ("FUNCTIONS", REMEDY),
            ("NAMED_APPROVERS", "true"),
            ("MINIMUM_APPROVALS", minimum),
        ];
        let sandbox = Sandbox::start(options).await?;
        sandbox.release(&[]).await?;
        Ok(Stack::in_sandbox(sandbox, INCIDENT, &settings))
    }

    /// The id of what is decided about: of a plan that waits, or of an open incident.
    async fn about(self, stack: &Stack) -> anyhow::Result<String> {
        let text = |answer: &Value, pointer: &str| {
            part(answer, pointer).as_str().map(str::to_owned).with_context(|| format!("{answer:#}"))
        };
        match self {
            Self::Approve | Self::ApproveByTwo | Self::Reject => {
                let request = json!({ "reason": "memory grows", "by": "dan" });
                text(&stack.sandbox.clients.ask(REMEDY, &request).await?, "/next/plan")
            }
            Self::Acknowledge => {
                let incident = stack.function(&[]).await?;
                text(&outcome(&incident, &json!({ "open": { "title": "Slow" } })).await?, "/incident")
            }
            Self::Stop => Ok("all".to_owned()),
        }
    }

    async fn play(self, about: &str, player: &mut Player<'_>) -> anyhow::Result<()> {
        /// What comes to nothing is told, and decided again.
        const TRIES: usize = 2;
        /// What goes wrong may go wrong with the first of them; then what died is taken up, and looked after.
        const MINUTES: usize = 3;
        let stack = player.stack;
        let mut last = None;
        for (number, (key, verb, _)) in self.messages().iter().enumerate() {
            let body = format!("{verb}:{about}");
            deliver(&delivered(&id(number), key, &body), player).await?;
            last = Some((*key, body));
        }
        let (key, body) = last.context("nothing is sent")?;
        for _ in 0..TRIES {
            if !self.is_vote() {
                break;
            }
            remedy_ends(stack).await?;
            for _ in 0..MINUTES {
                ledger::let_time_pass(stack).await?;
                stack.sandbox.show_what_runs().await?;
                machine::invoke(&stack.sandbox, REMEDY, &tick()).await?;
            }
            if ledger::items(&stack.sandbox.clients).await?.iter().any(is_decided) {
                break;
            }
            deliver(&delivered("m-again", key, &body), player).await?;
        }
        pay(player).await
    }

    /// What is wrong in the end.
    pub(super) fn check(self, ended: &Ended, well: Option<&Ended>) -> Vec<String> {
        let items = &ended.items;
        let mut wrong = Vec::new();
        for (number, (_, _, expected)) in self.messages().iter().enumerate() {
            let answer = items.iter().find(|item| item.pk == "answers" && item.sk == id(number));
            let came_to = answer.map_or_else(|| "nothing".to_owned(), |answer| read(&answer.data));
            if came_to != *expected {
                wrong.push(format!("message {number} came to {came_to}, not {expected}"));
            }
        }
        if self.is_vote() {
            let votes = items.iter().find_map(votes).unwrap_or_default();
            let expected = self.messages().iter().enumerate();
            let expected: Vec<Cast> =
                expected.map(|(number, (key, verb, _))| cast(verb, &sender_id(key), &id(number))).collect();
            if votes != expected {
                wrong.push(format!("the votes are {votes:?}, not {expected:?}"));
            }
            if !items.iter().any(is_decided) {
                wrong.push("the plan is not decided".to_owned());
            }
            if !ended.calls.iter().any(is_call_of_the_remedy) {
                wrong.push(format!("{REMEDY} was not called"));
            }
        }
        if self == Self::Reject {
            let told =
                ended.heard.iter().filter(|notice| notice.text.contains("rejected by bob@example.com"));
            if told.count() == 0 {
                wrong.push("nobody was told of the rejection".to_owned());
            }
        }
        if let Some(well) = well {
            differ(&mut wrong, "what incident wrote", &written(items), &written(&well.items));
            if ended.recorded.get("nothing_to_do rejected") != well.recorded.get("nothing_to_do rejected") {
                wrong.push(format!("the records say {:?}", ended.recorded));
            }
        }
        wrong
    }
}

/// The id of the n-th message.
fn id(number: usize) -> String {
    format!("m-{number}")
}

/// SQS delivers again what was not answered, and at times what was.
async fn deliver(message: &Value, player: &mut Player<'_>) -> anyhow::Result<()> {
    /// As often as in the template, before it is a dead letter.
    const MOST: usize = 5;
    const ANSWERED: usize = 2;
    let mut answered = 0;
    for _ in 0..MOST {
        answered += usize::from(player.send(message).await?.is_some());
        if answered == ANSWERED {
            return Ok(());
        }
    }
    ensure!(answered > 0, "no delivery of a message is answered: {:?}", player.said.last());
    Ok(())
}

/// Waits until the remedy has recorded what the decision came to, and told people; or until nothing comes any more.
async fn remedy_ends(stack: &Stack) -> anyhow::Result<()> {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        let mut items = ledger::items(&stack.sandbox.clients).await?;
        // Its expiry is told later.
        items.retain(|item| !item.sk.contains("#expired-"));
        // It has recorded that it asked.
        let records = items.iter().filter(|item| item.pk == format!("audit#{REMEDY}")).count();
        if records > 1 && !ledger::is_unfinished(&items) {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

fn is_plan(item: &Item) -> bool {
    item.pk.starts_with("approval#")
}

fn is_decided(item: &Item) -> bool {
    is_plan(item) && ["used_at", "rejected_at"].iter().any(|name| !item.text(name).is_empty())
}

fn is_call_of_the_remedy(call: &Call) -> bool {
    call.caller == INCIDENT && call.operation == "Invoke" && took_effect(call)
}

/// What was said, by whom, and in which message.
type Cast = [String; 3];

fn cast(said: &str, sender: &str, message: &str) -> Cast {
    [said, sender, message].map(str::to_owned)
}

/// The votes about a plan.
fn votes(item: &Item) -> Option<Vec<Cast>> {
    let votes: Vec<Value> = serde_json::from_str(item.text("votes")).ok().filter(|_| is_plan(item))?;
    let text = |vote: &Value, pointer: &str| part(vote, pointer).as_str().unwrap_or_default().to_owned();
    let cast_of = |vote: &Value| {
        let sender = format!("{}:{}", text(vote, "/sender/id"), text(vote, "/sender/name"));
        cast(&text(vote, "/said"), &sender, &text(vote, "/message"))
    };
    Some(votes.iter().map(cast_of).collect())
}

/// `incident`'s records, kill switches, and what its timelines have by a person, and how often each.
fn written(items: &[Item]) -> Value {
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for item in items {
        let is_by_a_person = part(&item.data, "/by").as_str().is_some_and(|by| by.contains('@'));
        let what = match item.pk.split('#').next().unwrap_or_default() {
            "audit" if item.pk == "audit#incident" => format!("a record of {}", read(&item.outcome)),
            "kill-switch" => format!("the kill switch {} by {}", item.sk, item.text("by")),
            "incident" if is_by_a_person => format!("the entry {}", part(&item.data, "/what")),
            _ => continue,
        };
        *written.entry(what).or_default() += 1;
    }
    json!(written)
}

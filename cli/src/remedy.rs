//! The way of everything that changes the managed stack: the plan is shown, then asked about, then carried out, then
//! followed until it has settled.

use std::time::Duration;

use aws_sdk_sts::Client;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::{
    answer::{Answer, Decision},
    exit::Exit,
    failure::Failure,
    function::Function,
    render,
    runbook::Runbook,
    wait, who,
};

/// A name that AWS is slow to tell is no reason to wait.
const NAMED_WITHIN: Duration = Duration::from_secs(3);

// What every remedy takes. Not a doc comment: it would be the help of each command.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Common {
    /// Why; recorded, and told to people
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Show the plan, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

// The cooldown and the budget of a remedy.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Override {
    /// Act although it was acted a short while ago or often; needs --reason
    #[arg(long = "override", requires = "reason")]
    pub(crate) overrides: bool,
}

/// What is sent, and what is asked before.
pub(crate) struct Ask {
    pub(crate) function: Function,
    pub(crate) request: Map<String, Value>,
    pub(crate) dry_run: bool,
    /// As in `Roll back?`.
    pub(crate) question: &'static str,
}

impl Ask {
    /// A remedy's own fields, with what every remedy takes.
    pub(crate) fn new(function: Function, own: &Value, common: &Common, question: &'static str) -> Self {
        let mut request = own.as_object().cloned().unwrap_or_default();
        if let Some(reason) = &common.reason {
            request.insert("reason".to_owned(), json!(reason));
        }
        Self { function, request, dry_run: common.dry_run, question }
    }

    #[must_use]
    pub(crate) fn overriding(mut self, overrides: &Override) -> Self {
        if overrides.overrides {
            self.request.insert("override".to_owned(), json!(true));
        }
        self
    }

    /// With who asks, as far as AWS says it soon. What a runbook of an earlier version does not take is left out.
    async fn signed(mut self, runbook: &Runbook<'_>) -> Self {
        let decides = ["approve", "reject"].iter().any(|verb| self.request.contains_key(*verb));
        if runbook.stack.approvals().is_none() || decides || !Function::REMEDIES.contains(&self.function) {
            return self;
        }
        let client = Client::new(&runbook.config);
        let asks = tokio::time::timeout(NAMED_WITHIN, who::asks(&client));
        if let Ok(Ok(by)) = asks.await {
            self.request.insert("asked_by".to_owned(), json!(by));
        }
        self
    }

    fn look(&self) -> Value {
        let mut request = self.request.clone();
        request.insert("dry_run".to_owned(), json!(true));
        Value::Object(request)
    }
}

/// What was found out before anything was done.
pub(crate) enum Agreed {
    /// Go on.
    Yes,
    /// There is nothing to go on with: that was shown, and how it ends.
    Over(Exit),
}

/// Shows the plan, asks, does it, and waits until it has settled.
pub(crate) async fn carry_out(runbook: &Runbook<'_>, ask: Ask) -> Result<Exit, Failure> {
    let (ask, agreed) = agree(runbook, ask).await?;
    if let Agreed::Over(exit) = agreed {
        return Ok(exit);
    }
    runbook.screen.will_go_on("the request was sent: `lendpeak2 history` says what came of it");
    let answer = runbook.act(ask.function, &Value::Object(ask.request)).await?;
    finish(runbook, ask.function, &answer).await
}

/// Shows the plan, and asks. What is then sent says who asks.
pub(crate) async fn agree(runbook: &Runbook<'_>, ask: Ask) -> Result<(Ask, Agreed), Failure> {
    if !ask.dry_run {
        may_ask(runbook)?;
    }
    let ask = ask.signed(runbook).await;
    let agreed = agree_to(runbook, &ask).await?;
    Ok((ask, agreed))
}

async fn agree_to(runbook: &Runbook<'_>, ask: &Ask) -> Result<Agreed, Failure> {
    let sees_no_plan = runbook.screen.is_quiet() && runbook.global.yes;
    if sees_no_plan && !ask.dry_run {
        return Ok(Agreed::Yes);
    }
    let value = runbook.look(ask.function, &ask.look()).await?;
    let plan = Answer::of(&value);
    if ask.dry_run || plan.decision != Decision::Observed {
        show(runbook, ask.function, &value);
        let exit = if ask.dry_run { Exit::of_look(&plan) } else { Exit::of(&plan) };
        return Ok(Agreed::Over(exit));
    }
    runbook.screen.plan(&render::plan(
        &plan,
        ask.function,
        &runbook.stack.environment,
        runbook.screen.width(),
    ));
    confirm(runbook, ask.question).await
}

/// Before anything is called: whether there will be an answer to the question.
pub(crate) fn may_ask(runbook: &Runbook<'_>) -> Result<(), Failure> {
    if runbook.global.yes || runbook.screen.is_interactive() {
        return Ok(());
    }
    let why = if runbook.screen.is_json() {
        "with --json nobody is asked"
    } else {
        "there is no terminal to ask on"
    };
    Err(Failure::usage(why, "say --yes to do it, or --dry-run to see what would be done"))
}

pub(crate) async fn confirm(runbook: &Runbook<'_>, question: &str) -> Result<Agreed, Failure> {
    if runbook.global.yes || runbook.screen.ask(question).await {
        Ok(Agreed::Yes)
    } else {
        Err(Failure::Declined)
    }
}

/// Shows what was done, and waits until it has settled.
pub(crate) async fn finish(
    runbook: &Runbook<'_>,
    function: Function,
    value: &Value,
) -> Result<Exit, Failure> {
    let answer = Answer::of(value);
    show(runbook, function, value);
    let exit = Exit::of(&answer);
    if exit != Exit::Unwell || runbook.global.no_wait {
        return Ok(exit);
    }
    match wait::service_of(&answer.target) {
        Some((cluster, service)) => wait::settled(runbook, cluster, service).await.map(|()| Exit::Done),
        None => Ok(exit),
    }
}

/// Writes an answer, and the code of a refusal.
pub(crate) fn show(runbook: &Runbook<'_>, function: Function, value: &Value) {
    let screen = runbook.screen;
    if screen.is_json() {
        screen.json(value);
        return;
    }
    let answer = Answer::of(value);
    screen.answer(&render::answer(&answer, function, screen.width()));
    let all = std::iter::once(&answer).chain(&answer.outcomes);
    for refused in all.filter(|answer| answer.decision == Decision::Refused) {
        screen.code(&refused.code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_the_request_itself_and_changes_nothing() {
        let common = Common { reason: Some("queues grow".to_owned()), dry_run: false };
        let ask = Ask::new(Function::ScaleUp, &json!({ "by": 2 }), &common, "Scale?")
            .overriding(&Override { overrides: true });
        let sent = json!({ "by": 2, "reason": "queues grow", "override": true });
        assert_eq!(Value::Object(ask.request.clone()), sent);
        assert_eq!(
            ask.look(),
            json!({ "by": 2, "reason": "queues grow", "override": true, "dry_run": true })
        );
    }
}

//! Killed at every call of the whole flow, in turn, and taken up again: one restored cluster, the right instances,
//! one cut-over, and nothing else.

use anyhow::Context;
use tests::{
    gateway::Fault,
    runtime_api::Answer,
    stack::{DEADLINE, SHORT_DEADLINE},
};

use super::*;

/// A function that may die once.
struct Mortal<'a> {
    stack: &'a Stack,
    function: Bootstrap,
    /// Whether its fault has not come yet.
    doomed: bool,
}

impl<'a> Mortal<'a> {
    /// It dies when the k-th call of an operation has taken effect.
    async fn new(stack: &'a Stack, fault: Option<&(String, String, usize)>) -> anyhow::Result<Self> {
        if let Some((service, operation, k)) = fault {
            stack.add_fault(service, operation, Fault::HangAfter, *k);
        }
        Ok(Self { stack, function: stack.function(&[]).await?, doomed: fault.is_some() })
    }

    /// The answer, by another run if this one dies. A run that finished a dead one's work answers that first.
    async fn send(&mut self, request: &Value) -> anyhow::Result<Value> {
        if self.doomed {
            let begun = async { self.function.invoke(request.to_string(), SHORT_DEADLINE).await };
            let died = async {
                while !self.stack.sandbox.gateway.faults().left().is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                // The call is on its way; let it take effect.
                tokio::time::sleep(Duration::from_millis(300)).await;
                self.function.kill().await;
            };
            tokio::select! {
                answer = begun => match answer {
                    Answer::Ok(answer) => return Ok(answer),
                    Answer::Exited(None) | Answer::TimedOut => {}
                    other => anyhow::bail!("{request} was answered with {other:?}"),
                },
                () = died => {}
            }
            self.function.kill().await;
            self.doomed = false;
            self.function = self.stack.function(&[]).await?;
            self.end_leases().await?;
        }
        match self.function.invoke(request.to_string(), DEADLINE).await {
            Answer::Ok(answer) => Ok(answer),
            other => anyhow::bail!("{request} was answered with {other:?}\n{}", self.function.log()),
        }
    }

    /// As if the dead run's time had gone by.
    async fn end_leases(&self) -> Test {
        for target in [SOURCE_TARGET, TARGET] {
            let pk = format!("target#{target}");
            if self.stack.item(&pk, "snapshot-restore").await?.is_some() {
                let past = json!("2026-11-20T10:00:00Z");
                self.stack.change(&pk, "snapshot-restore", "lease_until", past).await?;
            }
        }
        Ok(())
    }

    /// From the question to the cut-over; the restore's id.
    async fn whole_flow(&mut self) -> anyhow::Result<String> {
        let asked = self.send(&latest()).await?;
        anyhow::ensure!(read(&asked) == "awaiting_approval approval_needed", "{asked:#}");
        let id = id(&asked["plan"]["actions"]);
        self.approve(&asked).await?;
        let mut last = Value::Null;
        for _ in 0..30 {
            last = self.send(&json!({ "continue": id })).await?;
            if read(&last) == "nothing_to_do handed_over" {
                break;
            }
        }
        anyhow::ensure!(read(&last) == "nothing_to_do handed_over", "{last:#}");
        let asked = self.send(&json!({ "cut_over": id })).await?;
        anyhow::ensure!(read(&asked) == "awaiting_approval approval_needed", "{asked:#}");
        self.approve(&asked).await?;
        Ok(id)
    }

    async fn approve(&mut self, asked: &Value) -> Test {
        let done = self.send(&asked["next"]["send"]).await?;
        // One that died after its claim has used the approval, and another run finishes it.
        let first = done["outcomes"].get(0).unwrap_or(&done);
        let allowed = ["applied applied", "refused approval_used"];
        anyhow::ensure!(allowed.contains(&read(first).as_str()), "{done:#}");
        Ok(())
    }
}

/// Every call of the flow, each with how often it came before.
async fn calls_of_the_flow() -> anyhow::Result<Vec<(String, String, usize)>> {
    let stack = start().await?;
    Mortal::new(&stack, None).await?.whole_flow().await?;
    let names = stack.sandbox.gateway.record().names("snapshot-restore");
    let numbered = names.iter().enumerate().filter_map(|(index, name)| {
        let before = names.iter().take(index).filter(|other| *other == name).count();
        let (service, operation) = name.split_once(' ')?;
        Some((service.to_owned(), operation.to_owned(), before + 1))
    });
    Ok(numbered.collect())
}

/// Kills one flow after the other, each at another call.
async fn killed_at(calls: Vec<(String, String, usize)>) -> Test {
    let stack = start().await?;
    let others = secret(&stack).await?.1;
    for call in calls {
        let place = format!("killed after {call:?}");
        let clusters = docdb(&stack).restored().len();
        let count = |name: &str| stack.count(name);
        let deployed = count("ecs UpdateService");
        let mut mortal = Mortal::new(&stack, Some(&call)).await?;
        let id = mortal.whole_flow().await.map_err(|error| error.context(place.clone()))?;
        assert!(!mortal.doomed, "{place}: it was not reached");

        assert_eq!(docdb(&stack).restored().len(), clusters + 1, "{place}");
        let cluster = docdb(&stack).cluster(&id).context("it is gone")?;
        let names: Vec<&str> = instances(&cluster).into_iter().map(|[name, ..]| name).collect();
        assert_eq!(names, [format!("{id}-1"), format!("{id}-2")], "{place}");
        let source = docdb(&stack).cluster(SOURCE).context("it is gone")?;
        assert_eq!(cluster.fields, source.fields, "{place}");
        assert_eq!(secret(&stack).await?, (endpoint(&id), others.clone()), "{place}");
        assert_eq!(count("ecs UpdateService") - deployed, 1, "{place}");
        // The next one's name is another second's.
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert_source_untouched(&stack);
    Ok(())
}

#[tokio::test]
async fn killed_at_any_call_of_the_whole_flow_it_ends_at_the_same_place() -> Test {
    /// Each has a sandbox of its own, which is a process.
    const AT_ONCE: usize = 2;
    let calls = calls_of_the_flow().await?;
    assert!(calls.len() > 60, "{calls:?}");
    let mut killed = tokio::task::JoinSet::new();
    for part in 0..AT_ONCE {
        let own = calls.iter().skip(part).step_by(AT_ONCE).cloned().collect();
        killed.spawn(killed_at(own));
    }
    for result in killed.join_all().await {
        result?;
    }
    Ok(())
}

#[tokio::test]
async fn a_restore_that_dies_after_its_claim_is_begun_by_the_schedule() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let (approve, plan) = ask(&function, &latest()).await?;
    stack.kill_after(&approve, "dynamodb", "TransactWriteItems", 1).await?;
    tokio::time::sleep(SHORT_DEADLINE).await;
    let taken_up = outcome(&function, &tick()).await?["outcomes"][0].clone();
    assert_eq!(read(&taken_up), "applied applied", "{taken_up:#}");
    assert!(text(&taken_up, "/reason").starts_with("finished what run"), "{taken_up:#}");
    assert_eq!(docdb(&stack).restored()[0].name, id(&plan));
    Ok(())
}

#[tokio::test]
async fn two_people_at_once_make_one_restore() -> Test {
    const PEOPLE: usize = 6;
    let stack = start().await?;
    let mut approvals = Vec::new();
    for _ in 0..PEOPLE {
        let function = stack.function(&[]).await?;
        let (approve, _) = ask(&function, &latest()).await?;
        approvals.push((function, approve));
    }
    let mut people = tokio::task::JoinSet::new();
    for (function, approve) in approvals {
        people.spawn(async move { decision(&function, &approve).await });
    }
    let mut applied = 0;
    for answer in people.join_all().await {
        match answer?.as_str() {
            "applied applied" => applied += 1,
            "refused claimed_by_another" | "refused restore_in_progress" => {}
            other => panic!("one was answered with {other}"),
        }
    }
    assert_eq!((applied, docdb(&stack).restored().len()), (1, 1));
    let id = docdb(&stack).restored()[0].name.clone();
    // And everybody goes on with it at once.
    let mut people = tokio::task::JoinSet::new();
    for _ in 0..PEOPLE {
        let function = stack.function(&[]).await?;
        let request = json!({ "continue": id });
        people.spawn(async move {
            for _ in 0..10 {
                outcome(&function, &request).await?;
            }
            anyhow::Ok(())
        });
    }
    for answer in people.join_all().await {
        answer?;
    }
    assert_eq!(read(&finish(&stack.function(&[]).await?, &id).await?), "nothing_to_do handed_over");
    assert_eq!(stack.count("rds CreateDBInstance"), 2);
    assert_eq!(instances(&docdb(&stack).restored()[0]).len(), 2);
    Ok(())
}

//! `make verify-deployment`, against the stack in the sandbox.

use std::collections::BTreeMap;

use sandbox::deploy::STACK;
use sandbox::gateway::{Fault, Rule};
use sandbox::python;
use sandbox::{Options, Sandbox};

const CALLER: &str = "verify-deployment";

/// The word for each function, and whether the program was content.
async fn verify(sandbox: &Sandbox) -> anyhow::Result<(BTreeMap<String, String>, bool)> {
    let arguments = ["scripts/verify_deployment.py", "production", "--stack", STACK, "--wait", "0"];
    let ended = python::run(&arguments, &sandbox.gateway.url(), CALLER).await?;
    let printed = python::printed(&ended);
    let words = printed.lines().filter_map(|line| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let (word, function) = (words.next()?, words.next()?);
        Some((function, word))
    });
    let words: BTreeMap<String, String> = words.collect();
    let all = sandbox::functions()?;
    anyhow::ensure!(words.keys().eq(all.iter()), "not a line for each function:\n{printed}");
    Ok((words, ended.status.success()))
}

#[tokio::test]
async fn each_function_is_called_and_what_it_was_denied_is_told() -> anyhow::Result<()> {
    let sandbox = Sandbox::start(Options { metrics: false, ..Options::default() }).await?;
    // So that there is one to go back to.
    sandbox.release(&[]).await?;
    sandbox.gateway.record().clear();
    let (words, is_content) = verify(&sandbox).await?;
    assert!(words.values().all(|word| word == "ok"), "{words:?}");
    assert!(is_content);

    let calls = sandbox.gateway.calls();
    let functions = sandbox::functions()?;
    let changes = calls.iter().filter(|call| {
        // The record of a dry run, the probe's metrics, and a function that asks another one.
        let is_harmless =
            call.service == "dynamodb" || ["Invoke", "PutMetricData"].contains(&call.operation.as_str());
        functions.contains(&call.caller) && !call.is_read() && !is_harmless
    });
    assert_eq!(changes.map(sandbox::gateway::Call::name).collect::<Vec<_>>(), Vec::<String>::new());

    let denied = Rule::new("ecs", "DescribeServices", Fault::Denied).of("scale-up");
    sandbox.gateway.faults().add(denied);
    let (words, is_content) = verify(&sandbox).await?;
    let denied: Vec<&String> = words.iter().filter(|(_, word)| *word != "ok").map(|(name, _)| name).collect();
    assert_eq!(denied, ["scale-up"], "{words:?}");
    assert!(!is_content);
    Ok(())
}

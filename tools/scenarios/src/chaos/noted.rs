//! What the ledger and the stack's tags note for later decisions speaks of what happened in the managed stack.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use aws_sdk_ecs::types::ContainerDefinition;
use sandbox::Sandbox;
use sandbox::deploy::TASKS;
use sandbox::gateway::{Call, SECRET};
use sandbox::stack::TARGET;
use serde_json::Value;

use super::intents::took_effect;
use super::ledger::Item;
use super::part;

/// What makes the application read-only, and what breaks it.
const READ_ONLY: &str = "READONLY_MODE=true";
const BROKEN: &str = "BROKEN=true";
/// The tag of a restored cluster with the version of the secret that was current before the cut-over.
const CUT_OVER_FROM: &str = "lendpeak2:cut-over-from";

/// How the managed stack is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    /// The release that the service is set to, `family:revision`.
    pub(super) runs: String,
    /// Every release, with its variables.
    pub(super) releases: BTreeMap<String, BTreeSet<String>>,
    /// The releases that were rolled back from.
    pub(super) rolled_back: BTreeSet<String>,
    /// The minimum of the service's tasks.
    pub(super) minimum: u64,
    /// What each restored cluster notes as the secret's version before it.
    pub(super) cut_over_from: Vec<String>,
    /// The secret's version before the current one, if there was one.
    pub(super) previous_secret: Option<String>,
}

impl Facts {
    /// `ran` is the release that ran before the `calls`.
    pub(super) async fn of(sandbox: &Sandbox, ran: &str, calls: &[Call]) -> anyhow::Result<Self> {
        let secret = sandbox.clients.secrets.describe_secret().secret_id(SECRET).send().await?;
        let stages = secret.version_ids_to_stages.unwrap_or_default();
        let is_previous = |stages: &[String]| stages.iter().any(|stage| stage == "AWSPREVIOUS");
        let target = sandbox.gateway.scalable_targets().into_iter().find(|target| target.resource == TARGET);
        let restored = sandbox.gateway.docdb().restored().into_iter();
        Ok(Self {
            runs: sandbox.runs().await?,
            releases: releases(sandbox).await?,
            rolled_back: rolled_back(ran, calls),
            minimum: target.context("the service does not scale")?.minimum.try_into()?,
            cut_over_from: restored.filter_map(|cluster| cluster.tags.get(CUT_OVER_FROM).cloned()).collect(),
            previous_secret: stages.into_iter().find(|(_, stages)| is_previous(stages)).map(|(id, _)| id),
        })
    }

    fn has(&self, release: &str, variable: &str) -> bool {
        self.releases.get(release).is_some_and(|variables| variables.contains(variable))
    }
}

async fn releases(sandbox: &Sandbox) -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let ecs = &sandbox.clients.ecs;
    let mut releases = BTreeMap::new();
    for arn in ecs.list_task_definitions().send().await?.task_definition_arns() {
        let described = ecs.describe_task_definition().task_definition(arn).send().await?;
        let definition = described.task_definition.context("a release that is not there")?;
        let variables = definition.container_definitions().iter().flat_map(ContainerDefinition::environment);
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let variables = variables.map(|one| format!("{}={}", text(one.name()), text(one.value())));
        releases.insert(revision(arn).to_owned(), variables.collect());
    }
    Ok(releases)
}

/// What ran whenever `rollback` deployed something else.
fn rolled_back(ran: &str, calls: &[Call]) -> BTreeSet<String> {
    let (mut runs, mut rolled_back) = (ran.to_owned(), BTreeSet::new());
    for call in calls.iter().filter(|call| call.service == "ecs" && took_effect(call)) {
        let deploys = part(&call.request, "/taskDefinition").as_str().map(revision);
        match (call.operation.as_str(), deploys) {
            ("UpdateService", Some(release)) if release != runs => {
                let was = std::mem::replace(&mut runs, release.to_owned());
                if call.caller == "rollback" {
                    rolled_back.insert(was);
                }
            }
            ("StopServiceDeployment", _) if call.caller == "rollback" => {
                rolled_back.insert(runs.clone());
            }
            _ => {}
        }
    }
    rolled_back
}

/// `family:revision` of an ARN.
fn revision(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// What is noted and is not so, and what is so and not noted.
pub(super) fn check(items: &[Item], facts: &Facts) -> Vec<String> {
    let mut wrong = freeze(items, facts);
    wrong.extend(of_releases(items, facts));
    wrong.extend(raised_minimum(items, facts));
    for held in
        items.iter().filter(|item| is_target(item) && ["holder", "waiting"].contains(&item.sk.as_str()))
    {
        let by = [held.text("held_by"), held.text("function")].concat();
        wrong.push(format!(
            "the ledger says that {by} has the target or waits for it, after the end: {}",
            held.sk
        ));
    }
    for noted in &facts.cut_over_from {
        if facts.previous_secret.as_ref() != Some(noted) {
            let was = &facts.previous_secret;
            wrong.push(format!(
                "version {noted} of the secret is noted as the one before, and that is {was:?}"
            ));
        }
    }
    if facts.previous_secret.is_some() && facts.cut_over_from.is_empty() {
        wrong.push("the secret was changed, and which version was before is not noted".to_owned());
    }
    wrong
}

fn is_target(item: &Item) -> bool {
    item.pk == format!("target#{TARGET}")
}

fn freeze(items: &[Item], facts: &Facts) -> Vec<String> {
    let is_frozen = facts.has(&facts.runs, READ_ONLY);
    let runs = &facts.runs;
    match items.iter().find(|item| is_target(item) && item.sk == "freeze") {
        None if is_frozen => vec![format!("writes are frozen ({runs}), and no note says so")],
        None => Vec::new(),
        Some(_) if !is_frozen => vec![format!("a note says that writes are frozen, and {runs} takes them")],
        Some(note) => {
            let mut wrong = Vec::new();
            if !note.text("pending").is_empty() {
                wrong.push(format!("the freeze is pending after the end, for run {}", note.text("pending")));
            }
            let release = note.text("release");
            if !facts.releases.contains_key(release) || facts.has(release, READ_ONLY) {
                wrong.push(format!("the freeze says that it found {release}, which is no release"));
            }
            wrong
        }
    }
}

fn of_releases(items: &[Item], facts: &Facts) -> Vec<String> {
    let mut wrong = Vec::new();
    let known: Vec<&Item> = items.iter().filter(|item| item.pk == format!("release#{TARGET}")).collect();
    let with = |name: &str| -> BTreeSet<String> {
        let noted = known.iter().filter(|item| !item.text(name).is_empty());
        noted.map(|item| item.sk.clone()).collect()
    };
    let noted = with("rolled_back_at");
    if noted != facts.rolled_back {
        wrong.push(format!("noted as rolled back from: {noted:?}, and it was {:?}", facts.rolled_back));
    }
    let broken = with("good_at")
        .into_iter()
        .filter(|release| !facts.releases.contains_key(release) || facts.has(release, BROKEN));
    wrong.extend(broken.map(|release| format!("{release} is noted as good, and was never seen to work")));
    let copies = with("frozen_from");
    for copy in copies.iter().filter(|copy| !facts.has(copy, READ_ONLY)) {
        wrong.push(format!("{copy} is noted as a frozen copy, and is none"));
    }
    if facts.has(&facts.runs, READ_ONLY) && !copies.contains(&facts.runs) {
        wrong.push(format!("{} runs as a frozen copy, and is not noted as one", facts.runs));
    }
    wrong
}

/// The minimum that `scale-up` is to bring back.
fn raised_minimum(items: &[Item], facts: &Facts) -> Vec<String> {
    let note = items.iter().find(|item| is_target(item) && item.sk == "scale-up#follow-up");
    let number = |name: &str| note.map(|note| part(&note.data, &format!("/what/{name}")));
    let before = u64::try_from(TASKS).unwrap_or_default();
    let minimum = facts.minimum;
    match (number("raised_to").and_then(Value::as_u64), number("min_capacity").and_then(Value::as_u64)) {
        (None, None) if minimum == before => Vec::new(),
        (None, None) => vec![format!("the minimum is {minimum}, and no note says that it was raised")],
        (Some(raised_to), Some(back)) if raised_to == minimum && back == before => Vec::new(),
        (raised_to, back) => vec![format!(
            "noted is a minimum raised from {back:?} to {raised_to:?}, and it is {minimum} and was {before}"
        )],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RELEASE: &str = "release#service/lendpeak2-production/backend";

    fn item(pk: &str, sk: &str, texts: &[(&str, &str)]) -> Item {
        let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Item { pk: pk.to_owned(), sk: sk.to_owned(), texts, ..Item::default() }
    }

    fn on_target(sk: &str, texts: &[(&str, &str)]) -> Item {
        item(&format!("target#{TARGET}"), sk, texts)
    }

    fn raised(from: u64, to: u64) -> Item {
        let data = json!({ "what": { "min_capacity": from, "raised_to": to } });
        Item { data, ..on_target("scale-up#follow-up", &[]) }
    }

    /// Of three releases the second is broken, and the third a frozen copy of the first.
    fn facts(runs: &str) -> Facts {
        let release = |name: &str, variable: &str| (name.to_owned(), BTreeSet::from([variable.to_owned()]));
        let releases = [release("b:1", "A=b"), release("b:2", BROKEN), release("b:3", READ_ONLY)].into();
        Facts { runs: runs.to_owned(), releases, minimum: 2, ..Facts::default() }
    }

    fn frozen() -> [Item; 2] {
        [on_target("freeze", &[("release", "b:1")]), item(RELEASE, "b:3", &[("frozen_from", "b:1")])]
    }

    fn wrong(items: &[Item], facts: &Facts, words: &str) {
        let wrong = check(items, facts);
        assert!(wrong.len() == 1 && wrong[0].contains(words), "{wrong:?}");
    }

    #[test]
    fn what_is_so_and_noted_is_right() {
        for (items, facts) in [
            (vec![], facts("b:1")),
            (frozen().to_vec(), facts("b:3")),
            (vec![raised(2, 3)], Facts { minimum: 3, ..facts("b:1") }),
            (
                vec![item(RELEASE, "b:2", &[("rolled_back_at", "then")])],
                Facts { rolled_back: ["b:2".to_owned()].into(), ..facts("b:1") },
            ),
        ] {
            assert_eq!(check(&items, &facts), Vec::<String>::new());
        }
    }

    #[test]
    fn a_freeze_that_is_not_so_or_not_noted_is_wrong() {
        let [note, copy] = frozen();
        wrong(
            &[note.clone(), copy.clone()],
            &facts("b:1"),
            "a note says that writes are frozen, and b:1 takes them",
        );
        wrong(std::slice::from_ref(&copy), &facts("b:3"), "no note says so");
        wrong(&[note], &facts("b:3"), "b:3 runs as a frozen copy, and is not noted as one");
        let pending = on_target("freeze", &[("release", "b:1"), ("pending", "run 1")]);
        wrong(&[pending, copy.clone()], &facts("b:3"), "the freeze is pending after the end, for run run 1");
        let of_copy = on_target("freeze", &[("release", "b:3")]);
        wrong(&[of_copy, copy], &facts("b:3"), "b:3, which is no release");
    }

    #[test]
    fn a_release_that_was_not_rolled_back_from_or_never_worked_is_noted_wrongly() {
        let rolled_back = [item(RELEASE, "b:2", &[("rolled_back_at", "then")])];
        wrong(&rolled_back, &facts("b:1"), "rolled back from: {\"b:2\"}, and it was {}");
        let was = Facts { rolled_back: ["b:2".to_owned()].into(), ..facts("b:1") };
        wrong(&[], &was, "rolled back from: {}, and it was {\"b:2\"}");
        wrong(&[item(RELEASE, "b:2", &[("good_at", "then")])], &facts("b:1"), "b:2 is noted as good");
        wrong(
            &[item(RELEASE, "b:1", &[("frozen_from", "b:2")])],
            &facts("b:1"),
            "b:1 is noted as a frozen copy",
        );
    }

    #[test]
    fn a_minimum_is_raised_as_noted() {
        wrong(&[raised(2, 3)], &facts("b:1"), "from Some(2) to Some(3), and it is 2 and was 2");
        wrong(&[], &Facts { minimum: 3, ..facts("b:1") }, "no note says that it was raised");
        wrong(&[raised(3, 4)], &Facts { minimum: 4, ..facts("b:1") }, "from Some(3) to Some(4)");
    }

    #[test]
    fn nobody_has_or_waits_for_the_target_after_the_end() {
        wrong(&[on_target("holder", &[("held_by", "scale-up")])], &facts("b:1"), "scale-up has the target");
        wrong(&[on_target("waiting", &[("function", "rollback")])], &facts("b:1"), "rollback has the target");
    }

    #[test]
    fn the_version_before_is_the_one_that_was_current() {
        let previous = Some("v1".to_owned());
        let cut_over = |noted: &[&str]| Facts {
            cut_over_from: noted.iter().map(|noted| (*noted).to_owned()).collect(),
            previous_secret: previous.clone(),
            ..facts("b:1")
        };
        assert_eq!(check(&[], &cut_over(&["v1"])), Vec::<String>::new());
        wrong(&[], &cut_over(&["v2"]), "version v2 of the secret is noted as the one before");
        wrong(&[], &cut_over(&[]), "which version was before is not noted");
    }

    #[test]
    fn only_what_rollback_deploys_is_rolled_back_from() {
        let deploys = |caller: &str, release: &str| {
            let request = json!({ "taskDefinition": format!("arn:task-definition/{release}") });
            Call::answered(caller, ["ecs", "UpdateService"], request)
        };
        let calls = [deploys("scale-up", "b:2"), deploys("write-freeze", "b:3"), deploys("rollback", "b:1")];
        assert_eq!(rolled_back("b:2", &calls), ["b:3".to_owned()].into());
    }
}

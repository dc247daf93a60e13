//! What the task definition says: its roles, its log and its secrets.

use std::collections::BTreeSet;

use super::{Findings, Seen, readable};
use crate::discover::{
    environment,
    seen::{Container, Task, last_part},
};

const ALL: [&str; 6] =
    ["TaskFamily", "TaskRoleArns", "BackendContainer", "LogGroupName", "SecretPrefix", "DatabaseSecretName"];
const SEPARATORS: [char; 4] = ['-', '/', '_', '.'];
/// Words that say database.
const DATABASE: [&str; 6] = ["db", "database", "mongo", "mongodb", "docdb", "documentdb"];

pub(super) fn decide(seen: &Seen, environment: &str, all: &mut Findings) {
    let Some(task) = readable(&seen.task, &ALL, all) else { return };
    let of = format!("{}:{}", task.family, task.revision);
    all.certain("TaskFamily", &task.family, format!("the service runs {of}"));
    if task.roles.is_empty() {
        all.open("TaskRoleArns", format!("{of} has neither a task role nor an execution role"));
    } else {
        let mut roles = task.roles.clone();
        roles.dedup();
        let evidence = format!("the roles of {of}; add those of older releases that rollback may go back to");
        all.certain("TaskRoleArns", roles.join(","), evidence);
    }
    if let Some(container) = backend(seen, task, all) {
        log(container, &of, all);
        variables(container, all);
    }
    secrets(task, &of, environment, all);
}

/// The container that answers requests.
fn backend<'a>(seen: &Seen, task: &'a Task, all: &mut Findings) -> Option<&'a Container> {
    let registered = seen.service.target_groups.iter().find_map(|one| one.container.as_deref());
    let named = task.containers.iter().find(|one| Some(one.name.as_str()) == registered);
    if let Some(container) = named {
        all.certain("BackendContainer", &container.name, "the load balancer sends to it".to_owned());
        return Some(container);
    }
    let mut essential = task.containers.iter().filter(|one| one.is_essential);
    let first = essential.next();
    let Some(container) = first else {
        for parameter in ["BackendContainer", "LogGroupName"] {
            all.open(parameter, "the task definition has no container that is essential");
        }
        return None;
    };
    let others: Vec<String> = essential.map(|one| one.name.clone()).collect();
    if others.is_empty() {
        all.certain("BackendContainer", &container.name, "the only essential container".to_owned());
    } else {
        all.guess(
            "BackendContainer",
            container.name.clone(),
            "the first essential container".to_owned(),
            others,
        );
    }
    first
}

fn log(container: &Container, of: &str, all: &mut Findings) {
    let name = &container.name;
    match (container.log_driver.as_deref(), &container.log_group) {
        (Some("awslogs"), Some(group)) => {
            all.certain("LogGroupName", group, format!("where container {name} of {of} logs"));
        }
        (Some(driver), _) => all.open(
            "LogGroupName",
            format!("container {name} logs by {driver}: name the group that it ends in"),
        ),
        (None, _) => all.open("LogGroupName", format!("container {name} of {of} logs nowhere")),
    }
}

/// Variables of the backend whose names say what they are for.
fn variables(container: &Container, all: &mut Findings) {
    let names: BTreeSet<&str> =
        container.variables.iter().chain(&container.secrets).map(|(name, _)| name.as_str()).collect();
    let says = |parts: &[&str]| -> Vec<String> {
        let fits = names.iter().filter(|name| parts.iter().all(|part| name.to_uppercase().contains(part)));
        fits.map(|name| (*name).to_owned()).collect()
    };
    let evidence = |what: &str| format!("a variable of container {} whose name says {what}", container.name);
    all.likeliest("PoolSizeVariable", says(&["POOL", "SIZE"]), evidence("pool size"));
    let read_only = [says(&["READONLY"]), says(&["READ_ONLY"])].concat();
    all.likeliest("ReadOnlyVariable", read_only, evidence("read-only"));
}

/// A secret of Secrets Manager: what it is called there, which of its fields, and the variable that gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Secret {
    name: String,
    /// Whether the end of its ARN is for sure not a part of the name.
    is_sure: bool,
    field: String,
    variable: String,
}

fn secrets(task: &Task, of: &str, environment: &str, all: &mut Findings) {
    let taken = task.containers.iter().flat_map(|container| &container.secrets);
    let secrets: Vec<Secret> = taken.filter_map(|(variable, from)| secret(variable, from)).collect();
    let names: BTreeSet<&str> = secrets.iter().map(|secret| secret.name.as_str()).collect();
    if names.is_empty() {
        let why = format!("{of} takes no secret of Secrets Manager");
        all.open("SecretPrefix", why.clone());
        all.open("DatabaseSecretName", why);
        return;
    }
    prefix(&names, of, environment, all);
    database(&secrets, all);
}

/// Nothing where it is a parameter of Systems Manager.
fn secret(variable: &str, from: &str) -> Option<Secret> {
    let parts: Vec<&str> = from.split(':').collect();
    let [_, _, "secretsmanager", _, _, "secret", name, rest @ ..] = parts.as_slice() else { return None };
    // AWS adds six characters, and one may leave them out.
    let end = name
        .rsplit_once('-')
        .filter(|(_, end)| end.len() == 6 && end.chars().all(|c| c.is_ascii_alphanumeric()));
    let (name, is_sure) = match end {
        Some((before, end)) => (before, !end.chars().all(|c| c.is_ascii_lowercase())),
        None => (*name, true),
    };
    Some(Secret {
        name: name.to_owned(),
        is_sure,
        field: rest.first().copied().unwrap_or_default().to_owned(),
        variable: variable.to_owned(),
    })
}

fn prefix(names: &BTreeSet<&str>, of: &str, environment: &str, all: &mut Findings) {
    let (Some(first), Some(last)) = (names.first(), names.last()) else { return };
    if names.len() == 1 {
        let prefix = through_environment(first, environment);
        all.guess("SecretPrefix", prefix.to_owned(), format!("{of} takes one secret, {first}"), Vec::new());
        return;
    }
    // They are sorted: what the first and the last have in common, all have.
    let common = first.char_indices().zip(last.chars()).take_while(|((_, one), other)| one == other);
    let common = common.last().map_or(0, |((at, c), _)| at + c.len_utf8());
    let common = first.get(..common).unwrap_or_default();
    let prefix = common.rfind(SEPARATORS).and_then(|at| common.get(..=at)).unwrap_or_default();
    if prefix.is_empty() {
        all.open("SecretPrefix", format!("the secrets of {of} have no beginning in common: {first}, {last}"));
    } else {
        all.certain("SecretPrefix", prefix, format!("all {} secrets of {of} begin with it", names.len()));
    }
}

/// A name up to the word of its environment; all of it where it says none.
fn through_environment<'a>(name: &'a str, environment: &str) -> &'a str {
    let bounds = name.match_indices(SEPARATORS).map(|(at, _)| at + 1);
    let mut prefixes = bounds.filter_map(|at| name.get(..at));
    let says = |prefix: &&str| {
        let last =
            last_part(prefix.trim_end_matches(SEPARATORS)).rsplit(SEPARATORS).next().unwrap_or_default();
        last == environment || environment::named_in(last).is_some()
    };
    prefixes.find(says).unwrap_or(name)
}

fn database(secrets: &[Secret], all: &mut Findings) {
    let says = |secret: &&Secret| {
        let text = format!("{}-{}", secret.name, secret.variable).to_lowercase();
        text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| DATABASE.contains(&word))
    };
    let mut fitting: Vec<&Secret> = secrets.iter().filter(says).collect();
    if fitting.is_empty()
        && secrets.iter().all(|one| Some(&one.name) == secrets.first().map(|first| &first.name))
    {
        fitting = secrets.iter().collect();
    }
    // The one that has a host is the one.
    fitting.sort_by_key(|secret| secret.field != "host");
    let mut names: Vec<String> = Vec::new();
    for secret in &fitting {
        if !names.contains(&secret.name) {
            names.push(secret.name.clone());
        }
    }
    let Some(secret) = fitting.first() else {
        all.open("DatabaseSecretName", "no secret of the service says database in its name or its variable");
        return;
    };
    let variable = &secret.variable;
    let doubt = if secret.is_sure { "" } else { "; the end of its ARN may be a part of its name" };
    if secret.field == "host"
        && secret.is_sure
        && fitting.iter().filter(|one| one.field == "host").all(|one| one.name == secret.name)
    {
        all.certain("DatabaseSecretName", &secret.name, format!("variable {variable} is its field host"));
    } else {
        let evidence = format!("variable {variable} comes from it{doubt}; look whether it has a field host");
        all.likeliest("DatabaseSecretName", names, evidence);
    }
}

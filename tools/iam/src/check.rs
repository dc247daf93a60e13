//! Each call beside the role of its function: what was allowed by what, what was not, and what nobody used.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use sandbox::calls::Recorded;
use sandbox::functions;
use serde_json::json;

use super::exempt;
use super::needs::{self, LEADING_KEYS, Need, TaskRoles};
use super::policy::{self, Statement};
use super::reasons::{self, is_wild};
use super::reference::Reference;
use super::required;
use super::resolve::Resolver;
use super::template::{Template, field, referred};

/// What the check found.
#[derive(Debug, Default)]
pub struct Report {
    pub functions: Vec<Function>,
    /// One line each, with what to do about it.
    pub violations: Vec<String>,
}

/// One function's part.
#[derive(Debug)]
pub struct Function {
    pub task: String,
    pub calls: usize,
    pub rows: Vec<Row>,
}

/// One action that a role allows.
#[derive(Debug, Default)]
pub struct Row {
    pub action: String,
    pub sid: String,
    /// The statement's resources that were used, each with what was called by it, without the account.
    pub resources: BTreeMap<String, BTreeSet<String>>,
    /// Of a table, the partitions that were called, as the statement names them.
    pub partitions: BTreeSet<String>,
    pub times: usize,
    /// The tests and programs that called.
    pub by: BTreeSet<String>,
    /// The patterns that are more than a name although the action takes one, and why they are there.
    pub broader: Option<(Vec<String>, String)>,
    /// Why nobody calls it.
    pub exempt: Option<&'static str>,
}

/// The template in both its forms, and AWS's reference.
#[derive(Debug)]
pub struct Rules {
    pub template: Template,
    /// As it is written, with its comments.
    pub text: String,
    pub reference: Reference,
}

impl Rules {
    pub fn read() -> Result<Self> {
        let text = std::fs::read_to_string(sandbox::workspace().join("template.yaml"))?;
        Ok(Self { template: Template::read()?, text, reference: Reference::read()? })
    }
}

/// The whole check. An error is a template that it cannot read; what is wrong with the roles is in the report.
pub fn check(rules: &Rules, calls: &[Recorded]) -> Result<Report> {
    let resolver = Resolver::new(&rules.template)?;
    // The roles of the service's tasks, which a parameter names.
    let passed_on = TaskRoles(resolver.texts(&json!({ "Ref": "TaskRoleArns" }))?);
    let reasons = reasons::by_statement(&reasons::wildcards(&rules.text));
    let mut report = Report::default();
    let mut granted = BTreeSet::new();
    let mut usages = Vec::new();
    for task in functions()? {
        let role = role_of(&rules.template, &task)?;
        let statements = policy::of_function(&rules.template, &resolver, &task)?;
        granted.extend(statements.iter().flat_map(|statement| statement.actions.clone()));
        let own: Vec<&Recorded> = calls.iter().filter(|call| call.caller == task).collect();
        if own.is_empty() {
            // Everything else that could be said of it comes from that.
            let why = "no test has called anything as this function: is its record missing?";
            report.violations.push(format!("{task}: {why}"));
            continue;
        }
        let mut usage = Usage { role, task, statements, calls: own.len(), ..Usage::default() };
        for (call, made) in grouped(&own) {
            match needs::of(call, &passed_on) {
                Ok(needs) => {
                    for need in &needs {
                        usage.count(need, &made, &rules.reference);
                    }
                }
                Err(error) => usage.violations.push(format!("{}: {error}", usage.task)),
            }
        }
        usages.push(usage);
    }
    let ways = usages.iter().flat_map(Usage::ways).collect();
    for mut usage in usages {
        let rows = usage.rows(&rules.reference, &reasons, &ways)?;
        report.violations.append(&mut usage.violations);
        report.functions.push(Function { task: usage.task, calls: usage.calls, rows });
    }
    for (action, _) in exempt::EXEMPT.iter().filter(|(action, _)| !granted.contains(*action)) {
        report.violations.push(format!("{action} is exempt, and no role allows it: take it off the list"));
    }
    Ok(report)
}

fn role_of(template: &Template, task: &str) -> Result<String> {
    let uri = format!("/{task}/");
    let function = template
        .functions()
        .into_iter()
        .find(|function| field(function, "CodeUri").as_str().is_some_and(|path| path.contains(&uri)));
    let role = function.and_then(|function| referred(field(function, "Role"), "Fn::GetAtt"));
    Ok(role.with_context(|| format!("the template has no role for {task}"))?.to_owned())
}

/// How often a call was made, and by whom.
#[derive(Debug, Default)]
struct Made {
    times: usize,
    by: BTreeSet<String>,
}

/// Calls that are alike are looked at once.
fn grouped<'a>(calls: &[&'a Recorded]) -> Vec<(&'a Recorded, Made)> {
    let mut groups: BTreeMap<String, (&Recorded, Made)> = BTreeMap::new();
    for call in calls {
        let Recorded { service, operation, path, names, resource_tags, .. } = call;
        let same = format!("{service} {operation} {path} {names} {resource_tags:?}");
        let (_, made) = groups.entry(same).or_insert_with(|| (call, Made::default()));
        made.times += 1;
        made.by.insert(call.by.clone());
    }
    groups.into_values().collect()
}

/// What functions did with their own items of the ledger: the action, and what their partitions begin with.
type Ways = BTreeSet<(String, String)>;

/// As in `audit#` of `audit#rollback`.
fn kind(partition: &str) -> &str {
    partition.split_inclusive('#').next().unwrap_or(partition)
}

#[derive(Debug, Default)]
struct Usage {
    task: String,
    role: String,
    statements: Vec<Statement>,
    calls: usize,
    /// By the statement's number and the action.
    rows: BTreeMap<(usize, String), Row>,
    /// Statement and pattern of what matched a call.
    patterns: BTreeSet<(usize, String)>,
    violations: Vec<String>,
}

impl Usage {
    fn count(&mut self, need: &Need, made: &Made, reference: &Reference) {
        let Usage { task, role, statements, .. } = self;
        let Need { action, resource, context } = need;
        if let Err(error) = reference.agrees(action, resource) {
            self.violations.push(format!("{task}: {error}: this check or the call is wrong"));
            return;
        }
        let mut allowed_by = None;
        for (number, statement) in statements.iter().enumerate() {
            if let Some(by) = statement.allows(need) {
                let matching =
                    statement.resources.iter().filter(|pattern| policy::matches(pattern, resource));
                self.patterns.extend(matching.map(|pattern| (number, pattern.clone())));
                let partitions = statement.leading_keys_of(need).into_iter().map(str::to_owned);
                self.rows.entry((number, action.clone())).or_default().partitions.extend(partitions);
                allowed_by = allowed_by.or(Some((number, statement, by)));
            }
        }
        let Some((number, statement, pattern)) = allowed_by else {
            if exempt::is_set_up_otherwise(need) {
                return;
            }
            let by: Vec<&str> = made.by.iter().map(String::as_str).collect();
            let with = if context.is_empty() { String::new() } else { format!(" with {context:?}") };
            let (times, by) = (made.times, by.join(", "));
            self.violations.push(format!(
                "{task}: {action} on {resource}{with} is not allowed, and was called {times} times, by {by}: \
                 let {role} allow it, or do not call it"
            ));
            return;
        };
        let row = self.rows.entry((number, action.clone())).or_default();
        row.resources.entry(short(pattern).to_owned()).or_default().insert(short(resource).to_owned());
        row.times += made.times;
        row.by.extend(made.by.iter().cloned());
        row.sid.clone_from(&statement.sid);
    }

    fn ways(&self) -> impl Iterator<Item = (String, String)> {
        self.rows.iter().flat_map(|((_, action), row)| {
            row.partitions.iter().map(|partition| (action.clone(), kind(partition).to_owned()))
        })
    }

    /// One row for each action of each statement, and what nobody used.
    fn rows(
        &mut self,
        reference: &Reference,
        reasons: &BTreeMap<(String, String), Vec<String>>,
        ways: &Ways,
    ) -> Result<Vec<Row>> {
        let Usage { task, role, statements, .. } = self;
        let touched: BTreeSet<String> =
            self.rows.values().flat_map(|row| row.partitions.iter().cloned()).collect();
        for (action, resources) in policy::by_action(statements) {
            for kind in required::lacking(reference, action, &resources)? {
                self.violations.push(format!(
                    "{task}: {role} allows {action} on no {kind}, and AWS asks for one of each kind that the action has: \
                     name it, or write into `required` why no call needs it"
                ));
            }
        }
        let mut rows = Vec::new();
        for (number, statement) in statements.iter().enumerate() {
            let sid = &statement.sid;
            for action in &statement.actions {
                let mut row = self.rows.remove(&(number, action.clone())).unwrap_or_default();
                row.action.clone_from(action);
                row.sid.clone_from(sid);
                row.exempt = exempt::reason(action);
                let mut broad = broader(action, &statement.resources, reference)?;
                let partitions = statement.leading_keys();
                broad.extend(partitions.iter().filter(|key| is_wild(key)).map(|key| (*key).to_owned()));
                if !broad.is_empty() {
                    let reason = reasons.get(&(role.to_owned(), sid.clone())).map(|all| all.join(" "));
                    let reason = reason.filter(|reason| !reason.is_empty());
                    if reason.is_none() {
                        self.violations.push(format!(
                            "{task}: {action} is allowed on {}, which is broader than its calls need: narrow {sid} \
                             of {role}, or write the reason beside it",
                            broad.join(", ")
                        ));
                    }
                    row.broader = Some((broad, reason.unwrap_or_default()));
                }
                match (row.times, row.exempt) {
                    (0, None) => self.violations.push(format!(
                        "{task}: {sid} of {role} allows {action}, and no call used it: take it out, or test it"
                    )),
                    (1.., Some(_)) => self.violations.push(format!(
                        "{task}: {action} is exempt, and was called: take it off the list of exemptions"
                    )),
                    _ => {}
                }
                if action.starts_with("dynamodb:") && partitions.is_empty() {
                    self.violations.push(format!(
                        "{task}: {sid} of {role} allows {action} on the items of every function: name the partitions \
                         that it is for in {LEADING_KEYS}"
                    ));
                }
                for partition in partitions.iter().filter(|_| row.times > 0) {
                    // The spine is one: what another function's run does with its own items, this one's may do too.
                    let is_the_spines = touched.contains(*partition)
                        && ways.contains(&(action.clone(), kind(partition).to_owned()));
                    if !row.partitions.contains(*partition) && !is_the_spines {
                        self.violations.push(format!(
                            "{task}: {sid} of {role} allows {action} on items of {partition}, and no call was about \
                             one: take it out, or test it"
                        ));
                    }
                }
                rows.push(row);
            }
            // Of a statement that nobody used this is said already.
            let used = self.patterns.iter().any(|(of, _)| *of == number);
            for pattern in statement.resources.iter().filter(|_| used) {
                if !self.patterns.contains(&(number, pattern.clone())) {
                    self.violations.push(format!(
                        "{task}: {sid} of {role} names {}, and no call was about it: take it out, or test it",
                        short(pattern)
                    ));
                }
            }
        }
        Ok(rows)
    }
}

/// The patterns that are more than a name, of those that are of a kind that the action takes.
fn broader(action: &str, patterns: &[String], reference: &Reference) -> Result<Vec<String>> {
    if reference.kinds(action)?.is_empty() {
        return Ok(Vec::new());
    }
    // A log group's own ARN ends in its streams.
    let name = |pattern: &str| {
        pattern.strip_suffix(":*").filter(|_| pattern.contains(":log-group:")).map(str::to_owned)
    };
    let wild =
        patterns.iter().filter(|pattern| is_wild(&name(pattern).unwrap_or_else(|| (*pattern).clone())));
    let own = wild.filter(|pattern| reference.agrees(action, pattern).is_ok());
    Ok(own.map(|pattern| short(pattern).to_owned()).collect())
}

/// An ARN without partition, service, region and account.
pub fn short(resource: &str) -> &str {
    resource.splitn(6, ':').nth(5).unwrap_or(resource)
}

//! The comments beside the wildcards of `template.yaml`, which its parsed form has not.

use std::collections::BTreeMap;

/// A line of a role that names more than one resource, and the comment beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    /// Counted from one.
    pub line: usize,
    /// The role's logical id and the statement's `Sid`.
    pub role: String,
    pub sid: String,
    pub resource: String,
    /// None when nobody says why.
    pub reason: Option<String>,
}

/// Where a role says what it is about: what a statement allows, and which partitions of a table.
const LISTS: [&str; 2] = ["Resource:", "dynamodb:LeadingKeys:"];

/// Every wildcard in a `Resource` or a `dynamodb:LeadingKeys` of a role, in their order.
///
/// A reason is the comment above the line, or above the list that the line is in, or at its end.
pub fn wildcards(template: &str) -> Vec<Wildcard> {
    let mut found = Vec::new();
    let (mut role, mut sid) = (String::new(), String::new());
    let (mut above, mut of_list) = (None::<String>, None::<String>);
    let mut list: Option<usize> = None;
    for (text, line) in template.lines().zip(1..) {
        let depth = text.len() - text.trim_start().len();
        let trimmed = text.trim();
        if depth == 2 && trimmed.ends_with(':') {
            trimmed.trim_end_matches(':').clone_into(&mut role);
        }
        if let Some(name) = trimmed.strip_prefix("- Sid: ") {
            name.clone_into(&mut sid);
            (above, list) = (None, None);
            continue;
        }
        if let Some(comment) = trimmed.strip_prefix('#') {
            let before = above.take().map(|before| before + " ").unwrap_or_default();
            above = Some(before + comment.trim());
            continue;
        }
        let value = LISTS.iter().find_map(|list| trimmed.strip_prefix(list)).map(str::trim);
        if value.is_some() {
            of_list.clone_from(&above);
            list = value.is_some_and(str::is_empty).then_some(depth);
        }
        let entry = trimmed.strip_prefix("- ").filter(|_| list.is_some_and(|list| depth > list));
        if value.is_none() && entry.is_none() {
            above = None;
            if list.is_some_and(|list| depth <= list) {
                list = None;
            }
            continue;
        }
        let (resource, behind) = split_comment(value.or(entry).unwrap_or_default());
        if role.ends_with("Role") && is_wild(resource) {
            let reason = behind.or(above.clone()).or(of_list.clone().filter(|_| entry.is_some()));
            let (role, sid, resource) = (role.clone(), sid.clone(), resource.to_owned());
            found.push(Wildcard { line, role, sid, resource, reason });
        }
        above = None;
    }
    found
}

/// By role and statement; the comments of a statement with several wildcards, each once.
pub fn by_statement(wildcards: &[Wildcard]) -> BTreeMap<(String, String), Vec<String>> {
    let mut reasons: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for wildcard in wildcards {
        let known = reasons.entry((wildcard.role.clone(), wildcard.sid.clone())).or_default();
        known.extend(wildcard.reason.clone().filter(|reason| !known.contains(reason)));
    }
    reasons
}

fn split_comment(value: &str) -> (&str, Option<String>) {
    match value.split_once(" #") {
        Some((value, comment)) => (value.trim(), Some(comment.trim().to_owned())),
        None => (value, None),
    }
}

/// Whether a resource's pattern is more than a name.
pub fn is_wild(resource: &str) -> bool {
    resource.contains(['*', '?'])
}

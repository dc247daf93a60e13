//! The stack's own names in a command that a rule tells: `<cluster>`, `<service>` … A name that was not seen stays as
//! it is, as it stands in a manual.

use crate::evidence::Evidence;

type Name = fn(&Evidence) -> Option<&str>;

const NAMES: &[(&str, Name)] = &[
    ("<cluster>", |evidence| {
        either(evidence.service.as_ref().map(|it| &it.cluster), &evidence.names.cluster)
    }),
    ("<service>", |evidence| either(evidence.service.as_ref().map(|it| &it.name), &evidence.names.service)),
    ("<task-definition>", |evidence| Some(&evidence.service.as_ref()?.task_definition)),
    ("<family>", |evidence| Some(evidence.service.as_ref()?.task_definition.rsplit_once(':')?.0)),
    ("<log-group>", |evidence| {
        let mut containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
        let of_container = containers.find_map(|container| container.log_group.as_ref());
        either(of_container, &evidence.names.log_group)
    }),
    ("<target-group-arn>", |evidence| Some(&evidence.target_groups.as_ref()?.first()?.arn)),
    ("<load-balancer>", |evidence| {
        either(evidence.load_balancer.as_ref().map(|it| &it.name), &evidence.names.load_balancer)
    }),
    ("<db-cluster>", |evidence| {
        either(evidence.database.as_ref().map(|it| &it.name), &evidence.names.database)
    }),
    ("<writer>", |evidence| Some(&evidence.database.as_ref()?.writer()?.name)),
    ("<distribution>", |evidence| {
        either(evidence.distribution.as_ref().map(|it| &it.id), &evidence.names.distribution)
    }),
];

fn either<'a>(seen: Option<&'a String>, set: &'a str) -> Option<&'a str> {
    seen.map(String::as_str).filter(|it| !it.is_empty()).or(Some(set))
}

/// The words with the names that are known.
pub(crate) fn filled(words: &str, evidence: &Evidence) -> String {
    let known = NAMES.iter().filter(|(name, _)| words.contains(name));
    known.fold(words.to_owned(), |words, (name, of)| match of(evidence).filter(|it| !it.is_empty()) {
        Some(it) => words.replace(name, it),
        None => words,
    })
}

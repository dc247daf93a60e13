//! The stack's own names in a rule's command: `<cluster>`, `<service>` … The placeholder of a name that was not seen
//! stays as it is, as in a manual.

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
        // A sidecar has a log of its own: the one that is read is the backend's.
        let mut containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
        let of_container = containers.find_map(|container| container.log_group.as_deref());
        Some(evidence.names.log_group.as_str()).filter(|name| !name.is_empty()).or(of_container)
    }),
    ("<target-group-arn>", |evidence| Some(&evidence.target_groups.as_ref()?.first()?.arn)),
    ("<load-balancer-arn>", |evidence| Some(&evidence.load_balancer.as_ref()?.arn)),
    ("<listener-arn>", |evidence| {
        const HTTPS: u16 = 443;
        let mut listeners = evidence.load_balancer.as_ref()?.listeners.iter();
        Some(&listeners.find(|listener| listener.port == HTTPS)?.arn)
    }),
    ("<health-probe-function>", |evidence| Some(&evidence.names.probe)),
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

/// The name in a secret's ARN, without the hyphen and six characters that Secrets Manager adds; a name is itself.
pub(crate) fn secret_name(id: &str) -> &str {
    const DRAWN: usize = 6;
    let Some((_, name)) = id.rsplit_once(":secret:") else { return id };
    // An ARN that somebody shortened may end in a word of six small letters: what AWS draws has others as well.
    let is_drawn = |end: &str| {
        end.len() == DRAWN
            && end.bytes().all(|letter| letter.is_ascii_alphanumeric())
            && end.bytes().any(|letter| !letter.is_ascii_lowercase())
    };
    name.rsplit_once('-').filter(|(_, end)| is_drawn(end)).map_or(name, |(bare, _)| bare)
}

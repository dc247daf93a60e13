//! What the stack's parameters are to be, by what was read. Nothing here calls AWS.

mod front;
mod stores;
mod task;
mod way;

use super::{
    environment,
    seen::{Read, Seen},
};
use crate::parameters;

/// How sure a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sure {
    /// What was read says so.
    Certain,
    /// It is likely, and a person should look.
    Guess,
}

impl Sure {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Guess => "guess",
        }
    }
}

/// A parameter that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) parameter: &'static str,
    pub(crate) value: String,
    pub(crate) sure: Sure,
    pub(crate) evidence: String,
    /// What else it could be.
    pub(crate) others: Vec<String>,
}

/// A parameter that was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) parameter: &'static str,
    pub(crate) why: String,
    /// What was found and not taken.
    pub(crate) others: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) found: Vec<Finding>,
    pub(crate) open: Vec<Open>,
    /// What else a person should know.
    pub(crate) notes: Vec<String>,
}

/// What the parameters of an environment's stack are to be.
pub(crate) fn decide(seen: &Seen, environment: &str, restores_in_network: bool) -> Findings {
    let mut all = Findings::default();
    let (cluster, name) = (&seen.service.cluster, &seen.service.name);
    all.certain("ClusterName", cluster, format!("the cluster of the ECS service {name}"));
    all.certain("ServiceName", name, format!("an ECS service of {cluster}"));
    task::decide(seen, environment, &mut all);
    way::decide(seen, environment, &mut all);
    stores::decide(seen, environment, restores_in_network, &mut all);
    front::decide(seen, environment, &mut all);
    most_tasks(seen, &mut all);
    all.keep_apart(environment);
    alarms(seen, environment, &mut all);
    all
}

fn most_tasks(seen: &Seen, all: &mut Findings) {
    match &seen.most_tasks {
        // How far a remedy may go is for people to say.
        Ok(Some(most)) => all.guess(
            "MaximumTasks",
            most.to_string(),
            "auto scaling goes up to that: say whether scale-up may, too".to_owned(),
            Vec::new(),
        ),
        Ok(None) => all.notes.push("Auto scaling does not scale the service.".to_owned()),
        Err(why) => all.open("MaximumTasks", why.clone()),
    }
}

fn alarms(seen: &Seen, environment: &str, all: &mut Findings) {
    let Ok(alarms) = &seen.alarms else { return };
    let parameters = ["LoadBalancerFullName", "TargetGroupFullName", "DatabaseCluster", "ServiceName"];
    let named: Vec<&str> = parameters.into_iter().filter_map(|name| all.value(name)).collect();
    let ours = format!("lendpeak2-{environment}-");
    let theirs = alarms.iter().filter(|(name, dimensions)| {
        let is_made = name.starts_with(&ours) || name.starts_with("TargetTracking-");
        !is_made && dimensions.iter().any(|one| named.contains(&one.as_str()))
    });
    let theirs: Vec<&str> = theirs.map(|(name, _)| name.as_str()).collect();
    if !theirs.is_empty() {
        let list = theirs.join(", ");
        all.notes.push(format!(
            "Alarms of your own: {list}. Send those that the runbook should hear to its topics."
        ));
    }
}

impl Findings {
    pub(crate) fn value(&self, parameter: &str) -> Option<&str> {
        self.found.iter().find(|one| one.parameter == parameter).map(|one| one.value.as_str())
    }

    fn certain(&mut self, parameter: &'static str, value: impl Into<String>, evidence: String) {
        self.push(Finding {
            parameter,
            value: value.into(),
            sure: Sure::Certain,
            evidence,
            others: Vec::new(),
        });
    }

    fn guess(&mut self, parameter: &'static str, value: String, evidence: String, others: Vec<String>) {
        self.push(Finding { parameter, value, sure: Sure::Guess, evidence, others });
    }

    fn open(&mut self, parameter: &'static str, why: impl Into<String>) {
        self.open.push(Open { parameter, why: why.into(), others: Vec::new() });
    }

    /// The likeliest of several; the others are told.
    fn likeliest(&mut self, parameter: &'static str, mut values: Vec<String>, evidence: String) {
        if values.is_empty() {
            return;
        }
        let first = values.remove(0);
        values.retain(|value| *value != first);
        self.guess(parameter, first, evidence, values);
    }

    fn push(&mut self, finding: Finding) {
        match parameters::named(finding.parameter).and_then(|parameter| parameter.refuses(&finding.value)) {
            Some(why) => self.open(finding.parameter, format!("{why} ({})", finding.evidence)),
            None => self.found.push(finding),
        }
    }

    /// Takes out every name that says it is of another environment.
    fn keep_apart(&mut self, environment: &str) {
        let is_known = environment::is_known(environment);
        let found = std::mem::take(&mut self.found);
        for mut finding in found {
            let Some(word) = environment::of_another(&finding.value, environment) else {
                self.found.push(finding);
                continue;
            };
            let why = format!("`{}` says {word}, and this is {environment}", finding.value);
            if is_known {
                let others = std::iter::once(finding.value).chain(finding.others).collect();
                self.open.push(Open { parameter: finding.parameter, why, others });
            } else {
                finding.sure = Sure::Guess;
                finding.evidence = format!("{why}; {}", finding.evidence);
                self.found.push(finding);
            }
        }
    }

    /// What another environment's section has too is no certain name of this one.
    pub(crate) fn doubt(&mut self, parameter: &str, section: &str) {
        for finding in self.found.iter_mut().filter(|finding| finding.parameter == parameter) {
            finding.sure = Sure::Guess;
            finding.evidence = format!("[{section}] has the same; {}", finding.evidence);
        }
    }
}

/// Reads on, or says of each parameter why not.
fn readable<'a, T>(read: &'a Read<T>, parameters: &[&'static str], all: &mut Findings) -> Option<&'a T> {
    match read {
        Ok(value) => Some(value),
        Err(why) => {
            for parameter in parameters {
                all.open(parameter, why.clone());
            }
            None
        }
    }
}

/// The hosts of the addresses in a text, as a list of allowed origins has several. Whoever signs in by an address is left
/// out.
fn hosts_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c == ',' || c == ';' || c.is_whitespace() || "\"'[]".contains(c));
    let hosts = words.filter_map(|word| {
        let rest = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"))?;
        let host = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
        let is_host =
            host.contains('.') && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c));
        is_host.then(|| host.to_lowercase())
    });
    hosts.collect()
}

/// Those that say another environment come last; else the order stays.
fn own_first<T>(values: &mut [T], environment: &str, name: impl Fn(&T) -> String) {
    values.sort_by_key(|value| environment::of_another(&name(value), environment).is_some());
}

#[cfg(test)]
mod tests;

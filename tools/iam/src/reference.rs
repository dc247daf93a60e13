//! AWS's service authorization reference, as far as `cfn-lint` carries it along: which kinds of resource an action
//! takes, and how their ARNs begin.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use sandbox::clients::{ACCOUNT, REGION};
use sandbox::ministack::virtual_environment;
use serde::Deserialize;

use super::policy::matches;

/// By the services' names in IAM.
#[derive(Debug, Deserialize)]
pub struct Reference(BTreeMap<String, Service>);

#[derive(Debug, Deserialize)]
struct Service {
    /// By their names in lower case.
    #[serde(rename = "Actions")]
    actions: BTreeMap<String, Action>,
    #[serde(rename = "Resources")]
    resources: BTreeMap<String, Resource>,
}

#[derive(Debug, Deserialize)]
struct Action {
    #[serde(rename = "Resources", default)]
    resources: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(rename = "ARNFormats", default)]
    formats: Vec<String>,
}

impl Reference {
    /// From the Python environment of the sandbox, which has `cfn-lint` for the template's checks.
    pub fn read() -> Result<Self> {
        let libraries = virtual_environment().join("lib");
        let below = std::fs::read_dir(&libraries)
            .with_context(|| format!("{} is not there; `make test` makes it", libraries.display()))?;
        let file = "site-packages/cfnlint/data/AdditionalSpecs/Policies.json";
        let path = below
            .filter_map(|entry| Some(entry.ok()?.path().join(file)))
            .find(|path| path.exists())
            .context("cfn-lint is not installed; `make test` installs it")?;
        let text = std::fs::read_to_string(&path)?;
        serde_json::from_str(&text).with_context(|| format!("{} reads otherwise than before", path.display()))
    }

    /// The kinds of resource that an action takes, none where it takes only `*`.
    pub fn kinds(&self, action: &str) -> Result<Vec<&str>> {
        let (service, name) = action.split_once(':').with_context(|| format!("{action} is no action"))?;
        let service = self.0.get(service).with_context(|| format!("AWS has no service {service}"))?;
        let known = service.actions.get(&name.to_ascii_lowercase());
        let known = known.with_context(|| format!("AWS has no action {action}"))?;
        Ok(known.resources.iter().map(String::as_str).collect())
    }

    /// An error when an ARN is of no kind that its action takes: this check would have its call wrong then.
    pub fn agrees(&self, action: &str, resource: &str) -> Result<()> {
        let kinds = self.kinds(action)?;
        let fits = resource == "*" || kinds.iter().any(|kind| self.is_of(action, kind, resource));
        ensure!(fits, "{action} takes {kinds:?}, and {resource} is none of them");
        Ok(())
    }

    /// Whether an ARN, or a pattern of some, is of a kind that an action takes. `*` is of all.
    pub fn is_of(&self, action: &str, kind: &str, resource: &str) -> bool {
        if resource == "*" {
            return true;
        }
        let service = action.split(':').next().and_then(|service| self.0.get(service));
        let kind = service.and_then(|service| service.resources.get(&kind.to_ascii_lowercase()));
        let placed = |format: &String| {
            let format = format.replace("${Partition}", "aws").replace("${Region}", REGION);
            format.replace("${Account}", ACCOUNT).replace(".*", "*")
        };
        kind.is_some_and(|kind| kind.formats.iter().any(|format| matches(&placed(format), resource)))
    }
}

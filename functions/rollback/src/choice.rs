//! Which release to go back to.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use serde::Serialize;
use shared::{
    ecs::{family, revision},
    releases::Release,
};

/// A deployment in AWS's history of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PastDeployment {
    pub arn: String,
    /// The service revision that it brought.
    pub service_revision: String,
    /// As in `SUCCESSFUL`.
    pub status: String,
    pub created_at: Option<Timestamp>,
    /// The ARN of its task definition; nothing where it was not looked up.
    pub task_definition: Option<String>,
    pub images: Vec<Image>,
}

/// What an image's name, as in `lendpeak2/backend:1`, stood for when it was deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    pub container: String,
    pub name: String,
    pub digest: String,
}

/// A release that could be gone back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Its task definition: an ARN from the history, or `family:revision` from the ledger.
    pub task_definition: String,
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It ran while the health probe passed.
    ProbePassed,
    /// Its deployment succeeded; more is not known of it.
    DeploymentSucceeded,
}

impl PastDeployment {
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.status.as_str(), "PENDING" | "IN_PROGRESS")
    }

    pub(crate) fn is_rolling_back(&self) -> bool {
        matches!(self.status.as_str(), "STOP_REQUESTED" | "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS")
    }

    pub(crate) fn has_succeeded(&self) -> bool {
        self.status == "SUCCESSFUL"
    }
}

/// The releases to go back to, the best first: those that ran while the probe passed, then those whose
/// deployment succeeded; the newest first in each. Never the current one, one that was rolled back from, or
/// one of another family. Where AWS has no history, what the ledger knows has to do. A copy with which writes
/// were frozen counts as the release that it is a copy of.
pub(crate) fn candidates(history: &[PastDeployment], releases: &[Release], current: &str) -> Vec<Candidate> {
    let current = stands_for(releases, current);
    let is_marked = |name: &str, mark: fn(&Release) -> bool| {
        releases.iter().any(|release| stands_for(releases, &release.revision) == name && mark(release))
    };
    let rolled_back = |name: &str| is_marked(name, |release| release.rolled_back_at.is_some());
    let eligible = |name: &str| name != current && family(name) == family(current) && !rolled_back(name);

    let mut succeeded: Vec<(&PastDeployment, &str)> = history
        .iter()
        .filter(|deployment| deployment.has_succeeded())
        .filter_map(|deployment| {
            let task_definition = deployment.task_definition.as_deref()?;
            let release = stands_for(releases, task_definition);
            // As AWS names it, unless it is a copy.
            let name = if release == revision(task_definition) { task_definition } else { release };
            Some((deployment, name))
        })
        .filter(|(_, task_definition)| eligible(revision(task_definition)))
        .collect();
    let mut seen = BTreeSet::new();
    if succeeded.is_empty() {
        let mut good: Vec<(&Release, &str)> = releases
            .iter()
            .filter(|release| release.good_at.is_some())
            .map(|release| (release, stands_for(releases, &release.revision)))
            .filter(|(_, name)| eligible(name))
            .collect();
        good.sort_by_key(|(release, name)| Reverse((release.good_at, number(name))));
        return good
            .into_iter()
            .filter(|(_, name)| seen.insert(*name))
            .map(|(_, name)| Candidate { task_definition: name.to_owned(), why: Why::ProbePassed })
            .collect();
    }
    let probe_passed =
        |task_definition: &str| is_marked(revision(task_definition), |release| release.good_at.is_some());
    // The order of the list is AWS's own affair.
    succeeded.sort_by_key(|(deployment, task_definition)| {
        Reverse((probe_passed(task_definition), deployment.created_at, number(task_definition)))
    });
    succeeded
        .into_iter()
        .filter(|(_, task_definition)| seen.insert(revision(task_definition)))
        .map(|(_, task_definition)| Candidate {
            task_definition: task_definition.to_owned(),
            why: if probe_passed(task_definition) { Why::ProbePassed } else { Why::DeploymentSucceeded },
        })
        .collect()
}

/// The release that a task definition stands for, as `family:revision`: a copy with which writes are frozen is no
/// release of its own.
pub(crate) fn stands_for<'a>(releases: &'a [Release], task_definition: &'a str) -> &'a str {
    let name = revision(task_definition);
    releases
        .iter()
        .find(|release| release.revision == name)
        .and_then(|release| release.frozen_from.as_deref())
        .unwrap_or(name)
}

/// When the present release went live: the start of the unbroken run of its deployments, since a restart does not
/// make a release young, and a freeze of writes does not either.
pub(crate) fn released_at(
    history: &[PastDeployment],
    releases: &[Release],
    current: &str,
) -> Option<Timestamp> {
    let current = stands_for(releases, current);
    let mut newest_first: Vec<&PastDeployment> =
        history.iter().filter(|deployment| deployment.task_definition.is_some()).collect();
    newest_first.sort_by_key(|deployment| Reverse(deployment.created_at));
    newest_first
        .into_iter()
        .take_while(|deployment| {
            let deployed = deployment.task_definition.as_deref();
            deployed.map(|deployed| stands_for(releases, deployed)) == Some(current)
        })
        .filter_map(|deployment| deployment.created_at)
        .min()
}

/// The images that would not be the same today: their tag has stood for something else since. By container,
/// the image by its digest.
pub(crate) fn moved_images(history: &[PastDeployment], task_definition: &str) -> BTreeMap<String, String> {
    let of_it = |deployment: &&PastDeployment| {
        deployment.task_definition.as_deref().map(revision) == Some(revision(task_definition))
    };
    let newest = history
        .iter()
        .filter(|deployment| deployment.has_succeeded())
        .filter(of_it)
        .max_by_key(|deployment| deployment.created_at);
    let Some(newest) = newest else {
        return BTreeMap::new();
    };
    let moved = |image: &Image| {
        history
            .iter()
            .filter(|later| later.created_at > newest.created_at)
            .flat_map(|later| &later.images)
            .any(|later| later.name == image.name && later.digest != image.digest)
    };
    newest
        .images
        .iter()
        .filter(|image| !image.name.contains('@') && !image.digest.is_empty() && moved(image))
        .map(|image| (image.container.clone(), format!("{}@{}", repository(&image.name), image.digest)))
        .collect()
}

/// `host/name` of `host:port/name:tag`: a colon after the last slash begins the tag.
fn repository(image: &str) -> &str {
    let name_from = image.rfind('/').map_or(0, |slash| slash + 1);
    match image.get(name_from..).and_then(|name| name.find(':')) {
        Some(colon) => image.get(..name_from + colon).unwrap_or(image),
        None => image,
    }
}

fn number(task_definition: &str) -> u32 {
    task_definition.rsplit_once(':').and_then(|(_, number)| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;

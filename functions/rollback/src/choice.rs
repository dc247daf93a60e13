//! Which release to go back to.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use serde::Serialize;
use shared::{
    ecs::{family, revision},
    ledger::Release,
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
    /// Its task definition: an ARN from the history, or `family:revision`.
    pub task_definition: String,
    pub why: Why,
    /// What its images were when it was deployed, by container; nothing where AWS does not say.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub digests: BTreeMap<String, String>,
    /// The images that would not be the same today, by container, as they are named by digest.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A person asks for just this.
    Named,
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

/// What a service runs: a release, and what its images' names stood for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Runs<'a> {
    /// As `family:revision`.
    pub(crate) release: &'a str,
    /// By container.
    digests: BTreeMap<&'a str, &'a str>,
}

impl Runs<'_> {
    /// Whether it is the same, as far as is known.
    pub(crate) fn is(&self, other: &Runs<'_>) -> bool {
        let same = |(container, digest): (&&str, &&str)| {
            other.digests.get(container).is_none_or(|other| other == digest)
        };
        self.release == other.release && self.digests.iter().all(same)
    }

    /// Whether its images are these, as far as is known.
    pub(crate) fn has(&self, digests: &BTreeMap<String, String>) -> bool {
        let same = |(container, digest): (&String, &String)| {
            self.digests.get(container.as_str()).is_none_or(|mine| mine == digest)
        };
        digests.iter().all(same)
    }

    pub(crate) fn digests(&self) -> BTreeMap<String, String> {
        self.digests.iter().map(|(container, digest)| ((*container).into(), (*digest).into())).collect()
    }
}

/// What AWS and the ledger know of a service's releases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) history: &'a [PastDeployment],
    pub(crate) releases: &'a [Release],
}

impl<'a> Known<'a> {
    /// The release that a task definition stands for, as `family:revision`: a copy is no release of its own.
    pub(crate) fn stands_for(self, task_definition: &'a str) -> &'a str {
        let name = revision(task_definition);
        self.releases
            .iter()
            .find(|release| release.revision == name)
            .and_then(Release::stands_for)
            .unwrap_or(name)
    }

    /// The release that a task definition is a copy of with which writes are frozen.
    pub(crate) fn frozen_from(self, task_definition: &str) -> Option<&'a str> {
        let name = revision(task_definition);
        self.releases.iter().find(|release| release.revision == name)?.frozen_from.as_deref()
    }

    pub(crate) fn deployed(self, deployment: &'a PastDeployment) -> Option<Runs<'a>> {
        let release = self.stands_for(deployment.task_definition.as_deref()?);
        let known = deployment.images.iter().filter(|image| !image.digest.is_empty());
        let digests = known.map(|image| (image.container.as_str(), image.digest.as_str())).collect();
        Some(Runs { release, digests })
    }

    /// What the service runs that is set to a task definition.
    pub(crate) fn now(self, current: &'a str) -> Runs<'a> {
        self.newest(|deployment| {
            let counts = deployment.is_under_way() || deployment.has_succeeded();
            counts && deployment.task_definition.as_deref().map(revision) == Some(revision(current))
        })
        .unwrap_or_else(|| Runs { release: self.stands_for(current), digests: BTreeMap::new() })
    }

    /// Whether an image by its digest is what a container of a release ran.
    pub(crate) fn ran(self, release: &str, container: &str, image: &str) -> bool {
        let Some((repository_of, digest)) = image.split_once('@') else {
            return false;
        };
        self.history
            .iter()
            .filter(|past| past.task_definition.as_deref().map(revision) == Some(release))
            .flat_map(|past| &past.images)
            .any(|ran| {
                ran.container == container && ran.digest == digest && repository(&ran.name) == repository_of
            })
    }

    fn newest(self, is_it: impl Fn(&PastDeployment) -> bool) -> Option<Runs<'a>> {
        let found = self.history.iter().filter(|deployment| is_it(deployment));
        self.deployed(found.max_by_key(|deployment| deployment.created_at)?)
    }

    /// Whether what is noted of a revision at a time is about this: the name may have run with other images before and
    /// since.
    fn is_about(self, noted: &str, at: Timestamp, runs: &Runs<'_>) -> bool {
        let ran = self.newest(|deployment| {
            deployment.task_definition.as_deref().map(revision) == Some(noted)
                && deployment.created_at.is_none_or(|created| created <= at)
        });
        ran.is_none_or(|ran| ran.is(runs))
    }

    fn notes(self, runs: &Runs<'_>) -> impl Iterator<Item = &'a Release> {
        self.releases.iter().filter(move |release| self.stands_for(&release.revision) == runs.release)
    }

    /// Whether it was rolled back from, and not seen to work since.
    pub(crate) fn is_bad(self, runs: &Runs<'_>) -> bool {
        self.notes(runs).any(|release| {
            let about = |at: &Timestamp| self.is_about(&release.revision, *at, runs);
            let (bad, good) = (release.rolled_back_at.filter(about), release.good_at.filter(about));
            bad.is_some_and(|bad| good.is_none_or(|good| good <= bad))
        })
    }

    fn was_good(self, runs: &Runs<'_>) -> bool {
        self.notes(runs)
            .any(|release| release.good_at.is_some_and(|at| self.is_about(&release.revision, at, runs)))
    }

    /// The releases to go back to, the best first: those that ran while the probe passed, then those whose deployment
    /// succeeded; the newest first in each. Never the current one, one that was rolled back from, or one of another
    /// family. Where AWS has no history, what the ledger knows has to do.
    pub(crate) fn candidates(self, current: &'a str) -> Vec<Candidate> {
        let now = self.now(current);
        let eligible = |runs: &Runs<'_>| {
            family(runs.release) == family(now.release) && !runs.is(&now) && !self.is_bad(runs)
        };
        let mut succeeded: Vec<(&PastDeployment, Runs<'_>)> = self
            .history
            .iter()
            .filter(|deployment| deployment.has_succeeded())
            .filter_map(|deployment| Some((deployment, self.deployed(deployment)?)))
            .filter(|(_, runs)| eligible(runs))
            .collect();
        if succeeded.is_empty() {
            return self.noted_as_good(&now);
        }
        // The order of the list is AWS's own affair.
        succeeded.sort_by_key(|(deployment, runs)| {
            Reverse((self.was_good(runs), deployment.created_at, number(runs.release)))
        });
        let mut seen: Vec<Runs<'_>> = Vec::new();
        let mut candidates = Vec::new();
        for (deployment, runs) in succeeded {
            if seen.iter().any(|seen| seen.is(&runs)) {
                continue;
            }
            let why = if self.was_good(&runs) { Why::ProbePassed } else { Why::DeploymentSucceeded };
            candidates.extend(self.candidate(deployment, why));
            seen.push(runs);
        }
        candidates
    }

    /// Where AWS has no history: the last that was good first.
    fn noted_as_good(self, now: &Runs<'_>) -> Vec<Candidate> {
        let mut good: Vec<(&Release, &str)> = self
            .releases
            .iter()
            .filter(|release| release.good_at.is_some())
            .map(|release| (release, self.stands_for(&release.revision)))
            .filter(|(_, name)| {
                let runs = Runs { release: name, digests: BTreeMap::new() };
                *name != now.release && family(name) == family(now.release) && !self.is_bad(&runs)
            })
            .collect();
        good.sort_by_key(|(release, name)| Reverse((release.good_at, number(name))));
        let mut seen = BTreeSet::new();
        good.into_iter()
            .filter(|(_, name)| seen.insert(*name))
            .map(|(_, name)| Candidate::named(name, Why::ProbePassed))
            .collect()
    }

    /// What a deployment brought, to be deployed again.
    pub(crate) fn candidate(self, deployment: &'a PastDeployment, why: Why) -> Option<Candidate> {
        let task_definition = deployment.task_definition.as_deref()?;
        let runs = self.deployed(deployment)?;
        // As AWS names it, unless it is a copy.
        let is_copy = runs.release != revision(task_definition);
        let task_definition = if is_copy { runs.release } else { task_definition }.to_owned();
        let (digests, images) = (runs.digests(), self.moved_images(deployment));
        Some(Candidate { task_definition, why, digests, images })
    }

    /// The service revisions that brought a release with other images than those that run.
    pub(crate) fn with_other_images(self, now: &Runs<'_>) -> Vec<String> {
        const FEW: usize = 3;
        let is_other = |past: &&PastDeployment| {
            past.has_succeeded()
                && self.deployed(past).is_some_and(|runs| runs.release == now.release && !runs.is(now))
        };
        let mut others: Vec<&PastDeployment> = self.history.iter().filter(is_other).collect();
        others.sort_by_key(|past| Reverse(past.created_at));
        others.into_iter().take(FEW).map(|past| past.service_revision.clone()).collect()
    }

    /// When the present release went live: the start of the unbroken run of its deployments, since a restart does not
    /// make a release young, and a freeze of writes does not either; the same name with another image does.
    pub(crate) fn released_at(self, current: &'a str) -> Option<Timestamp> {
        let now = self.now(current);
        let mut newest_first: Vec<(&PastDeployment, Runs<'_>)> = self
            .history
            .iter()
            // One that ECS has undone made nothing younger.
            .filter(|deployment| deployment.is_under_way() || deployment.has_succeeded())
            .filter_map(|deployment| Some((deployment, self.deployed(deployment)?)))
            .collect();
        newest_first.sort_by_key(|(deployment, _)| Reverse(deployment.created_at));
        newest_first
            .into_iter()
            .take_while(|(_, runs)| runs.is(&now))
            .filter_map(|(deployment, _)| deployment.created_at)
            .min()
    }

    /// The images that would not be the same today: their tag has stood for something else since, or they had no tag.
    /// By container, the image by its digest.
    fn moved_images(self, deployed: &PastDeployment) -> BTreeMap<String, String> {
        let moved = |image: &Image| {
            self.history
                .iter()
                .filter(|later| later.created_at > deployed.created_at)
                .flat_map(|later| &later.images)
                .any(|later| later.name == image.name && later.digest != image.digest)
        };
        let by_digest = |image: &Image| {
            if image.name.contains('@') {
                Some(image.name.clone())
            } else {
                let name = || format!("{}@{}", repository(&image.name), image.digest);
                (!image.digest.is_empty() && moved(image)).then(name)
            }
        };
        deployed
            .images
            .iter()
            .filter_map(|image| Some((image.container.clone(), by_digest(image)?)))
            .collect()
    }

    /// A release for people and budgets: its name, and where that has run with other images, which these are.
    pub(crate) fn told(self, release: &str, digests: &BTreeMap<String, String>) -> String {
        /// As many of a digest as people compare.
        const SHORT: usize = "sha256:".len() + 12;
        let deployed = self.history.iter().filter_map(|past| self.deployed(past));
        let mut ran = deployed.filter(|runs| runs.release == release);
        let first = ran.next();
        if digests.is_empty() || first.is_none_or(|first| ran.all(|runs| runs.is(&first))) {
            return release.to_owned();
        }
        let short = |digest: &String| digest.get(..SHORT).unwrap_or(digest).to_owned();
        let images: Vec<String> =
            digests.iter().map(|(container, digest)| format!("{container} {}", short(digest))).collect();
        format!("{release} ({})", images.join(", "))
    }
}

impl Candidate {
    pub(crate) fn named(name: &str, why: Why) -> Self {
        let (digests, images) = (BTreeMap::new(), BTreeMap::new());
        Self { task_definition: name.to_owned(), why, digests, images }
    }

    /// For people: `family:revision`, or the ARN of a service revision.
    pub(crate) fn name(&self) -> &str {
        let is_definition = !self.task_definition.contains(":service-");
        if is_definition { revision(&self.task_definition) } else { &self.task_definition }
    }
}

impl Why {
    /// In a sentence: to a release, …
    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::Named => "which was named by hand",
            Self::ProbePassed => "the last release with which the health probe passed",
            Self::DeploymentSucceeded => "the last release whose deployment succeeded",
        }
    }
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

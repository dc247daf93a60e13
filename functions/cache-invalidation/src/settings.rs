//! What this stack allows `cache-invalidation` to do.

use std::time::Duration;

use shared::settings::{Environment, SettingsError};

use crate::paths::PathLimits;

/// CloudFront's own limits on what is in progress at once
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html>).
pub(crate) const FILES_IN_PROGRESS: usize = 3_000;
pub(crate) const WILDCARDS_IN_PROGRESS: usize = 15;

/// CloudFront promises no time. Its invalidations mostly end within two minutes; one that has not after half an
/// hour is worth a person's look.
pub(crate) const PATIENCE: Duration = Duration::from_mins(30);

#[derive(Debug, Clone)]
pub struct Settings {
    /// The one distribution that may be invalidated.
    pub distribution: String,
    /// Where the front end is, without a slash at the end.
    pub app_url: String,
    /// The CodeBuild project and the pipeline whose end means that the front end was deployed.
    pub build_project: Option<String>,
    pub pipeline: Option<String>,
    /// Looked at to see whether old content is served.
    pub asset_path: String,
    pub limits: PathLimits,
    /// Paths a month that AWS does not bill.
    pub free_paths: u32,
}

impl Settings {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        Ok(Self {
            distribution: environment.text("DISTRIBUTION_ID")?,
            app_url: environment.text("APP_URL")?.trim_end_matches('/').to_owned(),
            build_project: environment.optional("BUILD_PROJECT").map(str::to_owned),
            pipeline: environment.optional("PIPELINE").map(str::to_owned),
            asset_path: environment.text_or("ASSET_PATH", "/assets/main.js"),
            limits: PathLimits {
                paths: environment.number("MAX_PATHS", 15, 1..=FILES_IN_PROGRESS)?,
                wildcards: environment.number("MAX_WILDCARDS", 5, 1..=WILDCARDS_IN_PROGRESS)?,
            },
            free_paths: environment.number("FREE_PATHS", 1_000, 0..=1_000_000)?,
        })
    }

    /// The front end's host, with its port if it has one.
    pub(crate) fn own_host(&self) -> &str {
        let host = self.app_url.split_once("://").map_or(self.app_url.as_str(), |(_, rest)| rest);
        host.split('/').next().unwrap_or(host)
    }

    /// The distribution's name in the ledger.
    pub(crate) fn target(&self) -> String {
        format!("distribution/{}", self.distribution)
    }
}

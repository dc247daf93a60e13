//! Ten ways in which LendPeak2 is down, or seems to be, to be played in the sandbox: what has happened before, what
//! goes wrong, what `diagnose` is to name first, and how it is to end.

mod breakage;
mod history;

use std::time::Duration;

use sandbox::Sandbox;
use sandbox::standin::Now;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drill {
    BadRelease,
    LoadSpike,
    OutOfMemory,
    SecretDeleted,
    DatabaseDown,
    CertificateExpired,
    OneBadTarget,
    CdnStale,
    FlappingAlarm,
    HealthyService,
}

/// What `diagnose` and whoever acts on it are to make of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The first cause; none where there is nothing to be found.
    pub first_cause: Option<&'static str>,
    pub end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By a function of the runbook; by none where nothing was to be done.
    Resolved { by: Option<&'static str> },
    /// To a support level: 1 development, 2 DevOps, 3 AWS.
    Escalated { level: u8 },
}

impl Drill {
    pub const ALL: [Self; 10] = [
        Self::BadRelease,
        Self::LoadSpike,
        Self::OutOfMemory,
        Self::SecretDeleted,
        Self::DatabaseDown,
        Self::CertificateExpired,
        Self::OneBadTarget,
        Self::CdnStale,
        Self::FlappingAlarm,
        Self::HealthyService,
    ];

    /// As in `bad-release`.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRelease => "bad-release",
            Self::LoadSpike => "load-spike",
            Self::OutOfMemory => "out-of-memory",
            Self::SecretDeleted => "secret-deleted",
            Self::DatabaseDown => "database-down",
            Self::CertificateExpired => "certificate-expired",
            Self::OneBadTarget => "one-bad-target",
            Self::CdnStale => "cdn-stale",
            Self::FlappingAlarm => "flapping-alarm",
            Self::HealthyService => "healthy-service",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|drill| drill.name() == name)
    }

    /// One line.
    pub fn title(self) -> &'static str {
        match self {
            Self::BadRelease => "A release answers every request with 500",
            Self::LoadSpike => "More work than two tasks can do: they turn requests away",
            Self::OutOfMemory => {
                "The tasks are killed for want of memory, again and again, and no release is to blame"
            }
            Self::SecretDeleted => "The secret that each task needs to start is scheduled for deletion",
            Self::DatabaseDown => "No instance of the database is available",
            Self::CertificateExpired => "The site's certificate expired two days ago",
            Self::OneBadTarget => "One of two tasks answers no more, and the other one does",
            Self::CdnStale => "CloudFront keeps the 404 of an asset that has been uploaded since",
            Self::FlappingAlarm => "An alarm goes on and off, and all is well whenever anybody looks",
            Self::HealthyService => "The alarm is on, and the service is well",
        }
    }

    pub fn expected(self) -> Expected {
        let resolved = |first_cause, function| Expected {
            first_cause: Some(first_cause),
            end: End::Resolved { by: Some(function) },
        };
        let escalated =
            |first_cause, level| Expected { first_cause: Some(first_cause), end: End::Escalated { level } };
        match self {
            Self::BadRelease => resolved("release_broke_it", "rollback"),
            Self::LoadSpike => resolved("no_spare_tasks", "scale-up"),
            // ECS starts the killed tasks again by itself: a restart gains nothing, and an older release neither.
            Self::OutOfMemory => escalated("out_of_memory_kills", 1),
            Self::SecretDeleted => escalated("secret_deleted", 2),
            Self::DatabaseDown => escalated("database_down", 2),
            Self::CertificateExpired => escalated("certificate_expired", 2),
            Self::OneBadTarget => resolved("one_bad_target", "restart"),
            Self::CdnStale => resolved("not_found_after_deployment", "cache-invalidation"),
            // Untidy, and no reason to touch the service.
            Self::FlappingAlarm => {
                Expected { first_cause: Some("alarm_flaps"), end: End::Resolved { by: None } }
            }
            Self::HealthyService => Expected { first_cause: None, end: End::Resolved { by: None } },
        }
    }

    /// Whether the health probe passes although something is wrong.
    pub fn is_well(self) -> bool {
        matches!(self, Self::FlappingAlarm | Self::HealthyService)
    }

    /// What must hold before: a stack that has run well for two days, and a release to go back to.
    ///
    /// # Errors
    /// When the sandbox does not do what it is asked.
    pub async fn prepare(self, sandbox: &Sandbox) -> anyhow::Result<()> {
        history::two_good_days(sandbox).await
    }

    /// Breaks it. Returns when LendPeak2 behaves so.
    ///
    /// # Errors
    /// When the sandbox does not do what it is asked.
    pub async fn go_wrong(self, sandbox: &Sandbox) -> anyhow::Result<()> {
        match self {
            Self::BadRelease => breakage::bad_release(sandbox).await,
            Self::LoadSpike => breakage::load_spike(sandbox).await,
            Self::OutOfMemory => breakage::out_of_memory(sandbox).await,
            Self::SecretDeleted => breakage::secret_deleted(sandbox).await,
            Self::DatabaseDown => breakage::database_down(sandbox).await,
            Self::CertificateExpired => breakage::certificate_expired(sandbox).await,
            Self::OneBadTarget => breakage::one_bad_target(sandbox).await,
            Self::CdnStale => {
                breakage::cdn_stale(sandbox);
                Ok(())
            }
            Self::FlappingAlarm => breakage::flapping_alarm(sandbox).await,
            Self::HealthyService => breakage::healthy_service(sandbox).await,
        }
    }
}

/// Waits until LendPeak2 behaves so.
async fn until(sandbox: &Sandbox, is_so: impl Fn(&Now) -> bool) -> anyhow::Result<()> {
    for _ in 0..600 {
        if is_so(&sandbox.standin.now()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("not within half a minute: {:?}", sandbox.standin.now())
}

//! What each function is asked to do while something goes wrong: the stack it is asked in, and the deliveries.

mod restore;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::deploy::{CLUSTER, FAMILY, LOG_GROUP, SERVICE};
use crate::gateway::{DISTRIBUTION, FRONT_END_BUILD, REDIS_GROUP, REDIS_PORT, SECRET, SOURCE};
use crate::sandbox::Sandbox;
use crate::stack::{Stack, alarm, tick};
use crate::standin::LOAD_BALANCER;

use super::player::Player;
use super::{books, managed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    CacheInvalidation,
    Diagnose,
    HealthProbe,
    Incident,
    Restart,
    Rollback,
    ScaleUp,
    SnapshotRestore,
    WriteFreeze,
}

impl Story {
    pub const ALL: [Self; 9] = [
        Self::CacheInvalidation,
        Self::Diagnose,
        Self::HealthProbe,
        Self::Incident,
        Self::Restart,
        Self::Rollback,
        Self::ScaleUp,
        Self::SnapshotRestore,
        Self::WriteFreeze,
    ];

    /// The function's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CacheInvalidation => "cache-invalidation",
            Self::Diagnose => "diagnose",
            Self::HealthProbe => "health-probe",
            Self::Incident => "incident",
            Self::Restart => "restart",
            Self::Rollback => "rollback",
            Self::ScaleUp => "scale-up",
            Self::SnapshotRestore => "snapshot-restore",
            Self::WriteFreeze => "write-freeze",
        }
    }

    /// A stack in which the function has something to do.
    pub(super) async fn start(self) -> anyhow::Result<Stack> {
        self.start_with(&[self]).await
    }

    /// The same with the settings of these functions.
    pub(super) async fn start_with(self, stories: &[Self]) -> anyhow::Result<Stack> {
        let settings: Vec<_> = stories.iter().flat_map(|story| story.settings()).collect();
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let stack = Stack::start(self.name(), &settings).await?;
        match self {
            Self::Rollback | Self::Diagnose => {
                stack.sandbox.release(&[]).await?;
                stack.sandbox.release(&[("BROKEN", "true")]).await?;
            }
            Self::Restart => {
                stack.sandbox.release(&[]).await?;
            }
            // What is restored then has an older password.
            Self::SnapshotRestore => stack.sandbox.rotate_password(ROTATED).await?,
            _ => {}
        }
        Ok(stack)
    }

    fn settings(self) -> Vec<(&'static str, String)> {
        let topic = |name: &str| format!("arn:aws:sns:us-east-1:000000000000:lendpeak2-production-{name}");
        let notices = ("NOTICE_TOPIC_ARN", topic("notices"));
        let probe = ("PROBE_FUNCTION", Sandbox::function_name("health-probe"));
        let text = |name: &'static str, value: &str| (name, value.to_owned());
        match self {
            Self::CacheInvalidation => {
                vec![notices, text("DISTRIBUTION_ID", DISTRIBUTION), text("BUILD_PROJECT", FRONT_END_BUILD)]
            }
            Self::Diagnose => vec![
                text("LOG_GROUP", LOG_GROUP),
                text("LOAD_BALANCER", LOAD_BALANCER),
                text("DATABASE_CLUSTER", SOURCE),
                text("DATABASE_SECRET", SECRET),
                text("DISTRIBUTION_ID", DISTRIBUTION),
                text("BUILD_PROJECT", FRONT_END_BUILD),
                text("REDIS_SECURITY_GROUPS", REDIS_GROUP),
                text("REDIS_PORT", REDIS_PORT),
                text("ALARM_PREFIX", "lendpeak2-production-"),
                probe,
            ],
            Self::Incident => {
                vec![
                    notices,
                    ("LEVEL_2_TOPIC_ARN", topic("level-2")),
                    ("LEVEL_3_TOPIC_ARN", topic("level-3")),
                    text("SERVICE_DOWN_ALARMS", SERVICE_DOWN),
                    text("CRITICAL_ALARM", SERVICE_DOWN),
                    text("REMEDIES", "rollback=auto,scale-up=approve,restart=observe"),
                    text("FUNCTIONS", "scale-up,rollback"),
                ]
            }
            Self::HealthProbe => Vec::new(),
            Self::Restart | Self::WriteFreeze => vec![notices],
            Self::Rollback => vec![notices, probe],
            Self::ScaleUp => {
                vec![notices, text("LOAD_ALARMS", "lendpeak2-production-ecs-cpu")]
            }
            Self::SnapshotRestore => vec![
                notices,
                text("SOURCE_CLUSTER", SOURCE),
                text("DATABASE_SECRET", SECRET),
                text("COOLDOWN_SECONDS", "0"),
                text("ATTEMPTS_PER_DAY", "100"),
                probe,
            ],
        }
    }

    /// The alarm that wakes it, in ALARM since then. The alarm itself is not in CloudWatch: the event has the word.
    pub(super) fn alarm(self, since: Timestamp) -> Value {
        let of_service = [("ClusterName", CLUSTER), ("ServiceName", SERVICE)];
        let of_front_end = [("DistributionId", DISTRIBUTION), ("Region", "Global")];
        match self {
            Self::CacheInvalidation => alarm(
                "lendpeak2-production-cloudfront-4xx-rate",
                ["AWS/CloudFront", "4xxErrorRate"],
                &of_front_end,
                since,
            ),
            Self::Restart => alarm(
                "lendpeak2-production-memory-leak",
                ["AWS/ECS", "MemoryUtilization"],
                &of_service,
                since,
            ),
            Self::Rollback => {
                alarm("errors", ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"], &[], since)
            }
            Self::ScaleUp => {
                alarm("lendpeak2-production-high-cpu", ["AWS/ECS", "CPUUtilization"], &of_service, since)
            }
            Self::WriteFreeze => {
                alarm("lendpeak2-production-negative-loans", ["LendPeak2/Data", "NegativeLoans"], &[], since)
            }
            Self::Diagnose | Self::HealthProbe | Self::Incident | Self::SnapshotRestore => {
                alarm(SERVICE_DOWN, ["LendPeak2", "Healthy"], &[], since)
            }
        }
    }

    /// What a person sends who sees that it has not helped yet.
    fn by_hand(self) -> Value {
        let reason = "it is still broken";
        match self {
            Self::CacheInvalidation => json!({ "paths": ["/assets/*"], "reason": reason }),
            Self::Diagnose | Self::HealthProbe => json!({}),
            Self::Incident => json!({ "list": true }),
            Self::Restart | Self::SnapshotRestore => json!({ "reason": reason }),
            Self::Rollback => json!({ "to": format!("{FAMILY}:2"), "reason": reason }),
            Self::ScaleUp => json!({ "desired_count": 3, "reason": reason }),
            Self::WriteFreeze => json!({ "state": "on", "reason": reason }),
        }
    }

    /// The deliveries: the event, once more while the first run may still be at work, once more when it cannot be, the
    /// schedule's, a person's, the schedule's again, and the person's again where nothing came of it.
    pub(super) async fn play(self, player: &mut Player<'_>) -> anyhow::Result<()> {
        match self {
            Self::SnapshotRestore => {
                restore::whole_flow(player).await?;
                return pay(player).await;
            }
            // They change nothing, and each delivery is like the first.
            Self::Diagnose | Self::HealthProbe => {
                let event = match self {
                    Self::HealthProbe => player.stack.sandbox.ten_healthy_minutes().await?,
                    _ => json!({}),
                };
                player.send(&event).await?;
                player.send(&event).await?;
                player.send(&self.by_hand()).await?;
                return Ok(());
            }
            _ => {}
        }
        let stack = player.stack;
        let event = self.alarm(Timestamp::now());
        player.send(&event).await?;
        player.send(&event).await?;
        books::let_time_pass(stack).await?;
        player.send(&event).await?;
        stack.sandbox.show_what_runs().await?;
        player.send(&tick()).await?;
        let before = managed::state(&stack.sandbox).await?;
        player.send(&self.by_hand()).await?;
        books::let_time_pass(stack).await?;
        stack.sandbox.show_what_runs().await?;
        player.send(&tick()).await?;
        if managed::state(&stack.sandbox).await? == before {
            player.send(&self.by_hand()).await?;
        }
        pay(player).await
    }
}

/// What is owed to people is sent by the scheduled run, once its own run cannot be at it any more.
pub(super) async fn pay(player: &mut Player<'_>) -> anyhow::Result<()> {
    /// What goes wrong may go wrong with the first of them.
    const TRIES: usize = 2;
    for _ in 0..TRIES {
        if books::is_anything_owed(player.stack).await? {
            player.send(&tick()).await?;
        }
    }
    Ok(())
}

const ROTATED: &str = "Xw3-heather-beacon-17";
const SERVICE_DOWN: &str = "lendpeak2-production-service-down";

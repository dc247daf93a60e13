//! Everything together: the local AWS, the gateway, the stand-in, and the project deployed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_sdk_ecs::types::{ContainerDefinition, Tag, TaskDefinition, TaskDefinitionField};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::deploy::{self, CLUSTER, FAMILY, SERVICE};
use crate::gateway::{
    DISTRIBUTION, FRONT_END_BUILD, Gateway, REDIS_GROUP, REDIS_PORT, SECRET, SOURCE, TARGET_GROUP_NAME,
};
use crate::ministack::Ministack;
use crate::moto::Moto;
use crate::standin::{LOAD_BALANCER, Service, StandIn};

/// What the two tasks of the stand-in are busy with at first: 45 % each.
pub const NORMAL_LOAD: f64 = 90.0;

/// The service's secret was there long before the oldest snapshot.
const AGE_OF_SECRET: Duration = Duration::from_hours(24 * 30);

/// How to start it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The gateway's port; a free one if unset.
    pub port: Option<u16>,
    /// The template's `Mode`.
    pub mode: String,
    /// Other template parameters, over the sandbox's own.
    pub parameters: Vec<(String, String)>,
    /// Whether the stand-in puts the service's metrics, which wakes alarms.
    pub metrics: bool,
    /// How long a new task takes to run.
    pub task_start_time: Duration,
    pub template: PathBuf,
    /// The folder with the functions' binaries; where this program is if unset.
    pub binaries: Option<PathBuf>,
    /// Whether somebody has subscribed to each level's topic: a queue.
    pub listeners: bool,
    /// The functions to deploy; all if unset. The others are there, and end at once.
    pub functions: Option<Vec<&'static str>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: None,
            mode: "auto".to_owned(),
            parameters: Vec::new(),
            metrics: true,
            task_start_time: Duration::ZERO,
            template: crate::workspace().join("template.yaml"),
            binaries: None,
            listeners: true,
            functions: None,
        }
    }
}

/// A running sandbox. Dropping it stops every part.
#[derive(Debug)]
pub struct Sandbox {
    // In the order of their end: whoever calls goes before whoever answers.
    pub standin: StandIn,
    pub gateway: Gateway,
    pub clients: Clients,
    pub emulator: Emulator,
}

/// The local AWS.
#[derive(Debug)]
pub enum Emulator {
    Ministack(Ministack),
    Moto(Moto),
}

impl Emulator {
    /// All its files.
    pub fn directory(&self) -> &Path {
        match self {
            Self::Ministack(ministack) => ministack.directory(),
            Self::Moto(moto) => moto.directory(),
        }
    }

    /// What it printed.
    pub fn log(&self) -> String {
        match self {
            Self::Ministack(ministack) => ministack.log(),
            Self::Moto(moto) => moto.log(),
        }
    }
}

impl Sandbox {
    /// Starts every part and deploys the template. Returns when all of it is ready.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let ministack = Ministack::start().await?;
        let gateway = Gateway::start(ministack.address(), options.port).await?;
        gateway.ecs().set_start_time(options.task_start_time);
        let sandbox = Self::with_lendpeak2(Emulator::Ministack(ministack), gateway, options.metrics).await?;
        let Self { clients, gateway, standin, .. } = &sandbox;
        let plan = deploy::Plan {
            template: options.template,
            binaries: options.binaries.map_or_else(deploy::binaries, Ok)?,
            functions: options.functions,
            parameters: parameters(&options.mode, &gateway.url(), &standin.url(), options.parameters),
        };
        deploy::deploy(clients, &plan).await.context("cannot deploy the template into the sandbox")?;
        if options.listeners {
            deploy::listen(clients).await?;
        }
        // A test of one function wants no state machine that comes to its help, and nobody wants to hear of an alarm's
        // first state.
        deploy::let_incident_hear(clients, false).await?;
        deploy::put_5xx_alarm(clients).await?;
        deploy::put_incident_errors_alarm(clients).await?;
        deploy::put_service_down_alarm(clients).await?;
        if options.metrics {
            deploy::calm_alarms(clients).await?;
            deploy::let_incident_hear(clients, true).await?;
        }
        Ok(sandbox)
    }

    /// LendPeak2 in a local AWS, with nothing of this project.
    pub async fn with_lendpeak2(emulator: Emulator, gateway: Gateway, metrics: bool) -> anyhow::Result<Self> {
        let clients = Clients::new(&gateway.url(), "sandbox")?;
        deploy::create_lendpeak2(&clients).await?;
        gateway.secrets().age(AGE_OF_SECRET);
        let service = Service { cluster: CLUSTER.to_owned(), name: SERVICE.to_owned() };
        let seen_by_standin = Clients::new(&gateway.url(), "stand-in")?;
        let standin = StandIn::start(seen_by_standin, &gateway, service, NORMAL_LOAD, metrics).await?;
        Ok(Self { standin, gateway, clients, emulator })
    }

    /// Registers a release of the backend, and deploys it: its environment, as in `BROKEN=true`, says what is
    /// wrong with it. Returns its task definition, `family:revision`, once LendPeak2 behaves as that.
    pub async fn release(&self, environment: &[(&str, &str)]) -> anyhow::Result<String> {
        let release = deploy::register_release(&self.clients, environment).await?;
        let update = self.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
        update.task_definition(&release).send().await.context("cannot deploy the release")?;
        self.show_what_runs().await?;
        Ok(release)
    }

    /// Deploys as tools do that copy a task definition, tags and all, and change one thing. Answers `family:revision`.
    pub async fn release_by_tool(
        &self,
        of: &str,
        change: impl FnOnce(&mut ContainerDefinition),
    ) -> anyhow::Result<String> {
        let ecs = &self.clients.ecs;
        let (definition, tags) = self.definition(of).await?;
        let mut containers = definition.container_definitions.unwrap_or_default();
        change(containers.first_mut().context("it has no container")?);
        let registered = ecs
            .register_task_definition()
            .family(FAMILY)
            .set_cpu(definition.cpu)
            .set_memory(definition.memory)
            .set_network_mode(definition.network_mode)
            .set_requires_compatibilities(definition.requires_compatibilities)
            .set_container_definitions(Some(containers))
            .set_tags(Some(
                tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect(),
            ))
            .send()
            .await
            .context("cannot register the copy")?;
        let revision = registered.task_definition().map_or(0, TaskDefinition::revision);
        let release = format!("{FAMILY}:{revision}");
        let update = ecs.update_service().cluster(CLUSTER).service(SERVICE).task_definition(&release);
        update.send().await.context("cannot deploy the copy")?;
        self.show_what_runs().await?;
        Ok(release)
    }

    /// A task definition and its tags.
    pub async fn definition(&self, name: &str) -> anyhow::Result<(TaskDefinition, Vec<(String, String)>)> {
        let describe = self.clients.ecs.describe_task_definition().task_definition(name);
        let described = describe.include(TaskDefinitionField::Tags).send().await?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let tags = described.tags().iter().map(|tag| (text(tag.key()), text(tag.value()))).collect();
        Ok((described.task_definition.context("no task definition")?, tags))
    }

    /// The image was pushed again with a fault in it, and is deployed by force: the same task definition once more.
    pub async fn push_broken(&self, image: &str, digest: &str) -> anyhow::Result<()> {
        const PATIENCE: Duration = Duration::from_mins(1);
        self.gateway.ecs().push_broken(image, digest);
        let update = self.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
        update.force_new_deployment(true).send().await.context("cannot force a deployment")?;
        let since = Instant::now();
        while !self.standin.now().broken {
            ensure!(since.elapsed() < PATIENCE, "LendPeak2 does not behave as what was pushed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until LendPeak2 behaves as what is deployed.
    pub async fn show_what_runs(&self) -> anyhow::Result<()> {
        const PATIENCE: Duration = Duration::from_mins(1);
        let (runs, since) = (self.runs().await?, Instant::now());
        while !self.standin.runs().ends_with(&format!("/{runs}")) {
            ensure!(since.elapsed() < PATIENCE, "LendPeak2 does not behave as {runs}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Rotates the password of the service's user, as one does it: in its secret and in the production cluster, and new
    /// tasks read it. What was saved before has the older one.
    pub async fn rotate_password(&self, password: &str) -> anyhow::Result<()> {
        // Secrets Manager's times are whole seconds, and what was there is aged by them: this is in a later one.
        let into_second = Duration::from_nanos(Timestamp::now().subsec_nanosecond().unsigned_abs().into());
        tokio::time::sleep(Duration::from_secs(1).saturating_sub(into_second)).await;
        let secrets = &self.clients.secrets;
        let get = secrets.get_secret_value().secret_id(SECRET).send().await.context("there is no secret")?;
        let mut fields: Value = serde_json::from_str(get.secret_string().unwrap_or_default())?;
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("password".to_owned(), json!(password));
        }
        self.gateway.docdb().set_password(SOURCE, password);
        let put = secrets.put_secret_value().secret_id(SECRET).secret_string(fields.to_string());
        put.send().await.context("cannot change the secret")?;
        let update = self.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
        update.force_new_deployment(true).send().await.context("cannot start new tasks")?;
        Ok(())
    }

    /// The release has run for an hour, and the probe has passed for ten minutes. Answers the event of the schedule that
    /// has the probe note that.
    pub async fn ten_healthy_minutes(&self) -> anyhow::Result<Value> {
        const MINUTE: i64 = 60;
        self.gateway.ecs().age_deployments(Duration::from_hours(1));
        let now = Timestamp::now().as_second();
        let tenth_minute = now - now % (10 * MINUTE);
        let minutes = (1..=10).map(|ago| {
            let environment = Dimension::builder().name("Environment").value("production").build();
            let at = DateTime::from_secs(tenth_minute - ago * MINUTE);
            MetricDatum::builder()
                .metric_name("Healthy")
                .dimensions(environment)
                .timestamp(at)
                .value(1.0)
                .build()
        });
        let put = self.clients.cloudwatch.put_metric_data().namespace("LendPeak2");
        put.set_metric_data(Some(minutes.collect())).send().await?;
        Ok(json!({ "detail-type": "Scheduled Event", "source": "aws.scheduler",
            "time": Timestamp::from_second(tenth_minute)?.to_string(), "resources": ["schedule"] }))
    }

    /// The task definition that the service is set to, `family:revision`.
    pub async fn runs(&self) -> anyhow::Result<String> {
        let described =
            self.clients.ecs.describe_services().cluster(CLUSTER).services(SERVICE).send().await?;
        let arn = described.services().first().and_then(|service| service.task_definition());
        Ok(arn.and_then(|arn| arn.rsplit('/').next()).context("the service is gone")?.to_owned())
    }

    /// How many tasks the service should have.
    pub async fn desired_count(&self) -> anyhow::Result<i32> {
        let described =
            self.clients.ecs.describe_services().cluster(CLUSTER).services(SERVICE).send().await?;
        Ok(described.services().first().context("the service is gone")?.desired_count())
    }
}

/// The sandbox's parameters, those that are `given` over them.
pub fn parameters(
    mode: &str,
    gateway: &str,
    standin: &str,
    given: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let roles = deploy::task_role_arns();
    let own = [
        ("Mode", mode),
        ("AwsEndpointUrl", gateway),
        // What the template has no default for.
        ("Environment", "production"),
        ("ClusterName", CLUSTER),
        ("TaskFamily", FAMILY),
        ("TaskRoleArns", roles.as_str()),
        ("LogGroupName", deploy::LOG_GROUP),
        ("SecretPrefix", "lendpeak2-production-"),
        ("LoadBalancerFullName", LOAD_BALANCER),
        ("ApiUrl", standin),
        ("AppUrl", standin),
        ("DatabaseCluster", SOURCE),
        ("DatabaseSecretName", SECRET),
        ("DistributionId", DISTRIBUTION),
        // The sandbox's own.
        ("FrontEndBuildProject", FRONT_END_BUILD),
        ("RedisSecurityGroupIds", REDIS_GROUP),
        ("RedisPort", REDIS_PORT),
        ("Architecture", if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }),
        // An alarm looks back three periods: half a minute here, three in production.
        ("AlarmPeriodSeconds", "10"),
        ("RestorePollSeconds", "1"),
        ("TargetGroupFullName", TARGET_GROUP_NAME),
        ("ServiceDownPollSeconds", "1"),
        ("RecoverySeconds", "20"),
        // The template refuses a mode that acts where nobody is told. The local AWS makes no channel, so that nobody is
        // there but whom the sandbox itself subscribes.
        ("SlackWorkspaceId", "T0123ABCD"),
        ("SlackChannelId", "C0123ABCD"),
    ];
    let replaced = |name: &str| given.iter().any(|(other, _)| other == name);
    let mut all: Vec<_> = own
        .into_iter()
        .filter(|(name, _)| !replaced(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    all.extend(given);
    all
}

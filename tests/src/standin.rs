//! A stand-in for LendPeak2: its pages and health checks, with the health and load that follow from
//! what the local AWS says is deployed.

mod edge;
mod load;
mod pages;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clients::Clients;
use crate::gateway::CloudFront;
use edge::Edge;
use load::Load;

/// As CloudWatch names the load balancer before the service.
pub const LOAD_BALANCER: &str = "app/lendpeak2-production/0123456789abcdef";
/// What it hands on to the tasks.
pub const REQUESTS_A_SECOND: f64 = 100.0;
const TICK: Duration = Duration::from_secs(1);
/// The service ran before anyone looked: an alarm that takes the average of its time must not see the
/// first minute as the whole past.
const HISTORY_SECONDS: u64 = 60;

/// What runs now, as the local AWS tells it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Now {
    pub running_tasks: u32,
    /// Work that arrives, in percent of what one task can do.
    pub load: f64,
    /// Percent, the same for every task.
    pub cpu: f64,
    pub memory: f64,
    /// The task definition cannot work: health checks answer 500.
    pub broken: bool,
}

/// The running stand-in. Dropping it closes its port and ends its metrics.
#[derive(Debug)]
pub struct StandIn {
    state: Arc<State>,
    address: SocketAddr,
    _running: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    load: Mutex<Load>,
    now: Mutex<Now>,
    /// The ARN of the task definition that `now` is about.
    runs: Mutex<String>,
    edge: Edge,
    database_down: AtomicBool,
}

/// The service it stands for.
#[derive(Debug, Clone)]
pub struct Service {
    pub cluster: String,
    pub name: String,
}

impl StandIn {
    /// Serves on a free loopback port, its front end behind `cloudfront`, and puts the service's metrics every
    /// second if `metrics`.
    pub async fn start(
        clients: Clients,
        cloudfront: CloudFront,
        service: Service,
        load: f64,
        metrics: bool,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen on loopback")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            load: Mutex::new(Load::steady(load)),
            now: Mutex::new(Now::default()),
            runs: Mutex::default(),
            edge: Edge::new(cloudfront),
            database_down: AtomicBool::new(false),
        });
        let mut running = JoinSet::new();
        let pages = pages::router(Arc::clone(&state), format!("http://{address}"));
        running.spawn(async move {
            let _ = axum::serve(listener, pages).await;
        });
        running.spawn(follow(Arc::clone(&state), clients, service, metrics));
        Ok(Self { state, address, _running: running })
    }

    /// `http://127.0.0.1:<port>`: both the API's and the front end's address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The load goes to `load` evenly within `ramp`.
    pub fn set_load(&self, load: f64, ramp: Duration) {
        self.state.load().go_to(load, ramp, Instant::now());
    }

    /// The database answers no more, or again.
    pub fn set_database_down(&self, down: bool) {
        self.state.database_down.store(down, Ordering::Relaxed);
    }

    /// Deploys a new release of the front end. CloudFront goes on with the old one.
    pub fn release_front_end(&self) {
        self.state.edge.release();
    }

    pub fn now(&self) -> Now {
        *self.state.now()
    }

    /// The ARN of the task definition that it behaves as.
    pub fn runs(&self) -> String {
        self.state.runs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl State {
    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the service every second. A look that fails changes nothing: the next one comes soon.
async fn follow(state: Arc<State>, clients: Clients, service: Service, metrics: bool) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut runs = Definition::default();
    let mut history = HISTORY_SECONDS;
    loop {
        ticks.tick().await;
        let Some(running_tasks) = look(&clients, &service, &mut runs).await else {
            continue;
        };
        let load = state.load().at(Instant::now());
        let cpu = load::per_task(load, running_tasks).min(100.0);
        let memory = 35.0 + cpu / 5.0;
        let now = Now { running_tasks, load, cpu, memory, broken: runs.broken };
        *state.now() = now;
        state.runs.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&runs.arn);
        if metrics {
            put_metrics(&clients, &service, now, 0..=history).await;
            history = 0;
        }
    }
}

/// The task definition that was looked at last. A revision never changes.
#[derive(Debug, Default)]
struct Definition {
    arn: String,
    broken: bool,
}

/// How many tasks run. Looks at what they run when that is new.
async fn look(clients: &Clients, service: &Service, runs: &mut Definition) -> Option<u32> {
    let described = clients
        .ecs
        .describe_services()
        .cluster(&service.cluster)
        .services(&service.name)
        .send()
        .await
        .ok()?;
    let found = described.services().first()?;
    let arn = found.task_definition()?;
    if arn != runs.arn {
        *runs = Definition { arn: arn.to_owned(), broken: is_broken(clients, arn).await? };
    }
    found.running_count().try_into().ok()
}

/// Whether a container has `BROKEN=true`, which stands for a version that cannot work.
async fn is_broken(clients: &Clients, arn: &str) -> Option<bool> {
    let described = clients.ecs.describe_task_definition().task_definition(arn).send().await.ok()?;
    let mut variables = described
        .task_definition()?
        .container_definitions()
        .iter()
        .flat_map(aws_sdk_ecs::types::ContainerDefinition::environment);
    Some(variables.any(|variable| variable.name() == Some("BROKEN") && variable.value() == Some("true")))
}

/// One value for each of these ages in seconds: one for now is 0.
async fn put_metrics(clients: &Clients, service: &Service, now: Now, ages: RangeInclusive<u64>) {
    let times: Vec<DateTime> =
        ages.map(|age| DateTime::from(SystemTime::now() - Duration::from_secs(age))).collect();
    let ecs = [("ClusterName", service.cluster.as_str()), ("ServiceName", &service.name)];
    let alb = [("LoadBalancer", LOAD_BALANCER)];
    let failed = if now.broken { REQUESTS_A_SECOND } else { 0.0 };
    let of = |dimensions: &[(&str, &str)], values: [(&str, f64, StandardUnit); 2]| {
        let dimensions: Vec<Dimension> = dimensions
            .iter()
            .map(|(name, value)| Dimension::builder().name(*name).value(*value).build())
            .collect();
        let datum = |(name, value, unit): &(&str, f64, StandardUnit), at: DateTime| {
            let datum = MetricDatum::builder().metric_name(*name).value(*value).unit(unit.clone());
            datum.set_dimensions(Some(dimensions.clone())).timestamp(at).build()
        };
        times.iter().flat_map(|at| values.iter().map(|value| datum(value, *at))).collect::<Vec<_>>()
    };
    let load = of(
        &ecs,
        [
            ("CPUUtilization", now.cpu, StandardUnit::Percent),
            ("MemoryUtilization", now.memory, StandardUnit::Percent),
        ],
    );
    let answers = of(
        &alb,
        [
            ("RequestCount", REQUESTS_A_SECOND, StandardUnit::Count),
            ("HTTPCode_Target_5XX_Count", failed, StandardUnit::Count),
        ],
    );
    for (namespace, data) in [("AWS/ECS", load), ("AWS/ApplicationELB", answers)] {
        let put = clients.cloudwatch.put_metric_data().namespace(namespace);
        let _ = put.set_metric_data(Some(data)).send().await;
    }
}

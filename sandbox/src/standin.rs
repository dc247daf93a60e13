//! A stand-in for LendPeak2: its pages and health checks, with the health and load that follow from
//! what the local AWS says is deployed.

mod edge;
mod expired;
mod load;
mod pages;
mod targets;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::clients::Clients;
use crate::gateway::{DocDb, Ecs, Elb, Gateway, SECRET, SOURCE, TARGET_GROUP_NAME, endpoint};
pub use crate::names::LOAD_BALANCER;
use edge::Edge;
use load::Load;
pub use pages::Canned;

/// What it hands on to the tasks.
pub const REQUESTS_A_SECOND: f64 = 100.0;
const TICK: Duration = Duration::from_secs(1);
/// The service ran before anyone looked: an alarm that takes the average of its time must not see the
/// first minute as the whole past.
const HISTORY_SECONDS: u64 = 60;

/// What runs now, as the local AWS tells it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each can be so, whatever the others are")]
pub struct Now {
    pub running_tasks: u32,
    /// Work that arrives, in percent of what one task can do.
    pub load: f64,
    /// Percent, the same for every task.
    pub cpu: f64,
    pub memory: f64,
    /// The task definition cannot work: health checks answer 500.
    pub broken: bool,
    /// The task definition makes it refuse writes.
    pub read_only: bool,
    /// The tasks began with the address of a database that does not answer.
    pub cut_off: bool,
    /// The tasks began with a user or a password that their database does not let in.
    pub locked_out: bool,
    /// The tasks work on data that was corrupted.
    pub corrupt: bool,
}

/// The running stand-in. Dropping it closes its port and ends its metrics.
#[derive(Debug)]
pub struct StandIn {
    state: Arc<State>,
    address: SocketAddr,
    running: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct State {
    load: Mutex<Load>,
    now: Mutex<Now>,
    /// The ARN of the task definition that `now` is about.
    runs: Mutex<String>,
    edge: Edge,
    database_down: AtomicBool,
    corrupted: AtomicBool,
    refuses_preflights: AtomicBool,
    asset_lost: AtomicBool,
    /// What is answered in place of the stand-in's own, by path.
    canned: Mutex<BTreeMap<String, Canned>>,
    /// One of the tasks that run now is bad. The next deployment takes other ones.
    bad_task: AtomicBool,
    docdb: DocDb,
    elb: Elb,
    ecs: Ecs,
    /// How often it has begun to look at the service.
    looks: AtomicU64,
    /// Which look ended last.
    looked: watch::Sender<u64>,
    /// Somebody wants it to look now.
    look_now: Notify,
}

/// The service it stands for.
#[derive(Debug, Clone)]
pub struct Service {
    pub cluster: String,
    pub name: String,
}

impl StandIn {
    /// Serves on a free loopback port, its front end, data and tasks behind the gateway's, and puts the service's metrics every second if `metrics`.
    pub async fn start(
        clients: Clients,
        gateway: &Gateway,
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
            edge: Edge::new(gateway.cloudfront().clone()),
            database_down: AtomicBool::new(false),
            corrupted: AtomicBool::new(false),
            refuses_preflights: AtomicBool::new(false),
            asset_lost: AtomicBool::new(false),
            canned: Mutex::default(),
            bad_task: AtomicBool::new(false),
            docdb: gateway.docdb().clone(),
            elb: gateway.elb().clone(),
            ecs: gateway.ecs().clone(),
            looks: AtomicU64::new(0),
            looked: watch::Sender::new(0),
            look_now: Notify::new(),
        });
        let mut running = JoinSet::new();
        let pages = pages::router(Arc::clone(&state), format!("http://{address}"));
        running.spawn(async move {
            let _ = axum::serve(listener, pages).await;
        });
        running.spawn(follow(Arc::clone(&state), clients, service, metrics));
        Ok(Self { state, address, running: Mutex::new(running) })
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

    /// One of the tasks answers no more, while the others do: until a new deployment.
    pub fn spoil_a_task(&self) {
        self.state.bad_task.store(true, Ordering::Relaxed);
    }

    /// Serves TLS with a certificate that expired two days ago, and answers the address: `https://127.0.0.1:<port>`.
    pub async fn serve_expired(&self) -> anyhow::Result<String> {
        let (url, serving) = expired::serve().await?;
        self.running.lock().unwrap_or_else(PoisonError::into_inner).spawn(serving);
        Ok(url)
    }

    /// What comes before the API's CORS refuses preflights, or not any more.
    pub fn refuse_preflights(&self, refuse: bool) {
        self.state.refuses_preflights.store(refuse, Ordering::Relaxed);
    }

    /// The front end's asset is not at the origin.
    pub fn lose_asset(&self) {
        self.state.asset_lost.store(true, Ordering::Relaxed);
    }

    /// Answers so at `path` from now on, whatever is deployed and however it is asked.
    pub fn answer_with(&self, path: &str, canned: Canned) {
        self.state.canned().insert(path.to_owned(), canned);
    }

    /// Answers for itself again.
    pub fn answer_as_deployed(&self) {
        self.state.canned().clear();
    }

    /// The data in the production cluster is corrupted. What was restored is not.
    pub fn corrupt_data(&self) {
        self.state.corrupted.store(true, Ordering::Relaxed);
    }

    /// Deploys a new release of the front end, the page before its asset: CloudFront keeps the 404 that somebody got in
    /// between.
    pub fn release_page_first(&self) {
        self.state.edge.release_page_first();
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

    fn canned(&self) -> MutexGuard<'_, BTreeMap<String, Canned>> {
        self.canned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn database_down(&self, now: Now) -> bool {
        now.cut_off || now.locked_out || self.database_down.load(Ordering::Relaxed)
    }

    /// Waits until it has looked once more: a task knows at once what it began with.
    async fn look(&self) {
        let before = self.looks.load(Ordering::Relaxed);
        let mut looked = self.looked.subscribe();
        self.look_now.notify_one();
        let _ = tokio::time::timeout(TICK, looked.wait_for(|look| *look > before)).await;
    }

    fn has_bad_task(&self) -> bool {
        self.bad_task.load(Ordering::Relaxed)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the service every second, and when somebody wants that. A look that fails changes nothing: the next one
/// comes soon.
async fn follow(state: Arc<State>, clients: Clients, service: Service, metrics: bool) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut runs = Definition::default();
    let mut history = HISTORY_SECONDS;
    let mut shown = targets::Sick::None;
    loop {
        let is_tick = tokio::select! {
            _ = ticks.tick() => true,
            () = state.look_now.notified() => false,
        };
        let number = state.looks.fetch_add(1, Ordering::Relaxed) + 1;
        let before = runs.deployment.clone();
        let Some(running_tasks) = look(&clients, &state.ecs, &service, &mut runs).await else {
            continue;
        };
        if runs.deployment != before {
            state.bad_task.store(false, Ordering::Relaxed);
        }
        let load = state.load().at(Instant::now());
        let cpu = load::per_task(load, running_tasks).min(100.0);
        let memory = 35.0 + cpu / 5.0;
        let Credentials { host, user, password } = &runs.database;
        let cut_off = !state.docdb.answers(host);
        let locked_out = !cut_off && !state.docdb.lets_in(host, user, password);
        let corrupt = state.corrupted.load(Ordering::Relaxed) && *host == endpoint(SOURCE);
        let now = Now {
            running_tasks,
            load,
            cpu,
            memory,
            broken: runs.broken,
            read_only: runs.read_only,
            cut_off,
            locked_out,
            corrupt,
        };
        *state.now() = now;
        state.looked.send_replace(number);
        state.elb.set_running(running_tasks);
        // A test may say otherwise as long as nothing changes.
        let sick = targets::sick(&state, now);
        if sick != shown {
            let (count, reason, description) = sick.told();
            state.elb.set_unhealthy(count, reason, &description);
            shown = sick;
        }
        state.runs.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&runs.arn);
        if metrics && is_tick {
            let healthy = state.elb.healthy_of(running_tasks);
            put_metrics(&clients, &service, now, healthy, 0..=history).await;
            history = 0;
        }
    }
}

/// What the tasks run, as it was looked at last. A revision never changes.
#[derive(Debug, Default)]
struct Definition {
    arn: String,
    /// Its variables say so; an image that was pushed again may be, too.
    is_broken_by_name: bool,
    broken: bool,
    read_only: bool,
    deployment: String,
    /// What the tasks of this deployment found in the secret, when they began.
    database: Credentials,
}

/// Where the database is, and how to log in.
#[derive(Debug, Default)]
struct Credentials {
    host: String,
    user: String,
    password: String,
}

/// How many tasks run. Looks at what they run when that is new.
async fn look(clients: &Clients, ecs: &Ecs, service: &Service, runs: &mut Definition) -> Option<u32> {
    let described = clients
        .ecs
        .describe_services()
        .cluster(&service.cluster)
        .services(&service.name)
        .send()
        .await
        .ok()?;
    let found = described.services().first()?;
    let arn = ecs.serving(&service.name, found.task_definition()?);
    let is_broken = ecs.has_broken_image(&service.name, &arn);
    if arn != runs.arn {
        let variables = variables(clients, &arn).await?;
        let is_true = |wanted: &str| variables.iter().any(|(name, value)| name == wanted && value == "true");
        (runs.is_broken_by_name, runs.read_only) = (is_true("BROKEN"), is_true("READONLY_MODE"));
        runs.arn = arn;
    }
    runs.broken = runs.is_broken_by_name || is_broken;
    let deployment = found.deployments().first().and_then(|deployment| deployment.id()).unwrap_or_default();
    if deployment != runs.deployment {
        runs.database = database(clients).await?;
        deployment.clone_into(&mut runs.deployment);
    }
    found.running_count().try_into().ok()
}

/// What the secret says of the database.
async fn database(clients: &Clients) -> Option<Credentials> {
    let secret = clients.secrets.get_secret_value().secret_id(SECRET).send().await.ok()?;
    let fields: serde_json::Value = serde_json::from_str(secret.secret_string()?).ok()?;
    let text = |name: &str| Some(fields.get(name)?.as_str()?.to_owned());
    Some(Credentials {
        host: text("host")?,
        user: text("username").unwrap_or_default(),
        password: text("password").unwrap_or_default(),
    })
}

/// The containers' variables: `BROKEN=true` stands for a version that cannot work, and `READONLY_MODE=true` is what
/// the backend itself heeds.
async fn variables(clients: &Clients, arn: &str) -> Option<Vec<(String, String)>> {
    let described = clients.ecs.describe_task_definition().task_definition(arn).send().await.ok()?;
    let containers = described.task_definition()?.container_definitions();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let variables = containers.iter().flat_map(aws_sdk_ecs::types::ContainerDefinition::environment);
    Some(variables.map(|variable| (text(variable.name()), text(variable.value()))).collect())
}

/// Of more the SDK compresses the request, which the local AWS cannot read.
const AT_ONCE: usize = 30;

/// One value for each of these ages in seconds: one for now is 0.
async fn put_metrics(
    clients: &Clients,
    service: &Service,
    now: Now,
    healthy: u32,
    ages: RangeInclusive<u64>,
) {
    let times: Vec<DateTime> =
        ages.map(|age| DateTime::from(SystemTime::now() - Duration::from_secs(age))).collect();
    let ecs = [("ClusterName", service.cluster.as_str()), ("ServiceName", &service.name)];
    let alb = [("LoadBalancer", LOAD_BALANCER)];
    let group = [("LoadBalancer", LOAD_BALANCER), ("TargetGroup", TARGET_GROUP_NAME)];
    let failed = if now.broken { REQUESTS_A_SECOND } else { 0.0 };
    let of = |dimensions: &[(&str, &str)], values: &[(&str, f64, StandardUnit)]| {
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
        &[
            ("CPUUtilization", now.cpu, StandardUnit::Percent),
            ("MemoryUtilization", now.memory, StandardUnit::Percent),
        ],
    );
    let answers = of(
        &alb,
        &[
            ("RequestCount", REQUESTS_A_SECOND, StandardUnit::Count),
            ("HTTPCode_Target_5XX_Count", failed, StandardUnit::Count),
        ],
    );
    let targets = of(&group, &[("HealthyHostCount", healthy.into(), StandardUnit::Count)]);
    for (namespace, data) in
        [("AWS/ECS", load), ("AWS/ApplicationELB", answers), ("AWS/ApplicationELB", targets)]
    {
        for some in data.chunks(AT_ONCE) {
            let put = clients.cloudwatch.put_metric_data().namespace(namespace);
            let _ = put.set_metric_data(Some(some.to_vec())).send().await;
        }
    }
}

//! What each run asks of AWS, in its order.
//!
//! Taken from the gateway's record of a sandbox at rest and of one incident, `GET /_sandbox/calls`, and from the code
//! for what grows with the account: lists that are not of one deployment have more pages where there are more.

use subject::{Read, Subject};

use crate::{api::Api, function, stack::Stack, time::Micros};

const MILLISECOND: Micros = 1_000;
/// Six requests at once to a site that is well, with name look-up and TLS: assumed.
const SITE_ANSWERS: Micros = 200 * MILLISECOND;
/// A check that nothing answers is given up after 10 s (`REQUEST_TIMEOUT_SECONDS`).
const SITE_HANGS: Micros = 10_000 * MILLISECOND;
/// Three such tries, 2 s and 10 s apart, by a scheduled probe.
const SITE_HANGS_THRICE: Micros = 3 * SITE_HANGS + 12_000 * MILLISECOND;
/// A sweep waits no longer to know which alarms ring (`functions/incident/src/handler/sweep.rs`).
const ASKS_FOR_ALARMS: Micros = 5_000 * MILLISECOND;
/// `diagnose` reads for so long at most.
const READS_FOR: Micros = 20_000 * MILLISECOND;
/// `diagnose` gives up a list of metrics that is longer (`functions/diagnose/src/read/listed_metrics.rs`).
pub const METRIC_PAGES: u32 = 6;
const METRICS_A_PAGE: u32 = 500;
/// A cluster's and two instances' metrics in AWS/DocDB: assumed.
pub const DATABASE_METRICS: u32 = 100;
const HISTORY_A_PAGE: u32 = 100;
const HISTORY_PAGES: u32 = 10;

/// Why a function runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By its schedule. Every tenth minute it notes the release that works.
    Probe {
        notes: bool,
    },
    /// `incident`, every minute.
    Sweep,
    /// A remedy, by its schedule.
    LookAfter(&'static Subject),
    /// `incident`, woken by the alarm that opens one.
    Open,
    /// `incident`, woken by another alarm meanwhile.
    Join,
    /// Steps of the state machine `service-down`.
    Take,
    LookOnce,
    Diagnose,
    Decide,
    Roll,
    Did,
    HandOver,
    /// The probe, asked by another function.
    Asked,
    /// Remedies woken by their own alarms.
    RollbackAlarm,
    ScaleUpAlarm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Of(Api),
    /// The probe is invoked, and waited for.
    Probe,
}

/// Calls that wait for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub asks: Vec<Ask>,
    /// Whether the run goes on without it.
    pub optional: bool,
}

/// What happens at once; the next stage begins when all of it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    pub waits: Micros,
    pub chains: Vec<Chain>,
    /// From the run's beginning; whatever has not answered by then is done without.
    pub until: Option<Micros>,
}

/// What a run finds.
#[derive(Debug, Clone)]
pub struct World {
    pub stack: Stack,
    /// Deployments in the account, each with one service.
    pub services: u32,
    /// Whether all of them are down.
    pub down: bool,
    /// Changes of metric alarms in the account in the last day.
    pub alarm_changes: u32,
}

impl Kind {
    pub fn function(self) -> &'static Subject {
        match self {
            Self::Probe { .. } | Self::LookOnce | Self::Asked => &subject::health_probe::SUBJECT,
            Self::Sweep
            | Self::Open
            | Self::Join
            | Self::Take
            | Self::Decide
            | Self::Did
            | Self::HandOver => &subject::incident::SUBJECT,
            Self::LookAfter(function) => function,
            Self::Diagnose => &subject::diagnose::SUBJECT,
            Self::Roll | Self::RollbackAlarm => &subject::rollback::SUBJECT,
            Self::ScaleUpAlarm => &subject::scale_up::SUBJECT,
        }
    }
}

fn must(asks: &[Ask]) -> Chain {
    Chain { asks: asks.to_vec(), optional: false }
}

fn may(asks: &[Ask]) -> Chain {
    Chain { asks: asks.to_vec(), optional: true }
}

fn pages(api: Api, count: u32) -> Chain {
    may(&vec![Ask::Of(api); usize::try_from(count).unwrap_or(usize::MAX)])
}

fn at_once(chains: Vec<Chain>) -> Stage {
    Stage { waits: 0, chains, until: None }
}

const LEDGER: Ask = Ask::Of(Api::Ledger);
const SERVICES: Ask = Ask::Of(Api::EcsServices);
const TASKS: Ask = Ask::Of(Api::EcsTasks);
const DEFINITION: Ask = Ask::Of(Api::EcsDefinitions);
const ALARMS: Ask = Ask::Of(Api::DescribeAlarms);
const OTHER: Ask = Ask::Of(Api::Unpublished);
const PUBLISH: Ask = Ask::Of(Api::Publish);

/// A run's stages. What it computes comes first: where in between makes no difference to AWS.
pub fn stages(kind: Kind, world: &World) -> Vec<Stage> {
    let mut stages = vec![Stage {
        waits: function::computes_on_lambda_us(kind.function(), &world.stack),
        chains: Vec::new(),
        until: None,
    }];
    stages.extend(match kind {
        Kind::Probe { notes } => probe(world, notes),
        Kind::LookOnce => vec![site(world, SITE_HANGS), at_once(vec![must(&[Ask::Of(Api::PutMetricData)])])],
        Kind::Asked => vec![site(world, SITE_HANGS)],
        Kind::Sweep => {
            let chains = vec![must(&[LEDGER, LEDGER]), may(&[ALARMS])];
            vec![Stage { waits: 0, chains, until: Some(ASKS_FOR_ALARMS) }]
        }
        Kind::Take | Kind::Decide | Kind::Did => vec![at_once(vec![must(&[LEDGER, LEDGER])])],
        Kind::Join => vec![at_once(vec![must(&[LEDGER, LEDGER, LEDGER])])],
        Kind::Open => vec![
            at_once(vec![must(&[LEDGER, LEDGER, LEDGER])]),
            at_once(vec![must(&[Ask::Of(Api::StartExecution), PUBLISH, LEDGER])]),
        ],
        Kind::HandOver => vec![at_once(vec![must(&[LEDGER, LEDGER, PUBLISH, LEDGER])])],
        Kind::LookAfter(function) => look_after(function),
        Kind::Diagnose => vec![diagnose(world)],
        Kind::Roll => roll(),
        Kind::RollbackAlarm => vec![before_a_rollback(true), definitions(), at_once(vec![must(&[LEDGER])])],
        Kind::ScaleUpAlarm => vec![
            at_once(vec![
                must(&[LEDGER]),
                may(&[ALARMS]),
                must(&[TASKS, TASKS]),
                must(&[SERVICES]),
                must(&[OTHER]),
            ]),
            at_once(vec![must(&[LEDGER])]),
        ],
    });
    stages
}

fn site(world: &World, hangs: Micros) -> Stage {
    Stage { waits: if world.down { hangs } else { SITE_ANSWERS }, chains: Vec::new(), until: None }
}

fn probe(world: &World, notes: bool) -> Vec<Stage> {
    let mut stages =
        vec![site(world, SITE_HANGS_THRICE), at_once(vec![must(&[Ask::Of(Api::PutMetricData)])])];
    if notes && !world.down {
        stages.push(at_once(vec![may(&[Ask::Of(Api::GetMetricStatistics), SERVICES, LEDGER])]));
    }
    stages
}

/// Where nothing was begun.
fn look_after(function: &Subject) -> Vec<Stage> {
    let chain = |reads: &subject::Chain| Chain {
        asks: reads.iter().map(|read| Ask::Of(api(*read))).collect(),
        optional: function.run.is_patient,
    };
    function.run.looks.iter().map(|stage| at_once(stage.iter().map(chain).collect())).collect()
}

fn api(read: Read) -> Api {
    match read {
        Read::Alarms => Api::DescribeAlarms,
        Read::Definition => Api::EcsDefinitions,
        Read::Ledger => Api::Ledger,
        Read::Services => Api::EcsServices,
        Read::Tasks => Api::EcsTasks,
        Read::Other => Api::Unpublished,
    }
}

fn before_a_rollback(alarm: bool) -> Stage {
    let mut chains = vec![
        must(&[LEDGER]),
        must(&[LEDGER]),
        must(&[TASKS, TASKS]),
        must(&[SERVICES, SERVICES]),
        must(&[SERVICES]),
        may(&[Ask::Probe]),
    ];
    if alarm {
        chains.push(may(&[ALARMS]));
    }
    at_once(chains)
}

fn definitions() -> Stage {
    at_once(vec![must(&[DEFINITION]), must(&[DEFINITION])])
}

/// `rollback`, as the state machine asks for it: the remedy with the most calls.
fn roll() -> Vec<Stage> {
    let look_again = || at_once(vec![may(&[SERVICES, DEFINITION, Ask::Probe]), may(&[LEDGER])]);
    vec![
        before_a_rollback(false),
        definitions(),
        at_once(vec![must(&[LEDGER, LEDGER, Ask::Of(Api::EcsUpdate)])]),
        look_again(),
        Stage { waits: 2_000 * MILLISECOND, ..look_again() },
        at_once(vec![must(&[LEDGER]), may(&[PUBLISH])]),
    ]
}

/// Everything at once; a source that fails is named as not seen.
fn diagnose(world: &World) -> Stage {
    let one = |api| may(&[Ask::Of(api)]);
    let metric = Ask::Of(Api::GetMetricData);
    // Of the whole account: those of clusters and of instances have no dimension in common.
    let database_metrics = DATABASE_METRICS.saturating_mul(world.services).div_ceil(METRICS_A_PAGE);
    let database_metrics = pages(Api::ListMetrics, database_metrics.clamp(1, METRIC_PAGES));
    let chains = vec![
        may(&[SERVICES, DEFINITION, OTHER]),
        // Two secrets.
        may(&[OTHER]),
        may(&[OTHER]),
        may(&[TASKS, TASKS]),
        may(&[TASKS, TASKS]),
        // The application logs a great deal when it is down: two pages.
        pages(Api::FilterLogEvents, 2),
        one(Api::FilterLogEvents),
        // Load balancer, listeners, target groups and their health, security groups.
        may(&[OTHER, OTHER, OTHER]),
        may(&[OTHER, OTHER, OTHER]),
        // Database, its instances and events.
        may(&[OTHER]),
        may(&[OTHER]),
        may(&[OTHER]),
        may(&[OTHER, metric]),
        may(&[metric]),
        may(&[metric]),
        // Scaling, the CDN, builds.
        may(&[OTHER]),
        may(&[OTHER]),
        may(&[OTHER]),
        may(&[OTHER]),
        may(&[OTHER]),
        may(&[OTHER, OTHER]),
        may(&[ALARMS, metric]),
        may(&[ALARMS]),
        // Of the whole account: the operation takes one alarm's name or none.
        pages(Api::AlarmHistory, world.alarm_changes.div_ceil(HISTORY_A_PAGE).clamp(1, HISTORY_PAGES)),
        one(Api::ListMetrics),
        one(Api::ListMetrics),
        one(Api::ListMetrics),
        one(Api::ListMetrics),
        database_metrics,
        may(&[Ask::Probe]),
    ];
    Stage { waits: 0, chains, until: Some(READS_FOR) }
}

/// How long a run takes where nothing is throttled.
pub fn takes(kind: Kind, world: &World) -> Micros {
    let of_chain = |chain: &Chain| -> Micros {
        chain
            .asks
            .iter()
            .map(|ask| match ask {
                Ask::Of(api) => api.answers_in(),
                Ask::Probe => takes(Kind::Asked, world),
            })
            .sum()
    };
    stages(kind, world)
        .iter()
        .map(|stage| stage.waits + stage.chains.iter().map(of_chain).max().unwrap_or_default())
        .sum()
}

/// How many calls of AWS a run makes, the probe that it asks not among them.
pub fn calls(kind: Kind, world: &World) -> u32 {
    let stages = stages(kind, world);
    let chains = stages.iter().flat_map(|stage| &stage.chains);
    crate::length(&chains.flat_map(|chain| &chain.asks).collect::<Vec<_>>())
}

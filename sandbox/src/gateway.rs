//! What people and functions of the sandbox have as their AWS endpoint.
//!
//! It forwards to the local AWS, ministack or moto, records who called what, injects faults where a test asked for one,
//! and answers what the local AWS lacks, in each service's own wire format.

mod acm;
mod api;
mod autoscaling;
mod call;
mod callers;
mod cloudfront;
mod cloudwatch;
mod codebuild;
mod docdb;
mod ec2;
mod ecr;
mod ecs;
mod elb;
mod fault;
mod forward;
mod health;
mod lambda;
mod logs;
mod moto;
mod query;
mod record;
mod secrets;
mod sent;
mod sns;
mod ssm;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub use autoscaling::{Autoscaling, ScalableTarget, ScalingActivity, ScalingPolicy};
pub use call::{Call, Calls};
pub use callers::sender_id;
pub use cloudfront::{CloudFront, DISTRIBUTION, Invalidation};
pub use cloudwatch::CloudWatch;
pub use codebuild::{BUILD_LOGS, Build, CodeBuild, FRONT_END_BUILD};
pub use docdb::{ClusterNow, DATABASE_GROUPS, DATABASE_PORT, DATABASE_USER, DocDb, SECRET, SOURCE, endpoint};
pub use ec2::{ALB_GROUP, Ec2, REDIS_GROUP, REDIS_PORT, TASKS_GROUP};
pub use ecr::{Ecr, REPOSITORY};
pub use ecs::{BACKEND_PORT, Ecs, ServiceState, StoppedTask};
pub use elb::{Elb, TARGET_GROUP, TARGET_GROUP_NAME};
pub use fault::{Fault, Faults, Gate, Rule};
use forward::Upstream;
pub use health::Health;
pub use lambda::Lambda;
pub use moto::{DIFFERENCES, Difference, Instead};
pub use record::FOLDER as CALLS_FOLDER;
pub use secrets::Secrets;
use sent::{Cut, Sent};
pub use ssm::{OpsCenter, OpsItem};

type Answer = Response<Full<Bytes>>;

/// The running gateway. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Gateway {
    state: Arc<State>,
    address: SocketAddr,
    _server: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    api: api::Api,
    calls: Calls,
    record: record::Record,
    faults: Faults,
    gate: Gate,
    autoscaling: Autoscaling,
    cloudfront: CloudFront,
    cloudwatch: CloudWatch,
    codebuild: CodeBuild,
    docdb: DocDb,
    ec2: Ec2,
    ecr: Ecr,
    ecs: Ecs,
    elb: Elb,
    health: Health,
    lambda: Lambda,
    ops_center: OpsCenter,
    secrets: Secrets,
    upstream: Upstream,
}

impl Gateway {
    /// Listens on loopback, on `port` or a free one, in front of the local AWS at `upstream`
    /// (`host:port`).
    pub async fn start(upstream: &str, port: Option<u16>) -> anyhow::Result<Self> {
        Self::before(Upstream::new(upstream), port).await
    }

    /// Listens on a free loopback port, in front of the moto at `upstream` (`host:port`).
    pub async fn start_before_moto(upstream: &str) -> anyhow::Result<Self> {
        Self::before(Upstream::moto(upstream), None).await
    }

    async fn before(upstream: Upstream, port: Option<u16>) -> anyhow::Result<Self> {
        let port = port.unwrap_or(0);
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("cannot listen on 127.0.0.1:{port}"))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            api: api::Api::read(),
            calls: Calls::default(),
            record: record::Record::from_environment(),
            faults: Faults::default(),
            gate: Gate::default(),
            autoscaling: Autoscaling::default(),
            cloudfront: CloudFront::default(),
            cloudwatch: CloudWatch::default(),
            codebuild: CodeBuild::default(),
            docdb: DocDb::default(),
            ec2: Ec2::default(),
            ecr: Ecr::default(),
            ecs: Ecs::default(),
            elb: Elb::default(),
            health: Health::default(),
            lambda: Lambda::default(),
            ops_center: OpsCenter::default(),
            secrets: Secrets::default(),
            upstream,
        });
        let mut server = JoinSet::new();
        server.spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { state, address, _server: server })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state.calls.all()
    }

    /// The record itself: calls of one caller, calls since a moment.
    pub fn record(&self) -> &Calls {
        &self.state.calls
    }

    /// The queue of faults to inject.
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Where a call waits for a test.
    pub fn gate(&self) -> &Gate {
        &self.state.gate
    }

    /// What tests make ECS say.
    pub fn ecs(&self) -> &Ecs {
        &self.state.ecs
    }

    /// CloudFront's invalidations.
    pub fn cloudfront(&self) -> &CloudFront {
        &self.state.cloudfront
    }

    /// DocumentDB's clusters and snapshots.
    pub fn docdb(&self) -> &DocDb {
        &self.state.docdb
    }

    /// Since when secrets and their versions are there.
    pub fn secrets(&self) -> &Secrets {
        &self.state.secrets
    }

    /// What CloudWatch knows from before.
    pub fn cloudwatch(&self) -> &CloudWatch {
        &self.state.cloudwatch
    }

    /// The front end's builds.
    pub fn codebuild(&self) -> &CodeBuild {
        &self.state.codebuild
    }

    /// The security groups.
    pub fn ec2(&self) -> &Ec2 {
        &self.state.ec2
    }

    /// The images.
    pub fn ecr(&self) -> &Ecr {
        &self.state.ecr
    }

    /// The load balancer and its targets.
    pub fn elb(&self) -> &Elb {
        &self.state.elb
    }

    /// What AWS Health has open.
    pub fn health(&self) -> &Health {
        &self.state.health
    }

    /// The functions that the local AWS does not run.
    pub fn lambda(&self) -> &Lambda {
        &self.state.lambda
    }

    /// What the local AWS answers to a call of a test's own to ECS, in its JSON; null when it refuses.
    pub async fn ask_ecs(&self, operation: &str, request: &Value) -> Value {
        self.state.upstream.ecs(operation, request).await
    }

    /// Systems Manager's `OpsItems`.
    pub fn ops_center(&self) -> &OpsCenter {
        &self.state.ops_center
    }

    /// The service's scaling.
    pub fn autoscaling(&self) -> &Autoscaling {
        &self.state.autoscaling
    }

    /// The scalable targets registered here.
    pub fn scalable_targets(&self) -> Vec<ScalableTarget> {
        self.state.autoscaling.targets()
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, Arc::clone(&state)));
                }
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { state.handle(request).await }
    });
    // An error here is a connection that a fault cut or a caller left: nothing to do about either.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl State {
    /// An error from here closes the connection without an answer.
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Sent>, Cut> {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return Err(Cut);
        };
        let body = body.to_bytes();
        if parts.uri.path() == "/_sandbox/calls" {
            let calls = wire::plain_json(StatusCode::OK, &self.calls.as_json(parts.uri.query()));
            return Ok(calls.map(Sent::whole));
        }
        if parts.uri.path() == "/_sandbox/deny" && parts.method == Method::POST {
            let understood = self.faults.deny(parts.uri.query());
            let status = if understood { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            return Ok(wire::plain_json(status, &Value::Bool(understood)).map(Sent::whole));
        }
        let mut call = Call::identify(&parts, &body);
        let mut entry = self.record.entry(&call, &parts, &self.docdb);
        let asked = self.api.of_request(&call, &parts, &body);
        let refused =
            asked.as_ref().filter(|problems| !problems.is_empty()).map(|problems| problems.join("; "));
        if let Some(entry) = &mut entry {
            entry.asked(asked);
        }
        let fault = self.faults.take(&call);
        call.fault.clone_from(&fault);
        let number = self.calls.begin(call.clone());
        let cut_short = fault == Some(Fault::CutShort);
        // What something goes wrong with anyway is not held up before.
        if fault.is_none() {
            self.gate.pass(&call).await;
        }
        let answer = match fault {
            _ if refused.is_some() => Ok(wire::invalid(&call, &refused.unwrap_or_default())),
            None | Some(Fault::CutShort) => Ok(self.answer(&call, parts, body).await),
            Some(Fault::Throttle) => Ok(wire::throttled(&call)),
            Some(Fault::InternalError) => Ok(wire::internal_error(&call)),
            Some(Fault::Refused(code, message)) => {
                Ok(wire::error(&call, StatusCode::BAD_REQUEST, code, message))
            }
            Some(Fault::Denied) => Ok(wire::denied(&call)),
            Some(Fault::Empty) => Ok(wire::empty(&call)),
            Some(Fault::CutBefore) => Err(Cut),
            Some(Fault::CutAfter) => {
                self.answer(&call, parts, body).await;
                Err(Cut)
            }
            Some(Fault::HangBefore) => std::future::pending().await,
            Some(Fault::HangAfter) => {
                let answer = self.answer(&call, parts, body).await;
                self.calls.end(number, Some(answer.status().as_u16()));
                // Nothing after this is sure to run.
                drop(entry.take());
                std::future::pending().await
            }
            Some(Fault::Timeout(held)) => {
                tokio::time::sleep(held).await;
                Err(Cut)
            }
        };
        let answer = match (answer, &mut entry) {
            // What was to go wrong is not compared.
            (Ok(answer), Some(entry)) if call.fault.is_none() => {
                let (answer, said) = self.api.of_answer(&call, answer).await;
                entry.said(said);
                Ok(answer)
            }
            (answer, _) => answer,
        };
        let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        self.calls.end(number, status);
        if let Some(mut entry) = entry {
            entry.answered(status);
        }
        match answer {
            Ok(answer) if cut_short => Ok(sent::cut_short(answer).await),
            answer => answer.map(|answer| answer.map(Sent::whole)),
        }
    }

    async fn answer(&self, call: &Call, parts: http::request::Parts, body: Bytes) -> Answer {
        let own = match call.service.as_str() {
            _ if self.upstream.answers(call) => None,
            "acm" => acm::answer(call),
            "application-autoscaling" => Some(self.autoscaling.answer(call, &body)),
            "rds" => Some(self.docdb.answer(call)),
            "cloudfront" => self.cloudfront.answer(call, &parts, &body),
            "codebuild" => self.codebuild.answer(call),
            "ec2" => self.ec2.answer(call),
            "ecr" => self.ecr.answer(call),
            "elasticloadbalancing" => Some(self.elb.answer(call, &self.upstream).await),
            "health" => self.health.answer(call),
            "lambda" => self.lambda.answer(call, &parts, &body).await,
            "ssm" => self.ops_center.answer(call),
            "sts" => callers::identity(call),
            _ => None,
        };
        match (own, call.service.as_str()) {
            (Some(answer), _) => answer,
            (None, "ecs") => self.ecs.answer(call, parts, body, &self.upstream).await,
            (None, "cloudwatch") => self.cloudwatch.answer(call, parts, body, &self.upstream).await,
            (None, "secretsmanager") if !self.upstream.answers(call) => {
                self.secrets.answer(call, parts, body, &self.upstream).await
            }
            (None, "sqs") => callers::send(call, parts, body, &self.upstream).await,
            (None, "sns") => sns::answer(call, parts, body, &self.upstream).await,
            (None, "logs") => logs::answer(call, parts, body, &self.upstream).await,
            (None, _) => self.upstream.forward(parts, body).await,
        }
    }
}

//! What people and functions of the sandbox have as their AWS endpoint.
//!
//! It forwards to the local AWS, records who called what, injects faults where a test asked for one,
//! and answers what the local AWS lacks, in each service's own wire format.

mod autoscaling;
mod call;
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
mod lambda;
mod record;
mod secrets;
mod sent;
mod ssm;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub use autoscaling::{Autoscaling, ScalableTarget, ScalingActivity, ScalingPolicy};
pub use call::{Call, Calls};
pub use cloudfront::{CloudFront, DISTRIBUTION, Invalidation};
pub use cloudwatch::CloudWatch;
pub use codebuild::{BUILD_LOGS, Build, CodeBuild, FRONT_END_BUILD};
pub use docdb::{ClusterNow, DATABASE_GROUPS, DATABASE_PORT, DocDb, SECRET, SOURCE, endpoint};
pub use ec2::{ALB_GROUP, Ec2, REDIS_GROUP, REDIS_PORT, TASKS_GROUP};
pub use ecr::{Ecr, REPOSITORY};
pub use ecs::{BACKEND_PORT, Ecs, ServiceState, StoppedTask};
pub use elb::{Elb, TARGET_GROUP, TARGET_GROUP_NAME};
pub use fault::{Fault, Faults, Rule};
pub use record::FOLDER as CALLS_FOLDER;
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
    calls: Calls,
    record: record::Record,
    faults: Faults,
    autoscaling: Autoscaling,
    cloudfront: CloudFront,
    cloudwatch: CloudWatch,
    codebuild: CodeBuild,
    docdb: DocDb,
    ec2: Ec2,
    ecr: Ecr,
    ecs: Ecs,
    elb: Elb,
    ops_center: OpsCenter,
    secrets: secrets::Secrets,
    upstream: forward::Upstream,
}

impl Gateway {
    /// Listens on loopback, on `port` or a free one, in front of the local AWS at `upstream`
    /// (`host:port`).
    pub async fn start(upstream: &str, port: Option<u16>) -> anyhow::Result<Self> {
        let port = port.unwrap_or(0);
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("cannot listen on 127.0.0.1:{port}"))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            calls: Calls::default(),
            record: record::Record::from_environment(),
            faults: Faults::default(),
            autoscaling: Autoscaling::default(),
            cloudfront: CloudFront::default(),
            cloudwatch: CloudWatch::default(),
            codebuild: CodeBuild::default(),
            docdb: DocDb::default(),
            ec2: Ec2::default(),
            ecr: Ecr::default(),
            ecs: Ecs::default(),
            elb: Elb::default(),
            ops_center: OpsCenter::default(),
            secrets: secrets::Secrets::default(),
            upstream: forward::Upstream::new(upstream),
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
        let mut call = Call::identify(&parts, &body);
        let mut entry = self.record.entry(&call, &parts, &self.docdb);
        let fault = self.faults.take(&call);
        call.fault.clone_from(&fault);
        let number = self.calls.begin(call.clone());
        let cut_short = fault == Some(Fault::CutShort);
        let answer = match fault {
            None | Some(Fault::CutShort) => Ok(self.answer(&call, parts, body).await),
            Some(Fault::Throttle) => Ok(wire::throttled(&call)),
            Some(Fault::InternalError) => Ok(wire::internal_error(&call)),
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
            "application-autoscaling" => Some(self.autoscaling.answer(call, &body)),
            "rds" => Some(self.docdb.answer(call)),
            "cloudfront" => self.cloudfront.answer(call, &parts, &body),
            "codebuild" => self.codebuild.answer(call),
            "ec2" => self.ec2.answer(call),
            "ecr" => self.ecr.answer(call),
            "elasticloadbalancing" => Some(self.elb.answer(call, &self.upstream).await),
            "lambda" => lambda::answer(call, &body),
            "ssm" => self.ops_center.answer(call),
            _ => None,
        };
        match (own, call.service.as_str()) {
            (Some(answer), _) => answer,
            (None, "ecs") => self.ecs.answer(call, parts, body, &self.upstream).await,
            (None, "cloudwatch") => {
                let answer = self.upstream.forward(parts, body).await;
                self.cloudwatch.complete(call, answer).await
            }
            (None, "secretsmanager") => self.secrets.answer(call, parts, body, &self.upstream).await,
            (None, _) => self.upstream.forward(parts, body).await,
        }
    }
}

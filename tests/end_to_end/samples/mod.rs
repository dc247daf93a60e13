//! Every sample of `events/` does what its name says: sent as `make event` prints it, to a function that is set up as the
//! template does it, each is answered as the tables here have it.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod incidents;
mod looking;
mod remedies;
mod restore;

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use sandbox::{
    Options, Sandbox,
    clients::ACCOUNT,
    deploy::{self, CLUSTER, FAMILY, SERVICE, TASKS},
    python,
    runtime_api::Bootstrap,
    stack::{LEDGER, outcome, read},
};
use serde_json::Value;

type Test = anyhow::Result<()>;

/// Whose alarms the samples bring without a topic.
const TRUSTED: &str = "lendpeak2-production-ecs-cpu,lendpeak2-production-ecs-memory,lendpeak2-production-memory-leak,\
                       lendpeak2-production-negative-loans,lendpeak2-production-overloaded";
const PIPELINE: &str = "lendpeak2-frontend-release";
const OF_SERVICE: [(&str, &str); 2] = [("ClusterName", CLUSTER), ("ServiceName", SERVICE)];

/// A sample, and what is decided.
type Row = (&'static str, &'static str);

/// A function and its samples, in a sandbox in which nobody else calls it.
struct Fixture {
    sandbox: Sandbox,
    task: &'static str,
    environment: Vec<(String, String)>,
    sent: BTreeSet<String>,
    /// What was decided otherwise.
    otherwise: Vec<String>,
}

impl Fixture {
    async fn start(task: &'static str) -> anyhow::Result<Self> {
        let parameters = [("TrustedAlarms", TRUSTED), ("FrontEndPipeline", PIPELINE), ("VerifySeconds", "0")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        // Deployed, its schedule and its alarms would call it too.
        let functions = Some(vec!["health-probe"]);
        let options = Options { metrics: false, parameters, functions, ..Options::default() };
        let sandbox = Sandbox::start(options).await?;
        let name = sandbox::names::function_name(task);
        let configure = sandbox.clients.lambda.get_function_configuration().function_name(name);
        let configured = configure.send().await?;
        let variables = configured.environment().and_then(|environment| environment.variables());
        let environment = variables.context("the function has no environment")?.clone().into_iter().collect();
        Ok(Self { sandbox, task, environment, sent: BTreeSet::new(), otherwise: Vec::new() })
    }

    /// The function, with some of its settings replaced.
    async fn function(&self, replaced: &[(&str, &str)]) -> anyhow::Result<Bootstrap> {
        let mut environment = self.environment.clone();
        for (name, value) in replaced {
            environment.retain(|(other, _)| other != name);
            environment.push(((*name).to_owned(), (*value).to_owned()));
        }
        Bootstrap::start(&deploy::binaries()?.join(self.task), &environment).await
    }

    /// What is answered to a sample; `id` is there, in place of what the sample names.
    async fn send(&mut self, function: &Bootstrap, sample: &str, id: Option<&str>) -> anyhow::Result<Value> {
        self.sent.insert(format!("{sample}.json"));
        let file = format!("events/{}/{sample}.json", self.task);
        let mut arguments = vec!["scripts/event.py", &file, "--account", ACCOUNT];
        arguments.extend(id.into_iter().flat_map(|id| ["--id", id]));
        let printed = python::run(&arguments, &self.sandbox.gateway.url(), "event").await?;
        ensure!(printed.status.success(), "{file}: {}", python::printed(&printed));
        outcome(function, &serde_json::from_slice(&printed.stdout)?).await.context(file)
    }

    /// Sends a sample, and remembers where its answer differs from what is expected.
    async fn expect(
        &mut self,
        function: &Bootstrap,
        (sample, expected): Row,
        id: Option<&str>,
    ) -> anyhow::Result<Value> {
        let answer = self.send(function, sample, id).await?;
        let seen = decided(&answer);
        if seen != expected {
            self.otherwise.push(format!("{sample}: `{seen}`, and not `{expected}`: {answer}"));
        }
        Ok(answer)
    }

    /// The sample that approves a plan, after a request for which a plan is made.
    async fn approve(&mut self, request: &Value) -> Test {
        let careful = self.function(&[("MODE", "approve")]).await?;
        let asked = outcome(&careful, request).await?;
        let id = asked["next"]["send"]["approve"].as_str().with_context(|| asked.to_string())?;
        self.expect(&careful, ("approve", "applied applied"), Some(id)).await?;
        Ok(())
    }

    /// As on an ordinary day: nothing was done lately, and this release runs.
    async fn forget(&self, release: u32) -> Test {
        self.clear_ledger().await?;
        let register = self.sandbox.clients.autoscaling.register_scalable_target();
        let register = register.service_namespace("ecs".into()).min_capacity(TASKS);
        let register = register.scalable_dimension("ecs:service:DesiredCount".into());
        register.resource_id(format!("service/{CLUSTER}/{SERVICE}")).send().await?;
        let update = self.sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
        update.desired_count(TASKS).task_definition(format!("{FAMILY}:{release}")).send().await?;
        self.sandbox.show_what_runs().await
    }

    async fn clear_ledger(&self) -> Test {
        let dynamodb = &self.sandbox.clients.dynamodb;
        for mut item in dynamodb.scan().table_name(LEDGER).send().await?.items.unwrap_or_default() {
            let (pk, sk) = (item.remove("pk"), item.remove("sk"));
            let delete = dynamodb.delete_item().table_name(LEDGER);
            let delete = delete.key("pk", pk.context("no key")?).key("sk", sk.context("no key")?);
            delete.send().await?;
        }
        Ok(())
    }

    /// Every sample of the function was sent, and was answered as expected.
    fn end(self) -> Test {
        let folder = sandbox::workspace().join("events").join(self.task);
        let all = std::fs::read_dir(folder)?
            .map(|file| Ok(file?.file_name().to_string_lossy().into_owned()))
            .collect::<anyhow::Result<BTreeSet<String>>>()?;
        assert_eq!(self.sent, all, "samples that were sent, and those that there are");
        assert!(self.otherwise.is_empty(), "{}", self.otherwise.join("\n"));
        Ok(())
    }
}

/// What an answer says was decided, done or found.
fn decided(answer: &Value) -> String {
    if let Some(outcomes) = answer["outcomes"].as_array() {
        return outcomes.iter().map(read).collect::<Vec<_>>().join(", ");
    }
    if answer["decision"].is_string() {
        return read(answer);
    }
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    let flag = |name: &str, yes: &str, no: &str| {
        answer[name].as_bool().map(|is_so| if is_so { yes } else { no }.to_owned())
    };
    text("did")
        .or_else(|| text("do"))
        .or_else(|| flag("ours", "ours", "not ours"))
        .or_else(|| flag("healthy", "healthy", "unhealthy"))
        .or_else(|| text("summary"))
        .unwrap_or_else(|| "shown".to_owned())
}

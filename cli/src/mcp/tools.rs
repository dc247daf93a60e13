//! What is offered. The doc comment of each is what the agent reads.

use rmcp::{model::CallToolResult, tool, tool_router};

use super::{
    Server,
    agent::Agent,
    call::Call,
    parameters::{Diagnose, Health, History, Incidents, Nothing, Parameters, Report},
    remedy::{Freeze, Invalidate, Remedy, Restart, Restore, Rollback, Scale},
};

#[tool_router(router = offered, vis = "pub(super)")]
impl Server {
    /// Check what users meet: the API, the database, Redis, the front end and CORS. Changes nothing.
    #[tool(annotations(title = "Is it healthy?", read_only_hint = true, open_world_hint = false))]
    async fn health(&self, Parameters(asked): Parameters<Health>) -> CallToolResult {
        self.call(Call::Health(asked)).await
    }

    /// Find the cause: what is wrong, what shows it, and what to do. Reads the whole stack, for some 20 seconds.
    #[tool(annotations(title = "What is the cause?", read_only_hint = true, open_world_hint = false))]
    async fn diagnose(&self, Parameters(asked): Parameters<Diagnose>) -> CallToolResult {
        self.call(Call::Diagnose(asked)).await
    }

    /// List the incidents that are open and those that ended last; or show one, with its timeline.
    #[tool(annotations(title = "Incidents", read_only_hint = true, open_world_hint = false))]
    async fn incidents(&self, Parameters(asked): Parameters<Incidents>) -> CallToolResult {
        self.call(Call::Incidents(asked)).await
    }

    /// Show the components, the open incidents, the kill switches that are on, and the plans that wait.
    #[tool(annotations(title = "Status", read_only_hint = true, open_world_hint = false))]
    async fn status(&self, Parameters(Nothing {}): Parameters<Nothing>) -> CallToolResult {
        self.call(Call::Status).await
    }

    /// List the plans that wait for a person's approval, with who asked and when each expires.
    #[tool(annotations(title = "Plans that wait", read_only_hint = true, open_world_hint = false))]
    async fn plans(&self, Parameters(Nothing {}): Parameters<Nothing>) -> CallToolResult {
        self.call(Call::Plans).await
    }

    /// Show what the functions decided and did, the newest first, and what became of a plan.
    #[tool(annotations(title = "History", read_only_hint = true, open_world_hint = false))]
    async fn history(&self, Parameters(asked): Parameters<History>) -> CallToolResult {
        self.call(Call::History(asked)).await
    }

    /// Report on the last days: what was done and whether it held, what would have been done and what happened instead, how
    /// long incidents took, false alarms, what waits for a person, and what it costs. Changes nothing.
    #[tool(annotations(title = "Report of some days", read_only_hint = true, open_world_hint = false))]
    async fn report(&self, Parameters(asked): Parameters<Report>) -> CallToolResult {
        self.call(Call::Report(asked)).await
    }

    /// Show what a roll-back of the service to an earlier release would do now. Changes nothing.
    #[tool(annotations(title = "Plan a roll-back", read_only_hint = true, open_world_hint = false))]
    async fn plan_rollback(&self, agent: Agent, Parameters(asked): Parameters<Rollback>) -> CallToolResult {
        self.call(Call::Plan(Remedy::Rollback(asked), agent)).await
    }

    /// Show what more tasks for the service would do now. Changes nothing.
    #[tool(annotations(title = "Plan more tasks", read_only_hint = true, open_world_hint = false))]
    async fn plan_scale(&self, agent: Agent, Parameters(asked): Parameters<Scale>) -> CallToolResult {
        self.call(Call::Plan(Remedy::Scale(asked), agent)).await
    }

    /// Show what a restart of every task by a fresh one of the same release would do now. Changes nothing.
    #[tool(annotations(title = "Plan a restart", read_only_hint = true, open_world_hint = false))]
    async fn plan_restart(&self, agent: Agent, Parameters(asked): Parameters<Restart>) -> CallToolResult {
        self.call(Call::Plan(Remedy::Restart(asked), agent)).await
    }

    /// Show what it would do now to stop writes to the database, or to let them through again. Changes nothing.
    #[tool(annotations(title = "Plan a write freeze", read_only_hint = true, open_world_hint = false))]
    async fn plan_freeze(&self, agent: Agent, Parameters(asked): Parameters<Freeze>) -> CallToolResult {
        self.call(Call::Plan(Remedy::Freeze(asked), agent)).await
    }

    /// Show what an invalidation of CloudFront's cache would do now. Changes nothing.
    #[tool(annotations(title = "Plan an invalidation", read_only_hint = true, open_world_hint = false))]
    async fn plan_invalidate(
        &self,
        agent: Agent,
        Parameters(asked): Parameters<Invalidate>,
    ) -> CallToolResult {
        self.call(Call::Plan(Remedy::Invalidate(asked), agent)).await
    }

    /// Show what a restore of the database beside itself would do now, and which writes it would lose. Changes nothing.
    #[tool(annotations(title = "Plan a restore", read_only_hint = true, open_world_hint = false))]
    async fn plan_restore(&self, agent: Agent, Parameters(asked): Parameters<Restore>) -> CallToolResult {
        self.call(Call::Plan(Remedy::Restore(asked), agent)).await
    }

    /// Ask people to roll the service back to an earlier release. It waits until a person approves it.
    #[tool(annotations(
        title = "Ask for a roll-back",
        read_only_hint = false,
        destructive_hint = false,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    async fn request_rollback(
        &self,
        agent: Agent,
        Parameters(asked): Parameters<Rollback>,
    ) -> CallToolResult {
        self.call(Call::Request(Remedy::Rollback(asked), agent)).await
    }

    /// Ask people to give the service more tasks. It waits until a person approves it.
    #[tool(annotations(
        title = "Ask for more tasks",
        read_only_hint = false,
        destructive_hint = false,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    async fn request_scale(&self, agent: Agent, Parameters(asked): Parameters<Scale>) -> CallToolResult {
        self.call(Call::Request(Remedy::Scale(asked), agent)).await
    }

    /// Ask people to replace every task by a fresh one of the same release. It waits until a person approves it.
    #[tool(annotations(
        title = "Ask for a restart",
        read_only_hint = false,
        destructive_hint = false,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    async fn request_restart(&self, agent: Agent, Parameters(asked): Parameters<Restart>) -> CallToolResult {
        self.call(Call::Request(Remedy::Restart(asked), agent)).await
    }

    /// Ask people to stop writes to the database, or to let them through again. It waits until a person approves it.
    #[tool(annotations(
        title = "Ask for a write freeze",
        read_only_hint = false,
        destructive_hint = false,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    async fn request_freeze(&self, agent: Agent, Parameters(asked): Parameters<Freeze>) -> CallToolResult {
        self.call(Call::Request(Remedy::Freeze(asked), agent)).await
    }

    /// Ask people to clear old content from CloudFront. It waits until a person approves it.
    #[tool(annotations(
        title = "Ask for an invalidation",
        read_only_hint = false,
        destructive_hint = false,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    async fn request_invalidate(
        &self,
        agent: Agent,
        Parameters(asked): Parameters<Invalidate>,
    ) -> CallToolResult {
        self.call(Call::Request(Remedy::Invalidate(asked), agent)).await
    }

    /// Ask people to restore the database beside itself, from a snapshot or a point in time. It waits until a person
    /// approves it; to put the restored cluster to use is for people to ask.
    #[tool(annotations(
        title = "Ask for a restore",
        read_only_hint = false,
        destructive_hint = false,
        idempotent_hint = false,
        open_world_hint = false
    ))]
    async fn request_restore(&self, agent: Agent, Parameters(asked): Parameters<Restore>) -> CallToolResult {
        self.call(Call::Request(Remedy::Restore(asked), agent)).await
    }
}

//! A new front end is deployed, and CloudFront goes on with the old one.

use std::time::Duration;

use aws_sdk_lambda::types::InvocationType;
use sandbox::Sandbox;
use sandbox::clients::ACCOUNT;
use sandbox::gateway::FRONT_END_BUILD;
use serde_json::json;
use subject::Subject;

use super::{Facts, Story, fact};
use crate::screen::Mark;
use crate::watch::Watch;

const INVALIDATION_TIME: Duration = Duration::from_secs(4);

pub(crate) struct StaleFrontEnd;

impl Story for StaleFrontEnd {
    const NAME: &'static str = "stale-front-end";
    const FUNCTION: &'static Subject = &subject::cache_invalidation::SUBJECT;

    async fn prepare(&self, sandbox: &Sandbox) -> anyhow::Result<()> {
        sandbox.gateway.cloudfront().set_time(INVALIDATION_TIME);
        Ok(())
    }

    fn is_quiet(&self, watch: &Watch<'_>) -> bool {
        watch.asset.x_cache.starts_with("Hit")
    }

    async fn go_wrong(&self, watch: &Watch<'_>) -> anyhow::Result<()> {
        watch.sandbox.standin.release_front_end();
        let built = "the front end is deployed again; CloudFront still has the old asset";
        watch.screen.line(Mark::Bad, "release", built);
        let event = json!({
            "version": "0", "id": "demo-build", "detail-type": "CodeBuild Build State Change",
            "source": "aws.codebuild", "account": ACCOUNT, "region": "us-east-1",
            "time": jiff::Timestamp::now().to_string(), "resources": [],
            "detail": { "build-status": "SUCCEEDED", "project-name": FRONT_END_BUILD,
                "build-id": format!("arn:aws:codebuild:us-east-1:{ACCOUNT}:build/{FRONT_END_BUILD}:demo") },
        });
        let delivered = "CodeBuild's success goes to cache-invalidation (handed over: the local AWS lets nobody send AWS's own events)";
        watch.screen.line(Mark::Info, "EventBridge", delivered);
        let invoke =
            watch.clients.lambda.invoke().function_name(sandbox::names::function_name(Self::FUNCTION.name));
        invoke
            .invocation_type(InvocationType::Event)
            .payload(event.to_string().into_bytes().into())
            .send()
            .await?;
        Ok(())
    }

    fn is_wrong(&self, watch: &Watch<'_>) -> bool {
        watch.asset.x_cache.starts_with("Hit")
    }

    fn is_well(&self, watch: &Watch<'_>) -> bool {
        watch.asset.etag.contains("main-2") && watch.asset.x_cache.starts_with("Hit")
    }

    fn facts(&self, watch: &Watch<'_>) -> Facts {
        vec![
            ("asset", watch.asset.etag.clone()),
            ("x-cache", watch.asset.x_cache.clone()),
            ("age", format!("{} s", watch.asset.age)),
        ]
    }

    fn lesson(&self, before: &Facts, after: &Facts) -> String {
        format!("{} → {}: everybody has the new front end.", fact(before, "asset"), fact(after, "asset"))
    }
}

//! `cache-invalidation`: the front end's assets are not found.

use jiff::Timestamp;
use sandbox::gateway::{DISTRIBUTION, FRONT_END_BUILD};
use sandbox::stack;
use serde_json::{Value, json};

use super::{Flow, LocalWork, NOTICES, STILL_BROKEN, Scenario, already};
use crate::job::{Addresses, Job};
use crate::peer::{Play, Row, a_moment_ago, sample};

pub(super) static SCENARIO: Scenario = Scenario {
    subject: &subject::cache_invalidation::SUBJECT,
    settings: &[
        ("NOTICE_TOPIC_ARN", NOTICES),
        ("DISTRIBUTION_ID", DISTRIBUTION),
        ("BUILD_PROJECT", FRONT_END_BUILD),
    ],
    make_needed: already,
    flow: Flow::Acts { alarm, by_hand },
    peer: Some(peer),
    jobs,
};

fn alarm(since: Timestamp) -> Value {
    let of_front_end = [("DistributionId", DISTRIBUTION), ("Region", "Global")];
    let metric = ["AWS/CloudFront", "4xxErrorRate"];
    stack::alarm("lendpeak2-production-cloudfront-4xx-rate", metric, &of_front_end, since)
}

fn by_hand() -> Value {
    json!({ "paths": ["/assets/*"], "reason": STILL_BROKEN })
}

fn peer(rows: &mut Vec<Row>) -> LocalWork<'_> {
    Box::pin(async move {
        let mut play = Play::start(&SCENARIO, &[("ATTEMPTS_PER_DAY", "50")], rows).await?;
        let built = sample("cache-invalidation/codebuild-succeeded", a_moment_ago())?;
        let cleared = play.ask("a build has succeeded", &built, "applied applied").await?;
        play.row(
            "seen to have ended",
            true,
            cleared.pointer("/verification/verified").unwrap_or(&Value::Null),
        );
        play.ask("the same once more", &built, "replayed applied").await?;
        let paths = json!({ "paths": ["/assets/*", "/index.html"], "reason": "old logo" });
        play.ask("paths by hand", &paths, "applied applied").await?;
        let unknown = json!({ "status": "I0000000000000" });
        play.ask("the status of one that is not there", &unknown, "refused invalidation_unknown").await?;
        play.row("calls of CreateInvalidation", 2, play.stack.count("cloudfront CreateInvalidation"));
        Ok(())
    })
}

fn jobs(endpoint: &Addresses) -> Vec<Job> {
    let own = [
        ("DISTRIBUTION_ID", DISTRIBUTION),
        ("APP_URL", endpoint.pages.as_str()),
        ("ASSET_PATH", "/assets/main.js"),
    ];
    let request = json!({ "paths": ["/assets/*"], "reason": "benchmark" });
    vec![Job::of_remedy(&subject::cache_invalidation::SUBJECT, endpoint, &own, request)]
}

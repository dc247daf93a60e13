//! CloudFront's cache: it keeps too little, or what it keeps does not fit the newest deployment.

use super::Rule;
use crate::{
    ask::Ask,
    evidence::{Build, Check, Evidence, largest, mean, median, name},
    finding::{
        Confidence::{Certain, Likely, Possible},
        Finding,
        Impact::{Degraded, Down, Risk, Untidy},
        Level::{Aws, DevOps, Development},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "low_hit_rate",
        find: low_hit_rate,
        looks_at: "CacheHitRate below 50 % on average of the last hour and in each value of the last 30 minutes, at 50 requests or more in five minutes. Not within an hour of a build and not during an invalidation, when the cache fills again: a rate that stays low comes from how the cache is set up.",
        otherwise: UPLOADED,
        helped: "the metric CacheHitRate of <distribution> is above 50 % an hour after the change and near what it was before (CloudWatch in us-east-1, AWS/CloudFront)",
    },
    Rule {
        cause: "not_found_after_deployment",
        find: not_found_after_deployment,
        looks_at: "The probe's page, which is there, and its asset, which answers 403, 404 or with a page. Or the 4xxErrorRate since the newest successful build (10 minutes to 10 hours old) and now: 5 % or more and three times what it was before, at 50 requests or more in five minutes. Page and files are of two deployments then; robots make a percent or two at any time.",
        otherwise: "deploy the front end again: aws codebuild retry-build --id <build-id>",
        helped: "send diagnose {\"symptom\": \"cloudfront-cache\"}, which asks the probe anew, no longer finds it within 15 minutes, and 4xxErrorRate is back at its usual",
    },
    Rule {
        cause: "origin_errors",
        find: origin_errors,
        looks_at: "A 5xx on the probe's page or asset, or a 5xxErrorRate of 5 % on average of 15 minutes at 50 requests or more in five minutes. While a health check of the API fails too it is only possible: CloudFront may pass on the API's errors.",
        otherwise: "if the origin is the backend and this began with its newest release, send rollback {\"to\": \"previous\"}",
        helped: "send diagnose {\"symptom\": \"cloudfront-cache\"}, which asks the probe anew, no longer finds it within 15 minutes, and 5xxErrorRate is below 5 %",
    },
    Rule {
        cause: "invalidation_in_progress",
        find: invalidation_in_progress,
        looks_at: "The oldest invalidation in progress, where it began more than 15 minutes ago: most end within two. Until then some edges answer with the old content, which is no fault of the deployment.",
        otherwise: "upload what changed under new names (with a hash of the content): such files need no invalidation",
        helped: "aws cloudfront list-invalidations --distribution-id <distribution> --query \"InvalidationList.Items[?Status=='InProgress'].Id\" is empty within the hour",
    },
    Rule {
        cause: "asset_not_cached",
        find: asset_not_cached,
        looks_at: "The Cache-Control of the probe's asset, which is healthy: no-store; or no-cache or max-age=0 without an s-maxage by which CloudFront alone may keep it. It is the upload that says so, not the cache policy.",
        otherwise: "for a file whose name has no hash let CloudFront alone keep it (Cache-Control: max-age=0, s-maxage=3600) and clear its cache at each deployment",
        helped: "curl -sI <asset-url> shows the new Cache-Control as soon as the cache is cleared: send cache-invalidation {\"paths\": [\"/assets/*\"]}",
    },
];

const UPLOADED: &str = "see with which Cache-Control the files are uploaded, as no-cache, no-store and max-age=0 stop CloudFront from caching them: curl -sI <asset-url>";

/// Of fewer requests in five minutes, a handful decides the rate.
const ENOUGH_REQUESTS: f64 = 50.0;

fn low_hit_rate(evidence: &Evidence) -> Option<Finding> {
    /// A front end of files with hashed names is above 80 %; below this, every second request goes to the origin.
    const LOW_PERCENT: f64 = 50.0;
    /// New files and an emptied cache are misses at first.
    const WARM_AFTER_MINUTES: i64 = 60;
    let rate = evidence.recent(name::CDN_HIT_RATE)?;
    let requests = mean(evidence.recent(name::CDN_REQUESTS)?.last_minutes(60))?;
    let highest = largest(rate.last_minutes(30))?;
    let now = mean(rate.last_minutes(60))?;
    let is_warming = newest_success(evidence).is_some_and(|build| {
        build.ended_at.is_some_and(|at| evidence.within_minutes(at, WARM_AFTER_MINUTES))
    }) || evidence
        .distribution
        .as_ref()
        .is_some_and(|distribution| !distribution.invalidations.is_empty());
    if highest >= LOW_PERCENT || now >= LOW_PERCENT || requests < ENOUGH_REQUESTS || is_warming {
        return None;
    }
    let finding = Finding::new(
        Likely,
        Risk,
        format!(
            "CloudFront answers only {now:.0} % of the requests from its cache: the origin does the rest"
        ),
    )
    .fact("CloudWatch, CloudFront CacheHitRate", "hit rate of the last hour", format!("{now:.0} %"))
    .against(format!("{LOW_PERCENT} %"))
    .at(rate.newest_at());
    let finding = match median(rate.before_minutes(60)) {
        Some(before) => finding.fact(
            "CloudWatch, CloudFront CacheHitRate",
            "in the hours before",
            format!("{before:.0} %"),
        ),
        None => finding,
    };
    let finding = finding
        .fact("CloudWatch, CloudFront Requests", "requests in five minutes", format!("{requests:.0}"))
        .next(
            DevOps,
            "look at the cache policy: aws cloudfront get-distribution-config --id <distribution> --query DistributionConfig.DefaultCacheBehavior, then aws cloudfront get-cache-policy --id <its-policy-id>; query strings, cookies or headers in the cache key and short times to live lower the rate (for files take the managed policy CachingOptimized)",
        );
    Some(match evidence.check("asset") {
        Some(asset) => finding.otherwise(UPLOADED.replace("<asset-url>", &asset.url)),
        None => finding,
    })
}

fn not_found_after_deployment(evidence: &Evidence) -> Option<Finding> {
    let asset = evidence.check("asset").filter(|asset| is_not_there(asset));
    // Where the page is not there either, more is wrong than one deployment.
    let asset = asset.filter(|_| evidence.check("page").is_none_or(|page| page.healthy));
    let rise = rise_since_build(evidence);
    let what = match (asset, &rise) {
        (Some(asset), _) => {
            let status = asset.status.unwrap_or_default();
            let how = if status == 200 {
                "is answered with a page".to_owned()
            } else {
                format!("answers {status}")
            };
            format!(
                "the front end's page is there, and its asset {} {how}: the two are not of one deployment",
                asset.url
            )
        }
        (None, Some(rise)) => format!(
            "since the front end's build {} CloudFront answers {:.0} % of the requests with 4xx: an old page asks for \
             files that are gone",
            rise.build.id, rise.now
        ),
        (None, None) => return None,
    };
    let mut finding = Finding::new(Likely, Degraded, what);
    if let Some(asset) = asset {
        finding = finding
            .fact("health probe, asset", asset.url.clone(), asset.status.unwrap_or_default().to_string())
            .at(evidence.probe.as_ref().map(|probe| probe.at));
    }
    if let Some(rise) = &rise {
        finding = finding
            .fact("CloudWatch, CloudFront 4xxErrorRate", "4xx since the build", format!("{:.1} %", rise.now))
            .against(format!("{:.1} % before it", rise.before));
    }
    if let Some(build) = newest_success(evidence) {
        finding = finding
            .since(rise.and(build.ended_at))
            .fact("CodeBuild, builds", format!("build {}", build.id), build.status.clone())
            .at(build.ended_at);
    }
    Some(
        finding
            .next(
                Development,
                "clear CloudFront's cache; what is not found after that was not uploaded: see that the deployment uploads all of its files before the page, and leaves the old ones for a day",
            )
            .otherwise(deploy_again(evidence))
            .send(Ask::ClearCache),
    )
}

fn origin_errors(evidence: &Evidence) -> Option<Finding> {
    /// The guide's error rate.
    const HIGH_PERCENT: f64 = 5.0;
    let is_5xx = |check: &&Check| !check.healthy && check.status.is_some_and(|status| status >= 500);
    let failing: Vec<&Check> =
        ["page", "asset"].into_iter().filter_map(|name| evidence.check(name)).filter(is_5xx).collect();
    let rate =
        evidence.recent(name::CDN_5XX_RATE).and_then(|rate| Some((rate, mean(rate.last_minutes(15))?)));
    let requests = evidence.recent(name::CDN_REQUESTS).and_then(|requests| mean(requests.last_minutes(15)));
    let rate =
        rate.filter(|(_, now)| *now >= HIGH_PERCENT && requests.is_some_and(|many| many >= ENOUGH_REQUESTS));
    if failing.is_empty() && rate.is_none() {
        return None;
    }
    // CloudFront may pass on the API's errors: then they are the API's.
    let mut api = evidence.probe.iter().flat_map(|probe| &probe.checks);
    let confidence = if api.any(|check| check.name.starts_with("health") && !check.healthy) {
        Possible
    } else if failing.is_empty() {
        Likely
    } else {
        Certain
    };
    let what = match (failing.first(), rate) {
        (Some(check), _) => {
            format!(
                "the front end's {} answers {}: CloudFront's origin fails",
                check.name,
                check.status.unwrap_or_default()
            )
        }
        (None, Some((_, now))) => {
            format!("CloudFront answers {now:.0} % of the requests with 5xx: its origin fails")
        }
        (None, None) => return None,
    };
    let is_down = failing.iter().any(|check| check.name == "page");
    let mut finding = Finding::new(confidence, if is_down { Down } else { Degraded }, what);
    for check in &failing {
        finding = finding
            .fact("health probe", check.url.clone(), check.status.unwrap_or_default().to_string())
            .at(evidence.probe.as_ref().map(|probe| probe.at));
    }
    if let Some((series, now)) = rate {
        finding = finding
            .fact("CloudWatch, CloudFront 5xxErrorRate", "5xx of the last 15 minutes", format!("{now:.1} %"))
            .against(format!("{HIGH_PERCENT} %"))
            .at(series.newest_at());
    }
    Some(finding.next(
        DevOps,
        "ask the origin itself: aws cloudfront get-distribution-config --id <distribution> --query 'DistributionConfig.Origins.Items[].DomainName', then curl -sI https://<origin>/; correct what fails there (the server, its certificate, its security group); nothing need be invalidated, as CloudFront keeps errors for 10 s unless told otherwise",
    ))
}

fn invalidation_in_progress(evidence: &Evidence) -> Option<Finding> {
    /// Most end within two minutes.
    const LONG_MINUTES: i64 = 15;
    /// By then it does not end by itself.
    const TOO_LONG_MINUTES: i64 = 60;
    let distribution = evidence.distribution.as_ref()?;
    let started = distribution.invalidations.iter().filter_map(|one| Some((one, one.created_at?)));
    let (oldest, at) = started.min_by_key(|(_, at)| *at)?;
    let minutes = evidence.ago(at).as_mins();
    if minutes <= LONG_MINUTES {
        return None;
    }
    let next = if minutes < TOO_LONG_MINUTES {
        format!(
            "see how it stands every 15 minutes and send no others meanwhile, as CloudFront takes 15 wildcard paths at a time; {TOO_LONG_MINUTES} minutes after it began look at the AWS Health Dashboard and open a case with AWS"
        )
    } else {
        format!(
            "open a case with AWS now, with the distribution's id and {}; the AWS Health Dashboard may have CloudFront's trouble already",
            oldest.id
        )
    };
    Some(
        Finding::new(
            Certain,
            Risk,
            format!(
                "the invalidation {} has been going on for {minutes} min: some users still get old content",
                oldest.id
            ),
        )
        .since(Some(at))
        .fact(
            "CloudFront, invalidations",
            format!("invalidation {}", oldest.id),
            format!("in progress for {minutes} min"),
        )
        .against(format!("{LONG_MINUTES} min"))
        .at(Some(at))
        .fact(
            "CloudFront, distribution",
            format!("distribution {}", distribution.id),
            distribution.status.clone(),
        )
        .next(Aws, next)
        .send(Ask::LookAtInvalidation { id: oldest.id.clone() }),
    )
}

fn asset_not_cached(evidence: &Evidence) -> Option<Finding> {
    let asset = evidence.check("asset").filter(|asset| asset.healthy)?;
    let header = asset.cache.as_ref()?.cache_control.as_deref()?;
    let directives: Vec<String> = header.split(',').map(|one| one.trim().to_ascii_lowercase()).collect();
    let is_kept_by_cloudfront = directives
        .iter()
        .filter_map(|one| one.strip_prefix("s-maxage="))
        .any(|seconds| seconds.trim_matches('"').parse().is_ok_and(|seconds: u64| seconds > 0));
    let forbids = |one: &&String| matches!(one.as_str(), "no-cache" | "no-store" | "max-age=0");
    let forbidden = directives.iter().find(forbids)?;
    if is_kept_by_cloudfront && forbidden != "no-store" {
        return None;
    }
    Some(
        Finding::new(
            Certain,
            Untidy,
            format!("the asset {} says `{forbidden}`: each visit asks the origin for it again", asset.url),
        )
        .fact("health probe, asset", "Cache-Control", header)
        .at(evidence.probe.as_ref().map(|probe| probe.at))
        .next(
            Development,
            "if the files' names have a hash, upload them so that they are kept: aws s3 cp <build-folder>/assets s3://<bucket>/assets --recursive --cache-control 'public, max-age=31536000, immutable', the page alone with no-cache; set the same in the buildspec",
        )
        .helped(format!(
            "curl -sI {} shows the new Cache-Control once the cache is cleared: send cache-invalidation {{\"paths\": [\"/assets/*\"]}}",
            asset.url
        )),
    )
}

/// An origin that hides its files answers 403 for one that is not there; one for an application of a single page
/// answers its page, and the probe finds that wrong.
fn is_not_there(asset: &Check) -> bool {
    !asset.healthy
        && match asset.status {
            Some(403 | 404) => true,
            Some(200) => {
                let is_the_page =
                    asset.findings.iter().any(|found| found.code.as_deref() == Some("not_the_file"));
                is_the_page || asset.spoilt().is_none()
            }
            _ => false,
        }
}

pub(super) fn deploy_again(evidence: &Evidence) -> String {
    let build = newest_success(evidence).map_or("<build-id>", |build| build.id.as_str());
    format!("deploy the front end again: aws codebuild retry-build --id {build}")
}

fn newest_success(evidence: &Evidence) -> Option<&Build> {
    evidence.builds.iter().flatten().find(|build| build.status == "SUCCEEDED")
}

struct Rise<'a> {
    build: &'a Build,
    before: f64,
    now: f64,
}

/// Whether more requests are answered with 4xx since the newest build of the last hours.
fn rise_since_build(evidence: &Evidence) -> Option<Rise<'_>> {
    /// Robots that try addresses make a percent or two.
    const HIGH_PERCENT: f64 = 5.0;
    const TIMES: f64 = 3.0;
    /// Two values at least since the build, and two hours before it.
    const MINUTES: std::ops::RangeInclusive<i64> = 10..=600;
    let build = newest_success(evidence)?;
    let minutes = evidence.ago(build.ended_at?).as_mins();
    let rate = evidence.recent(name::CDN_4XX_RATE)?;
    let requests = mean(evidence.recent(name::CDN_REQUESTS)?.last_minutes(15))?;
    if !MINUTES.contains(&minutes) || requests < ENOUGH_REQUESTS {
        return None;
    }
    let before = median(rate.before_minutes(minutes))?;
    let since = median(rate.last_minutes(minutes))?;
    let now = median(rate.last_minutes(15))?;
    let high = HIGH_PERCENT.max(before * TIMES);
    (since >= high && now >= high).then_some(Rise { build, before, now })
}

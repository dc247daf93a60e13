//! CloudFront's invalidations, as AWS does them and the local AWS does not: they take time, there is a limit to
//! what is under way at once, and paths that are wrong are refused.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, StatusCode};
use jiff::Timestamp;

use super::call::Call;
use super::{Answer, wire};
use crate::names::ACCOUNT;

/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html>
const FILES_IN_PROGRESS: usize = 3_000;
const WILDCARDS_IN_PROGRESS: usize = 15;
const MAX_PATH_LENGTH: usize = 4_000;

/// The distribution in front of the front end.
pub const DISTRIBUTION: &str = "E1234567890ABC";

/// The one distribution's invalidations; every clone sees the same.
#[derive(Debug, Clone, Default)]
pub struct CloudFront {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The newest last.
    invalidations: Vec<Kept>,
    takes: Duration,
    refusals: usize,
}

#[derive(Debug)]
struct Kept {
    invalidation: Invalidation,
    sent: Instant,
    takes: Duration,
}

/// One invalidation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalidation {
    pub id: String,
    pub caller_reference: String,
    pub paths: Vec<String>,
    pub created_at: Timestamp,
    pub completed: bool,
}

impl CloudFront {
    /// How long invalidations take from now on, those under way too.
    pub fn set_time(&self, takes: Duration) {
        let mut inner = self.lock();
        inner.takes = takes;
        for kept in &mut inner.invalidations {
            if !kept.is_completed() {
                kept.takes = takes;
            }
        }
    }

    /// The next so many requests are too many.
    pub fn refuse(&self, requests: usize) {
        self.lock().refusals = requests;
    }

    /// An invalidation that somebody else sent.
    pub fn add(&self, caller_reference: &str, paths: &[&str]) -> String {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        self.lock().create(caller_reference.to_owned(), paths).id
    }

    /// All of them, the newest last.
    /// Forgets all invalidations, and the references that they were asked for with.
    pub fn clear(&self) {
        self.lock().invalidations.clear();
    }

    pub fn invalidations(&self) -> Vec<Invalidation> {
        self.lock().invalidations.iter().map(Kept::now).collect()
    }

    /// Whether an invalidation that was sent after `cached` and has come to its end covers `path`.
    pub fn has_cleared(&self, path: &str, cached: Instant) -> bool {
        let inner = self.lock();
        inner.invalidations.iter().any(|kept| {
            kept.sent >= cached
                && kept.is_completed()
                && kept.invalidation.paths.iter().any(|cleared| match cleared.strip_suffix('*') {
                    Some(stem) => path.starts_with(stem),
                    None => path == cleared,
                })
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing when it is not about invalidations.
    pub(super) fn answer(&self, call: &Call, parts: &http::request::Parts, body: &Bytes) -> Option<Answer> {
        let path = parts.uri.path();
        if measured(path) == Some(DISTRIBUTION) && parts.method == Method::GET {
            let message = "A monitoring subscription does not exist for the specified distribution.";
            return Some(wire::error(call, StatusCode::NOT_FOUND, "NoSuchMonitoringSubscription", message));
        }
        let (distribution, id) = match described(path) {
            Some(distribution) if parts.method == Method::GET => (distribution, None),
            _ => addressed(path)?,
        };
        if distribution != DISTRIBUTION {
            let message = "The specified distribution does not exist.";
            return Some(wire::error(call, StatusCode::NOT_FOUND, "NoSuchDistribution", message));
        }
        let mut inner = self.lock();
        if described(path).is_some() {
            return Some(wire::xml(StatusCode::OK, inner.distribution()));
        }
        Some(match (&parts.method, id) {
            (&Method::POST, None) => inner.create_as_asked(call, body),
            (&Method::GET, None) => wire::xml(StatusCode::OK, inner.list(parts.uri.query())),
            (&Method::GET, Some(id)) => inner.get(call, id),
            _ => return None,
        })
    }
}

/// The distribution and the invalidation of `/<version>/distribution/<id>/invalidation[/<id>]`.
fn addressed(path: &str) -> Option<(&str, Option<&str>)> {
    let mut parts = path.trim_matches('/').split('/');
    let (_version, distributions) = (parts.next()?, parts.next()?);
    let (distribution, invalidations) = (parts.next()?, parts.next()?);
    (distributions == "distribution" && invalidations == "invalidation").then(|| (distribution, parts.next()))
}

/// The distribution of `/<version>/distribution/<id>`.
fn described(path: &str) -> Option<&str> {
    let mut parts = path.trim_matches('/').split('/').skip(1);
    let (distributions, id) = (parts.next()?, parts.next()?);
    (distributions == "distribution" && parts.next().is_none()).then_some(id)
}

/// The distribution of `/<version>/distributions/<id>/monitoring-subscription`.
fn measured(path: &str) -> Option<&str> {
    let mut parts = path.trim_matches('/').split('/').skip(1);
    let (distributions, id, subscription) = (parts.next()?, parts.next()?, parts.next()?);
    (distributions == "distributions" && subscription == "monitoring-subscription").then_some(id)
}

/// The operation's name as IAM has it.
pub(super) fn operation(method: &Method, path: &str) -> Option<&'static str> {
    if method == Method::GET && described(path).is_some() {
        return Some("GetDistribution");
    }
    if method == Method::GET && measured(path).is_some() {
        return Some("GetMonitoringSubscription");
    }
    let (_, id) = addressed(path)?;
    Some(match (method, id) {
        (&Method::POST, None) => "CreateInvalidation",
        (&Method::GET, None) => "ListInvalidations",
        (&Method::GET, Some(_)) => "GetInvalidation",
        _ => return None,
    })
}

impl Inner {
    fn create_as_asked(&mut self, call: &Call, body: &Bytes) -> Answer {
        let bad = |code: &str, message: &str| wire::error(call, StatusCode::BAD_REQUEST, code, message);
        let body = String::from_utf8_lossy(body);
        let paths = elements(&body, "Path");
        let caller_reference = elements(&body, "CallerReference").pop().unwrap_or_default();
        if paths.is_empty() || caller_reference.is_empty() || !paths.iter().all(|path| is_accepted(path)) {
            return bad("InvalidArgument", "Your request contains one or more invalid invalidation paths.");
        }
        if elements(&body, "Quantity") != [paths.len().to_string()] {
            return bad("InconsistentQuantities", "The value of Quantity and the size of Items don't match.");
        }
        let earlier = self.find(|one| one.caller_reference == caller_reference);
        if let Some(earlier) = earlier {
            let same = earlier.paths == paths;
            return if same {
                wire::xml(StatusCode::CREATED, earlier.as_xml())
            } else {
                let message = "An invalidation batch with this CallerReference already exists.";
                bad("InvalidationBatchAlreadyExists", message)
            };
        }
        if self.refusals > 0 || !self.has_room(&paths) {
            self.refusals = self.refusals.saturating_sub(1);
            let message = "You have exceeded the maximum number of allowable InProgress invalidation batch \
                           requests, or invalidation objects.";
            return bad("TooManyInvalidationsInProgress", message);
        }
        wire::xml(StatusCode::CREATED, self.create(caller_reference, paths).as_xml())
    }

    fn create(&mut self, caller_reference: String, paths: Vec<String>) -> Invalidation {
        let id = format!("I{:013}", self.invalidations.len() + 1);
        let invalidation =
            Invalidation { id, caller_reference, paths, created_at: Timestamp::now(), completed: false };
        let kept = Kept { invalidation, sent: Instant::now(), takes: self.takes };
        let now = kept.now();
        self.invalidations.push(kept);
        now
    }

    /// The newest of those.
    fn find(&self, is_it: impl Fn(&Invalidation) -> bool) -> Option<Invalidation> {
        self.invalidations.iter().rev().find(|kept| is_it(&kept.invalidation)).map(Kept::now)
    }

    fn has_room(&self, paths: &[String]) -> bool {
        let in_progress = self.invalidations.iter().filter(|kept| !kept.is_completed());
        let all: Vec<&String> = in_progress.flat_map(|kept| &kept.invalidation.paths).chain(paths).collect();
        let wildcards = all.iter().filter(|path| path.ends_with('*')).count();
        let asked_wildcards = paths.iter().filter(|path| path.ends_with('*')).count();
        (asked_wildcards == 0 || wildcards <= WILDCARDS_IN_PROGRESS)
            && (asked_wildcards == paths.len() || all.len() - wildcards <= FILES_IN_PROGRESS)
    }

    fn distribution(&self) -> String {
        let under_way = self.invalidations.iter().filter(|kept| !kept.is_completed()).count();
        document(
            "Distribution",
            &format!(
                "<Id>{DISTRIBUTION}</Id><ARN>arn:aws:cloudfront::{ACCOUNT}:distribution/{DISTRIBUTION}</ARN>\
                 <Status>Deployed</Status><LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime>\
                 <InProgressInvalidationBatches>{under_way}</InProgressInvalidationBatches>\
                 <DomainName>d111111abcdef8.cloudfront.net</DomainName><DistributionConfig>\
                 <CallerReference>lendpeak2</CallerReference><Origins><Quantity>1</Quantity><Items><Origin>\
                 <Id>pages</Id><DomainName>lendpeak2-pages.s3.amazonaws.com</DomainName></Origin></Items></Origins>\
                 <DefaultCacheBehavior><TargetOriginId>pages</TargetOriginId>\
                 <ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy></DefaultCacheBehavior>\
                 <Comment>LendPeak2</Comment><Enabled>true</Enabled></DistributionConfig>"
            ),
        )
    }

    /// The newest first.
    fn list(&self, query: Option<&str>) -> String {
        let wanted = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("MaxItems=")));
        let most: usize = wanted.and_then(|most| most.parse().ok()).unwrap_or(100);
        let shown = self.invalidations.iter().rev().take(most).map(|kept| {
            let Invalidation { id, created_at, .. } = &kept.invalidation;
            let status = kept.now().status();
            format!(
                "<InvalidationSummary><Id>{id}</Id><CreateTime>{created_at:.3}</CreateTime>\
                 <Status>{status}</Status></InvalidationSummary>"
            )
        });
        let shown: Vec<String> = shown.collect();
        let truncated = shown.len() < self.invalidations.len();
        document(
            "InvalidationList",
            &format!(
                "<Marker></Marker><MaxItems>{most}</MaxItems><IsTruncated>{truncated}</IsTruncated>\
                 <Quantity>{}</Quantity><Items>{}</Items>",
                shown.len(),
                shown.concat()
            ),
        )
    }

    fn get(&self, call: &Call, id: &str) -> Answer {
        if let Some(one) = self.find(|one| one.id == id) {
            return wire::xml(StatusCode::OK, one.as_xml());
        }
        let message = "The specified invalidation does not exist.";
        wire::error(call, StatusCode::NOT_FOUND, "NoSuchInvalidation", message)
    }
}

impl Kept {
    fn is_completed(&self) -> bool {
        self.sent.elapsed() >= self.takes
    }

    fn now(&self) -> Invalidation {
        Invalidation { completed: self.is_completed(), ..self.invalidation.clone() }
    }
}

impl Invalidation {
    fn status(&self) -> &'static str {
        if self.completed { "Completed" } else { "InProgress" }
    }

    fn as_xml(&self) -> String {
        let Self { id, caller_reference, paths, created_at, .. } = self;
        let items: Vec<String> = paths.iter().map(|path| format!("<Path>{}</Path>", escaped(path))).collect();
        document(
            "Invalidation",
            &format!(
                "<Id>{id}</Id><Status>{}</Status><CreateTime>{created_at:.3}</CreateTime><InvalidationBatch>\
                 <Paths><Quantity>{}</Quantity><Items>{}</Items></Paths>\
                 <CallerReference>{}</CallerReference></InvalidationBatch>",
                self.status(),
                paths.len(),
                items.concat(),
                escaped(caller_reference)
            ),
        )
    }
}

/// By the rules of
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html>.
fn is_accepted(path: &str) -> bool {
    let stem = path.strip_suffix('*').unwrap_or(path);
    path.starts_with('/')
        && path.len() <= MAX_PATH_LENGTH
        && stem.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"*<>#[\\]^`{|}~".contains(&byte))
}

fn document(root: &str, content: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <{root} xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">{content}</{root}>"
    )
}

/// The texts of all elements of a name. What the SDK sends has neither attributes nor comments in them.
pub(super) fn elements(xml: &str, name: &str) -> Vec<String> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(start.as_str())
        .skip(1)
        .filter_map(|rest| Some(unescaped(rest.split_once(end.as_str())?.0)))
        .collect()
}

const ENTITIES: [(&str, &str); 5] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];

fn unescaped(text: &str) -> String {
    ENTITIES.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

fn escaped(text: &str) -> String {
    ENTITIES.iter().rev().fold(text.to_owned(), |text, (entity, character)| text.replace(character, entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalidations_are_told_from_all_else() {
        let path = "/2020-05-31/distribution/E1/invalidation";
        assert_eq!(addressed(path), Some(("E1", None)));
        assert_eq!(addressed(&format!("{path}/I1")), Some(("E1", Some("I1"))));
        assert_eq!(addressed("/2020-05-31/distribution/E1"), None);
        assert_eq!(described("/2020-05-31/distribution/E1"), Some("E1"));
        assert_eq!(described(path), None);
        let subscription = "/2020-05-31/distributions/E1/monitoring-subscription";
        assert_eq!((measured(subscription), measured(path)), (Some("E1"), None));
        assert_eq!(operation(&Method::GET, subscription), Some("GetMonitoringSubscription"));
        assert_eq!(operation(&Method::POST, path), Some("CreateInvalidation"));
        assert_eq!(operation(&Method::GET, path), Some("ListInvalidations"));
    }

    #[test]
    fn texts_go_into_xml_and_back() {
        let text = "/a?b='1'&c=\"<2>\"&amp;";
        assert_eq!(unescaped(&escaped(text)), text);
        assert_eq!(elements("<A><Path>/a&amp;b</Path><Path>/c</Path></A>", "Path"), ["/a&b", "/c"]);
    }

    #[test]
    fn a_completed_invalidation_clears_what_was_cached_before_it() {
        let cloudfront = CloudFront::default();
        let cached = Instant::now();
        cloudfront.set_time(Duration::from_mins(1));
        cloudfront.add("r", &["/assets/*"]);
        assert!(!cloudfront.has_cleared("/assets/main.js", cached));
        cloudfront.set_time(Duration::ZERO);
        assert!(cloudfront.has_cleared("/assets/main.js", cached));
        assert!(!cloudfront.has_cleared("/index.html", cached));
        assert!(!cloudfront.has_cleared("/assets/main.js", Instant::now()));
    }
}

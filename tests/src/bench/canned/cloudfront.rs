//! A distribution whose invalidations are completed as soon as they are looked at, as REST-XML.

use std::fmt::Write;

use http::request::Parts;
use http::{Method, Response, StatusCode};
use jiff::Timestamp;

use super::{Body, typed};

const PATH: &str = "/2020-05-31/distribution/";
const NAMESPACE: &str = "xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"";
/// The id of what a run creates.
const NEW: &str = "IBENCHMARKBENCHMARKBENCHMA";
/// A page of CloudFront's list, which goes back for years.
const EARLIER: usize = 100;

/// What `CreateInvalidation` has begun.
#[derive(Debug, Clone)]
pub(super) struct Invalidation {
    /// Paths and caller reference: the XML that was sent.
    batch: String,
    created_at: Timestamp,
}

impl Invalidation {
    fn xml(&self, status: &str) -> String {
        let Self { batch, created_at } = self;
        format!(
            "<Invalidation {NAMESPACE}><Id>{NEW}</Id><Status>{status}</Status>\
             <CreateTime>{created_at:.3}</CreateTime>{batch}</Invalidation>"
        )
    }
}

pub(super) fn answer(
    parts: &Parts,
    body: &[u8],
    changed: &mut Option<Invalidation>,
) -> Option<Response<Body>> {
    let (_, rest) = parts.uri.path().strip_prefix(PATH)?.split_once("/invalidation")?;
    match (&parts.method, rest.trim_start_matches('/')) {
        (&Method::POST, "") => {
            let body = std::str::from_utf8(body).ok()?;
            let batch = body.get(body.find("<InvalidationBatch")?..)?.to_owned();
            let invalidation = Invalidation { batch, created_at: Timestamp::now() };
            let mut answer = typed("text/xml", invalidation.xml("InProgress"));
            *answer.status_mut() = StatusCode::CREATED;
            *changed = Some(invalidation);
            Some(answer)
        }
        (&Method::GET, "") => Some(typed("text/xml", list(changed.as_ref()))),
        (&Method::GET, NEW) => Some(typed("text/xml", changed.as_ref()?.xml("Completed"))),
        _ => None,
    }
}

/// The newest first.
fn list(new: Option<&Invalidation>) -> String {
    let mut items = String::new();
    let mut add = |id: &str, created_at: &str| {
        // Writing to a String cannot fail.
        let _ = write!(
            items,
            "<InvalidationSummary><Id>{id}</Id><CreateTime>{created_at}</CreateTime>\
             <Status>Completed</Status></InvalidationSummary>"
        );
    };
    if let Some(new) = new {
        add(NEW, &format!("{:.3}", new.created_at));
    }
    let room = EARLIER - usize::from(new.is_some());
    for number in 0..room {
        add(&format!("I{number:025}"), "2026-09-21T13:33:20.125Z");
    }
    format!(
        "<InvalidationList {NAMESPACE}><Marker></Marker><MaxItems>{EARLIER}</MaxItems>\
         <IsTruncated>false</IsTruncated><Quantity>{EARLIER}</Quantity><Items>{items}</Items></InvalidationList>"
    )
}

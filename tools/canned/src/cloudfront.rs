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
    let path = parts.uri.path().strip_prefix(PATH)?;
    let Some((_, rest)) = path.split_once("/invalidation") else {
        return Some(typed("text/xml", distribution(path)));
    };
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

fn distribution(id: &str) -> String {
    let methods = "<AllowedMethods><Quantity>2</Quantity><Items><Method>GET</Method><Method>HEAD</Method></Items>\
                   <CachedMethods><Quantity>2</Quantity><Items><Method>GET</Method><Method>HEAD</Method></Items>\
                   </CachedMethods></AllowedMethods>";
    format!(
        "<Distribution {NAMESPACE}><Id>{id}</Id><ARN>arn:aws:cloudfront::123456789012:distribution/{id}</ARN>\
         <Status>Deployed</Status><LastModifiedTime>2026-09-21T13:33:20.125Z</LastModifiedTime>\
         <InProgressInvalidationBatches>0</InProgressInvalidationBatches>\
         <DomainName>d111111abcdef8.cloudfront.net</DomainName><DistributionConfig>\
         <CallerReference>lendpeak2</CallerReference><Aliases><Quantity>1</Quantity><Items>\
         <CNAME>app.lendpeak.com</CNAME></Items></Aliases><DefaultRootObject>index.html</DefaultRootObject>\
         <Origins><Quantity>1</Quantity><Items><Origin><Id>frontend</Id>\
         <DomainName>lendpeak2-production-frontend.s3.us-east-1.amazonaws.com</DomainName><OriginPath></OriginPath>\
         <S3OriginConfig><OriginAccessIdentity></OriginAccessIdentity></S3OriginConfig>\
         <ConnectionAttempts>3</ConnectionAttempts><ConnectionTimeout>10</ConnectionTimeout></Origin></Items></Origins>\
         <DefaultCacheBehavior><TargetOriginId>frontend</TargetOriginId>\
         <ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy>{methods}<Compress>true</Compress>\
         <CachePolicyId>658327ea-f89d-4fab-a63d-7e88639e58f6</CachePolicyId></DefaultCacheBehavior>\
         <Comment>LendPeak2</Comment><PriceClass>PriceClass_100</PriceClass><Enabled>true</Enabled>\
         <HttpVersion>http2and3</HttpVersion><IsIPV6Enabled>true</IsIPV6Enabled></DistributionConfig></Distribution>"
    )
}

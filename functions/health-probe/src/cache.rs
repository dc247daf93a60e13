//! The cache headers of the front end: what CloudFront and browsers keep, and for how long.

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, ETAG};
use shared::probe::Cache;

use crate::finding::{Finding, header, list};

/// A browser that holds the page longer than this shows the old front end after a deployment. Only the
/// browser's copy counts (`max-age`): CloudFront's (`s-maxage`) can be invalidated.
const MAX_PAGE_AGE_SECONDS: u64 = 300;

pub fn read(headers: &HeaderMap) -> Cache {
    Cache {
        cache_control: header(headers, CACHE_CONTROL),
        age: header(headers, AGE),
        etag: header(headers, ETAG),
        x_cache: header(headers, "x-cache"),
    }
}

pub fn judge_page(headers: &HeaderMap) -> Vec<Finding> {
    if has(headers, "no-cache") || has(headers, "no-store") {
        return Vec::new();
    }
    match max_age(headers) {
        Some(seconds) if seconds > MAX_PAGE_AGE_SECONDS => vec![Finding::warning(format!(
            "browsers keep the page for {seconds} s: after a deployment users see the old one for that long"
        ))],
        _ => Vec::new(),
    }
}

pub fn judge_asset(headers: &HeaderMap) -> Vec<Finding> {
    if headers.contains_key(CACHE_CONTROL) {
        return Vec::new();
    }
    vec![Finding::warning("the asset has no Cache-Control: caches guess how long to keep it")]
}

fn has(headers: &HeaderMap, directive: &str) -> bool {
    list(headers, CACHE_CONTROL).any(|entry| entry.eq_ignore_ascii_case(directive))
}

fn max_age(headers: &HeaderMap) -> Option<u64> {
    list(headers, CACHE_CONTROL).find_map(|entry| {
        let (name, seconds) = entry.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| seconds.trim().trim_matches('"').parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect()
    }

    #[track_caller]
    fn page(cache_control: &'static str, warned: bool) {
        let findings = judge_page(&headers(&[("cache-control", cache_control)]));
        assert_eq!(!findings.is_empty(), warned, "{cache_control}: {findings:?}");
    }

    #[test]
    fn a_page_that_browsers_keep_long_is_warned_about() {
        page("max-age=31536000, immutable", true);
        page("public, Max-Age=301", true);
        page("max-age=300", false);
        page("no-cache, max-age=31536000", false);
        page("no-store", false);
        page("max-age=60, s-maxage=86400", false);
        page("max-age=many", false);
        assert_eq!(judge_page(&HeaderMap::new()), []);
    }

    #[test]
    fn an_asset_without_cache_control_is_warned_about() {
        let findings = judge_asset(&headers(&[("etag", "\"abc\"")]));
        assert_eq!(findings.iter().map(|finding| finding.severity).collect::<Vec<_>>(), [Severity::Warning]);
        assert_eq!(judge_asset(&headers(&[("cache-control", "no-cache")])), []);
    }

    #[test]
    fn the_cache_headers_are_reported() {
        let cache = read(&headers(&[
            ("cache-control", "max-age=60"),
            ("age", "12"),
            ("etag", "\"abc\""),
            ("x-cache", "Hit from cloudfront"),
        ]));
        assert_eq!(
            cache,
            Cache {
                cache_control: Some("max-age=60".to_owned()),
                age: Some("12".to_owned()),
                etag: Some("\"abc\"".to_owned()),
                x_cache: Some("Hit from cloudfront".to_owned()),
            }
        );
    }
}

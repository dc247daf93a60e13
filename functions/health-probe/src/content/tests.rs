use http::{HeaderName, HeaderValue};

use super::*;
use crate::finding::Severity;

type Headers<'a> = &'a [(&'static str, &'static str)];

const NOSNIFF: (&str, &str) = ("x-content-type-options", "nosniff");

fn answer(headers: Headers, status: u16, is_blank: bool) -> Answer {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let bytes = u64::from(!is_blank);
    Answer { status, headers: map, bytes, truncated: false, is_blank, verdict: None }
}

#[track_caller]
fn asset(path: &str, headers: Headers, code: Option<&str>) {
    let findings = judge_asset(&answer(headers, 200, false), path);
    let codes: Vec<_> = findings.iter().map(|found| (found.severity, found.code.as_deref())).collect();
    let expected: Vec<_> = code.map(|code| (Severity::Failure, Some(code))).into_iter().collect();
    assert_eq!(codes, expected, "{path} {headers:?}: {findings:?}");
}

#[track_caller]
fn script(content_type: &'static str, code: Option<&str>) {
    asset("/assets/main.js", &[("content-type", content_type)], code);
    asset("/assets/MAIN.MJS", &[("content-type", content_type)], code);
}

#[test]
fn a_script_is_taken_only_as_javascript() {
    for essence in JAVASCRIPT {
        script(essence, None);
    }
    script("text/javascript; charset=utf-8", None);
    script("Application/JavaScript;charset=\"utf-8\"", None);
    for wrong in [
        "binary/octet-stream",
        "application/octet-stream",
        "text/plain",
        "application/json",
        "text/css",
        "application/xml",
        "javascript",
        "*/*",
        "",
    ] {
        script(wrong, Some("content_type"));
    }
    asset("/assets/main.js", &[], Some("content_type"));
    asset("/assets/main.js", &[NOSNIFF], Some("content_type"));
}

#[test]
fn of_several_types_the_last_counts() {
    let types = |first, last| [("content-type", first), ("content-type", last)];
    asset("/a.js", &types("text/plain", "text/javascript"), None);
    asset("/a.js", &types("text/javascript", "text/plain"), Some("content_type"));
    asset("/a.js", &types("text/javascript", "nonsense"), None);
    asset("/a.js", &[("content-type", "text/plain, text/javascript")], None);
}

#[test]
fn a_stylesheet_is_guessed_only_where_nothing_forbids_it() {
    asset("/a.css", &[("content-type", "text/css; charset=utf-8")], None);
    asset("/a.css", &[("content-type", "text/plain")], Some("content_type"));
    asset("/a.css", &[("content-type", "binary/octet-stream"), NOSNIFF], Some("content_type"));
    asset("/a.css", &[], None);
    asset("/a.css", &[NOSNIFF], Some("content_type"));
    asset("/a.css", &[("x-content-type-options", "NoSniff")], Some("content_type"));
}

#[test]
fn other_files_may_be_of_any_type() {
    asset("/logo.svg", &[("content-type", "binary/octet-stream")], None);
    asset("/main.js.map", &[], None);
}

#[test]
fn a_page_in_place_of_an_asset_is_not_the_file() {
    let page = [("content-type", "text/html; charset=utf-8")];
    asset("/assets/main.js", &page, Some("not_the_file"));
    asset("/logo.svg", &page, Some("not_the_file"));
    asset("/about.html", &page, None);
    asset("/", &page, None);
}

#[track_caller]
fn page(headers: Headers, code: Option<&str>) {
    let findings = judge_page(&answer(headers, 200, false));
    assert_eq!(
        findings.iter().map(|found| found.code.as_deref()).collect::<Vec<_>>(),
        code.map(Some).into_iter().collect::<Vec<_>>()
    );
}

#[test]
fn a_page_that_browsers_save_or_show_as_text_is_none() {
    page(&[("content-type", "text/html")], None);
    page(&[("content-type", "application/xhtml+xml")], None);
    page(&[], None);
    page(&[("content-type", "text/plain")], Some("content_type"));
    page(&[("content-type", "binary/octet-stream")], Some("content_type"));
    page(&[NOSNIFF], Some("content_type"));
}

#[test]
fn what_is_empty_is_found_where_a_body_is_to_be() {
    let script = [("content-type", "text/javascript")];
    let codes =
        |findings: Vec<Finding>| findings.into_iter().filter_map(|found| found.code).collect::<Vec<_>>();
    assert_eq!(codes(judge_asset(&answer(&script, 200, true), "/a.js")), ["empty"]);
    assert_eq!(codes(judge_page(&answer(&[], 200, true))), ["empty"]);
    for status in [204, 205] {
        assert_eq!(codes(judge_page(&answer(&[], status, true))), [""; 0]);
        assert_eq!(codes(judge_asset(&answer(&script, status, true), "/a.js")), [""; 0]);
    }
}

#[test]
fn the_type_is_told() {
    let told = |headers: Headers, path| judge_asset(&answer(headers, 200, false), path).remove(0).message;
    assert_eq!(
        told(&[("content-type", "binary/octet-stream")], "/a.js"),
        "the script is sent as `binary/octet-stream`: browsers run a module only as `text/javascript`"
    );
    assert_eq!(
        told(&[NOSNIFF], "/a.css"),
        "the stylesheet is sent without a Content-Type, and with nosniff: browsers apply it only as `text/css`"
    );
}

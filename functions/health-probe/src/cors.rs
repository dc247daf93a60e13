//! Whether a browser would let the front end's login through: the answer to the CORS preflight, judged as
//! the Fetch standard says (<https://fetch.spec.whatwg.org/#http-cors-protocol>).

use http::HeaderMap;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
};
use shared::probe::Cors;

use crate::finding::{Finding, joined, list};

/// Judges the answer to a preflight for a `POST` with `Content-Type` from `origin`.
pub fn judge(headers: &HeaderMap, origin: &str) -> (Cors, Vec<Finding>) {
    let allow_origin = joined(headers, ACCESS_CONTROL_ALLOW_ORIGIN);
    // Exactly `true`, in lower case.
    let credentials = joined(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS).as_deref() == Some("true");
    let any_origin = allow_origin.as_deref() == Some("*");
    // With credentials, `*` is a name like any other and allows nothing.
    let lists = |name, wanted: &str| {
        list(headers, name).any(|entry| entry.eq_ignore_ascii_case(wanted) || (entry == "*" && !credentials))
    };
    let cors = Cors {
        origin_allowed: allow_origin.as_deref() == Some(origin) || (any_origin && !credentials),
        method_allowed: lists(ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        header_allowed: lists(ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type"),
        credentials_allowed: credentials && !any_origin,
        allow_origin,
    };
    let findings = findings(&cors, any_origin && credentials, origin);
    (cors, findings)
}

fn findings(cors: &Cors, any_with_credentials: bool, origin: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if any_with_credentials {
        findings.push(Finding::failure(
            "CORS answers `*` together with credentials, which browsers refuse: set CORS_ORIGIN to the app's origin",
        ));
    } else if let Some(several) = cors.allow_origin.as_deref().filter(|origin| origin.contains(',')) {
        findings.push(Finding::failure(format!(
            "CORS answers with more than one origin, `{several}`, and browsers refuse that even where all are the same: \
             let either the backend or what is before it set Access-Control-Allow-Origin, and with one value"
        )));
    } else if !cors.origin_allowed {
        let answered =
            cors.allow_origin.as_deref().map_or("no origin".to_owned(), |other| format!("`{other}`"));
        findings.push(Finding::failure(format!(
            "CORS allows {answered}, not `{origin}`: check CORS_ORIGIN of the backend"
        )));
    }
    if !cors.header_allowed {
        findings.push(Finding::failure(
            "CORS does not allow the header Content-Type: browsers block the login's JSON",
        ));
    }
    if !cors.method_allowed {
        // POST is a CORS-safelisted method: no list is needed for it.
        findings.push(Finding::warning(
            "CORS does not list the method POST: browsers send it even so, other methods they would block",
        ));
    }
    if !cors.credentials_allowed && !any_with_credentials {
        findings.push(Finding::warning(
            "CORS does not allow credentials: browsers keep cookies and sign-in headers back",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    const ORIGIN: &str = "https://app.lendpeak.com";

    /// The order: origin, method, header, credentials.
    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], allowed: [bool; 4], severities: &[Severity]) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, http::HeaderValue::from_static(value));
        }
        let (cors, findings) = judge(&map, ORIGIN);
        let seen = [cors.origin_allowed, cors.method_allowed, cors.header_allowed, cors.credentials_allowed];
        assert_eq!(seen, allowed, "{cors:?}");
        assert_eq!(findings.iter().map(|finding| finding.severity).collect::<Vec<_>>(), severities);
    }

    const ALLOW_ORIGIN: (&str, &str) = ("access-control-allow-origin", ORIGIN);
    const ALLOW_METHODS: (&str, &str) = ("access-control-allow-methods", "GET,POST,PUT,DELETE,OPTIONS");
    const ALLOW_HEADERS: (&str, &str) = ("access-control-allow-headers", "content-type, Authorization");
    const ALLOW_CREDENTIALS: (&str, &str) = ("access-control-allow-credentials", "true");

    #[test]
    fn the_guides_configuration_is_allowed() {
        check(&[ALLOW_ORIGIN, ALLOW_METHODS, ALLOW_HEADERS, ALLOW_CREDENTIALS], [true; 4], &[]);
    }

    #[test]
    fn a_list_may_come_in_several_headers() {
        let methods = [("access-control-allow-methods", "GET"), ("access-control-allow-methods", "POST")];
        let headers = [&[ALLOW_ORIGIN, ALLOW_HEADERS, ALLOW_CREDENTIALS], methods.as_slice()].concat();
        check(&headers, [true; 4], &[]);
    }

    #[test]
    fn no_cors_headers_block_everything() {
        use Severity::{Failure, Warning};
        check(&[], [false; 4], &[Failure, Failure, Warning, Warning]);
    }

    #[test]
    fn another_origin_is_a_failure() {
        for other in
            ["https://staging.lendpeak.com", "http://app.lendpeak.com", "https://app.lendpeak.com/", "null"]
        {
            check(
                &[("access-control-allow-origin", other), ALLOW_METHODS, ALLOW_HEADERS, ALLOW_CREDENTIALS],
                [false, true, true, true],
                &[Severity::Failure],
            );
        }
    }

    #[test]
    fn more_than_one_origin_is_a_failure_in_whatever_way_it_comes() {
        let name = "access-control-allow-origin";
        for [first, second] in [[ORIGIN, ORIGIN], [ORIGIN, "*"], ["*", ORIGIN], ["*", "*"], ["null", ORIGIN]]
        {
            let twice = [(name, first), (name, second), ALLOW_METHODS, ALLOW_HEADERS];
            check(&twice, [false, true, true, false], &[Severity::Failure, Severity::Warning]);
            let with = [twice.as_slice(), &[ALLOW_CREDENTIALS]].concat();
            check(&with, [false, true, true, true], &[Severity::Failure]);
        }
        for one in [
            "https://app.lendpeak.com, https://app.lendpeak.com",
            "https://app.lendpeak.com,https://other.lendpeak.com",
            "https://app.lendpeak.com,",
        ] {
            check(
                &[(name, one), ALLOW_METHODS, ALLOW_HEADERS, ALLOW_CREDENTIALS],
                [false, true, true, true],
                &[Severity::Failure],
            );
        }
    }

    #[test]
    fn all_that_browsers_see_of_two_origins_is_told() {
        let mut headers = HeaderMap::new();
        for origin in [ORIGIN, "*"] {
            headers.append("access-control-allow-origin", http::HeaderValue::from_static(origin));
        }
        let (cors, findings) = judge(&headers, ORIGIN);
        assert_eq!(cors.allow_origin.as_deref(), Some("https://app.lendpeak.com, *"));
        assert!(
            findings[0].message.contains("more than one origin, `https://app.lendpeak.com, *`"),
            "{findings:?}"
        );
    }

    #[test]
    fn any_origin_is_allowed_without_credentials_only() {
        let any = ("access-control-allow-origin", "*");
        check(&[any, ALLOW_METHODS, ALLOW_HEADERS], [true, true, true, false], &[Severity::Warning]);
        check(
            &[any, ALLOW_METHODS, ALLOW_HEADERS, ALLOW_CREDENTIALS],
            [false, true, true, false],
            &[Severity::Failure],
        );
    }

    #[test]
    fn a_star_in_a_list_counts_without_credentials_only() {
        let stars = [("access-control-allow-methods", "*"), ("access-control-allow-headers", "*")];
        let without = [&[ALLOW_ORIGIN], stars.as_slice()].concat();
        check(&without, [true, true, true, false], &[Severity::Warning]);
        let with = [without.as_slice(), &[ALLOW_CREDENTIALS]].concat();
        check(&with, [true, false, false, true], &[Severity::Failure, Severity::Warning]);
    }

    #[test]
    fn a_missing_header_blocks_and_a_missing_post_only_warns() {
        check(
            &[
                ALLOW_ORIGIN,
                ALLOW_METHODS,
                ("access-control-allow-headers", "Authorization"),
                ALLOW_CREDENTIALS,
            ],
            [true, true, false, true],
            &[Severity::Failure],
        );
        check(
            &[ALLOW_ORIGIN, ("access-control-allow-methods", "GET"), ALLOW_HEADERS, ALLOW_CREDENTIALS],
            [true, false, true, true],
            &[Severity::Warning],
        );
    }

    #[test]
    fn credentials_must_say_true_exactly() {
        check(
            &[ALLOW_ORIGIN, ALLOW_METHODS, ALLOW_HEADERS, ("access-control-allow-credentials", "True")],
            [true, true, true, false],
            &[Severity::Warning],
        );
        let twice = [ALLOW_ORIGIN, ALLOW_METHODS, ALLOW_HEADERS, ALLOW_CREDENTIALS, ALLOW_CREDENTIALS];
        check(&twice, [true, true, true, false], &[Severity::Warning]);
    }
}

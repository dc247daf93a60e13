use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { paths: 15, wildcards: 5 };

fn of(asked: &[&str]) -> Result<Paths, BadPath> {
    Paths::of(asked.iter().copied(), LIMITS)
}

#[track_caller]
fn sends(asked: &[&str], paths: &[&str]) {
    let of = of(asked).unwrap();
    assert_eq!(
        (of.paths.iter().map(String::as_str).collect::<Vec<_>>(), of.widened),
        (paths.to_vec(), vec![])
    );
}

#[track_caller]
fn widens(asked: &[&str], paths: &[&str], said: &str) {
    let of = of(asked).unwrap();
    assert_eq!((of.paths, of.widened), (strings(paths), vec![said.to_owned()]));
}

#[track_caller]
fn refuses(asked: &[&str], message: &str) {
    assert_eq!(of(asked).unwrap_err().to_string(), message);
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_path_gets_its_leading_slash() {
    sends(&["assets/main.js"], &["/assets/main.js"]);
    sends(&["*"], &["/*"]);
    sends(&["/"], &["/"]);
    sends(&["  /index.html \n"], &["/index.html"]);
}

#[test]
fn what_is_not_safe_in_an_address_is_encoded_and_nothing_else() {
    sends(&["/a b.js"], &["/a%20b.js"]);
    sends(&["/größe.png"], &["/gr%C3%B6%C3%9Fe.png"]);
    sends(&["/a\"b<c>d#e"], &["/a%22b%3Cc%3Ed%23e"]);
    sends(&["/[a]{b}|c^d`e\\f"], &["/%5Ba%5D%7Bb%7D%7Cc%5Ed%60e%5Cf"]);
    sends(&["/a\tb\u{7f}"], &["/a%09b%7F"]);
    sends(&["/A-z_0.9!$&'(),+;:@=?x=1"], &["/A-z_0.9!$&'(),+;:@=?x=1"]);
}

#[test]
fn what_is_encoded_already_stays() {
    sends(&["/a%20b%c3%BC.js"], &["/a%20b%c3%BC.js"]);
    sends(&["/100%", "/50%zz", "/%2"], &["/%252", "/100%25", "/50%25zz"]);
}

#[test]
fn case_counts() {
    sends(&["/Main.js", "/main.js"], &["/Main.js", "/main.js"]);
}

#[test]
fn duplicates_are_sent_once() {
    sends(&["/a.js", "a.js", " /a.js", "/b.js"], &["/a.js", "/b.js"]);
    sends(&["/a b", "/a%20b"], &["/a%20b"]);
    sends(&["/a/*", "/a/**"], &["/a/*"]);
}

#[test]
fn what_a_wildcard_covers_is_not_sent_beside_it() {
    sends(&["/assets/main.js", "/assets/*"], &["/assets/*"]);
    sends(&["/assets/*", "/assets/css/*", "/assets"], &["/assets", "/assets/*"]);
    sends(&["/*", "/a", "/b/*", "/"], &["/*"]);
    sends(&["/a*", "/a", "/ab", "/b"], &["/a*", "/b"]);
    sends(&["/a.js", "/a.js?v=1", "/a.js*"], &["/a.js*"]);
}

#[test]
fn a_wildcard_inside_a_path_is_widened_and_said() {
    widens(
        &["/assets/*.js"],
        &["/assets/*"],
        "`/assets/*.js` became `/assets/*`: a `*` is a wildcard only at the end",
    );
}

#[test]
fn too_many_paths_become_their_common_wildcard() {
    let many: Vec<String> = (0..16).map(|n| format!("/assets/v1/{n}.js")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    widens(
        &many,
        &["/assets/v1/*"],
        "16 paths became their common wildcard, `/assets/v1/*`: 15 are the most in one invalidation",
    );
    assert_eq!(of(&many[..15]).unwrap().paths.len(), 15);
    let mut apart = many.clone();
    apart.push("/index.html");
    widens(
        &apart,
        &["/*"],
        "17 paths became their common wildcard, `/*`: 15 are the most in one invalidation",
    );
}

#[test]
fn too_many_wildcards_become_their_common_one() {
    let six = ["/x/a/*", "/x/b/*", "/x/c/*", "/x/d/*", "/x/e/*", "/x/f/*", "/index.html", "/x/robots.txt"];
    widens(
        &six,
        &["/index.html", "/x/*"],
        "6 wildcards became their common one, `/x/*`: 5 are the most in one invalidation",
    );
    assert_eq!(of(&six[1..]).unwrap().paths.len(), 7);
}

#[test]
fn a_path_that_cannot_be_put_right_is_named() {
    refuses(&[], "`paths` is empty: leave it out to invalidate everything, or name a path");
    refuses(&["/a", " "], "one of `paths` is empty: the root is `/`, and everything is `/*`");
    refuses(
        &["https://app.lendpeak.com/a.js"],
        "`https://app.lendpeak.com/a.js` is an address: send its path alone",
    );
    refuses(&["#release"], "`#release` is a cache tag: send paths, which begin with `/`");
    refuses(
        &["/home/~ada/a.js"],
        "`/home/~ada/a.js` has a `~`, which CloudFront cannot invalidate: send `/home/*`",
    );
    refuses(&["/%7eada"], "`/%7eada` has a `~`, which CloudFront cannot invalidate: send `/*`");
    let long = "é".repeat(667);
    let start: String = long.chars().take(80).collect();
    refuses(
        &[&long],
        &format!("`{start}…` is 4003 characters long as CloudFront takes it, and 4000 are the most"),
    );
    assert!(of(&["a".repeat(3_999).as_str()]).is_ok());
}

/// What CloudFront's documentation asks of the paths of an invalidation.
fn assert_accepted(paths: &[String], limits: Limits) {
    assert!(!paths.is_empty() && paths.len() <= limits.paths, "{paths:?}");
    assert!(paths.iter().filter(|path| path.ends_with('*')).count() <= limits.wildcards, "{paths:?}");
    let distinct: BTreeSet<_> = paths.iter().collect();
    assert_eq!(distinct.len(), paths.len(), "{paths:?}");
    for path in paths {
        assert!(path.starts_with('/') && path.len() <= 4_000, "{path}");
        assert!(!path.trim_end_matches('*').contains('*') && !path.ends_with("**"), "{path}");
        assert!(path.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>#[]\\^`{|}~".contains(&b)), "{path}");
        for (at, _) in path.match_indices('%') {
            assert!(path.as_bytes()[at + 1..at + 3].iter().all(u8::is_ascii_hexdigit), "{path}");
        }
        for other in paths.iter().filter(|other| *other != path) {
            assert!(!covers(path, other), "{path} covers {other}");
        }
    }
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof![".{0,12}", "[/a-c%*~# ]{0,8}", "/(a|b|c)(/(a|b|\\*)){0,3}\\*?", "/[a-z]{1,3}\\*"];
    proptest::collection::vec(text, 0..40)
}

proptest! {
    #[test]
    fn what_is_sent_is_always_accepted_and_clears_what_was_asked(
        asked in texts(),
        paths in 1..20_usize,
        wildcards in 1..6_usize,
    ) {
        let limits = Limits { paths, wildcards };
        if let Ok(sent) = Paths::of(asked.iter().map(String::as_str), limits) {
            assert_accepted(&sent.paths, limits);
            for text in &asked {
                let path = one(text).unwrap().text;
                prop_assert!(sent.paths.iter().any(|sent| covers(sent, &path)), "{path} is not cleared");
            }
            // What was put right needs no more of it.
            let again = Paths::of(sent.paths.iter().map(String::as_str), limits).unwrap();
            prop_assert_eq!(again, Paths { paths: sent.paths, widened: vec![] });
        } else {
            prop_assert!(asked.is_empty() || asked.iter().any(|text| one(text).is_err()));
        }
    }

    #[test]
    fn the_order_of_the_paths_does_not_matter(asked in texts().prop_shuffle()) {
        let mut sorted = asked.clone();
        sorted.sort();
        let sent = |texts: &[String]| Paths::of(texts.iter().map(String::as_str), LIMITS).map(|of| of.paths);
        if let (Ok(one), Ok(other)) = (sent(&asked), sent(&sorted)) {
            prop_assert_eq!(one, other);
        }
    }
}

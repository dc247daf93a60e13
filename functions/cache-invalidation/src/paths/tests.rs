use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const LIMITS: PathLimits = PathLimits { paths: 15, wildcards: 5 };
const OWN: &str = "app.lendpeak.com";

fn of(asked: &[&str]) -> Result<Paths, BadPath> {
    Paths::of(&strings(asked), OWN, LIMITS)
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
    sends(&["/b<c>d"], &["/b%3Cc%3Ed"]);
    sends(&["/[a]{b}|c^d"], &["/%5Ba%5D%7Bb%7D%7Cc%5Ed"]);
    sends(&["/a\u{1}b\u{7f}"], &["/a%01b%7F"]);
    sends(&["/a?b=\"c\"\\d`e"], &["/a?b=%22c%22%5Cd%60e"]);
    sends(&["/A-z_0.9!$&'(),+;:@=?x=1"], &["/A-z_0.9!$&'(),+;:@=?x=1"]);
}

#[test]
fn what_is_encoded_already_stays() {
    sends(&["/a%20b%c3%BC.js"], &["/a%20b%c3%BC.js"]);
    sends(&["/100%", "/50%zz", "/%2"], &["/%252", "/100%25", "/50%25zz"]);
}

#[test]
fn what_is_spelled_in_several_ways_stays_as_it_is() {
    sends(
        &["/bilder/größe.png", "/中文/页.html"],
        &["/%E4%B8%AD%E6%96%87/%E9%A1%B5.html", "/bilder/gr%C3%B6%C3%9Fe.png"],
    );
    sends(&["/bilder/gr%C3%B6ße.png"], &["/bilder/gr%C3%B6%C3%9Fe.png"]);
    sends(&["/%e4%b8%ad.html", "/%E4%B8%AD.html", "/中.html"], &["/%E4%B8%AD.html", "/%e4%b8%ad.html"]);
    sends(&["/img.png?w=100&h=a b"], &["/img.png?w=100&h=a%20b"]);
    sends(&["/posts/[id]"], &["/posts/%5Bid%5D"]);
    refuses(
        &["/static/runtime~main.abc.js"],
        "`/static/runtime~main.abc.js` has a `~`, which CloudFront cannot invalidate: send `/static/*`",
    );
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

#[test]
fn a_mistake_is_named_with_the_request_that_was_probably_meant() {
    refuses(
        &["/index.html /service-worker.js /manifest.json"],
        "`/index.html /service-worker.js /manifest.json` is more than one path: each is a text of its own, and a \
         space in a name is `%20`: send `{\"paths\":[\"/index.html\",\"/service-worker.js\",\"/manifest.json\"]}`",
    );
    refuses(
        &["https://app.lendpeak.com/a.js"],
        "`https://app.lendpeak.com/a.js` is an address: its path alone is sent: send `{\"paths\":[\"/a.js\"]}`",
    );
    refuses(
        &["https://cdn.example.com/größe.png"],
        "`https://cdn.example.com/größe.png` is an address on `cdn.example.com`, and this front end is \
         `app.lendpeak.com` (a folder begins with `/`): send `{\"paths\":[\"/gr%C3%B6%C3%9Fe.png\"]}`",
    );
}

#[test]
fn the_request_that_was_meant_has_the_other_paths_too() {
    let meant = |asked: &[&str]| match of(asked) {
        Err(BadPath::Mistake { meant, .. }) => meant,
        other => panic!("{other:?}"),
    };
    assert_eq!(meant(&["b.js", "/a.js#x", "/~ada/c.js"]), ["/b.js", "/a.js", "/*"]);
    // Nobody can tell what an empty one was to be.
    assert_eq!(meant(&["/a.js#x", ""]), ["/a.js"]);
    assert_eq!(meant(&["//~ada/c.js"]), ["/*"]);
    let many: Vec<String> = (0..200).map(|n| format!("/assets/{n}.js")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain(["/a.js#x"]).collect();
    assert_eq!(meant(&many), ["/a.js"]);
    let long = format!("/{}#x", "a".repeat(2_000));
    assert!(of(&[&long]).unwrap_err().to_string().ends_with("(a wildcard finds a name with a `#` in it)"));
}

#[test]
fn what_is_left_before_a_wildcard_is_looked_at_as_well() {
    refuses(
        &["/a.js,b*c"],
        "`/a.js,b*c` is more than one path: each is a text of its own, and a space in a name is `%20`: send \
         `{\"paths\":[\"/a.js\",\"/b*\"]}`",
    );
}

/// What CloudFront's documentation asks of the paths of an invalidation.
fn assert_accepted(paths: &[String], limits: PathLimits) {
    assert!(!paths.is_empty() && paths.len() <= limits.paths, "{paths:?}");
    assert!(paths.iter().filter(|path| path.ends_with('*')).count() <= limits.wildcards, "{paths:?}");
    let distinct: BTreeSet<_> = paths.iter().collect();
    assert_eq!(distinct.len(), paths.len(), "{paths:?}");
    for path in paths {
        assert!(path.starts_with('/') && path.len() <= 4_000, "{path}");
        assert!(!path.trim_end_matches('*').contains('*') && !path.ends_with("**"), "{path}");
        assert!(path.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>#[]\\^`{|}~".contains(&b)), "{path}");
        assert_can_match(path);
        for (at, _) in path.match_indices('%') {
            assert!(path.as_bytes()[at + 1..at + 3].iter().all(u8::is_ascii_hexdigit), "{path}");
        }
        for other in paths.iter().filter(|other| *other != path) {
            assert!(!covers(path, other), "{path} covers {other}");
        }
    }
}

/// Whether a browser could ask for it.
fn assert_can_match(sent: &str) {
    let (path, _) = sent.split_once('?').unwrap_or((sent, ""));
    let upper = path.to_ascii_uppercase();
    for never in ["//", "%23", "%5C", "%22", "%60", "%2A", "%0A", "%0D", "%09"] {
        assert!(!upper.contains(never), "{sent} has {never}");
    }
    for segment in upper.replace("%2E", ".").split('/') {
        assert!(segment != "." && segment != "..", "{sent}");
        assert!(!segment.starts_with('\'') && !segment.ends_with('\''), "{sent}");
    }
    assert!(!path.to_ascii_lowercase().starts_with("/app.lendpeak.com/"), "{sent}");
}

/// Text in which much is often wrong.
fn odd() -> impl Strategy<Value = String> {
    let parts = [
        "/",
        "/",
        "a",
        "b.js",
        "c.css",
        " ",
        ",",
        ";",
        "\n",
        "\t",
        "\u{a0}",
        "#",
        "%23",
        ".",
        "..",
        "%2e",
        "\\",
        "%5C",
        "'",
        "\"",
        "`",
        "“",
        "%22",
        "%27",
        "%E2%80%99",
        "*",
        "%2A",
        "%2a",
        "?",
        "=",
        "&",
        "~",
        "app.lendpeak.com",
        "https://",
        "s3://",
        "cdn.example.com",
        ":80",
        ":",
        "@",
        "ö",
        "%C3%B6",
        "[",
        "]",
        "[id]",
        "%20",
        "%",
        "2",
        "3",
        "A",
    ];
    proptest::collection::vec(proptest::sample::select(parts.to_vec()), 1..12)
        .prop_map(|parts| parts.concat())
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof![
        ".{0,12}",
        "[/a-c%*~# ]{0,8}",
        "/(a|b|c)(/(a|b|\\*)){0,3}\\*?",
        "/[a-z]{1,3}\\*",
        "/[a-z]{1,3}\\.js",
        odd()
    ];
    proptest::collection::vec(text, 0..40)
}

proptest! {
    #[test]
    fn what_is_sent_is_always_accepted_and_clears_what_was_asked(
        asked in texts(),
        paths in 1..20_usize,
        wildcards in 1..6_usize,
    ) {
        let limits = PathLimits { paths, wildcards };
        // Of many, one is mostly refused.
        let taken: Vec<String> = asked.iter().filter(|text| one(text, OWN).is_ok()).cloned().collect();
        if !taken.is_empty() {
            assert_accepted(&Paths::of(&taken, OWN, limits).unwrap().paths, limits);
        }
        if let Ok(sent) = Paths::of(&asked, OWN, limits) {
            assert_accepted(&sent.paths, limits);
            for text in &asked {
                let path = one(text, OWN).unwrap().text;
                prop_assert!(sent.paths.iter().any(|sent| covers(sent, &path)), "{path} is not cleared");
            }
            // What was put right needs no more of it.
            let again = Paths::of(&sent.paths, OWN, limits).unwrap();
            prop_assert_eq!(again, Paths { paths: sent.paths, widened: vec![] });
        } else {
            prop_assert!(asked.is_empty() || asked.iter().any(|text| one(text, OWN).is_err()));
        }
    }

    #[test]
    fn what_was_probably_meant_is_taken_as_it_is(text in odd()) {
        match one(&text, OWN) {
            Ok(_) => {}
            Err(BadPath::Mistake { meant, .. }) => {
                for path in meant {
                    prop_assert_eq!(one(&path, OWN).map(|one| (one.text, one.widened)), Ok((path.clone(), false)));
                }
            }
            Err(_) => prop_assert!(text.trim().is_empty() || text.trim().starts_with('#') || text.contains(['~'])),
        }
    }

    #[test]
    fn the_order_of_the_paths_does_not_matter(asked in texts().prop_shuffle()) {
        let mut sorted = asked.clone();
        sorted.sort();
        let sent = |texts: &[String]| Paths::of(texts, OWN, LIMITS).map(|of| of.paths);
        if let (Ok(one), Ok(other)) = (sent(&asked), sent(&sorted)) {
            prop_assert_eq!(one, other);
        }
    }
}

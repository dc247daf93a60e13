use super::*;

const OWN: &str = "app.lendpeak.com";

#[track_caller]
fn means(text: &str, mistake: &Mistake, meant: &[&str]) {
    let meant = meant.iter().map(|path| (*path).to_owned()).collect();
    assert_eq!(look(text, OWN), Some((mistake.clone(), meant)), "{text}");
}

#[track_caller]
fn all_mean(texts: &[&str], mistake: &Mistake, meant: &[&str]) {
    for text in texts {
        means(text, mistake, meant);
    }
}

#[track_caller]
fn is_meant(texts: &[&str]) {
    for text in texts {
        assert_eq!(look(text, OWN), None, "{text}");
    }
}

#[test]
fn several_paths_in_one_text_are_told_apart() {
    let both = ["/index.html", "/main.js"];
    let texts = [
        "/index.html /main.js",
        "/index.html  /main.js",
        "/index.html,/main.js",
        "/index.html, /main.js",
        "/index.html;/main.js",
        "/index.html ; /main.js;",
        "/index.html\n/main.js",
        "/index.html\r\n/main.js\r\n",
        "/index.html\t/main.js",
        "/index.html%0A/main.js%0d%0a",
        "/index.html\u{2028}/main.js",
        "/index.html\u{a0}/main.js",
        ",/index.html,,/main.js,",
        "[\"/index.html\", \"/main.js\"]",
        "['/index.html','/main.js']",
        "[/index.html, /main.js]",
        "\"/index.html\" \"/main.js\"",
        "'/index.html','/main.js'",
    ];
    all_mean(&texts, &Mistake::Separator, &both);
    means(
        "/index.html /service-worker.js /manifest.json",
        &Mistake::Separator,
        &["/index.html", "/service-worker.js", "/manifest.json"],
    );
    means("/assets/*,/index.html", &Mistake::Separator, &["/assets/*", "/index.html"]);
    means("/a,", &Mistake::Separator, &["/a"]);
    means("/a.js?v=1 /b.js?v=2", &Mistake::Separator, &["/a.js?v=1", "/b.js?v=2"]);
    means("/a.js?v=1,/b.js?v=2", &Mistake::Separator, &["/a.js?v=1", "/b.js?v=2"]);
    means("/a https://app.lendpeak.com/b", &Mistake::Separator, &["/a", "/b"]);
    means("/a app.lendpeak.com/b", &Mistake::Separator, &["/a", "/b"]);
}

#[test]
fn names_of_files_are_told_apart_without_their_slashes() {
    let both = ["index.html", "main.js"];
    all_mean(
        &["index.html main.js", "index.html, main.js", "index.html;main.js", "\"index.html\", \"main.js\""],
        &Mistake::Separator,
        &both,
    );
    means("assets/* img/", &Mistake::Separator, &["assets/*", "img/"]);
    means("/css/a.css,b.css", &Mistake::Separator, &["/css/a.css", "b.css"]);
}

#[test]
fn a_space_or_comma_in_a_name_or_a_query_separates_nothing() {
    is_meant(&[
        "/a b.js",
        "/My report, final.pdf",
        "/My folder/file.pdf",
        "/a,b",
        "/a;v=1/b",
        "/logo.old%20copy.png",
        "/img.png?w=100&h=a b",
        "/combo?files=/a.css,/b.css",
        "/a?x=1;",
        "/a?to=/b;/c",
    ]);
}

#[test]
fn the_name_of_a_host_is_no_part_of_a_path() {
    let ours = [
        "https://app.lendpeak.com/assets/main.js",
        "HTTP://App.LendPeak.com/assets/main.js",
        "https://app.lendpeak.com:443/assets/main.js",
        "https://ada:secret@app.lendpeak.com/assets/main.js",
        "https:/app.lendpeak.com/assets/main.js",
        "https:///app.lendpeak.com/assets/main.js",
        "/https://app.lendpeak.com/assets/main.js",
        "//app.lendpeak.com/assets/main.js",
        "app.lendpeak.com/assets/main.js",
        "app.lendpeak.com:443/assets/main.js",
        "/app.lendpeak.com/assets/main.js",
        "/APP.LENDPEAK.COM./assets/main.js",
    ];
    for text in ours {
        let (mistake, meant) = look(text, OWN).unwrap_or_else(|| panic!("{text} is taken"));
        let is_address = matches!(mistake, Mistake::OwnAddress | Mistake::OtherAddress { .. });
        assert!(is_address, "{text}: {mistake}");
        assert_eq!(meant, ["/assets/main.js"], "{text}");
    }
    means("https://app.lendpeak.com/a?x=1", &Mistake::OwnAddress, &["/a?x=1"]);
    all_mean(
        &["app.lendpeak.com", "https://app.lendpeak.com", "app.lendpeak.com/"],
        &Mistake::OwnAddress,
        &["/"],
    );
    all_mean(
        &["app.lendpeak.com/*", "app.lendpeak.com*", "https://app.lendpeak.com/*"],
        &Mistake::OwnAddress,
        &["/*"],
    );
    let local = look("localhost:3000/a.js", "localhost:3000");
    assert_eq!(local, Some((Mistake::OwnAddress, vec!["/a.js".to_owned()])));
}

#[test]
fn another_host_is_named() {
    for (text, host, path) in [
        ("https://api.lendpeak.com/a.js", "api.lendpeak.com", "/a.js"),
        ("https://lendpeak.com/a.js", "lendpeak.com", "/a.js"),
        ("s3://bucket/assets/a.js", "bucket", "/assets/a.js"),
        ("//cdn.example.com/a.js", "cdn.example.com", "/a.js"),
        ("d111111abcdef8.cloudfront.net/a.js", "d111111abcdef8.cloudfront.net", "/a.js"),
        ("localhost:3000/a.js", "localhost:3000", "/a.js"),
        ("C:/site/a.js", "C", "/site/a.js"),
    ] {
        let other = Mistake::OtherAddress { host: host.to_owned(), own: OWN.to_owned() };
        means(text, &other, &[path]);
    }
}

#[test]
fn a_folder_with_a_dot_is_no_host() {
    is_meant(&[
        "/cdn.example.com/a.js",
        "/socket.io/socket.io.js",
        "v1.2.3/main.js",
        ".well-known/security.txt",
        "index.html",
        "/a:b/c",
        "/go?u=https://example.com/",
        "/x:/y",
    ]);
}

#[test]
fn a_backslash_is_a_slash() {
    all_mean(
        &["assets\\main.js", "assets%5Cmain.js", "assets%5cmain.js"],
        &Mistake::Backslash,
        &["assets/main.js"],
    );
    means("\\\\assets\\main.js", &Mistake::Backslash, &["/assets/main.js"]);
    means("C:\\site\\main.js", &Mistake::Backslash, &["/site/main.js"]);
    is_meant(&["/a?path=b\\c", "/a?path=b%5Cc"]);
}

#[test]
fn a_folder_without_a_name_goes() {
    means("//docs-content/tree/main/*", &Mistake::EmptySegment, &["/docs-content/tree/main/*"]);
    means("/a//b///c", &Mistake::EmptySegment, &["/a/b/c"]);
    all_mean(&["//", "///"], &Mistake::EmptySegment, &["/"]);
    means("//*", &Mistake::EmptySegment, &["/*"]);
    is_meant(&["/a?x=b//c", "/", "/a/"]);
}

#[test]
fn dots_are_resolved_as_browsers_do() {
    all_mean(
        &["./assets/main.js", "/./assets/main.js", "/%2e/assets/main.js"],
        &Mistake::DotSegment,
        &["/assets/main.js"],
    );
    all_mean(
        &[
            "/a/../index.html",
            "../index.html",
            "/a/%2E%2e/index.html",
            "/a/.%2e/index.html",
            "/a/b/../../index.html",
        ],
        &Mistake::DotSegment,
        &["/index.html"],
    );
    all_mean(&["/a/.", "/a/b/.."], &Mistake::DotSegment, &["/a/"]);
    all_mean(&[".", "..", "/..", "/a/.."], &Mistake::DotSegment, &["/"]);
    means("/a/../*", &Mistake::DotSegment, &["/*"]);
    is_meant(&["/.well-known/x", "/...", "/a..b", "/a?x=/../b", "/..*"]);
}

#[test]
fn what_follows_a_hash_goes() {
    all_mean(
        &["/index.html#section", "/index.html%23section", "/index.html#", "/index.html#a/b?c"],
        &Mistake::Fragment,
        &["/index.html"],
    );
    all_mean(&["/#/login", "/%23/login"], &Mistake::Fragment, &["/"]);
    means("/a?x=1#b", &Mistake::Fragment, &["/a?x=1"]);
    is_meant(&["/a?color=%23fff"]);
}

#[test]
fn quotation_marks_go_and_apostrophes_stay() {
    let texts = [
        "\"/index.html\"",
        "'/index.html'",
        "`/index.html`",
        "“/index.html”",
        "‘/index.html’",
        "«/index.html»",
        "„/index.html“",
        "/\"index.html\"",
        "/index.html\"",
        "'/index.html",
        "/%22index.html%22",
        "%27/index.html%27",
        "%E2%80%9C/index.html%e2%80%9d",
        "/in\"dex.html",
    ];
    all_mean(&texts, &Mistake::Quote, &["/index.html"]);
    means("\"/a?x=1\"", &Mistake::Quote, &["/a?x=1"]);
    means("/assets/'main'/x.js", &Mistake::Quote, &["/assets/main/x.js"]);
    is_meant(&["/it's.html", "/l’été.html", "/it%27s.html", "/a?x=1&y='2'", "/a?q=\"x\"", "/a?q=%22x%22"]);
    is_meant(&["/A-z_0.9!$&'(),+;:@=?x=1"]);
}

#[test]
fn an_encoded_star_is_a_wildcard() {
    all_mean(&["/assets/%2A", "/assets/%2a"], &Mistake::EncodedStar, &["/assets/*"]);
    means("/a%2Ab/c", &Mistake::EncodedStar, &["/a*b/c"]);
    means("/a?x=%2A", &Mistake::EncodedStar, &["/a?x=*"]);
    is_meant(&["/assets/*", "/assets/*.js", "*", "/a*b", "/a?x=%2A&y"]);
}

#[test]
fn several_mistakes_are_all_put_right() {
    means("'https://app.lendpeak.com//a/../b.js#x', \\c.css", &Mistake::Separator, &["/b.js", "/c.css"]);
    means("https:\\\\app.lendpeak.com\\assets\\%2A", &Mistake::Backslash, &["/assets/*"]);
}

#[test]
fn what_is_right_stays() {
    is_meant(&[
        "/static/runtime~main.abc.js",
        "/bilder/größe.png",
        "/中文/页.html",
        "/bilder/gr%C3%B6ße.png",
        "/%e4%b8%ad.html",
        "/posts/[id]",
        "[id]",
        "/posts/[...slug].js",
        "/100%",
    ]);
}

#[test]
fn nothing_but_separators_means_nothing() {
    for text in [",", ";;", "\"\"", ", ,"] {
        let (_, meant) = look(text, OWN).unwrap();
        assert_eq!(meant, [""; 0], "{text:?}");
    }
}

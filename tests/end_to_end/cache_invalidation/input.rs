//! Paths that are put right, bad input, and questions.

use super::*;

#[tokio::test]
async fn paths_are_sent_as_cloudfront_needs_them() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let paths =
        json!({ "paths": ["größe.png", "/a?x=1&y='2'", "/a b", "/img/*", "/img/logo.png", "/img/*"] });
    let sent = outcome(&function, &paths).await?;
    assert_eq!(read(&sent), "applied applied");
    assert_eq!(stack.sent(), [["/a%20b", "/a?x=1&y='2'", "/gr%C3%B6%C3%9Fe.png", "/img/*"]]);

    let many: Vec<String> = (0..20).map(|n| format!("/assets/{n}.js")).collect();
    let widened = outcome(&function, &json!({ "paths": many })).await?;
    assert!(
        text(&widened, "/reason").contains("20 paths became their common wildcard, `/assets/*`"),
        "{widened}"
    );
    assert_eq!(stack.sent()[1], ["/assets/*"]);
    Ok(())
}

#[tokio::test]
async fn bad_input_is_an_error_that_names_its_kind_and_writes_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let cases = [
        ("", "EmptyRequest", r#"as in {"paths": ["/assets/*"], "dry_run": true}"#),
        ("[\"/a\"]", "InvalidRequest", r#"as in {"paths": ["/assets/*"], "dry_run": true}"#),
        ("null", "InvalidRequest", r#"as in {"paths": ["/assets/*"], "dry_run": true}"#),
        (r#"{"path": "/a"}"#, "InvalidRequest", "unknown field `path`"),
        (r#"{"paths": "/a"}"#, "InvalidRequest", "`paths` must be a list"),
        (r#"{"paths": []}"#, "InvalidRequest", "leave it out to invalidate everything"),
        (r#"{"paths": [""]}"#, "InvalidRequest", "one of `paths` is empty"),
        (r#"{"paths": ["https://app.lendpeak.com/a"]}"#, "InvalidRequest", "is an address"),
        (r#"{"paths": ["app.lendpeak.com/a.js"]}"#, "InvalidRequest", r#"send `{"paths":["/a.js"]}`"#),
        (r#"{"paths": ["/a.js /b.js"]}"#, "InvalidRequest", r#"send `{"paths":["/a.js","/b.js"]}`"#),
        (
            r#"{"paths": ["/a.js,/b.js", "c"]}"#,
            "InvalidRequest",
            r#"send `{"paths":["/a.js","/b.js","/c"]}`"#,
        ),
        (r#"{"paths": ["assets\\main.js"]}"#, "InvalidRequest", r#"send `{"paths":["/assets/main.js"]}`"#),
        (
            r#"{"paths": ["//docs-content/tree/main/*"]}"#,
            "InvalidRequest",
            r#"["/docs-content/tree/main/*"]"#,
        ),
        (r#"{"paths": ["./assets/main.js"]}"#, "InvalidRequest", r#"send `{"paths":["/assets/main.js"]}`"#),
        (r#"{"paths": ["/a/../index.html"]}"#, "InvalidRequest", r#"send `{"paths":["/index.html"]}`"#),
        (r#"{"paths": ["/index.html#section"]}"#, "InvalidRequest", r#"send `{"paths":["/index.html"]}`"#),
        (r#"{"paths": ["'/index.html'"]}"#, "InvalidRequest", r#"send `{"paths":["/index.html"]}`"#),
        (r#"{"paths": ["/assets/%2A"]}"#, "InvalidRequest", r#"send `{"paths":["/assets/*"]}`"#),
        (r#"{"paths": ["/~ada"]}"#, "InvalidRequest", "`/~ada` has a `~`"),
        (r#"{"status": "I 1"}"#, "InvalidRequest", "must be the id of an invalidation"),
        (r#"{"status": "I1", "paths": ["/a"]}"#, "InvalidRequest", "not both"),
        (
            r#"{"source": "aws.codebuild", "detail-type": "CodeBuild Build Phase Change", "detail": {}}"#,
            "UnknownEvent",
            "`CodeBuild Build Phase Change` from `aws.codebuild`",
        ),
        (
            r#"{"source": "aws.codebuild", "detail-type": "CodeBuild Build State Change", "time": "2026-01-01T00:00:00Z", "detail": {}}"#,
            "InvalidRequest",
            "missing field `build-status`",
        ),
    ];
    stack::refuses(&function, &cases).await?;
    assert_eq!(stack.writes(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn the_front_ends_own_host_is_known_with_its_port() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let own = stack.sandbox.standin.url();
    let host = own.trim_start_matches("http://");
    let cases: Vec<(String, &str, &str)> = [own.as_str(), host, &format!("/{host}"), &format!("//{host}")]
        .map(|address| {
            (
                json!({ "paths": [format!("{address}/a.js")] }).to_string(),
                "InvalidRequest",
                "is an address: its path alone",
            )
        })
        .into();
    let cases: Vec<_> = cases.iter().map(|(body, kind, words)| (body.as_str(), *kind, *words)).collect();
    stack::refuses(&function, &cases).await?;
    assert_eq!(stack.writes(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_status_is_answered_while_another_run_is_at_work() -> Test {
    let stack = Stack::start().await?;
    stack.cloudfront().set_time(NEVER);
    stack.cloudfront().refuse(10);
    let function = stack.function(&[]).await?;
    let id = stack.cloudfront().add("somebody", &["/a", "/b"]);
    assert_eq!(decision(&function, &json!({})).await?, "failed action_failed");
    let told = outcome(&function, &json!({ "status": id })).await?;
    assert_eq!(read(&told), "listed status");
    let reason = text(&told, "/reason");
    assert!(reason.starts_with(&format!("invalidation {id} of /a, /b is in progress")), "{reason}");
    stack.cloudfront().set_time(Duration::ZERO);
    let told = outcome(&function, &json!({ "status": id })).await?;
    assert!(text(&told, "/reason").contains("is completed"), "{told}");
    assert_eq!(decision(&function, &json!({ "status": "I404" })).await?, "refused invalidation_unknown");
    Ok(())
}

//! What is wrong with the front end and the way from it to the API.

use sandbox::{
    gateway::{BUILD_LOGS, Build},
    standin::Canned,
};

use super::*;

#[tokio::test]
async fn a_cache_that_keeps_little_is_found_by_its_hit_rate() -> Test {
    let stack = start().await?;
    let metrics = stack.sandbox.gateway.cloudwatch();
    metrics.set("AWS/CloudFront", "CacheHitRate", &[(120.01, 93.0), (120.0, 18.0)]);
    finds(&stack, "low_hit_rate").await?;
    Ok(())
}

#[tokio::test]
async fn an_asset_that_is_gone_after_a_deployment_is_found() -> Test {
    let stack = start().await?;
    let build = Build { status: "SUCCEEDED".to_owned(), failed: None, ended_at: ago(25) };
    stack.sandbox.gateway.codebuild().add(build);
    stack.sandbox.gateway.cloudwatch().set("AWS/CloudFront", "4xxErrorRate", &step(0.4, 31.0));
    stack.sandbox.standin.lose_asset();
    finds(&stack, "not_found_after_deployment").await?;
    Ok(())
}

#[tokio::test]
async fn a_build_that_failed_is_told_with_its_error() -> Test {
    let stack = start().await?;
    let message = "Error while executing command: npm run build. Reason: exit status 2".to_owned();
    let failed = Some(("BUILD".to_owned(), message));
    stack.sandbox.gateway.codebuild().add(Build { status: "FAILED".to_owned(), failed, ended_at: ago(25) });
    let lines = [
        "> lendpeak2-frontend@2.0.0 build",
        "src/loan.ts(12,5): error TS2322: Type 'string' is not assignable to type 'number'.",
        "npm ERR! code ELIFECYCLE",
    ];
    stack.log(BUILD_LOGS, "2", &lines.map(str::to_owned)).await?;
    finds(&stack, "build_type_error").await?;
    Ok(())
}

#[tokio::test]
async fn preflights_that_are_refused_are_told_from_an_api_that_is_down() -> Test {
    let stack = start().await?;
    stack.sandbox.standin.refuse_preflights(true);
    finds(&stack, "cors_preflight_refused").await?;
    Ok(())
}

fn answer_of(headers: &[(&'static str, &str)], body: &'static str) -> Canned {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Canned { status: 200, headers, body }
}

#[tokio::test]
async fn an_asset_that_is_there_and_of_no_use_is_not_taken_for_one_that_is_gone() -> Test {
    let stack = start().await?;
    let script = ("content-type", "text/javascript");
    stack.sandbox.standin.answer_with("/assets/main.js", answer_of(&[script], ""));
    let found = finds(&stack, "status_code").await?;
    assert_eq!(found["what"], "asset answers 200 (the asset is empty)", "{found:#}");
    Ok(())
}

#[tokio::test]
async fn an_origin_that_two_set_is_told_so() -> Test {
    let stack = start().await?;
    let ours = stack.sandbox.standin.url();
    let origin = ("access-control-allow-origin", ours.as_str());
    let headers = [origin, origin, ("access-control-allow-headers", "content-type")];
    stack.sandbox.standin.answer_with("/api/auth/login", answer_of(&headers, ""));
    let found = finds(&stack, "cors_origin").await?;
    assert!(
        found.to_string().contains("let either the backend or what is before it set the header"),
        "{found:#}"
    );
    Ok(())
}

#[tokio::test]
async fn a_database_that_its_check_calls_down_is_found_though_it_answers_200() -> Test {
    let stack = start().await?;
    let json = ("content-type", "application/json");
    let body = r#"{"status":"unhealthy"}"#;
    stack.sandbox.standin.answer_with("/health/db", answer_of(&[json], body));
    let found = finds(&stack, "database_down").await?;
    assert!(found.to_string().contains("in its body `status` is `unhealthy`"), "{found:#}");
    Ok(())
}

//! `OpsCenter` as the sandbox has it, on the wire.

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use sandbox::gateway::Gateway;
use serde_json::{Value, json};

/// Status, error type and body.
async fn call(gateway: &Gateway, operation: &str, request: &Value) -> anyhow::Result<(StatusCode, Value)> {
    let request = Request::post(gateway.url())
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("AmazonSSM.{operation}"))
        .header("user-agent", "aws-sdk-rust app/ops-center")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ssm/aws4_request")
        .body(Full::new(bytes::Bytes::from(request.to_string())))?;
    let answer = Client::builder(TokioExecutor::new()).build_http().request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((status, serde_json::from_slice(&body)?))
}

fn text<'a>(body: &'a Value, pointer: &str) -> &'a str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Nothing behind it: `OpsItems` are the gateway's own.
#[tokio::test]
async fn an_ops_item_is_created_once_changed_and_read() -> anyhow::Result<()> {
    let gateway = Gateway::start("127.0.0.1:9", None).await?;
    let dedup = json!({ "dedupString": "lendpeak2-production" }).to_string();
    let incident = json!({ "Title": "service down", "Description": "a bad release", "Source": "lendpeak2",
        "Severity": "1", "OperationalData": { "/aws/dedup": { "Type": "SearchableString", "Value": dedup } } });
    let (status, created) = call(&gateway, "CreateOpsItem", &incident).await?;
    let id = text(&created, "/OpsItemId");
    assert!(status == StatusCode::OK && id.starts_with("oi-"), "{created:#}");

    let (status, twin) = call(&gateway, "CreateOpsItem", &incident).await?;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!([text(&twin, "/__type"), text(&twin, "/OpsItemId")], ["OpsItemAlreadyExistsException", id]);

    let resolved = json!({ "OpsItemId": id, "Status": "Resolved" });
    assert_eq!(call(&gateway, "UpdateOpsItem", &resolved).await?, (StatusCode::OK, json!({})));
    let (_, read) = call(&gateway, "GetOpsItem", &json!({ "OpsItemId": id })).await?;
    let shown = ["/OpsItem/Status", "/OpsItem/Title", "/OpsItem/Severity"].map(|field| text(&read, field));
    assert_eq!(shown, ["Resolved", "service down", "1"]);

    assert_eq!(gateway.ops_center().items().len(), 1);
    let calls =
        ["ssm CreateOpsItem", "ssm CreateOpsItem", "ssm UpdateOpsItem", "ssm GetOpsItem"].map(str::to_owned);
    assert_eq!(gateway.record().names("ops-center"), calls);
    Ok(())
}

#[tokio::test]
async fn the_rest_of_systems_manager_is_the_local_aws_s() -> anyhow::Result<()> {
    let gateway = Gateway::start("127.0.0.1:9", None).await?;
    let (status, _) = call(&gateway, "GetParameter", &json!({ "Name": "x" })).await?;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    Ok(())
}

//! One SDK client per service of the sandbox, all through its gateway.

use std::borrow::Cow;

use anyhow::ensure;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_s3::config::RequestChecksumCalculation;
use serde_json::Value;

use crate::sandbox::Sandbox;

use crate::names::ROOT_KEY;
pub use crate::names::{ACCOUNT, REGION};

#[derive(Debug, Clone)]
pub struct Clients {
    pub autoscaling: aws_sdk_applicationautoscaling::Client,
    pub cloudformation: aws_sdk_cloudformation::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub docdb: aws_sdk_docdb::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub s3: aws_sdk_s3::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub sfn: aws_sdk_sfn::Client,
    pub sns: aws_sdk_sns::Client,
    pub sqs: aws_sdk_sqs::Client,
}

impl Clients {
    /// Clients that call `endpoint` and are recorded there under `name`.
    pub fn new(endpoint: &str, name: &'static str) -> anyhow::Result<Self> {
        let config = config(endpoint, name)?;
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Ok(Self {
            autoscaling: aws_sdk_applicationautoscaling::Client::new(&config),
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            docdb: aws_sdk_docdb::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            sfn: aws_sdk_sfn::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
        })
    }

    /// What a deployed function answers to what a person or a schedule sends.
    pub async fn ask(&self, task: &str, event: &Value) -> anyhow::Result<Value> {
        let invoke = self.lambda.invoke().function_name(Sandbox::function_name(task));
        let answer = invoke.payload(Blob::new(event.to_string())).send().await?;
        let payload = answer.payload.unwrap_or_else(|| Blob::new([]));
        let payload: Value = serde_json::from_slice(payload.as_ref())?;
        ensure!(answer.function_error.is_none(), "{task} failed: {payload:#}");
        Ok(payload)
    }
}

/// Settings for any SDK client: the gateway, dummy keys, the SDK's own retries.
pub fn config(endpoint: &str, name: impl Into<Cow<'static, str>>) -> anyhow::Result<SdkConfig> {
    config_of(endpoint, name, ROOT_KEY)
}

/// The same for whoever has this access key: [`crate::gateway::sender_id`] says who that is.
pub fn config_of(endpoint: &str, name: impl Into<Cow<'static, str>>, key: &str) -> anyhow::Result<SdkConfig> {
    let credentials = Credentials::new(key, "test", None, None, "sandbox");
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .endpoint_url(endpoint)
        .app_name(AppName::new(name)?)
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build())
}

//! How the program reaches AWS: the credentials and the region that the AWS CLI would take, over rustls on ring.

use std::time::Duration;

use aws_config::{
    AppName, BehaviorVersion, Region, SdkConfig, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use crate::{failure::Failure, global::Global};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A read that takes longer is tried again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// A function runs for a minute at most, and may have to start first.
pub(crate) const FUNCTION_TIMEOUT: Duration = Duration::from_secs(90);
/// Where nothing else is said, a sandbox is called in this region, with these keys.
const SANDBOX: [&str; 2] = ["us-east-1", "test"];

/// What every client is made of.
pub(crate) async fn config(global: &Global) -> Result<SdkConfig, Failure> {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts);
    if let Ok(name) = AppName::new("lendpeak2") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &global.profile {
        loader = loader.profile_name(profile);
    }
    let is_local = global.endpoint_url.as_deref().is_some_and(is_loopback);
    if let Some(url) = &global.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    let [region, key] = SANDBOX;
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(region) = &global.region {
        loader = loader.region(Region::new(region.clone()));
    } else if is_local && !is_set("AWS_REGION") && !is_set("AWS_DEFAULT_REGION") {
        loader = loader.region(Region::from_static(region));
    }
    // A sandbox takes any; nobody should need an account to try it.
    if is_local && global.profile.is_none() && !is_set("AWS_ACCESS_KEY_ID") && !is_set("AWS_PROFILE") {
        loader = loader.credentials_provider(Credentials::new(key, key, None, None, "sandbox"));
    }
    let mut config = loader.load().await;
    if let Some(profile) = &global.profile {
        // Of a profile that is named nothing else is taken: not what variables say, and not what an instance has. One
        // that is not there is an error.
        let found =
            ProviderConfig::without_region().with_http_client(http).with_region(config.region().cloned());
        let provider =
            ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&found).build();
        config = config.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build();
    }
    if config.region().is_none() {
        return Err(Failure::usage(
            "no region is named",
            "give --region, set AWS_REGION, or name one in the profile (`aws configure`)",
        ));
    }
    Ok(config)
}

/// Whether an address is of this machine.
fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let name = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
    name == "localhost" || name.starts_with("127.") || name.starts_with("[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called_without_credentials() {
        for url in ["http://127.0.0.1:4566", "http://localhost:4566/", "http://[::1]:4566", "127.0.0.1:1"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in
            ["https://lambda.us-east-1.amazonaws.com", "https://localhost.example.com", "http://10.0.0.1", ""]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }
}

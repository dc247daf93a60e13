//! How the functions reach AWS: one HTTP client for all SDK clients, small and quick to start.
//!
//! The configuration is put together by hand from what Lambda sets. `aws-config` would search profiles,
//! instance metadata and the system's ~145 root certificates for the same answer, at a millisecond a start.

use std::{fmt, time::Duration};

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion,
    http::{SharedHttpConnector, http_client_fn},
    result::SdkError,
};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, app_name::AppName, region::Region, sdk_config::SharedCredentialsProvider};

use crate::{
    error::Error,
    settings::{Environment, SettingsError, invalid},
    web::Web,
};

/// The roots that every AWS endpoint's certificate leads to, as Amazon Trust Services asks its callers to
/// trust them (<https://www.amazontrust.com/repository/>).
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// With its waits, less than a function's 60 seconds: a throttled call still leaves time to answer.
pub(crate) const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);
const MAX_ATTEMPTS: u32 = 4;

/// What SDK clients are made of: `Client::new(aws.config())`. Making one costs 0.15 ms of a cold start, so
/// a client that a run may not need is made when it is needed.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    web: Web,
}

impl Aws {
    /// `function` is sent as `app/<function>` in the User-Agent, so that CloudTrail tells the functions apart.
    pub fn new(environment: &Environment, function: &'static str) -> Result<Self, SettingsError> {
        let region = environment.text("AWS_REGION")?;
        let credentials = Credentials::new(
            environment.text("AWS_ACCESS_KEY_ID")?,
            environment.text("AWS_SECRET_ACCESS_KEY")?,
            environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
            None,
            "environment",
        );
        let mut trust = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
        if let Some(path) = environment.optional("AWS_CA_BUNDLE") {
            let pem = std::fs::read(path).map_err(|error| {
                invalid("AWS_CA_BUNDLE", path, &format!("a readable file of certificates ({error})"))
            })?;
            trust.add_pem_certificate(pem);
        }
        let tls = TlsContext::builder()
            .with_trust_store(trust)
            .build()
            .map_err(|error| invalid("AWS_CA_BUNDLE", "", &error.to_string()))?;
        let web = Web::new(tls.clone());
        let http =
            Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            )
            .app_name(
                AppName::new(function)
                    .map_err(|error| invalid("AWS_LAMBDA_FUNCTION_NAME", function, &error.to_string()))?,
            );
        config.set_endpoint_url(environment.optional("AWS_ENDPOINT_URL").map(str::to_owned));
        Ok(Self { config: config.build(), web })
    }

    /// The same, but whatever is asked, of AWS or of a page, `connector` answers, and nothing is asked twice: for
    /// those who try what functions make of odd answers.
    #[must_use]
    pub fn answered_by(self, connector: SharedHttpConnector) -> Self {
        let http = connector.clone();
        let config = self
            .config
            .into_builder()
            .http_client(http_client_fn(move |_, _| http.clone()))
            .retry_config(RetryConfig::disabled());
        Self { config: config.build(), web: Web::over(connector) }
    }

    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// What asks pages that are not AWS's.
    pub fn web(&self) -> &Web {
        &self.web
    }
}

/// Why an AWS call failed, in words fit for people and records: AWS's error code and message or the kind
/// of transport failure; never a response body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(String);

impl Cause {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

impl<E: ProvideErrorMetadata, R> From<&SdkError<E, R>> for Cause {
    fn from(error: &SdkError<E, R>) -> Self {
        Self(match error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or("an error without a code");
                context
                    .err()
                    .message()
                    .map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"))
            }
            SdkError::TimeoutError(_) => "AWS did not answer in time".to_owned(),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                "AWS could not be reached in time".to_owned()
            }
            SdkError::DispatchFailure(_) => "the connection to AWS failed".to_owned(),
            SdkError::ResponseError(_) => "AWS's answer could not be read".to_owned(),
            _ => "the call could not be made".to_owned(),
        })
    }
}

/// An [`Error`] that says what was tried on what.
pub fn failed<E: ProvideErrorMetadata, R>(
    operation: &'static str,
    resource: impl Into<String>,
    error: &SdkError<E, R>,
) -> Error {
    Error::Aws { operation, resource: resource.into(), source: error.into() }
}

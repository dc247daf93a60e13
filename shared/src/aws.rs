//! How the functions reach AWS: one HTTP client for all SDK clients, small and quick to start.
//!
//! The configuration is put together by hand from what Lambda sets. `aws-config` would search profiles,
//! instance metadata and the system's ~145 root certificates for the same answer, at a millisecond a start.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion,
    http::{SharedHttpConnector, http_client_fn},
    orchestrator::HttpResponse,
    result::SdkError,
};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::RetryConfig, timeout::TimeoutConfig};
pub use aws_types::SdkConfig;
use aws_types::{app_name::AppName, region::Region, sdk_config::SharedCredentialsProvider};

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
    /// Certificate authorities that are trusted beside the usual ones, as PEM.
    bundle: Vec<u8>,
    answered_by: Option<SharedHttpConnector>,
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
        let bundle = match environment.optional("AWS_CA_BUNDLE") {
            Some(path) => std::fs::read(path).map_err(|error| {
                invalid("AWS_CA_BUNDLE", path, &format!("a readable file of certificates ({error})"))
            })?,
            None => Vec::new(),
        };
        let mut trust = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
        if !bundle.is_empty() {
            trust.add_pem_certificate(bundle.as_slice());
        }
        let tls = TlsContext::builder()
            .with_trust_store(trust)
            .build()
            .map_err(|error| invalid("AWS_CA_BUNDLE", "", &error.to_string()))?;
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
        config.set_use_fips(Some(environment.parsed("AWS_USE_FIPS_ENDPOINT", false)?));
        config.set_use_dual_stack(Some(environment.parsed("AWS_USE_DUALSTACK_ENDPOINT", false)?));
        config.set_endpoint_url(environment.optional("AWS_ENDPOINT_URL").map(str::to_owned));
        Ok(Self { config: config.build(), bundle, answered_by: None })
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
        Self { config: config.build(), bundle: self.bundle, answered_by: Some(connector) }
    }

    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// What asks pages that are not AWS's.
    pub fn web(&self) -> Web {
        self.answered_by.clone().map_or_else(|| Web::new(self.bundle.clone()), Web::over)
    }
}

/// An [`Error`] that says what was tried on what.
pub fn failed<E: ProvideErrorMetadata>(
    operation: &'static str,
    resource: impl Into<String>,
    error: &SdkError<E, HttpResponse>,
) -> Error {
    Error::Aws { operation, resource: resource.into(), source: error.into() }
}

/// Declares the SDK clients of a function: a struct with a method for each, which `new` makes from an [`SdkConfig`].
#[macro_export]
macro_rules! aws_clients {
    ($vis:vis struct $name:ident { $($client:ident: $sdk:ident),+ $(,)? }) => {
        /// Each is made when it is first needed: Lambda waits for none of them while the function starts.
        $vis struct $name {
            config: $crate::aws::SdkConfig,
            $($client: ::std::sync::OnceLock<$sdk::Client>,)+
        }

        impl $name {
            $vis fn new(config: $crate::aws::SdkConfig) -> Self {
                Self { config, $($client: ::std::sync::OnceLock::new()),+ }
            }

            $($vis fn $client(&self) -> &$sdk::Client {
                self.$client.get_or_init(|| $sdk::Client::new(&self.config))
            })+
        }
    };
}

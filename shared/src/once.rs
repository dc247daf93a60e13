//! Calls without an idempotency token: sending one twice may take effect twice.

use std::time::Duration;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;

use crate::{
    aws,
    error::{Error, is_busy},
};

const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Sends a call, and sends it again only if `effect` shows that the last one did nothing: perhaps only its answer was
/// lost. `send` must have the SDK's own retries switched off.
pub async fn send_once<T, E: ProvideErrorMetadata>(
    operation: &'static str,
    resource: &str,
    send: impl AsyncFn() -> Result<T, SdkError<E, HttpResponse>>,
    effect: impl AsyncFn() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let (begun, mut wait) = (Instant::now(), FIRST_WAIT);
    for _ in 1..TRIES {
        match send().await {
            Err(error) if may_help(&error) && begun.elapsed() < aws::OPERATION_TIMEOUT => {}
            answer => return answer.map_err(|error| aws::failed(operation, resource, &error)),
        }
        tokio::time::sleep(wait).await;
        if let Some(effect) = effect().await? {
            return Ok(effect);
        }
        wait *= 2;
    }
    send().await.map_err(|error| aws::failed(operation, resource, &error))
}

/// Whether another try can: AWS was busy or failed, or nobody knows whether it heard.
fn may_help<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::ServiceError(context) => context.raw().status().is_server_error() || is_busy(context.err()),
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    }
}

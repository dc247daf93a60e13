//! The loop around a function: start, take invocations as they come, answer.

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, LambdaInvocation, Runtime, service_fn};
use serde_json::Value;
use tower::util::MapRequestLayer;

pub use crate::invocation::Invocation;
use crate::{
    error::{Error, chain},
    settings::{Environment, SettingsError},
    telemetry,
};

/// A function of the runbook.
#[expect(
    async_fn_in_trait,
    reason = "Lambda gives one invocation at a time to one thread: nothing needs Send"
)]
pub trait Task {
    /// An example, shown to a caller who sent no request. It changes nothing, since people send what they are shown.
    const EXAMPLE: &'static str;

    async fn handle(&self, invocation: &Invocation) -> Result<Value, Error>;
}

/// Starts a function and serves invocations until Lambda ends the process. A setting that is missing or
/// mistyped is reported to Lambda as an initialization error, and the process ends.
pub async fn run<T: Task>(
    start: impl FnOnce(&Environment) -> Result<T, SettingsError>,
) -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_process();
    let task = match telemetry::init(&environment).and_then(|()| start(&environment)) {
        Ok(task) => task,
        Err(error) => {
            tracing::error!(error = chain(&error), "refused to start");
            report_init_error(&error).await?;
            return Err(error.into());
        }
    };
    let task = &task;
    let handler = service_fn(async move |event: LambdaEvent<String>| -> Result<Value, Diagnostic> {
        let invocation = Invocation {
            body: event.payload,
            request_id: event.context.request_id,
            function_arn: event.context.invoked_function_arn,
            deadline: i64::try_from(event.context.deadline)
                .ok()
                .and_then(|ms| Timestamp::from_millisecond(ms).ok())
                .unwrap_or_else(crate::clock::now),
        };
        // Boxed: the compiler gives up on futures that are nested too deeply.
        let answer = Box::pin(task.handle(&invocation)).await;
        answer.map(answered).map_err(|error| {
            let diagnostic = error.diagnostic(T::EXAMPLE);
            if error.is_of_the_request() {
                telemetry::not_taken(invocation.function_name());
            }
            tracing::warn!(kind = error.kind(), error = diagnostic.error_message, "answered with an error");
            diagnostic
        })
    });
    Runtime::new(handler).layer(MapRequestLayer::new(body_as_text)).run().await
}

/// An answer as people and machines get it.
fn answered(mut answer: Value) -> Value {
    crate::clock::to_the_second(&mut answer);
    answer
}

/// Hands the body on as a JSON string: the runtime would answer one that is not JSON in its own words.
fn body_as_text(mut invocation: LambdaInvocation) -> LambdaInvocation {
    invocation.body =
        Value::String(String::from_utf8_lossy(&invocation.body).into_owned()).to_string().into();
    invocation
}

/// Lambda shows this to whoever invoked the function; without it they read `Runtime exited`.
async fn report_init_error(error: &SettingsError) -> Result<(), lambda_runtime::Error> {
    let diagnostic = Diagnostic { error_type: "InvalidSetting".to_owned(), error_message: chain(error) };
    let request = http::Request::post("/2018-06-01/runtime/init/error")
        .header("lambda-runtime-function-error-type", "InvalidSetting")
        .body(lambda_runtime_api_client::body::Body::from(serde_json::to_vec(&diagnostic)?))?;
    lambda_runtime_api_client::Client::builder().build()?.call(request).await?;
    Ok(())
}

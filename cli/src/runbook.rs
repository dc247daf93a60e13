//! The deployed runbook: its stack, and a way to send its functions what they take.

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_lambda::{Client, primitives::Blob};
use serde_json::Value;

use crate::{
    answer::text,
    aws::{self, FUNCTION_TIMEOUT},
    failure::Failure,
    function::Function,
    global::Global,
    ledger::Ledger,
    progress::Progress,
    screen::Screen,
    stack::Stack,
    who,
};

pub(crate) struct Runbook<'a> {
    pub(crate) global: Global,
    pub(crate) screen: &'a Screen,
    pub(crate) config: SdkConfig,
    pub(crate) stack: Stack,
}

impl<'a> Runbook<'a> {
    pub(crate) async fn open(global: Global, screen: &'a Screen) -> Result<Self, Failure> {
        let config = aws::config(&global).await?;
        let client = aws_sdk_cloudformation::Client::new(&config);
        let stack = Stack::find(&client, global.environment.as_deref()).await;
        let stack = stack.map_err(|failure| failure.of_profile(global.profile.as_deref()))?;
        Ok(Self { global, screen, config, stack })
    }

    /// Sends a request that changes nothing: it may be sent again where there was no answer.
    pub(crate) async fn look(&self, function: Function, request: &Value) -> Result<Value, Failure> {
        let name = self.stack.shows(function, request)?;
        self.send(function, name, request, RetryConfig::standard()).await
    }

    /// Sends a request once. A second one could be refused for what the first has done.
    pub(crate) async fn act(&self, function: Function, request: &Value) -> Result<Value, Failure> {
        let name = self.stack.function(function)?;
        self.send(function, name, request, RetryConfig::disabled()).await.map_err(Failure::of_a_change)
    }

    async fn send(
        &self,
        function: Function,
        name: &str,
        request: &Value,
        retries: RetryConfig,
    ) -> Result<Value, Failure> {
        let waits = Progress::spinner(self.screen, &format!("{} is asked", function.name()));
        let answer = invoke(&self.config, name, request, retries).await;
        drop(waits);
        answer
    }

    pub(crate) fn ledger(&self) -> Result<Ledger, Failure> {
        Ok(Ledger::new(aws_sdk_dynamodb::Client::new(&self.config), self.stack.ledger()?))
    }

    /// Whoever types: what was given, or whom AWS takes the credentials for.
    pub(crate) async fn by(&self, given: Option<&str>) -> Result<String, Failure> {
        match given.filter(|by| !by.is_empty()) {
            Some(by) => Ok(by.to_owned()),
            None => who::am_i(&aws_sdk_sts::Client::new(&self.config)).await,
        }
    }
}

/// Sends a function what it takes, and reads its answer.
pub(crate) async fn invoke(
    config: &SdkConfig,
    name: &str,
    request: &Value,
    retries: RetryConfig,
) -> Result<Value, Failure> {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(FUNCTION_TIMEOUT).build();
    let config =
        aws_sdk_lambda::config::Builder::from(config).retry_config(retries).timeout_config(timeouts).build();
    let invoke = Client::from_conf(config).invoke().function_name(name);
    let answer = invoke
        .payload(Blob::new(request.to_string()))
        .send()
        .await
        .map_err(|error| Failure::aws(format!("ask {name}"), "lambda:InvokeFunction", &error))?;
    let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
    read(name, answer.function_error(), payload)
}

/// A function that failed has answered too: with an error.
fn read(name: &str, error: Option<&str>, payload: &[u8]) -> Result<Value, Failure> {
    let value = serde_json::from_slice::<Value>(payload);
    if let Some(error) = error {
        let value = value.unwrap_or_default();
        let kind = Some(text(&value, "errorType")).filter(|kind| !kind.is_empty());
        let message = Some(text(&value, "errorMessage")).filter(|message| !message.is_empty());
        return Err(Failure::Function {
            function: name.to_owned(),
            kind: kind.unwrap_or_else(|| error.to_owned()),
            message: message.unwrap_or_else(|| "its log says why".to_owned()),
        });
    }
    value.map_err(|error| Failure::Failed { what: format!("{name} answered what is not JSON: {error}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_failed_is_never_an_answer() {
        let payload = br#"{"errorType": "InvalidRequest", "errorMessage": "`to` is missing"}"#;
        let failure = read("f", Some("Unhandled"), payload).unwrap_err();
        assert_eq!((failure.exit().code(), failure.code()), (1, "InvalidRequest"));
        assert_eq!(failure.to_string(), "f failed: `to` is missing");
        let failure = read("f", Some("Unhandled"), b"").unwrap_err();
        assert_eq!(
            (failure.code(), failure.to_string().as_str()),
            ("Unhandled", "f failed: its log says why")
        );
    }

    #[test]
    fn an_answer_that_is_not_json_is_a_failure() {
        assert_eq!(read("f", None, b"<html>").unwrap_err().exit().code(), 1);
        assert_eq!(read("f", None, b"{}").unwrap(), serde_json::json!({}));
    }
}

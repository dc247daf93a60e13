//! What Lambda hands to a function.

use jiff::Timestamp;

/// One call of the function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// As it came, so that even an empty or broken body gets an answer in our words.
    pub body: String,
    /// The same for every try of one asynchronous invocation.
    pub request_id: String,
    /// When Lambda ends this run.
    pub deadline: Timestamp,
    /// The ARN of the function that was called: the account and the region that events must be of.
    pub function_arn: String,
}

/// The alias by which a remedy is called with what people decided. Only `incident` may.
const APPROVALS: &str = ":approve";

impl Invocation {
    /// Whether it was called by the alias for approvals.
    pub fn is_approval(&self) -> bool {
        self.function_arn.ends_with(APPROVALS)
    }
}

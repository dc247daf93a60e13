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
const APPROVALS: &str = "approve";

impl Invocation {
    /// The alias by which the function was called; none where it was called by its name alone.
    pub fn alias(&self) -> Option<&str> {
        self.function_arn.split(':').nth(7).filter(|alias| !alias.is_empty())
    }

    /// Without an alias.
    pub fn function_name(&self) -> &str {
        self.function_arn.split(':').nth(6).unwrap_or_default()
    }

    /// Whether it was called by the alias for approvals.
    pub fn is_approval(&self) -> bool {
        self.alias() == Some(APPROVALS)
    }
}

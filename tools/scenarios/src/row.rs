//! A row of what is compared between two local AWS.

/// Something that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub function: &'static str,
    pub case: &'static str,
    pub expected: String,
    pub seen: String,
}

impl Row {
    pub fn is_ok(&self) -> bool {
        self.expected == self.seen
    }
}

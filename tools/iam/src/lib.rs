//! Whether the roles in `template.yaml` allow what the functions call, and no more than that: their policies, beside
//! the record of every call that a test or a drill made. In `conformance`, the same calls beside AWS's published models.

pub mod check;
pub mod conformance;
pub mod exempt;
pub mod needs;
pub mod policy;
pub mod reasons;
pub mod reference;
pub mod required;
pub mod resolve;
mod table;
pub mod template;

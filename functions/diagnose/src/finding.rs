//! A cause that was found: what, how sure, what shows it, and what to do about it. Its form is shared with `incident`.

pub use shared::{
    diagnosis::{Confidence, Consequence, Fact, Finding, Impact, Remedy},
    status::Level,
};

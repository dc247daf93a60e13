//! The program from outside, as people and scripts meet it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test needs and does not get fails the test"
)]

mod access;
mod doctor;
mod drill;
mod help;
mod init;
mod mcp;
mod sandbox;
mod support;

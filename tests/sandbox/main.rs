//! The sandbox itself: it answers as AWS does, and leaves nothing behind.

mod any_client;
mod documentdb;
mod gateway;
mod ops_center;
mod peer;
mod stack;

//! The program from outside, as people and scripts meet it.

mod access;
mod help;
mod sandbox;
mod support;

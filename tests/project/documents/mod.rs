//! The documents agree with the code, and with each other.
//!
//! - [`codes`]: the tables of reason codes are printed from the code.
//! - [`requests`]: each request is one that its function takes.
//! - [`pages`]: links, headings, commands, and what each page has to have.
//! - [`words`]: the glossary.

mod codes;
mod functions;
mod markdown;
mod pages;
mod requests;
mod words;

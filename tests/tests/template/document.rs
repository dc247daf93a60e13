//! The template as these checks read it.

pub(crate) use tests::iam::template::{Template, installed, statements, texts};

//! `docs/scale.md` is what the program writes.

use std::path::Path;

use scale::{assumptions::Assumptions, document};

#[test]
fn the_document_is_what_the_program_writes_now() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scale.md");
    let committed = std::fs::read_to_string(&file).unwrap();
    let written = document::write(&Assumptions::default());
    let differs = committed.lines().zip(written.lines()).find(|(one, other)| one != other);
    assert!(
        committed == written,
        "docs/scale.md is out of date: run `make scale`. First difference: {differs:#?}"
    );
}

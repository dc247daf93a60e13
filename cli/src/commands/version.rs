//! `lendpeak2 version`

use serde_json::json;

use crate::{exit::Exit, screen::Screen};

pub(crate) fn run(screen: &Screen) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    if screen.is_json() {
        screen.json(&json!({ "version": version }));
    } else {
        screen.answer(&format!("lendpeak2 {version}"));
    }
    Exit::Done
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_runbooks_own() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("\nversion = \"{}\"\n", env!("CARGO_PKG_VERSION"))));
    }
}

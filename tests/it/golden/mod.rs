//! Golden tests: what is printed and stored stays as it is, whatever the code behind it is called.
//!
//! They drive the program only through its binary, HTTP and SQL. What they compare with is in `tests/data/golden`; after
//! an intended change, `INSTA_UPDATE=always cargo test --test it golden::` writes it again.

mod command_line;
mod description;
mod documents;
mod filling;
mod old_database;
mod redaction;
mod routes;
mod served;
mod settings;
mod sides;
mod tables;

pub use routes::PATHS;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file of `tests/data/golden`.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden").join(name)
}

/// Compares a document with the golden one of this name.
fn golden(name: &str, document: &Value) {
    golden_text(name, &serde_json::to_string_pretty(document).expect("JSON"));
}

/// Compares a text with the golden one of this name.
fn golden_text(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(data("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

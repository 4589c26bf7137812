//! Licences: every dependency may be passed on with an Apache-2.0 program.

use spdx::{Expression, ParseMode};
use std::sync::OnceLock;

use super::dependencies;

/// Returns the licences that `deny.toml` allows.
fn allowed() -> &'static [String] {
    static ALLOWED: OnceLock<Vec<String>> = OnceLock::new();
    ALLOWED.get_or_init(|| {
        let allowed = dependencies::rules()["licenses"]["allow"].as_array().cloned().expect("a list of licences");
        allowed.iter().map(|licence| licence.as_str().expect("a licence").to_owned()).collect()
    })
}

/// Returns the licence that a maintainer has read in the files of a package without an expression.
fn clarified(name: &str) -> Option<&'static str> {
    let packages = dependencies::rules()["licenses"]["clarify"].as_array().expect("a list of packages");
    packages.iter().find(|package| package["crate"].as_str() == Some(name))?["expression"].as_str()
}

fn licence_of(package: &serde_json::Value) -> Option<&str> {
    package["license"].as_str().or_else(|| clarified(package["name"].as_str()?))
}

fn may_be_passed_on(expression: &str) -> bool {
    let expression = Expression::parse_mode(expression, ParseMode::LAX);
    expression.is_ok_and(|read| read.evaluate(|licence| allowed().contains(&licence.to_string())))
}

#[test]
fn licence_of_every_dependency_is_allowed() {
    let metadata = dependencies::metadata();
    let packages = metadata["packages"].as_array().expect("cargo lists packages");
    assert!(packages.len() > 50, "only {} dependencies are read", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !licence_of(package).is_some_and(may_be_passed_on))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "licences that are not allowed: replace these dependencies: {refused:#?}");
}

#[test]
fn licence_expression_is_evaluated() {
    for (expression, expected) in [
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("((MIT OR GPL-3.0) AND Zlib) OR GPL-3.0", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(GPL-3.0 OR AGPL-3.0) AND MIT", false),
        ("GPL-2.0 WITH Classpath-exception-2.0", false),
        ("no licence at all", false),
    ] {
        assert_eq!(may_be_passed_on(expression), expected, "{expression}");
    }
}

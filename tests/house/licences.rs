//! Licences: every dependency may be passed on with an Apache-2.0 program.

use spdx::{Expression, ParseMode};
use std::process::Command;

/// Licences under which a dependency may be passed on with an Apache-2.0 program.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages without an expression, with the licence that a maintainer has read in their licence file.
const READ: &[(&str, &str)] = &[("jsonpath-rust", "MIT")];

fn metadata() -> serde_json::Value {
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs").stdout;
    let version = String::from_utf8(version).expect("rustc prints text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", host])
        .current_dir(super::ROOT)
        .output()
        .expect("cargo runs");
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

fn licence_of(package: &serde_json::Value) -> Option<&str> {
    let read = READ.iter().find(|(name, _)| package["name"] == *name).map(|(_, licence)| *licence);
    package["license"].as_str().or(read)
}

fn may_be_passed_on(expression: &str) -> bool {
    let expression = Expression::parse_mode(expression, ParseMode::LAX);
    expression.is_ok_and(|read| read.evaluate(|licence| ALLOWED.contains(&licence.to_string().as_str())))
}

#[test]
fn licence_of_every_dependency_is_allowed() {
    let metadata = metadata();
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

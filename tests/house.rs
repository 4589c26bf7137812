//! The rules of the house that a program can check: who may call whom, how long a file may be, and under which
//! licences our dependencies come.

use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Licences under which a dependency may be given away with an Apache-2.0 program.
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

/// Packages that name no expression but carry a licence file, which somebody has read.
const READ: &[(&str, &str)] = &[("jsonpath-rust", "MIT")];

#[test]
fn every_dependency_comes_under_a_licence_that_we_may_pass_on() {
    let host = Command::new("rustc").arg("-vV").output().expect("rustc runs").stdout;
    let host = String::from_utf8(host).expect("text");
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let said = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", host])
        .current_dir(ROOT)
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&said.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 50, "all dependencies are looked at");
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !licence_of(package).is_some_and(may_be_passed_on))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "licences not allowed: {refused:#?}");
}

fn licence_of(package: &serde_json::Value) -> Option<&str> {
    let read = READ.iter().find(|(name, _)| package["name"] == *name).map(|(_, licence)| *licence);
    package["license"].as_str().or(read)
}

/// Reads an SPDX expression of `AND`, `OR` and one level of parentheses, which is what occurs.
fn may_be_passed_on(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    if let (Some(open), Some(close)) = (expression.find('('), expression.find(')')) {
        let inner = if may_be_passed_on(&expression[open + 1..close]) { "MIT" } else { "refused" };
        return may_be_passed_on(&format!("{}{inner}{}", &expression[..open], &expression[close + 1..]));
    }
    expression.split(" OR ").any(|choice| choice.split(" AND ").all(|one| ALLOWED.contains(&one.trim())))
}

#[test]
fn licence_expressions_are_read_right() {
    for (expression, expected) in [
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(GPL-3.0 OR AGPL-3.0) AND MIT", false),
    ] {
        assert_eq!(may_be_passed_on(expression), expected, "{expression}");
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(ROOT).join("src"), Path::new(ROOT).join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).expect("readable");
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn sql_stands_in_stores() {
    let statement = ["query(", "query_as(", "query_scalar(", "query_as::<", "query_scalar::<"];
    // The three that speak to PostgreSQL about itself, not about a table of a module.
    let exempt = ["src/embedded/mod.rs", "src/database.rs", "src/migrate/mod.rs", "src/runs.rs"];
    let offenders: Vec<String> = sources()
        .into_iter()
        .filter(|(path, text)| {
            statement.iter().any(|call| text.contains(&format!("sqlx::{call}")))
                && !path.ends_with("store.rs")
                && !path.to_string_lossy().contains("/store/")
        })
        .map(|(path, _)| path.strip_prefix(ROOT).expect("below").display().to_string())
        .filter(|path| !exempt.contains(&path.as_str()))
        .collect();
    assert!(offenders.is_empty(), "SQL outside a store.rs: {offenders:#?}");
}

#[test]
fn the_outbox_knows_no_module() {
    let modules = ["tutorials", "catalogue", "timetable_import", "sync", "bridges", "delivery", "demo", "search"];
    for (path, text) in sources().iter().filter(|(path, _)| path.to_string_lossy().contains("src/outbox/")) {
        for module in modules {
            assert!(!text.contains(&format!("crate::{module}")), "{} calls {module}", path.display());
        }
    }
}

#[test]
fn verbs_and_stores_do_not_know_who_calls() {
    for (path, text) in sources() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name == "store.rs" || name == "plan.rs" {
            for surface in ["crate::cli", "::api::", "axum::"] {
                assert!(!text.contains(surface), "{} knows {surface}", path.display());
            }
        }
    }
}

#[test]
fn no_file_has_outgrown_its_reader() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "split these by what they are responsible for: {long:#?}");
}

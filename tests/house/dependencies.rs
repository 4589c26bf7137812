//! The packages of `Cargo.lock`, and one version of each.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// Returns the rules for dependencies, `deny.toml`.
pub fn rules() -> &'static toml::Table {
    static RULES: OnceLock<toml::Table> = OnceLock::new();
    RULES.get_or_init(|| {
        let path = std::path::Path::new(super::ROOT).join("deny.toml");
        std::fs::read_to_string(path).expect("deny.toml is readable").parse().expect("deny.toml is TOML")
    })
}

/// Returns the packages for this machine, as `cargo metadata` lists them.
pub fn metadata() -> &'static Value {
    static METADATA: OnceLock<Value> = OnceLock::new();
    METADATA.get_or_init(|| {
        let version = Command::new("rustc").arg("-vV").output().expect("rustc runs").stdout;
        let version = String::from_utf8(version).expect("rustc prints text");
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
        let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
            .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", host])
            .current_dir(super::ROOT)
            .output()
            .expect("cargo runs");
        serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
    })
}

/// Returns a line `name vVERSION` for each package that is built for this machine. `cargo metadata` also lists some that
/// no feature needs.
fn tree() -> String {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["tree", "--locked", "--workspace", "--all-features", "--prefix", "none", "--format", "{p}"])
        .current_dir(super::ROOT)
        .output()
        .expect("cargo runs");
    let lines = String::from_utf8(output.stdout).expect("cargo prints text");
    lines.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ") + "\n").collect()
}

/// Returns the part of a version that a requirement such as `1` or `0.22` selects.
fn compatible_part(version: &str) -> String {
    let parts: Vec<&str> = version.split('.').collect();
    let significant = if parts[0] == "0" { 2 } else { 1 };
    parts[..significant].join(".")
}

/// Returns `name@version` of each package that exists in a newer version as well.
fn older_versions(packages: &[(&str, &str)]) -> BTreeSet<String> {
    let mut versions: BTreeMap<&str, Vec<Vec<u64>>> = BTreeMap::new();
    let numbers = |version: &str| {
        let release = version.split(['+', '-']).next().unwrap_or_default();
        release.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u64>>()
    };
    for (name, version) in packages {
        versions.entry(name).or_default().push(numbers(version));
    }
    let is_older = |(name, version): &&(&str, &str)| versions[name].iter().any(|other| *other > numbers(version));
    packages.iter().filter(is_older).map(|(name, version)| format!("{name}@{}", compatible_part(version))).collect()
}

#[test]
fn duplicates_are_the_listed_ones() {
    let tree = tree();
    let packages: Vec<(&str, &str)> = tree.lines().filter_map(|line| line.split_once(" v")).collect();
    assert!(packages.len() > 50, "only {} dependencies are read", packages.len());
    let skip = rules()["bans"]["skip"].as_array().expect("a list of packages");
    let listed: BTreeSet<String> =
        skip.iter().map(|entry| entry["crate"].as_str().expect("a package").to_owned()).collect();
    let found = older_versions(&packages);
    let unlisted: Vec<&String> = found.difference(&listed).collect();
    let unneeded: Vec<&String> = listed.difference(&found).collect();
    assert!(unlisted.is_empty(), "update what needs the older version, or list it in deny.toml: {unlisted:#?}");
    assert!(unneeded.is_empty(), "remove from deny.toml: {unneeded:#?}");
}

#[test]
fn older_version_of_a_package_is_found() {
    let packages = [("a", "0.9.5"), ("a", "0.10.1"), ("b", "1.2.3"), ("c", "2.0.0"), ("c", "1.9.9+build")];
    assert_eq!(older_versions(&packages), ["a@0.9", "c@1"].map(str::to_owned).into());
}

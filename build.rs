//! Rebuilds after a migration was added, and collects the licences of everything inside the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

/// What a licence file's name begins with, in capitals.
const LICENCE_FILES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=Cargo.lock");
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR")).join("NOTICE");
    let notice = notice(&metadata());
    fs::write(&out, notice).unwrap_or_else(|error| panic!("{} cannot be written: {error}", out.display()));
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name} for build scripts"))
}

/// Returns the packages of this build's target and features, as `cargo metadata` lists them.
fn metadata() -> Value {
    let mut command = Command::new(variable("CARGO"));
    command.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", &variable("TARGET")]);
    if env::var_os("CARGO_FEATURE_DEMO").is_none() {
        command.arg("--no-default-features");
    }
    let output = command.current_dir(variable("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

/// Returns the ids of the packages that are linked into the program, without itself.
fn linked(metadata: &Value) -> BTreeSet<&str> {
    let nodes = list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect::<BTreeMap<_, _>>();
    let root = text(&metadata["resolve"]["root"]);
    let mut found = BTreeSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        for dependency in list(&nodes[id]["deps"]) {
            let is_normal = list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
            let id = text(&dependency["pkg"]);
            if is_normal && found.insert(id) {
                open.push(id);
            }
        }
    }
    found
}

/// Lists every package with its licence, then each licence text once, with the packages that it covers.
fn notice(metadata: &Value) -> String {
    let linked = linked(metadata);
    let mut packages = String::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // Packages of this workspace have the licence of the program.
    let foreign = |package: &&Value| linked.contains(text(&package["id"])) && !package["source"].is_null();
    for package in list(&metadata["packages"]).filter(foreign) {
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        let licence = package["license"].as_str().unwrap_or("see the text below");
        packages.push_str(&format!("{name}: {licence}\n"));
        let folder = Path::new(text(&package["manifest_path"])).parent().expect("a manifest is in a folder");
        for text in licence_texts(folder) {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    let mut notice = format!("Lectern contains the following packages.\n\n{packages}");
    for (text, names) in texts {
        notice.push_str(&format!("\n{}\n{}\n\n{text}\n", "-".repeat(80), names.join(", ")));
    }
    notice
}

fn licence_texts(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_licence = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        path.is_file() && LICENCE_FILES.iter().any(|prefix| name.starts_with(prefix))
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_licence).collect();
    files.sort();
    files.iter().filter_map(|path| fs::read_to_string(path).ok()).map(|text| normalise(&text)).collect()
}

/// Removes differences that do not matter, so that equal licences are printed once.
fn normalise(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    lines.join("\n")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

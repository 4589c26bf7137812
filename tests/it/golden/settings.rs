//! Names of settings and environment variables, and the codes of problems.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{data, golden_text};

fn lectern(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    let command = command.env_clear().env("LECTERN_DATA_DIR", "/no/such/folder").envs(variables.iter().copied());
    let output = command.args(arguments).stdin(Stdio::null()).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn names_and_defaults_of_settings_are_golden() {
    let (exit, settings, _) = lectern(&["settings"], &[]);
    assert_eq!(exit, 0);
    let table: toml::Table = settings.parse().expect("TOML");
    let mut text = String::new();
    list(&mut text, "", &table);
    golden_text("settings", &text);
}

fn list(text: &mut String, prefix: &str, table: &toml::Table) {
    for (name, value) in table {
        match value {
            toml::Value::Table(below) => list(text, &format!("{prefix}{name}."), below),
            value => text.push_str(&format!("{prefix}{name} = {value}\n")),
        }
    }
}

/// Each line of the golden file: a variable and a value that is refused, `-` where every value is taken.
#[test]
fn environment_variables_are_known() {
    let variables = std::fs::read_to_string(data("environment.txt")).expect("the list");
    let sources = sources();
    for line in variables.lines() {
        let (name, wrong) = line.split_once(' ').expect("a name and a value");
        assert!(sources.contains(&format!("\"{name}\"")), "{name} is no longer read");
        if wrong != "-" {
            let (exit, _, printed) = lectern(&["settings"], &[(name, wrong)]);
            assert_eq!(exit, 2, "{name}={wrong}: {printed}");
            assert!(printed.contains(name), "{printed}");
        }
    }
}

/// Codes that programs read: as a literal, or as a variant that is spelt so when it is written.
#[test]
fn codes_of_problems_are_known() {
    let codes = std::fs::read_to_string(data("problem_codes.txt")).expect("the list");
    let sources = sources();
    for code in codes.lines() {
        let variant: String = code.split('_').map(capitalised).collect();
        let is_known = sources.contains(&format!("\"{code}\"")) || sources.contains(&variant);
        assert!(is_known, "{code} is no longer given");
    }
    let known: Vec<&str> = codes.lines().collect();
    let mut seen = Vec::new();
    for snapshot in std::fs::read_dir(data("snapshots")).expect("snapshots").flatten() {
        if snapshot.file_name() == "openapi.snap" {
            // What is called code there is a property of a schema.
            continue;
        }
        let text = std::fs::read_to_string(snapshot.path()).expect("text");
        let document = text.splitn(3, "---").nth(2).unwrap_or_default();
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        collect_codes(&document, &mut seen);
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() >= 20, "most codes are given in a golden document: {seen:?}");
    assert_eq!(seen.iter().find(|code| !known.contains(&code.as_str())), None);
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

/// The codes of `problems` anywhere in a document.
fn collect_codes(value: &Value, codes: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_codes(item, codes)),
        Value::Object(fields) => {
            if fields.contains_key("severity") {
                codes.extend(fields["code"].as_str().map(str::to_owned));
            }
            fields.values().for_each(|value| collect_codes(value, codes));
        }
        _ => {}
    }
}

/// The text of all sources of the program.
fn sources() -> String {
    let mut text = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("crates"));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                text += &std::fs::read_to_string(&path).expect("readable");
            }
        }
    }
    text
}

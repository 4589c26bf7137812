//! `lectern doctor`: each deviation is found and named with a fix, and no failed check stops the others.

mod administrate;
mod database;
mod lessons;
mod machine;
mod objects;

use std::process::Command;

use serde_json::Value;

/// What `lectern doctor --json` printed.
struct Findings {
    exit: i32,
    document: Value,
    stderr: String,
}

/// Runs the program with `--json`.
async fn examine(mut command: Command) -> Findings {
    command.arg("--json");
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
    let stderr = String::from_utf8(output.stderr).expect("text");
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    let findings = Findings { exit: output.status.code().unwrap_or(-1), document, stderr };
    findings.assert_consistent();
    findings
}

impl Findings {
    /// Checks what is true of every document.
    fn assert_consistent(&self) {
        let checks = self.checks();
        let all_ok = checks.iter().all(|check| check["ok"] == true);
        assert_eq!(self.exit, if all_ok { 0 } else { 4 }, "{:#}", self.document);
        for check in checks {
            assert!(!check["detail"].as_str().expect("a detail").is_empty(), "{check}");
            assert_eq!(check["fix"].is_null(), check["ok"] == true, "a deviation has a fix: {check}");
        }
    }

    fn checks(&self) -> &[Value] {
        self.document["checks"].as_array().expect("checks")
    }

    fn check(&self, name: &str) -> &Value {
        self.checks().iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {}", self.document))
    }

    fn detail(&self, name: &str) -> &str {
        self.check(name)["detail"].as_str().expect("text")
    }

    fn fix(&self, name: &str) -> &str {
        self.check(name)["fix"].as_str().unwrap_or_else(|| panic!("{name} has no fix: {}", self.check(name)))
    }

    /// Names of the checks that failed, without the disk: how much space is left on the machine of the tests is not for
    /// them to say.
    fn failed(&self) -> Vec<&str> {
        let failed = self.checks().iter().filter(|check| check["ok"] == false);
        failed.map(|check| check["name"].as_str().expect("a name")).filter(|name| *name != "disk").collect()
    }

    /// Names of the checks that were not made.
    fn not_checked(&self) -> Vec<&str> {
        let left_out = self.document["not_checked"].as_array().expect("a list");
        left_out.iter().map(|check| check["name"].as_str().expect("a name")).collect()
    }
}

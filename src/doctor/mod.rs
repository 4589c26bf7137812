//! `lectern doctor`: examines settings, data folder, database, schema, Administrate and undelivered work.
//!
//! It changes nothing. A check that fails does not stop the others: what needs the database is left out, with the reason,
//! if the database cannot be reached. Details and fixes contain no secret.

mod activity;
pub mod cli;
mod clock;
mod folder;
mod grants;
mod remote;
mod render;
mod schema;
mod server;
pub mod settings;
mod store;
mod work;

use std::future::Future;
use std::time::Duration;

use serde::Serialize;

use crate::error::{Error, Result};

/// The longest time of one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// The names of all checks by section, in the order of the output.
const SECTIONS: &[(&str, &[&str])] = &[
    ("This machine", &["settings", "data-folder", "disk", "clock"]),
    (
        "Database",
        &[
            "database",
            "server-version",
            "encoding",
            "time-zone",
            "writable",
            "connections",
            "track-activities",
            "idle-transactions",
            "replication-slots",
        ],
    ),
    ("Schema", &["schema", "placement", "grants", "sequences", "indexes", "constraints", "compat-views"]),
    ("Administrate", &["administrate", "administrate-login", "administrate-query", "request-allowance", "webhooks"]),
    ("Work", &["syncs", "outbox", "lessons", "worker"]),
];

/// A check with its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    pub name: &'static str,
    #[serde(flatten)]
    pub result: CheckResult,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    pub ok: bool,
    pub detail: String,
    /// The command or setting that removes the deviation; none where there is none.
    pub fix: Option<String>,
}

/// A check that was not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    pub name: &'static str,
    pub reason: String,
}

/// The results of all checks.
#[derive(Debug, Default, Serialize)]
pub struct Examination {
    checks: Vec<HealthCheck>,
    not_checked: Vec<NotChecked>,
}

impl CheckResult {
    fn good(detail: impl Into<String>) -> CheckResult {
        CheckResult { ok: true, detail: detail.into(), fix: None }
    }

    fn bad(detail: impl Into<String>, fix: impl Into<String>) -> CheckResult {
        CheckResult { ok: false, detail: detail.into(), fix: Some(fix.into()) }
    }

    /// Returns the result of a check that failed with an error. `fix` is used where the message contains no advice.
    fn of_error(error: &Error, fix: &str) -> CheckResult {
        let message = error.to_string();
        match message.rsplit_once(": ") {
            Some((detail, advice)) if is_advice(advice) => CheckResult::bad(detail, advice),
            _ => CheckResult::bad(message, fix),
        }
    }
}

/// Reports whether the last part of an error message says what to do.
fn is_advice(text: &str) -> bool {
    const VERBS: &[&str] = &[
        "check", "choose", "create", "did", "end", "free", "grant", "install", "move", "name", "raise", "remove",
        "replace", "run", "set", "start", "stop", "try", "use", "write",
    ];
    text.split_whitespace().next().is_some_and(|word| VERBS.contains(&word.trim_end_matches(',')))
}

impl Examination {
    /// Makes a check. An error or a timeout is a failed check.
    async fn check(&mut self, name: &'static str, work: impl Future<Output = Result<CheckResult>>) -> bool {
        let result = match tokio::time::timeout(CHECK_TIMEOUT, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => CheckResult::of_error(&error, "run `lectern doctor --debug` for details"),
            Err(_) => CheckResult::bad(
                format!("no result within {} s", CHECK_TIMEOUT.as_secs()),
                "end what has locked a table (see idle-transactions), then run `lectern doctor` again",
            ),
        };
        self.add(name, result)
    }

    fn add(&mut self, name: &'static str, result: CheckResult) -> bool {
        let ok = result.ok;
        self.checks.push(HealthCheck { name, result });
        ok
    }

    fn skip(&mut self, names: &[&'static str], reason: &str) {
        self.not_checked.extend(names.iter().map(|name| NotChecked { name, reason: reason.to_owned() }));
    }

    /// Reports whether every check that was made is in order.
    fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.result.ok)
    }

    /// Sorts everything by the order of the output.
    fn sort(&mut self) {
        self.checks.sort_by_key(|check| position(check.name));
        self.not_checked.sort_by_key(|check| position(check.name));
    }
}

fn position(name: &str) -> usize {
    SECTIONS.iter().flat_map(|(_, names)| names.iter()).position(|listed| *listed == name).unwrap_or(usize::MAX)
}

/// Formats a number of bytes for users: `1.5 GB`.
fn bytes(count: u64) -> String {
    let mut size = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 1000.0 {
            return if unit == "B" { format!("{count} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

/// Returns the name of a role, database or object as a statement needs it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Lists at most five names, and how many more there are.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_of_an_error_becomes_the_fix() {
        let of = |message: &str| CheckResult::of_error(&Error::Failed(message.into()), "other");
        let refused = of("cannot reach PostgreSQL at h:1, database d: connection refused: check that PostgreSQL runs");
        assert_eq!(refused.detail, "cannot reach PostgreSQL at h:1, database d: connection refused");
        assert_eq!(refused.fix.as_deref(), Some("check that PostgreSQL runs"));
        let plain = of("it did not start: FATAL");
        assert_eq!((plain.detail.as_str(), plain.fix.as_deref()), ("it did not start: FATAL", Some("other")));
    }

    #[test]
    fn sizes_are_readable() {
        for (count, expected) in
            [(999, "999 B"), (1_500, "1.5 kB"), (52_428_800, "52.4 MB"), (3_200_000_000_000, "3.2 TB")]
        {
            assert_eq!(bytes(count), expected);
        }
    }
}

//! Living databases: recognised, moved, proved, undone.

mod broken_rules;
mod killed;
mod oddities;
mod receipts;
mod refused;
pub(super) mod round_trip;
mod traffic;
mod with_django;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use serde_json::Value;

pub(super) use self::round_trip::without_what_lectern_made;

use crate::fixtures::legacy::{Legacy, LivingDb, Naming, Placement, State};

pub(super) const STATES: [State; 5] =
    [State::February4, State::February6, State::February10, State::February12, State::February13];
const PLACEMENTS: [Placement; 4] = [Placement::Public, Placement::Dotted, Placement::Adm, Placement::Mixed];
const NAMINGS: [Naming; 3] = [Naming::Django, Naming::Living, Naming::Plain];

/// Returns living databases of each kind; `make long` builds every combination.
fn samples() -> Vec<Legacy> {
    let mixed = PLACEMENTS.into_iter().cycle().zip(NAMINGS.into_iter().cycle()).zip(STATES.into_iter().cycle());
    let mut samples: Vec<Legacy> = mixed
        .take(3)
        .map(|((placement, naming), state)| Legacy {
            customfields: placement == Placement::Mixed || naming == Naming::Plain,
            ..Legacy::new(state, placement, naming)
        })
        .collect();
    let living = |state, placement| Legacy::new(state, placement, Naming::Living);
    samples.push(Legacy { without: &["acted.tutorial_sessions"], ..living(State::February4, Placement::Dotted) });
    samples.push(Legacy {
        without: &["adm.course_template_price_levels"],
        ..living(State::February6, Placement::Public).with_later_columns()
    });
    samples.push(Legacy { skipped: &[State::February12], ..living(State::February13, Placement::Dotted) });
    samples
}

/// Runs the program as the owner of the tables; returns exit code, document and messages.
///
/// An application ends after versioned SQL: the moves that change rows have tests of their own.
fn migrate(living: &LivingDb, arguments: &[&str]) -> (Option<i32>, Value, String) {
    migrate_with(living, arguments, &[])
}

fn migrate_with(living: &LivingDb, arguments: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, Value, String) {
    let (last, mut arguments) = (last_sql_step(), arguments.to_vec());
    let is_application = arguments.first().is_none_or(|first| *first == "apply" || first.starts_with("--"));
    if is_application && !arguments.contains(&"--to") {
        arguments.extend(["--to", &last]);
    }
    let (exit, mut document, messages) = run_migrate(living, &arguments, settings);
    let is_pending = |step: &Value| step["name"] == "tutorial-references" && step["state"] == "pending";
    if let Some(steps) = document["steps"].as_array_mut().filter(|steps| is_application && steps.iter().any(is_pending))
    {
        steps.retain(|step| !is_pending(step));
        document["pending"] = (document["pending"].as_u64().expect("a number") - 1).into();
    }
    (exit, document, messages)
}

/// Runs the program with exactly these arguments.
pub(super) fn run_migrate(
    living: &LivingDb,
    arguments: &[&str],
    settings: &[(&str, &str)],
) -> (Option<i32>, Value, String) {
    let mut command = living.db.program(&[&["migrate"], arguments, &["--json"]].concat());
    command.env("DATABASE_URL", living.owner_url()).envs(settings.iter().copied());
    let output = command.output().expect("runs");
    let messages = String::from_utf8(output.stderr).expect("text");
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), messages)
}

/// Returns the name of the last step of versioned SQL.
pub fn last_sql_step() -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("an entry").file_name());
    let last = files.map(|name| name.into_string().expect("a name")).max().expect("a migration");
    let (_, name) = last.trim_end_matches(".sql").split_once('_').expect("a number and a name");
    name.replace('_', "-")
}

/// Waits until the database answers a question with yes.
pub(super) async fn until(living: &LivingDb, question: &str) {
    for _ in 0..6000 {
        let question = sqlx::AssertSqlSafe(format!("SELECT coalesce(({question}), false)"));
        if matches!(sqlx::query_scalar(question).fetch_one(&living.db.pool).await, Ok(true)) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("never: {question}");
}

/// Whether the program waits for a lock.
pub(super) const WAITS: &str = "SELECT bool_or(wait_event_type = 'Lock') FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name LIKE 'lectern migrate%'";
/// Whether the program has no connection left.
pub(super) const IS_GONE: &str = "SELECT count(*) = 0 FROM pg_stat_activity
                       WHERE datname = current_database() AND application_name LIKE 'lectern migrate%'";

/// Runs a check for each of many inputs, some at a time; ends with all failures.
pub(super) fn in_parallel<T: Send>(inputs: Vec<T>, check: impl AsyncFn(T) + Sync) {
    let (runtime, inputs) = (tokio::runtime::Handle::current(), Mutex::new(inputs.into_iter()));
    let next = || inputs.lock().expect("no failure while it is locked").next();
    let failures: usize = std::thread::scope(|scope| {
        let work = || {
            let mut failures = 0;
            while let Some(input) = next() {
                // The panic has printed what failed.
                failures += usize::from(catch_unwind(AssertUnwindSafe(|| runtime.block_on(check(input)))).is_err());
            }
            failures
        };
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("ended")).sum()
    });
    assert_eq!(failures, 0, "see above");
}

/// Returns the lines that are only in one of two fingerprints.
pub(super) fn difference(before: &[String], after: &[String]) -> String {
    let lost = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}\n"));
    let gained = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}\n"));
    lost.chain(gained).collect()
}

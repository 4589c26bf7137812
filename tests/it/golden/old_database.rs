//! A database that an earlier build of the program filled (`tests/data/golden/old`) is used by this one.
//!
//! `cargo test --test it golden::old_database::write -- --ignored` made those files: `filling::fill` on an empty database,
//! then `pg_dump --inserts` of its database, the simulator's state, the upload of a run requested over HTTP, and a saved
//! plan. Writing them again gives up what they prove: do so only where stored data is meant to change.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::data;
use super::filling::{DECIDED, Filled, REQUESTED, fill};
use super::served::Served;
use super::sides::{Record, Sides};
use crate::fixtures::test_db::TestDb;

/// What stands in the dump for the folder of the database that was dumped.
const FOLDER: &str = "/golden-world";

/// The program forgets what is old and waits for what is to come; to both, the dump is as of now.
const RECENT: &str = "
    UPDATE lectern.webhook_inbox SET received_at = now(), next_attempt_at = least(next_attempt_at, now());
    UPDATE lectern.outbox SET next_attempt_at = least(next_attempt_at, now()),
                              late_until = least(late_until, now());
    UPDATE lectern.idempotency_keys SET created_at = now();
    UPDATE lectern.request_allowance SET refilled_at = now();
    UPDATE adm.api_audit_log SET started_at = now(), completed_at = now();";

/// Timetables that the commands name.
const FILES: [&str; 1] = ["changed.csv"];

/// Plans that were saved and not applied.
const PLANS: [&str; 2] = ["plan.json", "plan-events.json"];

/// The database, the data folder and the Administrate that the earlier program left.
async fn open() -> (Sides, Filled) {
    let db = TestDb::empty().await;
    let dump = std::fs::read_to_string(data("old/database.sql")).expect("the dump");
    let folder = db.folder().to_string_lossy().into_owned();
    // The dump changes settings of its session, which therefore has to end.
    let mut connection = PgConnection::connect(&db.url).await.expect("the database");
    let dump = sqlx::AssertSqlSafe(dump.replace(FOLDER, &folder));
    sqlx::raw_sql(dump).execute(&mut connection).await.expect("restored");
    connection.close().await.expect("closed");
    sqlx::raw_sql(RECENT).execute(&db.pool).await.expect("times");
    copy(&data("old/uploads"), &db.folder().join("uploads"));
    for file in FILES {
        std::fs::copy(data(file), db.folder().join(file)).expect(file);
    }
    for file in PLANS {
        std::fs::copy(data("old").join(file), db.folder().join(file)).expect(file);
    }
    lectern::migrate::apply(&db.pool).await.expect("the later steps of the schema");
    let filled = std::fs::read(data("old/filled.json")).expect("what was filled");
    (Sides::with(db, "old/administrate.json").await, serde_json::from_slice(&filled).expect("JSON"))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("readable").flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

fn changes(report: &Value) -> [&Value; 4] {
    ["created", "updated", "pruned", "skipped"].map(|what| &report["counts"][what])
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_plan_is_applied_and_the_next_sync_changes_nothing() {
    let (sides, _) = open().await;
    let mut record = Record::default();
    let plan = record.run(&sides, &["migrate", "plan"]).await;
    assert_eq!(plan["pending"], 0, "{plan:#}");
    let applied = record.run(&sides, &["sync", "all", "--plan", "plan.json"]).await;
    assert_eq!((&applied["succeeded"], &applied["failed"]), (&json!(7), &json!(0)), "{applied:#}");
    std::fs::write(sides.db.folder().join("decided.toml"), DECIDED).expect("settings");
    let arguments = ["sync", "events", "--plan", "plan-events.json", "--config", "decided.toml"];
    let applied = record.run(&sides, &arguments).await;
    assert_eq!(applied["settled"].as_array().map(Vec::len), Some(2), "{applied:#}");
    let again = record.run(&sides, &["sync", "all"]).await;
    for report in again["reports"].as_array().expect("reports") {
        assert_eq!(changes(report), [0; 4].map(Value::from).each_ref(), "{report:#}");
    }
    let events = record.run(&sides, &["sync", "events"]).await;
    assert_eq!((&events["conflicts"], &events["settled"]), (&json!([]), &json!([])), "{events:#}");
    record.golden("old_sync");
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_import_is_unchanged_when_repeated_and_is_taken_back() {
    let (sides, filled) = open().await;
    let mut record = Record::default();
    let repeated = record.run(&sides, &["import", "changed.csv"]).await;
    assert_eq!(
        (&repeated["counts"]["unchanged"], &repeated["counts"]["events"]),
        (&json!(2), &json!(2)),
        "{repeated:#}"
    );
    let run = filled.delivered.to_string();
    record.run(&sides, &["import", "show", &run]).await;
    record.run(&sides, &["import", "publish", &run]).await;
    record.run(&sides, &["import", "undo", &run, "--dry-run"]).await;
    let undone = record.run(&sides, &["import", "undo", &filled.changed.to_string(), "--no-prompt"]).await;
    assert_eq!(undone["restored"].as_array().map(Vec::len), Some(1), "{undone:#}");
    let undone = record.run(&sides, &["import", "undo", &run, "--no-prompt"]).await;
    assert_eq!(undone["removed"].as_array().map(Vec::len), Some(2), "{undone:#}");
    record.run(&sides, &["import", "undo", &run, "--no-prompt"]).await;
    record.run(&sides, &["import", "undo", &filled.queued.to_string(), "--no-prompt"]).await;
    record.run(&sides, &["import", "undo", "999", "--no-prompt"]).await;
    record.golden("old_import_undo");
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_runs_of_sync_are_taken_back() {
    let (sides, filled) = open().await;
    let mut record = Record::default();
    for run in filled.decided.iter().chain(&filled.second_sync).rev() {
        record.run(&sides, &["sync", "show", &run.to_string()]).await;
        record.run(&sides, &["sync", "undo", &run.to_string(), "--dry-run"]).await;
        let undone = record.run(&sides, &["sync", "undo", &run.to_string()]).await;
        assert_eq!(undone["errors"], json!([]), "{run} {undone:#}");
    }
    record.golden("old_sync_undo");
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_outbox_rows_are_delivered() {
    let (sides, filled) = open().await;
    let mut record = Record::default();
    let before = sides.administrate()["events"].as_object().map(|events| events.len());
    record.run(&sides, &["outbox", "run"]).await;
    let after = sides.administrate()["events"].as_object().map(|events| events.len());
    assert_eq!(after, before.map(|events| events + 2));
    record.run(&sides, &["import", "show", &filled.queued.to_string()]).await;
    record.run(&sides, &["outbox", "retry"]).await;
    record.run(&sides, &["import", "retry", &filled.queued.to_string()]).await;
    record.golden("old_outbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_requested_of_an_earlier_program_are_carried_out() {
    let (sides, filled) = open().await;
    let mut record = Record::default();
    let [import, undo, sync] = filled.requested;
    let served = Served::start(&sides, &[]).await;
    let imported = served.import_ended(&filled.token, import).await;
    let imported = record.add(&sides, "the requested import", imported);
    assert_eq!((&imported["counts"]["created"], &imported["state"]), (&json!(1), &json!("done")), "{imported:#}");
    let undone = served.import_ended(&filled.token, undo).await;
    record.add(&sides, "its undo", undone);
    let synced = loop {
        let (status, document) = served.get(&filled.token, &format!("/api/syncs/{sync}")).await;
        if status != 202 {
            break (status, document);
        }
    };
    record.add(&sides, "the requested sync", synced);
    let again = served.import(&filled.token, "requested.csv", &REQUESTED, "key 1").await;
    let again = record.add(&sides, "the import again under its key", again);
    assert_eq!(again["run_id"], import);
    let applied = "SELECT count(*) FROM lectern.webhook_inbox WHERE state = 'received'";
    loop {
        let open: i64 = sqlx::query_scalar(applied).fetch_one(&sides.db.pool).await.expect("a count");
        if open == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    record.run(&sides, &["webhooks", "list", "--all"]).await;
    record.golden("old_requested");
}

/// Writes the files that the tests above open.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it replaces the golden database"]
async fn write() {
    let sides = Sides::new().await;
    let filled = fill(&sides, false).await;
    let folder = sides.db.folder();
    let _ = std::fs::remove_dir_all(data("old"));
    std::fs::create_dir_all(data("old")).expect("a folder");
    let dump = Command::new(pg_dump()).args(["--inserts", "--no-owner", "--no-privileges", &sides.db.url]).output();
    let dump = dump.expect("pg_dump runs");
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let dump = String::from_utf8(dump.stdout).expect("text").replace(&*folder.to_string_lossy(), FOLDER);
    // What psql alone or only a later server understands.
    let is_plain = |line: &&str| !line.starts_with('\\') && !line.starts_with("SET transaction_timeout");
    let dump: Vec<&str> = dump.lines().filter(is_plain).collect();
    let head = "-- Written by `cargo test --test it golden::old_database::write -- --ignored`; made-up data.\n";
    std::fs::write(data("old/database.sql"), head.to_owned() + &dump.join("\n") + "\n").expect("the dump");
    let state = json!({ "generation": 1, "tenant": sides.administrate() });
    write_json("old/administrate.json", &state);
    write_json("old/filled.json", &serde_json::to_value(&filled).expect("JSON"));
    for file in PLANS {
        std::fs::copy(folder.join(file), data("old").join(file)).expect(file);
    }
    copy(&folder.join("uploads"), &data("old/uploads"));
}

fn write_json(name: &str, value: &Value) {
    std::fs::write(data(name), serde_json::to_string_pretty(value).expect("JSON") + "\n").expect(name);
}

/// `pg_dump` of the newest PostgreSQL that is installed, else the one in PATH.
fn pg_dump() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin/pg_dump")).filter(|path| path.exists()).max();
    newest.unwrap_or_else(|| "pg_dump".into())
}

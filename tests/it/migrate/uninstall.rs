//! `lectern uninstall`: an adopted database is given back as it was.

use std::process::Output;

use serde_json::{Value, json};

use super::adoption::last_sql_step;
use crate::fixtures::legacy::{Contents, Legacy, LivingDb, Naming, Placement, State, fingerprint, without_positions};
use crate::fixtures::test_db::TestDb;

fn run(living: &LivingDb, arguments: &[&str]) -> (Option<i32>, String, Value) {
    let output = living.db.program(arguments).env("DATABASE_URL", living.owner_url()).output().expect("runs");
    parts(output)
}

fn parts(output: Output) -> (Option<i32>, String, Value) {
    let document = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), String::from_utf8(output.stderr).expect("text"), document)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_lectern_is_left_in_an_adopted_database() {
    for legacy in [
        Legacy::new(State::February13, Placement::Dotted, Naming::Living),
        Legacy {
            without: &["acted.tutorial_sessions"],
            ..Legacy::new(State::February4, Placement::Adm, Naming::Django)
        },
    ] {
        let living = legacy.build().await;
        let (before, contents) =
            (without_positions(fingerprint(&living.db.pool).await), Contents::read(&living.db.pool).await);
        let (exit, messages, _) = run(&living, &["migrate", "--compat-views"]);
        assert_eq!(exit, Some(4), "some texts match no venue: {messages}");
        let (exit, messages, _) = run(&living, &["uninstall"]);
        assert_eq!(exit, Some(3), "{messages}");
        assert!(messages.contains("lectern migrate undo adopt"), "{messages}");
        for name in ["tutorial-references", "adm-schema", "adopt"].iter().filter(|name| messages.contains(**name)) {
            let (exit, messages, _) = run(&living, &["migrate", "undo", name]);
            assert_eq!(exit, Some(0), "{messages}");
        }
        let (exit, messages, document) = run(&living, &["uninstall", "--json"]);
        assert_eq!((exit, &document["uninstalled"]), (Some(0), &json!(true)), "{messages}");
        let after = without_positions(fingerprint(&living.db.pool).await);
        let lost: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
        let left: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
        assert_eq!((lost, left), (Vec::new(), Vec::new()), "{legacy:?}");
        assert_eq!(contents.differences(&contents.read_again(&living.db.pool).await), [""; 0]);
        let schema: bool = sqlx::query_scalar("SELECT to_regnamespace('lectern') IS NOT NULL")
            .fetch_one(&living.db.pool)
            .await
            .expect("readable");
        assert!(!schema);
        let (exit, messages, _) = run(&living, &["uninstall"]);
        assert_eq!(exit, Some(0), "{messages}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_exist_only_there_are_exported_first() {
    let living = Legacy::new(State::February13, Placement::Adm, Naming::Plain).build().await;
    assert_eq!(run(&living, &["migrate", "--to", &last_sql_step()]).0, Some(0));
    living.execute("INSERT INTO lectern.runs (kind, subject, exit_code) VALUES ('sync', 'locations', 0)").await;
    for name in ["adm-schema", "adopt"] {
        run(&living, &["migrate", "undo", name]);
    }
    let before = fingerprint(&living.db.pool).await;
    let (exit, messages, _) = run(&living, &["uninstall"]);
    assert_eq!(exit, Some(4), "{messages}");
    assert!(messages.contains("lectern.runs (1)") && messages.contains("--export"), "{messages}");
    assert_eq!(fingerprint(&living.db.pool).await, before, "nothing was changed");
    let file = living.db.folder().join("left.json");
    let (exit, messages, _) = run(&living, &["uninstall", "--export", file.to_str().expect("text")]);
    assert_eq!(exit, Some(0), "{messages}");
    let exported: Value = serde_json::from_slice(&std::fs::read(&file).expect("a file")).expect("a document");
    assert_eq!(exported["tables"]["lectern.runs"][0]["subject"], "locations");
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_lectern_created_is_not_uninstalled() {
    let db = TestDb::new().await;
    let (exit, messages, _) = parts(db.program(&["uninstall"]).output().expect("runs"));
    assert_eq!(exit, Some(3), "{messages}");
    assert!(messages.contains("drop the database"), "{messages}");
}

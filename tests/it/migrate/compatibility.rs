//! A schema that a newer program has extended: its steps say which older programs may run beside them.

use serde_json::Value;

use crate::fixtures::test_db::TestDb;

/// Applies a step as a newer program does.
async fn apply_future_step(db: &TestDb, older_binaries: Option<&str>) {
    sqlx::query(
        "INSERT INTO lectern.schema_steps (version, description, success, checksum, execution_time)
         VALUES (9000, 'future names', true, 'x', 1)",
    )
    .execute(&db.pool)
    .await
    .expect("a step");
    if let Some(text) = older_binaries {
        sqlx::query("INSERT INTO lectern.schema_compatibility VALUES (9000, $1)")
            .bind(text)
            .execute(&db.pool)
            .await
            .expect("a header");
    }
}

fn run(db: &TestDb, arguments: &[&str]) -> (i32, String) {
    let output = db.program(arguments).output().expect("it runs");
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn older_program_runs_beside_a_step_that_allows_it_and_refuses_any_other() {
    for (older_binaries, reason) in [
        (Some("yes"), None),
        (Some("from 0.0"), None),
        (Some("from 0.1"), None),
        (Some("from 0.3"), Some("step 9000 (future-names) needs Lectern 0.3 or newer, but this is Lectern 0.2.0")),
        (Some("from 10.0"), Some("step 9000 (future-names) needs Lectern 10.0 or newer")),
        (Some("no"), Some("step 9000 (future-names) does not allow older programs")),
        (None, Some("step 9000 (future-names) does not allow older programs")),
    ] {
        let db = TestDb::new().await;
        apply_future_step(&db, older_binaries).await;
        // Every command opens the database in the same way.
        let commands: &[&[&str]] = match older_binaries {
            Some("yes") | None => &[&["outbox"], &["migrate"], &["serve", "--worker-only"]],
            Some(_) => &[&["outbox"]],
        };
        for arguments in commands {
            let (exit, stderr) = run(&db, arguments);
            match reason {
                Some(reason) => {
                    assert_eq!(exit, 3, "{older_binaries:?} {arguments:?}: {stderr}");
                    assert!(stderr.contains(reason) && stderr.contains("use the newer program"), "{stderr}");
                }
                // A worker needs Administrate, which is not configured: it came further than the schema.
                None if arguments[0] == "serve" => assert!(stderr.contains("ADMINISTRATE_API_URL"), "{stderr}"),
                None => assert_eq!(exit, 0, "{older_binaries:?} {arguments:?}: {stderr}"),
            }
        }
        if commands.len() > 1 {
            assert_doctor_agrees(&db, reason);
        }
    }
}

fn assert_doctor_agrees(db: &TestDb, reason: Option<&str>) {
    let output = db.program(&["doctor", "--json"]).output().expect("it runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let checks = document["checks"].as_array().expect("checks");
    let schema = checks.iter().find(|check| check["name"] == "schema").expect("the schema is examined");
    assert_eq!(schema["ok"], reason.is_none(), "{schema}");
    let expected = reason.unwrap_or("a newer program has added 1 step up to step 9000");
    assert!(schema["detail"].as_str().is_some_and(|detail| detail.contains(expected)), "{schema}");
}

#[tokio::test(flavor = "multi_thread")]
async fn header_of_each_step_is_stored_and_steps_are_not_mixed() {
    let db = TestDb::new().await;
    let without: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM lectern.schema_steps LEFT JOIN lectern.schema_compatibility USING (version)
         WHERE older_binaries IS NULL",
    )
    .fetch_one(&db.pool)
    .await
    .expect("readable");
    assert_eq!(without, 0);
    apply_future_step(&db, Some("yes")).await;
    sqlx::raw_sql("DELETE FROM lectern.schema_steps WHERE version = 59").execute(&db.pool).await.expect("pending");
    let (exit, stderr) = run(&db, &["migrate"]);
    assert!(exit == 3 && stderr.contains("run `lectern migrate` of the newer program"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_does_not_migrate_a_database_that_is_not_its_own() {
    let db = TestDb::empty().await;
    let (exit, stderr) = run(&db, &["serve", "--bind", "127.0.0.1:0"]);
    assert!(exit == 3 && stderr.contains("run `lectern migrate` first"), "{stderr}");
    let schemas: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname IN ('lectern', 'acted', 'adm')")
            .fetch_one(&db.pool)
            .await
            .expect("readable");
    assert_eq!(schemas, 0);
}

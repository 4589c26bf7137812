//! Retention: what is old goes, what is needed stays.

use std::time::{Duration, SystemTime};

use lectern::retention::sweep;
use tokio_util::sync::CancellationToken;

use crate::fixtures::test_db::TestDb;

async fn execute(db: &TestDb, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&db.pool).await.expect(sql);
}

async fn swept(db: &TestDb) {
    sweep(&db.pool, &db.config(&[]), &CancellationToken::new()).await.expect("swept");
}

async fn names(db: &TestDb, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&db.pool).await.expect(sql)
}

#[tokio::test]
async fn calls_logged_before_the_adoption_stay_and_later_ones_go() {
    let db = TestDb::new().await;
    execute(
        &db,
        "DROP SCHEMA lectern CASCADE;
         INSERT INTO adm.api_audit_log (command, operation, started_at, completed_at)
         SELECT 'before', 'x', now() - interval '3 years', now() FROM generate_series(1, 3)",
    )
    .await;
    lectern::migrate::apply(&db.pool).await.expect("adopted");
    execute(
        &db,
        "INSERT INTO adm.api_audit_log (command, operation, started_at, completed_at)
         SELECT 'old', 'x', now() - interval '31 days', now() FROM generate_series(1, 2500)
         UNION ALL SELECT 'new', 'x', now() - interval '29 days', now()",
    )
    .await;
    swept(&db).await;
    let left = names(&db, "SELECT command FROM adm.api_audit_log ORDER BY id").await;
    assert_eq!(left, ["before", "before", "before", "new"]);
}

#[tokio::test]
async fn old_runs_go_unless_something_rests_on_them() {
    let db = TestDb::new().await;
    // kind, subject, age in days, dry run, exit code (null: not ended), journal.
    execute(
        &db,
        "INSERT INTO lectern.runs (kind, subject, started_at, dry_run, exit_code, finished_at, journal)
         SELECT kind, subject, now() - make_interval(days => age), dry, code,
                CASE WHEN code IS NOT NULL THEN now() - make_interval(days => age) END, journal
         FROM (VALUES ('sync', 'venues', 400, false, 0, '{}'::jsonb), ('sync', 'venues', 399, false, 1, '{}'),
                      ('sync', 'locations', 400, false, 0, NULL), ('sync', 'locations', 40, false, 4, NULL),
                      ('sync', 'locations', 20, false, 0, NULL), ('sync', 'locations', 35, true, 0, NULL),
                      ('import', 'old', 366, false, 4, NULL), ('import', 'young', 364, false, 4, NULL),
                      ('import', 'dry', 31, true, 0, NULL), ('import', 'pending', 400, false, 4, NULL),
                      ('import', 'queued', 400, false, NULL, NULL), ('import', 'killed', 400, false, NULL, NULL),
                      ('import-undo', '8', 400, false, 0, NULL)) AS v (kind, subject, age, dry, code, journal);
         INSERT INTO lectern.import_rows (run_id, row, title, outcome, sessions, changes, unused)
         SELECT id, 2, 'A', 'new', 1, '[]', '[]' FROM lectern.runs WHERE subject IN ('old', 'young');
         INSERT INTO lectern.requested_runs (run_id, request)
         SELECT id, '{}' FROM lectern.runs WHERE subject IN ('old', 'queued');
         INSERT INTO lectern.tokens (name, role, digest) VALUES ('t', 'admin', 'x');
         INSERT INTO lectern.idempotency_keys (token_id, key, fingerprint, run_id, created_at)
         SELECT 1, subject, 'x', id, now() - make_interval(days => CASE subject WHEN 'young' THEN 2 ELSE 0 END)
         FROM lectern.runs WHERE subject IN ('old', 'young', 'queued');
         INSERT INTO lectern.outbox (effect, subject_kind, subject_id, subject, state, run_id, created_at)
         SELECT 'create_event', 'event', id, subject, CASE subject WHEN 'pending' THEN 'failed' ELSE 'delivered' END, id,
                started_at
         FROM lectern.runs WHERE kind = 'import' AND NOT dry_run",
    )
    .await;
    swept(&db).await;
    let left = names(
        &db,
        "SELECT kind || ' ' || subject || ' ' || now()::date - started_at::date FROM lectern.runs ORDER BY id",
    )
    .await;
    let expected = [
        "sync venues 400",
        "sync locations 20",
        "import young 364",
        "import pending 400",
        "import queued 400",
        "import-undo 8 400",
    ];
    assert_eq!(left, expected);
    assert_eq!(names(&db, "SELECT key FROM lectern.idempotency_keys").await, ["queued"]);
    assert_eq!(names(&db, "SELECT subject FROM lectern.outbox ORDER BY id").await, ["young", "pending", "queued"]);
    swept(&db).await;
    assert_eq!(names(&db, "SELECT 'x' FROM lectern.runs").await.len(), expected.len(), "the second time finds nothing");
}

#[tokio::test]
async fn old_files_go_and_nothing_else_is_touched() {
    let db = TestDb::new().await;
    execute(
        &db,
        "INSERT INTO lectern.runs (kind, subject, started_at, finished_at, exit_code)
         VALUES ('import', 'ended', now(), now() - interval '8 days', 0), ('import', 'just', now(), now(), 0),
                ('import', 'open', now(), NULL, NULL)",
    )
    .await;
    let folder = db.folder();
    for run in 1..=4 {
        std::fs::create_dir_all(folder.join(format!("uploads/{run}"))).expect("a folder");
    }
    std::fs::create_dir(folder.join("reports")).expect("a folder");
    for (name, days) in [("import-1.xlsx", 366), ("import-2.xlsx", 364), ("mine.xlsx", 1000)] {
        let file = std::fs::File::create(folder.join("reports").join(name)).expect("a file");
        let changed = SystemTime::now() - Duration::from_secs(days * 86_400);
        file.set_modified(changed).expect("its age");
    }
    swept(&db).await;
    let list = |name: &str| {
        let entries = std::fs::read_dir(folder.join(name)).expect("a folder").flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(list("uploads"), ["2", "3", "4"], "of run 4 this database knows nothing");
    assert_eq!(list("reports"), ["import-2.xlsx", "mine.xlsx"]);
}

//! `lectern migrate plan --lint`: what it says of a statement is what PostgreSQL does.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use sqlx::{PgConnection, Row};

use crate::fixtures::test_db::TestDb;

/// Runs the program without a database. Returns the exit code, stdout and stderr.
fn lint(folder: &std::path::Path, arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    command.env_clear().current_dir(folder).args(["--data-dir", "data", "migrate", "plan", "--lint"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("started");
    let _ = process.stdin.take().expect("its input").write_all(input);
    let output = process.wait_with_output().expect("ended");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    assert!(!folder.join("data").exists(), "it needs no database");
    (output.status.code().expect("a code"), text(output.stdout), text(output.stderr))
}

/// What a statement did to a table.
struct Observed {
    lock: String,
    is_rewritten: bool,
    is_read: bool,
}

/// Executes a statement in a transaction that is rolled back.
async fn observe(db: &mut PgConnection, statement: &str) -> Observed {
    const LOOK: &str = "SELECT pg_relation_filenode(oid), pg_stat_get_xact_numscans(oid), coalesce((
            SELECT mode FROM pg_locks WHERE relation = pg_class.oid AND pid = pg_backend_pid() AND database = (
                SELECT oid FROM pg_database WHERE datname = current_database())
            ORDER BY array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock',
                'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                'AccessExclusiveLock'], mode) DESC LIMIT 1), '')
        FROM pg_class WHERE oid = 'acted.tutorial_locations'::regclass";
    // The statement may have given the table another name.
    let oid: sqlx::postgres::types::Oid = sqlx::query_scalar("SELECT 'acted.tutorial_locations'::regclass::oid")
        .fetch_one(&mut *db)
        .await
        .expect("there");
    let look = LOOK.replace("'acted.tutorial_locations'::regclass", &oid.0.to_string());
    let look = || sqlx::raw_sql(sqlx::AssertSqlSafe(look.clone()));
    sqlx::raw_sql("BEGIN").execute(&mut *db).await.expect("begun");
    let before = look().fetch_one(&mut *db).await.expect("readable");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut *db).await.expect(statement);
    let after = look().fetch_one(&mut *db).await.expect("readable");
    sqlx::raw_sql("ROLLBACK").execute(&mut *db).await.expect("rolled back");
    Observed {
        lock: after.get(2),
        is_rewritten: before.get::<sqlx::postgres::types::Oid, _>(0) != after.get::<sqlx::postgres::types::Oid, _>(0),
        is_read: after.get::<i64, _>(1) > before.get::<i64, _>(1),
    }
}

/// Statements on a table that is in use. `@T` stands for the table.
const STATEMENTS: &[&str] = &[
    "ALTER TABLE @T ADD c int",
    "ALTER TABLE @T ADD c timestamptz NOT NULL DEFAULT now()",
    "ALTER TABLE @T ADD c text NOT NULL DEFAULT upper('a') CHECK (c <> '')",
    "ALTER TABLE @T ADD c float DEFAULT random()",
    "ALTER TABLE @T ADD c uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE @T ADD c serial",
    "ALTER TABLE @T ADD c bigint GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE @T ADD c int GENERATED ALWAYS AS (length(name)) STORED",
    "ALTER TABLE @T ADD c int UNIQUE",
    "ALTER TABLE @T ADD c bigint REFERENCES acted.staff",
    "ALTER TABLE @T ADD c bigint DEFAULT 1 REFERENCES acted.tutorial_locations",
    "ALTER TABLE @T ALTER name TYPE varchar(300)",
    "ALTER TABLE @T ALTER name TYPE text USING name::text",
    "ALTER TABLE @T ALTER name TYPE varchar(254)",
    "ALTER TABLE @T ALTER name TYPE varchar(300) USING trim(name)",
    "ALTER TABLE @T ALTER id TYPE integer",
    "ALTER TABLE @T ALTER name DROP NOT NULL",
    "ALTER TABLE @T ALTER spare SET NOT NULL",
    "ALTER TABLE @T ALTER checked SET NOT NULL",
    "ALTER TABLE @T ALTER name SET DEFAULT md5(random()::text)",
    "ALTER TABLE @T ALTER name SET STATISTICS 500",
    "ALTER TABLE @T ALTER name SET STORAGE EXTERNAL",
    "ALTER TABLE @T ADD CONSTRAINT c CHECK (name <> '')",
    "ALTER TABLE @T ADD CONSTRAINT c CHECK (name <> '') NOT VALID",
    "ALTER TABLE @T ADD CONSTRAINT c FOREIGN KEY (id) REFERENCES acted.tutorial_locations (id)",
    "ALTER TABLE @T ADD CONSTRAINT c FOREIGN KEY (id) REFERENCES acted.tutorial_locations (id) NOT VALID",
    "ALTER TABLE @T VALIDATE CONSTRAINT waiting",
    "ALTER TABLE @T ADD CONSTRAINT c UNIQUE (name)",
    "ALTER TABLE @T ADD CONSTRAINT c UNIQUE USING INDEX prepared",
    "ALTER TABLE @T DROP CONSTRAINT waiting",
    "ALTER TABLE @T DROP COLUMN code",
    "ALTER TABLE @T RENAME TO other",
    "ALTER TABLE @T RENAME COLUMN code TO other",
    "ALTER TABLE @T SET SCHEMA adm",
    "ALTER TABLE @T SET (fillfactor = 70)",
    "ALTER TABLE @T CLUSTER ON prepared",
    "ALTER TABLE @T DISABLE TRIGGER USER",
    "ALTER TABLE @T ENABLE TRIGGER USER",
    "ALTER TABLE @T ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE @T REPLICA IDENTITY FULL",
    "CREATE INDEX i ON @T (code)",
    "CREATE INDEX ON @T USING hash (code)",
    "DROP INDEX acted.prepared",
    "REINDEX TABLE @T",
    "CLUSTER @T USING prepared",
    "LOCK TABLE @T",
    "LOCK TABLE @T IN SHARE MODE",
    "LOCK TABLE @T IN ROW EXCLUSIVE MODE",
    "TRUNCATE @T CASCADE",
    "UPDATE @T SET code = code || 'x'",
    "DELETE FROM @T",
    "INSERT INTO @T (name) VALUES ('x')",
    "CREATE TRIGGER c AFTER INSERT ON @T FOR EACH ROW EXECUTE FUNCTION lectern.search_changed()",
    "DROP TRIGGER lectern_touch_updated_at ON @T",
    "COMMENT ON TABLE @T IS 'x'",
    "GRANT SELECT ON @T TO PUBLIC",
    "ANALYZE @T",
];

#[tokio::test]
async fn judgement_is_what_postgresql_does() {
    let db = TestDb::new().await;
    let prepare = "ALTER TABLE acted.tutorial_locations ADD spare int DEFAULT 1, ADD checked int DEFAULT 1,
            ADD CONSTRAINT checked_not_null CHECK (checked IS NOT NULL) NOT VALID,
            ADD CONSTRAINT waiting CHECK (code <> '-') NOT VALID;
        ALTER TABLE acted.tutorial_locations VALIDATE CONSTRAINT checked_not_null;
        CREATE UNIQUE INDEX prepared ON acted.tutorial_locations (name);
        INSERT INTO acted.tutorial_locations (name) SELECT 'Town ' || n FROM generate_series(1, 300) n;";
    sqlx::raw_sql(prepare).execute(&db.pool).await.expect(prepare);
    let mut connection = db.pool.acquire().await.expect("a connection");
    let mut mistakes = Vec::new();
    for statement in STATEMENTS {
        let statement = statement.replace("@T", "acted.tutorial_locations");
        let observed = observe(&mut connection, &statement).await;
        let file = format!("{prepare}\nSET lock_timeout = 1;\nBEGIN;\n{statement};\nROLLBACK;");
        let line = file.lines().count() as u64 - 1;
        let (_, document, errors) = lint(db.folder(), &["-", "--json"], file.as_bytes());
        let document: Value = serde_json::from_str(&document).expect(&errors);
        let finding = document["findings"].as_array().expect("findings").iter().find(|it| it["line"] == line);
        let severity = finding.map_or("fine", |finding| finding["severity"].as_str().expect("a severity"));
        let lock = observed.lock.trim_end_matches("Lock").to_lowercase();
        let blocks_writers = ["share", "sharerowexclusive", "exclusive", "accessexclusive"].contains(&lock.as_str());
        let is_emptied = ["TRUNCATE", "DROP"].iter().any(|verb| statement.starts_with(verb));
        let is_rewritten = observed.is_rewritten && !is_emptied;
        let is_scanned = observed.is_read && !observed.is_rewritten;
        let says_scan = finding.is_some_and(|finding| finding["duration"] == "scan");
        let mut wrong = Vec::new();
        if is_rewritten != (severity == "rewrites") {
            wrong.push(format!("rewritten: {is_rewritten}"));
        }
        if is_scanned && blocks_writers && !(severity == "blocks" && says_scan) {
            wrong.push("every row is read under the lock".to_owned());
        }
        if says_scan && !is_scanned {
            wrong.push("no row is read".to_owned());
        }
        let expected = finding.filter(|finding| finding["object"] == "acted.tutorial_locations");
        let expected =
            expected.map(|finding| finding["lock"].as_str().expect("a lock").replace(' ', "").to_lowercase());
        if expected.is_some_and(|expected| expected != lock) {
            wrong.push(format!("the lock is {lock}"));
        }
        if !wrong.is_empty() {
            mistakes.push(format!("{statement}: {}: {finding:?}", wrong.join(", ")));
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn files_are_judged_without_a_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).expect("written");
    write("bad.sql", b"-- a comment\nSET lock_timeout = '1s';\n\nCREATE INDEX i\n  ON adm.locations (external_id);\n");
    write("good.sql", b"SET lock_timeout = '1s';\nALTER TABLE adm.locations ADD note text;");
    write("empty.sql", b"");
    write("latin1.sql", b"SELECT 1;\nSELECT '\xe4';");
    write("open.sql", b"SELECT 1;\n\nSELECT 'a;\n");
    write("nul.sql", b"SELECT 1;\n\0");

    let (exit, stdout, stderr) = lint(folder.path(), &["bad.sql"], b"");
    assert_eq!(exit, 4, "{stderr}");
    for expected in ["bad.sql:4: blocks adm.locations: SHARE lock", "why: ", "instead: CREATE INDEX CONCURRENTLY"] {
        assert!(stdout.contains(expected), "{stdout}");
    }
    assert!(stderr.contains("bad.sql: 2 statements: 1 block"), "{stderr}");

    let (exit, stdout, _) = lint(folder.path(), &["bad.sql", "--json"], b"");
    let document: Value = serde_json::from_str(&stdout).expect("one document");
    assert_eq!((exit, &document["file"], &document["statements"]), (4, &"bad.sql".into(), &2.into()));
    let finding = &document["findings"][0];
    for (key, value) in [
        ("severity", "blocks"),
        ("lock", "SHARE"),
        ("duration", "scan"),
        ("object", "adm.locations"),
        ("rule", "create-index"),
    ] {
        assert_eq!(finding[key], value);
    }
    assert_eq!(finding["line"], 4);

    let (exit, stdout, stderr) = lint(folder.path(), &["good.sql", "empty.sql", "--json"], b"");
    let document: Value = serde_json::from_str(&stdout).expect("one document");
    assert_eq!((exit, document["files"].as_array().map(Vec::len)), (0, Some(2)), "{stderr}");
    assert_eq!(document["files"][0]["findings"].as_array().map(Vec::len), Some(0), "{stdout}");
    assert_eq!(lint(folder.path(), &["good.sql", "bad.sql"], b"").0, 4);
    assert_eq!(lint(folder.path(), &["-"], b"VACUUM FULL acted.prices").0, 4);
    let tool = ["-", "--single-transaction"];
    assert_eq!(lint(folder.path(), &tool, b"CREATE INDEX CONCURRENTLY i ON acted.prices (amount)").0, 4);

    for (file, place) in [
        ("latin1.sql", "latin1.sql:2: "),
        ("open.sql", "open.sql:3: "),
        ("nul.sql", "nul.sql:2: "),
        ("missing.sql", "missing.sql "),
        (".", ". "),
    ] {
        let (exit, stdout, stderr) = lint(folder.path(), &["good.sql", file], b"");
        assert_eq!((exit, stdout.as_str()), (1, ""), "{file}");
        assert!(stderr.contains(&format!("lectern: {place}")), "{stderr}");
    }
    let large = b"SELECT 1;\n".repeat(1024 * 1024 + 1);
    let (exit, _, stderr) = lint(folder.path(), &["-"], &large);
    assert_eq!((exit, stderr.contains("larger than 10 MB")), (1, true), "{stderr}");
    assert_eq!(lint(folder.path(), &["--sql", "bad.sql"], b"").0, 2);
}

//! Which tables are recognised, and which are refused.

use serde_json::json;

use super::{apply, expect_sessions, migrate, offline, step};
use crate::fixtures::legacy::{Legacy, Naming, Placement, State, fingerprint};
use crate::fixtures::lessons::{SEED, execute, living, neighbours, older, statements_of_living, texts};
use crate::fixtures::test_db::TestDb;

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_created_where_there_are_none() {
    let db = TestDb::empty().await;
    let (exit, document, messages) = migrate(&db, &[]);
    assert_eq!((exit, &step(&document)["state"]), (Some(0), &json!("not_needed")), "{messages}");
    expect_sessions(&db).await;
    let db = neighbours().await;
    let (exit, document, messages) = migrate(&db, &[]);
    assert_eq!((exit, &step(&document)["state"]), (Some(0), &json!("done")), "{messages}");
    expect_sessions(&db).await;
    let board = texts(&db, "SELECT indexname::text FROM pg_indexes WHERE indexname LIKE '%board_sessions_status'");
    assert_eq!(board.await, ["idx_whiteboard_sessions_status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn older_table_and_an_empty_second_one_are_moved() {
    let db = older(
        "INSERT INTO tutoring_sessions (tutor_id, student_id, subject, session_date, start_time, end_time, student_attended)
         VALUES (1, 1, 'Maths', '2025-11-01', '09:00', '10:00', true)",
    )
    .await;
    execute(&db, "CREATE TABLE tutor_sessions (LIKE tutoring_sessions INCLUDING ALL)").await;
    apply(&db, offline()).await.expect("applied");
    let rows =
        texts(&db, "SELECT concat_ws(' ', topics, student_attendance_status, alarm_before_minutes) FROM sessions");
    assert_eq!(rows.await, ["[\"Maths\"] present 15"]);
    expect_sessions(&db).await;
    assert_eq!(lectern::migrate::pending(&db.pool).await.expect("readable"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_another_shape_are_refused_by_name() {
    let cases = [
        (
            "CREATE TABLE sessions (id serial PRIMARY KEY, enrolled_courses_id integer, session_date date)",
            "enrolled_courses_id",
        ),
        ("CREATE TABLE sessions (sid varchar PRIMARY KEY, sess json)", "public.sessions"),
        ("DROP TABLE users CASCADE; CREATE TABLE users (id uuid PRIMARY KEY, login text)", "public.users"),
        ("DROP TABLE users CASCADE; CREATE VIEW users AS SELECT 1 AS id", "public.users is a view"),
        (
            "CREATE TABLE tutoring_sessions (LIKE tutor_sessions INCLUDING ALL);
          INSERT INTO tutoring_sessions SELECT * FROM tutor_sessions",
            "tutoring_sessions",
        ),
        (
            "CREATE TABLE tutoring_sessions (LIKE tutor_sessions INCLUDING ALL);
          CREATE TABLE uses (id integer REFERENCES tutoring_sessions)",
            "tutoring_sessions",
        ),
        (
            "ALTER TABLE tutor_sessions ALTER COLUMN session_date DROP NOT NULL; UPDATE tutor_sessions SET session_date = NULL WHERE id = 7",
            "id 7",
        ),
        (
            "ALTER TABLE tutor_sessions ALTER COLUMN is_recurring DROP DEFAULT, ALTER COLUMN is_recurring TYPE text",
            "is_recurring",
        ),
        (
            "DROP TABLE tutor_reviews, tutor_activities; ALTER TABLE tutor_sessions DROP CONSTRAINT tutor_sessions_pkey",
            "id is no key",
        ),
    ];
    for (at, (sql, named)) in cases.into_iter().enumerate() {
        let db = living(SEED).await;
        execute(&db, sql).await;
        let before = fingerprint(&db.pool).await;
        // The program looks for conflicts in one place, whether it only reports them or would change something.
        let commands: &[&[&str]] = if at == 0 { &[&["plan"], &["apply"]] } else { &[&["apply"]] };
        for arguments in commands {
            let (exit, document, messages) = migrate(&db, arguments);
            assert_eq!((exit, &step(&document)["state"]), (Some(4), &json!("conflict")), "{sql}\n{messages}");
            assert!(step(&document)["problems"].to_string().contains(named), "{named}\n{document:#}");
            assert!(messages.contains("nothing was changed"), "{messages}");
        }
        assert_eq!(super::super::adoption::difference(&before, &fingerprint(&db.pool).await), "", "{sql}");
        assert_eq!(texts(&db, "SELECT coalesce(to_regnamespace('lectern')::text, '-')").await, ["-"], "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn table_of_another_owner_is_refused_by_name() {
    let legacy = Legacy::new(State::February13, Placement::Adm, Naming::Django);
    let living = Legacy { more: statements_of_living(SEED), ..legacy }.build().await;
    let commands: [(&str, &[&[&str]]); 2] = [
        ("whiteboard_sessions", &[&["migrate", "plan"], &["migrate"]]),
        ("enrolled_students", &[&["migrate", "apply", "--offline"]]),
    ];
    for (table, commands) in commands {
        living.execute(&format!("ALTER TABLE public.{table} OWNER TO CURRENT_USER")).await;
        let before = fingerprint(&living.db.pool).await;
        for arguments in commands {
            let mut command = living.db.program(arguments);
            let output = command.env("DATABASE_URL", living.owner_url()).output().expect("runs");
            let messages = String::from_utf8(output.stderr).expect("text");
            assert_eq!(output.status.code(), Some(4), "{messages}");
            assert!(messages.contains(&format!("public.{table} belongs to the role")), "{messages}");
        }
        assert_eq!(super::super::adoption::difference(&before, &fingerprint(&living.db.pool).await), "", "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn index_whose_name_another_table_has_is_created_and_taken_back() {
    let db = TestDb::empty().await;
    apply(&db, offline()).await.expect("applied");
    let board = "DROP INDEX idx_sessions_status; CREATE TABLE public.board (status text);
                 CREATE INDEX idx_sessions_status ON public.board (status)";
    execute(&db, board).await;
    let indexes = "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'board'";
    assert_eq!(step(&migrate(&db, &["plan"]).1)["state"], "pending");
    let (exit, document, messages) = migrate(&db, &[]);
    assert_eq!((exit, &step(&document)["state"]), (Some(0), &json!("done")), "{messages}");
    expect_sessions(&db).await;
    assert_eq!(texts(&db, indexes).await, ["idx_board_status"]);
    assert_eq!(migrate(&db, &["verify"]).0, Some(0));
    assert_eq!(migrate(&db, &["undo", "lesson-sessions"]).0, Some(0));
    assert_eq!(texts(&db, indexes).await, ["idx_sessions_status"]);
}

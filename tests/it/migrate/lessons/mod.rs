//! The move lesson-sessions: what becomes of the rows and of what depends on them, there and back.

mod interrupted;
mod recognised;
mod rows;
mod undone;

use lectern::migrate::{LessonOptions, MigrationResult, Options, apply_with};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::fixtures::legacy::fingerprint;
use crate::fixtures::lessons::texts;
use crate::fixtures::test_db::TestDb;

/// The columns, defaults and nullability of `public.sessions`, in their order.
const COLUMNS: [&str; 27] = [
    "id integer not null nextval('sessions_id_seq'::regclass)",
    "course_enrollment_id integer null",
    "topics json null '[]'::json",
    "topics_covered json null '[]'::json",
    "session_date date not null",
    "start_time time without time zone not null",
    "end_time time without time zone not null",
    "duration integer null",
    "session_mode character varying(50) null 'online'::character varying",
    "location character varying(255) null",
    "whiteboard_id integer null",
    "student_review_id integer null",
    "tutor_review_id integer null",
    "parent_review_id integer null",
    "tutor_attendance_status character varying(20) null 'present'::character varying",
    "student_attendance_status character varying(20) null 'present'::character varying",
    "priority_level character varying(20) null 'medium'::character varying",
    "is_recurring boolean null false",
    "session_frequency character varying(50) null 'one-time'::character varying",
    "recurring_pattern json null",
    "notification_enabled boolean null false",
    "alarm_enabled boolean null false",
    "alarm_before_minutes integer null 15",
    "is_featured boolean null false",
    "status character varying(20) null 'scheduled'::character varying",
    "created_at timestamp without time zone null CURRENT_TIMESTAMP",
    "updated_at timestamp without time zone null CURRENT_TIMESTAMP",
];

const INDEXES: [&str; 6] = [
    "idx_sessions_date (session_date)",
    "idx_sessions_enrollment (course_enrollment_id)",
    "idx_sessions_featured (is_featured)",
    "idx_sessions_recurring (is_recurring)",
    "idx_sessions_status (status)",
    "sessions_pkey (id)",
];

async fn apply(db: &TestDb, lessons: LessonOptions) -> lectern::error::Result<MigrationResult> {
    let options = Options { lessons, ..Options::default() };
    apply_with(&db.pool, &options, &CancellationToken::new(), &|_| ()).await
}

fn offline() -> LessonOptions {
    LessonOptions { offline: true, ..LessonOptions::default() }
}

async fn undo(db: &TestDb) -> lectern::migrate::Undone {
    let wait = lectern::migrate::LockWait::default();
    let undone = lectern::migrate::undo(&db.pool, "lesson-sessions", wait, &CancellationToken::new(), &|_| ()).await;
    undone.expect("undone")
}

/// Runs the program; returns exit code, document and messages.
fn migrate(db: &TestDb, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = db.program(&[&["migrate"], arguments, &["--json"]].concat()).output().expect("runs");
    let document = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), document, String::from_utf8(output.stderr).expect("text"))
}

fn step(document: &Value) -> Value {
    let steps = document["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["name"] == "lesson-sessions").expect("the step").clone()
}

/// Checks the whole shape of `public.sessions`.
async fn expect_sessions(db: &TestDb) {
    let columns = texts(
        db,
        "SELECT concat_ws(' ', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'not null' ELSE 'null' END,
                pg_get_expr(adbin, adrelid))
         FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         WHERE attrelid = 'public.sessions'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    );
    assert_eq!(columns.await, COLUMNS);
    let indexes = texts(
        db,
        "SELECT indexname || substring(indexdef FROM ' \\(.*') FROM pg_indexes
         WHERE schemaname = 'public' AND tablename = 'sessions' AND indexname NOT LIKE 'lectern\\_%' ORDER BY 1",
    );
    assert_eq!(indexes.await, INDEXES);
    // Those of the list stand beside them, as in a database that Lectern has created.
    let further = texts(
        db,
        "SELECT indexname::text FROM pg_indexes
         WHERE schemaname = 'public' AND tablename = 'sessions' AND indexname LIKE 'lectern\\_%'",
    );
    assert_eq!(further.await.len(), 6);
    let rest = texts(
        db,
        "SELECT count(*)::text FROM pg_description WHERE objoid = 'public.sessions'::regclass AND objsubid > 0
         UNION ALL
         SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'public.sessions'::regclass AND contype = 'f'",
    );
    let key = "FOREIGN KEY (course_enrollment_id) REFERENCES enrolled_students(id) ON DELETE CASCADE";
    assert_eq!(rest.await, ["13", key]);
}

/// Returns the objects of the lessons: what the fingerprint says of tables that the move concerns.
async fn objects(db: &TestDb) -> Vec<String> {
    let lines = fingerprint(&db.pool).await;
    let concerns = |line: &String| {
        let tables =
            ["tutor_sessions", "whiteboard", "tutor_reviews", "tutor_activities", "enrolled_students", "sessions"];
        line.contains("public.") && !line.contains("adm.") && tables.iter().any(|table| line.contains(table))
    };
    lines.into_iter().filter(concerns).collect()
}

const CONTENT: &str = "SELECT concat_ws(' ', count(*), sum(hashtextextended(t::text, 0))) FROM {table} AS t";

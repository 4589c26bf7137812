//! The schema: migrations and the constraints of the database.

use sqlx::Row;

use crate::fixtures::test_db::TestDb;

#[tokio::test]
async fn migrations_are_applied_once() {
    let db = TestDb::empty().await;
    assert!(lectern::migrate::pending(&db.pool).await.expect("readable") > 0);
    lectern::migrate::apply(&db.pool).await.expect("applied");
    lectern::migrate::apply(&db.pool).await.expect("applied again");
    assert_eq!(lectern::migrate::pending(&db.pool).await.expect("readable"), 0);
    let rows = sqlx::query("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 2")
        .fetch_all(&db.pool)
        .await
        .expect("readable");
    let tables: Vec<String> = rows.iter().map(|row| row.get("tablename")).collect();
    let lessons = ["enrolled_students", "parent_profiles", "sessions", "student_profiles", "tutor_profiles", "users"];
    let expected: Vec<&str> = ["auth_user"].into_iter().chain(lessons).collect();
    assert_eq!(tables, expected, "public contains no other table");
}

async fn event(db: &TestDb) -> i64 {
    sqlx::query_scalar(
        "WITH subject AS (INSERT INTO acted.catalog_subjects (code) VALUES ('CM2') RETURNING id),
              exam AS (INSERT INTO acted.catalog_exam_sessions (session_code, start_date, end_date)
                       VALUES ('2026-04', now(), now()) RETURNING id),
              both_ AS (INSERT INTO acted.catalog_exam_session_subjects (exam_session_id, subject_id)
                        SELECT exam.id, subject.id FROM exam, subject RETURNING id),
              product AS (INSERT INTO acted.catalog_products (fullname, shortname) VALUES ('Tutorial - London', 'London')
                          RETURNING id),
              variation AS (INSERT INTO acted.catalog_product_variations (variation_type, name)
                            VALUES ('Tutorial', 'f2f') RETURNING id),
              ppv AS (INSERT INTO acted.catalog_product_product_variations (product_id, product_variation_id)
                      SELECT product.id, variation.id FROM product, variation RETURNING id),
              sold AS (INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code)
                       SELECT both_.id, ppv.id, 'CM2/T/2026-04' FROM both_, ppv RETURNING id)
         INSERT INTO acted.tutorial_events (code, start_date, end_date, product_id)
         SELECT 'CM2-01', '2026-01-01', '2026-02-01', sold.id FROM sold RETURNING id",
    )
    .fetch_one(&db.pool)
    .await
    .expect("an event with defaults alone")
}

async fn add_session(db: &TestDb, event: i64, sequence: i32, end: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO acted.tutorial_sessions (tutorial_event_id, title, start_date, end_date, sequence)
         VALUES ($1, 'Day', '2026-01-10 09:00+00', $3::timestamptz, $2) RETURNING id",
    )
    .bind(event)
    .bind(sequence)
    .bind(end)
    .fetch_one(&db.pool)
    .await
}

#[tokio::test]
async fn invalid_session_is_rejected_by_the_database() {
    let db = TestDb::new().await;
    let event = event(&db).await;
    add_session(&db, event, 1, "2026-01-10 17:00+00").await.expect("a session");
    add_session(&db, event, 2, "2026-01-10 09:00+00").await.expect("start may equal end");
    for (sequence, end, constraint) in [
        (1, "2026-01-10 17:00+00", "tutorial_sessions_event_seq_unique"),
        (3, "2026-01-10 08:59+00", "tutorial_sessions_date_valid"),
    ] {
        let refused = add_session(&db, event, sequence, end).await.expect_err(constraint);
        let refused = refused.as_database_error().expect("refused by the database");
        assert_eq!(refused.constraint(), Some(constraint));
    }
    sqlx::query("DELETE FROM acted.tutorial_events WHERE id = $1").bind(event).execute(&db.pool).await.expect("gone");
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM acted.tutorial_sessions").fetch_one(&db.pool).await.expect("count");
    assert_eq!(left, 0, "sessions go with their event");
}

#[tokio::test]
async fn updated_at_changes_only_with_a_column() {
    let db = TestDb::new().await;
    let event = event(&db).await;
    let moved = |sql: &'static str| {
        let pool = db.pool.clone();
        async move {
            let mut tx = pool.begin().await.expect("begin");
            sqlx::query("UPDATE acted.tutorial_events SET updated_at = updated_at WHERE id = $1")
                .bind(event)
                .execute(&mut *tx)
                .await
                .expect("none");
            let moved: bool =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(event).fetch_one(&mut *tx).await.expect(sql);
            tx.commit().await.expect("commit");
            moved
        }
    };
    let same = "UPDATE acted.tutorial_events SET code = code WHERE id = $1 RETURNING updated_at <> created_at";
    assert!(!moved(same).await);
    let other = "UPDATE acted.tutorial_events SET remain_space = 3 WHERE id = $1 RETURNING updated_at <> created_at";
    assert!(moved(other).await);
}

#[tokio::test]
async fn migrate_command_applies_pending_migrations_and_reports_them() {
    let db = TestDb::empty().await;
    let plan = db.program(&["migrate", "plan", "--json"]).output().expect("runs");
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).expect("one document");
    assert!(plan["pending"].as_u64() >= Some(4), "{plan}");
    let applied = db.program(&["migrate", "--json"]).output().expect("runs");
    assert_eq!(applied.status.code(), Some(0));
    let applied: serde_json::Value = serde_json::from_slice(&applied.stdout).expect("one document");
    assert_eq!(applied["pending"], 0);
}

#[tokio::test]
async fn every_table_and_column_has_a_comment() {
    let db = TestDb::new().await;
    let without: Vec<String> = sqlx::query_scalar(
        "SELECT c.oid::regclass || coalesce('.' || a.attname, '')
         FROM pg_class AS c LEFT JOIN LATERAL (
             SELECT NULL::name AS attname, 0::int2 AS attnum
             UNION ALL SELECT attname, attnum FROM pg_attribute
             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS a ON true
         WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN ('acted', 'adm', 'lectern', 'public')
           -- Which columns of the lesson sessions have a comment is settled.
           AND (c.relname <> 'sessions' OR c.relnamespace <> 'public'::regnamespace OR a.attnum = 0)
           AND coalesce(length(CASE a.attnum WHEN 0 THEN obj_description(c.oid, 'pg_class')
                                             ELSE col_description(c.oid, a.attnum) END), 0) < 10
         ORDER BY 1",
    )
    .fetch_all(&db.pool)
    .await
    .expect("readable");
    assert_eq!(without, [""; 0], "say with COMMENT ON what these mean");
}

#[tokio::test]
async fn tables_with_the_trigger_on_updated_at_have_that_column() {
    let db = TestDb::new().await;
    let wrong: Vec<String> = sqlx::query_scalar(
        "SELECT t.tgrelid::regclass::text FROM pg_trigger AS t
         WHERE t.tgfoid = 'lectern.touch_updated_at'::regproc
           AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = t.tgrelid AND a.attname = 'updated_at')",
    )
    .fetch_all(&db.pool)
    .await
    .expect("readable");
    assert_eq!(wrong, [""; 0]);
    let compared: Vec<String> = sqlx::query_scalar(
        "SELECT p.proname::text FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
         WHERE n.nspname = 'lectern' AND p.prorettype = 'trigger'::regtype
           AND p.prosrc ~* '(new|old) *(=|<>|is (not )?distinct from) *(new|old)[^.]'",
    )
    .fetch_all(&db.pool)
    .await
    .expect("readable");
    assert_eq!(compared, [""; 0], "rows are compared with *<>: a column of type json has no equality");
}

//! What triggers store in the log of changes.

use sqlx::PgPool;

use super::changes::CATALOGUE;
use crate::fixtures::provider::Provider;
use crate::fixtures::test_db::TestDb;

/// Executes a statement, and returns what it logged, with the ids in order.
async fn logged(pool: &PgPool, sql: &'static str) -> Vec<(String, Vec<i64>)> {
    sqlx::raw_sql("DELETE FROM lectern.search_changes").execute(pool).await.expect("an empty log");
    sqlx::raw_sql(sql).execute(pool).await.expect(sql);
    let rows =
        "SELECT what, ARRAY(SELECT id FROM unnest(ids) AS id ORDER BY id) FROM lectern.search_changes ORDER BY what";
    sqlx::query_as(rows).fetch_all(pool).await.expect("the log")
}

#[tokio::test]
async fn update_logs_the_records_that_differ_and_those_of_a_changed_reference() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    sqlx::raw_sql(CATALOGUE).execute(&db.pool).await.expect("the catalogue");
    let fixture = "INSERT INTO acted.products (id, exam_session_subject_id, product_product_variation_id, product_code)
                   SELECT 900 + number, min(sitting.id), form.id, 'T' || number
                   FROM acted.catalog_exam_session_subjects AS sitting,
                        (SELECT id, row_number() OVER (ORDER BY id) AS number FROM acted.catalog_product_product_variations) AS form
                   WHERE number <= 2 GROUP BY form.id, number ON CONFLICT DO NOTHING";
    sqlx::raw_sql(
        "DELETE FROM acted.products; ALTER TABLE acted.tutorial_events DROP COLUMN finalisation_date CASCADE",
    )
    .execute(&db.pool)
    .await
    .expect("another table than when the triggers were made");
    sqlx::raw_sql(fixture).execute(&db.pool).await.expect(fixture);
    let events = "INSERT INTO acted.tutorial_events (id, code, product_id, start_date, end_date)
                  SELECT n, 'E-' || n, 901, '2027-01-01', '2027-02-01' FROM generate_series(1, 4) AS n";
    sqlx::raw_sql(events).execute(&db.pool).await.expect(events);
    let record = |what: &str, ids: &[i64]| (what.to_owned(), ids.to_vec());
    for (sql, expected) in [
        ("UPDATE acted.tutorial_events SET remain_space = remain_space + 1 WHERE id = 1", vec![record("event", &[1])]),
        ("UPDATE acted.tutorial_events SET remain_space = remain_space WHERE id = 1", vec![]),
        ("UPDATE acted.tutorial_events SET remain_space = 5 WHERE id = -1", vec![]),
        (
            "UPDATE acted.tutorial_events SET product_id = 902 WHERE id = 1",
            vec![record("event", &[1]), record("store_product", &[901, 902])],
        ),
        ("UPDATE acted.tutorial_events SET id = 5 WHERE id = 4", vec![record("event", &[4, 5])]),
        ("UPDATE acted.tutorial_events SET created_at = now()", vec![]),
        (
            "UPDATE acted.tutorial_events SET remain_space = 7 WHERE id IN (2, 3)",
            vec![record("event", &[2, 3]), record("store_product", &[901])],
        ),
        (
            "UPDATE acted.tutorial_events SET remain_space = CASE id WHEN 2 THEN 7 ELSE 8 END WHERE id IN (2, 3)",
            vec![record("event", &[3]), record("store_product", &[901])],
        ),
        ("ALTER TABLE acted.tutorial_events ADD COLUMN colour text", vec![]),
        ("UPDATE acted.tutorial_events SET colour = 'red' WHERE id = 1", vec![record("event", &[1])]),
        ("ALTER TABLE acted.tutorial_events RENAME COLUMN product_id TO former_product_id", vec![]),
        ("UPDATE acted.tutorial_events SET colour = 'blue' WHERE id = 1", vec![record("event", &[1])]),
        ("ALTER TABLE acted.tutorial_events RENAME COLUMN former_product_id TO product_id", vec![]),
        (
            "UPDATE acted.tutorial_events SET product_id = 901 WHERE id = 1",
            vec![record("event", &[1]), record("store_product", &[901, 902])],
        ),
        ("UPDATE acted.products SET product_code = 'T3' WHERE id = 902", vec![record("store_product", &[902])]),
        ("INSERT INTO acted.prices (product_id, amount) VALUES (901, 3)", vec![record("store_product", &[901])]),
        ("UPDATE acted.prices SET amount = 4", vec![record("store_product", &[901])]),
        ("UPDATE acted.prices SET product_id = 902", vec![record("store_product", &[901, 902])]),
        ("UPDATE acted.filter_groups SET name = 'Lectures' WHERE name = 'Tutorial'", vec![record("everything", &[])]),
        ("TRUNCATE acted.prices", vec![record("everything", &[])]),
    ] {
        assert_eq!(logged(&db.pool, sql).await, expected, "{sql}");
    }
}

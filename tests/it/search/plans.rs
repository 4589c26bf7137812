//! How the statements of a follower are planned.

use std::time::Duration;

use sqlx::PgPool;

use super::create_event;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

const PATIENCE: Duration = Duration::from_secs(60);
/// A change that reads whole tables reads three times this number of rows; by indexes, it reads a hundred.
const MANY: i64 = 10_000;
const CHANGES: i64 = 10;

/// Further store products of the only sitting, and their events.
const FURTHER: &str = "
    INSERT INTO acted.catalog_product_variations (variation_type, name, code)
    SELECT 'Tutorial', 'V' || n, 'V' || n FROM generate_series(1, 1000) AS n;
    INSERT INTO acted.catalog_product_product_variations (product_id, product_variation_id)
    SELECT product.id, variation.id FROM acted.catalog_products AS product, acted.catalog_product_variations AS variation
    WHERE variation.code LIKE 'V%';
    INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code)
    SELECT sitting.id, form.id, 'P' || form.id
    FROM acted.catalog_exam_session_subjects AS sitting, acted.catalog_product_product_variations AS form
    ON CONFLICT DO NOTHING;
    INSERT INTO acted.tutorial_events (code, product_id, start_date, end_date)
    SELECT concat('E', n, '-', id), id, '2027-01-01', '2027-02-01' FROM acted.products, generate_series(1, 4) AS n;
    INSERT INTO acted.tutorial_sessions (tutorial_event_id, title, start_date, end_date, sequence)
    SELECT id, 'A day', '2027-01-03', '2027-01-04', 10 FROM acted.tutorial_events;
    INSERT INTO acted.tutorial_session_instructors (tutorialsessions_id, tutorialinstructor_id)
    SELECT session.id, instructor.id FROM acted.tutorial_sessions AS session, acted.tutorial_instructors AS instructor
    ON CONFLICT DO NOTHING;
    INSERT INTO acted.prices (product_id, amount) SELECT id, 10 FROM acted.products";

/// Returns how many rows of the catalogue were read, in scans of whole tables and by indexes, as the server counts them.
async fn rows_read(pool: &PgPool) -> i64 {
    let rows = "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = 'acted')::bigint
                     + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = 'acted')::bigint";
    sqlx::query_scalar(rows).fetch_one(pool).await.expect("the count")
}

/// Returns how often the index of the products of events was used.
async fn found_by_product(pool: &PgPool) -> i64 {
    let scans = "SELECT sum(idx_scan)::bigint FROM pg_stat_user_indexes
                 WHERE relid = 'acted.tutorial_events'::regclass AND indexrelname LIKE '%product%'";
    sqlx::query_scalar(scans).fetch_one(pool).await.expect("the count")
}

#[tokio::test(flavor = "multi_thread")]
async fn follower_that_began_without_events_reads_no_whole_table_for_a_change() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    // The statements are planned for tables that are nearly empty.
    create_event(&db, &provider, "CM2-01").await;
    site.follower.reload_now().await.expect("applied");
    sqlx::raw_sql(FURTHER).execute(&db.pool).await.expect("a large catalogue");
    site.follower.reload_now().await.expect("applied");
    assert!(site.follower.current().totals().events > 4_000);
    // What filled the catalogue is counted before the second round.
    let _ = rows_of_changes(&db, &site).await;
    let read = rows_of_changes(&db, &site).await;
    assert!(read < CHANGES * MANY, "{read} rows");
}

/// Changes an event several times, and returns how many rows were read.
async fn rows_of_changes(db: &TestDb, site: &Site) -> i64 {
    let (rows_before, found_before) = (rows_read(&db.pool).await, found_by_product(&db.pool).await);
    for _ in 0..CHANGES {
        let change = "UPDATE acted.tutorial_events SET remain_space = remain_space + 1 WHERE id = 1";
        sqlx::raw_sql(change).execute(&db.pool).await.expect("changed");
        site.follower.reload_now().await.expect("applied");
    }
    // The server counts a little later, at the end of a statement.
    let counted = async {
        while found_by_product(&db.pool).await < found_before + CHANGES
            && rows_read(&db.pool).await < rows_before + CHANGES * MANY
        {
            site.follower.reload_now().await.expect("a look");
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("counted");
    rows_read(&db.pool).await - rows_before
}

//! The read model of the search: its updates after a commit, and the version of the catalogue.

use std::time::Duration;

use lectern::search::read_model::ReadModel;
use lectern::search::read_model::follow::Follower;
use lectern::search::store;
use lectern::tutorials::create_events;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::create_event;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

async fn execute(pool: &PgPool, sql: &'static str) {
    sqlx::query(sql).execute(pool).await.expect(sql);
}

/// Returns the version as the database counts it.
pub async fn version(db: &TestDb) -> i64 {
    let mut connection = db.pool.acquire().await.expect("a connection");
    store::version(&mut connection).await.expect("a version")
}

fn codes(model: &ReadModel) -> Vec<&str> {
    let events = model.store_products().flat_map(|product| &product.events);
    events.map(|event| &*event.row.code).collect()
}

/// Waits until the read model contains an event, and panics after a timeout.
pub async fn wait_for_event(follower: &Follower, code: &str) {
    let mut changes = follower.changes();
    let is_loaded = changes.wait_for(|model| codes(model).contains(&code));
    tokio::time::timeout(Duration::from_secs(60), is_loaded)
        .await
        .expect("the model is updated")
        .expect("the follower runs");
}

#[tokio::test]
async fn write_is_visible_at_once_in_its_process_and_soon_in_others() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let (writer, other) = (Site::serve(&db).await, Site::serve(&db).await);
    create_event(&db, &provider, "CM2-01").await;
    let version = writer.follower.reload_now().await.expect("reloaded");
    assert_eq!(codes(&writer.follower.current()), ["CM2-01"]);
    assert_eq!(writer.follower.reload_now().await.expect("unchanged"), version);
    wait_for_event(&other.follower, "CM2-01").await;
    execute(&db.pool, "DELETE FROM acted.tutorial_events").await;
    writer.follower.reload_now().await.expect("reloaded");
    assert!(codes(&writer.follower.current()).is_empty());
}

#[tokio::test]
async fn follower_reconnects_after_lost_connections() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let follower = Follower::open(db.pool.clone()).await.expect("the catalogue");
    let stop = CancellationToken::new();
    let following = tokio::spawn(follower.clone().follow(stop.clone()));
    create_event(&db, &provider, "CM2-01").await;
    wait_for_event(&follower, "CM2-01").await;
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended: Vec<bool> = sqlx::query_scalar(others).fetch_all(&db.pool).await.expect("allowed");
    assert!(!ended.is_empty());
    let fresh = PgPool::connect(&db.url).await.expect("the database");
    let mut tx = fresh.begin().await.expect("begin");
    create_events(&mut tx, None, &[provider.event("CM2-02")], false).await.expect("created");
    tx.commit().await.expect("commit");
    fresh.close().await;
    wait_for_event(&follower, "CM2-02").await;
    stop.cancel();
    following.await.expect("the follower stops when cancelled");
}

#[tokio::test]
async fn catalogue_version_counts_commits_and_concurrent_writers_do_not_block() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let before = version(&db).await;
    let mut one = db.pool.begin().await.expect("begin");
    let mut two = db.pool.begin().await.expect("begin");
    let mut three = db.pool.begin().await.expect("begin");
    for (tx, code) in [(&mut one, "CM2-01"), (&mut two, "CM2-02"), (&mut three, "CM2-03")] {
        create_events(tx, None, &[provider.event(code)], false).await.expect("created");
    }
    assert_eq!(version(&db).await, before, "nothing is committed yet");
    two.commit().await.expect("commit");
    let first = version(&db).await;
    assert!(first > before);
    one.rollback().await.expect("rollback");
    assert_eq!(version(&db).await, first, "what is taken back is not counted");
    three.commit().await.expect("commit");
    let second = version(&db).await;
    assert!(second > first);
    execute(&db.pool, "UPDATE lectern.search_changes SET at = at - interval '1 hour', transaction = '10'").await;
    let enough = "INSERT INTO lectern.search_changes (what, ids) SELECT 'event', '{}' FROM generate_series(1, 10000)";
    execute(&db.pool, enough).await;
    assert!(store::changes::purge(&db.pool).await.expect("deleted") > 0);
    assert_eq!(version(&db).await, second + 10_000, "deleting old changes does not change the version");
    execute(&db.pool, "UPDATE public.auth_user SET last_login = now()").await;
    assert_eq!(version(&db).await, second + 10_000, "a login does not change the version");
    execute(&db.pool, "UPDATE public.auth_user SET last_name = 'Marlowe'").await;
    assert_eq!(version(&db).await, second + 10_001);
}

#[tokio::test]
async fn changes_of_a_restored_backup_are_counted_once() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let restored =
        "INSERT INTO lectern.search_changes (transaction, what, ids) VALUES ('9000000000000', 'event', '{1}')";
    execute(&db.pool, restored).await;
    let follower = Follower::open(db.pool.clone()).await.expect("the catalogue");
    for code in ["CM2-01", "CM2-02"] {
        create_event(&db, &provider, code).await;
        assert_eq!(follower.reload_now().await.expect("reloaded"), version(&db).await);
        assert_eq!(follower.reload_now().await.expect("unchanged"), version(&db).await);
    }
    assert!(store::changes::purge(&db.pool).await.expect("deleted") > 0);
    assert_eq!(follower.reload_now().await.expect("unchanged"), version(&db).await);
}

#[tokio::test]
async fn shop_role_can_write_without_privileges_in_the_lectern_schema() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    let before = version(&db).await;
    let mut tx = db.pool.begin().await.expect("begin");
    for sql in [
        "CREATE ROLE shop_writer_of_a_test",
        "GRANT USAGE ON SCHEMA acted TO shop_writer_of_a_test",
        "GRANT SELECT, UPDATE ON acted.tutorial_venues TO shop_writer_of_a_test",
        "SET LOCAL ROLE shop_writer_of_a_test",
        "UPDATE acted.tutorial_venues SET name = 'Inkwell House'",
        "RESET ROLE",
        "DROP OWNED BY shop_writer_of_a_test",
        "DROP ROLE shop_writer_of_a_test",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.expect(sql);
    }
    tx.commit().await.expect("commit");
    assert_eq!(version(&db).await, before + 1);
}

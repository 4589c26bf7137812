//! The rows in the data folder, from which a process that starts again is ready at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lectern::search::read_model::follow::Follower;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::changes::{CATALOGUE, shown};
use super::create_event;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a process that keeps its rows, and ends it when they are written.
async fn keep(db: &TestDb, folder: &Path) -> PathBuf {
    let follower = Follower::start(db.pool.clone(), Some(folder.to_owned()), PATIENCE).await;
    let stop = CancellationToken::new();
    let following = tokio::spawn(follower.follow(stop.clone()));
    let path = wait_for_rows(folder).await;
    stop.cancel();
    following.await.expect("it stops");
    path
}

/// Waits until the rows are in a data folder, and returns their file.
pub async fn wait_for_rows(folder: &Path) -> PathBuf {
    let path = folder.join("search/catalogue.rows");
    let written = async {
        while !path.exists() {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(PATIENCE, written).await.expect("the rows are written");
    path
}

async fn start(db: &TestDb, folder: &Path) -> Site {
    Site::serve_follower(db, Follower::start(db.pool.clone(), Some(folder.to_owned()), PATIENCE).await).await
}

async fn catalogue(code: &str) -> TestDb {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, code).await;
    sqlx::raw_sql(CATALOGUE).execute(&db.pool).await.expect("the catalogue");
    db
}

async fn execute(pool: &PgPool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(pool).await.expect(sql);
}

#[tokio::test(flavor = "multi_thread")]
async fn process_that_starts_again_reads_what_has_changed_only() {
    let db = catalogue("CM2-01").await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = keep(&db, folder.path()).await;
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).expect("a file"));
    assert_eq!(mode & 0o777, 0o600);
    // Nothing has changed: no offer is read.
    let mut lock = db.pool.begin().await.expect("begin");
    sqlx::query("LOCK TABLE acted.prices, acted.products IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .expect("locked");
    let site = start(&db, folder.path()).await;
    let resumed = shown(&site).await;
    lock.rollback().await.expect("released");
    let fresh = Site::serve(&db).await;
    assert_eq!(resumed, shown(&fresh).await);
    assert_eq!(site.follower.current().version, fresh.follower.current().version);
    drop((site, fresh));
    execute(&db.pool, "UPDATE acted.tutorial_events SET code = 'CM2-02', remain_space = 3").await;
    execute(&db.pool, "UPDATE acted.filter_groups SET name = 'Group ' || id").await;
    execute(&db.pool, "DELETE FROM acted.bundles WHERE id = 1").await;
    let (site, fresh) = (start(&db, folder.path()).await, Site::serve(&db).await);
    let resumed = shown(&site).await;
    assert!(resumed.to_string().contains("CM2-02"), "{resumed}");
    assert_eq!(resumed, shown(&fresh).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_stored_after_a_write_that_failed() {
    let db = catalogue("CM2-01").await;
    let folder = tempfile::tempdir().expect("a folder");
    // Before the rows are stored, this table is read.
    let mut lock = db.pool.begin().await.expect("begin");
    sqlx::query("LOCK TABLE lectern.schema_steps IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("locked");
    let stored = tokio::time::timeout(PATIENCE, async { tokio::join!(keep(&db, folder.path()), end_waiting(lock)) });
    stored.await.expect("the rows are written");
}

/// Ends the connection that waits for the lock, and then the lock.
async fn end_waiting(mut lock: sqlx::Transaction<'static, sqlx::Postgres>) {
    let mut is_ended = false;
    while !is_ended {
        let ended = sqlx::query_scalar(
            "SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM pg_locks
             WHERE relation = 'lectern.schema_steps'::regclass AND NOT granted",
        );
        is_ended = ended.fetch_one(&mut *lock).await.expect("ended");
    }
    lock.rollback().await.expect("released");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_loaded_late_are_stored() {
    let db = catalogue("CM2-01").await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut lock = db.pool.begin().await.expect("begin");
    sqlx::query("LOCK TABLE acted.prices IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("locked");
    let follower = Follower::start(db.pool.clone(), Some(folder.path().to_owned()), Duration::ZERO).await;
    let stop = CancellationToken::new();
    let following = tokio::spawn(follower.clone().follow(stop.clone()));
    assert!(!follower.is_loaded());
    lock.rollback().await.expect("released");
    wait_for_rows(folder.path()).await;
    stop.cancel();
    following.await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_cannot_be_used_is_ignored() {
    let db = catalogue("CM2-01").await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = keep(&db, folder.path()).await;
    let bytes = std::fs::read(&path).expect("a file");
    let at = bytes.windows(6).position(|text| text == b"CM2-01").expect("the code");
    let mut damaged = bytes.clone();
    damaged[at] = b'X';
    let mut other_format = bytes.clone();
    other_format[8] ^= 1;
    let shorter = bytes[..bytes.len() / 2].to_vec();
    for (what, bytes) in [
        ("damaged", damaged),
        ("of another version", other_format),
        ("cut off", shorter),
        ("empty", Vec::new()),
        ("something else", vec![b'x'; 5000]),
    ] {
        std::fs::write(&path, bytes).expect("written");
        let site = start(&db, folder.path()).await;
        assert!(shown(&site).await.to_string().contains("CM2-01"), "{what}");
    }
    // The rows of another database.
    let other = catalogue("CM2-77").await;
    std::fs::write(&path, &bytes).expect("written");
    let site = start(&other, folder.path()).await;
    assert!(shown(&site).await.to_string().contains("CM2-77"));
    drop(site);
    // The log does not contain everything since, or tables were changed without it.
    execute(
        &db.pool,
        "UPDATE acted.tutorial_events SET code = 'CM2-03'; DELETE FROM lectern.search_changes;
                       UPDATE lectern.catalogue_version SET deleted_through = pg_current_xact_id()",
    )
    .await;
    std::fs::write(&path, &bytes).expect("written");
    let site = start(&db, folder.path()).await;
    assert!(shown(&site).await.to_string().contains("CM2-03"));
    drop(site);
    std::fs::remove_file(&path).expect("removed");
    keep(&db, folder.path()).await;
    execute(
        &db.pool,
        "ALTER TABLE acted.tutorial_events DISABLE TRIGGER ALL; UPDATE acted.tutorial_events SET code = 'CM2-04';
         ALTER TABLE acted.tutorial_events ENABLE TRIGGER ALL",
    )
    .await;
    let site = start(&db, folder.path()).await;
    assert!(shown(&site).await.to_string().contains("CM2-04"));
}

//! Search beside a standby, which refuses changes, notifications and locks.

use std::time::Duration;

use lectern::search::read_model::follow::Follower;
use tokio_util::sync::CancellationToken;

use super::create_event;
use super::read_model::wait_for_event;
use super::resume::wait_for_rows;
use crate::fixtures::provider::Provider;
use crate::fixtures::standby::Standby;
use crate::fixtures::test_db::TestDb;

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_the_primary_are_read_from_a_standby() {
    let mut db = TestDb::private().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let standby = Standby::of(&mut db).await;
    let is_standby: Result<bool, sqlx::Error> =
        sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&standby.pool).await;
    assert!(is_standby.expect("a standby"));
    let folder = tempfile::tempdir().expect("a folder");
    let stop = CancellationToken::new();
    let follower = Follower::start(standby.pool.clone(), Some(folder.path().to_owned()), Duration::from_secs(60)).await;
    let following = tokio::spawn(follower.clone().follow(stop.clone()));
    for code in ["CM2-02", "CM2-03"] {
        create_event(&db, &provider, code).await;
        wait_for_event(&follower, code).await;
    }
    // Not while the last statements of the primary are on their way.
    let current = async { while follower.freshness(Duration::from_secs(60)).await.is_current != Some(true) {} };
    tokio::time::timeout(Duration::from_secs(60), current).await.expect("the model is current");
    assert_eq!(follower.outage_age(), None);
    wait_for_rows(folder.path()).await;
    stop.cancel();
    following.await.expect("it stops");
}

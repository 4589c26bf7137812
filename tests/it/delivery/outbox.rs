//! The outbox: one worker claims an item at a time, and no request is lost.

use std::time::Duration;

use lectern::outbox::{self, Claims, DeliveryState, Effect};

use crate::fixtures::test_db::TestDb;

fn effect(id: i64) -> Effect {
    Effect {
        name: "create_event",
        subject_kind: "event",
        subject_id: id,
        subject: format!("E{id}"),
        check_remote_first: false,
        steps: &[],
    }
}

async fn ask(db: &TestDb, ids: &[i64]) {
    let effects: Vec<Effect> = ids.iter().copied().map(effect).collect();
    let mut connection = db.pool.acquire().await.expect("a connection");
    outbox::enqueue(&mut connection, None, &effects).await.expect("requested");
}

#[tokio::test]
async fn item_is_claimed_by_one_worker_and_released_when_it_dies() {
    let db = TestDb::new().await;
    ask(&db, &[1, 2]).await;
    let one = Claims::open(&db.pool).await.expect("claims");
    let other = Claims::open(&db.pool).await.expect("claims");
    let first = one.next(None).await.expect("claimed").expect("a row");
    let second = other.next(None).await.expect("claimed").expect("a row");
    assert_ne!(first.id, second.id);
    assert!(other.next(None).await.expect("looked").is_none(), "both are worked on");
    // The worker's process ends, which PostgreSQL sees as a closed connection.
    one.close().await.expect("closed");
    let again = loop {
        // The server may notice the closed connection late.
        if let Some(item) = other.next(None).await.expect("claimed") {
            break item;
        }
    };
    assert_eq!((again.id, again.attempts), (first.id, 2));
}

#[tokio::test]
async fn item_requested_again_during_delivery_is_delivered_again() {
    let db = TestDb::new().await;
    ask(&db, &[1]).await;
    let claims = Claims::open(&db.pool).await.expect("claims");
    let item = claims.next(None).await.expect("claimed").expect("a row");
    ask(&db, &[1]).await;
    assert_eq!(claims.delivered(&item).await.expect("noted"), DeliveryState::Pending);
    let item = claims.next(None).await.expect("claimed").expect("the same row");
    assert_eq!(claims.delivered(&item).await.expect("noted"), DeliveryState::Delivered);
    assert!(outbox::list(&db.pool, false).await.expect("listed").is_empty());
    ask(&db, &[1]).await;
    assert_eq!(outbox::list(&db.pool, true).await.expect("listed").len(), 2, "a new request is a new row");
}

#[tokio::test]
async fn unknown_item_requested_again_stays_unknown() {
    let db = TestDb::new().await;
    ask(&db, &[1, 2]).await;
    let claims = Claims::open(&db.pool).await.expect("claims");
    let unclear = claims.next(None).await.expect("claimed").expect("a row");
    claims.not_delivered(&unclear, DeliveryState::Unknown, None, "two of that title").await.expect("noted");
    let later = claims.next(None).await.expect("claimed").expect("a row");
    claims
        .not_delivered(&later, DeliveryState::Pending, Some(Duration::from_secs(3600)), "no answer")
        .await
        .expect("noted");
    assert!(claims.next(None).await.expect("looked").is_none());
    ask(&db, &[1]).await;
    assert!(claims.next(None).await.expect("looked").is_none(), "a request does not resolve the item");
    assert_eq!(outbox::retry_now(&db.pool, None, None).await.expect("made due"), 1);
    let again = claims.next(None).await.expect("claimed").expect("the one that waited");
    assert_eq!((again.id, again.attempts), (later.id, 1), "a manual retry resets the attempts");
    let counts = outbox::count_by_state(&db.pool, None).await.expect("counted");
    assert_eq!((counts.pending, counts.unknown), (1, 1));
}

#[tokio::test]
async fn request_during_a_failing_delivery_is_attempted() {
    let db = TestDb::new().await;
    ask(&db, &[1]).await;
    let claims = Claims::open(&db.pool).await.expect("claims");
    let item = claims.next(None).await.expect("claimed").expect("a row");
    ask(&db, &[1]).await;
    let state = claims.not_delivered(&item, DeliveryState::Failed, None, "no link").await.expect("noted");
    assert_eq!(state, DeliveryState::Pending, "the newer request may have fixed it");
    let item = claims.next(None).await.expect("claimed").expect("the same row");
    assert!(claims.holds_lock(&item).await);
    claims.postpone(&item, Duration::ZERO, Some("down")).await.expect("noted");
    let item = claims.next(None).await.expect("claimed").expect("the same row");
    assert_eq!(item.attempts, 1, "an outage does not count as an attempt");
    claims.release(&item).await.expect("given back");
    assert!(!claims.holds_lock(&item).await);
}

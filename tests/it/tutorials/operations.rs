//! Events and sessions: written values are read back, and an unchanged write writes nothing.

use lectern::outbox;
use lectern::tutorials::{create_events, store, update_events};

use crate::fixtures::provider::Provider;
use crate::fixtures::test_db::TestDb;

#[tokio::test]
async fn created_event_is_read_back_and_enqueued() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let events = [provider.event("CM2-02"), provider.event("CM2-01")];
    let mut tx = db.pool.begin().await.expect("begin");
    let ids = create_events(&mut tx, None, &events, false).await.expect("created");
    tx.commit().await.expect("commit");
    let mut connection = db.pool.acquire().await.expect("a connection");
    for (id, event) in ids.iter().zip(&events) {
        let known = store::events_by_id(&mut connection, &[*id]).await.expect("read");
        assert_eq!(&known[0].event, event);
    }
    let undelivered = outbox::list(&db.pool, false).await.expect("listed");
    let undelivered: Vec<(&str, &str)> =
        undelivered.iter().map(|item| (item.effect.as_str(), item.subject.as_str())).collect();
    assert_eq!(undelivered, [("create_event", "CM2-02"), ("create_event", "CM2-01")]);
}

#[tokio::test]
async fn rejected_event_rolls_back_the_batch() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let mut bad = provider.event("CM2-02");
    bad.sessions[1].end = "2026-02-10T08:00:00Z".parse().expect("an instant");
    let mut tx = db.pool.begin().await.expect("begin");
    let error = create_events(&mut tx, None, &[provider.event("CM2-01"), bad], false).await.expect_err("refused");
    assert_eq!(error.to_string(), "a session cannot end before it starts");
    tx.rollback().await.expect("rollback");
    assert!(outbox::list(&db.pool, true).await.expect("listed").is_empty());
}

#[tokio::test]
async fn update_writes_only_the_change() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let mut event = provider.event("CM2-01");
    let mut connection = db.pool.acquire().await.expect("a connection");
    let ids = create_events(&mut connection, None, std::slice::from_ref(&event), false).await.expect("created");
    let written = |pool: sqlx::PgPool| async move {
        let rows: Vec<String> = sqlx::query_scalar(
            "SELECT 'e' || xmin::text FROM acted.tutorial_events
             UNION ALL SELECT 's' || id || xmin::text FROM acted.tutorial_sessions
             UNION ALL SELECT 'd' || xmin::text FROM lectern.event_details
             UNION ALL SELECT 'p' || xmin::text FROM lectern.event_staff
             UNION ALL SELECT 't' || xmin::text FROM lectern.session_details
             UNION ALL SELECT 'i' || id || xmin::text FROM acted.tutorial_session_instructors ORDER BY 1",
        )
        .fetch_all(&pool)
        .await
        .expect("readable");
        rows
    };
    let before = written(db.pool.clone()).await;
    update_events(&mut connection, None, &[(ids[0], event.clone())]).await.expect("revised");
    assert_eq!(written(db.pool.clone()).await, before, "nothing changed, nothing is written");

    event.sessions[1].title = "Moved".into();
    event.sessions[1].instructor_ids.clear();
    event.staff.clear();
    event.max_places = Some(14);
    update_events(&mut connection, None, &[(ids[0], event.clone())]).await.expect("revised");
    let known = store::events_by_code(&mut connection, &["CM2-01"]).await.expect("read");
    assert_eq!(known[0].event, event);
    let undelivered = outbox::list(&db.pool, false).await.expect("listed");
    assert_eq!(undelivered.len(), 1, "the creation that is still open brings the change along");
}

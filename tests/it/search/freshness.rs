//! What `/readyz` reports about the catalogue in memory.

use std::time::Duration;

use lectern::search::read_model::follow::Follower;
use serde_json::{Value, json};

use crate::fixtures::provider::Provider;
use crate::fixtures::site::{Site, problem};
use crate::fixtures::test_db::TestDb;

async fn ready(site: &Site) -> Value {
    site.request("GET", "/readyz").send().await.expect("a response").json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn change_that_cannot_be_loaded_is_reported_as_degraded() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    let document = ready(&site).await;
    assert!(document["degraded"].is_null(), "{document}");
    let version = document["catalogue_version"].clone();
    let mut lock = db.pool.begin().await.expect("begin");
    sqlx::query("LOCK TABLE acted.prices IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("locked");
    sqlx::query("UPDATE acted.catalog_subjects SET description = 'Models'").execute(&db.pool).await.expect("a change");
    let document = loop {
        let document = ready(&site).await;
        if !document["degraded"].is_null() {
            break document;
        }
    };
    assert_eq!((&document["degraded"], &document["stale"]), (&json!(["database"]), &json!(true)), "{document}");
    assert!(document["catalogue_age_seconds"].is_u64(), "{document}");
    lock.rollback().await.expect("released");
    while !ready(&site).await["degraded"].is_null() {}
    assert_ne!(ready(&site).await["catalogue_version"], version);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_is_not_ready_until_the_catalogue_is_loaded() {
    let db = TestDb::new().await;
    let mut lock = db.pool.begin().await.expect("begin");
    sqlx::query("LOCK TABLE acted.tutorial_events IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("locked");
    let follower = Follower::start(db.pool.clone(), None, Duration::from_millis(1)).await;
    let site = Site::serve_follower(&db, follower).await;
    for path in ["/readyz", "/api/search/unified?q=cm2"] {
        let (status, document) = problem(site.request("GET", path).send().await.expect("a response")).await;
        assert_eq!(status, 503, "{path}: {document}");
    }
    let page = site.request("GET", "/").send().await.expect("a response");
    assert_eq!(
        (page.status().as_u16(), &page.headers()["content-type"]),
        (503, &"text/html; charset=utf-8".parse().expect("a type"))
    );
    assert_eq!(site.request("GET", "/livez").send().await.expect("a response").status(), 200);
    lock.rollback().await.expect("released");
    while site.request("GET", "/readyz").send().await.expect("a response").status() == 503 {}
    assert_eq!(site.request("GET", "/api/search/unified?q=cm2").send().await.expect("a response").status(), 200);
}

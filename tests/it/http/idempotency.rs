//! The header `Idempotency-Key` on every POST of the API.

use reqwest::Response;
use serde_json::{Value, json};

use crate::fixtures::api::{ApiFixture, location, upload};
use crate::fixtures::site::problem;
use crate::golden::PATHS;

/// What a client sees of a response.
async fn seen(response: Response) -> (u16, Option<String>, bool, Value) {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
    let (location, replayed) = (header("location"), header("idempotency-replayed").is_some());
    (response.status().as_u16(), location, replayed, response.json().await.expect("JSON"))
}

async fn post(fixture: &ApiFixture, path: &str, key: &str, body: Option<Value>) -> Response {
    let request = fixture.request("POST", path).header("idempotency-key", key);
    body.map_or(request.try_clone(), |body| Some(request.json(&body))).expect("a request").send().await.expect("sent")
}

async fn execute(fixture: &ApiFixture, sql: &'static str) {
    sqlx::query(sql).execute(&fixture.import.db.pool).await.expect(sql);
}

const EXAM_SESSIONS: &str = "
    INSERT INTO acted.catalog_exam_sessions (id, session_code, start_date, end_date)
    SELECT id, 'copy', '2027-04-01', '2027-04-30' FROM generate_series(901, 902) AS id";

/// Returns the body of a tutorial event.
fn new_event(code: &str, product: i64) -> Value {
    json!({ "code": code, "product_id": product, "start_date": "2026-06-01", "end_date": "2026-06-30" })
}

/// Leaves out searches with parameters.
fn is_tried(path: &&&str) -> bool {
    path.starts_with("/api/") && !path.contains('?')
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_post_returns_the_same_response() {
    let fixture = ApiFixture::new().await;
    let worker = fixture.worker();
    let run = location(&fixture.post_import(&[]).await);
    fixture.wait_for_end(&run).await;
    drop(worker);
    execute(&fixture, "UPDATE lectern.outbox SET state = 'unknown', next_attempt_at = NULL WHERE id = 1").await;
    fixture.expect_undelivered();
    let created: String = sqlx::query_scalar("SELECT external_id FROM adm.events WHERE tutorial_event_id IS NOT NULL")
        .fetch_one(&fixture.import.db.pool)
        .await
        .expect("the event in Administrate");
    execute(&fixture, EXAM_SESSIONS).await;
    let copy = "/api/catalogue/exam-sessions/901/copy".to_owned();
    let (event, product): (i64, i64) = sqlx::query_as("SELECT id, product_id FROM acted.tutorial_events")
        .fetch_one(&fixture.import.db.pool)
        .await
        .expect("the event");
    let template = "SELECT code FROM acted.tutorial_course_templates ORDER BY id LIMIT 1";
    let template: String = sqlx::query_scalar(template).fetch_one(&fixture.import.db.pool).await.expect("a template");
    let mapping = |sitting| json!({ "template": template, "sitting": sitting, "store_product_id": product });
    let of_event = |action: &str| (format!("/api/tutorials/events/{event}/{action}"), None, None);
    let routes = [
        ("/api/catalogue/subjects".to_owned(), Some(json!({ "code": "K1" })), Some(json!({ "code": "K2" }))),
        (copy, Some(json!({ "from": 902 })), Some(json!({ "from": 902, "dry_run": true }))),
        (format!("{run}/retry"), None, None),
        (format!("{run}/publish"), None, None),
        ("/api/outbox/1/resolve".to_owned(), Some(json!({ "delivered": created })), Some(json!({ "recreate": true }))),
        ("/api/outbox/retry".to_owned(), Some(json!({ "ids": [1] })), Some(json!({ "ids": [] }))),
        (format!("{run}/undo"), Some(json!({ "dry_run": true })), Some(json!({ "dry_run": false }))),
        ("/api/syncs".to_owned(), Some(json!({ "entity": "all", "dry_run": true })), Some(json!({ "entity": "all" }))),
        ("/api/imports/product-mappings".to_owned(), Some(mapping("*")), Some(mapping("2026A"))),
        ("/api/tutorials/events".to_owned(), Some(new_event("K1", product)), Some(new_event("K2", product))),
        of_event("publish"),
        of_event("cancel"),
        ("/api/search/unified".to_owned(), Some(json!({ "searchQuery": "x" })), Some(json!({ "searchQuery": "y" }))),
    ];
    let mut posts = 0;
    for path in PATHS.iter().filter(is_tried) {
        posts += usize::from(fixture.request("POST", path).send().await.expect("sent").status() != 405);
    }
    // The upload has a test of its own.
    assert_eq!(posts, routes.len() + 1, "every POST route is tested here");
    for (path, body, other) in routes {
        let (status, location, replayed, first) = seen(post(&fixture, &path, &path, body.clone()).await).await;
        assert!((200..300).contains(&status) && !replayed, "{path}: {status} {first}");
        let repeated = seen(post(&fixture, &path, &path, body).await).await;
        assert_eq!(repeated, (status, location, true, first), "{path}");
        if other.is_some() {
            let (status, _) = problem(post(&fixture, &path, &path, other).await).await;
            assert_eq!(status, 422, "{path}: another body");
        }
        let (status, _) = problem(post(&fixture, "/api/outbox/retry?", &path, Some(json!({ "ids": [9] }))).await).await;
        assert_eq!(status, 422, "{path}: another route");
    }
    let runs = "SELECT count(*) FROM lectern.runs WHERE kind IN ('import', 'import-undo', 'import-publish', 'sync')";
    assert_eq!(fixture.import.count(runs).await, 4, "each request made one run");
}

#[tokio::test(flavor = "multi_thread")]
async fn key_of_an_upload_is_known_to_other_routes() {
    let fixture = ApiFixture::new().await;
    let send = async |path: &str| {
        let request = fixture.request("POST", path).header("idempotency-key", "k");
        upload(request, &fixture.timetable, &[]).send().await.expect("an answer")
    };
    let run = location(&send("/api/imports").await);
    assert_eq!(location(&send("/api/imports").await), run);
    assert_eq!(problem(send("/api/imports?dry_run=true").await).await.0, 422);
    assert_eq!(problem(post(&fixture, "/api/syncs", "k", Some(json!({ "entity": "all" }))).await).await.0, 422);
    // A refused form leaves its key free.
    let refused = fixture.request("POST", "/api/imports").header("idempotency-key", "l");
    let refused = upload(refused, &fixture.timetable, &[("dryrun", "true")]).send().await.expect("an answer");
    assert_eq!(problem(refused).await.0, 400);
    assert_eq!(post(&fixture, "/api/syncs", "l", Some(json!({ "entity": "all" }))).await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn key_of_a_running_request_conflicts_and_of_a_refused_one_is_free() {
    let fixture = ApiFixture::new().await;
    let mut lock = fixture.import.db.pool.begin().await.expect("begin");
    sqlx::query("LOCK TABLE lectern.outbox IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("locked");
    // The client of the first request goes away. The request is executed all the same.
    let waiting = fixture.request("POST", "/api/outbox/retry").header("idempotency-key", "k").send();
    let waiting = tokio::spawn(waiting);
    while fixture.import.count("SELECT count(*) FROM lectern.idempotent_requests").await == 0 {}
    waiting.abort();
    let (status, document) = problem(post(&fixture, "/api/outbox/retry", "k", None).await).await;
    assert_eq!(status, 409, "{document}");
    lock.rollback().await.expect("released");
    let answered = loop {
        let response = post(&fixture, "/api/outbox/retry", "k", None).await;
        if response.status() != 409 {
            break seen(response).await;
        }
    };
    assert_eq!(answered, (202, None, true, json!({ "due": 0 })));

    let unknown = Some(json!({ "ids": [99] }));
    assert_eq!(problem(post(&fixture, "/api/outbox/retry", "l", unknown).await).await.0, 404);
    assert_eq!(post(&fixture, "/api/outbox/retry", "l", None).await.status(), 202, "nothing was done with this key");
    for key in ["", &"k".repeat(256)] {
        assert_eq!(problem(post(&fixture, "/api/outbox/retry", key, None).await).await.0, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_expires_after_a_day_and_an_abandoned_claim_after_a_minute() {
    let fixture = ApiFixture::new().await;
    assert_eq!(post(&fixture, "/api/outbox/retry", "old", None).await.status(), 202);
    execute(&fixture, "UPDATE lectern.idempotent_requests SET created_at = now() - interval '25 hours'").await;
    let later = seen(post(&fixture, "/api/outbox/retry", "old", Some(json!({ "ids": [] }))).await).await;
    assert_eq!((later.0, later.2), (202, false), "it is executed: {later:?}");
    execute(&fixture, "UPDATE lectern.idempotent_requests SET status = NULL").await;
    assert_eq!(post(&fixture, "/api/outbox/retry", "old", Some(json!({ "ids": [] }))).await.status(), 409);
    execute(&fixture, "UPDATE lectern.idempotent_requests SET renewed_at = now() - interval '2 minutes'").await;
    assert_eq!(post(&fixture, "/api/outbox/retry", "old", Some(json!({ "ids": [] }))).await.status(), 202);
    assert_eq!(fixture.import.count("SELECT count(*) FROM lectern.idempotent_requests").await, 1);
}

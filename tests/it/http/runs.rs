//! Runs over HTTP: progress, undo, conditional requests, and lost database connections.

use administrate_sim::{Action, Fault, When};
use serde_json::{Value, json};

use crate::fixtures::api::{ApiFixture, location};
use crate::fixtures::site::problem;
use crate::fixtures::timetable::{event, write};

#[tokio::test(flavor = "multi_thread")]
async fn progress_event_contains_throughput_and_time_left() {
    let mut fixture = ApiFixture::new().await;
    fixture.expect_undelivered();
    let lines: Vec<_> = (1..=4).map(|n| event(&format!("E{n}"))).collect();
    fixture.timetable = std::fs::read(write(fixture.import.db.folder(), "u.xlsx", &lines)).expect("a file");
    // One event is delivered late, so that the stream reports the others first.
    let late = Fault::first("event.createBlended", Action::Hang { when: When::Before });
    fixture.import.simulator.add_fault(late);
    let _worker = fixture.worker();
    let run = location(&fixture.post_import(&[]).await);
    let mut events = fixture.request("GET", &format!("{run}/events")).send().await.expect("an answer");
    let mut stream = String::new();
    let document = loop {
        stream
            .push_str(&String::from_utf8_lossy(&events.chunk().await.expect("the stream continues").expect("a piece")));
        let whole = stream.split("event: progress\ndata: ").skip(1).filter_map(|rest| rest.split_once("\n\n"));
        let mut whole = whole.filter_map(|(data, _)| serde_json::from_str::<Value>(data).ok());
        if let Some(document) = whole.find(|document| document["done"] == 3 && !document["per_second"].is_null()) {
            break document;
        }
    };
    assert_eq!((&document["total"], &document["delivery"]["delivered"]), (&json!(4), &json!(3)), "{document}");
    let per_second = document["per_second"].as_f64().expect("a pace");
    let left = document["seconds_left"].as_i64();
    assert!(
        per_second > 0.0 && left.is_some_and(|left| left >= 1) || per_second == 0.0 && left.is_none(),
        "{document}"
    );
    fixture.import.simulator.clear_faults();
}

#[tokio::test(flavor = "multi_thread")]
async fn posted_undo_removes_the_import() {
    let fixture = ApiFixture::new().await;
    let _worker = fixture.worker();
    let run = location(&fixture.post_import(&[]).await);
    fixture.wait_for_end(&run).await;
    let post = |body: Value| fixture.request("POST", &format!("{run}/undo")).json(&body).send();
    let dry = location(&post(json!({ "dry_run": true })).await.expect("an answer"));
    let document = fixture.wait_for_end(&dry).await;
    assert_eq!(
        (&document["removed"], &document["undone_run"], &document["exit_code"]),
        (&json!(["A"]), &json!(1), &json!(0))
    );
    assert_eq!(fixture.import.simulator.tenant().events.len(), 1, "nothing was done");
    assert_eq!(problem(post(json!({ "dryrun": true })).await.expect("an answer")).await.0, 400);

    let again = fixture.request("POST", &format!("{run}/undo")).header("idempotency-key", "u").send();
    let undone = location(&again.await.expect("an answer"));
    let document = fixture.wait_for_end(&undone).await;
    assert_eq!((&document["removed"], &document["delivery"]["delivered"]), (&json!(["A"]), &json!(1)), "{document}");
    assert_eq!((&document["state"], &document["exit_code"]), (&json!("done"), &json!(0)), "{document}");
    assert_eq!(fixture.import.simulator.tenant().events.len(), 0);
    assert_eq!(fixture.import.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    let (_, listed) = fixture.get("/api/imports").await;
    assert_eq!(listed["results"].as_array().map(Vec::len), Some(1), "it is no import: {listed}");
    for step in ["publish", "retry", "undo"] {
        let response = fixture.request("POST", &format!("{undone}/{step}")).send().await.expect("an answer");
        assert_eq!(problem(response).await.0, 404, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_with_matching_etag_is_not_modified() {
    let fixture = ApiFixture::new().await;
    let run = location(&fixture.post_import(&[("dry_run", "true")]).await);
    let seen = fixture.request("GET", &run).send().await.expect("an answer");
    let tag = seen.headers()["etag"].to_str().expect("a tag").to_owned();
    assert!(tag.starts_with('"'), "a strong one: {tag}");
    let unchanged = fixture.request("GET", &run).header("if-none-match", &tag).send().await.expect("an answer");
    assert_eq!(unchanged.status(), 304);
    let other = fixture.request("DELETE", &run).header("if-match", "\"other\"").send().await.expect("an answer");
    assert_eq!(problem(other).await.0, 412);
    let _worker = fixture.worker();
    fixture.wait_for_end(&run).await;
    let changed = fixture.request("GET", &run).header("if-none-match", &tag).send().await.expect("an answer");
    assert_eq!(changed.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_outbox_request_is_a_problem_with_a_pointer() {
    let fixture = ApiFixture::new().await;
    for (path, body, expected, pointer) in [
        ("/api/outbox/abc/resolve", json!({ "recreate": true }), 404, Value::Null),
        ("/api/outbox/1/resolve", json!({ "recreate": true }), 404, Value::Null),
        ("/api/outbox/1/resolve", json!({ "recreate": true, "delivered": "x" }), 400, json!("/recreate")),
        ("/api/outbox/1/resolve", json!({ "delivered": " " }), 400, json!("/delivered")),
        ("/api/outbox/1/resolve", json!({ "ids": [1] }), 400, json!("/ids")),
        ("/api/syncs", json!({ "entity": "locations", "only": ["a\u{0}b"] }), 400, json!("/only/0")),
    ] {
        let response = fixture.request("POST", path).json(&body).send().await.expect("an answer");
        let (status, document) = problem(response).await;
        assert_eq!((status, &document["errors"][0]["pointer"]), (expected, &pointer), "{body}: {document}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn import_continues_after_lost_database_connections() {
    let fixture = ApiFixture::new().await;
    fixture.import.simulator.add_fault(Fault::first("session.update", Action::Hang { when: When::After }));
    let worker = fixture.worker();
    let run = location(&fixture.post_import(&[]).await);
    while fixture.import.simulator.requests().of("session.update") == 0 {
        tokio::task::yield_now().await;
    }
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(cut).execute(&fixture.import.db.pool).await.expect("cut");
    fixture.import.simulator.clear_faults();
    // The worker waits after an outage; a new worker does not.
    drop(worker);
    let _worker = fixture.worker();
    let document = fixture.wait_for_end(&run).await;
    assert_eq!((&document["exit_code"], &document["counts"]["created"]), (&json!(0), &json!(1)), "{document}");
    assert_eq!((&document["delivery"]["delivered"], &document["error"]), (&json!(1), &Value::Null), "{document}");
}

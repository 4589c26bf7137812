//! Requests that follow an import: publish, retry and delivery of what is queued.

use administrate_sim::tenant::EventState;
use lectern::identity::Role;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::fixtures::api::{ApiFixture, answer, location, upload};
use crate::fixtures::site::problem;
use crate::fixtures::timetable::{event, second_day, write};

/// Returns the states of all sessions in Administrate.
fn session_states(fixture: &ApiFixture) -> Vec<EventState> {
    let tenant = fixture.import.simulator.tenant();
    tenant.sessions.values().map(|session| session.state).collect()
}

/// Stores the approvals that a sync would store.
async fn store_approvals(fixture: &ApiFixture) {
    let approve = "INSERT INTO lectern.approved_instructors
                   SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(approve).execute(&fixture.import.db.pool).await.expect("approvals");
}

#[tokio::test(flavor = "multi_thread")]
async fn import_with_publish_field_is_published_once() {
    let fixture = ApiFixture::new().await;
    // The option is stored with the job: the worker starts after the request.
    let run = location(&fixture.post_import(&[("publish", "true")]).await);
    let _worker = fixture.worker();
    let document = fixture.wait_for_end(&run).await;
    assert_eq!((&document["exit_code"], &document["delivery"]["delivered"]), (&json!(0), &json!(1)), "{document}");
    assert_eq!(session_states(&fixture), [EventState::Published; 2]);

    let (status, response) = answer(fixture.request("POST", &format!("{run}/publish"))).await;
    assert_eq!((status, &response["asked"], &response["already"]), (202, &json!([]), &json!(1)), "{response}");
    let (status, response) = answer(fixture.request("POST", &format!("{run}/retry"))).await;
    assert_eq!((status, &response["due"]), (202, &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_import_is_published_by_the_delivery_worker() {
    let fixture = ApiFixture::new().await;
    let _worker = fixture.worker();
    let stop = CancellationToken::new();
    let lines = [event("B"), second_day("B", "17:00")];
    let later = std::fs::read(write(fixture.import.db.folder(), "u.xlsx", &lines)).expect("readable");
    let request = upload(fixture.request("POST", "/api/imports"), &later, &[("deliver", "queue")]);
    store_approvals(&fixture).await;
    let queued = location(&request.send().await.expect("an answer"));
    let document = fixture.wait_for_end(&queued).await;
    assert_eq!((&document["exit_code"], &document["delivery"]["pending"]), (&json!(4), &json!(1)), "{document}");
    let (status, response) = answer(fixture.request("POST", &format!("{queued}/publish"))).await;
    assert_eq!((status, &response["asked"]), (202, &json!(["B"])), "{response}");
    let config = fixture.import.config();
    let client = lectern::gateway::connect(&config, &fixture.import.db.pool, "serve", lectern::gateway::AuditMode::On);
    let delivery = lectern::delivery::worker::run_worker(
        fixture.import.db.pool.clone(),
        client.await.expect("connected"),
        config.clone(),
        stop.clone(),
    );
    let delivery = tokio::spawn(delivery);
    while fixture.import.count("SELECT count(*) FROM lectern.outbox WHERE state <> 'delivered'").await > 0 {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    delivery.await.expect("it ends");
    assert_eq!(session_states(&fixture), [EventState::Published; 2]);
    let (_, document) = fixture.get(&queued).await;
    assert_eq!((&document["exit_code"], &document["delivery"]["pending"]), (&json!(4), &json!(0)), "{document}");
    assert_eq!((&document["delivery"]["delivered"], &document["undelivered"]), (&json!(1), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_follow_up_request_is_rejected() {
    let fixture = ApiFixture::new().await;
    let _worker = fixture.worker();
    let run = location(&fixture.post_import(&[]).await);
    fixture.wait_for_end(&run).await;
    for (fields, expected) in
        [([("publish", "perhaps"), ("ours", "1")], 400), ([("approve_instructors", "yes"), ("deliver", "queue")], 422)]
    {
        assert_eq!(problem(fixture.post_import(&fields).await).await.0, expected, "{fields:?}");
    }
    for (path, expected) in
        [("/api/imports/99/publish", 404), ("/api/imports/99/retry", 404), ("/api/outbox/retry", 202)]
    {
        let response = fixture.request("POST", path).send().await.expect("an answer");
        assert_eq!(response.status(), expected, "{path}");
    }
    let unknown = fixture.request("POST", "/api/outbox/retry").json(&json!({ "ids": [999] }));
    assert_eq!(problem(unknown.send().await.expect("an answer")).await.0, 404);
    let reader = fixture.site.request_as(&fixture.import.db, Role::Reader, "POST", &format!("{run}/publish")).await;
    assert_eq!(problem(reader.send().await.expect("an answer")).await.0, 403);
}

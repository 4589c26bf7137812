//! Imports and syncs as jobs over HTTP: enqueueing, idempotency keys, invalid requests, limits and cancellation.

use administrate_sim::{Action, Fault, When};
use lectern::identity::Role;
use lectern::timetable_import::layout::Field;
use serde_json::{Value, json};

use crate::fixtures::api::{ApiFixture, answer, location, upload};
use crate::fixtures::site::{Site, problem};
use crate::fixtures::timetable::{changed, event, write};

#[tokio::test(flavor = "multi_thread")]
async fn posted_import_runs_and_streams_its_result() {
    let fixture = ApiFixture::new().await;
    let _worker = fixture.worker();
    let dry = location(&fixture.post_import(&[("dry_run", "true")]).await);
    let planned = fixture.wait_for_end(&dry).await;
    assert_eq!(
        (&planned["dry_run"], &planned["counts"]["created"], &planned["state"]),
        (&json!(true), &json!(1), &json!("done"))
    );
    assert_eq!((&planned["run_id"], &planned["exit_code"], &planned["file"]), (&json!(1), &json!(0), &json!("t.xlsx")));
    assert_eq!(fixture.import.count("SELECT count(*) FROM acted.tutorial_events").await, 0);

    // A folder that remained from another database.
    let uploads = fixture.import.db.folder().join("uploads");
    std::fs::create_dir(uploads.join("2")).expect("a folder");
    std::fs::write(uploads.join("2/t.xlsx"), "another file").expect("a file");
    let run = location(&fixture.post_import(&[]).await);
    let events = fixture.request("GET", &format!("{run}/events")).send().await.expect("an answer");
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let events = events.text().await.expect("the stream ends");
    let last = events.split("event: done\ndata: ").nth(1).expect("the last event");
    let mut response: Value = serde_json::from_str(last.trim()).expect("JSON");
    let document = fixture.wait_for_end(&run).await;
    assert_eq!(response.as_object_mut().and_then(|response| response.remove("location")), Some(json!(run)));
    assert_eq!(response, document);
    assert_eq!(
        (&document["counts"]["created"], &document["delivery"]["delivered"]),
        (&json!(1), &json!(1)),
        "{document}"
    );
    assert_eq!(fixture.import.simulator.tenant().events.len(), 1);
    let remaining = std::fs::read_dir(&uploads).expect("uploads").flatten();
    let mut remaining: Vec<String> = remaining.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    remaining.sort();
    assert_eq!(remaining.len(), 2, "the upload of the import is removed: {remaining:?}");
    assert!(remaining[0].starts_with("1-") && remaining[1] == "2", "that of the plan can be applied: {remaining:?}");
    assert_eq!(std::fs::read(uploads.join("2/t.xlsx")).expect("its file"), b"another file");

    let (_, listed) = fixture.get("/api/imports/?limit=1").await;
    assert_eq!((&listed["results"][0]["run_id"], &listed["next_cursor"]), (&json!(2), &json!("2")), "{listed}");
    let (_, rest) = fixture.get("/api/imports?cursor=2").await;
    assert_eq!((&rest["results"][0]["run_id"], &rest["next_cursor"]), (&json!(1), &Value::Null));
    let done = fixture.request("DELETE", &run).send().await.expect("an answer");
    assert_eq!(problem(done).await.0, 409, "it has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_are_downloadable() {
    let mut fixture = ApiFixture::new().await;
    let _worker = fixture.worker();
    let wrong = changed(event("B"), Field::Location, "Lndon");
    fixture.timetable =
        std::fs::read(write(fixture.import.db.folder(), "u.xlsx", &[event("A"), wrong])).expect("a file");
    let run = location(&fixture.post_import(&[]).await);
    let document = fixture.wait_for_end(&run).await;
    assert_eq!(
        (&document["exit_code"], &document["report"]),
        (&json!(4), &json!(format!("{run}/report"))),
        "{document}"
    );
    let report = fixture.request("GET", &format!("{run}/report")).send().await.expect("an answer");
    assert_eq!(report.status(), 200);
    assert!(report.bytes().await.expect("a workbook").starts_with(b"PK"));

    // Only the file in the data folder is served: neither another path nor what a link points to.
    let pool = &fixture.import.db.pool;
    sqlx::query(
        "UPDATE lectern.runs SET document = jsonb_set(document, '{report}', '\"/etc/hostname\"') WHERE kind = 'import'",
    )
    .execute(pool)
    .await
    .expect("another path");
    let report = fixture.request("GET", &format!("{run}/report")).send().await.expect("an answer");
    assert!(report.bytes().await.expect("a workbook").starts_with(b"PK"));
    let number = run.rsplit('/').next().expect("a run");
    let saved = fixture.import.db.folder().join(format!("reports/import-{number}.xlsx"));
    std::fs::remove_file(&saved).expect("removed");
    std::os::unix::fs::symlink("/etc/hostname", &saved).expect("a link");
    let report = fixture.request("GET", &format!("{run}/report")).send().await.expect("an answer");
    assert_eq!(report.status(), 404);
    fixture.timetable = b"no workbook".to_vec();
    let document = fixture.wait_for_end(&location(&fixture.post_import(&[]).await)).await;
    assert_eq!((&document["exit_code"], &document["problems"][0]["code"]), (&json!(1), &json!("unreadable_file")));
}

#[tokio::test(flavor = "multi_thread")]
async fn import_posted_twice_with_one_idempotency_key_runs_once() {
    let fixture = ApiFixture::new().await;
    let post = |key: &'static str, fields: &'static [(&'static str, &'static str)]| {
        let request = fixture.request("POST", "/api/imports").header("idempotency-key", key);
        upload(request, &fixture.timetable, fields).send()
    };
    let first = location(&post("k1", &[]).await.expect("an answer"));
    assert_eq!(location(&post("k1", &[]).await.expect("an answer")), first);
    assert_eq!(problem(post("k1", &[("dry_run", "true")]).await.expect("an answer")).await.0, 422);
    assert_ne!(location(&post("k2", &[]).await.expect("an answer")), first);
    assert_eq!(problem(post("", &[]).await.expect("an answer")).await.0, 400);
    assert_eq!(fixture.import.count("SELECT count(*) FROM lectern.requested_runs").await, 2);
    let folder = std::fs::read_dir(fixture.import.db.folder().join("uploads")).expect("uploads");
    assert_eq!(folder.count(), 2, "nothing else is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_request_is_rejected() {
    let fixture = ApiFixture::new().await;
    let form = |body: &'static str| {
        let request = fixture.request("POST", "/api/imports");
        request.header("content-type", "multipart/form-data; boundary=cut").body(body).send()
    };
    for (body, expected) in [
        ("", 400),
        ("--cut", 400),
        ("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"t.xlsx\"\r\n\r\nhalf a fi", 400),
        ("--cut\r\nContent-Disposition: form-data; name=\"dry_run\"\r\n\r\ntrue\r\n--cut--\r\n", 400),
        ("--cut\r\nContent-Disposition: form-data; name=\"dry_run\"\r\n\r\nperhaps\r\n--cut--\r\n", 400),
        ("--other\r\n\r\n--other--\r\n", 400),
    ] {
        assert_eq!(problem(form(body).await.expect("an answer")).await.0, expected, "{body}");
    }
    let plain = fixture.request("POST", "/api/imports").body("x").send().await.expect("an answer");
    assert_eq!(problem(plain).await.0, 415);
    for path in ["/api/imports/99", "/api/imports/x", "/api/imports/99/events", "/api/imports/1/report", "/api/syncs/1"]
    {
        let response = fixture.request("GET", path).send().await.expect("an answer");
        assert_eq!(problem(response).await.0, 404, "{path}");
    }
    assert_eq!(problem(fixture.site.request("POST", "/api/imports").send().await.expect("sent")).await.0, 401);
    for (role, method, path, expected) in [
        (Role::Reader, "POST", "/api/imports", 403),
        (Role::Reader, "POST", "/api/imports/1/undo", 403),
        (Role::Reader, "DELETE", "/api/syncs/1", 403),
        (Role::Reader, "GET", "/api/imports/1", 404),
        (Role::Student, "GET", "/api/imports/1", 403),
    ] {
        let request = fixture.site.request_as(&fixture.import.db, role, method, path).await;
        assert_eq!(problem(request.send().await.expect("an answer")).await.0, expected, "{method} {path}");
    }
    for (fields, pointer) in [
        (&[("dry_run", "")][..], "/dry_run"),
        (&[("dry_run", "true"), ("dry_run", "false")], "/dry_run"),
        (&[("dryrun", "true")], "/dryrun"),
    ] {
        let (status, response) = problem(fixture.post_import(fields).await).await;
        assert_eq!((status, &response["errors"][0]["pointer"]), (400, &json!(pointer)), "{response}");
    }
    assert_eq!(fixture.import.count("SELECT count(*) FROM lectern.runs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_over_the_limit_is_rejected() {
    let fixture = ApiFixture::new().await;
    let mut config = fixture.import.config();
    config.import.max_file_bytes = fixture.timetable.len() as u64;
    let site = Site::serve_with(&fixture.import.db, &config).await;
    let post = |file: &[u8]| upload(site.request("POST", "/api/imports").bearer_auth(&fixture.token), file, &[]).send();
    let longer = [fixture.timetable.clone(), vec![0]].concat();
    assert_eq!(post(&fixture.timetable).await.expect("an answer").status(), 202);
    assert_eq!(problem(post(&longer).await.expect("an answer")).await.0, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_import_is_not_executed() {
    let fixture = ApiFixture::new().await;
    fixture.expect_undelivered();
    let queued = location(&fixture.post_import(&[]).await);
    assert_eq!(answer(fixture.request("DELETE", &queued)).await.1["state"], "cancelling");
    let _worker = fixture.worker();
    let document = fixture.wait_for_end(&queued).await;
    assert_eq!((&document["state"], &document["exit_code"]), (&json!("cancelled"), &json!(4)), "{document}");
    assert_eq!(
        fixture.request("DELETE", &queued).send().await.expect("an answer").status(),
        202,
        "cancelling again is accepted"
    );

    // Cancelled during delivery: local rows stay, and the outbox retains what is not delivered.
    fixture
        .import
        .simulator
        .add_fault(Fault { times: 0, ..Fault::first("event.createBlended", Action::Hang { when: When::Before }) });
    let running = location(&fixture.post_import(&[]).await);
    while fixture.import.simulator.requests().of("event.createBlended") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture.get(&running).await.1["state"], "running");
    assert_eq!(fixture.request("DELETE", &running).send().await.expect("an answer").status(), 202);
    fixture.import.simulator.clear_faults();
    let document = fixture.wait_for_end(&running).await;
    assert_eq!((&document["state"], &document["delivery"]["pending"]), (&json!("cancelled"), &json!(1)), "{document}");
    let due = "SELECT count(*) FROM lectern.outbox WHERE next_attempt_at IS NOT NULL AND state = 'pending'";
    assert_eq!(fixture.import.count(due).await, 0, "called off for every worker");
    let (status, response) = answer(fixture.request("POST", &format!("{running}/retry"))).await;
    assert_eq!((status, &response["due"], fixture.import.count(due).await), (202, &json!(1), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn posted_sync_runs() {
    let fixture = ApiFixture::new().await;
    let _worker = fixture.worker();
    let post = |body: Value| fixture.request("POST", "/api/syncs/").json(&body).send();
    let run = location(&post(json!({ "entity": "locations", "dry_run": true })).await.expect("an answer"));
    let report = fixture.wait_for_end(&run).await;
    assert_eq!(
        (&report["entity"], &report["dry_run"], &report["run_id"]),
        (&json!("locations"), &json!(true), &json!(1))
    );
    assert_eq!(report["counts"]["fetched"], 1, "{report}");
    let run = location(&post(json!({ "entity": "venues" })).await.expect("an answer"));
    let report = fixture.wait_for_end(&run).await;
    assert_eq!(report["exit_code"], 3, "a dry run does not count as done: {report}");
    let run = location(&post(json!({ "entity": "locations" })).await.expect("an answer"));
    assert_eq!(fixture.wait_for_end(&run).await["exit_code"], 0);
    let run = location(&post(json!({ "entity": "all" })).await.expect("an answer"));
    let summary = fixture.wait_for_end(&run).await;
    assert_eq!(summary["reports"].as_array().map(Vec::len), Some(7), "{summary}");
    for (body, expected) in [
        (json!({ "entity": "rooms" }), 422),
        (json!({}), 400),
        (json!({ "entity": "all", "dry_run": "yes" }), 400),
        (json!({ "entity": "all", "x": 1 }), 400),
    ] {
        assert_eq!(problem(post(body.clone()).await.expect("an answer")).await.0, expected, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_about_a_file_of_the_server_has_no_path() {
    let fixture = ApiFixture::new().await;
    let folder = fixture.import.db.folder();
    std::os::unix::fs::symlink("/", folder.join("uploads")).expect("a link");
    let (status, document) = problem(fixture.post_import(&[]).await).await;
    assert_eq!(status, 500, "{document}");
    assert!(!document.to_string().contains(&*folder.to_string_lossy()), "{document}");
}

//! The pages as plain forms: who may see and change what, corrections and plans.

use lectern::identity::{Role, csrf_token};
use lectern::timetable_import::layout::Field;
use reqwest::{Client, redirect};
use serde_json::{Value, json};

use crate::fixtures::api::{ApiFixture, answer, location, upload};
use crate::fixtures::site::{Site, problem};
use crate::fixtures::test_db::TestDb;
use crate::fixtures::timetable::{changed, event, write};
use crate::web::visitor::{Browser, text, to};

const PAGES: [&str; 7] = ["/today", "/timetable", "/lessons", "/imports", "/syncs", "/outbox", "/webhooks"];

#[tokio::test]
async fn page_without_session_leads_to_the_sign_in_and_role_decides_what_it_shows() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let anonymous = Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
    for page in PAGES.iter().chain(&["/users", "/tokens", "/imports/1", "/syncs/locations?run=1"]) {
        let response = anonymous.get(format!("http://{}{page}", site.address)).send().await.expect("an answer");
        let next = page.replace('/', "%2F").replace('?', "%3F").replace('=', "%3D");
        assert_eq!(to(&response), format!("/login?next={next}"));
    }
    let reader = Browser::sign_in(&db, &site, "rita", Role::Reader).await;
    let operator = Browser::sign_in(&db, &site, "olga", Role::Operator).await;
    let admin = Browser::sign_in(&db, &site, "ann", Role::Admin).await;
    for page in PAGES {
        let shown = text(reader.get(page).await).await;
        assert!(!shown.contains("method=\"post\" action=\"/imports\"") && !shown.contains("/plan\""), "{page}");
        assert_eq!(operator.get(page).await.status(), 200, "{page}");
    }
    for page in ["/users", "/tokens"] {
        let refused = operator.get(page).await;
        assert_eq!(refused.status(), 403);
        assert!(text(refused).await.contains("Only admins"), "{page}");
        assert_eq!(admin.get(page).await.status(), 200, "{page}");
    }
    assert_eq!(reader.submit("/outbox/retry", &[("all", "1")]).await.status(), 403);
    assert_eq!(to(&operator.get("/").await), "/today", "staff begins with today");
    assert_eq!(operator.get("/?q=x").await.status(), 200, "and still searches");
    for missing in ["/imports/99", "/imports/x", "/syncs/rooms", "/outbox/99", "/webhooks/99", "/no/page"] {
        let response = operator.get(missing).await;
        assert_eq!(response.status(), 404, "{missing}");
        let shown = text(response).await;
        assert!(shown.contains("id=\"find\"") && !shown.contains("\"detail\""), "{missing}: {shown}");
    }
}

#[tokio::test]
async fn form_without_the_token_of_its_session_changes_nothing() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let admin = Browser::sign_in(&db, &site, "ann", Role::Admin).await;
    let fields = [("name", "a program"), ("role", "reader")];
    for token in ["", "x", &csrf_token("lectern_other")] {
        let refused = admin.send("/tokens", Some(token), &fields).await;
        assert_eq!(refused.status(), 403, "{token}");
        assert!(text(refused).await.contains("load the page again"));
        assert_eq!(admin.send("/syncs/locations/plan", Some(token), &[]).await.status(), 403);
    }
    let count = "SELECT (SELECT count(*) FROM lectern.tokens WHERE login_id IS NULL)
                      + (SELECT count(*) FROM lectern.requested_runs)";
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&db.pool).await.expect("counted"), 0);
    let created = text(admin.submit("/tokens", &fields).await).await;
    assert!(created.contains("lectern_") && created.contains("shown only once"));
    let wrong = admin.submit("/tokens", &[("name", "typed text"), ("role", "tutor")]).await;
    assert_eq!(wrong.status(), 400);
    let wrong = text(wrong).await;
    assert!(wrong.contains("A tutor needs a profile") && wrong.contains("value=\"typed text\""), "{wrong}");
    let added = admin.submit("/users", &[("name", "bob"), ("role", "reader"), ("password", "short")]).await;
    assert_eq!(added.status(), 400);
    assert!(text(added).await.contains("value=\"bob\""), "what was typed stays");
    let granted = admin.submit("/users/grant", &[("name", "nobody@example.org"), ("role", "tutor")]).await;
    assert_eq!(granted.status(), 400);
    let granted = text(granted).await;
    assert!(
        granted.contains("The role was not given") && granted.contains("value=\"nobody@example.org\""),
        "{granted}"
    );
    let own = admin.submit("/users/disable", &[("name", "ann")]).await;
    assert_eq!(to(&own), "/users");
    assert_eq!(admin.get("/users").await.status(), 200, "an admin does not lock themselves out");
}

/// A planned import of an event with an unknown location and of a valid one.
async fn planned(fixture: &ApiFixture) -> (String, Value) {
    let lines = [event("A"), changed(event("B"), Field::Location, "Lndon")];
    let file = std::fs::read(write(fixture.import.db.folder(), "t.xlsx", &lines)).expect("a workbook");
    let request = upload(fixture.request("POST", "/api/imports"), &file, &[("dry_run", "true")]);
    let run = location(&request.send().await.expect("an answer"));
    let document = fixture.wait_for_end(&run).await;
    (run, document)
}

#[tokio::test(flavor = "multi_thread")]
async fn corrected_plan_is_made_again_and_imported_as_it_was_shown() {
    let fixture = ApiFixture::new().await;
    let _worker = fixture.worker();
    let (run, document) = planned(&fixture).await;
    assert_eq!(document["counts"]["rejected"], 1, "{document}");
    let problem_of = &document["problems"][0];
    let (sheet, cell) = (problem_of["sheet"].clone(), problem_of["cell"].as_str().expect("a cell").to_owned());
    assert_eq!(document["grid"]["rows"][0]["row"], problem_of["row"], "{document}");
    let early = "UPDATE lectern.runs SET started_at = now() - interval '1 hour'";
    sqlx::query(early).execute(&fixture.import.db.pool).await.expect("an hour ago");
    let put = async |body: Value| answer(fixture.request("PUT", &format!("{run}/corrections")).json(&body)).await;
    for (body, status, pointer) in [
        (json!([{ "sheet": sheet, "cell": "4E", "value": "x" }]), 422, "/0/cell"),
        (json!([{ "sheet": "Other", "cell": cell, "value": "x" }]), 422, "/0/sheet"),
        (json!([{ "sheet": sheet, "cell": cell }]), 400, "/0/value"),
    ] {
        let (code, document) = put(body).await;
        assert_eq!((code, &document["errors"][0]["pointer"]), (status, &json!(pointer)), "{document}");
    }
    let (code, stored) = put(json!([{ "sheet": sheet, "cell": cell.to_lowercase(), "value": "London" }])).await;
    assert_eq!((code, &stored["corrections"][0]["cell"]), (200, &json!(cell)), "{stored}");
    assert_eq!(stored["corrections"][0]["original"], "Lndon");
    let corrected = fixture.wait_for_end(&run).await;
    assert_eq!((&corrected["counts"]["created"], &corrected["exit_code"]), (&json!(2), &json!(0)), "{corrected}");
    assert_eq!(fixture.import.count("SELECT count(*) FROM acted.tutorial_events").await, 0, "only a plan");
    let started: jiff::Timestamp = corrected["started_at"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    let age = jiff::Timestamp::now().as_second() - started.as_second();
    assert!(age < 3000, "it counts from the correction: {age} s");

    let number: i64 = run.rsplit('/').next().and_then(|id| id.parse().ok()).expect("a number");
    let apply = async || {
        fixture.request("POST", "/api/imports").json(&json!({ "apply": number })).send().await.expect("an answer")
    };
    let imported = fixture.wait_for_end(&location(&apply().await)).await;
    assert_eq!((&imported["counts"]["created"], &imported["delivery"]["delivered"]), (&json!(2), &json!(2)));
    let (code, document) = problem(apply().await).await;
    assert_eq!(code, 409, "{document}");
    let (_, listed) = fixture.get("/api/imports/?limit=2").await;
    assert_eq!(listed["results"].as_array().map(Vec::len), Some(2), "{listed}");
    for body in [json!({ "apply": 99 }), json!({ "apply": "x" }), json!({ "apply": number, "more": 1 })] {
        let refused = fixture.request("POST", "/api/imports").json(&body).send().await.expect("an answer");
        assert!([400, 404].contains(&refused.status().as_u16()), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_that_would_be_another_now_is_refused() {
    let fixture = ApiFixture::new().await;
    let worker = fixture.worker();
    let (run, _) = planned(&fixture).await;
    let number: i64 = run.rsplit('/').next().and_then(|id| id.parse().ok()).expect("a number");
    let apply = async || {
        fixture.request("POST", "/api/imports").json(&json!({ "apply": number })).send().await.expect("an answer")
    };
    let rename = "UPDATE acted.tutorial_venues SET name = 'Closed'";
    sqlx::query(rename).execute(&fixture.import.db.pool).await.expect("renamed");
    let (code, document) = problem(apply().await).await;
    assert_eq!(code, 409, "{document}");
    assert!(document["detail"].as_str().expect("a reason").contains("changed since it was shown"), "{document}");
    let back = "UPDATE acted.tutorial_venues SET name = 'King''s Cross'";
    sqlx::query(back).execute(&fixture.import.db.pool).await.expect("renamed");
    // It changes between the request and the import.
    drop(worker);
    let late = location(&apply().await);
    sqlx::query(rename).execute(&fixture.import.db.pool).await.expect("renamed");
    let _worker = fixture.worker();
    let refused = fixture.wait_for_end(&late).await;
    assert_eq!(refused["exit_code"], 1, "{refused}");
    assert!(refused["error"].as_str().expect("a reason").contains("changed since it was shown"), "{refused}");
    assert_eq!(fixture.import.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    let uploads = fixture.import.db.folder().join("uploads");
    let old = "UPDATE lectern.runs SET finished_at = now() - interval '25 hours' WHERE dry_run";
    sqlx::query(old).execute(&fixture.import.db.pool).await.expect("older");
    let swept =
        lectern::timetable_import::old_files::sweep_uploads(&fixture.import.db.pool, fixture.import.db.folder(), 7);
    assert_eq!(swept.await.expect("swept"), 1, "{uploads:?}");
    let (code, document) = problem(apply().await).await;
    assert_eq!(code, 409);
    assert!(document["detail"].as_str().expect("a reason").contains("upload it again"), "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_correction_stays_on_the_page_as_it_was_typed() {
    let fixture = ApiFixture::new().await;
    let worker = fixture.worker();
    let (run, document) = planned(&fixture).await;
    drop(worker);
    let number = run.rsplit('/').next().expect("a number");
    let sheet = document["problems"][0]["sheet"].as_str().expect("a sheet");
    let ann = Browser::sign_in(&fixture.import.db, &fixture.site, "ann", Role::Operator).await;
    let path = format!("/imports/{number}/corrections");
    let correct = async |value: &str| ann.submit(&path, &[("sheet", sheet), ("cell", "E4"), ("value", value)]).await;
    let long = "Lo\"ndon ".repeat(5_000);
    // Another request makes the plan again, or has cancelled it, at this moment.
    let busy = "UPDATE lectern.requested_runs SET cancelled_at = now()";
    for (value, status, why) in [(long.as_str(), 422, "characters"), ("Lon<don", 409, "made by another request")] {
        if status == 409 {
            sqlx::query(busy).execute(&fixture.import.db.pool).await.expect("busy");
        }
        let refused = correct(value).await;
        assert_eq!(refused.status(), status);
        let shown = text(refused).await;
        let (_, form) = shown.split_once("id=\"refused\"").expect("a form");
        assert!(form.contains("E4 was not corrected") && form.contains(why), "{}", &form[..2000]);
        let typed = value.replace('"', "&#34;").replace('<', "&#60;");
        assert!(form.contains(&format!("value=\"{typed}\"")), "what was typed stays: {}", &form[..2000]);
        assert!(!shown.contains("http-equiv=\"refresh\""), "no reload loses it");
    }
    let stored = fixture.import.count("SELECT count(*) FROM lectern.import_corrections").await;
    assert_eq!(stored, 0);
    assert_eq!(to(&ann.get(&path).await), format!("/imports/{number}"), "the address of the form leads to the run");
}

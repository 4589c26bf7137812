//! Parameters in the address: routes of the API refuse unknown ones, pages ignore them.

use lectern::identity::Role;
use reqwest::Response;
use serde_json::{Value, json};

use crate::fixtures::api::{ApiFixture, location, upload};
use crate::fixtures::site::{Site, problem, token};
use crate::fixtures::test_db::TestDb;
use crate::golden::PATHS;

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_api_refuses_an_unknown_parameter() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let secret = token(&db, Role::Admin).await;
    let mut refused = 0;
    for path in PATHS.iter().filter(|path| path.starts_with("/api/")) {
        let path = path.split('?').next().unwrap_or_default();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let send = async |path: &str| -> Response {
                site.request(method, path).bearer_auth(&secret).send().await.expect("an answer")
            };
            if send(path).await.status() == 405 {
                continue;
            }
            let (status, document) = problem(send(&format!("{path}?surprise=1")).await).await;
            let error = &document["errors"][0];
            assert_eq!((status, &error["pointer"]), (400, &json!("/surprise")), "{method} {path}: {document}");
            assert_eq!(error["code"], "unknown_parameter");
            assert!(error["message"].as_str().is_some_and(|message| message.contains(": ")), "{document}");
            refused += 1;
        }
    }
    assert!(refused >= 20, "{refused} routes");
    // A parameter of one method is unknown to another.
    for (method, path) in
        [("POST", "/api/imports?limit=5"), ("POST", "/api/syncs?limit=5"), ("POST", "/api/search/unified?q=x")]
    {
        let response = site.request(method, path).bearer_auth(&secret).send().await.expect("an answer");
        assert_eq!(problem(response).await.0, 400, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_clients_send_are_known_and_pages_ignore_others() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let navigation = "tutorial_format=&group=&variation=3&distance_learning=&tutorial=1&product=&shape=x";
    for (method, path) in [
        ("POST", format!("/api/search/unified/?{navigation}")),
        ("GET", format!("/api/search/unified?{navigation}&q=cm2&page=1&page_size=5&include_bundles=true&subjects=CM2")),
        ("GET", "/api/search/default-data?limit=5".to_owned()),
        ("GET", "/api/search/advanced-fuzzy?q=cm2&subjects=1&categories=2&min_score=60&limit=5".to_owned()),
        ("GET", "/?utm_source=mail&q=cm2".to_owned()),
        ("GET", "/livez?x=1".to_owned()),
        ("GET", "/readyz?x=1".to_owned()),
    ] {
        let response = site.request(method, &path).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{method} {path}");
    }
    let body = json!({ "options": { "include_analytics": true, "shape": "x", "include_bundles": false } });
    assert_eq!(site.request("POST", "/api/search/unified").json(&body).send().await.expect("sent").status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_is_a_field_of_the_form_or_a_parameter() {
    let fixture = ApiFixture::new().await;
    let _worker = fixture.worker();
    let post = |path: &'static str, fields: &'static [(&'static str, &'static str)]| {
        upload(fixture.request("POST", path), &fixture.timetable, fields).send()
    };
    for (path, fields) in [
        ("/api/imports?dry_run=true", &[][..]),
        ("/api/imports/?dry_run=true", &[("dry_run", "true")]),
        ("/api/imports?dry_run=1&dry_run=true", &[("deliver", "wait")]),
    ] {
        let run = location(&post(path, fields).await.expect("an answer"));
        let document = fixture.wait_for_end(&run).await;
        assert_eq!(document["dry_run"], true, "{path}: {document}");
    }
    for (path, fields) in [
        ("/api/imports?dry_run=true", &[("dry_run", "false")][..]),
        ("/api/imports?dry_run=false", &[("dry_run", "true")]),
        ("/api/imports?dry_run=true&dry_run=false", &[]),
        ("/api/imports?dry_run=perhaps", &[]),
        ("/api/imports?dry_run", &[]),
        ("/api/imports?dryrun=true", &[]),
    ] {
        let (status, document) = problem(post(path, fields).await.expect("an answer")).await;
        assert_eq!(status, 400, "{path} {fields:?}: {document}");
    }
    assert_eq!(fixture.import.count("SELECT count(*) FROM lectern.runs").await, 3);
    assert_eq!(fixture.import.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    let run = location(&post("/api/imports?dry_run=false", &[]).await.expect("an answer"));
    let document: Value = fixture.wait_for_end(&run).await;
    assert_eq!((&document["dry_run"], &document["counts"]["created"]), (&json!(false), &json!(1)), "{document}");
}

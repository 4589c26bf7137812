//! Tests of unified search over HTTP on a real database.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::create_event;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::{Site, problem};
use crate::fixtures::test_db::TestDb;

#[tokio::test]
async fn created_event_is_found_with_its_sessions() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let site = Site::serve(&db).await;
    for text in ["cm2-01", "Quill", "marlow", "londn", "cm2-01-2", "2026-04"] {
        let results = site.search(&json!({ "searchQuery": text })).await;
        assert_eq!(results["pagination"]["total_count"], 1, "{text}");
        let listing = &results["products"][0];
        assert_eq!(listing["type"], "Tutorial");
        let event = &listing["variations"][0]["events"][0];
        assert_eq!((&event["code"], &event["venue"]), (&json!("CM2-01"), &json!("Quill House")));
        let session = json!({
            "id": event["sessions"][0]["id"], "title": "CM2-01-1", "location": "London", "venue": "Quill House",
            "start_date": "2026-01-10T09:30:00+00:00", "end_date": "2026-01-10T17:00:00+00:00", "sequence": 1,
            "url": null
        });
        assert_eq!(event["sessions"][0], session, "a session without location and venue has those of the event");
        assert_eq!(event["sessions"][1]["sequence"], 2);
    }
}

#[tokio::test]
async fn get_post_and_command_line_return_the_same_document() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let site = Site::serve(&db).await;
    let mut posted = site.search(&json!({"searchQuery": "london", "filters": {"subjects": ["CM2"]}})).await;
    let fetched = site.request("GET", "/api/search/unified?q=london&subjects=CM2").send().await.expect("a response");
    let mut fetched: Value = fetched.json().await.expect("JSON");
    let printed = db.program(&["search", "london", "--json"]).output().expect("runs");
    let mut printed: Value = serde_json::from_slice(&printed.stdout).expect("one document");
    for document in [&mut posted, &mut fetched, &mut printed] {
        document["performance"]["duration"] = json!(0);
    }
    assert_eq!(posted, fetched);
    assert_eq!(posted, printed);
    let table = db.program(&["search", "cm2", "london"]).output().expect("runs");
    let table = String::from_utf8(table.stdout).expect("text");
    assert!(table.contains("CM2-01") && table.contains("1 product"), "{table}");
}

#[tokio::test]
async fn search_that_needs_no_layer_has_the_response_of_the_layers() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    for number in 0..8 {
        create_event(&db, &provider, &format!("CM2-0{number}")).await;
    }
    let site = Site::serve(&db).await;
    let client = reqwest::Client::builder().no_gzip().no_brotli().build().expect("a client");
    let tag = site.request("GET", "/api/search/unified").send().await.expect("a response").headers()["etag"].clone();
    for (path, with_tag, status) in [
        ("/api/search/unified", false, 200),
        ("/api/search/unified/?q=cm2+london&page_size=1&explain=1", false, 200),
        ("/api/search/unified?fields=pagination", false, 200),
        ("/api/search/unified", true, 304),
        ("/api/search/unified?colour=red", false, 400),
        ("/api/search/unified?page=none", false, 400),
        ("/api/search/unified?q=%zz", false, 200),
        ("/api/search/unified//", false, 200),
    ] {
        let send = |encoding: Option<&'static str>| {
            let mut request = client.get(format!("http://{}{path}", site.address));
            if with_tag {
                request = request.header("if-none-match", &tag);
            }
            encoding.into_iter().fold(request, |request, encoding| request.header("accept-encoding", encoding)).send()
        };
        let (direct, layered) =
            (send(None).await.expect("a response"), send(Some("identity")).await.expect("a response"));
        assert_eq!((direct.status().as_u16(), layered.status().as_u16()), (status, status), "{path}");
        let names = |response: &reqwest::Response| {
            let shown =
                response.headers().iter().filter(|(name, _)| !["date", "content-length"].contains(&name.as_str()));
            shown.map(|(name, value)| format!("{name}: {value:?}")).collect::<std::collections::BTreeSet<String>>()
        };
        assert_eq!(names(&direct), names(&layered), "{path}");
        let [direct, layered] = [direct, layered].map(reqwest::Response::text);
        let read = |text: String| {
            let mut document: Value = serde_json::from_str(&text).unwrap_or_default();
            document.as_object_mut().map(|document| document.remove("performance"));
            document
        };
        assert_eq!(read(direct.await.expect("text")), read(layered.await.expect("text")), "{path}");
    }
}

#[tokio::test]
async fn item_says_why_it_was_found_and_marks_the_words() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let rename = "UPDATE acted.tutorial_venues SET name = 'Quill <b>House</b> & Sons'";
    sqlx::raw_sql(rename).execute(&db.pool).await.expect(rename);
    let site = Site::serve(&db).await;
    let response = site.request("GET", "/api/search/unified?q=cm2+hosue&explain=1&highlight=1").send().await;
    let mut fetched: Value = response.expect("a response").json().await.expect("JSON");
    let body = json!({ "searchQuery": "cm2 hosue", "options": { "explain": true, "highlight": true } });
    let mut posted = site.search(&body).await;
    for document in [&mut fetched, &mut posted] {
        document["performance"]["duration"] = json!(0);
    }
    assert_eq!(fetched, posted);
    assert_eq!(fetched["corrected_query"], "cm2 house");
    let item = &fetched["products"][0];
    let words = &item["_explain"]["words"];
    assert_eq!((&words[0]["word"], &words[0]["corrected"]), (&json!("cm2"), &Value::Null));
    assert_eq!((&words[1]["word"], &words[1]["corrected"]), (&json!("hosue"), &json!("house")));
    assert_eq!(words[1]["found_in"]["venue"], json!(["Quill <b>House</b> & Sons"]));
    assert!(item["_explain"]["score"].as_f64().expect("a number") > 0.0);
    assert_eq!(item["_highlight"]["venue"], json!(["Quill &lt;b&gt;<mark>House</mark>&lt;/b&gt; &amp; Sons"]));
    let response = site.request("GET", "/api/search/unified?q=cm2+hosue").send().await.expect("a response");
    let plain: Value = response.json().await.expect("JSON");
    assert_eq!((plain["products"][0].get("_explain"), plain["products"][0].get("_highlight")), (None, None));
}

#[tokio::test]
async fn post_without_body_is_browsing() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    let document = site.request("POST", "/api/search/unified/").send().await.expect("a response");
    let document: Value = document.json().await.expect("JSON");
    assert_eq!(document["products"][0]["variations"][0]["events"], json!([]), "a tutorial always has the key events");
}

#[tokio::test]
async fn known_etag_returns_not_modified_until_the_catalogue_changes() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    let get = || site.request("GET", "/api/search/unified/?q=london");
    let first = get().send().await.expect("a response");
    let (tag, version) = (first.headers()["etag"].clone(), first.headers()["x-catalogue-version"].clone());
    let again = get().header("if-none-match", &tag).send().await.expect("a response");
    assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag));
    create_event(&db, &provider, "CM2-01").await;
    site.follower.reload_now().await.expect("reloaded");
    let changed = get().header("if-none-match", &tag).send().await.expect("a response");
    assert_eq!(changed.status(), 200);
    assert_ne!(changed.headers()["x-catalogue-version"], version);
}

#[tokio::test]
async fn invalid_request_is_a_problem_and_never_a_server_error() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let json = "application/json";
    let too_large = format!("{{\"searchQuery\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let deep = "[".repeat(100_000);
    for (method, path, kind, body, expected) in [
        ("POST", "/api/search/unified/", json, "{", 400),
        ("POST", "/api/search/unified/", json, "[]", 400),
        ("POST", "/api/search/unified", json, "{\"filters\":{\"foo\":[\"1\"]}}", 400),
        ("POST", "/api/search/unified/", json, "{\"pagination\":{\"page\":0}}", 400),
        ("POST", "/api/search/unified/", json, deep.as_str(), 400),
        ("POST", "/api/search/unified/", json, "{\"searchQuery\":\"\\ud800\"}", 400),
        ("POST", "/api/search/unified/", json, too_large.as_str(), 413),
        ("POST", "/api/search/unified/", "text/plain", "{}", 415),
        ("GET", "/api/search/unified/?page=none", json, "", 400),
        ("GET", "/api/search/unified/?subject=CM2", json, "", 400),
        ("DELETE", "/api/search/unified/", json, "", 405),
        ("GET", "/api/nothing/", json, "", 404),
        ("GET", "/nothing", json, "", 404),
    ] {
        let request = site.request(method, path).header("content-type", kind).body(body.to_owned());
        let (status, document) = problem(request.send().await.expect("a response")).await;
        assert_eq!(status, expected, "{method} {path}: {document}");
        assert_eq!(status == 400, document["errors"].is_array(), "{document}");
    }
    let rejected = site.request("DELETE", "/api/search/unified/").send().await.expect("a response");
    assert_eq!(rejected.headers()["allow"], "GET,HEAD,POST");
    let bytes = site.request("POST", "/api/search/unified/").header("content-type", json).body(vec![b'"', 0xff, b'"']);
    assert_eq!(problem(bytes.send().await.expect("a response")).await.0, 400);
}

#[tokio::test]
async fn invalid_body_reports_every_problem() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let body = json!({"searchQuery": 5, "filters": {"foo": []}, "pagination": {"page_size": 101}});
    let request = site.request("POST", "/api/search/unified/").json(&body);
    let (_, document) = problem(request.send().await.expect("a response")).await;
    let errors = document["errors"].as_array().expect("errors").iter();
    let pointers: Vec<&Value> = errors.map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/searchQuery", "/filters/foo", "/pagination/page_size"]);
}

#[tokio::test]
async fn liveness_and_readiness_follow_the_database() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    for path in ["/livez", "/readyz", "/readyz/"] {
        assert_eq!(site.request("GET", path).send().await.expect("a response").status(), 200, "{path}");
    }
    let ready = || async { site.request("GET", "/readyz").send().await.expect("a response").json::<Value>().await };
    let document = ready().await.expect("JSON");
    assert!(document["degraded"].is_null() && document["workers"].is_array(), "{document}");
    db.pool.close().await;
    let document = ready().await.expect("JSON");
    assert_eq!(document["degraded"], json!(["database"]), "searches are answered from memory: {document}");
    let (status, _) = problem(site.request("GET", "/readyz?for=write").send().await.expect("a response")).await;
    assert_eq!(status, 503);
    assert_eq!(site.request("GET", "/livez").send().await.expect("a response").status(), 200);
}

#[tokio::test]
async fn non_http_bytes_are_rejected_and_the_server_continues() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let mut stream = tokio::net::TcpStream::connect(&site.address).await.expect("connected");
    stream.write_all(b"\x16\x03\x01\x02\x00 what\r\n\r\n").await.expect("sent");
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.expect("closed");
    assert!(received.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&received));
    assert_eq!(site.request("GET", "/livez").send().await.expect("a response").status(), 200);
}

#[tokio::test]
async fn page_renders_results_and_escapes_the_query() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let site = Site::serve(&db).await;
    let page = |path: &'static str| {
        let request = site.request("GET", path);
        async move {
            let response = request.send().await.expect("a response");
            (response.status().as_u16(), response.text().await.expect("text"))
        }
    };
    let (status, results) = page("/?q=quill&subjects=").await;
    assert_eq!(status, 200);
    for expected in
        ["CM2-01", "Sat 10 Jan 2026, 09:30 to 17:00", "<mark>Quill</mark> House, London", "12 places left", "1 result"]
    {
        assert!(results.contains(expected), "{expected} is missing in {results}");
    }
    // Its last session is over, so it can no longer be booked.
    assert!(page("/?q=quill&available=true").await.1.contains("No results"));
    let (_, escaped) = page("/?q=%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(!escaped.contains("<script>") && escaped.contains("No results"));
    let (status, invalid) = page("/?starts_from=soon").await;
    assert!(status == 400 && invalid.contains("must be one date"));
}

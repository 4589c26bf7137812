//! What browsers need: CORS, compression, pages instead of JSON, and the problems that the shop reads.

use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

const SHOP: &str = "https://shop.example";

async fn site(origins: &str) -> (TestDb, Site) {
    let db = TestDb::new().await;
    let config = db.config(&[("LECTERN_CORS_ORIGINS", origins)]);
    let site = Site::serve_with(&db, &config).await;
    (db, site)
}

async fn send(site: &Site, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let request =
        headers.iter().fold(site.request(method, path), |request, (name, value)| request.header(*name, *value));
    request.send().await.expect("an answer")
}

fn header(response: &Response, name: &str) -> String {
    let values = response.headers().get_all(name).iter().map(|value| value.to_str().expect("text"));
    values.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn preflight_is_answered_on_every_route_and_lists_what_is_allowed() {
    let (_db, site) = site(SHOP).await;
    for path in
        ["/api/search/unified/", "/api/outbox", "/api/catalogue/subjects/7", "/api/openapi.json", "/no/such/path", "/"]
    {
        let headers = [
            ("origin", SHOP),
            ("access-control-request-method", "PATCH"),
            ("access-control-request-headers", "authorization, content-type"),
        ];
        let answer = send(&site, "OPTIONS", path, &headers).await;
        assert_eq!(answer.status(), 204, "{path}");
        assert_eq!(header(&answer, "access-control-allow-origin"), SHOP, "{path}");
        assert_eq!(header(&answer, "access-control-allow-credentials"), "true", "{path}");
        assert!(header(&answer, "access-control-allow-methods").contains("PATCH"), "{path}");
        let headers = header(&answer, "access-control-allow-headers");
        for name in ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "x-csrftoken"] {
            assert!(headers.contains(name), "{path}: {headers}");
        }
        assert!(header(&answer, "vary").contains("Origin"), "{path}");
        let foreign = send(&site, "OPTIONS", path, &[("origin", "https://other.example")]).await;
        assert_eq!((foreign.status().as_u16(), header(&foreign, "access-control-allow-origin").as_str()), (204, ""));
    }
}

#[tokio::test]
async fn listed_origins_get_credentials_and_any_origin_may_only_search() {
    let (_db, listed) = site(&format!("{SHOP} http://localhost:3000")).await;
    for (origin, allowed) in [
        (SHOP, SHOP),
        ("http://localhost:3000", "http://localhost:3000"),
        ("null", ""),
        ("https://shop.example.evil", ""),
    ] {
        for (path, status) in [("/api/search/default-data/", 200), ("/api/outbox", 401), ("/api/none", 404)] {
            let answer = send(&listed, "GET", path, &[("origin", origin)]).await;
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(header(&answer, "access-control-allow-origin"), allowed, "{origin} {path}");
            assert_eq!(
                header(&answer, "access-control-allow-credentials") == "true",
                !allowed.is_empty(),
                "{origin} {path}"
            );
            let exposed = header(&answer, "access-control-expose-headers");
            for name in ["ETag", "Link", "Retry-After", "RateLimit", "X-Catalogue-Version"] {
                assert_eq!(exposed.contains(name), !allowed.is_empty(), "{origin} {path} {name}");
            }
            assert!(header(&answer, "vary").contains("Origin"), "{origin} {path}");
        }
    }
    let (_db, open) = site("").await;
    for (path, allowed) in [
        ("/api/search/default-data/", "*"),
        ("/api/catalog/navigation-data/", "*"),
        ("/api/outbox", ""),
        ("/api/catalogue/subjects", ""),
    ] {
        let answer = send(&open, "GET", path, &[("origin", SHOP)]).await;
        assert_eq!(header(&answer, "access-control-allow-origin"), allowed, "{path}");
        assert_eq!(header(&answer, "access-control-allow-credentials"), "", "{path}");
    }
}

#[tokio::test]
async fn responses_are_compressed_as_the_client_accepts() {
    let (_db, site) = site("").await;
    let plain = Client::builder().no_gzip().no_brotli().build().expect("a client");
    let url = format!("http://{}/api/openapi.json", site.address);
    let get =
        async |accepted: &str| plain.get(&url).header("accept-encoding", accepted).send().await.expect("an answer");
    let whole = get("identity").await;
    let tag = header(&whole, "etag");
    let whole = whole.bytes().await.expect("a body").len();
    for (accepted, encoding) in [("br", "br"), ("gzip", "gzip"), ("gzip, br;q=1.0", "br"), ("deflate", "")] {
        let answer = get(accepted).await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "content-encoding").as_str()),
            (200, encoding),
            "{accepted}"
        );
        assert!(header(&answer, "vary").to_ascii_lowercase().contains("accept-encoding"), "{accepted}");
        assert_eq!(header(&answer, "etag"), tag, "{accepted}");
        let size = answer.bytes().await.expect("a body").len();
        assert!(encoding.is_empty() || size * 4 < whole, "{accepted}: {size} of {whole}");
    }
    let unchanged = plain.get(&url).header("accept-encoding", "br").header("if-none-match", &tag).send().await;
    assert_eq!(unchanged.expect("an answer").status(), 304);
}

#[tokio::test]
async fn unknown_paths_are_pages_for_browsers_and_problems_for_programs() {
    let (_db, site) = site("").await;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for (path, headers, kind) in [
        ("/no/<b>path", &browser[..], "text/html; charset=utf-8"),
        ("/no/path", &[("accept", "application/json")], "application/problem+json"),
        ("/no/path", &[], "application/problem+json"),
        ("/api/no/path", &browser, "application/problem+json"),
        ("/api", &browser, "application/problem+json"),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = send(&site, method, path, headers).await;
            assert_eq!(
                (answer.status().as_u16(), header(&answer, "content-type").as_str()),
                (404, kind),
                "{method} {path}"
            );
            let is_page = kind.starts_with("text/html");
            assert_eq!(header(&answer, "content-security-policy").contains("default-src 'none'"), is_page, "{path}");
            let text = answer.text().await.expect("a body");
            assert!(!text.contains("<b>path"), "{text}");
        }
        let wrong = send(&site, "POST", path, headers).await;
        assert_eq!(
            (wrong.status().as_u16(), header(&wrong, "content-type").as_str()),
            (404, "application/problem+json")
        );
    }
    for (method, path) in [("DELETE", "/api/search/unified"), ("PUT", "/"), ("POST", "/docs"), ("TRACE", "/api/outbox")]
    {
        let answer = send(&site, method, path, &browser).await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "content-type").as_str()),
            (405, "application/problem+json")
        );
        assert!(header(&answer, "allow").contains("GET"), "{method} {path}");
    }
}

#[tokio::test]
async fn problems_of_the_shop_have_error_and_details() {
    let (_db, site) = site("").await;
    let post = |body: Value| site.request("POST", "/api/search/unified/").json(&body).send();
    let problem: Value = post(json!({ "filters": { "colour": ["red"] }, "pagination": { "page": 0 } }))
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!((&problem["status"], &problem["error"]), (&json!(400), &problem["detail"]));
    let details = problem["details"].as_object().expect("an object");
    assert_eq!(details.keys().map(String::as_str).collect::<Vec<_>>(), ["filters/colour", "pagination/page"]);
    assert!(details.values().all(|messages| messages[0].is_string()), "{details:?}");
    let broken = site.request("POST", "/api/search/unified/").header("content-type", "application/json").body("{");
    let problem: Value = broken.send().await.expect("an answer").json().await.expect("JSON");
    assert!(problem["error"].is_string() && problem["details"]["non_field_errors"][0].is_string(), "{problem}");
    let missing: Value = send(&site, "GET", "/api/tutorials/products/", &[]).await.json().await.expect("JSON");
    assert!(missing["error"].is_string() && missing["details"]["exam_session"].is_array(), "{missing}");
    let other: Value = send(&site, "GET", "/api/outbox", &[]).await.json().await.expect("JSON");
    assert!(other.get("error").is_none() && other.get("details").is_none(), "{other}");
}

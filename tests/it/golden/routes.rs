//! Every HTTP route with every method: its status and content type, without a token and with an admin's.

use super::golden_text;
use super::served::Served;
use super::sides::Sides;

/// The paths of all routes, with numbers in place of their parameters; no record has the id 99.
pub const PATHS: [&str; 39] = [
    "/",
    "/livez",
    "/readyz",
    "/api/search/unified",
    "/api/search/default-data",
    "/api/search/fuzzy?q=cm2",
    "/api/search/advanced-fuzzy?q=cm2",
    "/api/outbox",
    "/api/outbox/retry",
    "/api/outbox/99/resolve",
    "/api/imports",
    "/api/imports/1",
    "/api/imports/99",
    "/api/imports/99/report",
    "/api/imports/99/publish",
    "/api/imports/99/retry",
    "/api/imports/99/undo",
    "/api/imports/99/events",
    "/api/imports/product-mappings/",
    "/api/imports/product-mappings/99/",
    "/api/syncs",
    "/api/syncs/99",
    "/api/outbox/",
    "/api/catalogue/subjects",
    "/api/catalogue/subjects/99",
    "/api/catalogue/exam-sessions/99/copy",
    "/api/catalog/navigation-data",
    "/api/tutorials/list",
    "/api/tutorials/events/99/history",
    "/api/openapi.json",
    "/docs",
    "/api/tutorials/events",
    "/api/tutorials/events/99",
    "/api/tutorials/events/99/publish",
    "/api/tutorials/events/99/cancel",
    "/api/tutorials/events/99/sessions/order",
    "/api/tutorials/sessions/99",
    "/webhooks/administrate",
    "/no/such/path",
];

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

#[tokio::test(flavor = "multi_thread")]
async fn status_and_type_of_every_route_are_golden() {
    let sides = Sides::new().await;
    let (_, made) = sides.run(&["token", "create", "--name", "x", "--role", "admin"]).await;
    let token = made["token"].as_str().expect("a secret");
    let served = Served::start(&sides, &["--no-worker"]).await;
    let mut text = String::new();
    for path in PATHS {
        for method in METHODS {
            let mut line = format!("{method:7} {path}");
            for token in [None, Some(token)] {
                let request = served.request(method, path);
                let request = token.map_or(request.try_clone(), |token| Some(request.bearer_auth(token)));
                let response = request.expect("no stream").send().await.expect("an answer");
                let kind = response.headers().get("content-type").map(|kind| kind.to_str().expect("text"));
                line += &format!(" | {} {}", response.status().as_u16(), kind.unwrap_or("-"));
            }
            text += &format!("{line}\n");
        }
    }
    golden_text("routes", &text);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_of_wrong_requests_are_golden() {
    let sides = Sides::new().await;
    let (_, made) = sides.run(&["token", "create", "--name", "x", "--role", "admin"]).await;
    let token = made["token"].as_str().expect("a secret");
    let served = Served::start(&sides, &["--no-worker"]).await;
    let mut text = String::new();
    for (method, path, body) in [
        ("POST", "/api/syncs", "{"),
        ("POST", "/api/syncs", "[]"),
        ("POST", "/api/syncs", "{}"),
        ("POST", "/api/syncs", r#"{"entity": 1}"#),
        ("POST", "/api/syncs", r#"{"entity": "rooms"}"#),
        ("POST", "/api/syncs", r#"{"entity": "all", "x": 1}"#),
        ("POST", "/api/syncs", r#"{"entity": "all", "only": [""]}"#),
        ("POST", "/api/syncs", r#"{"entity": "all", "only": ["\u0000"]}"#),
        ("POST", "/api/syncs", r#"{"entity": "venues", "skip_errors": true}"#),
        ("POST", "/api/outbox/retry", r#"{"ids": "1"}"#),
        ("POST", "/api/outbox/retry", r#"{"ids": [99]}"#),
        ("POST", "/api/outbox/1/resolve", "{}"),
        ("POST", "/api/outbox/1/resolve", r#"{"recreate": false}"#),
        ("POST", "/api/outbox/1/resolve", r#"{"delivered": " "}"#),
        ("POST", "/api/outbox/1/resolve", r#"{"recreate": true, "delivered": "x"}"#),
        ("POST", "/api/search/unified", r#"{"page": 0}"#),
        ("POST", "/api/search/unified", r#"{"page": "x"}"#),
        ("POST", "/api/search/unified", r#"{"page_size": 100000}"#),
        ("POST", "/api/search/unified", r#"{"filters": 1}"#),
        ("GET", "/api/search/unified?page=0", ""),
        ("GET", "/api/search/unified?page=x", ""),
        ("GET", "/api/search/fuzzy?q=cm2&min_score=x", ""),
        ("GET", "/api/search/fuzzy?q=cm2&limit=0", ""),
        ("GET", "/api/outbox?all=perhaps", ""),
        ("GET", "/api/imports?limit=0", ""),
        ("GET", "/api/syncs?cursor=x", ""),
    ] {
        let request = served.request(method, path).bearer_auth(token).header("content-type", "application/json");
        let response = request.body(body).send().await.expect("an answer");
        let status = response.status().as_u16();
        let document: serde_json::Value = response.json().await.expect("JSON");
        let errors = document["errors"].as_array().into_iter().flatten();
        let errors: Vec<String> = errors.map(|one| format!("{} {}", one["pointer"], one["code"])).collect();
        let keys: Vec<&String> = document.as_object().expect("an object").keys().collect();
        text += &format!("{method} {path} {body} | {status} {keys:?} {}\n", errors.join(", "));
    }
    golden_text("request_errors", &text);
}

//! The description of the API is complete: each route is described, each description is a route, and each parameter is known.

use std::collections::{BTreeMap, BTreeSet};

use lectern::http::state::ServerState;
use lectern::search::read_model::follow::Follower;
use lectern::serve::{self, Limits};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::fixtures::site::{Site, token};
use crate::fixtures::test_db::TestDb;
use lectern::identity::Role;

/// The routes for programs that are not under `/api`. Every other route outside is a page, or a file of one.
const FOR_PROGRAMS: [&str; 4] = ["/livez", "/readyz", "/docs", "/webhooks/administrate"];

/// Returns the paths of the router, as it prints itself.
async fn routes(db: &TestDb) -> BTreeSet<String> {
    let follower = Follower::open(db.pool.clone()).await.expect("the catalogue");
    let state = ServerState::new(&db.pool, &db.config(&[]), &CancellationToken::new());
    let app = format!("{:?}", serve::cli::site(&state, follower, Limits::default()).router());
    let known = app.split("): \"").skip(1).filter_map(|rest| rest.split('"').next());
    known.filter(|path| path.starts_with("/api/") || FOR_PROGRAMS.contains(path)).map(str::to_owned).collect()
}

fn operations(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths.map(|(path, all)| (path.clone(), all.as_object().expect("operations").keys().cloned().collect())).collect()
}

fn each_operation(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    document["paths"].as_object().expect("paths").iter().flat_map(|(path, all)| {
        all.as_object().expect("operations").iter().map(move |(method, one)| (format!("{method} {path}"), one))
    })
}

/// Follows a reference.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference} does not exist")),
        None => value,
    }
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_a_route() {
    let db = TestDb::new().await;
    let document = serve::description::document(&db.config(&[]));
    let described = operations(&document);
    let known = routes(&db).await;
    assert!(known.contains("/api/catalogue/subjects/{id}"), "the router prints its paths: {known:?}");
    assert_eq!(described.keys().cloned().collect::<BTreeSet<_>>(), known);
    let site = Site::serve(&db).await;
    for (path, methods) in described {
        let path = path.replace("{id}", "1").replace("{run}", "1").replace("{product}", "1");
        // No route accepts it: the header lists those that are accepted.
        let answer = site.request("TRACE", &path).send().await.expect("an answer");
        let allowed = answer.headers()["allow"].to_str().expect("text").to_ascii_lowercase();
        let allowed: BTreeSet<String> = allowed.split(',').filter(|name| *name != "head").map(str::to_owned).collect();
        assert_eq!(allowed, methods, "{path}");
    }
}

#[tokio::test]
async fn every_described_parameter_is_accepted_and_no_other() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let secret = token(&db, Role::Admin).await;
    let document = serve::description::document(&db.config(&[]));
    for (name, operation) in each_operation(&document) {
        let (method, path) = name.split_once(' ').expect("two words");
        if !path.starts_with("/api/") {
            continue;
        }
        let path = path.replace("{id}", "9").replace("{run}", "9").replace("{product}", "9");
        let request = site.request(&method.to_uppercase(), &format!("{path}?nonsense=1")).bearer_auth(&secret);
        let problem: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        let message =
            problem["errors"][0]["message"].as_str().unwrap_or_else(|| panic!("{name}: {problem}")).to_owned();
        let known: BTreeSet<String> = match message.split_once(": use ") {
            Some((_, names)) => names.split(", ").map(str::to_owned).collect(),
            None => BTreeSet::new(),
        };
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let described = parameters.map(|one| resolved(&document, one)).filter(|one| one["in"] == "query");
        let described: BTreeSet<String> =
            described.map(|one| one["name"].as_str().expect("a name").to_owned()).collect();
        assert_eq!(described, known, "{name}: {message}");
    }
}

#[tokio::test]
async fn operations_are_complete() {
    let db = TestDb::new().await;
    let document = serve::description::document(&db.config(&[]));
    let mut ids = BTreeSet::new();
    for (name, operation) in each_operation(&document) {
        for member in ["operationId", "summary", "description"] {
            assert!(operation[member].as_str().is_some_and(|text| !text.is_empty()), "{name}: {member}");
        }
        assert!(ids.insert(operation["operationId"].to_string()), "{name}");
        let tag = operation["tags"][0].as_str().expect("a tag");
        assert!(document["tags"].as_array().expect("tags").iter().any(|known| known["name"] == tag), "{name}: {tag}");
        let needs_token = operation.get("security").is_none();
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let response = resolved(&document, response);
            assert!(!response["description"].as_str().expect("text").is_empty(), "{name} {status}");
            if status.starts_with(['4', '5']) && status != "414" {
                let schema = &response["content"]["application/problem+json"]["schema"];
                assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{name} {status}");
            }
            for media in response["content"].as_object().into_iter().flat_map(|content| content.values()) {
                resolved(&document, &media["schema"]);
            }
            if response["content"]["application/json"].is_object() {
                assert!(response["content"]["application/json"].get("example").is_some(), "{name} {status}");
            }
        }
        let is_signed = operation["security"][0].get("signature").is_some();
        assert!(operation["responses"].get("401").is_some() || !(needs_token || is_signed), "{name}");
        let body = &operation["requestBody"]["content"]["application/json"];
        assert!(body.is_null() || body.get("example").is_some(), "{name}: an example");
    }
}

#[tokio::test]
async fn command_and_server_print_the_same_document_and_a_page_with_calls() {
    let db = TestDb::new().await;
    let site = Site::serve(&db).await;
    let served: Value =
        site.request("GET", "/api/openapi.json").send().await.expect("an answer").json().await.expect("JSON");
    for arguments in [&["openapi"][..], &["--json", "openapi"]] {
        let output = db.program(arguments).output().expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(printed, served, "{arguments:?}");
    }
    let answer = site.request("GET", "/docs/").send().await.expect("an answer");
    let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = answer.text().await.expect("a page");
    for inside in ["<style", "style=", "<script>", "@import", "url("] {
        assert!(!page.contains(inside), "{inside}");
    }
    let loaded = page.split("src=\"").skip(1).chain(page.split("<link rel=\"stylesheet\" href=\"").skip(1));
    assert!(loaded.into_iter().all(|path| path.starts_with("/assets/")), "nothing comes from other hosts");
    for (name, operation) in each_operation(&served) {
        let id = operation["operationId"].as_str().expect("an id");
        assert!(page.contains(&format!("id=\"{id}\"")), "{name}");
    }
    assert_eq!(
        page.matches("<pre tabindex=\"0\"><code>curl ").count(),
        each_operation(&served).count(),
        "one call for each operation"
    );
}

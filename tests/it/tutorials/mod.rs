//! Tutorials: the operations on events, and the API on a real database and a real socket.

mod clashes;
mod common;
mod delivery;
mod events;
mod operations;
mod rules;
mod statements;
mod time_zones;

use lectern::identity::Role;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::fixtures::provider::Provider;
use crate::fixtures::site::{Site, token};
use crate::fixtures::test_db::TestDb;

/// A server with the records of a provider, and an operator's token.
struct Tutorials {
    site: Site,
    token: String,
    provider: Provider,
}

impl Tutorials {
    async fn new(db: &TestDb) -> Tutorials {
        let provider = Provider::insert(db).await;
        Tutorials::of(db, provider).await
    }

    async fn of(db: &TestDb, provider: Provider) -> Tutorials {
        let site = Site::serve(db).await;
        let token = token(db, Role::Operator).await;
        Tutorials { site, token, provider }
    }

    /// Returns a request of the operator. `path` begins after `/api/tutorials/`.
    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.token)
    }

    fn anonymous(&self, method: &str, path: &str) -> RequestBuilder {
        self.site.request(method, &format!("/api/tutorials/{path}"))
    }

    /// Sends a body and returns status and document.
    async fn json(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        answer(self.request(method, path).json(&body)).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request("GET", path)).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        answer(self.request("DELETE", path)).await
    }

    /// Creates a document and returns it.
    async fn create(&self, path: &str, body: Value) -> Value {
        let (status, document) = self.json("POST", path, body.clone()).await;
        assert_eq!(status, 201, "{path} {body}: {document}");
        document
    }

    async fn create_id(&self, path: &str, body: Value) -> i64 {
        self.create(path, body).await["id"].as_i64().expect("an id")
    }

    /// Returns the body of an event without place.
    fn event(&self, code: &str) -> Value {
        json!({ "code": code, "product_id": self.provider.product, "start_date": "2026-06-01", "end_date": "2026-06-30" })
    }

    /// Returns the ids of a list.
    async fn ids(&self, path: &str) -> Vec<i64> {
        let (status, list) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {list}");
        list["results"].as_array().expect("a list").iter().map(|row| row["id"].as_i64().expect("an id")).collect()
    }
}

/// Returns the body of a session on a day of June 2026.
fn session(title: &str, day: u8, hours: (u8, u8)) -> Value {
    let at = |hour: u8| format!("2026-06-{day:02}T{hour:02}:00:00+01:00");
    json!({ "title": title, "start_date": at(hours.0), "end_date": at(hours.1) })
}

/// Adds fields to a body.
fn with(mut body: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    status_and_document(request.send().await.expect("an answer")).await
}

async fn status_and_document(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    assert!(!text.contains("SELECT") && !text.contains("INSERT"), "{text}");
    (status, serde_json::from_str(&text).unwrap_or_default())
}

/// Returns the pointers of a problem with their codes.
fn pointers(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors
        .iter()
        .map(|error| (error["pointer"].as_str().expect("text"), error["code"].as_str().expect("text")))
        .collect()
}

//! The catalogue over HTTP, on a real database and a real socket.

mod common;
mod copy;
mod deletion;
mod documents;
mod examples;
mod lists;
mod statements;

use lectern::identity::Role;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::fixtures::site::{Site, token};
use crate::fixtures::test_db::TestDb;

/// A server and an operator's token.
struct Catalogue {
    db: TestDb,
    site: Site,
    token: String,
}

impl Catalogue {
    async fn new() -> Catalogue {
        Catalogue::of(TestDb::new().await).await
    }

    async fn of(db: TestDb) -> Catalogue {
        let site = Site::serve(&db).await;
        let token = token(&db, Role::Operator).await;
        Catalogue { db, site, token }
    }

    /// Returns a request of the operator. `path` begins after `/api/catalogue/`.
    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.site.request(method, &format!("/api/catalogue/{path}")).bearer_auth(&self.token)
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.expect("an answer")
    }

    /// Sends a body and returns status and document.
    async fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        status_and_document(self.send(method, path, body).await).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        status_and_document(self.request("GET", path).send().await.expect("an answer")).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        status_and_document(self.request("DELETE", path).send().await.expect("an answer")).await
    }

    /// Creates a row and returns its id.
    async fn create(&self, path: &str, body: Value) -> i64 {
        let (status, document) = self.json("POST", path, &body).await;
        assert_eq!(status, 201, "{path} {body}: {document}");
        document["id"].as_i64().expect("an id")
    }

    async fn execute(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.db.pool).await.expect(sql);
    }
}

/// Creates, replaces and deletes a document of each resource, and returns the database.
pub async fn write_every_resource(db: TestDb) -> TestDb {
    let catalogue = Catalogue::of(db).await;
    for example in examples::examples(&catalogue).await {
        let id = catalogue.create(example.path, example.body).await;
        let item = format!("{}/{id}", example.path);
        let (status, document) = catalogue.get(&item).await;
        assert_eq!(status, 200, "{item}: {document}");
        for name in &example.nullable {
            assert_eq!(catalogue.json("PATCH", &item, &serde_json::json!({ *name: null })).await.0, 200, "{item}");
        }
        assert_eq!(catalogue.json("PUT", &item, &document).await.0, 200, "{item}");
        assert_eq!(catalogue.delete(&item).await.0, 204, "{item}");
    }
    catalogue.db
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
